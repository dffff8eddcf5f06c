//! TLS to a server of our own: its certificate is believed where it is the configured one, and nothing else is.

use std::path::Path;

use rekey_tests::stage::{MariaDb, Postgres, Safety};
use tempfile::TempDir;

use super::rig::{KEYS, secret};
use crate::config::{Config, DirectoryConfig};
use crate::directory::DirectoryError;
use crate::directory::sql::Sql;

fn over_tls(home: &TempDir, url: &str, password: &str, ca: &Path) -> Sql {
    let file = secret(home.path(), password);
    let text = format!(
        "directory = \"sql\"\n[sql]\nurl = \"{url}\"\npassword = \"file:{file}\"\nca = \"file:{}\"\n{KEYS}",
        ca.display()
    );
    match Config::parse(&text, home.path()).unwrap().directory {
        DirectoryConfig::Sql(config) => Sql::new(&config),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_server_is_believed_by_its_certificate_alone() {
    let home = tempfile::tempdir().unwrap();
    let (postgres, maria) = (Postgres::start(Safety::Tls).unwrap(), MariaDb::shared());
    let (database, schema) = (postgres.database().unwrap(), maria.schema().unwrap());
    let places = [
        (
            database.url(),
            database.password().to_owned(),
            postgres.certificate(),
            maria.certificate(),
        ),
        (schema.url(), schema.password().to_owned(), maria.certificate(), postgres.certificate()),
    ];
    for (url, password, own, other) in places {
        // Connected, and no such table yet.
        let found = over_tls(&home, &url, &password, &own).get("1").await;
        assert_eq!(found.unwrap_err(), DirectoryError::Missing, "{url}");
        let found = over_tls(&home, &url, &password, &other).get("1").await;
        assert_eq!(found.unwrap_err(), DirectoryError::Tls, "{url}");
        let found = over_tls(&home, &url, "wrong", &own).get("1").await;
        assert_eq!(found.unwrap_err(), DirectoryError::Login, "{url}");
    }
}
