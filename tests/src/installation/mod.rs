//! A whole installation on this machine: mail server, spool for texts, sidecar, app, and Envoy with the shipped wiring or
//! `rekey edge`.
//! The demo, `up` and the flow tests stand on it. Everything stops when it is dropped.

mod accounts;
mod front;
mod person;

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use contract::signature::hex;
use serde_json::{Value, json};

pub use accounts::Home;
pub use front::Gateway;
pub use person::{Person, invite, line_of};

use self::accounts::Accounts;
use self::front::{Behind, Front};
use crate::http::Call;
use crate::stage::{App, EnvoyOptions, Fault, Mailbox, Sidecar, Staged, Texts, rekey, until};

const FIRST_PORT: u16 = 12_000;
const PORTS: u16 = 20_000;

/// What an installation is started with.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where it keeps its files; must be empty or missing.
    pub home: PathBuf,
    /// The gateway's port.
    pub port: u16,
    pub gateway: Gateway,
    /// Where the accounts live.
    pub accounts: Home,
    /// Lines for the sidecar's `[limits]`.
    pub limits: &'static str,
    /// More sections of the sidecar's configuration.
    pub sections: String,
    /// The language of a dialect whose answers have a configured one: its name and the tag.
    pub language: Option<(&'static str, &'static str)>,
}

/// A running installation.
#[derive(Debug)]
pub struct Installation {
    front: Front,
    accounts: Accounts,
    sidecar: Sidecar,
    pub app: App,
    mailbox: Mailbox,
    pub texts: Texts,
    places: Places,
}

/// Where things lie.
#[derive(Clone, Debug)]
pub struct Places {
    pub base_url: String,
    pub maildir: PathBuf,
    pub texts: PathBuf,
}

/// What the programs wrote.
#[derive(Clone, Debug)]
pub struct Logs {
    pub access: String,
    pub gateway: String,
    pub sidecar: String,
}

impl Installation {
    /// Starts everything, telling `progress` before each step.
    ///
    /// # Errors
    /// Something is not built or installed, or does not start.
    pub fn start(plan: &Plan, progress: &mut dyn FnMut(&str)) -> Staged<Self> {
        let places = Places::of(plan);
        progress("starting the mail server (aiosmtpd)");
        let mailbox = open_mailbox(&plan.home, &places.maildir)?;
        progress("starting the app (it echoes its requests)");
        let app = App::start()?;
        progress("starting the sidecar (rekey serve)");
        let shelf = plan.home.join("rekey");
        fs::create_dir_all(&shelf)?;
        let edge_key = draw_key(&shelf.join("edge.key"))?;
        let mut edge = shipped_edge(&places.base_url)?;
        if let Some((dialect, tag)) = plan.language {
            edge["dialects"][dialect]["language"] = json!(tag);
        }
        if plan.accounts != Home::Embedded {
            progress("starting the app's directory of accounts");
        }
        let accounts = Accounts::start(plan.accounts, &shelf)?;
        let toml = sidecar_toml(plan, &places, &edge, mailbox.addr(), &accounts);
        draw_password_keys(&toml, &shelf)?;
        let sidecar = Sidecar::start(&toml, &shelf)?;
        keep_doors(&sidecar, toml)?;
        progress(match plan.gateway {
            Gateway::Envoy => "starting the gateway (Envoy with envoy/envoy.yaml and our filter)",
            Gateway::Edge => "starting the gateway (rekey edge)",
        });
        let behind = Behind {
            app: app.addr(),
            public: sidecar.addr("public")?,
            signed: sidecar.addr("signed")?,
        };
        let front = Front::start(plan.gateway, plan.port, behind, &edge, &edge_key)?;
        let texts = Texts::new(&places.texts);
        Ok(Self { front, accounts, sidecar, app, mailbox, texts, places })
    }

    /// Adds accounts to the directory: all of them, or none.
    ///
    /// # Errors
    /// `rekey account import`, or the app's own server, refuses them; the fault says why.
    pub fn import(&self, lines: &str) -> Staged<()> {
        if self.accounts.add(lines)? {
            return Ok(());
        }
        let told = self.sidecar.rekey(&["account", "import", "-"], lines)?;
        if told.status.success() {
            return Ok(());
        }
        Err(Fault::new("the accounts were not imported", format!("{}{}", told.out, told.err)))
    }

    /// Whether this is the password of the account with this address.
    ///
    /// # Errors
    /// [`Self::judge`] says neither.
    pub fn is_password(&self, who: &str, password: &str) -> Staged<bool> {
        if let Some(said) = self.accounts.is_password(who, password)? {
            return Ok(said);
        }
        let told = self.sidecar.rekey(&["account", "verify", who], &format!("{password}\n"))?;
        match (told.status.code(), told.out.trim()) {
            (Some(0), "the password is right") => Ok(true),
            (Some(1), "the password is wrong") => Ok(false),
            _ => Err(Fault::new("rekey account verify", format!("{}{}", told.out, told.err))),
        }
    }

    /// Who says whether a password is right: the app's own log-in, where it has one.
    #[must_use]
    pub fn judge(&self) -> &'static str {
        self.accounts.judge()
    }

    /// Where the accounts live, for people.
    #[must_use]
    pub fn place(&self) -> String {
        self.accounts.place()
    }

    /// Runs `rekey` beside the sidecar; what it says.
    ///
    /// # Errors
    /// It refuses, and says why.
    pub fn rekey(&self, line: &str) -> Staged<String> {
        let words: Vec<&str> = line.split(' ').collect();
        let told = self.sidecar.rekey(&words, "")?;
        if told.status.success() {
            return Ok(told.out);
        }
        Err(Fault::new("rekey", format!("{line}: {}{}", told.out, told.err)))
    }

    /// What `rekey why` tells of an address.
    ///
    /// # Errors
    /// The command fails.
    pub fn why(&self, address: &str) -> Staged<String> {
        self.rekey(&format!("why {address}"))
    }

    #[must_use]
    pub const fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    #[must_use]
    pub const fn places(&self) -> &Places {
        &self.places
    }

    /// Where clients connect.
    #[must_use]
    pub fn gateway(&self) -> SocketAddr {
        self.front.addr()
    }

    /// The sidecar's process, and the configuration by which it can be started again at the same doors.
    #[must_use]
    pub fn sidecar_again(&self) -> (u32, &Path) {
        (self.sidecar.id(), self.sidecar.config())
    }

    /// The sidecar's address for operators.
    ///
    /// # Errors
    /// It is not known.
    pub fn sidecar_admin(&self) -> Staged<SocketAddr> {
        self.sidecar.addr("admin")
    }

    /// The gateway's address for operators.
    ///
    /// # Errors
    /// It is not known.
    pub fn gateway_admin(&self) -> Staged<SocketAddr> {
        self.front.admin()
    }

    #[must_use]
    pub fn logs(&self) -> Logs {
        let (access, gateway) = self.front.logs();
        Logs { access, gateway, sidecar: self.sidecar.log() }
    }

    /// Stops gateway and sidecar, which then have written all of their logs.
    ///
    /// # Errors
    /// One of them would not stop as it should.
    pub fn close(&mut self) -> Staged<Logs> {
        self.front.stop()?;
        let ended = self.sidecar.stop()?;
        if !ended.success() {
            return Err(Fault::new("the sidecar did not stop gracefully", ended.to_string()));
        }
        Ok(self.logs())
    }
}

impl Places {
    fn of(plan: &Plan) -> Self {
        let maildir = plan.home.join("mail");
        let base_url = format!("http://127.0.0.1:{}", plan.port);
        // No program that reads a Maildir looks into a folder whose name has no dot in front.
        Self { base_url, texts: maildir.join("sms"), maildir }
    }
}

/// A port that nobody has now, below those that the system gives to clients: it is ours only when the gateway binds it.
///
/// # Errors
/// There is none.
pub fn free_port() -> Staged<u16> {
    let [high, low] = drawn()?;
    let start = u16::from_be_bytes([high, low]) % PORTS;
    (0..PORTS)
        .map(|step| FIRST_PORT + (start + step) % PORTS)
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .ok_or_else(|| Fault::new("no port is free", "below those of clients"))
}

fn drawn<const N: usize>() -> Staged<[u8; N]> {
    let mut bytes = [0; N];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// The mail server wants the Maildir inside a directory of its own; people want it where we said.
fn open_mailbox(home: &Path, maildir: &Path) -> Staged<Mailbox> {
    let server = home.join("server");
    fs::create_dir_all(&server)?;
    for folder in ["cur", "new", "tmp", "sms"] {
        fs::create_dir_all(maildir.join(folder))?;
    }
    symlink(fs::canonicalize(maildir)?, server.join("Maildir"))?;
    Mailbox::start(&server)
}

/// A fresh edge key: its file for the sidecar, its digits for the filter.
fn draw_key(file: &Path) -> Staged<String> {
    let digits = hex(&drawn::<32>()?);
    let mut out = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    writeln!(out, "rekey-edge edge1 {digits}")?;
    Ok(digits)
}

/// What clients encrypt passwords with.
fn draw_password_keys(toml: &str, shelf: &Path) -> Staged<()> {
    fs::write(shelf.join("rekey.toml"), toml)?;
    for kind in ["rsa", "sm2"] {
        let told = rekey(&["keys", "add", kind, "--config", "rekey.toml"], "", shelf)?;
        if !told.status.success() {
            return Err(Fault::new("rekey keys add", told.err));
        }
    }
    Ok(())
}

fn sidecar_toml(
    plan: &Plan,
    places: &Places,
    edge: &Value,
    relay: SocketAddr,
    accounts: &Accounts,
) -> String {
    format!(
        r#"data = "data"
audience = {audience}
site = {site}
base_url = "{base_url}"
{top}

[listen]
signed = "127.0.0.1:0"
public = "127.0.0.1:0"
admin = "127.0.0.1:0"

[keys]
edge = ["file:edge.key"]

[mail]
relay = "smtp://{relay}"
from = "Acme <no-reply@acme.example>"

[sms]
spool = {spool:?}

[limits]
{limits}

{section}
{sections}
"#,
        audience = edge["audience"],
        site = edge["site"],
        base_url = places.base_url,
        spool = places.texts.display().to_string(),
        top = accounts.top(),
        section = accounts.sections(),
        limits = plan.limits,
        sections = plan.sections,
    )
}

/// Writes the addresses that the system gave into the file, so that a second start opens the same doors.
fn keep_doors(sidecar: &Sidecar, mut toml: String) -> Staged<()> {
    for door in ["signed", "public", "admin"] {
        let given = format!("{door} = \"{}\"", sidecar.addr(door)?);
        toml = toml.replace(&format!("{door} = \"127.0.0.1:0\""), &given);
    }
    fs::write(sidecar.config(), toml)?;
    Ok(())
}

/// The shipped plugin configuration with the gateway's real address in it.
fn shipped_edge(base_url: &str) -> Staged<Value> {
    // The addresses do not matter for what the file says.
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let shipped = EnvoyOptions::new(nowhere, nowhere, nowhere).shipped_config()?;
    let mut config: Value = serde_json::from_str(&shipped)
        .map_err(|error| Fault::new("the shipped plugin configuration", error.to_string()))?;
    let Some(object) = config.as_object_mut() else {
        return Err(Fault::new("the shipped plugin configuration", "it is not an object"));
    };
    object.insert("base_url".to_owned(), json!(base_url));
    Ok(config)
}

/// Waits until the gateway reaches the sidecar.
///
/// # Errors
/// It does not within the deadline.
pub fn wait_until_whole(installation: &Installation) -> Staged<()> {
    until("the gateway's way to the sidecar", || {
        let reply = Call::get("/.well-known/jwks.json").send(installation.gateway())?;
        Ok((reply.status == 200).then_some(()))
    })
}
