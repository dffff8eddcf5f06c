//! Mail domains as the network writes them. Invariant: every address that the sidecar works with went through here once,
//! so that a domain has one spelling for look-ups, limits and sending.

use contract::address::Address;
use idna::{AsciiDenyList, domain_to_ascii_cow};

/// The address with its domain as A-labels (UTS 46); `None` when it has none.
pub fn ascii(address: Address) -> Option<Address> {
    let Address::Email(email) = &address else {
        return Some(address);
    };
    let domain = domain_to_ascii_cow(email.domain().as_bytes(), AsciiDenyList::STD3).ok()?;
    email.with_domain(&domain).ok().map(Address::Email)
}

#[cfg(test)]
mod tests {
    use contract::address::Channel;

    use super::*;

    #[test]
    fn domains_get_their_one_spelling() {
        let table = [
            ("a@example.org", Some("a@example.org")),
            ("A@EXAMPLE.org", Some("A@example.org")),
            ("a@bücher.example", Some("a@xn--bcher-kva.example")),
            ("a@例子.测试", Some("a@xn--fsqu00a.xn--0zwm56d")),
            ("a@xn--bcher-kva.example", Some("a@xn--bcher-kva.example")),
            ("a@xn--a.example", None),
            ("a@xn--zzzzzzzzz99999.example", None),
        ];
        for (typed, expected) in table {
            let address = Address::parse(Channel::Email, typed, None).unwrap();
            let done = ascii(address);
            assert_eq!(done.as_ref().map(Address::as_str), expected, "{typed}");
            if let Some(done) = done {
                assert_eq!(ascii(done.clone()).as_ref(), Some(&done));
            }
        }
    }
}
