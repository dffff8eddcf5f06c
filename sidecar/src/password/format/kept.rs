//! The recipe of a new hash where a directory's own format is kept: that of the hash which it replaces. Invariant: it is
//! never cheaper than configured, and never dearer than a configuration may say, whatever stands in the row.

use super::Stored;
use super::argon2::Cost;
use super::recipe::{Costs, Format, Recipe};

/// The highest costs that a configuration may name.
pub const DEAREST: Costs = Costs {
    argon2id: Cost { memory_kib: 262_144, passes: 16, lanes: 8 },
    bcrypt: 14,
    iterations: Some(5_000_000),
    rounds: 2_500_000,
    scrypt: 18,
};

/// KiB times passes that a row may ask for: about a second.
const MOST_ARGON2: u32 = 1 << 20;

/// What is kept, and at which costs at least.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    pub costs: Costs,
    /// Also formats that are cracked as fast as a card can count.
    pub weak: bool,
}

impl Keep {
    /// How a hash is written in the place of another; `usual` where that one's format is none that we write.
    pub fn recipe(&self, usual: Recipe, replaced: &str) -> Recipe {
        let (Ok(stored), Some(format)) = (Stored::parse(replaced), Format::of(replaced)) else {
            return usual;
        };
        match format.recipe(&self.costs.raised(&stored)) {
            recipe if recipe.is_weak() && !self.weak => usual,
            Recipe::Argon2id(cost) if usual.is_peppered() => Recipe::PepperedArgon2id(cost),
            recipe => recipe.check().unwrap_or(usual),
        }
    }
}

impl Costs {
    /// At least those of a stored hash, as far as a configuration could go.
    fn raised(mut self, stored: &Stored) -> Self {
        match stored {
            Stored::Argon2(stored) => self.argon2id = dearer(self.argon2id, stored.cost()),
            Stored::Bcrypt(stored) => {
                self.bcrypt = self.bcrypt.max(stored.cost().min(DEAREST.bcrypt));
            }
            Stored::Pbkdf2(stored) => {
                let theirs = Some(stored.rounds()).min(DEAREST.iterations);
                let least = Some(stored.digest().least_rounds());
                self.iterations = self.iterations.max(theirs).max(least);
            }
            Stored::Scrypt(stored) => {
                self.scrypt = self.scrypt.max(stored.log().min(DEAREST.scrypt));
            }
            Stored::Sha512Crypt(stored) => {
                self.rounds = self.rounds.max(stored.rounds().min(DEAREST.rounds));
            }
            Stored::Ssha(_) => {}
        }
        self
    }
}

/// The greater of each; ours where that would be more than anybody waits for.
fn dearer(ours: Cost, theirs: Cost) -> Cost {
    let both = Cost {
        memory_kib: ours.memory_kib.max(theirs.memory_kib),
        passes: ours.passes.max(theirs.passes),
        lanes: ours.lanes.max(theirs.lanes),
    };
    let most = MOST_ARGON2.max(ours.memory_kib.saturating_mul(ours.passes));
    if both.memory_kib.saturating_mul(both.passes) > most { ours } else { both }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::format::{FORMATS, Peppers};
    use crate::password::memory::Memory;

    const USUAL: Recipe = Recipe::Argon2id(Cost { memory_kib: 64, passes: 1, lanes: 1 });
    const BCRYPT: &str = "CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    const TAG: &str = "c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

    fn keep(weak: bool) -> Keep {
        let argon2id = Cost { memory_kib: 19_456, passes: 2, lanes: 1 };
        let costs = Costs { argon2id, bcrypt: 12, iterations: None, rounds: 656_000, scrypt: 17 };
        Keep { costs, weak }
    }

    fn kept(replaced: &str) -> String {
        format!("{:?}", keep(false).recipe(USUAL, replaced))
    }

    #[test]
    fn every_format_that_is_written_is_found_again() {
        let cheap = Costs {
            argon2id: Cost { memory_kib: 64, passes: 1, lanes: 1 },
            bcrypt: 4,
            iterations: Some(3),
            rounds: 1_000,
            scrypt: 4,
        };
        for format in FORMATS {
            assert!(format.looks.starts_with(format.begins), "{}", format.name);
            let recipe = match format.recipe(&cheap) {
                Recipe::Scrypt(spelling, _) => Recipe::Scrypt(spelling, 4),
                recipe => recipe,
            };
            assert_eq!(recipe.name(), format.name);
            let memory = &mut Memory::keeping(64);
            let hash = recipe.write("a password", &[7; 16], memory, &Peppers::default()).unwrap();
            assert_eq!(Format::of(&hash).map(|found| found.name), Some(format.name), "{hash}");
            let kept = keep(true).recipe(USUAL, &hash);
            assert_eq!(kept, format.recipe(&keep(true).costs), "{hash}");
        }
        assert!(
            Format::of("{crypt}$6$salt$x").is_some_and(|found| found.name == "ldap-sha512-crypt")
        );
    }

    #[test]
    fn costs_are_raised_and_never_lowered_and_bounded() {
        let table = [
            (format!("$2b$10${BCRYPT}"), "Bcrypt(Plain, 12)"),
            (format!("$2y$13${BCRYPT}"), "Bcrypt(Php, 13)"),
            (format!("$2a$16${BCRYPT}"), "Bcrypt(Early, 14)"),
            (format!("$pbkdf2-sha256$i=1000,l=32${TAG}"), "Pbkdf2(Phc, Sha256, 600000)"),
            (format!("$pbkdf2-sha256$i=700000,l=32${TAG}"), "Pbkdf2(Phc, Sha256, 700000)"),
            (format!("$pbkdf2-sha512$i=9999999,l=32${TAG}"), "Pbkdf2(Phc, Sha512, 5000000)"),
            (format!("$scrypt$ln=18,r=8,p=1${TAG}"), "Scrypt(Phc, 18)"),
            (
                format!("$argon2id$v=19$m=65536,t=4,p=1${TAG}"),
                "Argon2id(Cost { memory_kib: 65536, passes: 4, lanes: 1 })",
            ),
            (
                format!("$argon2id$v=19$m=262144,t=16,p=8${TAG}"),
                "Argon2id(Cost { memory_kib: 19456, passes: 2, lanes: 1 })",
            ),
        ];
        for (replaced, expected) in table {
            assert_eq!(kept(&replaced), expected, "{replaced}");
        }
    }

    #[test]
    fn what_we_do_not_write_is_upgraded() {
        let usual = format!("{USUAL:?}");
        for replaced in [
            "!",
            "",
            "{SSHA}2D7DXcHaxkWxjlTTFhTzbi4Z/sdhYmNk",
            &format!("$argon2i$v=19$m=256,t=2,p=1${TAG}"),
            &format!("{{CRYPT}}$2b$10${BCRYPT}"),
            &format!("$2b$31${BCRYPT}"),
        ] {
            assert_eq!(kept(replaced), usual, "{replaced}");
        }
        let ssha = keep(true).recipe(USUAL, "{ssha}2D7DXcHaxkWxjlTTFhTzbi4Z/sdhYmNk");
        assert!(ssha.is_weak());
    }

    #[test]
    fn a_pepper_that_is_configured_goes_into_what_has_a_place_for_it() {
        let cost = Cost { memory_kib: 64, passes: 1, lanes: 1 };
        let usual = Recipe::PepperedArgon2id(cost);
        let keyless = format!("$argon2id$v=19$m=256,t=2,p=1${TAG}");
        assert!(keep(false).recipe(usual, &keyless).is_peppered());
        assert_eq!(usual.name(), "argon2id");
        assert!(!keep(false).recipe(usual, &format!("$2b$12${BCRYPT}")).is_peppered());
    }
}
