//! One key, as a line of a key file has it. Invariant: a `Key` exists only where its kind can use its secret, and its
//! secret is wiped when dropped and never shown.

use std::fmt;

use base64ct::{Base64, Encoding};
use contract::name::Name;
use contract::signature::{EdgeKey, hex, unhex};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{KeyFault, Kind};
use crate::entropy::Entropy;
use crate::jwt::JwtKey;
use crate::password::{Pepper, RsaKey, Sm2Key};

#[derive(Clone)]
pub struct Key {
    pub kind: Kind,
    pub id: Name,
    /// 32 bytes; a PKCS#8 document for rsa.
    pub(super) secret: Zeroizing<Vec<u8>>,
}

impl Key {
    /// `None` where no key of the kind is made of such a secret.
    pub fn new(kind: Kind, id: Name, secret: Zeroizing<Vec<u8>>) -> Option<Self> {
        let fits = match kind {
            Kind::Rsa => RsaKey::read(&secret).is_some(),
            Kind::Sm2 => Sm2Key::read(&secret).is_some(),
            _ => secret.len() == 32,
        };
        fits.then_some(Self { kind, id, secret })
    }

    /// A new key under an id of its own.
    pub fn draw(kind: Kind, entropy: &Entropy) -> Result<Self, KeyFault> {
        let secret = match kind {
            Kind::Rsa => RsaKey::draw(entropy),
            Kind::Sm2 => Sm2Key::draw(entropy),
            _ => entropy.bytes::<32>().ok().map(|bytes| Zeroizing::new(bytes.to_vec())),
        };
        Self::named(kind, secret.ok_or(KeyFault::Entropy)?, entropy)
    }

    /// A private key of the app's, rsa or sm2, under an id of its own: PKCS#8, PKCS#1 or SEC1 in PEM, or 64 hex for sm2.
    pub fn adopt(kind: Kind, text: &str, entropy: &Entropy) -> Result<Self, KeyFault> {
        let secret = match kind {
            Kind::Rsa => RsaKey::from_pem(text),
            Kind::Sm2 => Sm2Key::from_text(text),
            _ => None,
        };
        Self::named(kind, secret.ok_or(KeyFault::NotAdopted)?, entropy)
    }

    fn named(kind: Kind, secret: Zeroizing<Vec<u8>>, entropy: &Entropy) -> Result<Self, KeyFault> {
        let id: [u8; 4] = entropy.bytes().map_err(|_| KeyFault::Entropy)?;
        let id = Name::parse(&hex(&id)).ok_or(KeyFault::Entropy)?;
        Ok(Self { kind, id, secret })
    }

    /// Reads a line of a key file.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let kind = Kind::parse(words.next()?.strip_prefix("rekey-")?)?;
        let id = Name::parse(words.next()?)?;
        let word = words.next().filter(|_| words.next().is_none())?;
        let secret = match kind {
            Kind::Rsa => Zeroizing::new(Base64::decode_vec(word).ok()?),
            _ => Zeroizing::new(Zeroizing::new(unhex::<32>(word)?).to_vec()),
        };
        Self::new(kind, id, secret)
    }

    /// As it stands in a file, with the end of the line.
    pub fn as_line(&self) -> Zeroizing<String> {
        let secret = Zeroizing::new(match self.kind {
            Kind::Rsa => Base64::encode_string(&self.secret),
            _ => hex(&self.secret),
        });
        Zeroizing::new(format!("{} {} {}\n", self.kind, self.id.as_str(), *secret))
    }

    /// The secret of every kind but rsa.
    pub fn bytes(&self) -> Option<&[u8; 32]> {
        self.secret.as_slice().try_into().ok()
    }

    /// What tells two keys of one id apart, and nothing else: four bytes derived for this alone.
    pub fn check(&self) -> String {
        let mut check = [0; 4];
        match Hkdf::<Sha256>::new(None, &self.secret).expand(b"check", &mut check) {
            Ok(()) => hex(&check),
            Err(_) => String::new(),
        }
    }

    /// Whether it stands in documents, or nobody drew it.
    pub(super) fn is_example(&self) -> bool {
        self.kind != Kind::Rsa && self.edge().is_none_or(|key| key.is_example())
    }

    pub(crate) fn edge(&self) -> Option<EdgeKey> {
        EdgeKey::parse(self.id.clone(), &Zeroizing::new(hex(&self.secret)))
    }

    pub(super) fn jwt(&self) -> Option<JwtKey> {
        JwtKey::new(self.id.clone(), self.bytes()?)
    }

    pub(super) fn pepper(&self) -> Option<Pepper> {
        Some(Pepper { id: self.id.clone(), key: Zeroizing::new(*self.bytes()?) })
    }

    pub(super) fn rsa(&self) -> Option<RsaKey> {
        RsaKey::read(&self.secret)
    }

    pub(super) fn sm2(&self) -> Option<Sm2Key> {
        Sm2Key::read(&self.secret)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Key({}, {}, ..)", self.kind, self.id.as_str())
    }
}
