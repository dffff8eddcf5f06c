//! How new hashes are written: the format, what one costs, and whether a pepper is in it. Invariant: what is cheaper than
//! OWASP's and ASVS's numbers is refused, and so is a cost that the format does not have.

use toml::de::DeValue;

use super::forms::{self, Formed, Wrong};
use super::reader::Reader;
use crate::password::{Cost, Costs, DEAREST, FORMATS, Format, Keep, Recipe};

const FORMAT: &str = "password.format";
const ITERATIONS: &str = "password.iterations";
const KEEP: &str = "password.keep";
const PEPPER: &str = "password.pepper";
const WEAK: &str = "password.weak_format";

/// The recipe of new hashes, and what of it gives way to the hashes that they replace.
pub(super) fn read(reader: &mut Reader<'_>, is_theirs: bool) -> Option<(Recipe, Option<Keep>)> {
    let written = costs_in(reader);
    let format = reader.read(FORMAT, format);
    let weak = reader.read(WEAK, forms::flag);
    let is_written = reader.has(KEEP);
    let keep = reader.read(KEEP, forms::flag).or_else(|| (!is_written).then_some(is_theirs));
    let pepper = reader.read(PEPPER, forms::flag);
    let costs = read_costs(reader);
    let (format, weak, pepper, costs) = (format?, weak?, pepper?, costs?);
    let recipe = format.recipe(&costs);
    let parted = is_theirs && recipe.parted().is_some();
    if parted && is_written && keep? {
        let problem = "an app whose salts have a column of their own reads one format, at one cost";
        reader.refuse(KEEP, problem, "remove the key");
    }
    let keep = (keep? && !parted).then_some(Keep { costs, weak });
    // Where formats are kept, the costs of every one have a meaning.
    let judged = if keep.is_some() { &[][..] } else { &written };
    for key in judged.iter().filter(|key| !format.costs.iter().any(|cost| key.ends_with(cost))) {
        let problem = format!("hashes in the format {} have no such cost", format.name);
        reader.refuse(key, &problem, "remove the key, or choose another password.format");
    }
    judge_weak(reader, recipe, weak, keep.is_some());
    match (pepper, recipe) {
        (false, _) => Some((recipe, keep)),
        (true, Recipe::Argon2id(cost)) => Some((Recipe::PepperedArgon2id(cost), keep)),
        (true, _) => {
            let remedy = "remove pepper, or write format = \"argon2id\"";
            reader.refuse(PEPPER, "only argon2id has a place for a pepper", remedy);
            None
        }
    }
}

/// The keys of costs that the file has.
fn costs_in(reader: &Reader<'_>) -> Vec<String> {
    let mut keys: Vec<String> = FORMATS
        .iter()
        .flat_map(|format| format.costs)
        .map(|cost| format!("password.{cost}"))
        .filter(|key| reader.has(key))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn read_costs(reader: &mut Reader<'_>) -> Option<Costs> {
    let mut whole = |key: &str, least: u32, most: u32| {
        reader.read(key, |value| forms::whole(value, u64::from(least)..=u64::from(most)))
    };
    let memory_kib = whole("password.memory_kib", 7_168, DEAREST.argon2id.memory_kib);
    let passes = whole("password.passes", 1, DEAREST.argon2id.passes);
    let lanes = whole("password.lanes", 1, DEAREST.argon2id.lanes);
    let bcrypt = whole("password.bcrypt_cost", 10, DEAREST.bcrypt);
    let scrypt = whole("password.scrypt_ln", 17, DEAREST.scrypt);
    let iterations = whole(ITERATIONS, 10_000, DEAREST.iterations.unwrap_or_default());
    let rounds = whole("password.rounds", 100_000, DEAREST.rounds);
    let (memory_kib, passes) = (memory_kib?, passes?);
    judge_argon2(reader, memory_kib, passes);
    Some(Costs {
        argon2id: Cost { memory_kib, passes, lanes: lanes? },
        bcrypt: bcrypt?,
        iterations,
        rounds: rounds?,
        scrypt: scrypt?,
    })
}

fn format(value: &DeValue<'_>) -> Formed<&'static Format> {
    let name = forms::text(value)?;
    Format::find(name).ok_or_else(|| {
        let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
        Wrong::new(
            format!("no format is called \"{name}\""),
            format!("write one of {}", names.join(", ")),
        )
    })
}

/// OWASP's table of equal strengths ends at 7168 KiB x 5.
fn judge_argon2(reader: &mut Reader<'_>, memory_kib: u32, passes: u32) {
    if memory_kib.saturating_mul(passes) < 35_840 {
        let key = if reader.has("password.memory_kib") {
            "password.memory_kib"
        } else {
            "password.passes"
        };
        reader.refuse(
            key,
            "hashes this cheap are soon cracked",
            "keep memory_kib times passes at 35840 or more (19456 x 2)",
        );
    }
}

fn judge_weak(reader: &mut Reader<'_>, recipe: Recipe, weak: bool, is_kept: bool) {
    match (recipe.is_weak(), weak) {
        (true, false) if matches!(recipe, Recipe::Pbkdf2(..)) => reader.refuse(
            ITERATIONS,
            "hashes this cheap are soon cracked",
            "write 600000 or more with SHA-256, 210000 with SHA-512, or weak_format = true if your app can be given no higher number",
        ),
        (true, false) => reader.refuse(
            FORMAT,
            "a stolen table of such hashes is cracked within hours",
            "choose another format, or write weak_format = true if your directory knows no other",
        ),
        (false, true) if !is_kept => {
            reader.refuse(WEAK, "the format is not weak", "remove the key");
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use contract::dialect::DIALECTS;

    use crate::config::Config;
    use crate::password::{Cost, Digest, FORMATS, Recipe};

    fn parse(text: &str) -> Result<Recipe, Vec<String>> {
        let text = format!("[password]\n{text}");
        let found = Config::parse(&text, Path::new("/etc/rekey"));
        found
            .map(|config| config.password.recipe)
            .map_err(|faults| faults.list().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn every_format_has_a_recipe_by_default() {
        assert_eq!(parse(""), Ok(Recipe::Argon2id(Cost::default())));
        for format in FORMATS {
            let weak = if format.name.starts_with("ssha") { "weak_format = true" } else { "" };
            let recipe = parse(&format!("format = \"{}\"\n{weak}", format.name)).unwrap();
            assert_eq!(recipe.check(), Ok(recipe), "{}", format.name);
        }
    }

    #[test]
    fn costs_go_into_the_recipe() {
        let cost = Cost { memory_kib: 65_536, passes: 3, lanes: 2 };
        let keys = "memory_kib = 65536\npasses = 3\nlanes = 2";
        let read = |text: &str| format!("{:?}", parse(text).unwrap());
        assert_eq!(parse(keys), Ok(Recipe::Argon2id(cost)));
        assert_eq!(parse(&format!("{keys}\npepper = true")), Ok(Recipe::PepperedArgon2id(cost)));
        assert_eq!(read("format = \"bcrypt\"\nbcrypt_cost = 11"), "Bcrypt(Plain, 11)");
        assert_eq!(read("format = \"scrypt\"\nscrypt_ln = 18"), "Scrypt(Phc, 18)");
        assert_eq!(read("format = \"pbkdf2-sha512\""), "Pbkdf2(Phc, Sha512, 210000)");
        let django = "format = \"django-pbkdf2-sha256\"";
        assert_eq!(read(django), "Pbkdf2(Django, Sha256, 600000)");
        assert_eq!(
            read(&format!("{django}\niterations = 1000000")),
            "Pbkdf2(Django, Sha256, 1000000)"
        );
        assert_eq!(read("format = \"sha512-crypt\"\nrounds = 100000"), "Sha512Crypt(100000)");
        assert!(Digest::Sha256.least_rounds() > Digest::Sha512.least_rounds());
    }

    #[test]
    fn formats_are_kept_where_that_is_written() {
        let keep = |text: &str| {
            let config = Config::parse(&format!("[password]\n{text}"), Path::new("/")).unwrap();
            config.password.keep.map(|keep| (keep.costs.bcrypt, keep.weak))
        };
        assert_eq!(keep(""), None);
        assert_eq!(keep("keep = false"), None);
        assert_eq!(keep("keep = true"), Some((12, false)));
        assert_eq!(keep("keep = true\nbcrypt_cost = 13\nweak_format = true"), Some((13, true)));
        let faults = parse("keep = 1").unwrap_err();
        assert!(faults.len() == 1 && faults[0].contains("password.keep"), "{faults:?}");
    }

    #[test]
    fn rules_promise_no_more_than_the_format_reads() {
        let bytes = |text: &str| {
            let config = Config::parse(&format!("[password]\n{text}"), Path::new("/")).unwrap();
            let policies =
                DIALECTS.iter().map(|dialect| config.sites.top.profile(*dialect).policy.clone());
            policies.map(|policy| policy.rules.max_bytes).max().unwrap()
        };
        assert!(bytes("") > 511);
        assert_eq!(bytes("format = \"php-bcrypt\""), 72);
        assert_eq!(bytes("format = \"bcrypt\"\nmax_bytes = 70"), 70);
        assert_eq!(bytes("format = \"sha512-crypt\""), 511);
        assert_eq!(bytes("format = \"django-bcrypt-sha256\""), bytes(""));
        let faults = parse("format = \"bcrypt\"\nmax_bytes = 73").unwrap_err();
        let expected = "line 3: password.max_bytes: the hash format reads 72 bytes of a password";
        assert!(faults.len() == 1 && faults[0].contains(expected), "{faults:?}");
    }

    #[test]
    fn formats_are_refused_with_place_and_remedy() {
        let table = [
            (
                "format = \"md5\"",
                "line 2: password.format: no format is called \"md5\"",
                "argon2id, bcrypt,",
            ),
            ("format = \"ssha\"", "line 2: password.format: a stolen table", "weak_format = true"),
            (
                "weak_format = true",
                "line 2: password.weak_format: the format is not weak",
                "remove",
            ),
            (
                "weak_format = 1",
                "line 2: password.weak_format: true or false is meant",
                "true or false",
            ),
        ];
        refused(&table);
    }

    #[test]
    fn costs_are_refused_with_place_and_remedy() {
        let table = [
            (
                "bcrypt_cost = 12",
                "line 2: password.bcrypt_cost: hashes in the format argon2id have no such cost",
                "remove",
            ),
            (
                "format = \"bcrypt\"\npasses = 3",
                "line 3: password.passes: hashes in the format bcrypt",
                "remove",
            ),
            (
                "format = \"bcrypt\"\nbcrypt_cost = 9",
                "line 3: password.bcrypt_cost: 9 is out of range",
                "10 to 14",
            ),
            (
                "format = \"bcrypt\"\npepper = true",
                "line 3: password.pepper: only argon2id",
                "format = \"argon2id\"",
            ),
            (
                "format = \"scrypt\"\nscrypt_ln = 16",
                "line 3: password.scrypt_ln: 16 is out of range",
                "17 to 18",
            ),
            (
                "format = \"pbkdf2-sha256\"\niterations = 599999",
                "line 3: password.iterations: hashes this cheap",
                "600000",
            ),
            (
                "format = \"pbkdf2-sha512\"\niterations = 209999",
                "line 3: password.iterations: hashes this cheap",
                "210000",
            ),
            (
                "format = \"sha512-crypt\"\nrounds = 5000",
                "line 3: password.rounds: 5000 is out of range",
                "100000",
            ),
            ("memory_kib = 8192", "line 2: password.memory_kib: hashes this cheap", "19456 x 2"),
        ];
        refused(&table);
    }

    fn refused(table: &[(&str, &str, &str)]) {
        for (text, place, remedy) in table {
            let faults = parse(text).unwrap_err();
            let [fault] = faults.as_slice() else { panic!("{text}: {faults:?}") };
            assert!(fault.contains(place) && fault.contains(remedy), "{text}: {fault}");
        }
    }
}
