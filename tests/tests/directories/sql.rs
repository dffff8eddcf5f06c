//! A table of accounts in a database, whichever it is.

use rekey_tests::stage::Gate;

use crate::team::{Change, Team, Trouble, hash_of, old_hash, people, verifies};

/// A database with a table `users`.
pub(crate) trait Database {
    /// Lines of the section `sql` that lead here.
    fn place(&self) -> String;

    /// Runs a statement, as the app's own user; the first cell of its answer.
    fn say(&self, statement: &str) -> Option<String>;

    /// As [`Team::afflict`], but for what every database knows.
    fn afflict(&mut self, trouble: Trouble) -> bool;

    fn mend(&mut self, trouble: Trouble);

    fn gate(&self) -> Option<&Gate>;

    /// How a transaction's end is said on the wire, and nothing else is.
    fn commit(&self) -> &[u8] {
        b"COMMIT"
    }
}

/// Its accounts.
pub(crate) struct SqlTeam<D> {
    database: D,
}

impl<D: Database> SqlTeam<D> {
    pub(crate) fn new(database: D) -> Self {
        database.say(
            "CREATE TABLE users (id INTEGER PRIMARY KEY, mail VARCHAR(254) UNIQUE, tel VARCHAR(32) UNIQUE, \
             state INTEGER NOT NULL, hash TEXT)",
        );
        let row = |(n, (mail, tel, active)): (usize, (String, String, bool))| {
            format!("({}, '{mail}', '{tel}', {}, '{}')", n + 1, u8::from(active), old_hash())
        };
        let rows: Vec<String> = people().into_iter().enumerate().map(row).collect();
        database.say(&format!("INSERT INTO users VALUES {}", rows.join(", ")));
        Self { database }
    }

    fn hash(&self, who: &str) -> String {
        self.database.say(&format!("SELECT hash FROM users WHERE mail = '{who}'")).unwrap()
    }
}

impl<D: Database> Team for SqlTeam<D> {
    fn toml(&self) -> (String, String) {
        let columns = "[sql.columns]\nid = \"id\"\nemail = \"mail\"\nphone = \"tel\"\nstatus = \"state\"\npassword_hash = \"hash\"\n";
        let section =
            format!("[sql]\n{}table = \"users\"\nactive = [1]\n{columns}", self.database.place());
        ("directory = \"sql\"".to_owned(), section)
    }

    fn change(&self, who: &str, change: &Change) {
        let set = match change {
            Change::Password => format!("hash = '{}'", hash_of("another password")),
            Change::Address => format!("mail = 'was-{who}'"),
            Change::Disabled => "state = 0".to_owned(),
            Change::Hash(text) => format!("hash = '{text}'"),
        };
        self.database.say(&format!("UPDATE users SET {set} WHERE mail = '{who}'"));
    }

    fn has_password(&self, who: &str, password: &str) -> bool {
        verifies(&self.hash(who), password)
    }

    fn mark(&self, who: &str) -> String {
        self.hash(who)
    }

    fn afflict(&mut self, trouble: Trouble) -> bool {
        if trouble == Trouble::Missing {
            self.database.say("ALTER TABLE users RENAME COLUMN hash TO gone");
            return true;
        }
        self.database.afflict(trouble)
    }

    fn mend(&mut self, trouble: Trouble) {
        if trouble == Trouble::Missing {
            self.database.say("ALTER TABLE users RENAME COLUMN gone TO hash");
        } else {
            self.database.mend(trouble);
        }
    }

    fn gate(&self) -> Option<(&Gate, &[u8])> {
        self.database.gate().map(|gate| (gate, self.database.commit()))
    }
}
