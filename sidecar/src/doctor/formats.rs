//! The formats of the hashes that a directory holds, and which setting fits them. Invariant: of a hash nothing is told but
//! its scheme and its cost.

use std::collections::BTreeMap;

use crate::config::PasswordConfig;
use crate::directory::Finding;
use crate::password::{Format, FormatFault, Stored};

/// How hashes begin, in small letters: those that we read, for what is wrong with them, and those that we do not.
const SCHEMES: &[&str] = &[
    "$1$",
    "$2a$",
    "$2b$",
    "$2x$",
    "$2y$",
    "$5$",
    "$6$",
    "$7$",
    "$apr1$",
    "$argon2",
    "$bcrypt-sha256$",
    "$gy$",
    "$h$",
    "$p$",
    "$pbkdf2-",
    "$pbkdf2$",
    "$s$",
    "$scrypt$",
    "$wp$",
    "$y$",
    "{argon2}",
    "{crypt}",
    "{md5}",
    "{pbkdf2",
    "{sha}",
    "{sha256}",
    "{sha512}",
    "{smd5}",
    "{ssha}",
    "{ssha256}",
    "{ssha512}",
    "argon2$",
    "bcrypt$",
    "bcrypt_sha256$",
    "md5$",
    "pbkdf2_sha1$",
    "pbkdf2_sha256$",
    "pbkdf2:",
    "scrypt$",
    "scrypt:",
    "sha1$",
    "sha256$",
];

/// What a hash is, as far as it is told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// In a format that we write, at this cost.
    Written(&'static str, String),
    /// In one that we only read.
    Read(&'static str),
    /// No password: `!`, `*`, or nothing.
    Locked,
    Unknown(String),
    /// A scheme that we know, and a hash that is none.
    Malformed(String),
    /// Dearer than is spent on one.
    Costly(String),
}

/// Counts the formats, and holds them against the configuration.
pub(super) fn judge(hashes: &[String], config: &PasswordConfig) -> Vec<Finding> {
    let mut counts: BTreeMap<Kind, usize> = BTreeMap::new();
    for hash in hashes {
        let count = counts.entry(kind(hash)).or_default();
        *count = count.saturating_add(1);
    }
    let told: Vec<String> = counts.iter().map(|(kind, count)| told(kind, *count)).collect();
    if told.is_empty() {
        let said = format!("no hash to look at; new ones are written as {}", config.recipe.name());
        return vec![Finding::good("formats", said)];
    }
    let all = hashes.len();
    let mut findings =
        vec![Finding::good("formats", format!("of {all} hashes {}", told.join(", ")))];
    findings.extend(unreadable(&counts));
    findings.push(setting(&counts, config));
    findings
}

fn kind(hash: &str) -> Kind {
    if hash.is_empty() || hash.starts_with(['!', '*']) {
        return Kind::Locked;
    }
    match (Stored::parse(hash), Format::of(hash)) {
        (Ok(stored), Some(format)) => Kind::Written(format.name, stored.cost()),
        (Ok(stored), None) => Kind::Read(stored.family()),
        (Err(FormatFault::Costly), _) => Kind::Costly(scheme(hash)),
        (Err(FormatFault::Unknown), _) => Kind::Unknown(scheme(hash)),
        (Err(_), _) => Kind::Malformed(scheme(hash)),
    }
}

fn told(kind: &Kind, count: usize) -> String {
    match kind {
        Kind::Written(name, cost) if cost.is_empty() => format!("{count} are {name}"),
        Kind::Written(name, cost) => format!("{count} are {name} ({cost})"),
        Kind::Read(family) => format!("{count} are {family}, which is read only"),
        Kind::Locked => format!("{count} are marks of no password"),
        Kind::Unknown(scheme) => format!("{count} are {scheme}, which we do not know"),
        Kind::Malformed(scheme) => format!("{count} begin as {scheme} and are malformed"),
        Kind::Costly(scheme) => format!("{count} are {scheme}, dearer than is spent on one"),
    }
}

/// Its scheme, if that is a known one: what else stands there may be a password in the clear.
fn scheme(hash: &str) -> String {
    let begun = SCHEMES.iter().filter(|scheme| hash.to_ascii_lowercase().starts_with(**scheme));
    if let Some(scheme) = begun.max_by_key(|scheme| scheme.len()) {
        return (*scheme).to_owned();
    }
    match hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => format!("{} hexadecimal digits", hash.len()),
        false => "of no known scheme".to_owned(),
    }
}

fn unreadable(counts: &BTreeMap<Kind, usize>) -> Option<Finding> {
    let is_bad =
        |kind: &Kind| matches!(kind, Kind::Unknown(_) | Kind::Malformed(_) | Kind::Costly(_));
    let bad: usize = counts.iter().filter(|(kind, _)| is_bad(kind)).map(|(_, count)| count).sum();
    let bare = ["64", "128"].map(|count| Kind::Unknown(format!("{count} hexadecimal digits")));
    let remedy = match bare.iter().any(|kind| counts.contains_key(kind)) {
        true => "if their salt has a column of its own, name it as sql.columns.salt",
        false => {
            "README, \"Hash formats\", lists what is read; is the column of the hash the right one?"
        }
    };
    let said =
        format!("{bad} of the hashes cannot be checked; a reset of theirs replaces them unchecked");
    (bad > 0).then(|| Finding::fault("unreadable", said, remedy))
}

/// What `password.format` should be.
fn setting(counts: &BTreeMap<Kind, usize>, config: &PasswordConfig) -> Finding {
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for (kind, count) in counts {
        if let Kind::Written(name, _) = kind {
            let sum = names.entry(name).or_default();
            *sum = sum.saturating_add(*count);
        }
    }
    let ours = config.recipe.name();
    let Some((most, _)) = names.iter().max_by_key(|(_, count)| **count) else {
        let said = format!("none is in a format that we write; a reset writes {ours}");
        let remedy = "make sure that the app verifies it: reset a password of your own and log in";
        return Finding::warning("setting", said, remedy);
    };
    let lines = format!("write under [password]: format = \"{most}\"");
    if ours == *most && config.recipe.parted().is_some() {
        let said = format!(
            "a reset writes {ours}; digest and iterations are yours to know, for no row tells them"
        );
        return Finding::warning("setting", said, "reset a password of your own and log in");
    }
    match (ours == *most, config.keep.is_some()) {
        (true, _) => {
            Finding::good("setting", format!("a reset writes {ours}, as most of them are"))
        }
        (false, true) => Finding::warning(
            "setting",
            format!("each keeps its format; an account without a hash would get {ours}"),
            lines,
        ),
        (false, false) => Finding::warning(
            "setting",
            format!(
                "a reset writes {ours}, and most of them are {most}: an app that verifies no other locks its user out"
            ),
            format!(
                "{lines}; or keep = true; or leave it, if the app verifies {ours} (reset a password of your own and log in)"
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;
    use crate::directory::Grade;

    const BCRYPT: &str = "CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    const TAG: &str = "c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

    fn judged(hashes: &[String], text: &str) -> Vec<(&'static str, Grade, String)> {
        let config = Config::parse(&format!("[password]\n{text}"), Path::new("/")).unwrap();
        let told = |finding: Finding| {
            let remedy = finding.remedy.unwrap_or_default();
            (finding.of, finding.grade, format!("{} -> {remedy}", finding.said))
        };
        judge(hashes, &config.password).into_iter().map(told).collect()
    }

    #[test]
    fn the_setting_follows_from_what_most_are() {
        let mut hashes = vec![format!("$2y$10${BCRYPT}"); 3];
        hashes.push(format!("$argon2id$v=19$m=19456,t=2,p=1${TAG}"));
        hashes.push("!".to_owned());
        let [formats, setting] = judged(&hashes, "").try_into().unwrap();
        assert_eq!((formats.0, formats.1), ("formats", Grade::Good));
        assert!(formats.2.contains("of 5 hashes 1 are argon2id (memory 19456 KiB, passes 2, lanes 1), 3 are php-bcrypt (cost 10), 1 are marks"), "{}", formats.2);
        assert_eq!((setting.0, setting.1), ("setting", Grade::Warning));
        assert!(
            setting.2.contains("locks its user out")
                && setting.2.contains("format = \"php-bcrypt\"")
        );
        let kept = judged(&hashes, "keep = true");
        assert!(kept[1].1 == Grade::Warning && kept[1].2.contains("each keeps its format"));
        let parted = format!("$pbkdf2-sha256-hex$i=600000$00000000${}", "0f".repeat(32));
        let parted = judged(&[parted], "format = \"pbkdf2-sha256-hex\"");
        assert!(parted[1].1 == Grade::Warning && parted[1].2.contains("no row tells them"));
        let fitting = judged(&hashes, "format = \"php-bcrypt\"");
        assert_eq!((fitting.len(), fitting[1].1), (2, Grade::Good));
        assert_eq!(judged(&[], "")[0].1, Grade::Good);
    }

    #[test]
    fn what_cannot_be_checked_is_a_fault_and_shows_its_scheme_only() {
        let secret = "5f4dcc3b5aa765d61d8327deb882cf99";
        let hashes = [
            secret.to_owned(),
            format!("md5$salt${secret}"),
            format!("$1$salt${secret}"),
            format!("{{MD5}}{secret}"),
            format!("$2b$31${BCRYPT}"),
            "$2b$05$x".to_owned(),
            "hunter2 in the clear".to_owned(),
        ];
        let bare = judged(&["0f".repeat(32)], "");
        assert!(bare[1].1 == Grade::Fault && bare[1].2.contains("sql.columns.salt"));
        let told = judged(&hashes, "");
        let [formats, unreadable, setting] = &told[..] else { panic!("{told:?}") };
        assert_eq!((unreadable.0, unreadable.1), ("unreadable", Grade::Fault));
        assert_eq!(setting.1, Grade::Warning);
        for expected in [
            "32 hexadecimal digits",
            "md5$",
            "$1$",
            "{md5}",
            "$2b$, dearer",
            "$2b$ and are malformed",
            "of no known scheme",
        ] {
            assert!(formats.2.contains(expected), "{expected}: {}", formats.2);
        }
        for hidden in ["5f4d", "salt", "hunter", "CCCC"] {
            assert!(told.iter().all(|(.., text)| !text.contains(hidden)), "{hidden}");
        }
    }
}
