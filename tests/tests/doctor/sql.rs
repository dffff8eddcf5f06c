//! The doctor and a directory that is the team's own PostgreSQL: healthy, and with one thing wrong at a time.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use rekey_tests::house::{ANN, Crew, Plan};
use rekey_tests::stage::{Database, Postgres, Relay, Safety};
use tempfile::TempDir;

use super::told::{Told, doctor};
use super::watch::{Watching, watch};

const TABLE: &str = "\
CREATE TABLE people (id TEXT PRIMARY KEY, email TEXT UNIQUE, phone TEXT UNIQUE, username TEXT, password TEXT, \
active BOOLEAN NOT NULL DEFAULT true, last_login TIMESTAMPTZ); \
INSERT INTO people VALUES ('7', 'ann@example.com', '+8613800138000', 'ann', \
'$2y$10$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW')";

/// A sidecar whose accounts are in that table; `more` are further keys of `[sql]`.
struct Stand {
    crew: Crew,
    database: Database,
    server: Postgres,
    _relay: Relay,
    _secrets: TempDir,
}

impl Stand {
    fn new(user: &str, more: &str) -> Self {
        let server = Postgres::start(Safety::Plain).unwrap();
        let database = server.database().unwrap();
        database.rows(TABLE).unwrap();
        let password = database.password();
        // Another role of the same password, which may do nothing yet.
        let name = database.url().rsplit('/').next().unwrap().to_owned();
        database
            .rows(&format!("CREATE ROLE guest LOGIN PASSWORD '{password}'; GRANT CONNECT ON DATABASE {name} TO guest"))
            .unwrap();
        let secrets = tempfile::tempdir().unwrap();
        let file = secrets.path().join("password");
        std::fs::write(&file, format!("{password}\n")).unwrap();
        std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        let url = database.url().replace("rekey@", &format!("{user}@"));
        let sections = format!(
            "[sql]\nurl = \"{url}\"\npassword = \"file:{}\"\ntls = \"off\"\ntable = \"people\"\n\
             columns.email = \"email\"\ncolumns.phone = \"phone\"\ncolumns.user_name = \"username\"\n\
             columns.password_hash = \"password\"\ncolumns.status = \"active\"\nactive = [true]\n{more}\n\
             [password]\nformat = \"php-bcrypt\"\n",
            file.display()
        );
        let plan =
            Plan { top: "directory = \"sql\"", sections: sections.leak(), ..Plan::default() };
        let relay = Relay::start().unwrap();
        let crew = Crew::start(&plan, relay.addr());
        Self { crew, database, server, _relay: relay, _secrets: secrets }
    }

    fn say(&self, statement: &str) {
        self.database.rows(statement).unwrap();
    }

    fn told(&self) -> Told {
        let told = doctor(&self.crew, &[ANN]);
        for secret in [ANN, "13800138000", "CCCCCCCC", self.database.password()] {
            assert!(!told.text.contains(secret), "{secret}: {told:#?}");
        }
        told
    }
}

#[test]
fn a_healthy_table_has_no_fault_and_its_account_is_explained() {
    let stand = Stand::new("rekey", "");
    let told = stand.told();
    assert!(told.code == 0 && told.faults().is_empty(), "{told:#?}");
    assert!(told.has("passwords", "formats", "1 are php-bcrypt (cost 10)"), "{told:#?}");
    assert!(told.has("passwords", "setting", "a reset writes php-bcrypt"), "{told:#?}");
    assert!(
        told.has("account", "hash", "bcrypt (cost 10); a reset writes php-bcrypt"),
        "{told:#?}"
    );
    assert!(told.has("directory", "status", "of 1 rows looked at, 1 are active"), "{told:#?}");
    stand.say("UPDATE people SET active = false");
    assert!(stand.told().has_graded("directory", "status", "warning", "0 are active"));
    assert!(stand.told().has_graded("account", "status", "warning", "disabled"));
    let rows = stand.database.rows("SELECT password, last_login FROM people").unwrap();
    assert!(rows[0][0].as_ref().unwrap().ends_with("yOeW") && rows[0][1].is_none(), "{rows:?}");
}

#[test]
fn a_directory_with_one_thing_wrong_is_a_fault() {
    for (wrong, statement) in [
        ("a missing column", "ALTER TABLE people DROP COLUMN username"),
        ("a missing table", "ALTER TABLE people RENAME TO persons"),
        ("read-only", "ALTER ROLE rekey SET default_transaction_read_only = on"),
    ] {
        let stand = Stand::new("rekey", "");
        stand.say(statement);
        stand.database.drop_connections().unwrap();
        is_a_fault_of_the_directory(&stand.told(), wrong);
    }
}

#[test]
fn a_directory_that_gives_no_right_is_a_fault_with_the_grant() {
    let stand = Stand::new("guest", "");
    is_a_fault_of_the_directory(&stand.told(), "no right at all");
    stand.say("GRANT SELECT ON people TO guest");
    let told = stand.told();
    is_a_fault_of_the_directory(&told, "no right to write");
    assert!(
        told.findings.iter().any(|it| it.remedy.as_ref().is_some_and(|it| it.contains("GRANT"))),
        "{told:#?}"
    );
}

#[test]
fn a_directory_that_is_down_is_a_fault() {
    let mut stand = Stand::new("rekey", "");
    stand.server.stop().unwrap();
    is_a_fault_of_the_directory(&stand.told(), "down");
    let test = stand.crew.sidecar.rekey(&["directory", "test"], "").unwrap();
    assert_eq!(test.status.code(), Some(1), "{}", test.out);
    assert!(test.out.contains("FAULT") && test.out.contains("->"), "{}", test.out);
}

fn is_a_fault_of_the_directory(told: &Told, wrong: &str) {
    assert!(told.code == 1 && told.grade == "fault", "{wrong}: {told:#?}");
    let faults = told.faults();
    let of_directory: Vec<_> = faults.iter().filter(|fault| fault.area == "directory").collect();
    assert!(!of_directory.is_empty(), "{wrong}: {told:#?}");
    assert!(of_directory.iter().all(|fault| fault.remedy.is_some()), "{wrong}: {told:#?}");
}

#[test]
fn a_hostile_hash_in_the_row_is_a_fault_of_the_account() {
    let stand = Stand::new("rekey", "");
    stand.say("UPDATE people SET password = replace(password, '$10$', '$31$')");
    let told = stand.told();
    assert!(told.has_graded("passwords", "unreadable", "fault", "1 of the hashes"), "{told:#?}");
    assert!(told.has_graded("account", "hash", "fault", "costs more"), "{told:#?}");
}

#[test]
fn a_column_that_a_log_in_stamps_is_told() {
    let stamp = "UPDATE people SET last_login = now() RETURNING id";
    for (more, verdict) in [
        ("", "last_login changes without a password change: keep it out of sql.revision, as it is"),
        (
            "revision = [\"password\", \"last_login\"]",
            "last_login changes without a password change, and ended the links that were sent",
        ),
    ] {
        let stand = Stand::new("rekey", more);
        let mut watching: Watching = watch(&stand.crew);
        stand.say(stamp);
        let seen = watching.line();
        assert!(seen.contains("last_login changed; the password did not"), "{seen}");
        let rest = watching.end();
        assert!(rest.contains(verdict), "{rest}");
    }
}
