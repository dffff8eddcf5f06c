//! scrypt: `$scrypt$ln=17,r=8,p=1$salt$tag` as PHC and passlib write it, `scrypt$131072$salt$8$1$tag` as Django does,
//! `salt:tag` as Better Auth does (RFC 7914). Invariant: its memory is bounded when a hash is read.

use std::ops::RangeInclusive;

use ::scrypt::{Params, scrypt};
use base64ct::{Base64, Base64Unpadded, Encoding};
use contract::signature::{hex, unhex};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::tag::Tag;
use super::text::{bytes, decimal, named, parts, salt};
use super::{FormatFault, Salt};

/// Better Auth's cost, which no hash of it tells.
pub(super) const BETTER_AUTH_LOG: u32 = 14;
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
    /// `salt:tag` in hexadecimal, of the password's NFKC.
    BetterAuth,
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
    spelling: Spelling,
}

impl Scrypt {
    /// `ln=17,r=8,p=1$salt$tag`
    pub(super) fn parse(rest: &str) -> Result<Self, FormatFault> {
        let [cost, salt, tag] = parts(rest, '$')?;
        let [log, r, p] = parts(cost, ',')?;
        let log = named(Some(log), "ln=")?;
        let params = params(log, named(Some(r), "r=")?, named(Some(p), "p=")?)?;
        let salt = bytes::<Base64Unpadded>(salt, SALT_BYTES)?;
        let tag = Tag(bytes::<Base64Unpadded>(tag, TAG_BYTES)?);
        Ok(Self { log, params, salt, tag, spelling: Spelling::Phc })
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
        let tag = Tag(bytes::<Base64>(tag, TAG_BYTES)?);
        Ok(Self { log, params, salt, tag, spelling: Spelling::Django })
    }

    /// `salt:tag`: the salt is used as it is written. No beginning tells it, so whatever looks otherwise is unknown.
    pub(super) fn parse_better_auth(text: &str) -> Result<Self, FormatFault> {
        let (salt, tag) = text.split_once(':').ok_or(FormatFault::Unknown)?;
        let spelling = Spelling::BetterAuth;
        let (Some(_), Some(tag)) = (unhex::<16>(salt), unhex::<64>(tag)) else {
            return Err(FormatFault::Unknown);
        };
        let (log, salt) = (BETTER_AUTH_LOG, salt.as_bytes().to_vec());
        let params = spelling.params(log)?;
        Ok(Self { log, params, salt, tag: Tag(tag.to_vec()), spelling })
    }

    pub(super) fn log(&self) -> u32 {
        self.log
    }

    pub(super) fn matches(&self, password: &str) -> Result<bool, FormatFault> {
        let mut tag = vec![0; self.tag.len()];
        let food = self.spelling.feed(password);
        scrypt(food.as_bytes(), &self.salt, &self.params, &mut tag)
            .map_err(|_| FormatFault::Malformed)?;
        Ok(self.tag.matches(&tag))
    }
}

impl Spelling {
    fn block(self) -> u32 {
        match self {
            Self::BetterAuth => 16,
            Self::Django | Self::Phc => 8,
        }
    }

    fn lanes(self) -> u32 {
        match self {
            Self::Django => DJANGO_LANES,
            Self::BetterAuth | Self::Phc => 1,
        }
    }

    /// What scrypt is fed with, in one piece of memory: growing would leave copies behind.
    fn feed(self, password: &str) -> Zeroizing<String> {
        if self != Self::BetterAuth {
            return Zeroizing::new(password.to_owned());
        }
        let length = password.nfkc().map(char::len_utf8).sum();
        let mut food = Zeroizing::new(String::with_capacity(length));
        food.extend(password.nfkc());
        food
    }

    /// What we write, within the ceilings.
    pub(super) fn params(self, log: u32) -> Result<Params, FormatFault> {
        params(log, self.block(), self.lanes())
    }
}

pub(super) fn is_better_auth(text: &str) -> bool {
    Scrypt::parse_better_auth(text).is_ok()
}

pub(super) fn write(
    spelling: Spelling,
    log: u32,
    password: &str,
    salt: &Salt,
) -> Result<String, FormatFault> {
    let params = spelling.params(log)?;
    let (block, lanes) = (spelling.block(), spelling.lanes());
    let food = spelling.feed(password);
    let make = |salt: &[u8], tag: &mut [u8]| {
        scrypt(food.as_bytes(), salt, &params, tag).map_err(|_| FormatFault::Malformed)
    };
    match spelling {
        Spelling::BetterAuth => {
            let (salt, mut tag) = (hex(salt), [0; 64]);
            make(salt.as_bytes(), &mut tag)?;
            Ok(format!("{salt}:{}", hex(&tag)))
        }
        Spelling::Phc => {
            let mut tag = [0; 32];
            make(salt, &mut tag)?;
            let [salt, tag] = [&salt[..], &tag].map(Base64Unpadded::encode_string);
            Ok(format!("$scrypt$ln={log},r={block},p={lanes}${salt}${tag}"))
        }
        Spelling::Django => {
            let (salt, mut tag) = (hex(salt), [0; 64]);
            make(salt.as_bytes(), &mut tag)?;
            let (n, tag) = (params.n(), Base64::encode_string(&tag));
            Ok(format!("scrypt${n}${salt}${block}${lanes}${tag}"))
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
    use crate::password::format::Peppers;
    use crate::password::format::tests::{known, right};

    #[test]
    fn vectors_match() {
        // RFC 7914, section 12; the others were made by passlib and by Better Auth.
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
            (
                "plain old password",
                "b85605c34b3e9d6d200ee7e28dacbbd7:453abbd55da678aebd26c9329c6bacfd69b77049da32a9e5ac16a5d1deb24463cd75f6f97a38dae26537a031dbf813cb6fc3c22988a10c319a1d82522045e1a7",
            ),
        ]);
    }

    /// Better Auth hashes the NFKC of a password, so those that look alike are one.
    #[test]
    fn better_auth_normalizes() {
        let stored = "7111af3691da64078f6088301d0f4e60:076bd0ca4a23a67737994187e39302b6dc77241a40622607d988fc2bd2b594c486e3f0d9f826ff664a84f91516728514a06cd2c5a1f2ea977b66a4bfc71a1abe";
        for (password, is_right) in [("①ﬁ pass", true), ("1fi pass", true), ("1ﬁ Pass", false)]
        {
            assert_eq!(right(stored, password, &Peppers::default()), Ok(is_right), "{password}");
        }
    }
}
