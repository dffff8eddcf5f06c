//! Accounts in a real OpenLDAP, behind a gate; our user there may read the people and write their passwords, and nothing
//! else.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rekey_tests::stage::{ADMIN, BASE, Gate, LOWLY, PASSWORD, Slapd, SlapdOptions, Way};

use crate::team::{Change, Team, Trouble, old_hash, people};

const PEOPLE: &str = "ou=people";
/// Where they are when they cannot be found.
const ELSEWHERE: &str = "ou=moved";

/// How passwords are written there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writes {
    /// Our hash.
    Hash,
    /// RFC 3062: the server hashes, and which hash it wrote nobody knows.
    ModifyPassword,
}

pub(crate) struct LdapTeam {
    slapd: Slapd,
    gate: Gate,
    secret: PathBuf,
    writes: Writes,
}

impl LdapTeam {
    pub(crate) fn new(dir: &Path, writes: Writes) -> Self {
        let slapd = Slapd::start(&options("write", ""));
        let slapd = slapd.unwrap_or_else(|fault| panic!("{fault}"));
        let secret = dir.join("ldap.password");
        std::fs::write(&secret, PASSWORD).unwrap();
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
        let gate = Gate::before(([127, 0, 0, 1], slapd.port()).into()).unwrap();
        Self { slapd, gate, secret, writes }
    }

    fn set(&self, who: &str, name: &str, value: &[u8]) {
        let values = if value.is_empty() { [].into() } else { [value].into() };
        let mods = vec![ldap3::Mod::Replace(name.as_bytes(), values)];
        self.as_admin(async |admin| {
            admin.modify(&dn(who), mods).await.unwrap().success().unwrap();
        });
    }

    fn move_people(&self, from: &str, to: &str) {
        self.as_admin(async |admin| {
            let moved = admin.modifydn(&format!("{from},{BASE}"), to, true, None).await;
            moved.unwrap().success().unwrap();
        });
    }

    fn as_admin<T>(&self, work: impl AsyncFnOnce(&mut ldap3::Ldap) -> T) -> T {
        self.bound(ADMIN, PASSWORD, async |admin, code| {
            assert_eq!(code, 0);
            work(admin).await
        })
    }

    /// At the server itself, not through the gate.
    fn bound<T>(
        &self,
        dn: &str,
        password: &str,
        work: impl AsyncFnOnce(&mut ldap3::Ldap, u32) -> T,
    ) -> T {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let (connection, mut ldap) =
                ldap3::LdapConnAsync::new(&self.slapd.url()).await.unwrap();
            tokio::spawn(connection.drive());
            let code = ldap.simple_bind(dn, password).await.unwrap().rc;
            work(&mut ldap, code).await
        })
    }
}

impl Team for LdapTeam {
    fn toml(&self) -> (String, String) {
        let write = match self.writes {
            Writes::Hash => "hash",
            Writes::ModifyPassword => "modify-password",
        };
        let top = "directory = \"ldap\"\npassword.format = \"ldap-argon2id\"".to_owned();
        let section = format!(
            "[ldap]\nurl = \"ldap://{}\"\nuser = \"{LOWLY}\"\npassword = \"file:{}\"\nbase = \"{PEOPLE},{BASE}\"\n\
             timeout = \"1s\"\nwrite = \"{write}\"\nattributes.status = \"employeeType\"\nactive = \"staff\"\n",
            self.gate.addr(),
            self.secret.display(),
        );
        (top, section)
    }

    fn change(&self, who: &str, change: &Change) {
        match change {
            Change::Password => self.set(who, "userPassword", b"another password"),
            Change::Address => self.set(who, "mail", format!("was-{who}").as_bytes()),
            Change::Disabled => self.set(who, "employeeType", b"gone"),
            Change::Hash(text) => self.set(who, "userPassword", text.as_bytes()),
        }
    }

    fn has_password(&self, who: &str, password: &str) -> bool {
        self.bound(&dn(who), password, async |_, code| code == 0)
    }

    fn mark(&self, who: &str) -> String {
        self.as_admin(async |admin| {
            let all = "(objectClass=*)";
            let found = admin.search(&dn(who), ldap3::Scope::Base, all, ["userPassword"]).await;
            let (entries, _) = found.unwrap().success().unwrap();
            format!(
                "{:?}",
                ldap3::SearchEntry::construct(entries.into_iter().next().unwrap()).attrs
            )
        })
    }

    fn afflict(&mut self, trouble: Trouble) -> bool {
        match trouble {
            Trouble::Gone => self.gate.set(Way::Shut),
            Trouble::Slow => self.gate.set(Way::Stalled),
            Trouble::ReadOnly => {
                self.slapd.reconfigure(&options("write", "readonly on\n")).unwrap()
            }
            Trouble::NoRight => self.slapd.reconfigure(&options("read", "")).unwrap(),
            Trouble::Missing => self.move_people(PEOPLE, ELSEWHERE),
        }
        true
    }

    fn mend(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Gone | Trouble::Slow => self.gate.set(Way::Open),
            Trouble::ReadOnly | Trouble::NoRight => {
                self.slapd.reconfigure(&options("write", "")).unwrap();
            }
            Trouble::Missing => self.move_people(ELSEWHERE, PEOPLE),
        }
    }

    fn gate(&self) -> Option<(&Gate, &[u8])> {
        let words: &[u8] = match self.writes {
            // A hash goes to the server in a modification alone.
            Writes::Hash => b"{ARGON2}$argon2id",
            Writes::ModifyPassword => b"1.3.6.1.4.1.4203.1.11.1",
        };
        Some((&self.gate, words))
    }

    fn shows_hashes(&self) -> bool {
        self.writes == Writes::Hash
    }
}

fn options(right: &str, more: &str) -> SlapdOptions {
    let mut entries = String::new();
    for (mail, phone, active) in people() {
        let (uid, staff) = (uid(&mail), if active { "staff" } else { "gone" });
        entries.push_str(&format!(
            "dn: uid={uid},{PEOPLE},{BASE}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: {uid}\nmail: {mail}\n\
             mobile: {phone}\nemployeeType: {staff}\nuserPassword: {{ARGON2}}{}\n\n",
            old_hash()
        ));
    }
    let database = format!(
        "access to attrs=userPassword by dn.exact=\"{LOWLY}\" {right} by anonymous auth\n\
         access to * by dn.exact=\"{LOWLY}\" read by * auth\n{more}"
    );
    SlapdOptions { database, entries, ..SlapdOptions::default() }
}

fn dn(who: &str) -> String {
    format!("uid={},{PEOPLE},{BASE}", uid(who))
}

/// None of a name that a password in a test has in it.
fn uid(mail: &str) -> String {
    // Also of who was given another address meanwhile.
    let mail = mail.strip_prefix("was-").unwrap_or(mail);
    let at = people().iter().position(|(known, ..)| known == mail);
    format!("person-{}", at.unwrap())
}
