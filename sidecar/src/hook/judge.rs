//! Which addresses are called. A name may lead anywhere, whoever answers for it: into this network, to this machine, to what
//! a cloud tells its machines. Invariant: pure; what is not known as public is not public.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    Public,
    /// Of a private network or of this machine: called where that is allowed.
    Private,
    /// Link-local, multicast, unspecified, reserved: never called.
    Never,
}

/// By the special-purpose registries of IANA (RFC 6890 and its followers).
pub fn worth(address: IpAddr) -> Worth {
    match address {
        IpAddr::V4(four) => worth_of_four(four),
        IpAddr::V6(six) => worth_of_six(six),
    }
}

/// Whether it is called. A loopback address that the URL itself names is meant.
pub(super) fn is_called(address: IpAddr, is_literal: bool, allow_private: bool) -> bool {
    match worth(address) {
        Worth::Public => true,
        Worth::Private => allow_private || (is_literal && address.to_canonical().is_loopback()),
        Worth::Never => false,
    }
}

fn worth_of_four(address: Ipv4Addr) -> Worth {
    match address.octets() {
        // What a cloud tells its machines stands among carriers' own.
        [100, 100, 100, 200] => Worth::Never,
        [10, ..] | [127, ..] | [192, 168, ..] => Worth::Private,
        [172, 16..=31, ..] => Worth::Private,
        // Carriers' own, and benchmarks'.
        [100, 64..=127, ..] | [198, 18 | 19, ..] => Worth::Private,
        [0, ..] | [169, 254, ..] | [224..=255, ..] => Worth::Never,
        [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 51, 100, _] | [203, 0, 113, _] => {
            Worth::Never
        }
        _ => Worth::Public,
    }
}

fn worth_of_six(address: Ipv6Addr) -> Worth {
    if let Some(four) = address.to_ipv4_mapped() {
        return worth_of_four(four);
    }
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Worth::Private,
        // Another cloud's, among private ones.
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] => Worth::Never,
        [0xfc00..=0xfdff, ..] => Worth::Private,
        // NAT64's own prefix: what is behind it counts.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            worth_of_four(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        // Protocols' own, Teredo; documentation; 6to4.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Worth::Never,
        [0x2002, ..] => Worth::Never,
        [0x2000..=0x3fff, ..] => Worth::Public,
        _ => Worth::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_judged() {
        let table = [
            (Worth::Public, "8.8.8.8 100.63.255.255 100.128.0.0 172.15.0.1 172.32.0.1 192.0.1.1"),
            (Worth::Public, "192.167.1.1 198.17.0.1 198.20.0.1 223.255.255.255 169.253.1.1"),
            (Worth::Public, "2606:4700::1111 2a00:1450::1 2400::1 ::ffff:8.8.8.8 64:ff9b::808:808"),
            (Worth::Private, "10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1"),
            (Worth::Private, "127.0.0.1 127.255.255.254 100.64.0.1 100.127.255.255 198.18.0.1"),
            (Worth::Private, "::1 fc00::1 fd12:3456::1 ::ffff:10.0.0.1 ::ffff:127.0.0.1"),
            (Worth::Private, "64:ff9b::a00:1 64:ff9b::7f00:1"),
            (Worth::Never, "0.0.0.0 0.1.2.3 169.254.169.254 169.254.0.1 224.0.0.1 240.0.0.1"),
            (Worth::Never, "255.255.255.255 192.0.0.170 192.0.2.1 192.88.99.1 198.51.100.7"),
            (Worth::Never, "203.0.113.9 ::ffff:169.254.169.254 ::ffff:0.0.0.0 64:ff9b::a9fe:a9fe"),
            (Worth::Never, ":: fe80::1 febf::1 fec0::1 ff02::1 100::1 2001:db8::1 2002:a00:1::1"),
            (Worth::Never, "2001::1 2001:1ff::1 64:ff9b:1::1 ::7f00:1 ::ffff:0:127.0.0.1 3fff::1"),
            (Worth::Never, "fd00:ec2::254 100.100.100.200"),
        ];
        for (expected, addresses) in table {
            for address in addresses.split(' ') {
                assert_eq!(worth(address.parse().unwrap()), expected, "{address}");
            }
        }
    }

    #[test]
    fn private_ones_are_called_where_that_is_allowed() {
        // Address, named by the URL, allowed, called?
        let table = [
            ("8.8.8.8", false, false, true),
            ("127.0.0.1", false, false, false),
            ("127.0.0.1", true, false, true),
            ("::1", true, false, true),
            ("::ffff:127.0.0.1", true, false, true),
            ("127.0.0.1", false, true, true),
            ("10.0.0.1", true, false, false),
            ("10.0.0.1", false, true, true),
            ("169.254.169.254", true, true, false),
            ("0.0.0.0", true, true, false),
        ];
        for (address, is_literal, allowed, expected) in table {
            let found = is_called(address.parse().unwrap(), is_literal, allowed);
            assert_eq!(found, expected, "{address} {is_literal} {allowed}");
        }
    }
}
