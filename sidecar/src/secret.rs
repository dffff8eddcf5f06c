//! Every proof is derived here from a master key, every keyed key from the index key; none is stored.
//! Invariant: each purpose has a key of its own, inputs of a hash are told apart by their lengths, comparisons are
//! constant in time.

mod master;

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use contract::address::Channel;
use contract::message::Flow;
use contract::name::Name;
use contract::signature::hex;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac as _};
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::clock::Millis;
use crate::entropy::{Entropy, NoEntropy};

pub use self::master::{Master, Masters};

/// A challenge's id: 40 bits of time in seconds, so that rows lie in order, and 88 random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChallengeId(pub [u8; 16]);

/// A grant's id; all random.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GrantId(pub [u8; 16]);

/// An address, keyed: says nothing of the address to who holds the database alone. All sites have the same: they share the
/// accounts, so they share what an address may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AddressKey(pub [u8; 16]);

/// Who asks: the prefix of an address, keyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sender(pub [u8; 16]);

/// Where a flow was begun: a client together with a cookie or a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place(pub [u8; 16]);

/// What an account was when a challenge was made for it.
pub type Fingerprint = [u8; 32];

#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("no key can be derived")]
pub struct SecretFault;

/// Digits of the shortest phone numbers that an account is known by.
const PHONE: usize = 7;

/// Every secret's maker. What the index key keys stays the same for ever; the masters are exchanged whole.
#[derive(Clone)]
pub struct Secrets {
    index: Arc<Index>,
    masters: Arc<RwLock<Arc<Masters>>>,
}

type Key = Zeroizing<[u8; 32]>;

struct Index {
    address: Key,
    limit: Key,
    place: Key,
    sender: Key,
}

impl Secrets {
    pub fn derive(index: &[u8; 32], masters: Masters) -> Result<Self, SecretFault> {
        let root = Hkdf::<Sha256>::new(None, index);
        let index = Index {
            address: expand(&root, "address")?,
            limit: expand(&root, "limit")?,
            place: expand(&root, "place")?,
            sender: expand(&root, "sender")?,
        };
        Ok(Self { index: Arc::new(index), masters: Arc::new(RwLock::new(Arc::new(masters))) })
    }

    /// The masters of this moment; what belongs together is derived from one answer.
    pub fn masters(&self) -> Arc<Masters> {
        Arc::clone(&self.masters.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// All clones have the new masters from now on.
    pub fn change(&self, masters: Masters) {
        *self.masters.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(masters);
    }

    pub fn challenge_id(&self, now: Millis, entropy: &Entropy) -> Result<ChallengeId, NoEntropy> {
        let mut id: [u8; 16] = entropy.bytes()?;
        let time = now.seconds().to_be_bytes();
        for (to, from) in id.iter_mut().zip(time.iter().skip(3)) {
            *to = *from;
        }
        Ok(ChallengeId(id))
    }

    pub fn address_key(&self, channel: Channel, key: &str) -> AddressKey {
        let parts = [channel.as_str().as_bytes(), key.as_bytes()];
        AddressKey(half(mac_parts(&self.index.address, &parts)))
    }

    /// Where wrong codes of an address are counted that were typed together with a right link.
    pub fn linked_scope(&self, address: AddressKey) -> [u8; 16] {
        half(mac_parts(&self.index.address, &[b"linked", &address.0]))
    }

    /// An account's id as a log may hold it: keyed where it is an address itself, or looks like one.
    pub fn account_in_log(&self, id: &str) -> String {
        if is_personal(id) {
            let [key, ..] = halves(mac_parts(&self.index.address, &[b"account", id.as_bytes()]));
            return format!("keyed:{}", hex(&key));
        }
        id.to_owned()
    }

    pub fn sender(&self, sender: IpAddr) -> Sender {
        Sender(half(mac_parts(&self.index.sender, &[&prefix(sender)])))
    }

    /// The key of a budget: what it limits, and the value that it is counted by.
    pub fn limit_key(&self, kind: &str, value: &[u8]) -> [u8; 16] {
        half(mac_parts(&self.index.limit, &[kind.as_bytes(), value]))
    }

    /// The place of a flow that carries its cookie.
    pub fn place_of_flow(
        &self,
        site: &Name,
        dialect: &str,
        client: Option<&Name>,
        flow: Flow,
    ) -> Place {
        self.place(site, dialect, client, b"flow", &flow.0)
    }

    /// The place of a flow without a cookie.
    pub fn place_of_sender(
        &self,
        site: &Name,
        dialect: &str,
        client: Option<&Name>,
        sender: IpAddr,
    ) -> Place {
        self.place(site, dialect, client, b"sender", &prefix(sender))
    }

    fn place(
        &self,
        site: &Name,
        dialect: &str,
        client: Option<&Name>,
        kind: &[u8],
        value: &[u8],
    ) -> Place {
        let client = client.map_or("", Name::as_str);
        let parts = [site.as_str().as_bytes(), dialect.as_bytes(), client.as_bytes(), kind, value];
        Place(half(mac_parts(&self.index.place, &parts)))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Secrets({:?}, ..)", self.masters().active())
    }
}

/// Whom an address belongs to, as far as limits are concerned: all of an IPv4 address, the /64 of an IPv6 one.
fn prefix(sender: IpAddr) -> [u8; 9] {
    let mut bytes = [0; 9];
    let octets: Vec<u8> = match sender.to_canonical() {
        IpAddr::V4(four) => std::iter::once(4).chain(four.octets()).collect(),
        IpAddr::V6(six) => std::iter::once(6).chain(six.octets().into_iter().take(8)).collect(),
    };
    for (to, from) in bytes.iter_mut().zip(octets) {
        *to = from;
    }
    bytes
}

/// A sender's network, for the audit and for people: never the full address.
pub fn masked_sender(sender: IpAddr) -> String {
    match sender.to_canonical() {
        IpAddr::V4(four) => {
            let [a, b, c, _] = four.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(six) => {
            let [a, b, c, ..] = six.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
    }
}

fn expand(root: &Hkdf<Sha256>, purpose: &str) -> Result<Key, SecretFault> {
    let mut key = Zeroizing::new([0; 32]);
    root.expand(purpose.as_bytes(), &mut *key).map_err(|_| SecretFault)?;
    Ok(key)
}

fn mac_parts(key: &Key, parts: &[&[u8]]) -> [u8; 32] {
    let lengths: Vec<[u8; 8]> =
        parts.iter().map(|part| (part.len() as u64).to_be_bytes()).collect();
    let told: Vec<&[u8]> =
        lengths.iter().zip(parts).flat_map(|(length, part)| [length.as_slice(), part]).collect();
    mac(key, &told)
}

fn mac(key: &Key, parts: &[&[u8]]) -> [u8; 32] {
    // A key of the block size is taken as it is, so the short key is padded here and no length can be refused.
    let mut block = Zeroizing::new([0_u8; 64]);
    for (to, from) in block.iter_mut().zip(key.iter()) {
        *to = *from;
    }
    let mut mac = Hmac::<Sha256>::new(&(*block).into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Whether an account's id is an address or looks like one, so that no log and no report may hold it as it is.
pub fn is_personal(id: &str) -> bool {
    let digits = id.bytes().filter(u8::is_ascii_digit).count();
    let dialled = id.bytes().all(|byte| byte.is_ascii_digit() || b"+-. ()".contains(&byte));
    id.contains('@') || (dialled && digits >= PHONE)
}

fn half(whole: [u8; 32]) -> [u8; 16] {
    let [first, _] = halves(whole);
    first
}

fn halves(whole: [u8; 32]) -> [[u8; 16]; 2] {
    let mut halves = [[0; 16]; 2];
    for (to, from) in halves.iter_mut().flatten().zip(whole) {
        *to = from;
    }
    halves
}

#[cfg(test)]
mod tests;
