//! Every key of the configuration, once: path, default, form and meaning. The reader takes defaults and known names from
//! here, the reference is written from here. Invariant: no key is read that does not stand in `keys` (the reader refuses).

use super::{directory, events, listen, rules, sites};
use crate::limits::table::{self, Limit};

/// One key. `<dialect>` and `<channel>` stand for one segment each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub(super) path: &'static str,
    /// As TOML; empty where leaving it out means something of its own, which `doc` says.
    pub(super) preset: &'static str,
    /// What a value looks like, for people.
    pub(super) form: &'static str,
    pub(super) doc: &'static str,
}

pub(super) const GRANT_LIFE: &str = "grant_life";
pub(super) const LOGIN: &str = "login";
pub(super) const LINK_LIFE: &str = "link_life";
pub(super) const CODE_LIFE: &str = "code_life";
pub(super) const CODE_DIGITS: &str = "code_digits";
pub(super) const CODE_TRIES: &str = "code_tries";

pub(super) const fn key(
    path: &'static str,
    preset: &'static str,
    form: &'static str,
    doc: &'static str,
) -> Key {
    Key { path, preset, form, doc }
}

/// A limit's default and meaning stand in the table of the limits.
const fn limit(limit: &Limit) -> Key {
    key(limit.key, limit.preset, limit.form, limit.counts)
}

const PLACES: &[Key] = &[
    key(
        "data",
        "\"rekey-data\"",
        "directory",
        "Where the database and the generated keys lie; made with mode 0700. Relative paths of the file start at the file's own directory.",
    ),
    key(
        "audience",
        "\"default\"",
        "name",
        "This deployment's name. The filter's `audience` must be the same.",
    ),
    key(
        "site",
        "\"default\"",
        "name",
        "The site that messages come from. The filter's `site` must be the same.",
    ),
    key(
        "base_url",
        "\"http://127.0.0.1:8080\"",
        "URL",
        "What every link in a mail begins with. https, except to this machine.",
    ),
    key(
        "change_password_url",
        "",
        "URL",
        "Where `/.well-known/change-password` leads; unset: 404.",
    ),
    key(
        "log_level",
        "\"info\"",
        "error, warn, info or debug",
        "What is logged to standard error, one JSON object a line.",
    ),
];

const STORE_AND_LIMITS: &[Key] = &[
    key(
        "store.url",
        "",
        "postgres://user@host[:port]/database",
        "PostgreSQL 15 or newer for several sidecars, without a password in it; `postgres:///database?host=/socket/directory&user=name` for a Unix socket. Unset: SQLite, one file in `data`, for one sidecar.",
    ),
    key(
        "store.password",
        "",
        "file:path",
        "The file that holds the password of the user of `store.url`.",
    ),
    key(
        "store.tls",
        "\"require\"",
        "require or off",
        "TLS to the server of `store.url`, its certificate checked; off only to this machine.",
    ),
    key(
        "store.ca",
        "",
        "file:path",
        "PEM certificates that the server's is checked against. Unset: the system's.",
    ),
    key(
        "store.connections",
        "8",
        "1 to 64",
        "Connections of this sidecar to the server of `store.url`.",
    ),
    key(
        "store.statement_timeout",
        "\"2s\"",
        "100ms to 30s",
        "How long one statement, or one lock, may take on the server of `store.url`.",
    ),
    key(
        "keys.master",
        "",
        "file:path",
        "Keys that all secrets are derived from: one line `rekey-index <id> <64 hex>`, and lines `rekey-master <id> <64 hex>`. Unset: `keys/master` under `data`, made when missing (not with PostgreSQL, where instances share keys: `rekey keys`).",
    ),
    key(
        "keys.edge",
        "",
        "list of file:path",
        "Keys that the filters sign with: lines `rekey-edge <id> <64 hex>`; all are believed. Unset: `keys/edge` under `data`, made when missing (not with PostgreSQL).",
    ),
    key(
        "keys.jwt",
        "",
        "file:path",
        "Keys of access tokens: lines `rekey-jwt <id> <64 hex>`; all are published, one signs. Unset: `keys/jwt` under `data`, made when missing (not with PostgreSQL).",
    ),
    key(
        "keys.password",
        "",
        "file:path",
        "Keys that passwords are decrypted and hashes are keyed with: lines `rekey-rsa <id> <base64 of PKCS#8>`, `rekey-sm2 <id> <64 hex>` and `rekey-pepper <id> <64 hex>`. Unset: `keys/password` under `data`, never made by itself: `rekey keys add rsa`.",
    ),
    key(
        "mail.relay",
        "\"smtp://127.0.0.1:1025\"",
        "URL, or list of URLs",
        "Who takes our mail: `smtps://host[:465]`, `smtp+starttls://host[:587]` (STARTTLS required), or `smtp://host[:25]` to this machine only. Of several, in order of preference, the next is asked when one fails.",
    ),
    key(
        "mail.user",
        "",
        "text, or list of texts",
        "User name at the relay; one for all, or one for each, `\"\"` where a relay asks for none.",
    ),
    key(
        "mail.password",
        "",
        "file:path, or list of them",
        "The file that holds the password at the relay; it goes with `user`, one for all or one for each, and not over plain `smtp://`.",
    ),
    key(
        "mail.connections",
        "4",
        "1 to 32",
        "Connections to each relay at a time. More send faster, where the relay allows it.",
    ),
    key("mail.from", "\"Rekey <no-reply@localhost>\"", "mailbox", "The sender of our mails."),
    key("mail.reply_to", "", "mailbox", "Where answers to our mails go."),
    key(
        "sms.spool",
        "",
        "directory",
        "Where texts are put, one file each, for your SMS gateway to fetch. Unset: no texts; asks by phone end as suppressed.",
    ),
    limit(&table::SENDER_32),
    limit(&table::SENDER_24),
    limit(&table::SENDER_64),
    limit(&table::SENDER_56),
    limit(&table::SENDER_48),
    limit(&table::ADDRESS),
    limit(&table::PLACE),
    limit(&table::CLIENT),
    limit(&table::INSTALLATION),
    limit(&table::BACKLOG),
    limit(&table::COOL_DOWN),
    limit(&table::SENDS),
    limit(&table::ATTEMPTS),
    limit(&table::DAILY_WRONG_CODES),
    limit(&table::WRONG_CODES),
    limit(&table::POLICY_FAILURES),
];

/// What follows the rules of a password in the reference.
const HASHING_AND_DIALECTS: &[Key] = &[
    key(
        "password.format",
        "\"argon2id\"",
        "name of a hash format",
        "In which format new hashes are written: the one that your app verifies. README's hash formats lists them; all of them are read, whatever is written.",
    ),
    key(
        "password.keep",
        "",
        "true or false",
        "Whether a new hash has the format of the one that it replaces, at its cost or the configured one, whichever is dearer; `format` is then for accounts without a hash, and for formats that are read only. Unset: true where the accounts live elsewhere, for what the app wrote it surely verifies; false in our own store, where a reset upgrades.",
    ),
    key(
        "password.weak_format",
        "false",
        "true or false",
        "Allows ssha and ssha512, which are cracked as fast as a card can count, and fewer `iterations` than OWASP's, for an app that has them in its code.",
    ),
    key(
        "password.pepper",
        "false",
        "true or false",
        "argon2id: new hashes need a key beside the password, a `rekey-pepper` line of `keys.password`; old ones are checked with whichever they name.",
    ),
    key("password.memory_kib", "19456", "7168 to 262144", "argon2id: memory of one hash in KiB."),
    key(
        "password.passes",
        "2",
        "1 to 16",
        "argon2id: passes over the memory. Memory times passes must stay at 35840 or more.",
    ),
    key("password.lanes", "1", "1 to 8", "argon2id: lanes."),
    key(
        "password.bcrypt_cost",
        "12",
        "10 to 14",
        "bcrypt: the exponent of its rounds; one more takes twice as long.",
    ),
    key(
        "password.scrypt_ln",
        "17",
        "17 or 18",
        "scrypt: the exponent of N; 17 takes 128 MiB for one hash, 18 twice that. r is 8 and p is 1.",
    ),
    key(
        "password.iterations",
        "",
        "10000 to 5000000",
        "PBKDF2: iterations. Unset: 600000 with SHA-256, the least there, and 210000 with SHA-512; fewer need `weak_format`.",
    ),
    key("password.rounds", "656000", "100000 to 2500000", "sha512-crypt: rounds."),
    key(
        "password.engine",
        "\"reference\"",
        "reference or auto",
        "What computes argon2: RustCrypto's implementation; or `auto`, a faster and younger one, where it gives the same known answers when the sidecar starts.",
    ),
    key(
        "password.threads",
        "",
        "1 to 256",
        "Threads that hash. Unset: as many as the machine has cores.",
    ),
    key(
        "password.queue",
        "64",
        "1 to 10000",
        "Hashes that may wait; beyond it clients are told to come back.",
    ),
    key(
        "password.deadline",
        "\"2s\"",
        "100ms to 1m",
        "How long a hash may wait. With the hash itself (500 ms at most) it must stay below the gateway's time-out of one try (`per_try_timeout`, 3s).",
    ),
    key(
        "password.sm2_ios",
        "false",
        "true or false",
        "Whether SM2 ciphertexts are also read as `04`, C1, C2, C3 of a base64 text, as one vendor's iOS client writes them.",
    ),
    key(
        "profile.<dialect>.grant_life",
        "",
        "10s to 1d",
        "Life of what verify gives. Unset: as the dialect documents.",
    ),
    key(
        "profile.<dialect>.login",
        "",
        "always, link or never",
        "Whether a reset answers with an access token. Unset: as the dialect documents.",
    ),
    key(
        "profile.<dialect>.password.<rule>",
        "",
        "as for `password`",
        "The same rule for one dialect: `profile`, `min`, `max`, `max_bytes`, `composition`, `repeats`, `reversed`, `personal`, `words`, `common`, `score` or `history`.",
    ),
    key(
        "profile.<dialect>.<channel>.link_life",
        "",
        "10s to 1d",
        "Life of a link. `<channel>` is `email` or `sms`.",
    ),
    key("profile.<dialect>.<channel>.code_life", "", "10s to 1d", "Life of a code."),
    key(
        "profile.<dialect>.<channel>.code_digits",
        "",
        "4 to 10",
        "Digits of a code; fewer than 6 only with `code_tries = 1`.",
    ),
    key(
        "profile.<dialect>.<channel>.code_tries",
        "",
        "1 to 5",
        "Wrong tries, per pot, before a code is dead.",
    ),
];

/// All keys of one kind of file, section by section, in the order of the reference.
pub(super) type Declared = &'static [&'static [Key]];

/// Those of the sidecar.
pub(super) const SIDECAR: Declared = &[
    PLACES,
    listen::KEYS,
    directory::KEYS,
    directory::HTTP,
    directory::LDAP,
    directory::SQL,
    events::KEYS,
    STORE_AND_LIMITS,
    rules::KEYS,
    HASHING_AND_DIALECTS,
    sites::KEYS,
];

/// The declaration of a written path.
pub(super) fn find(keys: Declared, path: &str) -> Option<&'static Key> {
    keys.iter().copied().flatten().find(|key| matches(key.path, path))
}

/// Whether a path is a section that holds keys.
pub(super) fn is_section(keys: Declared, path: &str) -> bool {
    let depth = path.split('.').count();
    let prefix = |key: &&Key| {
        key.path.split('.').count() > depth && key.path.split('.').zip(path.split('.')).all(same)
    };
    keys.iter().copied().flatten().any(|key| prefix(&key))
}

fn matches(pattern: &str, path: &str) -> bool {
    pattern.split('.').count() == path.split('.').count()
        && pattern.split('.').zip(path.split('.')).all(same)
}

fn same((pattern, segment): (&str, &str)) -> bool {
    pattern == segment || pattern.starts_with('<')
}

#[cfg(test)]
mod tests {
    use super::{SIDECAR, find, is_section};

    #[test]
    fn paths_find_their_declaration() {
        assert_eq!(find(SIDECAR, "limits.sends").map(|key| key.preset), Some("3"));
        assert_eq!(
            find(SIDECAR, "profile.native.email.code_life").map(|key| key.form),
            Some("10s to 1d")
        );
        assert!(find(SIDECAR, "limits").is_none());
        assert!(find(SIDECAR, "limits.sends.x").is_none());
        assert!(is_section(SIDECAR, "limits"));
        assert!(is_section(SIDECAR, "profile.native.email"));
        assert!(!is_section(SIDECAR, "limits.sends"));
    }

    #[test]
    fn no_key_stands_twice() {
        let mut paths: Vec<_> = SIDECAR.iter().copied().flatten().map(|key| key.path).collect();
        paths.sort_unstable();
        let all = paths.len();
        paths.dedup();
        assert_eq!(paths.len(), all);
    }
}
