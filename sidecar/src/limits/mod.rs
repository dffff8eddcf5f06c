//! How much of what is allowed: budgets by sender, address, place, client and installation. The store holds them; what
//! it refused is remembered here, wide ones are leased in blocks. Invariant: known and unknown addresses draw the same,
//! and what is refused from memory touches no store.

pub(crate) mod backlog;
mod crowd;
mod gcra;
mod leases;
mod memory;
pub(crate) mod refusals;
mod sender;
pub mod table;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::time::Duration;

use contract::name::Name;

use self::backlog::Backlog;
use self::crowd::{Crowd, Standing};
use self::leases::{Leases, Pool};
use self::memory::Memory;
use self::refusals::Refusals;
use crate::clock::Millis;
use crate::config::Rates;
use crate::secret::{AddressKey, Place, Secrets, masked_sender};
use crate::store::{Issuer, Store, StoreError};

pub use self::gcra::{BudgetKey, Rate, Spent, Take};

/// How much wider the sender budgets of a dominant one are.
const WIDER: u32 = 10;

/// A repeat of a message comes within this time, or is refused as stale.
const REPEATS: Duration = Duration::from_secs(240);

/// So long after the installation's wrong codes were spent, mails carry no codes that nobody might compare.
const FROZEN: Duration = Duration::from_secs(600);

/// Units of asks are lost with a crash, or when a minute passed.
const ASKS: (u32, Duration) = (1024, Duration::from_secs(60));

/// Wrong codes are few: small blocks, for longer. In a day at most ten minutes' more than the rate are compared.
const CODES: (u32, Duration) = (8, Duration::from_secs(600));

/// A code of fewer digits weighs as many as it is easier to guess than one of six.
const DIGITS: u8 = 6;

/// What the flows ask before they do anything.
#[derive(Debug)]
pub(crate) struct Limits {
    pub(crate) backlog: Backlog,
    /// What was refused lately, for who wants to hear of it.
    pub(crate) refusals: Refusals,
    rates: Rates,
    crowd: Crowd,
    leases: Leases,
    refused: Memory,
    /// Messages that were taken here; their repeats are answered as they were, whatever was refused meanwhile.
    taken: Memory,
}

/// What an ask is counted by.
pub(crate) struct Counted<'a> {
    pub(crate) sender: IpAddr,
    pub(crate) address: AddressKey,
    pub(crate) issuer: &'a Issuer,
    /// The place, where a cookie owns it; others are their senders'.
    pub(crate) place: Option<Place>,
}

impl Limits {
    pub(crate) fn new(rates: Rates) -> Self {
        Self {
            backlog: Backlog::default(),
            refusals: Refusals::default(),
            rates,
            crowd: Crowd::default(),
            leases: Leases::default(),
            refused: Memory::new(),
            taken: Memory::new(),
        }
    }

    /// The narrow budgets of an ask, in the order in which the store takes them, and the one of its sender, which says
    /// when it is its turn. Counts its sender.
    pub(crate) fn of_ask(
        &self,
        secrets: &Secrets,
        by: &Counted<'_>,
        at: Millis,
    ) -> (Vec<Take>, Option<BudgetKey>) {
        let mut networks = sender::asks(secrets, &self.rates, by.sender);
        let narrowest = networks.first().map_or([0; 16], |(_, key)| *key);
        let (standing, finding) = self.crowd.count(by.sender, narrowest, at);
        if let Some(crowd::Finding { reason, remedy }) = finding {
            let sender = masked_sender(by.sender);
            tracing::warn!(event = "senders_indistinct", reason, sender, remedy);
        }
        networks.retain(|_| standing != Standing::Private);
        let mut takes: Vec<Take> =
            networks.into_iter().map(|(rate, key)| widened(rate, standing).take(key, 1)).collect();
        takes.push(self.rates.address.take(address_key(secrets, by), 1));
        if let Some(place) = by.place {
            takes.push(self.rates.place.take(secrets.limit_key("place", &place.0), 1));
        }
        takes.sort_unstable();
        (takes, (standing != Standing::Private).then_some(narrowest))
    }

    /// The budget of a proof: its sender's.
    pub(crate) fn of_attempt(&self, secrets: &Secrets, sender: IpAddr) -> Vec<Take> {
        let networks = sender::asks(secrets, &self.rates, sender);
        let narrowest = networks.first().map_or([0; 16], |(_, key)| *key);
        let standing = self.crowd.standing(sender, narrowest);
        if standing == Standing::Private {
            return Vec::new();
        }
        let (rate, key) = sender::attempts(secrets, &self.rates, sender);
        vec![widened(rate, standing).take(key, 1)]
    }

    /// The key that is refused still, and for how long; of several the one that is for longest.
    pub(crate) fn remembered(
        &self,
        keys: impl IntoIterator<Item = BudgetKey>,
        at: Millis,
    ) -> Option<Spent> {
        let spent = |key| self.refused.left(key, at).map(|wait| Spent { key, wait });
        keys.into_iter().filter_map(spent).max_by_key(|spent| spent.wait)
    }

    /// The name of the limit whose key this is.
    pub(crate) fn name_of(
        &self,
        secrets: &Secrets,
        by: &Counted<'_>,
        key: BudgetKey,
    ) -> &'static str {
        if let Some(name) = sender::name_of(secrets, &self.rates, by.sender, key) {
            return name;
        }
        let place = by.place.map(|place| secrets.limit_key("place", &place.0));
        let client = by.issuer.client.as_ref();
        let client = client.map(|client| secrets.limit_key("client", client.as_str().as_bytes()));
        match Some(key) {
            _ if key == address_key(secrets, by) => "address",
            known if known == place => "place",
            known if known == client => "client",
            _ if key == secrets.limit_key("installation", b"") => "installation",
            _ => "cool_down",
        }
    }

    pub(crate) fn refuse(&self, spent: Spent, at: Millis) {
        self.refused.note(spent.key, at, spent.wait);
    }

    /// Whether a message was taken here a moment ago: it is a repeat, and no refusal that came meanwhile concerns it.
    pub(crate) fn is_taken(&self, message: BudgetKey, at: Millis) -> bool {
        self.taken.left(message, at).is_some()
    }

    pub(crate) fn taken(&self, message: BudgetKey, at: Millis) {
        self.taken.note(message, at, REPEATS);
    }

    /// Takes one ask from what the client and the installation may; `Some` with the wait when one of them is spent.
    pub(crate) async fn take_wide(
        &self,
        store: &Store,
        secrets: &Secrets,
        client: Option<&Name>,
        at: Millis,
    ) -> Result<Option<Spent>, StoreError> {
        let mut held: Vec<Pool> = Vec::new();
        for pool in self.wide(secrets, client) {
            let wait = self.leases.take(store, &pool, 1, at).await?;
            if let Some(wait) = wait {
                held.iter().for_each(|pool| self.leases.give_back(pool.key, 1, at));
                return Ok(Some(Spent { key: pool.key, wait }));
            }
            held.push(pool);
        }
        Ok(None)
    }

    /// An ask that was refused after all costs the others nothing.
    pub(crate) fn give_wide_back(&self, secrets: &Secrets, client: Option<&Name>, at: Millis) {
        for pool in self.wide(secrets, client) {
            self.leases.give_back(pool.key, 1, at);
        }
    }

    /// Takes wrong codes of the installation; false when there are not so many left.
    pub(crate) async fn take_codes(
        &self,
        store: &Store,
        secrets: &Secrets,
        codes: u32,
        at: Millis,
    ) -> Result<bool, StoreError> {
        let wait = self.leases.take(store, &self.codes(secrets), codes, at).await?;
        if let Some(wait) = wait {
            let seconds = wait.as_secs();
            tracing::debug!(event = "codes_spent", seconds);
        }
        Ok(wait.is_none())
    }

    pub(crate) fn give_codes_back(&self, secrets: &Secrets, codes: u32, at: Millis) {
        self.leases.give_back(self.codes(secrets).key, codes, at);
    }

    /// Whether mails are to do without codes where they have a link: those might not be compared.
    pub(crate) fn is_frozen(&self, secrets: &Secrets, at: Millis) -> bool {
        self.leases.was_spent(self.codes(secrets).key, at, FROZEN)
    }

    fn wide(&self, secrets: &Secrets, client: Option<&Name>) -> Vec<Pool> {
        let (most, life) = ASKS;
        let pool = |rate, kind, value: &str| Pool {
            key: secrets.limit_key(kind, value.as_bytes()),
            rate,
            most,
            life,
        };
        let client = client.map(|client| pool(self.rates.client, "client", client.as_str()));
        client.into_iter().chain([pool(self.rates.installation, "installation", "")]).collect()
    }

    fn codes(&self, secrets: &Secrets) -> Pool {
        let (most, life) = CODES;
        let (key, rate) = (secrets.limit_key("wrong_codes", b""), self.rates.wrong_codes);
        Pool { key, rate, most, life }
    }
}

/// How many wrong codes one of so many digits counts as.
pub(crate) fn weight(digits: u8) -> u32 {
    10_u32.saturating_pow(DIGITS.saturating_sub(digits).into())
}

fn widened(rate: Rate, standing: Standing) -> Rate {
    if standing == Standing::Dominant { rate.times(WIDER) } else { rate }
}

/// One budget for each door: who asks for an address through one of them silences its owner at no other.
fn address_key(secrets: &Secrets, by: &Counted<'_>) -> BudgetKey {
    let client = by.issuer.client.as_ref().map_or("", Name::as_str);
    let dialect = by.issuer.dialect;
    // A name holds no line feed.
    let door = [&by.address.0, dialect.as_bytes(), b"\n", client.as_bytes()].concat();
    secrets.limit_key("address", &door)
}

/// The cool-down of one sender for one address, as a key that its refusal is remembered by.
pub(crate) fn pair_key(secrets: &Secrets, address: AddressKey, sender: [u8; 16]) -> BudgetKey {
    secrets.limit_key("pair", &[address.0, sender].concat())
}
