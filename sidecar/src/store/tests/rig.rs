//! A store of a test's own on either engine, and short words for what the flows do with it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use contract::address::{Address, Channel};
use contract::language::Language;
use contract::message::Operation;
use contract::name::Name;
use rekey_tests::stage::Database;
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::clock::Millis;
use crate::config::{PostgresConfig, StoreConfig};
use crate::keys::{Key, Kind};
use crate::secret::{AddressKey, ChallengeId, Master, Masters, Place, Sender};
use crate::store::*;

pub(super) const BEGIN: Millis = Millis(1_800_000_000_000);

/// What a store stands on.
pub(super) trait Ground {
    fn new() -> Self;
    fn config(&self) -> StoreConfig;
}

/// A file in a directory of its own.
pub(super) struct File {
    pub(super) file: PathBuf,
    _home: TempDir,
}

/// A database of its own on a real server.
pub(super) struct Server(Database);

pub(super) struct Stand<G> {
    pub(super) store: Store,
    pub(super) masters: Arc<Masters>,
    pub(super) ground: G,
}

impl Ground for File {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        Self { file: home.path().join("data").join("rekey.db"), _home: home }
    }

    fn config(&self) -> StoreConfig {
        StoreConfig::Sqlite(self.file.clone())
    }
}

impl Ground for Server {
    fn new() -> Self {
        Self(rekey_tests::stage::Postgres::shared().database().unwrap())
    }

    fn config(&self) -> StoreConfig {
        StoreConfig::Postgres(PostgresConfig {
            address: self.0.url().parse().unwrap(),
            password: Some(Zeroizing::new(self.0.password().to_owned())),
            tls: false,
            ca: None,
            connections: 4,
            statement_timeout: Duration::from_secs(20),
        })
    }
}

pub(super) fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

pub(super) fn issuer() -> Issuer {
    Issuer { dialect: contract::dialect::DIALECTS[0].name(), site: name("s"), client: None }
}

pub(super) fn message(byte: u8) -> MessageKey {
    MessageKey { id: [byte; 16], mac: [byte; 32] }
}

/// Finds that every proof may be right.
pub(super) fn judge() -> Judge {
    Judge(Box::new(|_| true))
}

pub(super) fn after(seconds: u64) -> Millis {
    BEGIN.plus(Duration::from_secs(seconds))
}

pub(super) fn audit() -> Audit {
    Audit {
        at: BEGIN,
        event: "confirm",
        account: "ann".into(),
        address: AddressKey([1; 16]),
        sender: "192.0.2.0/24".into(),
        client: None,
        request: name("r"),
        device: None,
    }
}

impl<G: Ground> Stand<G> {
    pub(super) fn new() -> Self {
        Self::on(G::new())
    }

    pub(super) fn on(ground: G) -> Self {
        let (kind, secret) = (Kind::Master, Zeroizing::new(vec![7; 32]));
        let master = Master::derive(&Key::new(kind, name("m"), secret).unwrap()).unwrap();
        Self {
            store: Store::open(&ground.config()).unwrap(),
            masters: Arc::new(Masters::new(master, Vec::new())),
            ground,
        }
    }

    /// A process that dies and another that starts.
    pub(super) fn reopen(mut self) -> Self {
        self.store = Store::open(&self.ground.config()).unwrap();
        self
    }

    pub(super) fn ask(&self, byte: u8, at: Millis) -> NewAsk {
        NewAsk {
            message: message(byte),
            at,
            address: Address::parse(Channel::Email, "ann@example.org", None).unwrap(),
            address_key: AddressKey([1; 16]),
            sender: Sender([byte; 16]),
            place: Place([2; 16]),
            place_owned: false,
            issuer: issuer(),
            language: Language::English,
            request: name("r"),
            scope: [1; 16],
            tries: 5,
            code_life: Duration::from_secs(600),
            pot_life: Duration::from_secs(6000),
            daily_wrong_codes: 20,
            cool_down: Duration::from_secs(60),
            budgets: Vec::new(),
            turn_by: None,
        }
    }

    /// One living challenge, its mail sent at `BEGIN`.
    pub(super) async fn challenge(&self) -> ChallengeId {
        let id = self.queued(1, 9, BEGIN).await;
        let leased = self.store.lease_mails(BEGIN, after(120), 9).await.unwrap();
        assert_eq!(leased.len(), 1);
        self.store.end_mail([9; 16], BEGIN, MailEnd::Sent).await.unwrap();
        id
    }

    /// A challenge whose mail waits under the same id.
    pub(super) async fn queued(&self, asked: u8, id: u8, at: Millis) -> ChallengeId {
        assert_eq!(self.store.take_ask(self.ask(asked, at)).await.unwrap(), Asked::Taken);
        let mailbox = self.mailbox(id);
        assert_eq!(
            self.store.resolve_ask([asked; 16], at, vec![mailbox]).await.unwrap(),
            Resolved::Queued
        );
        ChallengeId([id; 16])
    }

    /// Ann's alone.
    pub(super) fn mailbox(&self, id: u8) -> Mailbox {
        Mailbox { mail: [id; 16], births: vec![self.birth(id)] }
    }

    pub(super) fn birth(&self, id: u8) -> Birth {
        let code = CodeForm { digits: 6, life: Duration::from_secs(600), tries: 5, placed: false };
        let usual = Form {
            dialect: issuer().dialect,
            keeps_client: true,
            link_life: Some(Duration::from_secs(1800)),
            code: Some(code),
        };
        Birth {
            id: ChallengeId([id; 16]),
            account: "ann".into(),
            address: self.ask(id, BEGIN).address,
            language: Language::English,
            fingerprint: [4; 32],
            masters: Arc::clone(&self.masters),
            usual,
            frozen: None,
            cool_down: Duration::from_secs(60),
            sends: 3,
            daily_wrong_codes: 20,
            event: None,
        }
    }

    pub(super) async fn hold(&self, byte: u8, target: Target, at: Millis) -> Option<Challenge> {
        let hold = Hold {
            message: [byte; 16],
            run: [byte; 16],
            target,
            issuer: issuer(),
            master: name("m"),
            at,
            until: at.plus(Duration::from_secs(30)),
            retake: at.plus(Duration::from_secs(30)),
        };
        match self.store.hold(hold).await.unwrap() {
            Held::Ours(challenge) => Some(*challenge),
            Held::Announced | Held::InHand | Held::Refused => None,
        }
    }

    pub(super) async fn open(&self, byte: u8, guess: Option<Guess>) -> Opened {
        let attempt = Attempt {
            message: message(byte),
            operation: Operation::Confirm,
            at: BEGIN,
            guess,
            budgets: Vec::new(),
            judge: judge(),
        };
        self.store.open_attempt(attempt).await.unwrap()
    }

    /// With a password that is written into the store.
    pub(super) async fn finish(&self, byte: u8, challenge: ChallengeId) -> Finished {
        let row = AccountRow {
            id: "ann".into(),
            user_name: None,
            display_name: None,
            email: None,
            email_key: None,
            phone: None,
            language: None,
            active: true,
            second_factor: false,
            password_hash: None,
            counter: 0,
            changed: BEGIN,
        };
        let revision = row.revision();
        self.store.add_accounts(vec![row]).await.unwrap();
        let write = AccountWrite { account: "ann".into(), revision, hash: "$new$".into() };
        self.end(byte, challenge, Ending::Write(write)).await
    }

    pub(super) async fn end(&self, byte: u8, challenge: ChallengeId, ending: Ending) -> Finished {
        let finish = Finish {
            message: [byte; 16],
            challenge,
            account: "ann".into(),
            at: BEGIN,
            ending,
            former: Former { hash: None, keep: 2 },
            kept: Kept::Reset { login: None },
            audit: audit(),
            notices: Vec::new(),
            events: Vec::new(),
        };
        self.store.finish(finish).await.unwrap()
    }

    /// Everything in the tables that an ask or a proof writes to.
    pub(super) async fn rows(&self) -> Vec<i64> {
        let mut rows = Vec::new();
        for table in
            ["ask", "message", "pot", "daily", "budget", "(SELECT DISTINCT tat FROM budget) AS t"]
        {
            rows.push(self.count(table).await);
        }
        rows
    }

    pub(super) async fn count(&self, table: &'static str) -> i64 {
        let query = format!("SELECT COUNT(*) FROM {table}");
        self.store.read(move |tx| tx.only(&query, &[])).await.unwrap()
    }

    pub(super) async fn purge(&self, now: Millis) {
        let horizon = Horizon {
            now,
            messages: BEGIN,
            asks: BEGIN,
            mails: BEGIN,
            dead_mails: BEGIN,
            proofs: BEGIN,
            audit: BEGIN,
        };
        self.store.purge(horizon).await.unwrap();
    }

    pub(super) fn guess(&self) -> Guess {
        Guess {
            channel: Channel::Email,
            scopes: vec![[1; 16]],
            address: Some(AddressKey([1; 16])),
            places: vec![Place([2; 16])],
            linked: None,
            tries: 5,
            daily: 20,
            tells_used_up: false,
            issuer: issuer(),
            closed: false,
        }
    }
}
