//! From an encrypted password to the plain one. Invariant: every believed key does the same work whatever comes of it, and
//! nothing but the password, or that there is none, leaves.

mod rsa;
mod sm2;
#[cfg(test)]
mod tests;
mod text;

use base64ct::{Base64, Encoding};
use contract::message::Encryption;
use contract::public_keys::PublicKeys;
use contract::secret::Password;
use subtle::{Choice, ConditionallySelectable, ConstantTimeGreater};
use zeroize::Zeroizing;

use self::sm2::Order;
use self::text::{LONGEST, is_password};
use super::ranked::Ranked;

pub use self::rsa::RsaKey;
pub use self::sm2::Sm2Key;

/// How a client may lay out an SM2 ciphertext.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sm2Layouts {
    /// C1, C3, C2 in hex: plain, behind `sm2:`, or behind the point's tag `04`.
    #[default]
    Standard,
    /// Also `04`, C1, C2, C3 of a text in base64, as one vendor's iOS client has it.
    WithIos,
}

/// Every private key that is believed, the active ones first.
#[derive(Debug, Default)]
pub struct Decryptor {
    rsa: Vec<RsaKey>,
    sm2: Vec<Sm2Key>,
    layouts: Sm2Layouts,
    public: PublicKeys,
}

impl Decryptor {
    pub fn new(rsa: Ranked<RsaKey>, sm2: Ranked<Sm2Key>, layouts: Sm2Layouts) -> Self {
        let public = PublicKeys {
            rsa: rsa.active.as_ref().and_then(RsaKey::public),
            sm2: sm2.active.as_ref().map(Sm2Key::public),
        };
        Self { rsa: rsa.all(), sm2: sm2.all(), layouts, public }
    }

    /// What clients encrypt with.
    pub fn public(&self) -> &PublicKeys {
        &self.public
    }

    /// Whether there is a key for it.
    pub fn holds(&self, encryption: Encryption) -> bool {
        match encryption {
            Encryption::None => true,
            Encryption::Rsa => !self.rsa.is_empty(),
            Encryption::Sm2 => !self.sm2.is_empty(),
        }
    }

    /// The password in a ciphertext; on a hash thread, for it takes its time. `None`: not one of ours, or no password in it.
    pub fn decrypt(&self, encryption: Encryption, ciphertext: &str) -> Option<Password> {
        let mut best = Best::default();
        match encryption {
            Encryption::None => return Password::parse(ciphertext.to_owned()),
            Encryption::Rsa => self.try_rsa(ciphertext, &mut best)?,
            Encryption::Sm2 => self.try_sm2(ciphertext, &mut best)?,
        }
        best.password()
    }

    /// A key that it was not encrypted for gives a made-up text, nearly always one that is no password, else a short one;
    /// so the longest is taken.
    fn try_rsa(&self, ciphertext: &str, best: &mut Best) -> Option<()> {
        let ciphertext = Base64::decode_vec(ciphertext).ok()?;
        for key in &self.rsa {
            if let Some(text) = key.open(&ciphertext) {
                best.offer(&text, Choice::from(1));
            }
        }
        Some(())
    }

    /// C3 vouches for one reading at most.
    fn try_sm2(&self, ciphertext: &str, best: &mut Best) -> Option<()> {
        let digits = ciphertext.strip_prefix("sm2:").unwrap_or(ciphertext);
        let bare = sm2::unhex(digits)?;
        let tagged = bare.split_first().filter(|(tag, _)| **tag == 4).map(|(_, rest)| rest);
        for key in &self.sm2 {
            for bytes in std::iter::once(bare.as_slice()).chain(tagged) {
                if let Some((text, vouched)) = key.open(bytes, Order::HashFirst) {
                    best.offer(&text, vouched);
                }
            }
            let ios = tagged.filter(|_| self.layouts == Sm2Layouts::WithIos);
            if let Some((text, vouched)) = ios.and_then(|bytes| key.open(bytes, Order::HashLast)) {
                let inner = std::str::from_utf8(&text).ok().map(Base64::decode_vec);
                let inner = Zeroizing::new(inner.and_then(Result::ok).unwrap_or_default());
                best.offer(&inner, vouched);
            }
        }
        Some(())
    }
}

/// The longest text that was good so far, chosen without a branch.
struct Best {
    bytes: Zeroizing<[u8; LONGEST]>,
    length: u32,
}

impl Default for Best {
    fn default() -> Self {
        Self { bytes: Zeroizing::new([0; LONGEST]), length: 0 }
    }
}

impl Best {
    fn offer(&mut self, text: &[u8], vouched: Choice) {
        // Longer ones only SM2 has, and there everybody can see it.
        let Some(length) = u32::try_from(text.len()).ok().filter(|_| text.len() <= LONGEST) else {
            return;
        };
        let mut bytes = Zeroizing::new([0; LONGEST]);
        bytes.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
        let is_good = vouched & is_password(&bytes, length);
        let is_better = is_good & length.ct_gt(&self.length);
        self.length.conditional_assign(&length, is_better);
        for (to, from) in self.bytes.iter_mut().zip(bytes.iter()) {
            to.conditional_assign(from, is_better);
        }
    }

    fn password(&self) -> Option<Password> {
        let bytes = self.bytes.get(..usize::try_from(self.length).ok()?)?;
        Password::parse(std::str::from_utf8(bytes).ok()?.to_owned())
    }
}
