//! One to three sidecars on one store, with the same keys and the same relay, each in a directory of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use contract::message::{Message, Operation};
use contract::name::Name;
use contract::signature::{EdgeKey, Stamp, sign};
use tempfile::TempDir;

use super::pen::{code_in, fresh, outcome, post, unix_now};
use super::store::On;
use super::{ANN, ANNS_PHONE, BOB, DAN, OLD};
use crate::http::{Call, Line, Reply};
use crate::stage::{Sidecar, Staged, Texts, Told, until};

/// What is built, beside the defaults.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// TOML of keys in front of all sections.
    pub top: &'static str,
    pub limits: &'static str,
    /// Of `[mail]`, beside the relay.
    pub mail: &'static str,
    /// TOML of whole sections.
    pub sections: &'static str,
    pub on: On,
    /// Beside the first one; none on SQLite.
    pub others: usize,
    /// The accounts are somebody else's: none is added.
    pub bare: bool,
    /// The files lie in memory where there is a place for that: for tests that measure, and would measure a disk.
    pub in_memory: bool,
}

/// The running sidecars.
#[derive(Debug)]
pub struct Crew {
    pub dir: TempDir,
    pub texts: Texts,
    pub sidecar: Sidecar,
    pub others: Vec<Sidecar>,
    pub key: EdgeKey,
    pub on: On,
    pub config: String,
}

impl Crew {
    /// # Panics
    /// Something does not start.
    #[must_use]
    pub fn start(plan: &Plan, relay: SocketAddr) -> Self {
        let memory = Path::new("/dev/shm");
        let dir = if plan.in_memory && memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        };
        Self::start_in(dir.unwrap(), plan, relay)
    }

    pub(super) fn start_in(dir: TempDir, plan: &Plan, relay: SocketAddr) -> Self {
        let spool = dir.path().join("texts");
        std::fs::create_dir_all(&spool).unwrap();
        let config = config(plan, dir.path(), relay).unwrap();
        if matches!(plan.on, On::Postgres(_)) {
            make_keys(plan, dir.path(), relay).unwrap();
        }
        let sidecar = Sidecar::start(&config, dir.path()).unwrap();
        let start = |n| {
            let room = room(dir.path(), n);
            std::fs::create_dir_all(&room)?;
            Sidecar::start(&config, &room)
        };
        let others = (1..=plan.others).map(start).collect::<Staged<_>>().unwrap();
        let line = std::fs::read_to_string(dir.path().join("data/keys/edge")).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let key = EdgeKey::parse(Name::parse(words[1]).unwrap(), words[2]).unwrap();
        let (texts, on) = (Texts::new(&spool), plan.on.clone());
        let crew = Self { texts, dir, sidecar, others, key, on, config };
        if plan.bare {
            return crew;
        }
        crew.add_accounts(&[
            format!(
                r#"{{"id":"a1","email":"{ANN}","phone":"{ANNS_PHONE}","password":"{OLD}","display_name":"Ann"}}"#
            ),
            format!(r#"{{"id":"b2","email":"{BOB}","password":"{OLD}"}}"#),
            format!(r#"{{"id":"d4","email":"{DAN}","password":"{OLD}","disabled":true}}"#),
        ]);
        crew
    }

    /// Accounts as `rekey account import` reads them, one JSON object each.
    ///
    /// # Panics
    /// They are refused.
    pub fn add_accounts(&self, lines: &[String]) {
        let told = self.sidecar.rekey(&["account", "import", "-"], &lines.join("\n")).unwrap();
        assert!(told.status.success(), "{}{}", told.out, told.err);
    }

    /// The first one's.
    ///
    /// # Panics
    /// It is not a TCP listener.
    #[must_use]
    pub fn signed(&self) -> SocketAddr {
        self.sidecar.addr("signed").unwrap()
    }

    /// Everybody's.
    ///
    /// # Panics
    /// As [`Self::signed`].
    #[must_use]
    pub fn doors(&self) -> Vec<SocketAddr> {
        self.all().map(|sidecar| sidecar.addr("signed").unwrap()).collect()
    }

    /// The first one, then the others.
    pub fn all(&self) -> impl Iterator<Item = &Sidecar> {
        std::iter::once(&self.sidecar).chain(&self.others)
    }

    /// One of them, by its number.
    pub fn one(&mut self, n: usize) -> &mut Sidecar {
        if n == 0 { &mut self.sidecar } else { &mut self.others[n - 1] }
    }

    /// Where the first one keeps its files.
    #[must_use]
    pub fn data(&self, n: usize) -> PathBuf {
        room(self.dir.path(), n).join("data")
    }

    /// Starts the first one again in the same place.
    pub fn restart(&mut self) {
        self.restart_one(0);
    }

    /// Starts one again in the same place.
    ///
    /// # Panics
    /// It does not start.
    pub fn restart_one(&mut self, n: usize) {
        let room = room(self.dir.path(), n);
        // The old one is gone first: two on one file would not do.
        self.one(n).kill().unwrap();
        *self.one(n) = Sidecar::start(&self.config, &room).unwrap();
    }

    #[must_use]
    pub fn envelope(&self, message: &Message, id: [u8; 16]) -> Vec<u8> {
        let audience = Name::parse("demo").unwrap();
        let stamp = Stamp { now: unix_now(), id };
        sign(&self.key, &audience, stamp, message.operation(), &message.encode())
    }

    /// # Panics
    /// No answer.
    pub fn say(&self, message: &Message) -> Reply {
        self.say_as(message, fresh())
    }

    pub fn say_as(&self, message: &Message, id: [u8; 16]) -> Reply {
        self.post(message.operation(), &self.envelope(message, id))
    }

    /// # Panics
    /// No answer.
    pub fn post(&self, operation: Operation, body: &[u8]) -> Reply {
        post(operation, body).send(self.signed()).unwrap()
    }

    /// Says all of them as fast as a few connections can; the outcomes in no order.
    ///
    /// # Panics
    /// One gets no answer.
    pub fn say_all(&self, messages: &[Message], connections: usize) -> Vec<String> {
        let share = messages.len().div_ceil(connections).max(1);
        std::thread::scope(|scope| {
            let lines: Vec<_> = messages
                .chunks(share)
                .map(|share| {
                    scope.spawn(move || {
                        let mut line = Line::connect(self.signed()).unwrap();
                        share
                            .iter()
                            .map(|message| {
                                let body = self.envelope(message, fresh());
                                line.write(&post(message.operation(), &body).to_bytes("s"))
                                    .unwrap();
                                outcome(&line.reply(false).unwrap())
                            })
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            lines.into_iter().flat_map(|line| line.join().unwrap()).collect()
        })
    }

    /// Says one message under many ids at the same moment.
    pub fn say_at_once(&self, messages: &[Message]) -> Vec<String> {
        self.say_all(messages, messages.len())
    }

    /// The code in the first text to that number that has one.
    ///
    /// # Panics
    /// None comes.
    pub fn texted_code(&self, to: &str) -> String {
        until("a text with a code", || {
            let texts = self.texts.to(to)?;
            let found = texts.iter().find(|text| text.text.contains("is your code"));
            Ok(found.map(|text| code_in(&text.text)))
        })
        .unwrap()
    }

    /// Rows of a query, as JSON.
    ///
    /// # Panics
    /// The store refuses it.
    pub fn sql(&self, query: &str) -> String {
        self.on.sql(self.dir.path(), query).unwrap()
    }

    /// # Panics
    /// The store refuses it.
    #[must_use]
    pub fn count(&self, query: &str) -> u64 {
        let rows = self.sql(&format!("SELECT COUNT(*) FROM {query}"));
        rows.trim_matches(['[', ']']).parse().unwrap()
    }

    /// Every row of every table.
    ///
    /// # Panics
    /// The store refuses it.
    #[must_use]
    pub fn dump(&self) -> String {
        let tables: Vec<Vec<String>> = serde_json::from_str(&self.sql(self.on.tables())).unwrap();
        let rows = |table: &String| {
            let rows = self.sql(&format!("SELECT * FROM \"{table}\""));
            let mut rows: Vec<serde_json::Value> = serde_json::from_str(&rows).unwrap();
            rows.sort_by_key(ToString::to_string);
            format!("{table}: {}\n", serde_json::Value::from(rows))
        };
        tables.iter().flatten().map(rows).collect()
    }

    /// Bytes of the store on the disk.
    ///
    /// # Panics
    /// It cannot be looked at.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.on.size(self.dir.path()).unwrap()
    }

    /// The sum of a metric over all sidecars and all labels that begin so: `rekey_hashes_total`.
    ///
    /// # Panics
    /// One does not answer.
    #[must_use]
    pub fn metric(&self, name: &str) -> u64 {
        let of = |sidecar: &Sidecar| -> u64 {
            let text = Call::get("/metrics").send(sidecar.addr("admin").unwrap()).unwrap().text();
            let lines = text.lines().filter(|line| line.starts_with(name));
            lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
        };
        self.all().map(of).sum()
    }

    /// # Panics
    /// The command fails.
    #[must_use]
    pub fn has_password(&self, who: &str, password: &str) -> bool {
        let told: Told =
            self.sidecar.rekey(&["account", "verify", who], &format!("{password}\n")).unwrap();
        assert!(told.out.contains("the password is"), "{}{}", told.out, told.err);
        told.status.success()
    }

    /// How often this account's password was written by a reset.
    #[must_use]
    pub fn resets(&self, account: &str) -> u64 {
        self.count(&format!(
            "audit WHERE event = 'confirm' AND outcome = 'reset' AND account = '{account}'"
        ))
    }

    /// Waits until no ask waits; mails may.
    ///
    /// # Panics
    /// The deadline passed.
    pub fn settle_asks(&self) {
        until("the end of all asks", || {
            Ok((self.count("ask WHERE state = 'waiting'") == 0).then_some(()))
        })
        .unwrap();
    }

    /// Waits until no ask and no mail waits.
    ///
    /// # Panics
    /// The deadline passed.
    pub fn settle(&self) {
        until("the end of all work", || {
            let waiting = self.count("ask WHERE state = 'waiting'")
                + self.count("mail WHERE state = 'waiting'");
            Ok((waiting == 0).then_some(()))
        })
        .unwrap();
    }
}

/// The first one's files lie in the directory itself.
fn room(dir: &Path, n: usize) -> PathBuf {
    if n == 0 { dir.to_owned() } else { dir.join(format!("n{n}")) }
}

fn config(plan: &Plan, dir: &Path, relay: SocketAddr) -> Staged<String> {
    let limits = if plan.limits.is_empty() { "cool_down = \"1s\"" } else { plan.limits };
    let shared = |name: &str| format!("file:{}", dir.join("data/keys").join(name).display());
    let keys = match plan.on {
        On::Sqlite => String::new(),
        On::Postgres(_) => format!(
            "[keys]\nmaster = \"{}\"\nedge = [\"{}\"]\njwt = \"{}\"\n",
            shared("master"),
            shared("edge"),
            shared("jwt")
        ),
    };
    Ok(format!(
        "data = \"data\"\naudience = \"demo\"\nbase_url = \"http://127.0.0.1:8080\"\n{}\n\
         [listen]\nsigned = \"127.0.0.1:0\"\npublic = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n\
         [mail]\nrelay = \"smtp://{relay}\"\n{}\n[sms]\nspool = \"{}\"\n[limits]\n{limits}\n{keys}{}{}\n",
        plan.top,
        plan.mail,
        dir.join("texts").display(),
        plan.on.section(dir)?,
        plan.sections
    ))
}

/// With PostgreSQL nobody makes keys by himself: these are of a start on SQLite, whose file then goes.
fn make_keys(plan: &Plan, dir: &Path, relay: SocketAddr) -> Staged<()> {
    let alone = Plan { on: On::Sqlite, others: 0, ..plan.clone() };
    Sidecar::start(&config(&alone, dir, relay)?, dir)?.stop()?;
    for file in ["rekey.db", "rekey.db-wal", "rekey.db-shm"] {
        let _none = std::fs::remove_file(dir.join("data").join(file));
    }
    Ok(())
}
