//! Hashes that are not ours: the doctor proposes the setting, and names those that nobody can check.

use rekey_tests::house::{ANN, Crew, On};

use super::crew;
use super::told::doctor;

const PHP: &str = "$2y$10$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

fn with_hashes(crew: &Crew, hash: &str) {
    crew.sql(&format!("UPDATE account SET password_hash = '{hash}' RETURNING id"));
}

#[test]
fn the_format_of_the_app_is_proposed() {
    let (crew, _relay) = crew(On::postgres());
    with_hashes(&crew, PHP);
    let told = doctor(&crew, &[ANN]);
    assert!(told.has("passwords", "formats", "3 are php-bcrypt (cost 10)"), "{told:#?}");
    assert!(told.has_graded("passwords", "setting", "warning", "locks its user out"), "{told:#?}");
    let remedies: Vec<&String> =
        told.findings.iter().filter_map(|finding| finding.remedy.as_ref()).collect();
    assert!(remedies.iter().any(|remedy| remedy.contains("format = \"php-bcrypt\"")), "{told:#?}");
    assert_eq!(told.code, 0);
}

#[test]
fn a_hostile_hash_is_a_fault_and_costs_nothing() {
    let (crew, _relay) = crew(On::postgres());
    with_hashes(&crew, &PHP.replace("$10$", "$31$"));
    let told = doctor(&crew, &[ANN]);
    assert!(told.has_graded("passwords", "unreadable", "fault", "3 of the hashes"), "{told:#?}");
    assert!(told.has_graded("account", "hash", "fault", "costs more"), "{told:#?}");
    assert!(told.code == 1 && !told.text.contains("CCCC"), "{told:#?}");
    with_hashes(&crew, &"x".repeat(5_000));
    assert!(doctor(&crew, &[ANN]).has_graded("account", "hash", "fault", "malformed"));
}
