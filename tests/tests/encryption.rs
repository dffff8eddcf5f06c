//! Passwords that other people's libraries encrypted, through the real gateway, and the exchange of the keys they were
//! encrypted for. Invariant: what is verified in the end is the plain password, byte for byte.

use std::io::Write;
use std::process::{Command, Stdio};

use rekey_tests::demo::Proof;
use rekey_tests::http::Call;
use rekey_tests::installation::{Gateway, Home, Installation, Plan, free_port, wait_until_whole};
use rekey_tests::stage::{root, until, venv};
use serde_json::{Value, json};

const APP: (&str, &str) = ("x-authing-app-id", "6229c6d8f9b9b5a6a1b2c3d4");

/// One library as an app uses it.
struct Library {
    name: &'static str,
    /// The script, and what it is told.
    script: &'static [&'static str],
    /// As clients spell it.
    kind: &'static str,
    passwords: &'static [&'static str],
}

const ASCII: &str = "quiet Rowing-boats 71";
const HAN: &str = "安静的划艇七十一只 ñandú";
const ASTRAL: &str = "quiet 🚣 rowing 龙舟 boats";

const LIBRARIES: &[Library] = &[
    Library {
        name: "pycryptodome",
        script: &["rsa_pycryptodome.py"],
        kind: "rsa",
        passwords: &[ASCII, HAN, ASTRAL],
    },
    Library {
        name: "node-jsencrypt",
        script: &["rsa_jsencrypt.mjs"],
        kind: "RSA",
        passwords: &[ASCII, HAN],
    },
    Library {
        name: "gmssl",
        script: &["sm2_gmssl.py", "bare"],
        kind: "sm2",
        passwords: &[ASCII, HAN, ASTRAL],
    },
    Library {
        name: "gmssl in capitals",
        script: &["sm2_gmssl.py", "upper"],
        kind: "SM2",
        passwords: &[HAN],
    },
    Library {
        name: "gmssl behind sm2:",
        script: &["sm2_gmssl.py", "marked"],
        kind: "Sm2",
        passwords: &[HAN],
    },
    Library {
        name: "gmssl with its tag",
        script: &["sm2_gmssl.py", "tagged"],
        kind: "sm2",
        passwords: &[HAN],
    },
    Library {
        name: "gmssl as on iOS",
        script: &["sm2_gmssl.py", "ios"],
        kind: "sm2",
        passwords: &[ASCII, HAN],
    },
    Library {
        name: "sm-crypto",
        script: &["sm2_smcrypto.mjs"],
        kind: "SM2",
        passwords: &[ASCII, HAN, ASTRAL],
    },
    Library {
        name: "sm-crypto behind sm2:",
        script: &["sm2_smcrypto.mjs", "sm2:"],
        kind: "sm2",
        passwords: &[HAN],
    },
];

impl Library {
    fn encrypt(&self, document: &Value, passwords: &[&str]) -> Vec<String> {
        let (script, told) = self.script.split_first().expect("a script");
        let path = root().join("tests/encryption").join(script);
        let mut command = match script.ends_with(".py") {
            true => Command::new(venv("python")),
            false => Command::new("node"),
        };
        command.arg(&path);
        if script.ends_with(".mjs") {
            command.arg(root().join("target/node"));
        }
        command.args(told).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", self.name));
        let mut stdin = child.stdin.take().expect("a pipe");
        writeln!(stdin, "{document}").expect("it reads the keys");
        for password in passwords {
            writeln!(stdin, "{}", json!(password)).expect("it reads passwords");
        }
        drop(stdin);
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{} failed: ./just setup", self.name);
        let text = String::from_utf8(output.stdout).expect("it writes text");
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), passwords.len(), "{}", self.name);
        lines
    }
}

struct Stage {
    installation: Installation,
    _home: tempfile::TempDir,
}

impl Stage {
    fn start(people: usize) -> Self {
        let home = tempfile::tempdir().expect("a directory");
        let plan = Plan {
            home: home.path().to_owned(),
            port: free_port().unwrap(),
            gateway: Gateway::Envoy,
            accounts: Home::Embedded,
            limits: "attempts = \"1000/10m\"",
            sections: "[password]\nsm2_ios = true\n".into(),
            language: None,
        };
        let installation = Installation::start(&plan, &mut |_| ()).unwrap();
        let lines: String = (0..people)
            .map(|at| format!("{}\n", json!({"id": format!("p{at}"), "email": email(at)})))
            .collect();
        installation.import(&lines).unwrap();
        wait_until_whole(&installation).unwrap();
        Self { installation, _home: home }
    }

    /// The public keys as clients get them.
    fn keys(&self) -> Value {
        self.send(&Call::get("/api/v3/system"))
    }

    fn send(&self, call: &Call) -> Value {
        let reply = call.clone().send(self.installation.gateway()).unwrap();
        reply.json().unwrap_or_else(|_| panic!("{} {}", reply.status, reply.text()))
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.send(&Call::post_json(path, body.to_string()).header(APP.0, APP.1))
    }

    /// A grant for somebody's account.
    fn grant(&self, at: usize) -> String {
        let ask = json!({"channel": "CHANNEL_RESET_PASSWORD", "email": email(at)});
        assert_eq!(self.post("/api/v3/send-email", &ask)["statusCode"], 200);
        let mails = self.installation.mailbox().wait_for(&email(at), 1).unwrap();
        let code = Proof::in_mail(&mails[0]).code;
        let given = json!({
            "verifyMethod": "EMAIL_PASSCODE",
            "emailPassCodePayload": {"email": email(at), "passCode": code},
        });
        let granted = self.post("/api/v3/verify-reset-password-request", &given);
        granted["data"]["passwordResetToken"].as_str().expect("a grant").to_owned()
    }

    fn confirm(&self, grant: &str, password: &str, kind: &str) -> Value {
        let body = json!({
            "passwordResetToken": grant,
            "password": password,
            "passwordEncryptType": kind,
        });
        self.post("/api/v3/reset-password", &body)
    }

    /// Waits until the sidecar has beaten twice more, so that it has heard of what was said meanwhile.
    fn hear(&self) {
        let (_, config) = self.installation.sidecar_again();
        let mark = config.with_file_name("data").join("beat");
        let beats =
            || std::fs::read_to_string(&mark)?.trim().parse().map_err(std::io::Error::other);
        let before: u64 = beats().unwrap();
        until("beats", || Ok(beats().ok().filter(|beats| *beats >= before + 2).map(|_| ())))
            .unwrap();
    }
}

fn email(at: usize) -> String {
    format!("p{at}@demo.example")
}

#[test]
fn what_other_libraries_encrypt_becomes_the_plain_password() {
    let people = LIBRARIES.iter().map(|library| library.passwords.len()).sum();
    let stage = Stage::start(people);
    let keys = stage.keys();
    assert_eq!(keys["data"]["rsa"], keys["rsa"], "{keys}");
    let mut next = 0..people;
    for library in LIBRARIES {
        let texts = library.encrypt(&keys, library.passwords);
        for (text, password) in texts.iter().zip(library.passwords) {
            let at = next.next().expect("somebody");
            let done = stage.confirm(&stage.grant(at), text, library.kind);
            let what = format!("{}: {password}: {done}", library.name);
            assert_eq!(done["data"]["success"], true, "{what}");
            assert!(stage.installation.is_password(&email(at), password).unwrap(), "{what}");
            assert!(!stage.installation.is_password(&email(at), text).unwrap(), "{what}");
        }
    }
}

#[test]
fn three_that_cannot_be_decrypted_end_the_grant() {
    let stage = Stage::start(1);
    let good = LIBRARIES[0].encrypt(&stage.keys(), &[ASCII]).remove(0);
    let grant = stage.grant(0);
    for faulty in ["AAAA", "04", "no base64!"] {
        let refused = stage.confirm(&grant, faulty, "rsa");
        assert_eq!(refused["apiCode"], 2016, "{refused}");
    }
    let ended = stage.confirm(&grant, &good, "rsa");
    assert_eq!(ended["apiCode"], 2300, "{ended}");
}

#[test]
fn keys_are_exchanged_with_an_overlap() {
    for (kind, library) in [("rsa", &LIBRARIES[0]), ("sm2", &LIBRARIES[7])] {
        let stage = Stage::start(3);
        let before = stage.keys();
        let id = |state: &str| {
            let list = stage.installation.rekey("keys list").unwrap();
            let rows = list.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
            let row = rows.into_iter().find(|row| row[0] == kind && row[2] == state);
            row.map(|row| row[1].to_owned())
        };
        let former = id("active").expect("an active key");
        stage.installation.rekey(&format!("keys add {kind}")).unwrap();
        let next = until("a key that is held", || Ok(id("pending"))).unwrap();
        assert_eq!(stage.keys(), before, "a pending key is not published");
        stage.installation.rekey(&format!("keys activate {kind} {next}")).unwrap();
        let after = until("another public key", || {
            Ok(Some(stage.keys()).filter(|keys| keys[kind] != before[kind]))
        })
        .unwrap();
        for (at, document) in [(0, &before), (1, &after)] {
            let text = library.encrypt(document, &[HAN]).remove(0);
            let done = stage.confirm(&stage.grant(at), &text, kind);
            assert_eq!(done["data"]["success"], true, "{kind} {at}: {done}");
        }
        let retired = format!("keys retire {kind} {former} --finally");
        stage.installation.rekey(&retired).unwrap();
        stage.hear();
        let late = library.encrypt(&before, &[HAN]).remove(0);
        let refused = stage.confirm(&stage.grant(2), &late, kind);
        // What another RSA key makes of it is a password now and then, but a poor one.
        let codes = if kind == "rsa" { vec![2016, 2029, 2061] } else { vec![2016] };
        assert!(codes.iter().any(|code| refused["apiCode"] == *code), "{kind}: {refused}");
    }
}
