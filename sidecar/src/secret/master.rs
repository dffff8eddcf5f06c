//! What master keys make and judge: links, codes, grants, fingerprints. Invariant: the active one makes, the one that made
//! it judges, and what a token is tried against does not depend on the token.

use std::fmt;
use std::sync::Arc;

use contract::name::Name;
use contract::secret::{Code, Token};
use contract::signature::{hex, unhex};
use hkdf::Hkdf;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use super::{ChallengeId, Fingerprint, GrantId, Key, SecretFault, expand, halves, mac, mac_parts};
use crate::entropy::{Entropy, NoEntropy};
use crate::keys;

/// Bytes of a grant's id that tell whose it is, so that a repeated message gets its grant again after a rotation.
const MARK: usize = 4;

/// The derived keys of one master key.
#[derive(Clone)]
pub struct Master {
    id: Name,
    mark: [u8; MARK],
    keys: Arc<Derived>,
}

struct Derived {
    code: Key,
    fingerprint: Key,
    grant: Key,
    link: Key,
}

/// All masters that are held: the active one, and those that others may have made with or will.
#[derive(Clone, Debug)]
pub struct Masters {
    active: Master,
    others: Vec<Master>,
}

impl Master {
    pub fn derive(key: &keys::Key) -> Result<Self, SecretFault> {
        let root = Hkdf::<Sha256>::new(None, key.bytes().ok_or(SecretFault)?);
        let keys = Derived {
            code: expand(&root, "code")?,
            fingerprint: expand(&root, "fingerprint")?,
            grant: expand(&root, "grant")?,
            link: expand(&root, "link")?,
        };
        let told = Sha256::digest(key.id.as_str().as_bytes());
        let mark = told.first_chunk().copied().unwrap_or_default();
        Ok(Self { id: key.id.clone(), mark, keys: Arc::new(keys) })
    }

    pub fn id(&self) -> &Name {
        &self.id
    }

    /// 64 lower-case hexadecimal digits: the id, and 128 bits that only we can derive.
    pub fn link_token(&self, id: ChallengeId) -> Zeroizing<String> {
        Zeroizing::new(token(&self.keys.link, id.0))
    }

    /// Random, but for the bytes that tell whose it is.
    pub fn grant_id(&self, entropy: &Entropy) -> Result<GrantId, NoEntropy> {
        let mut id: [u8; 16] = entropy.bytes()?;
        for (to, from) in id.iter_mut().zip(self.mark) {
            *to = from;
        }
        Ok(GrantId(id))
    }

    pub fn grant_token(&self, id: GrantId) -> Zeroizing<String> {
        Zeroizing::new(token(&self.keys.grant, id.0))
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
}

impl fmt::Debug for Master {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Master({}, ..)", self.id.as_str())
    }
}

impl Masters {
    pub fn new(active: Master, others: Vec<Master>) -> Self {
        Self { active, others }
    }

    /// The one that makes.
    pub fn active(&self) -> &Master {
        &self.active
    }

    /// The one that a challenge names, if it is still held.
    pub fn of(&self, id: &str) -> Option<&Master> {
        self.all().find(|master| master.id.as_str() == id)
    }

    /// The challenge of a link token that we made, and the master that made it.
    pub fn read_link(&self, given: &Token) -> Option<(&Master, ChallengeId)> {
        let (master, id) = self.read(given, |keys| &keys.link)?;
        Some((master, ChallengeId(id)))
    }

    /// The grant of a token that we made, and the master that made it.
    pub fn read_grant(&self, given: &Token) -> Option<(&Master, GrantId)> {
        let (master, id) = self.read(given, |keys| &keys.grant)?;
        Some((master, GrantId(id)))
    }

    /// The token of a grant, by the master that it was made with.
    pub fn grant_token(&self, id: GrantId) -> Zeroizing<String> {
        let maker = self.all().find(|master| id.0.starts_with(&master.mark));
        maker.unwrap_or(&self.active).grant_token(id)
    }

    fn all(&self) -> impl Iterator<Item = &Master> {
        std::iter::once(&self.active).chain(&self.others)
    }

    /// Tries every master, also after the right one. Garbage is judged like everything else: against the token of some id.
    fn read(&self, given: &Token, key: impl Fn(&Derived) -> &Key) -> Option<(&Master, [u8; 16])> {
        let id = given.expose().get(..32).and_then(unhex::<16>);
        let mut found = None;
        for master in self.all() {
            let expected = Zeroizing::new(token(key(&master.keys), id.unwrap_or_default()));
            let right = given.expose().as_bytes().ct_eq(expected.as_bytes());
            found = found.or(bool::from(right).then_some(master));
        }
        found.zip(id)
    }
}

/// The challenge's counter is not in a link: a link of another counter would be another link to the same row.
fn token(key: &Key, id: [u8; 16]) -> String {
    let [proof, ..] = halves(mac(key, &[&id, &0_u32.to_be_bytes()]));
    hex(&id) + &hex(&proof)
}
