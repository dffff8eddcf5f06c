//! What every dialect says, in every language, of each rule that a new password breaks: through the real Envoy, by a real
//! sidecar with a strict policy. `fixtures/policies.md` holds the bytes (`REKEY_BLESS=1` writes it); BambooCloud's rows
//! stand here as its documents print them. Invariant: a broken rule costs no proof.

mod speakers;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use rekey_tests::demo::Proof;
use rekey_tests::fixture::{blessing, folder, lines_that_differ};
use rekey_tests::http::Reply;
use rekey_tests::installation::{Gateway, Home, Installation, Plan, free_port, wait_until_whole};
use rekey_tests::stage::{Staged, until};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::{Value, json};
use speakers::{SPEAKERS, Speaker};

const HEAD: &str = "# What each dialect says of a broken rule

Written by `./just bless` from the answers of a real gateway and sidecar (`tests/policies.rs`). `REQUEST` stands for the
request id.

| rule | dialect | language | HTTP | body |
|---|---|---|---|---|
";

const RULES: &str = r#"[password]
min = 10
max = 50
max_bytes = 64
composition = ["letter"]
repeats = 3
words = ["Acme Widgets"]
score = 1
history = 1
breached_file = "file:breached"
"#;

const LIMITS: &str = "policy_failures = 20\nattempts = \"1000/1m\"";
const BREACHED: &str = "breached7 horses";

/// Rules and passwords that break them, and nothing else; `{n}` is the account's number.
const ATTEMPTS: [(&str, &str); 14] = [
    ("too_short", "b7-horse"),
    ("too_long", "seven fresh horses and nine carts went over the hill"),
    ("too_many_bytes", "七匹新鲜的马和九辆很大的车昨天晚上都翻过了山冈"),
    ("composition", "7431 9526 8837"),
    ("repeats", "horses aaaa carts"),
    ("reversed", "{n}88iewgnahz"),
    ("personal", "my zhangwei88{n} horses"),
    ("personal, phone", "ring 138001380{n} now"),
    ("personal, mail", "letters to ou.cart.{n}"),
    ("personal, pinyin", "Xiu-Ou-Yang 1967"),
    ("service_word", "horses of ACME widgets"),
    ("common", "a123456789"),
    ("breached", BREACHED),
    ("guessable", "bcdefghijklm"),
];
/// Known by its hash alone, so it is tried after the others.
const FORMER: (&str, &str) = ("history", "old horses of lot {n}");
const SEVERAL: (&str, &str) = ("several", "aaaa");
const GOOD: &str = "nineteen fresh carts";

/// The documented table: rule, code, English, Chinese.
const PWD: [(&str, &str, &str, &str); 9] = [
    ("history", "0001", "The password is used before, cannot be used again", "不允许使用历史密码"),
    (
        "reversed",
        "0002",
        "Password cannot username in reverse order",
        "密码不允许是用户名的倒序拼写",
    ),
    (
        "personal",
        "0003",
        "Password cannot contain :username, phone number, email prefix, name in PinYing",
        "密码不能包含:用户名、手机号、邮箱前缀、姓名拼音",
    ),
    (
        "composition",
        "0004",
        "Your password complexity is low, it must contain letters",
        "密码复杂度低,必须包含字母",
    ),
    ("common", "0005", "The password is weak", "该密码为弱密码"),
    ("guessable", "0005", "The password is weak", "该密码为弱密码"),
    (
        "repeats",
        "0006",
        "Number of character repeat in password should not exceed 3",
        "密码中字符重复次数不能超过3",
    ),
    ("too_short", "0007", "The password must contain 10 to 50 characters", "密码长度为10~50个字符"),
    ("too_long", "0007", "The password must contain 10 to 50 characters", "密码长度为10~50个字符"),
];

/// Status and body of each rule, dialect and language.
type Answers = BTreeMap<(usize, &'static str, &'static str), (String, u16, String)>;

#[test]
fn every_broken_rule_is_told_in_every_dialect_and_language() -> Staged<()> {
    let mut answers = Answers::new();
    for language in ["zh-CN", "en-US", "zh-TW"] {
        play(language, &mut answers)?;
    }
    says_what_bamboocloud_documents(&answers);
    names_each_rule_alone(&answers);
    let mut table = HEAD.to_owned();
    for ((_, dialect, language), (rule, status, body)) in &answers {
        let _ = writeln!(table, "| {rule} | {dialect} | {language} | {status} | `{body}` |");
    }
    let file = folder().join("policies.md");
    if blessing() {
        return Ok(fs::write(&file, table)?);
    }
    let is = fs::read_to_string(&file)?;
    let differ = lines_that_differ(is.as_bytes(), table.as_bytes());
    assert!(is == table, "run ./just bless and read what changed\n{differ}");
    Ok(())
}

/// All speakers of an installation whose configured language this is.
fn play(language: &'static str, answers: &mut Answers) -> Staged<()> {
    let home = tempfile::tempdir()?;
    write_breached(home.path())?;
    let plan = Plan {
        home: home.path().to_owned(),
        port: free_port()?,
        gateway: Gateway::Envoy,
        accounts: Home::Embedded,
        limits: LIMITS,
        sections: RULES.to_owned(),
        language: Some(("anqicms", language)),
    };
    let mut installation = Installation::start(&plan, &mut |_| {})?;
    let speakers: Vec<&Speaker> = SPEAKERS.iter().filter(|it| it.speaks_in(language)).collect();
    let lines: String = (10..).zip(&speakers).map(|(number, _)| account(number)).collect();
    installation.import(&lines)?;
    wait_until_whole(&installation)?;
    for (number, speaker) in (10..).zip(speakers) {
        converse(&installation, speaker, number, answers)?;
    }
    installation.close()?;
    Ok(())
}

fn write_breached(home: &Path) -> Staged<()> {
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, BREACHED.as_bytes());
    let digits: String = hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    fs::create_dir_all(home.join("rekey"))?;
    Ok(fs::write(home.join("rekey/breached"), format!("{digits}:3\r\n"))?)
}

fn mail(number: u32) -> String {
    format!("ou.cart.{number}@demo.example")
}

fn account(number: u32) -> String {
    let line = json!({
        "email": mail(number),
        "phone": format!("+86138001380{number}"),
        "user_name": format!("zhangwei88{number}"),
        "display_name": "欧阳修",
        "password": format!("old horses of lot {number}"),
    });
    format!("{line}\n")
}

/// One proof, every broken rule, and a good password in the end.
fn converse(
    installation: &Installation,
    speaker: &Speaker,
    number: u32,
    answers: &mut Answers,
) -> Staged<()> {
    let gateway = installation.gateway();
    let to = mail(number);
    let asked = (speaker.ask)(&to).send(gateway)?;
    assert!(asked.status < 300, "{}: {}", speaker.dialect, asked.text());
    let mut proof = until("the mail", || {
        let mails = installation.mailbox().mails_to(&to)?;
        Ok(mails.iter().map(Proof::in_mail).find(|proof| !proof.is_empty()))
    })?;
    if let Some(verify) = speaker.verify {
        let reply = verify(&to, &proof.code).send(gateway)?;
        proof.token = reply.json()?["data"]["passwordResetToken"].as_str().unwrap().to_owned();
    }
    let backwards: String = number.to_string().chars().rev().collect();
    let confirm = |password: &str| speaker.confirm(&to, &proof, password).send(gateway);
    let mut told = String::new();
    for (nth, (rule, form)) in ATTEMPTS.into_iter().chain([FORMER, SEVERAL]).enumerate() {
        let digits = if rule == "reversed" { backwards.clone() } else { number.to_string() };
        let reply = confirm(&form.replace("{n}", &digits))?;
        let _ = writeln!(told, "{rule}: {}", reply.text());
        let answer = (rule.to_owned(), reply.status, without_request(&reply)?);
        answers.insert((nth, speaker.dialect, speaker.language), answer);
    }
    let done = confirm(GOOD)?;
    let is_set = installation.is_password(&to, GOOD)?;
    assert!(done.status == 200 && is_set, "{}: {}\n{told}", speaker.dialect, done.text());
    Ok(())
}

fn without_request(reply: &Reply) -> Staged<String> {
    let body = reply.json()?;
    let id = ["requestId", "instance"].iter().find_map(|name| body.get(name)?.as_str());
    let text = reply.text();
    Ok(id.map_or(text.clone(), |id| text.replace(id, "REQUEST")).replace('\n', "\\n"))
}

fn of<'a>(
    answers: &'a Answers,
    dialect: &'a str,
) -> impl Iterator<Item = (&'a str, &'a str, Value)> + 'a {
    answers.iter().filter(move |((_, own, _), _)| *own == dialect).map(
        |((_, _, language), (rule, status, body))| {
            let mut body: Value = serde_json::from_str(&body.replace("\\n", "")).unwrap();
            body["http"] = json!(status);
            (rule.as_str(), *language, body)
        },
    )
}

fn says_what_bamboocloud_documents(answers: &Answers) {
    let mut seen = 0;
    for (rule, language, body) in of(answers, "bamboocloud") {
        let kind = rule.split(',').next().unwrap();
        let Some((_, code, english, chinese)) = PWD.iter().find(|row| row.0 == kind) else {
            continue;
        };
        let text = if language == "en-US" { english } else { chinese };
        let code = format!("IDAAS.SDK.PWD.{code}");
        assert_eq!(body, json!({"http": 400, "error_code": code, "error_msg": text}), "{rule}");
        seen += 1;
    }
    assert_eq!(seen, 2 * (PWD.len() + 3), "three more personal ones");
}

/// The native dialect says every code: each attempt breaks what it is for, and nothing else that could be helped.
fn names_each_rule_alone(answers: &Answers) {
    for (rule, language, body) in of(answers, "native") {
        let reasons = body["reasons"].as_array().unwrap();
        let codes: Vec<&str> = reasons.iter().map(|one| one["code"].as_str().unwrap()).collect();
        let expected = match rule {
            "several" => vec!["too_short", "repeats", "guessable"],
            // The estimator knows the name, backwards too.
            "reversed" => vec!["reversed", "guessable"],
            other => vec![other.split(',').next().unwrap()],
        };
        assert_eq!(codes, expected, "{rule} {language}");
    }
}
