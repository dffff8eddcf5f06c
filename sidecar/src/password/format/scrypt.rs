//! scrypt: `$scrypt$ln=17,r=8,p=1$salt$tag` as PHC and passlib write it, `scrypt$131072$salt$8$1$tag` as Django does
//! (RFC 7914). Invariant: its memory is bounded when a hash is read.

use std::ops::RangeInclusive;

use ::scrypt::{Params, scrypt};
use base64ct::{Base64, Base64Unpadded, Encoding};
use contract::signature::hex;

use super::tag::Tag;
use super::text::{bytes, decimal, named, parts, salt};
use super::{FormatFault, Salt};

const BLOCK: u32 = 8;
/// Django lets OpenSSL take 32 MiB and no more, so its hashes have its own cost, which OWASP holds to be as good as 17 and 1.
pub(super) const DJANGO_LOG: u32 = 14;
const DJANGO_LANES: u32 = 5;
const MAX_MEMORY_KIB: u64 = 256 * 1024;
/// N times r times p.
const MAX_WORK: u64 = 1 << 24;
const SALT_BYTES: RangeInclusive<usize> = 4..=64;
/// Below 16 bytes a wrong password could match by chance.
const TAG_BYTES: RangeInclusive<usize> = 16..=64;

/// How a hash is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    Django,
    Phc,
}

/// A stored hash, read.
#[derive(Clone, Debug)]
pub struct Scrypt {
    /// The exponent of N.
    log: u32,
    params: Params,
    salt: Vec<u8>,
    tag: Tag,
}

impl Scrypt {
    /// `ln=17,r=8,p=1$salt$tag`
    pub(super) fn parse(rest: &str) -> Result<Self, FormatFault> {
        let [cost, salt, tag] = parts(rest, '$')?;
        let [log, r, p] = parts(cost, ',')?;
        let log = named(Some(log), "ln=")?;
        let params = params(log, named(Some(r), "r=")?, named(Some(p), "p=")?)?;
        let salt = bytes::<Base64Unpadded>(salt, SALT_BYTES)?;
        Ok(Self { log, params, salt, tag: Tag(bytes::<Base64Unpadded>(tag, TAG_BYTES)?) })
    }

    /// `131072$salt$8$1$tag`
    pub(super) fn parse_django(rest: &str) -> Result<Self, FormatFault> {
        let [n, written, r, p, tag] = parts(rest, '$')?;
        let n = decimal(n)?;
        if !n.is_power_of_two() {
            return Err(FormatFault::Malformed);
        }
        let log = n.trailing_zeros();
        let params = params(log, decimal(r)?, decimal(p)?)?;
        let salt = salt(written, SALT_BYTES)?;
        Ok(Self { log, params, salt, tag: Tag(bytes::<Base64>(tag, TAG_BYTES)?) })
    }

    pub(super) fn log(&self) -> u32 {
        self.log
    }

    pub(super) fn matches(&self, password: &str) -> Result<bool, FormatFault> {
        let mut tag = vec![0; self.tag.len()];
        scrypt(password.as_bytes(), &self.salt, &self.params, &mut tag)
            .map_err(|_| FormatFault::Malformed)?;
        Ok(self.tag.matches(&tag))
    }
}

impl Spelling {
    fn lanes(self) -> u32 {
        match self {
            Self::Django => DJANGO_LANES,
            Self::Phc => 1,
        }
    }

    /// What we write, within the ceilings.
    pub(super) fn params(self, log: u32) -> Result<Params, FormatFault> {
        params(log, BLOCK, self.lanes())
    }
}

pub(super) fn write(
    spelling: Spelling,
    log: u32,
    password: &str,
    salt: &Salt,
) -> Result<String, FormatFault> {
    let (params, lanes) = (spelling.params(log)?, spelling.lanes());
    let make = |salt: &[u8], tag: &mut [u8]| {
        scrypt(password.as_bytes(), salt, &params, tag).map_err(|_| FormatFault::Malformed)
    };
    match spelling {
        Spelling::Phc => {
            let mut tag = [0; 32];
            make(salt, &mut tag)?;
            let [salt, tag] = [&salt[..], &tag].map(Base64Unpadded::encode_string);
            Ok(format!("$scrypt$ln={log},r={BLOCK},p={lanes}${salt}${tag}"))
        }
        Spelling::Django => {
            let (salt, mut tag) = (hex(salt), [0; 64]);
            make(salt.as_bytes(), &mut tag)?;
            let (n, tag) = (params.n(), Base64::encode_string(&tag));
            Ok(format!("scrypt${n}${salt}${BLOCK}${lanes}${tag}"))
        }
    }
}

fn params(log: u32, r: u32, p: u32) -> Result<Params, FormatFault> {
    let log = u8::try_from(log).ok().filter(|log| *log < 32).ok_or(FormatFault::Costly)?;
    let memory = (u64::from(r) << log) / 8;
    let work = (u64::from(r) << log).saturating_mul(p.into());
    if memory > MAX_MEMORY_KIB || work > MAX_WORK {
        return Err(FormatFault::Costly);
    }
    Params::new(log, r, p).map_err(|_| FormatFault::Malformed)
}

#[cfg(test)]
mod tests {
    use crate::password::format::tests::known;

    #[test]
    fn vectors_match() {
        // RFC 7914, section 12; the last was made by passlib.
        known(&[
            (
                "password",
                "$scrypt$ln=10,r=8,p=16$TmFDbA$/bq+HJ00cgB4VucZDQHp/nxq18vII3gw53N2Y0s3MWIurzDZLiKjiG/xCSedmDDaxyevuUqD7m2DYMvfoswGQA",
            ),
            (
                "pleaseletmein",
                "scrypt$16384$SodiumChloride$8$1$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw==",
            ),
            (
                "password",
                "$scrypt$ln=4,r=8,p=1$ICRkbI2Rcq5Vag0BoHSOEQ$TP4taY+lzCBxWLeBcYBzUFNZt/LGUVZj04gDecrMtJM",
            ),
        ]);
    }
}
