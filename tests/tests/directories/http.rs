//! Accounts of the reference receiver of web hooks, behind a gate.

use std::path::Path;

use rekey_tests::stage::{Gate, Receiver, Way};

use crate::team::{Change, Team, Trouble, hash_of, old_hash, people, verifies};

pub(crate) struct HttpTeam {
    receiver: Receiver,
    gate: Gate,
}

impl HttpTeam {
    pub(crate) fn new(dir: &Path) -> Self {
        let receiver = Receiver::start(&dir.join("receiver")).unwrap();
        let row = |(n, (mail, tel, active)): (usize, (String, String, bool))| {
            let status = if active { "active" } else { "disabled" };
            format!("('u{n}', '{mail}', '{tel}', '{status}', '{}')", old_hash())
        };
        let rows: Vec<String> = people().into_iter().enumerate().map(row).collect();
        let insert = "INSERT INTO users (id, email, phone, status, hash) VALUES";
        receiver.sql(&format!("{insert} {}", rows.join(", "))).unwrap();
        Self { gate: Gate::before(receiver.addr()).unwrap(), receiver }
    }

    fn hash(&self, who: &str) -> String {
        let query = format!("SELECT hash FROM users WHERE email = '{who}'");
        let rows = self.receiver.sql(&query).unwrap();
        let rows: Vec<[String; 1]> = serde_json::from_str(&rows).unwrap();
        rows[0][0].clone()
    }

    fn say(&self, statement: &str) {
        self.receiver.sql(statement).unwrap();
    }
}

impl Team for HttpTeam {
    fn toml(&self) -> (String, String) {
        let section = format!(
            "[http]\nurl = \"http://{}\"\nsecret = \"file:{}\"\ntimeout = \"1s\"\nretries = 0\n",
            self.gate.addr(),
            self.receiver.key().display()
        );
        ("directory = \"http\"".to_owned(), section)
    }

    fn change(&self, who: &str, change: &Change) {
        let set = match change {
            Change::Password => format!("hash = '{}'", hash_of("another password")),
            Change::Address => format!("email = 'was-{who}'"),
            Change::Disabled => "status = 'disabled'".to_owned(),
            Change::Hash(text) => format!("hash = '{text}'"),
        };
        self.say(&format!("UPDATE users SET {set} WHERE email = '{who}'"));
    }

    fn has_password(&self, who: &str, password: &str) -> bool {
        verifies(&self.hash(who), password)
    }

    fn mark(&self, who: &str) -> String {
        self.hash(who)
    }

    /// There are no rights that could be missing: whoever signs may do everything.
    fn afflict(&mut self, trouble: Trouble) -> bool {
        match trouble {
            Trouble::Gone => self.gate.set(Way::Shut),
            Trouble::Slow => self.receiver.freeze(),
            Trouble::ReadOnly => self.say(
                "CREATE TRIGGER no BEFORE UPDATE ON users BEGIN SELECT RAISE(ABORT, 'read-only'); END",
            ),
            Trouble::Missing => self.say("ALTER TABLE users RENAME TO gone"),
            Trouble::NoRight => return false,
        }
        true
    }

    fn mend(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Gone => self.gate.set(Way::Open),
            Trouble::Slow => self.receiver.thaw(),
            Trouble::ReadOnly => self.say("DROP TRIGGER no"),
            Trouble::Missing => self.say("ALTER TABLE gone RENAME TO users"),
            Trouble::NoRight => {}
        }
    }

    fn gate(&self) -> Option<(&Gate, &[u8])> {
        Some((&self.gate, b"POST /write"))
    }
}
