//! Whether the attributes of the configuration exist. Invariant: only those that an account cannot be read without are
//! faults; the others are told.

use crate::config::LdapConfig;
use crate::directory::Finding;

/// `types`: attribute types as RFC 4512, 4.1.2, writes them.
pub(super) fn judge(config: &LdapConfig, types: &[Vec<u8>]) -> Finding {
    let known: Vec<String> =
        types.iter().flat_map(|written| names(&String::from_utf8_lossy(written))).collect();
    let unknown = |name: &&str| !known.iter().any(|known| known.eq_ignore_ascii_case(name));
    let attributes = &config.attributes;
    let needed = attributes.emails.iter().chain([&attributes.id]).map(String::as_str);
    let missing: Vec<&str> = needed.filter(unknown).collect();
    if !missing.is_empty() {
        let said = format!("the schema does not know {}", missing.join(", "));
        return Finding::fault("attributes", said, "correct the names below ldap.attributes");
    }
    let single = [&attributes.user_name, &attributes.display_name, &attributes.language];
    let others = single.into_iter().chain(&attributes.phones).chain(&config.revision);
    let others = others.chain(&attributes.status).chain(&attributes.password_hash);
    let idle: Vec<&str> = others.map(String::as_str).filter(unknown).collect();
    match idle.is_empty() {
        true => Finding::good("attributes", "the schema knows every attribute"),
        false => Finding::good(
            "attributes",
            format!("the schema does not know {}: taken as not there", idle.join(", ")),
        ),
    }
}

/// What stands behind NAME, in quotes: one, or several in parentheses.
fn names(written: &str) -> Vec<String> {
    let Some((_, behind)) = written.split_once(" NAME ") else { return Vec::new() };
    let behind = behind.trim_start();
    let list = match behind.strip_prefix('(') {
        Some(list) => list.split(')').next().unwrap_or_default(),
        None => behind.split(' ').next().unwrap_or_default(),
    };
    list.split('\'').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn names_are_read() {
        let one = "( 2.5.4.35 NAME 'userPassword' DESC 'RFC4519' EQUALITY octetStringMatch )";
        let two = "( 0.9.2342.19200300.100.1.3 NAME ( 'mail' 'rfc822Mailbox' ) EQUALITY x )";
        assert_eq!(names(one), ["userPassword"]);
        assert_eq!(names(two), ["mail", "rfc822Mailbox"]);
        assert!(names("( 1.2.3 )").is_empty());
    }
}
