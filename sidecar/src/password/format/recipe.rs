//! The formats that new hashes can be written in: one table that the configuration, its faults and README are made from.
//! Invariant: what can be written can be read, and costs no more than what is read may.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::mem::discriminant;

use super::argon2::{self, Cost};
use super::bcrypt::{self, Fed, Spelling as Bcrypt};
use super::pbkdf2::{self, Digest, Spelling as Pbkdf2};
use super::scrypt::{self, Spelling as Scrypt};
use super::ssha::{self, Scheme};
use super::{FormatFault, Peppers, Salt, sha512_crypt};
use crate::password::memory::Memory;

/// A format that `password.format` can name.
#[derive(Debug)]
pub struct Format {
    pub name: &'static str,
    /// How its hashes begin, and those of no other format that begins shorter; empty where they are told by their shape.
    pub begins: &'static str,
    /// A hash, its salt and its tag left out.
    pub looks: &'static str,
    /// Whose format it is.
    pub origin: &'static str,
    /// The keys of the configuration that its cost is taken from, below `password`.
    pub costs: &'static [&'static str],
    make: fn(&Costs) -> Recipe,
}

/// What hashes may cost, for every format.
#[derive(Clone, Copy, Debug)]
pub struct Costs {
    pub argon2id: Cost,
    /// The exponent of its rounds.
    pub bcrypt: u32,
    /// Of PBKDF2. None: OWASP's number for the digest.
    pub iterations: Option<u32>,
    /// Of sha512-crypt.
    pub rounds: u32,
    /// The exponent of scrypt's N.
    pub scrypt: u32,
}

/// In which format, and at what cost, a new hash is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recipe {
    Argon2id(Cost),
    Bcrypt(Bcrypt, u32),
    DjangoArgon2id(Cost),
    LdapArgon2id(Cost),
    LdapSha512Crypt(u32),
    Pbkdf2(Pbkdf2, Digest, u32),
    /// With the pepper of the moment in it.
    PepperedArgon2id(Cost),
    Scrypt(Scrypt, u32),
    Sha512Crypt(u32),
    Ssha(Scheme),
}

const ARGON2: &[&str] = &["memory_kib", "passes", "lanes"];
const BCRYPT: &[&str] = &["bcrypt_cost"];
const PBKDF2: &[&str] = &["iterations"];
const SCRYPT: &[&str] = &["scrypt_ln"];
const SHA512_CRYPT: &[&str] = &["rounds"];

const fn format(
    name: &'static str,
    begins: &'static str,
    looks: &'static str,
    origin: &'static str,
    costs: &'static [&'static str],
    make: fn(&Costs) -> Recipe,
) -> Format {
    Format { name, begins, looks, origin, costs, make }
}

/// Every format that we write.
pub const FORMATS: &[Format] = &[
    format(
        "argon2id",
        "$argon2id$v=19$",
        "$argon2id$v=19$m=19456,t=2,p=1$",
        "PHC: argon2-cffi, PHP, passlib",
        ARGON2,
        |costs| Recipe::Argon2id(costs.argon2id),
    ),
    format("bcrypt", "$2b$", "$2b$12$", "crypt", BCRYPT, |costs| {
        Recipe::Bcrypt(Bcrypt::Plain, costs.bcrypt)
    }),
    format("bcrypt-2a", "$2a$", "$2a$12$", "Rails, jBCrypt", BCRYPT, |costs| {
        Recipe::Bcrypt(Bcrypt::Early, costs.bcrypt)
    }),
    format("better-auth", "", "salt:tag", "Better Auth", &[], |_| {
        Recipe::Scrypt(Scrypt::BetterAuth, scrypt::BETTER_AUTH_LOG)
    }),
    format(
        "django-argon2id",
        "argon2$argon2id$v=19$",
        "argon2$argon2id$v=19$m=19456,t=2,p=1$",
        "Django",
        ARGON2,
        |costs| Recipe::DjangoArgon2id(costs.argon2id),
    ),
    format("django-bcrypt", "bcrypt$$2b$", "bcrypt$$2b$12$", "Django", BCRYPT, |costs| {
        Recipe::Bcrypt(Bcrypt::Django, costs.bcrypt)
    }),
    format(
        "django-bcrypt-sha256",
        "bcrypt_sha256$$2b$",
        "bcrypt_sha256$$2b$12$",
        "Django",
        BCRYPT,
        |costs| Recipe::Bcrypt(Bcrypt::DjangoSha256, costs.bcrypt),
    ),
    format(
        "django-pbkdf2-sha256",
        "pbkdf2_sha256$",
        "pbkdf2_sha256$600000$",
        "Django",
        PBKDF2,
        |costs| pbkdf2(Pbkdf2::Django, Digest::Sha256, costs),
    ),
    format("django-scrypt", "scrypt$", "scrypt$16384$", "Django", &[], |_| {
        Recipe::Scrypt(Scrypt::Django, scrypt::DJANGO_LOG)
    }),
    format(
        "ldap-argon2id",
        "{ARGON2}$argon2id$v=19$",
        "{ARGON2}$argon2id$v=19$m=19456,t=2,p=1$",
        "OpenLDAP",
        ARGON2,
        |costs| Recipe::LdapArgon2id(costs.argon2id),
    ),
    format(
        "ldap-sha512-crypt",
        "{CRYPT}$6$",
        "{CRYPT}$6$rounds=656000$",
        "OpenLDAP",
        SHA512_CRYPT,
        |costs| Recipe::LdapSha512Crypt(costs.rounds),
    ),
    format(
        "passlib-bcrypt-sha256",
        "$bcrypt-sha256$v=2,",
        "$bcrypt-sha256$v=2,t=2b,r=12$",
        "passlib",
        BCRYPT,
        |costs| Recipe::Bcrypt(Bcrypt::PasslibSha256, costs.bcrypt),
    ),
    format(
        "passlib-pbkdf2-sha256",
        "$pbkdf2-sha256$",
        "$pbkdf2-sha256$600000$",
        "passlib",
        PBKDF2,
        |costs| pbkdf2(Pbkdf2::Passlib, Digest::Sha256, costs),
    ),
    format(
        "passlib-pbkdf2-sha512",
        "$pbkdf2-sha512$",
        "$pbkdf2-sha512$210000$",
        "passlib",
        PBKDF2,
        |costs| pbkdf2(Pbkdf2::Passlib, Digest::Sha512, costs),
    ),
    format(
        "pbkdf2-sha256",
        "$pbkdf2-sha256$i=",
        "$pbkdf2-sha256$i=600000,l=32$",
        "PHC",
        PBKDF2,
        |costs| pbkdf2(Pbkdf2::Phc, Digest::Sha256, costs),
    ),
    format(
        "pbkdf2-sha256-hex",
        "$pbkdf2-sha256-hex$",
        "$pbkdf2-sha256-hex$i=600000$",
        "Node's crypto: hash and salt in two columns",
        PBKDF2,
        |costs| pbkdf2(Pbkdf2::Hex, Digest::Sha256, costs),
    ),
    format(
        "pbkdf2-sha512",
        "$pbkdf2-sha512$i=",
        "$pbkdf2-sha512$i=210000,l=64$",
        "PHC",
        PBKDF2,
        |costs| pbkdf2(Pbkdf2::Phc, Digest::Sha512, costs),
    ),
    format(
        "pbkdf2-sha512-hex",
        "$pbkdf2-sha512-hex$",
        "$pbkdf2-sha512-hex$i=210000$",
        "Node's crypto: hash and salt in two columns",
        PBKDF2,
        |costs| pbkdf2(Pbkdf2::Hex, Digest::Sha512, costs),
    ),
    format("php-bcrypt", "$2y$", "$2y$12$", "PHP", BCRYPT, |costs| {
        Recipe::Bcrypt(Bcrypt::Php, costs.bcrypt)
    }),
    format("scrypt", "$scrypt$ln=", "$scrypt$ln=17,r=8,p=1$", "PHC, passlib", SCRYPT, |costs| {
        Recipe::Scrypt(Scrypt::Phc, costs.scrypt)
    }),
    format(
        "sha512-crypt",
        "$6$",
        "$6$rounds=656000$",
        "crypt: mkpasswd, shadow, passlib",
        SHA512_CRYPT,
        |costs| Recipe::Sha512Crypt(costs.rounds),
    ),
    format("ssha", "{SSHA}", "{SSHA}", "OpenLDAP", &[], |_| Recipe::Ssha(Scheme::Ssha)),
    format("ssha512", "{SSHA512}", "{SSHA512}", "OpenLDAP", &[], |_| Recipe::Ssha(Scheme::Ssha512)),
    format("wordpress", "$wp$2y$", "$wp$2y$12$", "WordPress 6.8+", BCRYPT, |costs| {
        Recipe::Bcrypt(Bcrypt::WordPress, costs.bcrypt)
    }),
];

impl Format {
    pub fn find(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.name == name)
    }

    /// The one that a hash is written in, where we write it.
    pub fn of(hash: &str) -> Option<&'static Self> {
        let text = match hash.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            // RFC 2307 schemes have no case.
            Some((scheme, rest)) => {
                Cow::Owned(format!("{{{}}}{rest}", scheme.to_ascii_uppercase()))
            }
            None => Cow::Borrowed(hash),
        };
        let begun = FORMATS.iter().filter(|format| text.starts_with(format.begins));
        let longest = begun.max_by_key(|format| format.begins.len());
        longest.filter(|format| !format.begins.is_empty() || scrypt::is_better_auth(&text))
    }

    pub fn recipe(&self, costs: &Costs) -> Recipe {
        (self.make)(costs)
    }
}

impl Costs {
    /// For what does not depend on them.
    const ANY: Self = Self {
        argon2id: Cost { memory_kib: 19_456, passes: 2, lanes: 1 },
        bcrypt: 12,
        iterations: None,
        rounds: 656_000,
        scrypt: 17,
    };
}

impl Recipe {
    /// Within the ceilings, and a combination that the format knows.
    pub fn check(self) -> Result<Self, FormatFault> {
        match self {
            Self::Argon2id(cost)
            | Self::DjangoArgon2id(cost)
            | Self::LdapArgon2id(cost)
            | Self::PepperedArgon2id(cost) => cost.check().map(|_| self),
            Self::Bcrypt(_, cost) => bcrypt::check(cost).map(|_| self),
            Self::LdapSha512Crypt(rounds) | Self::Sha512Crypt(rounds) => {
                sha512_crypt::check(rounds).map(|_| self)
            }
            Self::Pbkdf2(_, _, rounds) => pbkdf2::check(rounds).map(|_| self),
            Self::Scrypt(spelling, log) => spelling.params(log).map(|_| self),
            Self::Ssha(_) => Ok(self),
        }
    }

    /// Cheaper than OWASP's numbers.
    pub fn is_weak(self) -> bool {
        match self {
            Self::Ssha(_) => true,
            Self::Pbkdf2(_, digest, rounds) => rounds < digest.least_rounds(),
            _ => false,
        }
    }

    /// How a hash begins in one piece, where its salt belongs into a column of its own.
    pub fn parted(self) -> Option<String> {
        match self {
            Self::Pbkdf2(Pbkdf2::Hex, digest, rounds) => {
                Some(pbkdf2::hex_beginning(digest, rounds))
            }
            _ => None,
        }
    }

    /// What `password.format` calls it.
    pub fn name(self) -> &'static str {
        let spelled = |format: &&Format| match (format.recipe(&Costs::ANY), self) {
            (Self::Bcrypt(one, _), Self::Bcrypt(other, _)) => one == other,
            (Self::Pbkdf2(one, digest, _), Self::Pbkdf2(other, of, _)) => {
                (one, digest) == (other, of)
            }
            (Self::Scrypt(one, _), Self::Scrypt(other, _)) => one == other,
            (Self::Ssha(one), Self::Ssha(other)) => one == other,
            (Self::Argon2id(_), Self::PepperedArgon2id(_)) => true,
            (one, other) => discriminant(&one) == discriminant(&other),
        };
        FORMATS.iter().find(spelled).map_or("", |format| format.name)
    }

    /// Whether new hashes need a key.
    pub fn is_peppered(self) -> bool {
        matches!(self, Self::PepperedArgon2id(_))
    }

    /// What a policy must cap a password at; `None` where the format takes any length.
    pub fn max_bytes(self) -> Option<usize> {
        match self {
            Self::Bcrypt(spelling, _) => match spelling.fed() {
                Fed::Plain => Some(bcrypt::MAX_BYTES),
                Fed::Slashed => Some(bcrypt::MAX_WORDPRESS),
                _ => None,
            },
            Self::LdapSha512Crypt(_) | Self::Sha512Crypt(_) => Some(sha512_crypt::MAX_BYTES),
            _ => None,
        }
    }

    /// Memory that a thread keeps between two hashes: argon2's. scrypt takes and frees its own.
    pub fn argon2_kib(self) -> u32 {
        match self {
            Self::Argon2id(cost)
            | Self::DjangoArgon2id(cost)
            | Self::LdapArgon2id(cost)
            | Self::PepperedArgon2id(cost) => cost.memory_kib,
            _ => 0,
        }
    }

    /// The string that goes into the directory.
    pub(in crate::password) fn write(
        self,
        password: &str,
        salt: &Salt,
        memory: &mut Memory,
        peppers: &Peppers,
    ) -> Result<String, FormatFault> {
        let mut argon2id = |cost, pepper| argon2::write(cost, pepper, password, salt, memory);
        match self {
            Self::Argon2id(cost) => argon2id(cost, None),
            Self::Bcrypt(spelling, cost) => bcrypt::write(spelling, cost, password, salt),
            Self::DjangoArgon2id(cost) => Ok(format!("argon2{}", argon2id(cost, None)?)),
            Self::LdapArgon2id(cost) => Ok(format!("{{ARGON2}}{}", argon2id(cost, None)?)),
            Self::LdapSha512Crypt(rounds) => {
                Ok(format!("{{CRYPT}}{}", sha512_crypt::write(rounds, password, salt)?))
            }
            Self::Pbkdf2(spelling, digest, rounds) => {
                Ok(pbkdf2::write(spelling, digest, rounds, password, salt))
            }
            Self::PepperedArgon2id(cost) => argon2id(cost, Some(&peppers.active()?)),
            Self::Scrypt(spelling, log) => scrypt::write(spelling, log, password, salt),
            Self::Sha512Crypt(rounds) => sha512_crypt::write(rounds, password, salt),
            Self::Ssha(scheme) => Ok(ssha::write(scheme, password, salt)),
        }
    }
}

fn pbkdf2(spelling: Pbkdf2, digest: Digest, costs: &Costs) -> Recipe {
    let iterations = costs.iterations.unwrap_or_else(|| digest.least_rounds());
    Recipe::Pbkdf2(spelling, digest, iterations)
}

/// README's table.
pub fn formats() -> String {
    let mut table = String::from(
        "| `password.format` | a hash | whose | cost | longest password |\n|---|---|---|---|---|\n",
    );
    for format in FORMATS {
        let Format { name, looks, origin, costs, .. } = format;
        let recipe = format.recipe(&Costs::ANY);
        let keys: Vec<String> = costs.iter().map(|key| format!("`{key}`")).collect();
        let costs = match (recipe.is_weak(), keys.is_empty()) {
            (true, _) => "none; needs `weak_format`".to_owned(),
            (false, true) => "fixed".to_owned(),
            (false, false) => keys.join(", "),
        };
        let limit = recipe.max_bytes().map_or("any".to_owned(), |limit| format!("{limit} bytes"));
        // Writing to a String cannot fail.
        let _ = writeln!(table, "| `{name}` | `{looks}` | {origin} | {costs} | {limit} |");
    }
    table
}
