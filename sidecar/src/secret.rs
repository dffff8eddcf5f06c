//! Every proof and every keyed key is derived here from the master key; none is stored.
//! Invariant: each purpose has a key of its own, inputs of a hash are told apart by their lengths, comparisons are
//! constant in time.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use contract::address::Channel;
use contract::message::Flow;
use contract::name::Name;
use contract::secret::{Code, Token};
use contract::signature::{hex, unhex};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac as _};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::clock::Millis;
use crate::entropy::{Entropy, NoEntropy};
use crate::keys::MasterKey;

/// A challenge's id: 40 bits of time in seconds, so that rows lie in order, and 88 random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChallengeId(pub [u8; 16]);

/// A grant's id; all random.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GrantId(pub [u8; 16]);

/// An address on a site, keyed: says nothing of the address to who holds the database alone.
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

/// The derived keys of one master key.
#[derive(Clone)]
pub struct Secrets {
    master: Name,
    keys: Arc<Keys>,
}

type Key = Zeroizing<[u8; 32]>;

struct Keys {
    address: Key,
    code: Key,
    fingerprint: Key,
    grant: Key,
    limit: Key,
    link: Key,
    place: Key,
    sender: Key,
}

impl Secrets {
    pub fn new(master: &MasterKey) -> Result<Self, SecretFault> {
        let root = Hkdf::<Sha256>::new(None, &*master.secret);
        let key = |purpose: &str| {
            let mut key = Zeroizing::new([0; 32]);
            root.expand(purpose.as_bytes(), &mut *key).map_err(|_| SecretFault)?;
            Ok(key)
        };
        let keys = Keys {
            address: key("address")?,
            code: key("code")?,
            fingerprint: key("fingerprint")?,
            grant: key("grant")?,
            limit: key("limit")?,
            link: key("link")?,
            place: key("place")?,
            sender: key("sender")?,
        };
        Ok(Self { master: master.id.clone(), keys: Arc::new(keys) })
    }

    /// Which master key these secrets come from.
    pub fn master(&self) -> &Name {
        &self.master
    }

    pub fn challenge_id(&self, now: Millis, entropy: &Entropy) -> Result<ChallengeId, NoEntropy> {
        let mut id: [u8; 16] = entropy.bytes()?;
        let time = now.seconds().to_be_bytes();
        for (to, from) in id.iter_mut().zip(time.iter().skip(3)) {
            *to = *from;
        }
        Ok(ChallengeId(id))
    }

    /// 64 lower-case hexadecimal digits: the id, and 128 bits that only we can derive.
    pub fn link_token(&self, id: ChallengeId) -> Zeroizing<String> {
        Zeroizing::new(token(&self.keys.link, id.0))
    }

    pub fn grant_token(&self, id: GrantId) -> Zeroizing<String> {
        Zeroizing::new(token(&self.keys.grant, id.0))
    }

    /// The challenge of a link token that we made.
    pub fn read_link(&self, given: &Token) -> Option<ChallengeId> {
        read(&self.keys.link, given).map(ChallengeId)
    }

    /// The grant of a token that we made.
    pub fn read_grant(&self, given: &Token) -> Option<GrantId> {
        read(&self.keys.grant, given).map(GrantId)
    }

    /// The decimal code of a challenge, zero-padded; the counter makes codes of one place differ.
    pub fn code(&self, id: ChallengeId, counter: u32, digits: u8) -> Zeroizing<String> {
        let [high, ..] = halves(mac(&self.keys.code, &[&id.0, &counter.to_be_bytes()]));
        let width = usize::from(digits.clamp(1, 12));
        let modulus = 10_u128.saturating_pow(u32::from(digits.clamp(1, 12)));
        let number = u128::from_be_bytes(high).checked_rem(modulus).unwrap_or(0);
        Zeroizing::new(format!("{number:0width$}"))
    }

    /// Whether a code was typed right, in constant time.
    pub fn is_code(&self, given: &Code, id: ChallengeId, counter: u32, digits: u8) -> Choice {
        let expected = self.code(id, counter, digits);
        Choice::from(u8::from(given.matches(&expected)))
    }

    /// What of an account a proof depends on; each part with its length.
    pub fn fingerprint(
        &self,
        account: &str,
        revision: &[u8],
        address: &str,
        status: &str,
    ) -> Fingerprint {
        mac_parts(
            &self.keys.fingerprint,
            &[account.as_bytes(), revision, address.as_bytes(), status.as_bytes()],
        )
    }

    pub fn address_key(&self, site: &Name, channel: Channel, key: &str) -> AddressKey {
        let parts = [site.as_str().as_bytes(), channel.as_str().as_bytes(), key.as_bytes()];
        AddressKey(half(mac_parts(&self.keys.address, &parts)))
    }

    /// Where wrong codes of an address are counted that were typed together with a right link.
    pub fn linked_scope(&self, address: AddressKey) -> [u8; 16] {
        half(mac_parts(&self.keys.address, &[b"linked", &address.0]))
    }

    /// An account's id as a log may hold it: keyed where it is an address itself, or looks like one.
    pub fn account_in_log(&self, id: &str) -> String {
        let digits = id.bytes().filter(u8::is_ascii_digit).count();
        let dialled = id.bytes().all(|byte| byte.is_ascii_digit() || b"+-. ()".contains(&byte));
        if id.contains('@') || (dialled && digits >= PHONE) {
            let [key, ..] = halves(mac_parts(&self.keys.address, &[b"account", id.as_bytes()]));
            return format!("keyed:{}", hex(&key));
        }
        id.to_owned()
    }

    pub fn sender(&self, sender: IpAddr) -> Sender {
        Sender(half(mac_parts(&self.keys.sender, &[&prefix(sender)])))
    }

    /// The key of a budget: what it limits, and the value that it is counted by.
    pub fn limit_key(&self, kind: &str, value: &[u8]) -> [u8; 16] {
        half(mac_parts(&self.keys.limit, &[kind.as_bytes(), value]))
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
        Place(half(mac_parts(&self.keys.place, &parts)))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Secrets({}, ..)", self.master.as_str())
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

/// The challenge's counter is not in a link: a link of another counter would be another link to the same row.
fn token(key: &Key, id: [u8; 16]) -> String {
    let [proof, ..] = halves(mac(key, &[&id, &0_u32.to_be_bytes()]));
    hex(&id) + &hex(&proof)
}

/// Garbage is judged like everything else: against the token of some id.
fn read(key: &Key, given: &Token) -> Option<[u8; 16]> {
    let id = given.expose().get(..32).and_then(unhex::<16>);
    let expected = Zeroizing::new(token(key, id.unwrap_or_default()));
    let right = given.expose().as_bytes().ct_eq(expected.as_bytes());
    id.filter(|_| bool::from(right))
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
