//! Accounts of an OpenLDAP, which hashes new passwords itself; the app's log-in is a simple bind.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::{App, scripts, secret};
use crate::stage::{ADMIN, BASE, Fault, PASSWORD, Slapd, SlapdOptions, Staged};

/// The server, and whose entry an address leads to.
#[derive(Debug)]
pub(super) struct Company {
    slapd: Mutex<Slapd>,
    url: String,
    password: PathBuf,
    entries: Mutex<BTreeMap<String, String>>,
}

impl Company {
    pub(super) fn start(dir: &Path) -> Staged<Self> {
        let slapd = Slapd::start(&SlapdOptions::default())?;
        let password = secret(dir, "ldap.password", PASSWORD)?;
        let url = slapd.url();
        Ok(Self { slapd: Mutex::new(slapd), url, password, entries: Mutex::default() })
    }

    fn socket(&self) -> PathBuf {
        PathBuf::from(self.url.trim_start_matches("ldapi://").replace("%2F", "/"))
    }
}

impl App for Company {
    fn kind(&self) -> &'static str {
        "ldap"
    }

    fn sections(&self) -> String {
        let (url, password) = (&self.url, self.password.display());
        format!(
            "[ldap]\nurl = \"{url}\"\nuser = \"{ADMIN}\"\npassword = \"file:{password}\"\nbase = \"{BASE}\"\n\
             attributes.id = \"uid\"\n"
        )
    }

    /// The server rests meanwhile, for its files are written.
    fn add(&self, people: &[Value]) -> Staged<()> {
        let mut text = String::new();
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        for (person, hash) in people.iter().zip(scripts::make("openldap.py", "SSHA", people)?) {
            let of = |name: &str| person[name].as_str().unwrap_or_default().to_owned();
            let (id, dn) = (of("id"), format!("uid={},ou=people,{BASE}", of("id")));
            let hash = hash.as_str().unwrap_or_default().to_owned();
            text.push_str(&format!("dn: {dn}\nobjectClass: inetOrgPerson\nuid: {id}\ncn: {id}\nsn: {id}\nuserPassword: {hash}\n"));
            for (attribute, name) in [("mail", "email"), ("mobile", "phone")] {
                if !of(name).is_empty() {
                    text.push_str(&format!("{attribute}: {}\n", of(name)));
                }
            }
            text.push('\n');
            entries.insert(of("email"), dn);
        }
        self.slapd.lock().unwrap_or_else(PoisonError::into_inner).fill(&text)
    }

    fn is_password(&self, email: &str, password: &str) -> Staged<bool> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let dn =
            entries.get(email).ok_or_else(|| Fault::new("no entry", "nobody has this address"))?;
        match bind(&self.socket(), dn, password)? {
            0 => Ok(true),
            49 => Ok(false),
            code => Err(Fault::new("slapd answers a bind with", code.to_string())),
        }
    }

    fn judge(&self) -> &'static str {
        "a simple bind"
    }

    fn place(&self) -> String {
        format!("OpenLDAP, below ou=people,{BASE} at {}", self.url)
    }
}

/// RFC 4511, 4.2: a simple bind, and the code of its answer.
fn bind(socket: &Path, dn: &str, password: &str) -> Staged<u8> {
    let who = [tagged(0x02, &[3]), tagged(0x04, dn.as_bytes()), tagged(0x80, password.as_bytes())]
        .concat();
    let request = tagged(0x30, &[tagged(0x02, &[1]), tagged(0x60, &who)].concat());
    let mut door = UnixStream::connect(socket)?;
    door.write_all(&request)?;
    let mut answer = [0; 512];
    let read = door.read(&mut answer)?;
    let code = answer[..read].windows(3).find(|three| three[..2] == [0x0a, 0x01]);
    code.map(|three| three[2]).ok_or_else(|| Fault::new("slapd", "answers no bind"))
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&[tag, 0x82], &length[..], content].concat()
}
