//! bcrypt, bare and behind the digests that Django, passlib and WordPress put before it. Invariant: no password is cut: what bcrypt
//! would not read whole is refused when it is written, and matches nothing.

use base64ct::{Base64, Base64Bcrypt, Encoding};
use contract::signature::hex;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha384};
use zeroize::Zeroizing;

use super::tag::Tag;
use super::text::{bytes, decimal, parts};
use super::{FormatFault, Salt};

/// What bcrypt reads of a password.
pub(super) const MAX_BYTES: usize = 72;
/// What WordPress reads of one, with the slashes in it.
const MAX_SLASHED: usize = 4096;
/// A password that WordPress reads whole, even where every byte of it gets a slash.
pub(super) const MAX_WORDPRESS: usize = MAX_SLASHED / 2;
const COSTS: std::ops::RangeInclusive<u32> = 4..=31;
const MAX_COST: u32 = 16;
/// The salt's characters; the tag has 31.
const SALT: usize = 22;

/// How a hash is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// `$2b$12$..`
    Plain,
    /// `$2a$12$..`, where a library knows no later one
    Early,
    /// `$2y$12$..`, as PHP knows its own
    Php,
    /// `bcrypt$$2b$12$..`
    Django,
    /// `bcrypt_sha256$$2b$12$..`
    DjangoSha256,
    /// `$bcrypt-sha256$v=2,t=2b,r=12$..`
    PasslibSha256,
    /// `$wp$2y$12$..`
    WordPress,
}

/// What bcrypt is fed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fed {
    /// The password.
    Plain,
    /// Its SHA-256 in hexadecimal: Django.
    Hex,
    /// Its SHA-256 in base64: passlib's version 1.
    Base64,
    /// Its HMAC-SHA-256 under the written salt, in base64: passlib's version 2.
    Keyed,
    /// HMAC-SHA-384, in base64, of what WordPress makes of a form's field: slashes before quotes, slashes and NULs, and no
    /// white space around.
    Slashed,
}

/// A stored hash, read.
#[derive(Clone, Debug)]
pub struct Bcrypt {
    cost: u32,
    salt: Salt,
    tag: Tag,
    fed: Fed,
}

impl Spelling {
    pub(super) fn fed(self) -> Fed {
        match self {
            Self::Plain | Self::Early | Self::Php | Self::Django => Fed::Plain,
            Self::DjangoSha256 => Fed::Hex,
            Self::PasslibSha256 => Fed::Keyed,
            Self::WordPress => Fed::Slashed,
        }
    }
}

impl Bcrypt {
    /// `12$` and 53 characters of salt and tag.
    pub(super) fn parse(rest: &str, fed: Fed) -> Result<Self, FormatFault> {
        let [cost, tail] = parts(rest, '$')?;
        let (salt, tag) = tail.split_at_checked(SALT).ok_or(FormatFault::Malformed)?;
        match cost.len() {
            2 => Self::read(cost.strip_prefix('0').unwrap_or(cost), salt, tag, fed),
            _ => Err(FormatFault::Malformed),
        }
    }

    /// `v=2,t=2b,r=12$salt$tag`, or `2b,12$salt$tag` as version 1 was written.
    pub(super) fn parse_passlib(rest: &str) -> Result<Self, FormatFault> {
        let [head, salt, tag] = parts(rest, '$')?;
        let (fed, cost) = match head.strip_prefix("v=2,t=2b,r=") {
            Some(cost) => (Fed::Keyed, cost),
            None => {
                let cost = ["2a,", "2b,"].iter().find_map(|ident| head.strip_prefix(ident));
                (Fed::Base64, cost.ok_or(FormatFault::Malformed)?)
            }
        };
        Self::read(cost, salt, tag, fed)
    }

    pub(super) fn matches(&self, password: &str) -> bool {
        hash(self.cost, self.salt, self.fed, password).is_ok_and(|tag| self.tag.matches(&tag))
    }

    pub(super) fn cost(&self) -> u32 {
        self.cost
    }

    fn read(cost: &str, salt: &str, tag: &str, fed: Fed) -> Result<Self, FormatFault> {
        let cost = check(decimal(cost)?)?;
        let salt = bytes::<Base64Bcrypt>(salt, 16..=16)?;
        let salt = salt.try_into().map_err(|_| FormatFault::Malformed)?;
        Ok(Self { cost, salt, tag: Tag(bytes::<Base64Bcrypt>(tag, 23..=23)?), fed })
    }
}

/// Within the ceiling, and a cost that bcrypt knows.
pub(super) fn check(cost: u32) -> Result<u32, FormatFault> {
    match cost {
        ..=MAX_COST if COSTS.contains(&cost) => Ok(cost),
        ..=MAX_COST => Err(FormatFault::Malformed),
        _ => Err(FormatFault::Costly),
    }
}

pub(super) fn write(
    spelling: Spelling,
    cost: u32,
    password: &str,
    salt: &Salt,
) -> Result<String, FormatFault> {
    let tag = Base64Bcrypt::encode_string(&hash(cost, *salt, spelling.fed(), password)?);
    let salt = Base64Bcrypt::encode_string(salt);
    Ok(match spelling {
        Spelling::Plain => format!("$2b${cost:02}${salt}{tag}"),
        Spelling::Early => format!("$2a${cost:02}${salt}{tag}"),
        Spelling::Php => format!("$2y${cost:02}${salt}{tag}"),
        Spelling::Django => format!("bcrypt$$2b${cost:02}${salt}{tag}"),
        Spelling::DjangoSha256 => format!("bcrypt_sha256$$2b${cost:02}${salt}{tag}"),
        Spelling::PasslibSha256 => format!("$bcrypt-sha256$v=2,t=2b,r={cost}${salt}${tag}"),
        Spelling::WordPress => format!("$wp$2y${cost:02}${salt}{tag}"),
    })
}

/// 23 bytes: bcrypt's strings leave the last of 24 out.
fn hash(cost: u32, salt: Salt, fed: Fed, password: &str) -> Result<Vec<u8>, FormatFault> {
    let mut food = feed(fed, &salt, password)?;
    if food.len() > MAX_BYTES || food.contains(&0) {
        return Err(FormatFault::Cut);
    }
    // The end of a C string is read as well, where there is room for it.
    if food.len() < MAX_BYTES {
        food.push(0);
    }
    let mut tag = ::bcrypt::bcrypt(cost, salt, &food).to_vec();
    tag.truncate(23);
    Ok(tag)
}

fn feed(fed: Fed, salt: &Salt, password: &str) -> Result<Zeroizing<Vec<u8>>, FormatFault> {
    let password = password.as_bytes();
    let mut food = Zeroizing::new(Vec::with_capacity(password.len().saturating_add(1).max(73)));
    match fed {
        Fed::Plain => food.extend_from_slice(password),
        Fed::Hex => {
            let digest = Zeroizing::new(Sha256::digest(password).into());
            let digest: &[u8; 32] = &digest;
            food.extend_from_slice(Zeroizing::new(hex(digest)).as_bytes());
        }
        Fed::Base64 => food.extend_from_slice(in_base64(&Sha256::digest(password)).as_bytes()),
        Fed::Keyed => {
            let key = Base64Bcrypt::encode_string(salt);
            let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key.as_bytes());
            let mac = mac.map_err(|_| FormatFault::Malformed)?.chain_update(password).finalize();
            food.extend_from_slice(in_base64(&mac.into_bytes()).as_bytes());
        }
        Fed::Slashed => {
            let slashed = slashed(password);
            if slashed.len() > MAX_SLASHED {
                return Err(FormatFault::Cut);
            }
            let mac = <Hmac<Sha384> as KeyInit>::new_from_slice(b"wp-sha384");
            let mac = mac.map_err(|_| FormatFault::Malformed)?;
            let mac = mac.chain_update(trimmed(&slashed)).finalize();
            food.extend_from_slice(in_base64(&mac.into_bytes()).as_bytes());
        }
    }
    Ok(food)
}

/// PHP's `addslashes`, which WordPress does to all that a form brings.
fn slashed(password: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut slashed = Zeroizing::new(Vec::with_capacity(password.len().saturating_mul(2)));
    for byte in password {
        match byte {
            0 => slashed.extend_from_slice(b"\\0"),
            b'\'' | b'"' | b'\\' => slashed.extend_from_slice(&[b'\\', *byte]),
            _ => slashed.push(*byte),
        }
    }
    slashed
}

/// PHP's `trim`. A NUL has its slash by now.
fn trimmed(text: &[u8]) -> &[u8] {
    let is_white = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b);
    let from = text.iter().position(|byte| !is_white(byte)).unwrap_or(text.len());
    let to =
        text.iter().rposition(|byte| !is_white(byte)).map_or(from, |last| last.saturating_add(1));
    text.get(from..to).unwrap_or_default()
}

fn in_base64(digest: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(Base64::encode_string(digest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::format::tests::{known, right};
    use crate::password::format::{Peppers, Stored};

    /// 72 bytes, as long as bcrypt reads.
    const LONGEST: &str =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    #[test]
    fn vectors_match() {
        // Openwall's crypt_blowfish, wrapper.c; the others were made by Django, passlib and WordPress.
        known(&[
            ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
            ("U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
            ("U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"),
            ("U*U", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
            ("U*U", "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
            ("U*U", "bcrypt$$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
            ("U*U", "{CRYPT}$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
            (
                "password",
                "$bcrypt-sha256$v=2,t=2b,r=4$HccbjgjTVvsrh0sSIVStMu$IB.U2uIdimPS1tzddu9iBFnG4HFJtC.",
            ),
            (
                "password",
                "$bcrypt-sha256$2b,4$e6LDudWDyxmuy7mR.oKCI.$efl1wwCphV./PxSECN9wE5kOxLWG1eO",
            ),
            (
                "password",
                "bcrypt_sha256$$2b$04$abcdefghijklmnopqrstuuavYyybW8SwBYgHrVfEOHIljvgCGgHr2",
            ),
            ("pässword", "$wp$2y$04$gsN2n3ykuhEIS1QwVs6OJe3idbPYkFpS1O8NDQsBAMN4YHn56uUQm"),
        ]);
    }

    /// As its forms bring a password: with slashes in it, and without the white space around.
    #[test]
    fn wordpress_slashes_and_trims() {
        let judge = |stored: &str, password: &str| right(stored, password, &Peppers::default());
        let quoted = "$wp$2y$04$fUlX7ckYZGPiiRWUNFzzEOQ.ehFSnloJDsm/jhLIpgnYjb1KhlNDS";
        let nul = "$wp$2y$04$Y4NJG3gyADtsKCTJyxnH0udBxduHSYnf1xx/eNrPwgIV1CP5VY3VK";
        assert_eq!(judge(quoted, "it's \"so\\\""), Ok(true));
        assert_eq!(judge(quoted, "\t it's \"so\\\"\r\n\u{b}"), Ok(true));
        assert_eq!(judge(quoted, "it\\'s \\\"so\\\\\\\""), Ok(false));
        assert_eq!((judge(nul, "a\0b"), judge(nul, "a\\0b")), (Ok(true), Ok(false)));
        let fits = |password: &str| write(Spelling::WordPress, 4, password, &[7; 16]);
        assert!(fits(&"x".repeat(MAX_SLASHED)).is_ok() && fits(&"'".repeat(MAX_WORDPRESS)).is_ok());
        assert_eq!(fits(&"'".repeat(MAX_WORDPRESS + 1)), Err(FormatFault::Cut));
    }

    #[test]
    fn no_password_is_cut() {
        let stored = "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui";
        let judge = |password: &str| right(stored, password, &Peppers::default());
        assert_eq!(judge(LONGEST), Ok(true));
        assert_eq!(judge(&format!("{LONGEST}x")), Ok(false));
        let salt = &[7; 16];
        for bare in [Spelling::Django, Spelling::Php, Spelling::Plain] {
            assert!(write(bare, 4, LONGEST, salt).is_ok());
            let long = format!("{LONGEST}x");
            for cut in [&long, &"密".repeat(25), "nul\0nul", "nul\0"] {
                assert_eq!(write(bare, 4, cut, salt), Err(FormatFault::Cut), "{cut:?}");
            }
        }
        // The digests before it see the whole.
        for digested in [Spelling::DjangoSha256, Spelling::PasslibSha256] {
            let (long, longer) = (format!("{LONGEST}x"), format!("{LONGEST}\0y"));
            let hash = write(digested, 4, &longer, salt).unwrap();
            assert_eq!(right(&hash, &longer, &Peppers::default()), Ok(true));
            assert_eq!(right(&hash, &long, &Peppers::default()), Ok(false));
        }
    }

    #[test]
    fn a_nul_ends_no_password_that_is_checked() {
        let stored = Stored::parse(&write(Spelling::Plain, 4, "ab", &[7; 16]).unwrap()).unwrap();
        let Stored::Bcrypt(stored) = stored else { panic!("{stored:?}") };
        assert!(stored.matches("ab"));
        // `ab`, NUL, `ab`, NUL.. is what bcrypt makes of `ab`.
        assert!(!stored.matches("ab\0ab") && !stored.matches("ab\0"));
    }
}
