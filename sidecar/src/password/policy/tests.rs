//! All rules together: what is told, in which order, and that a fault refuses.

use std::io::Write as _;

use super::*;

fn strict(file: Option<Arc<BreachedFile>>) -> Policy {
    let rules = Rules {
        min: 20,
        max: 30,
        max_bytes: 16,
        classes: Classes { special: true, ..Classes::NONE },
        repeats: Some(3),
        words: vec!["sword".into()],
        score: 4,
        ..Preset::Default.rules(&contract::profile::Published::NOTHING)
    };
    Policy::new(rules, file)
}

fn person(name: &str) -> Person {
    Person { user_name: Some(name.into()), ..Person::default() }
}

fn file(text: &str) -> (tempfile::NamedTempFile, Arc<BreachedFile>) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let opened = BreachedFile::open(file.path()).unwrap();
    (file, Arc::new(opened))
}

#[test]
fn every_broken_rule_is_told_in_its_order() {
    let (_kept, opened) = file("8846F7EAEE8FB117AD06BDD830B7586C:3\n");
    let codes = |person: &Person, password: &str| -> Vec<&str> {
        let breaches = strict(Some(Arc::clone(&opened))).judge(person, password).unwrap();
        breaches.iter().map(Breach::code).collect()
    };
    let expected =
        ["too_short", "composition", "reversed", "service_word", "common", "breached", "guessable"];
    assert_eq!(codes(&person("drowssap"), "password"), expected);
    let long = "passwooooord".repeat(3);
    let expected =
        ["too_long", "too_many_bytes", "composition", "repeats", "personal", "guessable"];
    assert_eq!(codes(&person("pass"), &long), expected);
}

#[test]
fn a_good_password_breaks_nothing() {
    let policy = Policy::new(Preset::Default.rules(&contract::profile::Published::NOTHING), None);
    for password in ["correct horse battery", "密码很长也很好记", "tr0ub4dor&33"] {
        assert_eq!(policy.judge(&person("ann"), password), Ok(vec![]), "{password}");
    }
}

#[test]
fn what_was_judged_elsewhere_takes_its_place_once() {
    let mut breaches = vec![Breach::Personal, Breach::Guessable(None)];
    for breach in [Breach::Breached, Breach::History, Breach::Breached, Breach::Guessable(None)] {
        add(&mut breaches, breach);
    }
    assert_eq!(
        breaches,
        [Breach::Personal, Breach::Breached, Breach::Guessable(None), Breach::History]
    );
}

#[test]
fn a_fault_of_the_file_is_no_verdict() {
    let (kept, opened) = file("8846F7EAEE8FB117AD06BDD830B7586C:3\n");
    kept.as_file().set_len(0).unwrap();
    let judged = strict(Some(opened)).judge(&Person::default(), "anything at all");
    assert_eq!(judged, Err(PolicyFault::Breached(FileFault::Changed)));
}

#[test]
fn nothing_is_shown_of_person_or_password() {
    let ann = Person {
        display_name: Some("Ann Secret".into()),
        mail_names: vec!["secret".into()],
        ..person("secret")
    };
    let judged = strict(None).judge(&ann, "secret-password");
    let shown = format!("{ann:?} {judged:?} {:?}", strict(None));
    assert!(!shown.contains("secret"), "{shown}");
}

#[test]
fn the_table_shows_every_profile_but_the_documented() {
    let table = table();
    assert!(
        table.starts_with("| rule | default | nist-800-63b-4 | asvs-l1 | asvs-l2 | asvs-l3 |\n")
    );
    assert!(
        table.contains("| `min` | 8 | 15; **15 or more** | 8; **8 or more** | 15; **8 or more** |")
    );
    assert_eq!(table.lines().count(), 13);
}
