//! Accounts that the sidecar knows. Invariant: none is used by two measurements, so that no cool-down touches a number.

/// A password that nobody asks for, hashed at a cost that nobody pays here.
pub(crate) const HASH: &str =
    "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

/// Addresses `<group>.0@example.com` and so on.
pub(crate) fn addresses(group: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{group}.{number}@example.com")).collect()
}

/// What `rekey account import` reads.
pub(crate) fn import_lines(addresses: &[String]) -> String {
    let lines = addresses
        .iter()
        .map(|address| format!("{{\"email\":\"{address}\",\"password_hash\":\"{HASH}\"}}\n"));
    lines.collect()
}
