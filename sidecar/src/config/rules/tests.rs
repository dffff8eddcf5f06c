//! Whole files with rules: what comes out for each dialect, and what a standard refuses.

use std::fs;
use std::path::Path;

use contract::dialect::{DIALECTS, Dialect};
use contract::policy::Breach;
use contract::profile::Published;

use crate::config::Config;
use crate::password::{Manner, Normal, Person, Preset, Rules};

fn parse(text: &str) -> Result<Config, Vec<String>> {
    let found = Config::parse(text, Path::new("/etc/rekey"));
    found.map_err(|faults| faults.list().iter().map(ToString::to_string).collect())
}

fn rules(text: &str, dialect: &dyn Dialect) -> Rules {
    parse(text).unwrap().sites.top.profile(dialect).policy.rules.clone()
}

/// One that publishes a maximum, and one that publishes nothing.
fn two() -> (&'static dyn Dialect, &'static dyn Dialect) {
    let find = |is: fn(&Published) -> bool| {
        DIALECTS.iter().find(|dialect| is(&dialect.profile().password)).copied().unwrap()
    };
    (find(|published| published.max.is_some()), find(|published| *published == Published::NOTHING))
}

#[test]
fn rules_come_from_profile_then_all_then_dialect() {
    let (loud, silent) = two();
    let plain = Preset::Default.rules(&Published::NOTHING);
    for dialect in DIALECTS {
        assert_eq!(rules("", *dialect), plain);
    }
    let text = r#"
        [password]
        profile = "documented"
        repeats = 5
        words = ["Acme", "Rekey"]
        personal = "off"
        [profile.DIALECT.password]
        min = 10
        composition = []
        words = []
    "#;
    let text = text.replace("DIALECT", loud.name());
    let published = loud.profile().password;
    assert!(published.classes != contract::policy::Classes::NONE && published.history > 0);
    let expected = Rules {
        min: 10,
        max: published.max.unwrap(),
        repeats: Some(5),
        personal: Manner::Off,
        history: published.history,
        ..plain.clone()
    };
    assert_eq!(rules(&text, loud), expected);
    let words = vec!["Acme".to_owned(), "Rekey".to_owned()];
    let expected = Rules { repeats: Some(5), personal: Manner::Off, words, ..plain };
    assert_eq!(rules(&text, silent), expected);
    assert_eq!(parse(&text).unwrap().history(), published.history);
    assert_eq!(parse("password.normalize = \"nfkc\"").unwrap().normal, Normal::Nfkc);
}

#[test]
fn faults_have_place_and_remedy() {
    let (loud, _) = two();
    let table = [
        ("password.profile = \"pci\"", "password.profile: \"pci\" is unknown", "nist-800-63b-4"),
        ("password.composition = [\"upper\"]", "\"upper\" is unknown", "mixed_case"),
        ("password.composition = \"digit\"", "a list of texts", "[] for none"),
        ("password.personal = true", "text in quotes", "text in quotes"),
        ("password.personal = \"some\"", "\"some\" is unknown", "off, whole, inside"),
        ("password.words = [\"a-b\"]", "\"a-b\" is too short", "3 to 64 letters"),
        ("password.common = \"yes\"", "true or false is meant", "write true"),
        ("password.score = 5", "out of range", "0 to 4"),
        ("password.history = 25", "out of range", "0 to 24"),
        ("password.normalize = \"nfd\"", "unknown", "none, nfc, nfkc"),
        ("password.max_bytes = 63", "out of range", "64 to 4096"),
        ("password = { min = 64, max = 32 }", "this short and this long", "keep min"),
        (
            "profile.DIALECT.password = { min = 60, max = 50 }",
            "DIALECT.password.min: no",
            "keep min",
        ),
        ("profile.DIALECT.password.mini = 9", "there is no such rule", "write one of profile, min"),
        ("password.breached_file = \"/b\"", "does not name a file", "file:path"),
        (
            "password.breached_file = \"file:none\"",
            "/etc/rekey/none: it cannot be read",
            "HASH:COUNT",
        ),
        ("password.breached_lookup = \"http://a.example\"", "plain http", "https://"),
        ("password.breached_lookup = \"https://a.example\"", "must be said", "\"closed\" makes"),
        ("password.breached_lookup_failure = \"open\"", "no look-up", "breached_lookup beside it"),
        ("password.breached_lookup_failure = \"ajar\"", "\"ajar\" is unknown", "open, closed"),
        ("password.breached_lookup_timeout = \"3s\"", "out of range", "100ms to 2s"),
    ];
    for (text, place, remedy) in table {
        let name = |text: &str| text.replace("DIALECT", loud.name());
        let faults = parse(&name(text)).unwrap_err();
        let found =
            faults.iter().any(|fault| fault.contains(&name(place)) && fault.contains(remedy));
        assert!(found, "{text}: {faults:#?}");
    }
}

/// Everything that a standard wants, undone: each is told once, whatever the number of dialects.
#[test]
fn a_standard_cannot_be_weakened() {
    let all = "min = 6\nmax = 32\ncomposition = [\"digit\"]\nrepeats = 2\npersonal = \"off\"\ncommon = false";
    let table: [(&str, &[&str]); 5] = [
        ("default", &[]),
        ("nist-800-63b-4", &["min", "max", "composition", "repeats", "personal", "common"]),
        ("asvs-l1", &["min", "max", "composition", "common"]),
        ("asvs-l2", &["min", "max", "composition", "common", "words", "breached_file"]),
        ("asvs-l3", &["min", "max", "composition", "common", "words", "breached_file"]),
    ];
    for (profile, broken) in table {
        let text = format!("[password]\nprofile = \"{profile}\"\n{all}");
        let faults = parse(&text).map_or_else(|faults| faults, |_| Vec::new());
        assert_eq!(faults.len(), broken.len(), "{profile}: {faults:#?}");
        for rule in broken {
            let key = format!("password.{rule}: ");
            assert!(
                faults.iter().any(|fault| fault.contains(&key)),
                "{profile} {rule}: {faults:#?}"
            );
        }
    }
}

#[test]
fn a_standard_is_kept_with_what_it_needs() {
    parse("password.profile = \"nist-800-63b-4\"").unwrap();
    parse("password.profile = \"asvs-l1\"\npassword.min = 12").unwrap();
    let asked = "words = [\"Acme\"]\nbreached_lookup = \"https://a.example/range\"\nbreached_lookup_failure = \"open\"";
    for profile in ["asvs-l2", "asvs-l3"] {
        parse(&format!("[password]\nprofile = \"{profile}\"\n{asked}")).unwrap();
    }
    let (loud, _) = two();
    let own = format!("profile.{}.password.profile = \"nist-800-63b-4\"", loud.name());
    assert_eq!(rules(&own, loud).min, 15);
    let faults = parse(&format!("{own}\npassword.min = 8")).unwrap_err();
    assert!(faults.len() == 1 && faults.concat().contains("password.profile: NIST"), "{faults:#?}");
}

#[test]
fn a_file_of_breached_passwords_is_opened_once_for_all() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("b"), "A2BC1F3CB8DE1B9D8F9E3B2F0D2C0A1D3F4E5D6C:3\n").unwrap();
    let config =
        Config::parse("password.breached_file = \"file:b\"", home.path()).expect("a sound file");
    for dialect in DIALECTS {
        let policy = config.sites.top.profile(*dialect).policy;
        assert_eq!(policy.judge(&Person::default(), "correct horse"), Ok(Vec::<Breach>::new()));
    }
    fs::write(home.path().join("b"), "").unwrap();
    for dialect in DIALECTS {
        let policy = config.sites.top.profile(*dialect).policy;
        assert!(policy.judge(&Person::default(), "correct horse").is_err());
    }
}
