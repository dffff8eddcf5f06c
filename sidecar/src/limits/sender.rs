//! The networks that a sender is limited by. Invariant: an address written in two ways is one sender.

use std::net::IpAddr;

use crate::config::Rates;

use super::gcra::{BudgetKey, Rate};
use crate::secret::Secrets;

/// A network's limit, and its key.
pub(super) type Network = (Rate, BudgetKey);

/// The networks whose asks are counted, the narrowest first.
pub(super) fn asks(secrets: &Secrets, rates: &Rates, sender: IpAddr) -> Vec<Network> {
    let of = |kind, rate, bits| (rate, key(secrets, kind, sender, bits));
    match sender.to_canonical() {
        IpAddr::V4(_) => {
            vec![of("sender_32", rates.sender_32, 32), of("sender_24", rates.sender_24, 24)]
        }
        IpAddr::V6(_) => vec![
            of("sender_64", rates.sender_64, 64),
            of("sender_56", rates.sender_56, 56),
            of("sender_48", rates.sender_48, 48),
        ],
    }
}

/// Which of the limits of asks a key belongs to, if to one.
pub(super) fn name_of(
    secrets: &Secrets,
    rates: &Rates,
    sender: IpAddr,
    key: BudgetKey,
) -> Option<&'static str> {
    let names: &[&str] = match sender.to_canonical() {
        IpAddr::V4(_) => &["sender_32", "sender_24"],
        IpAddr::V6(_) => &["sender_64", "sender_56", "sender_48"],
    };
    let mut named = names.iter().zip(asks(secrets, rates, sender));
    named.find(|(_, (_, known))| *known == key).map(|(name, _)| *name)
}

/// The network whose proofs are counted.
pub(super) fn attempts(secrets: &Secrets, rates: &Rates, sender: IpAddr) -> Network {
    let bits = if sender.to_canonical().is_ipv4() { 32 } else { 64 };
    (rates.attempts, key(secrets, "attempts", sender, bits))
}

fn key(secrets: &Secrets, kind: &str, sender: IpAddr, bits: u8) -> BudgetKey {
    secrets.limit_key(kind, &network(sender, bits))
}

/// The first `bits` of an address, the rest zero.
fn network(sender: IpAddr, bits: u8) -> Vec<u8> {
    match sender.to_canonical() {
        IpAddr::V4(four) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(bits.into())).unwrap_or(0);
            (four.to_bits() & mask).to_be_bytes().to_vec()
        }
        IpAddr::V6(six) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(bits.into())).unwrap_or(0);
            (six.to_bits() & mask).to_be_bytes().to_vec()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_cut_at_their_bits() {
        let cut = |text: &str, bits| network(text.parse().unwrap(), bits);
        assert_eq!(cut("192.0.2.77", 32), [192, 0, 2, 77]);
        assert_eq!(cut("192.0.2.77", 24), [192, 0, 2, 0]);
        assert_eq!(cut("::ffff:192.0.2.77", 24), [192, 0, 2, 0]);
        let long = "2001:db8:1:2ff:9:9:9:9";
        assert_eq!(cut(long, 64), cut("2001:db8:1:2ff::", 128));
        assert_eq!(cut(long, 56), cut("2001:db8:1:200::", 128));
        assert_eq!(cut(long, 48), cut("2001:db8:1::", 128));
        assert_eq!(cut(long, 0), [0; 16]);
    }
}
