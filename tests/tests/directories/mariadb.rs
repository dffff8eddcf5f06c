//! Accounts in a real MariaDB, behind a gate; our user there may read the table and write the hash, and nothing else.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rekey_tests::stage::{Gate, MariaDb, Schema, Way};

use crate::sql::Database;
use crate::team::Trouble;

/// Of the user that the sidecar is there.
const PASSWORD: &str = "a user of its own";

pub(crate) struct MariaTeam {
    schema: Schema,
    gate: Gate,
    secret: PathBuf,
}

impl MariaTeam {
    pub(crate) fn new(dir: &Path) -> Self {
        let schema = MariaDb::shared().schema().unwrap();
        let (door, name) = schema.door();
        let secret = dir.join("sql.password");
        std::fs::write(&secret, PASSWORD).unwrap();
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
        let user = format!("CREATE USER 'of_{name}'@'%' IDENTIFIED BY '{PASSWORD}'");
        schema.rows(&user).unwrap();
        Self { gate: Gate::before(door).unwrap(), schema, secret }
    }

    fn right(&self, verb: &str, right: &str, to: &str) {
        let name = self.schema.door().1;
        self.say(&format!("{verb} {right} ON users {to} 'of_{name}'@'%'"));
    }
}

impl Database for MariaTeam {
    fn place(&self) -> String {
        // The table is there by now: rights that are the table's own are taken away at once, those of a database are not.
        self.right("GRANT", "SELECT, UPDATE", "TO");
        let (addr, name) = (self.gate.addr(), self.schema.door().1);
        format!(
            "url = \"mysql://of_{name}@{addr}/{name}\"\npassword = \"file:{}\"\ntls = \"off\"\ntimeout = \"1s\"\n",
            self.secret.display()
        )
    }

    fn say(&self, statement: &str) -> Option<String> {
        self.schema.rows(statement).unwrap().into_iter().flatten().next().flatten()
    }

    fn afflict(&mut self, trouble: Trouble) -> bool {
        match trouble {
            Trouble::Gone => self.gate.set(Way::Shut),
            Trouble::Slow => self.gate.set(Way::Stalled),
            Trouble::NoRight => self.right("REVOKE", "UPDATE", "FROM"),
            // That would be of the whole server, which other tests use.
            Trouble::ReadOnly | Trouble::Missing => return false,
        }
        true
    }

    fn mend(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Gone | Trouble::Slow => self.gate.set(Way::Open),
            Trouble::NoRight => self.right("GRANT", "UPDATE", "TO"),
            Trouble::ReadOnly | Trouble::Missing => {}
        }
    }

    fn gate(&self) -> Option<&Gate> {
        Some(&self.gate)
    }
}
