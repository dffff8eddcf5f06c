//! RSA with PKCS#1 v1.5, as old clients do it. Invariant: bad padding gives another text, made from the private key and the
//! ciphertext, and no error, so neither an answer nor its time tells a padding that was right (implicit rejection).

use std::fmt;

use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, LineEnding};
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::traits::PublicKeyParts;
use rsa::{PrivateKey, PublicKey};
use zeroize::Zeroizing;

use crate::entropy::{Entropy, NoEntropy};

/// Bits of a modulus. More than 4096 would let one message hold a hash thread for long.
const BITS: std::ops::RangeInclusive<u32> = 2048..=4096;

/// Bytes that a ciphertext may lack: jsencrypt writes the number without its leading zeros, so that once in 256 times one is
/// missing.
const MISSING: usize = 4;

/// Bits of one that we draw: what every client's library can do.
const DRAWN: usize = 2048;

/// A private key; wiped when dropped.
pub struct RsaKey(PrivateKey);

impl RsaKey {
    /// Reads PKCS#8 in DER.
    pub fn read(der: &[u8]) -> Option<Self> {
        PrivateKey::from_pkcs8_der(der).ok().and_then(Self::of)
    }

    /// PKCS#8 in DER of a new key.
    pub fn draw(entropy: &Entropy) -> Option<Zeroizing<Vec<u8>>> {
        drawn(entropy, DRAWN)
    }

    /// PKCS#8 in DER of a key that comes as PEM, in PKCS#8 or PKCS#1.
    pub fn from_pem(text: &str) -> Option<Zeroizing<Vec<u8>>> {
        let key = match PrivateKey::from_pkcs8_pem(text) {
            Ok(key) => key,
            Err(_) => PrivateKey::from_pkcs1_pem(text).ok()?,
        };
        Self::of(key)?.to_der()
    }

    /// The public key as PEM (SubjectPublicKeyInfo).
    pub(super) fn public(&self) -> Option<String> {
        self.0.to_public_key().to_public_key_pem(LineEnding::LF).ok()
    }

    /// What came out, right or made up; `None` only for what is no ciphertext of this key's size, which everybody can see.
    pub(super) fn open(&self, ciphertext: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let missing = self.0.size().checked_sub(ciphertext.len()).filter(|few| *few <= MISSING)?;
        let whole = [vec![0; missing], ciphertext.to_vec()].concat();
        self.0.pkcs1v15_decrypt(&whole).ok().map(Zeroizing::new)
    }

    fn of(key: PrivateKey) -> Option<Self> {
        let public: &PublicKey = key.as_public_key();
        BITS.contains(&public.n().bit_width()).then_some(Self(key))
    }

    fn to_der(&self) -> Option<Zeroizing<Vec<u8>>> {
        self.0.to_pkcs8_der().ok().map(|der| Zeroizing::new(der.as_bytes().to_vec()))
    }
}

pub(super) fn drawn(entropy: &Entropy, bits: usize) -> Option<Zeroizing<Vec<u8>>> {
    RsaKey(PrivateKey::new(&mut Draws(entropy), bits).ok()?).to_der()
}

#[cfg(test)]
impl RsaKey {
    /// As a client encrypts for us.
    pub(super) fn close(&self, text: &[u8]) -> Vec<u8> {
        self.0.to_public_key().pkcs1v15_encrypt(text).unwrap()
    }
}

impl fmt::Debug for RsaKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("RsaKey(..)")
    }
}

/// Our randomness, as the primes are drawn from it.
struct Draws<'e>(&'e Entropy);

impl TryRng for Draws<'_> {
    type Error = NoEntropy;

    fn try_next_u32(&mut self) -> Result<u32, NoEntropy> {
        self.0.bytes().map(u32::from_le_bytes)
    }

    fn try_next_u64(&mut self) -> Result<u64, NoEntropy> {
        self.0.bytes().map(u64::from_le_bytes)
    }

    fn try_fill_bytes(&mut self, into: &mut [u8]) -> Result<(), NoEntropy> {
        for chunk in into.chunks_mut(32) {
            let drawn: [u8; 32] = self.0.bytes()?;
            chunk.iter_mut().zip(drawn).for_each(|(to, from)| *to = from);
        }
        Ok(())
    }
}

impl TryCryptoRng for Draws<'_> {}
