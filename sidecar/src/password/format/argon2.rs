//! `$argon2id$v=19$m=..,t=..,p=..$salt$tag` (the PHC string format; RFC 9106), with `,keyid=..` where a pepper is in it.
//! Invariant: memory and passes are bounded when a hash is read.

use ::argon2::{Algorithm, Params, Version};
use base64ct::{Base64Unpadded, Encoding};
use contract::name::Name;

use super::tag::Tag;
use super::text::{bytes, named};
use super::{FormatFault, Pepper, Peppers, Salt};
use crate::password::memory::{Input, Memory};

const MAX_MEMORY_KIB: u32 = 256 * 1024;
const MAX_PASSES: u32 = 16;
const MAX_LANES: u32 = 8;
const SALT_BYTES: std::ops::RangeInclusive<usize> = 8..=64;
/// Below 16 bytes a wrong password could match by chance.
const TAG_BYTES: std::ops::RangeInclusive<usize> = 16..=64;

/// What argon2id costs: KiB of memory, passes over it, lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    pub memory_kib: u32,
    pub passes: u32,
    pub lanes: u32,
}

/// A stored hash, read.
#[derive(Clone, Debug)]
pub struct Argon2 {
    kind: Algorithm,
    version: Version,
    cost: Cost,
    pepper: Option<Name>,
    salt: Vec<u8>,
    tag: Tag,
}

impl Default for Cost {
    /// The second recommendation of OWASP's password storage cheat sheet.
    fn default() -> Self {
        Self { memory_kib: 19_456, passes: 2, lanes: 1 }
    }
}

impl Cost {
    /// Within the ceilings, and a combination that argon2 knows.
    pub fn check(self) -> Result<Self, FormatFault> {
        if self.memory_kib > MAX_MEMORY_KIB || self.passes > MAX_PASSES || self.lanes > MAX_LANES {
            return Err(FormatFault::Costly);
        }
        self.params(32).map(|_| self)
    }

    pub(in crate::password) fn params(self, tag_bytes: usize) -> Result<Params, FormatFault> {
        Params::new(self.memory_kib, self.passes, self.lanes, Some(tag_bytes))
            .map_err(|_| FormatFault::Malformed)
    }
}

impl Argon2 {
    /// What stands behind `$argon2`.
    pub(super) fn parse(rest: &str) -> Result<Self, FormatFault> {
        let parts: Vec<&str> = rest.split('$').collect();
        let (kind, version, cost, salt, tag) = match parts.as_slice() {
            [kind, version, cost, salt, tag] => (*kind, *version, *cost, *salt, *tag),
            // Strings of argon2 1.0 name no version.
            [kind, cost, salt, tag] => (*kind, "v=16", *cost, *salt, *tag),
            _ => return Err(FormatFault::Malformed),
        };
        let kind = match kind {
            "d" => Algorithm::Argon2d,
            "i" => Algorithm::Argon2i,
            "id" => Algorithm::Argon2id,
            _ => return Err(FormatFault::Unknown),
        };
        let version = match version {
            "v=16" => Version::V0x10,
            "v=19" => Version::V0x13,
            _ => return Err(FormatFault::Malformed),
        };
        let (cost, pepper) = read_cost(cost)?;
        let salt = bytes::<Base64Unpadded>(salt, SALT_BYTES)?;
        let tag = bytes::<Base64Unpadded>(tag, TAG_BYTES)?;
        Ok(Self { kind, version, cost: cost.check()?, pepper, salt, tag: Tag(tag) })
    }

    pub(super) fn cost(&self) -> Cost {
        self.cost
    }

    pub(super) fn family(&self) -> &'static str {
        self.kind.as_str()
    }

    pub(super) fn matches(
        &self,
        password: &str,
        memory: &mut Memory,
        peppers: &Peppers,
    ) -> Result<bool, FormatFault> {
        let pepper = self.pepper.as_ref().map(|id| peppers.find(id)).transpose()?;
        let mut tag = vec![0; self.tag.len()];
        let input = Input {
            kind: self.kind,
            version: self.version,
            cost: self.cost,
            password: password.as_bytes(),
            salt: &self.salt,
            secret: secret(pepper.as_ref()),
        };
        memory.argon2(&input, &mut tag)?;
        Ok(self.tag.matches(&tag))
    }
}

/// Makes the PHC string of a new password.
pub(super) fn write(
    cost: Cost,
    pepper: Option<&Pepper>,
    password: &str,
    salt: &Salt,
    memory: &mut Memory,
) -> Result<String, FormatFault> {
    let mut tag = [0; 32];
    let input = Input {
        kind: Algorithm::Argon2id,
        version: Version::V0x13,
        cost,
        password: password.as_bytes(),
        salt,
        secret: secret(pepper),
    };
    memory.argon2(&input, &mut tag)?;
    let Cost { memory_kib, passes, lanes } = cost;
    let [salt, tag] = [&salt[..], &tag].map(Base64Unpadded::encode_string);
    let keyed = pepper.map_or_else(String::new, |pepper| {
        format!(",keyid={}", Base64Unpadded::encode_string(pepper.id.as_str().as_bytes()))
    });
    Ok(format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}{keyed}${salt}${tag}"))
}

fn secret(pepper: Option<&Pepper>) -> &[u8] {
    pepper.map_or(&[], |pepper| &pepper.key[..])
}

/// `m=..,t=..,p=..`, in this order, and the id of a pepper.
fn read_cost(text: &str) -> Result<(Cost, Option<Name>), FormatFault> {
    let mut parts = text.split(',');
    let mut next = |name: &str| named(parts.next(), name);
    let cost = Cost { memory_kib: next("m=")?, passes: next("t=")?, lanes: next("p=")? };
    let pepper = parts.next().map(key_id).transpose()?;
    parts.next().map_or(Ok((cost, pepper)), |_| Err(FormatFault::Malformed))
}

fn key_id(part: &str) -> Result<Name, FormatFault> {
    let id = part.strip_prefix("keyid=").ok_or(FormatFault::Malformed)?;
    let id = bytes::<Base64Unpadded>(id, 1..=Name::MAX_BYTES)?;
    let id = str::from_utf8(&id).ok().and_then(Name::parse);
    id.ok_or(FormatFault::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::Ranked;
    use crate::password::format::tests::{known, pepper, right};

    fn peppers(active: Option<Pepper>, others: Vec<Pepper>) -> Peppers {
        Peppers::new(Ranked { active, others }, vec![])
    }

    #[test]
    fn vectors_of_the_reference_implementation_match() {
        // phc-winner-argon2, test.c, and for the keyed one the same library through argon2-cffi.
        known(&[
            (
                "password",
                "$argon2d$v=19$m=256,t=2,p=1$c29tZXNhbHQ$JcTui6RIBUtJ78gE5Hi52CO+H5vS6Z9R1uxAB6OhUB8",
            ),
            (
                "password",
                "$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY",
            ),
            (
                "password",
                "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8",
            ),
            (
                "password",
                "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            ),
            (
                "password",
                "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
            ),
            (
                "password",
                "{argon2}$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
            ),
            (
                "password",
                "argon2$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
            ),
        ]);
    }

    #[test]
    fn a_pepper_is_in_the_hash_under_its_id() {
        let keyed = "$argon2id$v=19$m=256,t=2,p=1,keyid=N2ExMQ$c29tZXNhbHQ$ne0VSG+xdpZIsz9ZxhNioLQwAfuQ1YskMW/pkIiqTmw";
        let (ours, next) = (pepper("7a11", 3), pepper("next", 4));
        let active = peppers(Some(ours.clone()), vec![]);
        assert_eq!(right(keyed, "password", &active), Ok(true));
        assert_eq!(right(keyed, "passwore", &active), Ok(false));
        let rotated = peppers(Some(next.clone()), vec![ours]);
        assert_eq!(right(keyed, "password", &rotated), Ok(true));
        let gone = peppers(Some(next), vec![]);
        assert_eq!(right(keyed, "password", &gone), Err(FormatFault::UnknownPepper));
        let id = Name::parse("7a11").unwrap();
        let ended = Peppers::new(Ranked::default(), vec![id]);
        assert_eq!(right(keyed, "password", &ended), Err(FormatFault::RetiredPepper));
        let other = peppers(None, vec![pepper("7a11", 5)]);
        assert_eq!(right(keyed, "password", &other), Ok(false));
    }

    #[test]
    fn handles_follow_an_exchange_of_peppers() {
        let (cost, mut memory) =
            (Cost { memory_kib: 64, passes: 1, lanes: 1 }, Memory::keeping(64));
        let recipe = super::super::Recipe::PepperedArgon2id(cost);
        let peppers = Peppers::default();
        let handle = peppers.clone();
        let mut write = || recipe.write("password", &[7; 16], &mut memory, &handle);
        assert_eq!(write(), Err(FormatFault::NoPepper));
        peppers.change(Ranked { active: Some(pepper("first", 1)), others: vec![] }, vec![]);
        let first = write().unwrap();
        peppers.change(
            Ranked { active: Some(pepper("second", 2)), others: vec![pepper("first", 1)] },
            vec![],
        );
        let second = write().unwrap();
        assert!(
            first.contains(",keyid=Zmlyc3Q$") && second.contains(",keyid=c2Vjb25k$"),
            "{first} {second}"
        );
        for hash in [&first, &second] {
            assert_eq!(right(hash, "password", &handle), Ok(true), "{hash}");
        }
    }
}
