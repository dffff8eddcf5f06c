//! SM2 decryption (GB/T 32918.4) of the layouts that clients send. Invariant: C1 is on the curve and no infinity before the
//! key touches it, and C3 is compared in constant time; what it does not vouch for never leaves.

use std::fmt;

use sm2::elliptic_curve::Group;
use sm2::elliptic_curve::sec1::{FromSec1Point, ToSec1Point};
use sm2::{AffinePoint, NonZeroScalar, ProjectivePoint, PublicKey, Scalar, Sec1Point, SecretKey};
use sm3::{Digest, Sm3};
use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

use crate::entropy::Entropy;

/// Bytes of a point without its tag, and of C3.
const POINT: usize = 64;
const HASH: usize = 32;

/// How the parts of a ciphertext follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Point, hash, text: as the standard has it.
    HashFirst,
    /// Point, text, hash: as it was in the draft.
    HashLast,
}

/// A private key; wiped when dropped.
pub struct Sm2Key(NonZeroScalar);

impl Sm2Key {
    /// Reads the private scalar: 1 to n - 2.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let scalar: NonZeroScalar = NonZeroScalar::try_from(bytes).ok()?;
        let is_last = (*scalar + Scalar::ONE).ct_eq(&Scalar::ZERO);
        (!bool::from(is_last)).then_some(Self(scalar))
    }

    /// The private scalar of a new key.
    pub fn draw(entropy: &Entropy) -> Option<Zeroizing<Vec<u8>>> {
        // Of 2^32 draws one is no scalar.
        for _ in 0..4 {
            let drawn: Zeroizing<[u8; 32]> = Zeroizing::new(entropy.bytes().ok()?);
            if Self::read(&*drawn).is_some() {
                return Some(Zeroizing::new(drawn.to_vec()));
            }
        }
        None
    }

    /// The private scalar of a key that comes as 64 hexadecimal digits, or as PEM in PKCS#8 or SEC1.
    pub fn from_text(text: &str) -> Option<Zeroizing<Vec<u8>>> {
        let text = text.trim();
        let scalar = match text.starts_with("-----BEGIN ") {
            true => Zeroizing::new(SecretKey::from_pem(text).ok()?.to_bytes().to_vec()),
            false => unhex(text)?,
        };
        Self::read(&scalar).map(|_| scalar)
    }

    /// The public key as 130 hexadecimal digits, `04` first.
    pub(super) fn public(&self) -> String {
        let point = PublicKey::from_secret_scalar(&self.0).to_sec1_point(false);
        contract::signature::hex(point.as_bytes())
    }

    /// The plaintext and whether C3 vouches for it; `None` for what is no ciphertext to anybody. Without the tag `04`.
    pub(super) fn open(
        &self,
        ciphertext: &[u8],
        order: Order,
    ) -> Option<(Zeroizing<Vec<u8>>, Choice)> {
        let (point, rest) = ciphertext.split_at_checked(POINT)?;
        let (hash, text) = match order {
            Order::HashFirst => rest.split_at_checked(HASH)?,
            Order::HashLast => {
                let (text, hash) = rest.split_at_checked(rest.len().checked_sub(HASH)?)?;
                (hash, text)
            }
        };
        if text.is_empty() {
            return None;
        }
        let point = on_curve(point)?;
        // The group's order is prime and its cofactor one: a point of the curve is none of a smaller group.
        let shared = (ProjectivePoint::from(point) * *self.0).to_affine().to_sec1_point(false);
        let mut coordinates = Zeroizing::new([0; POINT]);
        coordinates
            .iter_mut()
            .zip(shared.as_bytes().iter().skip(1))
            .for_each(|(to, from)| *to = *from);
        let (plain, has_stream) = stream(&coordinates, text);
        let vouched = vouch(&coordinates, &plain).ct_eq(hash);
        Some((plain, vouched & has_stream))
    }
}

#[cfg(test)]
impl Sm2Key {
    /// As a client encrypts for us with the drawn scalar `k`: C1, C2, C3 in hex.
    pub(super) fn lock(&self, k: &[u8], text: &[u8]) -> [String; 3] {
        use contract::signature::hex;

        let k = NonZeroScalar::try_from(k).unwrap();
        let point = PublicKey::from_secret_scalar(&k).to_sec1_point(false);
        let ours = PublicKey::from_secret_scalar(&self.0).to_projective();
        let shared = (ours * *k).to_affine().to_sec1_point(false);
        let coordinates = shared.as_bytes()[1..].try_into().unwrap();
        let (locked, _) = stream(&coordinates, text);
        [hex(&point.as_bytes()[1..]), hex(&locked), hex(&vouch(&coordinates, text))]
    }
}

/// Hexadecimal digits of either case, in time that depends on their number only.
pub(super) fn unhex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    base16(text).map(Zeroizing::new)
}

fn base16(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    text.as_bytes().chunks(2).map(pair).collect()
}

fn on_curve(bytes: &[u8]) -> Option<AffinePoint> {
    let mut tagged = [4; POINT + 1];
    tagged.iter_mut().skip(1).zip(bytes).for_each(|(to, from)| *to = *from);
    let point = Sec1Point::from_bytes(tagged).ok()?;
    let point: AffinePoint = Option::from(AffinePoint::from_sec1_point(&point))?;
    (!bool::from(ProjectivePoint::from(point).is_identity())).then_some(point)
}

/// The text under the key stream, and whether that was more than zeroes.
fn stream(coordinates: &[u8; POINT], text: &[u8]) -> (Zeroizing<Vec<u8>>, Choice) {
    let mut plain = Zeroizing::new(text.to_vec());
    let mut seen = 0;
    for (number, chunk) in (1_u32..).zip(plain.chunks_mut(HASH)) {
        let mut block =
            Sm3::new().chain_update(coordinates).chain_update(number.to_be_bytes()).finalize();
        for (byte, mask) in chunk.iter_mut().zip(&block) {
            *byte ^= mask;
            seen |= mask;
        }
        block.as_mut_slice().zeroize();
    }
    (plain, !seen.ct_eq(&0))
}

fn vouch(coordinates: &[u8; POINT], plain: &[u8]) -> [u8; HASH] {
    let (x, y) = coordinates.split_at(POINT / 2);
    Sm3::new().chain_update(x).chain_update(plain).chain_update(y).finalize().into()
}

impl Drop for Sm2Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Sm2Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Sm2Key(..)")
    }
}
