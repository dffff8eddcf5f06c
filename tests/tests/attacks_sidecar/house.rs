//! A sidecar with three accounts, its mail server, and the pen that signs messages.

use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use contract::address::{Address, Channel};
use contract::dialect;
use contract::language::Language;
use contract::message::{Call as Asked, Context, Encryption, Flow, Message, Operation, Proof};
use contract::name::Name;
use contract::secret::{Code, Password, Token};
use contract::signature::{EdgeKey, Stamp, sign};
use rekey_tests::http::{Call, Line, Reply};
use rekey_tests::stage::{Mail, Mailbox, Sidecar, Texts, until, venv};

pub(crate) const ANN: &str = "ann@example.com";
pub(crate) const BOB: &str = "bob@example.com";
/// Disabled.
pub(crate) const DAN: &str = "dan@example.com";
pub(crate) const NOBODY: &str = "nobody@example.com";
pub(crate) const ANNS_PHONE: &str = "+8613800138000";
pub(crate) const OLD: &str = "the old password";
pub(crate) const NEW: &str = "the new password";

const HOME: &str = "198.51.100.7";

static NEXT: AtomicU64 = AtomicU64::new(1);

/// What a house is built with, beside its defaults.
#[derive(Clone, Default)]
pub(crate) struct Plan {
    /// TOML of whole sections or of keys in front of all sections.
    pub(crate) top: &'static str,
    pub(crate) limits: &'static str,
    pub(crate) sections: &'static str,
}

pub(crate) struct House {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) mailbox: Mailbox,
    pub(crate) texts: Texts,
    pub(crate) sidecar: Sidecar,
    pub(crate) key: EdgeKey,
    pub(crate) config: String,
}

impl House {
    pub(crate) fn build() -> Self {
        Self::with(&Plan::default())
    }

    pub(crate) fn with(plan: &Plan) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mailbox = Mailbox::start(&dir.path().join("mail")).unwrap();
        let spool = dir.path().join("texts");
        std::fs::create_dir_all(&spool).unwrap();
        let config = config(plan, mailbox.addr());
        let sidecar = Sidecar::start(&config, dir.path()).unwrap();
        let line = std::fs::read_to_string(dir.path().join("data/keys/edge")).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let key = EdgeKey::parse(Name::parse(words[1]).unwrap(), words[2]).unwrap();
        let house = Self { texts: Texts::new(&spool), dir, mailbox, sidecar, key, config };
        let accounts = [
            format!(
                r#"{{"id":"a1","email":"{ANN}","phone":"{ANNS_PHONE}","password":"{OLD}","display_name":"Ann"}}"#
            ),
            format!(r#"{{"id":"b2","email":"{BOB}","password":"{OLD}"}}"#),
            format!(r#"{{"id":"d4","email":"{DAN}","password":"{OLD}","disabled":true}}"#),
        ];
        let told = house.sidecar.rekey(&["account", "import", "-"], &accounts.join("\n")).unwrap();
        assert!(told.status.success(), "{}{}", told.out, told.err);
        house
    }

    pub(crate) fn signed(&self) -> SocketAddr {
        self.sidecar.addr("signed").unwrap()
    }

    /// Starts it again in the same place.
    pub(crate) fn restart(&mut self) {
        self.sidecar = Sidecar::start(&self.config, self.dir.path()).unwrap();
    }

    pub(crate) fn envelope(&self, message: &Message, id: [u8; 16]) -> Vec<u8> {
        let audience = Name::parse("demo").unwrap();
        let stamp = Stamp { now: unix_now(), id };
        sign(&self.key, &audience, stamp, message.operation(), &message.encode())
    }

    pub(crate) fn say(&self, message: &Message) -> Reply {
        self.say_as(message, fresh())
    }

    pub(crate) fn say_as(&self, message: &Message, id: [u8; 16]) -> Reply {
        self.post(message.operation(), &self.envelope(message, id))
    }

    pub(crate) fn post(&self, operation: Operation, body: &[u8]) -> Reply {
        post(operation, body).send(self.signed()).unwrap()
    }

    /// Says all of them as fast as a few connections can; the outcomes in no order.
    pub(crate) fn say_all(&self, messages: &[Message], connections: usize) -> Vec<String> {
        let share = messages.len().div_ceil(connections).max(1);
        std::thread::scope(|scope| {
            let lines: Vec<_> = messages
                .chunks(share)
                .map(|share| {
                    scope.spawn(move || {
                        let mut line = Line::connect(self.signed()).unwrap();
                        share
                            .iter()
                            .map(|message| {
                                let body = self.envelope(message, fresh());
                                line.write(&post(message.operation(), &body).to_bytes("s"))
                                    .unwrap();
                                outcome(&line.reply(false).unwrap())
                            })
                            .collect::<Vec<_>>()
                    })
                })
                .collect();
            lines.into_iter().flat_map(|line| line.join().unwrap()).collect()
        })
    }

    /// Says one message under many ids at the same moment.
    pub(crate) fn say_at_once(&self, messages: &[Message]) -> Vec<String> {
        self.say_all(messages, messages.len())
    }

    /// Asks, and reads the mail number `count` to that address.
    pub(crate) fn ask(&self, dialect: &str, to: &str, count: usize) -> Mail {
        assert_eq!(outcome(&self.say(&initiate(dialect, to))), "accepted");
        self.mailbox.wait_for(to, count).unwrap().pop().unwrap()
    }

    /// The same when the address was written to a moment ago: asks from new senders until the cool-down is over.
    pub(crate) fn ask_late(&self, dialect: &str, to: &str, count: usize) -> Mail {
        until("a mail after the cool-down", || {
            let n = NEXT.fetch_add(1, Ordering::Relaxed);
            let sender = format!("192.0.{}.{}", n / 250 % 250, n % 250 + 1);
            self.say(&from(initiate(dialect, to), &sender));
            self.settle();
            Ok(self.mailbox.mails_to(to)?.into_iter().nth(count - 1))
        })
        .unwrap()
    }

    /// The code in the first text to that number that has one.
    pub(crate) fn texted_code(&self, to: &str) -> String {
        until("a text with a code", || {
            let texts = self.texts.to(to)?;
            let found = texts.iter().find(|text| text.text.contains("is your code"));
            Ok(found.map(|text| code_in(&text.text)))
        })
        .unwrap()
    }

    /// Rows of a query, as JSON.
    pub(crate) fn sql(&self, query: &str) -> String {
        let script = "import json,sqlite3,sys\nc=sqlite3.connect(sys.argv[1],timeout=30)\n\
            rows=c.execute(sys.argv[2]).fetchall()\nc.commit()\n\
            print(json.dumps(rows,default=lambda b:b.hex()))";
        let database = self.dir.path().join("data/rekey.db");
        let output = Command::new(venv("python"))
            .args(["-c", script])
            .arg(database)
            .arg(query)
            .output()
            .unwrap();
        assert!(output.status.success(), "{query}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn count(&self, query: &str) -> u64 {
        let rows = self.sql(&format!("SELECT COUNT(*) FROM {query}"));
        rows.trim_matches(['[', ']']).parse().unwrap()
    }

    /// Every row of every table.
    pub(crate) fn dump(&self) -> String {
        let tables = self.sql("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name");
        let tables: Vec<Vec<String>> = serde_json::from_str(&tables).unwrap();
        let rows = tables.iter().flatten().map(|table| {
            format!("{table}: {}\n", self.sql(&format!("SELECT * FROM \"{table}\" ORDER BY rowid")))
        });
        rows.collect()
    }

    pub(crate) fn has_password(&self, who: &str, password: &str) -> bool {
        let told =
            self.sidecar.rekey(&["account", "verify", who], &format!("{password}\n")).unwrap();
        assert!(told.out.contains("the password is"), "{}{}", told.out, told.err);
        told.status.success()
    }

    /// How often this account's password was written by a reset.
    pub(crate) fn resets(&self, account: &str) -> u64 {
        self.count(&format!(
            "audit WHERE event = 'confirm' AND outcome = 'reset' AND account = '{account}'"
        ))
    }

    /// Waits until no ask waits; mails may.
    pub(crate) fn settle_asks(&self) {
        until("the end of all asks", || {
            Ok((self.count("ask WHERE state = 'waiting'") == 0).then_some(()))
        })
        .unwrap();
    }

    /// Waits until no ask and no mail waits.
    pub(crate) fn settle(&self) {
        until("the end of all work", || {
            let waiting = self.count("ask WHERE state = 'waiting'")
                + self.count("mail WHERE state = 'waiting'");
            Ok((waiting == 0).then_some(()))
        })
        .unwrap();
    }
}

fn config(plan: &Plan, relay: SocketAddr) -> String {
    let limits = if plan.limits.is_empty() { "cool_down = \"1s\"" } else { plan.limits };
    format!(
        "data = \"data\"\naudience = \"demo\"\nbase_url = \"http://127.0.0.1:8080\"\n{}\n\
         [listen]\nsigned = \"127.0.0.1:0\"\npublic = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n\
         [mail]\nrelay = \"smtp://{relay}\"\n[sms]\nspool = \"texts\"\n[limits]\n{limits}\n{}\n",
        plan.top, plan.sections
    )
}

pub(crate) fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A message id that no other test of this run uses.
pub(crate) fn fresh() -> [u8; 16] {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    id[8..12].copy_from_slice(&std::process::id().to_be_bytes());
    id
}

pub(crate) fn post(operation: Operation, body: &[u8]) -> Call {
    Call::new("POST", operation.path()).header("content-type", "application/vnd.rekey").body(body)
}

pub(crate) fn outcome(reply: &Reply) -> String {
    reply.header("rekey-outcome").unwrap_or_else(|| format!("{}: {}", reply.status, reply.text()))
}

pub(crate) fn message(dialect: &str, call: Asked) -> Message {
    let dialect = dialect::by_name(dialect).unwrap();
    let client = match dialect.name() {
        "authing" | "bamboocloud" | "vastly" => Name::parse("client1"),
        _ => None,
    };
    let context = Context {
        site: Name::parse("default").unwrap(),
        client,
        sender: HOME.parse().unwrap(),
        flow: None,
        language: Language::English,
        agent: None,
        device: None,
        request: Name::parse("request-1").unwrap(),
    };
    Message { dialect, context, call }
}

/// The same from another place.
pub(crate) fn from(mut message: Message, sender: &str) -> Message {
    message.context.sender = sender.parse::<IpAddr>().unwrap();
    message
}

/// The same with another flow cookie.
pub(crate) fn with_flow(mut message: Message, flow: Option<u8>) -> Message {
    message.context.flow = flow.map(|byte| Flow([byte; 16]));
    message
}

pub(crate) fn address(to: &str) -> Address {
    let channel = if to.contains('@') { Channel::Email } else { Channel::Sms };
    Address::parse(channel, to, None).unwrap()
}

pub(crate) fn initiate(dialect: &str, to: &str) -> Message {
    message(dialect, Asked::Initiate { to: address(to) })
}

pub(crate) fn verify(dialect: &str, to: &str, code: &str) -> Message {
    message(dialect, Asked::Verify { to: address(to), code: secret_code(code) })
}

pub(crate) fn confirm(dialect: &str, proof: Proof, password: &str) -> Message {
    let password = Password::parse(password.to_owned()).unwrap();
    message(dialect, Asked::Confirm { proof, password, encryption: Encryption::None })
}

pub(crate) fn by_token(token: &str) -> Proof {
    Proof::Token { token: Token::parse(token.to_owned()).unwrap() }
}

pub(crate) fn by_code(to: &str, code: &str) -> Proof {
    Proof::Code { to: address(to), code: secret_code(code) }
}

pub(crate) fn by_both(to: &str, token: &str, code: &str) -> Proof {
    let token = Token::parse(token.to_owned()).unwrap();
    Proof::TokenAndCode { to: address(to), token, code: secret_code(code) }
}

pub(crate) fn by_place(code: &str) -> Proof {
    Proof::Placed { channel: Channel::Sms, code: secret_code(code) }
}

fn secret_code(code: &str) -> Code {
    Code::parse(code.to_owned()).unwrap()
}

/// The six digits that stand alone on a line of a mail, or behind a `:` in a text.
pub(crate) fn code_in(text: &str) -> String {
    let digits = |word: &&str| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit());
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .find(digits)
        .unwrap_or_else(|| panic!("no code in {text}"))
        .to_owned()
}

/// What stands behind `token=` in a mail's link.
pub(crate) fn token_in(text: &str) -> String {
    let (_, rest) = text.split_once("token=").unwrap_or_else(|| panic!("no token in {text}"));
    let token: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
    assert_eq!(token.len(), 64, "{text}");
    token
}

/// A code that this one is not.
pub(crate) fn other(code: &str, by: u32) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + by) % 1_000_000)
}

/// The token that a verify's answer gives.
pub(crate) fn grant_in(reply: &Reply) -> String {
    let json = reply.json().unwrap();
    json["token"].as_str().unwrap_or_else(|| panic!("no grant in {json}")).to_owned()
}
