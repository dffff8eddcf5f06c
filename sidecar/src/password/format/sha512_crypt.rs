//! `$6$rounds=..$salt$tag`: the SHA-512 crypt of Unix (Ulrich Drepper's specification). Invariant: no password is cut, and
//! its length is bounded, for each round reads all of it.

use base64ct::{Base64ShaCrypt, Encoding};
use sha_crypt::{Params, sha512_crypt};

use super::tag::Tag;
use super::text::{bytes, decimal, parts, salt};
use super::{FormatFault, Salt};

/// libxcrypt takes no more.
pub(super) const MAX_BYTES: usize = 511;
/// Where a hash names no rounds.
const PRESET: u32 = 5_000;
const MAX_ROUNDS: u32 = 5_000_000;

/// A stored hash, read.
#[derive(Clone, Debug)]
pub struct Sha512Crypt {
    rounds: u32,
    params: Params,
    salt: Vec<u8>,
    tag: Tag,
}

impl Sha512Crypt {
    pub(super) fn parse(rest: &str) -> Result<Self, FormatFault> {
        let (rounds, rest) = match rest.strip_prefix("rounds=") {
            Some(rest) => {
                let (rounds, rest) = rest.split_once('$').ok_or(FormatFault::Malformed)?;
                (decimal(rounds)?, rest)
            }
            None => (PRESET, rest),
        };
        let params = params(rounds)?;
        let [written, tag] = parts(rest, '$')?;
        let salt = salt(written, 1..=16)?;
        Ok(Self { rounds, params, salt, tag: Tag(bytes::<Base64ShaCrypt>(tag, 64..=64)?) })
    }

    pub(super) fn rounds(&self) -> u32 {
        self.rounds
    }

    pub(super) fn matches(&self, password: &str) -> bool {
        hash(password, &self.salt, self.params).is_ok_and(|tag| self.tag.matches(&tag))
    }
}

/// Within the ceiling, and rounds that the format knows.
pub(super) fn check(rounds: u32) -> Result<u32, FormatFault> {
    params(rounds).map(|_| rounds)
}

pub(super) fn write(rounds: u32, password: &str, salt: &Salt) -> Result<String, FormatFault> {
    // Its salt has 16 characters at most: 12 bytes.
    let salt = Base64ShaCrypt::encode_string(salt.get(..12).unwrap_or_default());
    let tag = hash(password, salt.as_bytes(), params(rounds)?)?;
    Ok(format!("$6$rounds={rounds}${salt}${}", Base64ShaCrypt::encode_string(&tag)))
}

fn params(rounds: u32) -> Result<Params, FormatFault> {
    match rounds {
        ..=MAX_ROUNDS => Params::new(rounds).map_err(|_| FormatFault::Malformed),
        _ => Err(FormatFault::Costly),
    }
}

/// The tag's bytes, in the order in which they are written.
fn hash(password: &str, salt: &[u8], params: Params) -> Result<Vec<u8>, FormatFault> {
    if password.len() > MAX_BYTES || password.contains('\0') {
        return Err(FormatFault::Cut);
    }
    let tag = sha512_crypt(password.as_bytes(), salt, params);
    // Threes of columns 21 apart, turned by one each time; the last byte stands alone.
    let turned = (0..21).flat_map(|at| {
        let mut three = [at + 42, at + 21, at];
        three.rotate_right(at % 3);
        three
    });
    Ok(turned.chain([63]).filter_map(|at: usize| tag.get(at).copied()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::format::Peppers;
    use crate::password::format::tests::{known, right};

    #[test]
    fn vectors_match() {
        // Those of the specification, their salts cut to 16 characters as the specification does.
        known(&[
            (
                "Hello world!",
                "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
            ),
            (
                "Hello world!",
                "$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.",
            ),
            (
                "This is just a test",
                "$6$rounds=5000$toolongsaltstrin$lQ8jolhgVRVhY4b5pZKaysCLi0QBxGoNeKQzQ3glMhwllF7oGDZxUhx1yxdYcz/e1JSbq3y6JMxxl8audkUEm0",
            ),
            (
                "a very much longer text to encrypt.  This one even stretches over morethan one line.",
                "$6$rounds=1400$anotherlongsalts$POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwbtEW7o7UmJEiDwGqd8p4ur1",
            ),
            (
                "we have a short salt string but not a short password",
                "{crypt}$6$rounds=77777$short$WuQyW2YR.hBNpjjRhpYD/ifIw05xdfeEyQoMxIXbkvr0gge1a1x3yRULJ5CCaUeOxFmtlcGZelFl5CxtgfiAc0",
            ),
        ]);
    }

    #[test]
    fn no_password_is_cut() {
        let (longest, long) = ("x".repeat(MAX_BYTES), "x".repeat(MAX_BYTES + 1));
        let hash = write(1_000, &longest, &[7; 16]).unwrap();
        assert_eq!(right(&hash, &longest, &Peppers::default()), Ok(true));
        assert_eq!(right(&hash, &long, &Peppers::default()), Ok(false));
        for cut in [long.as_str(), "nul\0nul"] {
            assert_eq!(write(1_000, cut, &[7; 16]), Err(FormatFault::Cut));
        }
    }
}
