//! Accounts in a real PostgreSQL, behind a gate; our user there may read the table and write the hash, and nothing else.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rekey_tests::stage::{self, Gate, Postgres, Way};

use crate::sql::Database;
use crate::team::Trouble;

/// Of the user that the sidecar is there.
const PASSWORD: &str = "a role of its own";

pub(crate) struct PostgresTeam {
    database: stage::Database,
    gate: Gate,
    role: String,
    secret: PathBuf,
}

impl PostgresTeam {
    pub(crate) fn new(dir: &Path) -> Self {
        let database = Postgres::shared().database().unwrap();
        let (door, name) = database.door();
        let role = format!("of_{name}");
        let secret = dir.join("sql.password");
        std::fs::write(&secret, PASSWORD).unwrap();
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
        for statement in [
            format!("CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'"),
            format!("ALTER DEFAULT PRIVILEGES GRANT SELECT, UPDATE ON TABLES TO {role}"),
        ] {
            database.rows(&statement).unwrap();
        }
        Self { gate: Gate::before(door).unwrap(), database, role, secret }
    }

    fn set_read_only(&self, value: &str) {
        self.say(&format!("ALTER ROLE {} SET default_transaction_read_only = {value}", self.role));
        self.database.drop_connections().unwrap();
    }
}

impl Database for PostgresTeam {
    fn place(&self) -> String {
        let (role, addr, name) = (&self.role, self.gate.addr(), self.database.door().1);
        format!(
            "url = \"postgres://{role}@{addr}/{name}\"\npassword = \"file:{}\"\ntls = \"off\"\ntimeout = \"1s\"\n",
            self.secret.display()
        )
    }

    fn say(&self, statement: &str) -> Option<String> {
        self.database.rows(statement).unwrap().into_iter().flatten().next().flatten()
    }

    fn afflict(&mut self, trouble: Trouble) -> bool {
        match trouble {
            Trouble::Gone => self.gate.set(Way::Shut),
            Trouble::Slow => self.gate.set(Way::Stalled),
            Trouble::ReadOnly => self.set_read_only("on"),
            Trouble::NoRight => {
                drop(self.say(&format!("REVOKE UPDATE ON users FROM {}", self.role)))
            }
            Trouble::Missing => return false,
        }
        true
    }

    fn mend(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Gone | Trouble::Slow => self.gate.set(Way::Open),
            Trouble::ReadOnly => self.set_read_only("off"),
            Trouble::NoRight => drop(self.say(&format!("GRANT UPDATE ON users TO {}", self.role))),
            Trouble::Missing => {}
        }
    }

    fn gate(&self) -> Option<&Gate> {
        Some(&self.gate)
    }

    /// A transaction begins with the words `READ COMMITTED`.
    fn commit(&self) -> &[u8] {
        b"COMMIT\0"
    }
}
