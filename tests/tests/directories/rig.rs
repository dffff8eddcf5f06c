//! A sidecar whose accounts are somebody else's, and its mail server.

use std::path::PathBuf;
use std::time::Duration;

use contract::message::{Message, Operation};
use rekey_tests::house::{
    Crew, On, Plan, by_token, confirm, fresh, from, initiate, number, outcome, post, token_in,
};
use rekey_tests::stage::{Relay, until};

use crate::team::{Kind, Team};

/// Few people who reset all the time.
const LIMITS: &str = "cool_down = \"1s\"\nsends = 10\nattempts = \"100000/10m\"\naddress = \"100000/10m\"\n\
    sender_32 = \"100000/10m\"\nsender_24 = \"100000/10m\"\nwrong_codes = \"100000/1h\"";

/// How long a mail is waited for before it is asked for again.
const PATIENCE: Duration = Duration::from_millis(300);

pub(crate) struct Rig {
    pub(crate) relay: Relay,
    pub(crate) crew: Crew,
    pub(crate) team: Box<dyn Team>,
    _home: tempfile::TempDir,
}

/// What the store counts of a reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) live: u64,
    pub(crate) spent: u64,
    pub(crate) resets: u64,
    pub(crate) unknown: u64,
    /// Mails that tell that a password was changed, and that nobody knows.
    pub(crate) notices: u64,
    pub(crate) unsure: u64,
}

impl Rig {
    pub(crate) fn start(kind: Kind) -> Self {
        Self::on(kind, On::Sqlite)
    }

    /// With the store on that engine.
    pub(crate) fn on(kind: Kind, on: On) -> Self {
        Self::plan(kind, Plan { on, ..Plan::default() })
    }

    pub(crate) fn plan(kind: Kind, plan: Plan) -> Self {
        let home = tempfile::tempdir().unwrap();
        let team = kind.found(home.path());
        let (top, sections) = team.toml();
        // Plans are written down in tests; this one is made.
        let (top, sections) = (String::leak(top), String::leak(sections));
        let relay = Relay::start().unwrap();
        let plan = Plan { top, sections, limits: LIMITS, bare: true, ..plan };
        let crew = Crew::start(&plan, relay.addr());
        Self { relay, crew, team, _home: home }
    }

    /// The token of a fresh mail.
    pub(crate) fn link(&self, who: &str) -> String {
        let before = self.relay.to(who).len();
        until("a mail with a link", || {
            self.crew.say(&from(initiate("native", who), &sender()));
            Ok(self.relay.wait_within(PATIENCE, who, |taken| {
                let mut texts = taken.iter().skip(before).rev().map(|taken| taken.mail.text());
                texts.find(|text| text.contains("token=")).map(token_in)
            }))
        })
        .unwrap()
    }

    /// A confirm under an id of its own, signed; to be said again as gateways do.
    pub(crate) fn confirm(&self, token: &str, password: &str) -> Vec<u8> {
        self.crew.envelope(&confirm("native", by_token(token), password), fresh())
    }

    /// What is answered now.
    pub(crate) fn say(&self, body: &[u8]) -> String {
        outcome(&self.crew.post(Operation::Confirm, body))
    }

    /// As [`insist`].
    pub(crate) fn insist(&self, body: &[u8]) -> String {
        insist(&self.crew, body)
    }

    /// Sends it, and hears no answer, for the sidecar dies of it.
    pub(crate) fn say_and_lose(&mut self, body: &[u8]) {
        let answer = post(Operation::Confirm, body).send(self.crew.signed());
        assert!(answer.is_err(), "it was answered: {:?}", answer.map(|reply| outcome(&reply)));
        until("the end at a named point", || Ok(self.crew.sidecar.has_ended().then_some(())))
            .unwrap();
    }

    /// Starts the sidecar anew, which then dies at this point.
    pub(crate) fn arm(&mut self, point: &str) {
        std::fs::write(self.crash_file(), point).unwrap();
        self.crew.restart();
    }

    pub(crate) fn disarm(&self) {
        std::fs::remove_file(self.crash_file()).unwrap();
    }

    pub(crate) fn crash_file(&self) -> PathBuf {
        self.crew.data(0).join("crash")
    }

    /// As if the time of those who announced were over.
    pub(crate) fn leave(&self) {
        self.crew
            .sql("UPDATE challenge SET held_until = 0 WHERE held_revision IS NOT NULL RETURNING 1");
    }

    /// Waits until nothing is announced any more.
    pub(crate) fn settle(&self) {
        until("the end of all announcements", || {
            self.leave();
            Ok((self.announced() == 0).then_some(()))
        })
        .unwrap();
    }

    pub(crate) fn announced(&self) -> u64 {
        self.crew.count("challenge WHERE held_revision IS NOT NULL")
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts {
            live: self.crew.count("challenge WHERE state = 'live'"),
            spent: self.crew.count("challenge WHERE state = 'spent'"),
            resets: self.crew.count("audit WHERE event = 'confirm' AND outcome = 'reset'"),
            unknown: self.crew.count("audit WHERE event = 'confirm' AND outcome = 'unknown'"),
            notices: self.crew.count("mail WHERE kind = 'changed'"),
            unsure: self.crew.count("mail WHERE kind = 'unsure'"),
        }
    }

    /// Says it as that many different people.
    pub(crate) fn all(&self, messages: &[Message]) -> Vec<Vec<u8>> {
        messages
            .iter()
            .map(|message| self.crew.envelope(&from(message.clone(), &sender()), fresh()))
            .collect()
    }
}

/// The first answer that is one.
pub(crate) fn insist(crew: &Crew, body: &[u8]) -> String {
    until("an answer that is not busy", || {
        let said = outcome(&crew.post(Operation::Confirm, body));
        Ok((said != "busy").then_some(said))
    })
    .unwrap()
}

/// Another one each time: what one sender may do is another matter.
pub(crate) fn sender() -> String {
    let n = number();
    format!("{}.{}.{}.7", 60 + n / 62500, n / 250 % 250, n % 250)
}
