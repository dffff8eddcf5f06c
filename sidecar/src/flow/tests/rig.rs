//! An engine in a directory of its own, and short words for what clients and the relay do.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use contract::address::{Address, Channel, Email, Phone};
use contract::dialect::{DIALECTS, Dialect};
use contract::language::Language;
use contract::message::{Call, Context, Encryption, Flow, Message, Proof};
use contract::name::Name;
use contract::outcome::{Outcome, Refusal};
use contract::profile::{ProofKind, Rules};
use contract::secret::{Code, Password, Token};
use contract::signature::Stamp;
use tempfile::TempDir;

use crate::clock::{Clock, Millis};
use crate::config::Config;
use crate::delivery::LetterKind;
use crate::directory::{Account, AccountDraft, Directory, Embedded, Status};
use crate::engine::Engine;
use crate::entropy::Entropy;
use crate::flow::letter::{self, Unwritten};
use crate::flow::{dispatch, why};
use crate::keys::Keys;
use crate::password::{Cost, Recipe};
use crate::store::{MailEnd, Story};

pub(super) const OLD: &str = "old password";
pub(super) const NEW: &str = "new password";
pub(super) const ANN: &str = "ann@example.org";
pub(super) const ANNS_PHONE: &str = "+8613800138000";
pub(super) const BOB: &str = "bob@example.org";
pub(super) const NOBODY: &str = "nobody@example.org";

pub(super) struct Rig {
    pub(super) engine: Arc<Engine>,
    pub(super) home: TempDir,
    at: Arc<AtomicI64>,
}

/// One caller's way of asking.
#[derive(Clone, Copy)]
pub(super) struct Caller {
    pub(super) dialect: &'static dyn Dialect,
    pub(super) site: &'static str,
    pub(super) sender: &'static str,
    pub(super) flow: Option<u8>,
    /// Nonzero: the message has this id, for repeats.
    pub(super) id: u8,
}

/// What a letter of a reset held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Got {
    pub(super) to: String,
    pub(super) token: Option<String>,
    pub(super) code: Option<String>,
}

/// A dialect that accepts the proof on the channel.
pub(super) fn accepting(channel: Channel, kind: ProofKind) -> Caller {
    with(channel, |rules| rules.accepts.contains(&kind))
}

/// A dialect with such rules.
pub(super) fn with(channel: Channel, wanted: impl Fn(&Rules) -> bool) -> Caller {
    let speaks =
        |dialect: &&&'static dyn Dialect| dialect.profile().rules(channel).is_some_and(&wanted);
    let dialect = DIALECTS.iter().find(speaks).copied().unwrap();
    Caller { dialect, site: "default", sender: "192.0.2.1", flow: None, id: 0 }
}

impl Caller {
    pub(super) fn from(self, sender: &'static str) -> Self {
        Self { sender, ..self }
    }

    pub(super) fn at_site(self, site: &'static str) -> Self {
        Self { site, ..self }
    }

    pub(super) fn in_flow(self, flow: u8) -> Self {
        Self { flow: Some(flow), ..self }
    }

    pub(super) fn as_message(self, id: u8) -> Self {
        Self { id, ..self }
    }
}

impl Rig {
    pub(super) async fn new() -> Self {
        Self::with("").await
    }

    pub(super) async fn with(more: &str) -> Self {
        // A port where nobody listens any more: mails are put off, texts are spooled.
        let relay =
            TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).unwrap();
        Self::relaying(more, relay).await
    }

    pub(super) async fn relaying(more: &str, relay: SocketAddr) -> Self {
        let rig = Self::bare(more, relay);
        rig.add(ANN, Some(ANNS_PHONE)).await;
        rig.add(BOB, None).await;
        rig
    }

    /// Without accounts of its own.
    pub(super) fn bare(more: &str, relay: SocketAddr) -> Self {
        let home = tempfile::tempdir().unwrap();
        let text = format!(
            "{more}\n[sms]\nspool = \"sms\"\n[mail]\nrelay = \"smtp://{relay}\"\nfrom = \"reset@example.org\"\n"
        );
        let mut config = Config::parse(&text, home.path()).unwrap();
        // Cheaper than a configuration may be: what it costs is not what is tried here.
        config.password.recipe = Recipe::Argon2id(Cost { memory_kib: 64, passes: 1, lanes: 1 });
        let keys = Keys::open(&config.keys, &Entropy::System).unwrap();
        let at = Arc::new(AtomicI64::new(1_800_000_000_000));
        let engine =
            Engine::assemble(config, keys, Clock::Fixed(Arc::clone(&at)), Entropy::System).unwrap();
        Self { engine, home, at }
    }

    /// Another process on the same files, with a clock of its own.
    pub(super) fn beside(&self) -> Self {
        self.beside_as(self.engine.config.clone())
    }

    /// The same, configured otherwise.
    pub(super) fn beside_as(&self, config: Config) -> Self {
        let keys = Keys::open(&config.keys, &Entropy::System).unwrap();
        let at = Arc::new(AtomicI64::new(self.now().0));
        let clock = Clock::Fixed(Arc::clone(&at));
        let engine = Engine::assemble(config, keys, clock, Entropy::System).unwrap();
        Self { engine, home: tempfile::tempdir().unwrap(), at }
    }

    /// The hands of its clock.
    pub(super) fn hands(&self) -> &AtomicI64 {
        &self.at
    }

    /// The same home, clock and relay, another process.
    pub(super) fn restarted(self) -> Self {
        let Self { engine, home, at } = self;
        let config = engine.config.clone();
        let keys = Keys::open(&config.keys, &Entropy::System).unwrap();
        let clock = Clock::Fixed(Arc::clone(&at));
        Self { engine: Engine::assemble(config, keys, clock, Entropy::System).unwrap(), home, at }
    }

    pub(super) async fn add(&self, email: &str, phone: Option<&str>) {
        let hash =
            self.engine.hasher.hash(Password::parse(OLD.into()).unwrap(), [1; 16]).await.unwrap();
        let draft = AccountDraft {
            id: email.split('@').next().map(str::to_owned),
            email: Some(Email::parse(email).unwrap()),
            phone: phone.map(|phone| Phone::parse(phone, None).unwrap()),
            user_name: None,
            display_name: None,
            language: None,
            password_hash: Some(hash),
            second_factor: false,
            status: Status::Active,
        };
        self.embedded().add(draft).await.unwrap();
    }

    pub(super) fn embedded(&self) -> &Embedded {
        match &self.engine.directory {
            Directory::Embedded(embedded) => embedded,
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn account(&self, id: &str) -> Account {
        self.engine.directory.get(id).await.unwrap().unwrap()
    }

    pub(super) async fn has_password(&self, id: &str, password: &str) -> bool {
        let stored = self.account(id).await.password_hash.unwrap();
        self.engine.hasher.verify(Password::parse(password.into()).unwrap(), &stored).await.unwrap()
    }

    pub(super) fn pass(&self, seconds: i64) {
        self.at.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    pub(super) fn now(&self) -> Millis {
        self.engine.clock.now()
    }

    pub(super) async fn send(&self, caller: Caller, call: Call) -> Outcome {
        let mut id: [u8; 16] = Entropy::System.bytes().unwrap();
        if caller.id > 0 {
            id = [caller.id; 16];
        }
        let mac = [call.operation().as_str().len() as u8; 32];
        self.send_as(caller, call, id, mac).await
    }

    pub(super) async fn send_as(
        &self,
        caller: Caller,
        call: Call,
        id: [u8; 16],
        mac: [u8; 32],
    ) -> Outcome {
        let context = Context {
            site: Name::parse(caller.site).unwrap(),
            client: None,
            sender: caller.sender.parse::<IpAddr>().unwrap(),
            flow: caller.flow.map(|flow| Flow([flow; 16])),
            language: Language::English,
            agent: None,
            device: None,
            request: Name::parse("r-1").unwrap(),
        };
        let stamp = Stamp { now: self.now().seconds(), id };
        let message = Message { dialect: caller.dialect, context, call };
        self.engine.answer(stamp, mac, message, None).await
    }

    /// Asks, and lets the worker decide.
    pub(super) async fn ask(&self, caller: Caller, to: &str) -> Outcome {
        let outcome = self.send(caller, Call::Initiate { to: address(to) }).await;
        while dispatch::once(&self.engine).await.unwrap() > 0 {}
        outcome
    }

    /// Takes what is due from the outbox, as a relay would: resets only.
    pub(super) async fn letters(&self) -> Vec<Got> {
        let now = self.now();
        let leased = self
            .engine
            .store
            .lease_mails(now, now.plus(std::time::Duration::from_secs(9)), 100)
            .await
            .unwrap();
        let mut got = Vec::new();
        for mail in leased {
            let written = letter::write(&self.engine, &mail, &[], now);
            let end = match &written {
                Ok(_) => MailEnd::Sent,
                Err(Unwritten::Dead(reply)) => MailEnd::Dead { reply: (*reply).into() },
                Err(Unwritten::SiteUnknown) => panic!("its site is not known"),
            };
            self.engine.store.end_mail(mail.id, now, end).await.unwrap();
            if let Ok(letter) = written
                && let LetterKind::Reset { link, code, .. } = letter.kind
            {
                let token = link
                    .map(|link| link.split("token=").nth(1).unwrap().chars().take(64).collect());
                got.push(Got { to: letter.to.as_str().into(), token, code });
            }
        }
        got
    }

    /// Asks, and gives the one letter that comes.
    pub(super) async fn letter(&self, caller: Caller, to: &str) -> Got {
        assert_eq!(self.ask(caller, to).await.code(), "accepted");
        let [got] = self.letters().await.try_into().unwrap();
        got
    }

    pub(super) async fn confirm(&self, caller: Caller, proof: Proof) -> &'static str {
        self.confirm_with(caller, proof, NEW).await.code()
    }

    pub(super) async fn confirm_with(
        &self,
        caller: Caller,
        proof: Proof,
        password: &str,
    ) -> Outcome {
        let password = Password::parse(password.into()).unwrap();
        self.send(caller, Call::Confirm { proof, password, encryption: Encryption::None }).await
    }

    pub(super) async fn verify(&self, caller: Caller, to: &str, typed: &str) -> Outcome {
        self.send(caller, Call::Verify { to: address(to), code: code(typed) }).await
    }

    pub(super) async fn stories(&self, to: &str) -> Vec<Story> {
        why::tell(&self.engine.store, &self.engine.secrets, address(to)).await.unwrap()
    }

    /// State and reason of the last ask for an address.
    pub(super) async fn end(&self, to: &str) -> (String, String) {
        let story = self.stories(to).await.into_iter().next().unwrap();
        (story.state, story.reason.unwrap_or_default())
    }
}

pub(super) fn address(text: &str) -> Address {
    let channel = if text.contains('@') { Channel::Email } else { Channel::Sms };
    Address::parse(channel, text, None).unwrap()
}

pub(super) fn code(text: &str) -> Code {
    Code::parse(text.into()).unwrap()
}

pub(super) fn by_token(token: &str) -> Proof {
    Proof::Token { token: Token::parse(token.into()).unwrap() }
}

pub(super) fn by_code(to: &str, typed: &str) -> Proof {
    Proof::Code { to: address(to), code: code(typed) }
}

pub(super) fn placed(typed: &str) -> Proof {
    Proof::Placed { channel: Channel::Sms, code: code(typed) }
}

/// A code that is not this one.
pub(super) fn wrong(right: &str) -> String {
    let flip = |digit: char| if digit == '0' { '1' } else { '0' };
    right.chars().map(flip).collect()
}

pub(super) fn granted(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Granted { token, expires_in: 300 } => token.expose().to_owned(),
        other => panic!("{other:?}"),
    }
}

pub(super) fn refused(outcome: &Outcome) -> Refusal {
    match outcome {
        Outcome::Refused(refusal) => refusal.clone(),
        other => panic!("{other:?}"),
    }
}
