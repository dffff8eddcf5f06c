//! What the end of a confirm needs of its message, whoever ends it: the confirm itself, or a worker after it.
//! Invariant: no secret, no password and no hash, so that it may be kept with what was announced.

use contract::address::Address;
use contract::json::{Names, Object, Writer, parse};
use contract::language::Language;
use contract::name::Name;
use contract::outcome::Refusal;
use contract::profile::{Login, ProofKind};

use super::event::{self, Source};
use super::{Asking, FlowError};
use crate::clock::Millis;
use crate::directory::Account;
use crate::engine::Engine;
use crate::secret::masked_sender;
use crate::store::{
    Audit, Challenge, Ending, Finish, Former, Kept, LoggedIn, MailKind, NewEvent, NewMail,
    StoreError,
};

/// What a message is told whose proof is no good, or not any more.
pub(super) const INVALID: Kept = Kept::Refused(Refusal::ProofInvalid);

/// Who asked, for what, and what is said of it afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) at: Millis,
    site: Name,
    language: Language,
    client: Option<Name>,
    pub(super) request: Name,
    /// As a network.
    sender: String,
    agent: Option<String>,
    device: Option<String>,
    /// Whether the reset logs in, where nothing stands against it.
    login: bool,
}

/// How a confirm ends, and the hash that is kept among the former ones.
pub(super) struct End {
    pub(super) ending: Ending,
    pub(super) former: Option<String>,
}

impl Words {
    pub(super) fn of(asking: &Asking<'_>, proved: ProofKind) -> Self {
        let context = asking.context;
        let by_link = matches!(proved, ProofKind::Link | ProofKind::LinkAndCode);
        Self {
            at: asking.at,
            site: asking.site.name.clone(),
            language: context.language,
            client: context.client.clone(),
            request: context.request.clone(),
            sender: masked_sender(context.sender),
            agent: context.agent.as_ref().map(|claim| claim.as_str().to_owned()),
            device: context.device.as_ref().map(|claim| claim.as_str().to_owned()),
            login: match asking.profile.login {
                Login::Always => true,
                Login::Link => by_link,
                Login::Never => false,
            },
        }
    }

    pub(super) fn encode(&self) -> String {
        let mut writer = Writer::object()
            .signed("at", self.at.0)
            .string("site", self.site.as_str())
            .string("language", self.language.tag())
            .string("request", self.request.as_str())
            .string("sender", &self.sender)
            .bool("login", self.login);
        let client = self.client.as_ref().map(Name::as_str);
        let more = [("client", client), ("agent", self.agent.as_deref())];
        for (name, value) in more.into_iter().chain([("device", self.device.as_deref())]) {
            if let Some(value) = value {
                writer = writer.string(name, value);
            }
        }
        writer.finish()
    }

    pub(super) fn decode(text: &str) -> Result<Self, StoreError> {
        let value = parse(text.as_bytes(), Names::Exact).map_err(|_| StoreError::Row)?;
        value.as_object().and_then(Self::read).ok_or(StoreError::Row)
    }

    fn read(object: &Object) -> Option<Self> {
        let text = |name| object.get(name)?.as_str();
        let owned = |name| text(name).map(str::to_owned);
        Some(Self {
            at: Millis(i64::try_from(object.get("at")?.as_u64()?).ok()?),
            site: Name::parse(text("site")?)?,
            language: Language::parse(text("language")?)?,
            client: text("client").and_then(Name::parse),
            request: Name::parse(text("request")?)?,
            sender: owned("sender")?,
            agent: owned("agent"),
            device: owned("device"),
            login: object.get("login")?.as_bool()?,
        })
    }

    /// The end of a confirm by that message; without an account where it cannot be read any more.
    pub(super) fn finish(
        &self,
        engine: &Engine,
        at: Millis,
        message: [u8; 16],
        challenge: &Challenge,
        account: Option<&Account>,
        end: End,
    ) -> Result<Finish, FlowError> {
        let is_known = !matches!(end.ending, Ending::Unknown { .. });
        let kept = match is_known {
            true => Kept::Reset { login: account.and_then(|account| self.login(account)) },
            false => INVALID,
        };
        let notices = match account {
            Some(account) if is_known => {
                self.mails(engine, MailKind::Changed, account, account.addresses())?
            }
            Some(account) => self.unsure(engine, challenge, account)?,
            None => Vec::new(),
        };
        let events = self.events(engine, at, challenge, is_known)?;
        Ok(Finish {
            message,
            challenge: challenge.id,
            account: challenge.account.clone(),
            at,
            ending: end.ending,
            former: Former { hash: end.former, keep: engine.config.history() },
            kept,
            audit: self.audit(engine, challenge),
            notices,
            events,
        })
    }

    /// Sessions end also where nobody knows whether the password is another one.
    fn events(
        &self,
        engine: &Engine,
        at: Millis,
        challenge: &Challenge,
        is_known: bool,
    ) -> Result<Vec<NewEvent>, FlowError> {
        let source = Source {
            account: &challenge.account,
            address: &challenge.address,
            dialect: &challenge.dialect,
            site: &self.site,
            request: &self.request,
        };
        let sessions = event::sessions_end(engine, at, &challenge.account)?;
        let reset = match is_known {
            true => event::reset(engine, at, &source, &self.sender)?,
            false => None,
        };
        Ok(sessions.into_iter().chain(reset).collect())
    }

    pub(super) fn audit(&self, engine: &Engine, challenge: &Challenge) -> Audit {
        Audit {
            at: self.at,
            event: "confirm",
            account: engine.secrets.account_in_log(&challenge.account),
            address: challenge.address_key,
            sender: self.sender.clone(),
            client: self.client.clone(),
            request: self.request.clone(),
            device: self.device.clone(),
        }
    }

    /// Whether this reset logs the user in; never past a second factor.
    fn login(&self, account: &Account) -> Option<LoggedIn> {
        (self.login && !account.second_factor)
            .then(|| LoggedIn { account: account.id.clone(), at: self.at })
    }

    fn unsure(
        &self,
        engine: &Engine,
        challenge: &Challenge,
        account: &Account,
    ) -> Result<Vec<NewMail>, FlowError> {
        self.mails(engine, MailKind::Unsure, account, doubtful(&challenge.address, account))
    }

    /// To those of the addresses that we can write to.
    fn mails(
        &self,
        engine: &Engine,
        kind: MailKind,
        account: &Account,
        addresses: impl IntoIterator<Item = Address>,
    ) -> Result<Vec<NewMail>, FlowError> {
        let served = addresses
            .into_iter()
            .filter(|address| super::dispatch::is_served(engine, address.channel()));
        served.map(|address| self.mail(engine, kind, account, address)).collect()
    }

    fn mail(
        &self,
        engine: &Engine,
        kind: MailKind,
        account: &Account,
        address: Address,
    ) -> Result<NewMail, FlowError> {
        Ok(NewMail {
            id: engine.entropy.bytes()?,
            kind,
            site: self.site.clone(),
            challenge: None,
            ask: None,
            account: account.id.clone(),
            address,
            language: account.language.unwrap_or(self.language),
            agent: self.agent.clone(),
            at: self.at,
        })
    }
}

/// Who is told that nobody knows: where the proof was sent, if the account still has that address; else all that it has now.
fn doubtful(sent: &Address, account: &Account) -> Vec<Address> {
    match account.stored(sent) {
        Some(address) => vec![address],
        None => account.addresses().collect(),
    }
}

#[cfg(test)]
mod tests {
    use contract::address::{Channel, Email};

    use super::*;

    fn words() -> Words {
        Words {
            at: Millis(1_800_000_000_000),
            site: Name::parse("default").unwrap(),
            language: Language::Japanese,
            client: None,
            request: Name::parse("r-1").unwrap(),
            sender: "192.0.2.0/24".into(),
            agent: Some("a \"browser\"\n".into()),
            device: None,
            login: true,
        }
    }

    #[test]
    fn doubt_is_told_to_an_address_that_the_account_has_now() {
        let emails = ["old@example.org", "Ann@example.org"].map(|one| Email::parse(one).unwrap());
        let account = Account { emails: emails.to_vec(), ..Account::bare("ann") };
        let table = [
            ("ann@example.org", vec!["Ann@example.org"]),
            ("bob@example.org", vec!["old@example.org", "Ann@example.org"]),
        ];
        for (sent, expected) in table {
            let sent = Address::parse(Channel::Email, sent, None).unwrap();
            let told = doubtful(&sent, &account);
            let told: Vec<&str> = told.iter().map(Address::as_str).collect();
            assert_eq!(told, expected);
        }
    }

    #[test]
    fn words_are_read_as_they_were_written() {
        let more = Words { client: Name::parse("app"), device: Some("x".into()), ..words() };
        for words in [words(), more] {
            assert_eq!(Words::decode(&words.encode()), Ok(words));
        }
        for bad in ["", "{}", "[]", "{\"at\":1}"] {
            assert_eq!(Words::decode(bad), Err(StoreError::Row), "{bad}");
        }
    }
}
