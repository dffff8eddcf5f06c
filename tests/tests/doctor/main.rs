//! `rekey doctor` beside a running sidecar: what it says when all is well, what it says of each fault, and that it neither
//! changes nor shows anything.

mod faults;
mod formats;
mod sql;
mod told;
mod watch;

use rekey_tests::house::{ANN, ANNS_PHONE, Crew, DAN, NOBODY, OLD, On, Plan};
use rekey_tests::stage::{Relay, root};

use self::told::{Told, doctor};

/// A crew, and the relay that it writes to.
fn crew(on: On) -> (Crew, Relay) {
    let relay = Relay::start().unwrap();
    (Crew::start(&Plan { on, ..Plan::default() }, relay.addr()), relay)
}

#[test]
fn all_is_well_with_a_healthy_installation_on_sqlite() {
    all_is_well(On::Sqlite);
}

#[test]
fn all_is_well_with_a_healthy_installation_on_postgres() {
    all_is_well(On::postgres());
}

fn all_is_well(on: On) {
    let (crew, relay) = crew(on);
    let before = rows(&crew);
    let told = doctor(&crew, &[ANN]);
    assert_eq!((told.code, told.grade.as_str()), (0, "good"), "{told:#?}");
    assert!(told.findings.iter().all(|finding| finding.grade == "good"), "{told:#?}");
    assert!(told.has("account", "hash", "argon2id"), "{told:#?}");
    assert!(told.has("mail", "recipient", "takes mail"), "{told:#?}");
    assert_eq!(rows(&crew), before, "it changes no row");
    assert_eq!(relay.count(), 0, "it sends nothing");
    let lines = crew.sidecar.rekey(&["doctor", ANN], "").unwrap();
    assert!(lines.out.contains("no faults, no warnings"), "{}", lines.out);
    let test = crew.sidecar.rekey(&["directory", "test", ANN], "").unwrap();
    assert!(test.status.success() && test.out.contains("no faults"), "{}{}", test.out, test.err);
}

/// All rows but those of the heartbeat.
fn rows(crew: &Crew) -> String {
    let dump = crew.dump();
    let lines =
        dump.lines().filter(|line| !line.starts_with("instance:") && !line.starts_with("meta:"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Programs go by these names. `REKEY_BLESS=1` writes them anew.
#[test]
fn names_of_findings_are_stable() {
    let (crew, _relay) = crew(On::postgres());
    let mut names: Vec<String> = doctor(&crew, &[ANN])
        .findings
        .iter()
        .map(|finding| format!("{}.{}\n", finding.area, finding.of))
        .collect();
    names.sort();
    names.dedup();
    let (names, file) = (names.concat(), root().join("tests/tests/doctor/names.txt"));
    if std::env::var_os("REKEY_BLESS").is_some() {
        std::fs::write(&file, &names).unwrap();
    }
    assert_eq!(names, std::fs::read_to_string(&file).unwrap_or_default());
}

#[test]
fn an_address_is_explained_and_never_shown() {
    let (crew, _relay) = crew(On::Sqlite);
    let dan = doctor(&crew, &[DAN]);
    assert!(dan.has_graded("account", "status", "warning", "disabled"), "{dan:#?}");
    let nobody = doctor(&crew, &[NOBODY]);
    assert!(nobody.has_graded("account", "found", "warning", "no_account"), "{nobody:#?}");
    let phone = doctor(&crew, &[ANNS_PHONE]);
    assert!(phone.has("account", "found", "one account"), "{phone:#?}");
    assert!(phone.has("account", "channel", "not in "), "{phone:#?}");
    let key = std::fs::read_to_string(crew.data(0).join("keys/edge")).unwrap();
    let hash = crew.sql("SELECT password_hash FROM account WHERE id = 'a1'");
    let hash = hash.trim_matches(['[', ']', '"']);
    let shown: Vec<Told> = vec![doctor(&crew, &[ANN]), dan, nobody, phone];
    let lines = crew.sidecar.rekey(&["doctor", ANN], "").unwrap();
    for text in shown.iter().map(|told| &told.text).chain([&lines.out, &lines.err]) {
        for secret in
            [ANN, DAN, NOBODY, ANNS_PHONE, OLD, hash, key.split(' ').nth(2).unwrap().trim()]
        {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
        assert!(!text.contains(hash.rsplit('$').next().unwrap()), "{text}");
    }
}
