//! Filters (RFC 4515) of values that others typed. Invariant: of a value only letters, digits and `.-_@+` stand in a filter
//! as they are; every other byte is escaped.

use std::fmt::Write as _;

use contract::address::Address;

use super::guid;
use crate::config::LdapConfig;

/// Active Directory's list of addresses of every kind, each with its kind in front.
pub(super) const PROXY: &str = "proxyAddresses";
pub(super) const SMTP: &str = "smtp:";

/// The entries with one of these addresses.
pub(super) fn with_addresses(config: &LdapConfig, addresses: &[Address]) -> String {
    let mut any = String::new();
    for address in addresses {
        let names = match address {
            Address::Email(_) => &config.attributes.emails,
            Address::Phone(_) => &config.attributes.phones,
        };
        for name in names {
            let kind = if name.eq_ignore_ascii_case(PROXY) { SMTP } else { "" };
            any.push_str(&equal(name, format!("{kind}{}", address.as_str()).as_bytes()));
        }
    }
    among(config, &format!("(|{any})"))
}

/// The entry with this id; none where no entry can have it.
pub(super) fn with_id(config: &LdapConfig, id: &str) -> Option<String> {
    let name = &config.attributes.id;
    let value = if guid::is_of(name) { guid::bytes(id)?.to_vec() } else { id.as_bytes().to_vec() };
    Some(among(config, &equal(name, &value)))
}

/// Every account.
pub(super) fn all(config: &LdapConfig) -> String {
    let emails = config.attributes.emails.iter().map(|name| format!("({name}=*)"));
    among(config, &format!("(|{})", emails.collect::<String>()))
}

/// What holds while these attributes have the values that were read. What was not read is not named: a server that hides
/// an attribute finds nothing of it true.
pub(super) fn unchanged<'e>(read: impl Iterator<Item = (&'e str, &'e [Vec<u8>])>) -> String {
    let equal = |(name, values): (&str, &'e [Vec<u8>])| {
        values.iter().map(|value| equal(name, value)).collect::<String>()
    };
    format!("(&{})", read.map(equal).collect::<String>())
}

fn among(config: &LdapConfig, wanted: &str) -> String {
    config
        .filter
        .as_ref()
        .map_or_else(|| wanted.to_owned(), |filter| format!("(&{filter}{wanted})"))
}

fn equal(name: &str, value: &[u8]) -> String {
    let mut text = format!("({name}=");
    for byte in value {
        match byte {
            byte if byte.is_ascii_alphanumeric() || b".-_@+".contains(byte) => {
                text.push(char::from(*byte));
            }
            byte => write!(text, "\\{byte:02x}").unwrap_or_default(),
        }
    }
    text.push(')');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_a_value_stays_in_it() {
        assert_eq!(equal("mail", b"a.b+c@x.org"), "(mail=a.b+c@x.org)");
        assert_eq!(equal("mail", b"*)(uid=*"), "(mail=\\2a\\29\\28uid\\3d\\2a)");
        assert_eq!(equal("a", "\\\0é ".as_bytes()), "(a=\\5c\\00\\c3\\a9\\20)");
        let all: Vec<u8> = (0..=u8::MAX).collect();
        let parsed = ldap3::parse_filter(equal("a", &all)).unwrap();
        assert!(format!("{parsed:?}").contains(&format!("{all:?}")));
    }

    #[test]
    fn what_was_read_is_asserted() {
        let values = [b"x".to_vec()];
        let read = [("a", values.as_slice()), ("b", &[])];
        assert_eq!(unchanged(read.into_iter()), "(&(a=x))");
    }
}
