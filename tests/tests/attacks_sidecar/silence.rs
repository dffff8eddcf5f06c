//! ATTACKS.md 24, 30, 43, 46, invariant 8: no secret in a log, an argument, an environment or a file that is not a key's.

use crate::house::{
    ANN, ANNS_PHONE, BOB, House, NEW, OLD, by_both, by_code, by_place, by_token, code_in, confirm,
    grant_in, initiate, outcome, token_in, verify, with_flow,
};

/// Goes through every flow; gives every secret that existed.
fn live(house: &House) -> Vec<String> {
    let native = house.ask("native", ANN, 1);
    let mut secrets = vec![token_in(native.text()), code_in(native.text())];
    let grant = grant_in(&house.say(&verify("native", ANN, &secrets[1])));
    assert_eq!(outcome(&house.say(&confirm("native", by_token(&grant), NEW))), "reset");
    secrets.push(grant);
    let mail = house.ask("anqicms", BOB, 1);
    let (token, code) = (token_in(mail.text()), code_in(mail.text()));
    assert_eq!(
        outcome(&house.say(&confirm(
            "anqicms",
            by_both(BOB, &token, &code),
            "another secret password"
        ))),
        "reset"
    );
    secrets.extend([token, code]);
    house.say(&with_flow(initiate("vastly", ANNS_PHONE), Some(9)));
    let code = house.texted_code(ANNS_PHONE);
    let reset = house
        .say(&with_flow(confirm("vastly", by_place(&code), "a third secret password"), Some(9)));
    assert_eq!(outcome(&reset), "reset");
    secrets.push(code);
    secrets.extend(reset.json().unwrap()["token"].as_str().map(str::to_owned));
    house.say(&confirm("bamboocloud", by_code(ANN, "wrong7"), "a wrong guess's password"));
    secrets.push("wrong7".to_owned());
    house.settle();
    secrets
}

fn passwords() -> [String; 5] {
    [OLD, NEW, "another secret password", "a third secret password", "a wrong guess's password"]
        .map(str::to_owned)
}

/// Invariant 8: the log of all flows, at its most talkative.
#[test]
fn the_log_holds_no_secret_and_no_full_address() {
    let house =
        House::with(&crate::house::Plan { top: "log_level = \"debug\"", ..Default::default() });
    let secrets = live(&house);
    let log = house.sidecar.log();
    assert!(log.lines().count() > 10, "{log}");
    for secret in secrets.iter().chain(&passwords()) {
        assert!(!log.contains(secret), "{secret} in the log:\n{log}");
    }
    for whole in [ANN, BOB, ANNS_PHONE, "13800138000"] {
        assert!(!log.contains(whole), "{whole} in the log:\n{log}");
    }
    for line in log.lines() {
        let json: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
        assert!(json.is_object(), "{line}");
    }
}

/// ATTACKS.md 30, 29: no token, code, grant or password in the database, its log or any other file but mails and keys; nor
/// half a token's secret, nor a hash of one.
#[test]
fn the_database_holds_no_secret() {
    let house = House::build();
    let secrets = live(&house);
    let data = house.dir.path().join("data");
    let mut read = 0;
    for entry in std::fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        read += bytes.len();
        let holds = |secret: &[u8]| bytes.windows(secret.len()).any(|window| window == secret);
        for secret in secrets.iter().chain(&passwords()) {
            // A code of six digits may stand in a time by chance; the rows are looked at below.
            assert!(
                secret.len() < 7 || !holds(secret.as_bytes()),
                "{secret} in {}",
                path.display()
            );
            if secret.len() == 64 {
                let half: Vec<u8> = (32..64)
                    .step_by(2)
                    .map(|at| u8::from_str_radix(&secret[at..at + 2], 16).unwrap())
                    .collect();
                assert!(!holds(&half), "the secret half of {secret} in {}", path.display());
                assert!(
                    !holds(&secret.as_bytes()[32..]),
                    "the secret half of {secret} in {}",
                    path.display()
                );
            }
        }
    }
    assert!(read > 10_000, "{read}");
    let dump: serde_json::Value =
        serde_json::from_str(&house.sql("SELECT * FROM challenge")).unwrap();
    for secret in &secrets {
        assert!(
            !dump
                .as_array()
                .unwrap()
                .iter()
                .flat_map(|row| row.as_array().unwrap())
                .any(|cell| cell.to_string().trim_matches('"') == secret)
        );
    }
}

/// ATTACKS.md 30: whatever stands in the database, shown as a proof, is none.
#[test]
fn stored_values_are_no_proofs() {
    let house = House::build();
    house.ask("native", ANN, 1);
    house.settle();
    let mut values: Vec<String> = Vec::new();
    for table in ["challenge", "message", "mail", "pot", "ask"] {
        let rows: Vec<Vec<serde_json::Value>> =
            serde_json::from_str(&house.sql(&format!("SELECT * FROM {table}"))).unwrap();
        values.extend(
            rows.iter().flatten().map(|cell| cell.to_string().trim_matches('"').to_owned()),
        );
    }
    values.sort();
    values.dedup();
    let ids: Vec<String> = values.iter().filter(|value| value.len() == 32).cloned().collect();
    for id in &ids {
        values.extend(ids.iter().map(|other| format!("{id}{other}")));
    }
    for value in values.iter().filter(|value| {
        !value.is_empty() && value.len() < 2000 && !value.chars().any(char::is_control)
    }) {
        let reply = house.say(&confirm("native", by_token(value), NEW));
        assert_eq!(outcome(&reply), "proof_invalid", "{value}");
    }
    assert_eq!(house.resets("a1"), 0);
}

/// ATTACKS.md 43: no password in arguments or environment of the sidecar; its files are its owner's alone.
#[test]
fn files_are_private_and_the_environment_is_clean() {
    use std::os::unix::fs::PermissionsExt;
    let house = House::build();
    let secrets = live(&house);
    let proc = format!("/proc/{}", house.sidecar.id());
    for file in ["cmdline", "environ"] {
        let text =
            String::from_utf8_lossy(&std::fs::read(format!("{proc}/{file}")).unwrap()).into_owned();
        for secret in secrets.iter().filter(|secret| secret.len() > 6).chain(&passwords()) {
            assert!(!text.contains(secret), "{secret} in {file}");
        }
    }
    let data = house.dir.path().join("data");
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for dir in [data.clone(), data.join("keys")] {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path) & 0o077, 0, "{}", path.display());
        }
    }
}

/// ATTACKS.md 46: what a caller says of itself is one JSON string in one line.
#[test]
fn claims_cannot_write_log_lines() {
    let house = House::build();
    let mut spiteful = initiate("native", ANN);
    spiteful.context.agent =
        contract::message::Claim::of("x\u{1b}[31m\u{202e} \"event\":\"reset_done\"}");
    spiteful.context.device = spiteful.context.agent.clone();
    house.say(&spiteful);
    house.settle();
    let log = house.sidecar.log();
    assert!(!log.contains('\u{1b}') && !log.contains('\u{202e}'));
    assert!(log.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    assert!(!log.lines().any(|line| {
        let json: serde_json::Value = serde_json::from_str(line).unwrap();
        json["event"] == "reset_done"
    }));
}
