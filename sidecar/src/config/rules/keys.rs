//! The keys of the rules, declared once.

use crate::config::declared::{Key, key};

/// The rules that one dialect may have otherwise, as they are called there.
pub(in crate::config) const RULES: [&str; 12] = [
    "profile",
    "min",
    "max",
    "max_bytes",
    "composition",
    "repeats",
    "reversed",
    "personal",
    "words",
    "common",
    "score",
    "history",
];

pub(in crate::config) const KEYS: &[Key] = &[
    key(
        "password.profile",
        "\"default\"",
        "default, nist-800-63b-4, asvs-l1, asvs-l2, asvs-l3 or documented",
        "The rules where no key says otherwise; a standard's refuse to be weakened. `documented`: what each dialect publishes.",
    ),
    key(
        "password.min",
        "",
        "6 to 64",
        "The shortest password, in characters. Unset, here and below: as the profile says.",
    ),
    key("password.max", "", "32 to 1024", "The longest password, in characters."),
    key("password.max_bytes", "", "64 to 4096", "The longest password, in bytes of UTF-8."),
    key(
        "password.composition",
        "",
        "list of digit, letter, mixed_case, special",
        "Classes of characters that must all occur; `[]`: none.",
    ),
    key(
        "password.repeats",
        "",
        "0 to 10",
        "How often one character may stand in a row; 0: as often as it likes.",
    ),
    key(
        "password.reversed",
        "",
        "true or false",
        "Whether the user name spelled backwards is refused.",
    ),
    key(
        "password.personal",
        "",
        "off, whole or inside",
        "How user name, numbers, mail names, name (in pinyin too) and `words` are looked for: anywhere `inside` the password, or as the `whole` of it. `off`: only `words`, inside.",
    ),
    key(
        "password.words",
        "",
        "list of words",
        "The service's own words: names of company, product, projects. They are looked for as `personal` says: as the whole password with `whole`, else anywhere in it.",
    ),
    key(
        "password.common",
        "",
        "true or false",
        "Whether the most common passwords are refused; their list is built in.",
    ),
    key(
        "password.score",
        "",
        "0 to 4",
        "The lowest score that an estimator (zxcvbn) must give; 0: it is not asked. It takes some 9 MiB of memory once, and up to 20 ms.",
    ),
    key("password.history", "", "0 to 24", "Former passwords that are refused; each costs a hash."),
    key(
        "password.normalize",
        "\"none\"",
        "none, nfc or nfkc",
        "The Unicode form in which passwords are judged and hashed. Whoever verifies them must use the same.",
    ),
    key(
        "password.breached_file",
        "",
        "file:path",
        "Breached passwords, as Have I Been Pwned's downloader writes them: sorted lines HASH:COUNT, of SHA-1 or NTLM. A fault of the file refuses passwords.",
    ),
    key(
        "password.breached_lookup",
        "",
        "URL",
        "Whom to ask for breached passwords, by five digits of their SHA-1: `https://api.pwnedpasswords.com/range/`, or your own mirror of it.",
    ),
    key(
        "password.breached_lookup_failure",
        "",
        "open or closed",
        "Whether a password passes (`open`) or must wait (`closed`) while `breached_lookup` does not answer. It has no default.",
    ),
    key(
        "password.breached_lookup_timeout",
        "\"1s\"",
        "100ms to 2s",
        "How long `breached_lookup` may take.",
    ),
    key(
        "password.breached_lookup_ca",
        "",
        "file:path",
        "PEM certificates that the server's of `breached_lookup` is checked against. Unset: the system's.",
    ),
];
