//! Whole files: what is read, and which faults are found, where.

use std::path::Path;
use std::time::Duration;

use contract::address::Channel;
use contract::dialect::{DIALECTS, Dialect};
use contract::profile::{Login, Profile};

use crate::limits::Rate;
use crate::limits::table::LIMITS;

use super::{Config, Endpoint, KeyFile, Tls, reference};

fn parse(text: &str) -> Result<Config, Vec<String>> {
    let found = Config::parse(text, Path::new("/etc/rekey"));
    found.map_err(|faults| faults.list().iter().map(ToString::to_string).collect())
}

/// A dialect that gives grants for codes in mails.
fn granting() -> &'static dyn Dialect {
    let mails_codes =
        |profile: &Profile| profile.rules(Channel::Email).is_some_and(|rules| rules.code.is_some());
    let fits = |dialect: &&&dyn Dialect| {
        dialect.profile().grant_life.is_some() && mails_codes(dialect.profile())
    };
    DIALECTS.iter().find(fits).copied().unwrap()
}

#[test]
fn defaults_suit() {
    let config = parse("").unwrap();
    assert_eq!(config.data, Path::new("/etc/rekey/rekey-data"));
    assert_eq!(config.listen.signed, Endpoint::Tcp("127.0.0.1:7080".parse().unwrap()));
    assert_eq!(config.mail.relays[0].tls, Tls::None);
    assert_eq!(config.mail.connections, 4);
    assert_eq!(config.limits.cool_down, Duration::from_secs(60));
    assert_eq!(config.keys.master, KeyFile::Default("/etc/rekey/rekey-data/keys/master".into()));
    assert!(config.sms.is_none());
    assert!(config.password.threads >= 1);
}

/// The table is the only place of a default, and every limit of it is a key.
#[test]
fn every_limit_is_a_key_with_the_tables_default() {
    let declared: Vec<_> = super::declared::SIDECAR
        .iter()
        .copied()
        .flatten()
        .filter(|key| key.path.starts_with("limits."))
        .map(|key| (key.path, key.preset))
        .collect();
    let table: Vec<_> = LIMITS.iter().map(|limit| (limit.key, limit.preset)).collect();
    assert_eq!(declared, table);
    let rates = parse("limits.wrong_codes = \"7/2h\"").unwrap().limits.rates;
    let rate = |count, seconds| Rate::new(count, Duration::from_secs(seconds)).unwrap();
    assert_eq!(rates.wrong_codes, rate(7, 7200));
    assert_eq!((rates.sender_32, rates.client), (rate(60, 600), rate(30_000, 60)));
}

#[test]
fn a_full_file_is_read() {
    let text = r#"
        data = "/var/lib/rekey"
        audience = "prod"
        base_url = "https://id.example.com/"
        listen = { signed = "unix:/run/rekey/signed.sock", public = "0.0.0.0:7081" }
        keys.edge = ["file:edge1", "file:/run/secrets/edge2"]
        [mail]
        relay = "smtp+starttls://mail.example.com"
        from = "Example <id@example.com>"
        [limits]
        cool_down = "90s"
        [profile.DIALECT]
        login = "never"
        grant_life = "2m"
        [profile.DIALECT.email]
        code_digits = 8
    "#;
    let dialect = granting();
    let config = parse(&text.replace("DIALECT", dialect.name())).unwrap();
    assert_eq!(config.sites.top.base_url.as_str(), "https://id.example.com");
    assert_eq!(config.listen.signed, Endpoint::Unix("/run/rekey/signed.sock".into()));
    let edges: Vec<_> = config.keys.edge.iter().map(KeyFile::path).collect();
    assert_eq!(edges, [Path::new("/etc/rekey/edge1"), Path::new("/run/secrets/edge2")]);
    assert_eq!(config.mail.relays[0].port, 587);
    let profile = config.sites.top.profile(dialect);
    assert_eq!((profile.login, profile.grant_life), (Login::Never, Some(120)));
    assert_eq!(profile.rules(Channel::Email).unwrap().code.unwrap().digits, 8);
}

/// Each fault alone: the file, where it is found, and a word of the remedy.
#[test]
fn faults_have_place_and_remedy() {
    let table = [
        (
            "limits.cooldown = \"60s\"",
            "line 1: limits.cooldown: there is no such key",
            "did you mean limits.cool_down?",
        ),
        ("cool_down = \"60s\"", "line 1: cool_down:", "did you mean limits.cool_down?"),
        ("\n\n[limitz]\nsends = 2", "line 4: limitz.sends:", "did you mean limits.sends?"),
        ("nothing_like_it = 1", "line 1: nothing_like_it:", "rekey check --reference"),
        ("limits = 3", "line 1: limits: it is a section", "write [limits]"),
        ("limits.sends = \"3\"", "a whole number is meant, not string", "write a whole number"),
        ("limits.sends = 0", "0 is out of range", "write 1 to 10"),
        ("limits.sends = -1", "-1 is out of range", "write 1 to 10"),
        ("limits.cool_down = 60", "text in quotes is meant, not integer", "text in quotes"),
        ("limits.cool_down = \"60\"", "\"60\" is not a duration", "60s"),
        ("limits.cool_down = \"2d\"", "out of range", "write 1s to 1h"),
        ("limits.address = \"30\"", "limits.address: \"30\" is not a rate", "30/10m"),
        ("limits.address = \"0/1m\"", "is not a rate", "30/10m"),
        ("limits.address = \"+5/1m\"", "is not a rate", "30/10m"),
        ("limits.address = \"5/10ms\"", "is not a rate", "1s to 1d"),
        ("limits.address = 5", "text in quotes is meant", "text in quotes"),
        ("limits.place = \"1001/1s\"", "out of range", "at or below 1000 a second"),
        ("limits.client = \"1000001/1s\"", "out of range", "at or below 1000000 a second"),
        ("limits.sender_23 = \"5/1m\"", "there is no such key", "did you mean limits.sender_24?"),
        ("listen.signed = \"0.0.0.0:7080\"", "in the clear", "127.0.0.1"),
        ("listen.signed = \"7080\"", "is not an address", "unix:/path"),
        ("base_url = \"http://id.example.com\"", "plain http", "write https://"),
        ("audience = \"a b\"", "not a short name", "A-Z"),
        ("keys.master = \"0123\"", "a secret must not stand", "file:path"),
        ("keys.edge = []", "no gateway can be believed", "name one key file"),
        ("mail.relay = \"smtp://mail.example.com\"", "in the clear", "smtps://"),
        ("mail.relay = \"mail.example.com\"", "not a relay", "smtps://"),
        ("mail.relay = []", "the list has 0 values", "1 to 8"),
        ("mail.relay = [\"smtps://a\", \"smtps://\"]", "\"smtps://\" is not a relay", "smtps://"),
        ("mail.connections = 33", "out of range", "write 1 to 32"),
        ("mail.from = \"nobody\"", "not a mailbox", "name@example.com"),
        ("mail.user = \"u\"", "go together", "give both"),
        ("password.memory_kib = 7168", "soon cracked", "35840"),
        ("password = { min = 64, max = 32 }", "this short and this long", "keep min"),
        ("profile.nobody.login = \"never\"", "there is no dialect of this name", "write one of"),
        ("profile.DIALECT.fax.code_life = \"1m\"", "no such channel", "email or sms"),
        ("profile.DIALECT.email.code_digits = 4", "can be guessed", "code_tries = 1"),
        ("profile.DIALECT.email.code_digits = 12", "out of range", "write 4 to 10"),
        ("a = 1\na = 2", "line 2: this is not TOML", "mend"),
    ];
    table.iter().for_each(is_told);
}

/// Text, place and problem, remedy.
fn is_told((text, place, remedy): &(&str, &str, &str)) {
    let faults = parse(&text.replace("DIALECT", granting().name())).unwrap_err();
    let found = faults.iter().any(|fault| fault.contains(place) && fault.contains(remedy));
    assert!(found, "{text}: {faults:#?}");
}

#[test]
fn a_section_of_tls_is_whole_or_refused() {
    let table = [
        (
            "listen.signed = \"0.0.0.0:7080\"",
            "in the clear",
            "listen.tls.certificate, key and client_ca",
        ),
        (
            "listen.tls.key = \"file:k\"",
            "listen.tls.client_ca: it is missing",
            "name all of listen.tls.certificate",
        ),
        ("listen.tls.client_names = \"a\"", "listen.tls.certificate: it is missing", "name all of"),
        ("listen.tls.key = \"k\"", "listen.tls.key: a secret must not", "file:path"),
        ("listen.tls.client_names = [\"a b\"]", "\"a b\" is no name of a client", "spiffe://"),
        (
            "listen.signed = \"unix:s\"\n[listen.tls]\ncertificate = \"file:c\"\nkey = \"file:k\"\nclient_ca = \"file:a\"",
            "listen.signed: no TLS is spoken on a Unix socket",
            "remove the section listen.tls",
        ),
    ];
    table.iter().for_each(is_told);
}

#[test]
fn all_faults_come_at_once() {
    let faults = parse(
        "sends = 1\nbase_url = \"x\"\n[limits]\nsends = 99\ncool_down = \"x\"\n[listen]\nidle = 1",
    )
    .unwrap_err();
    assert_eq!(faults.len(), 5, "{faults:#?}");
}

/// Passwords in files of a directory, and what follows.
fn parse_with_passwords(text: &str) -> Result<Config, Vec<String>> {
    let home = tempfile::tempdir().unwrap();
    for (name, password) in [("one", "secret one\n"), ("two", "secret two\n")] {
        let path = home.path().join(name);
        std::fs::write(&path, password).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
    }
    let found = Config::parse(text, home.path());
    found.map_err(|faults| faults.list().iter().map(ToString::to_string).collect())
}

#[test]
fn relays_have_their_logins() {
    let table = [
        (r#"["smtps://a", "smtps://b"]"#, r#""u""#, r#""file:one""#, "u secret one, u secret one"),
        (
            r#"["smtps://a", "smtps://b"]"#,
            r#"["u", "v"]"#,
            r#"["file:one", "file:two"]"#,
            "u secret one, v secret two",
        ),
        (
            r#"["smtps://a", "smtp://localhost"]"#,
            r#"["u", ""]"#,
            r#"["file:one", ""]"#,
            "u secret one, -",
        ),
        (r#""smtps://a""#, r#"["u"]"#, r#"["file:two"]"#, "u secret two"),
    ];
    for (relay, user, password, expected) in table {
        let text = format!("[mail]\nrelay = {relay}\nuser = {user}\npassword = {password}");
        let config = parse_with_passwords(&text).unwrap();
        let logins: Vec<_> = config
            .mail
            .relays
            .iter()
            .map(|relay| match &relay.login {
                Some(login) => format!("{} {}", login.user, login.password.as_str()),
                None => "-".to_owned(),
            })
            .collect();
        assert_eq!(logins.join(", "), expected, "{text}");
        assert!(!format!("{:?}", config.mail).contains("secret"));
    }
}

#[test]
fn logins_that_fit_no_relay_are_refused() {
    let table = [
        (r#""smtp://localhost""#, r#""u""#, r#""file:one""#, "in the clear"),
        (r#"["smtps://a", "smtp://localhost"]"#, r#""u""#, r#""file:one""#, "in the clear"),
        (
            r#"["smtps://a", "smtps://b", "smtps://c"]"#,
            r#"["u", "v"]"#,
            r#""file:one""#,
            "2 stand here for 3 relays",
        ),
        (r#"["smtps://a", "smtps://b"]"#, r#"["u", ""]"#, r#""file:one""#, "not both"),
        (r#""smtps://a""#, r#""u""#, r#""file:three""#, "cannot be read"),
    ];
    for (relay, user, password, problem) in table {
        let text = format!("[mail]\nrelay = {relay}\nuser = {user}\npassword = {password}");
        let faults = parse_with_passwords(&text).unwrap_err();
        assert!(faults.iter().any(|fault| fault.contains(problem)), "{text}: {faults:#?}");
    }
    let two = "mail.relay = [\"smtp://far.example\", \"near.example\"]\nmail.user = \"u\"";
    assert_eq!(parse(two).unwrap_err().len(), 3, "all faults of a section come at once");
}

#[test]
fn four_digits_pass_with_one_try() {
    let text = "[profile.DIALECT.email]\ncode_digits = 4\ncode_tries = 1";
    parse(&text.replace("DIALECT", granting().name())).unwrap();
}

#[test]
fn the_reference_names_every_section() {
    let reference = reference();
    for part in
        ["| `data` |", "listen.signed", "password.min", "profile.<dialect>.<channel>.code_digits"]
    {
        assert!(reference.contains(part), "{part}");
    }
}
