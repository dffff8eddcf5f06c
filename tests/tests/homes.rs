//! The flows of every dialect with the accounts in a directory of an app's, whose own log-in judges each password.
//! Invariant: every claim of the demo holds wherever the accounts live.

use rekey_tests::demo::{Transcript, acts, perform_on, verdict};
use rekey_tests::installation::{Gateway, Home};
use rekey_tests::stage::Staged;

fn play(directory: &str) -> Staged<()> {
    let home = Home::read(&[&format!("directory={directory}")])?;
    let mut transcript = Transcript::silent();
    let performed = perform_on(Gateway::Edge, home, &acts(), &mut transcript);
    verdict(&transcript).and(performed)
}

#[test]
fn every_dialect_resets_passwords_of_a_service_with_web_hooks() -> Staged<()> {
    play("http")
}

#[test]
fn every_dialect_resets_passwords_of_openldap() -> Staged<()> {
    play("ldap")
}

#[test]
fn every_dialect_resets_passwords_of_a_table_of_mariadb() -> Staged<()> {
    play("mariadb")
}

#[test]
fn every_dialect_resets_passwords_of_a_table_of_postgres() -> Staged<()> {
    play("postgres")
}
