//! Senders who are no single people: private addresses, and one that makes most of the asks. Behind a balancer everybody
//! has its address. Invariant: memory is bounded, and a sender is taken for a balancer only when it made more than half.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::gcra::BudgetKey;
use crate::clock::Millis;

/// Asks are counted in windows of this length.
const WINDOW: Duration = Duration::from_secs(600);

/// Fewer asks in a window tell nothing.
const LEAST: u32 = 200;

/// Senders that are counted at a time; who makes more than one in so many is among them.
const COUNTED: usize = 64;

const HOUR: Duration = Duration::from_secs(3600);

/// What a sender is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// A machine of the Internet.
    Single,
    /// It makes more than half of all asks: a balancer, or an attack. Its budgets are wide.
    Dominant,
    /// An address that the Internet does not know; sender budgets do not apply.
    Private,
}

/// A finding that is to be told now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) reason: &'static str,
    pub(crate) remedy: &'static str,
}

const PRIVATE: Finding = Finding {
    reason: "private",
    remedy: "asks come from a private address, so no sender is limited: if a balancer stands in front of the gateway, let \
        Envoy trust it (use_remote_address: true, xff_num_trusted_hops: the number of balancers)",
};

const DOMINANT: Finding = Finding {
    reason: "dominant",
    remedy: "one sender makes most of the asks: if it is a balancer, let Envoy trust it (use_remote_address: true, \
        xff_num_trusted_hops: the number of balancers); if not, it is an attack, and the other limits hold it",
};

#[derive(Debug, Default)]
pub(super) struct Crowd(Mutex<Counts>);

/// Misra and Gries' count of heavy hitters: never too high, too low by at most a `COUNTED`th of all.
#[derive(Debug, Default)]
struct Counts {
    since: Millis,
    total: u32,
    senders: HashMap<BudgetKey, u32>,
    dominant: Option<BudgetKey>,
    told_private: Option<Millis>,
    told_dominant: Option<Millis>,
}

impl Crowd {
    /// Counts an ask of a sender; what the sender is, and what has to be told of it (once an hour).
    pub(super) fn count(
        &self,
        sender: IpAddr,
        key: BudgetKey,
        at: Millis,
    ) -> (Standing, Option<Finding>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.turn(at);
        counts.add(key);
        if is_private(sender) {
            let due = is_due(&mut counts.told_private, at);
            return (Standing::Private, due.then_some(PRIVATE));
        }
        if !counts.is_dominant(key) {
            return (Standing::Single, None);
        }
        let due = is_due(&mut counts.told_dominant, at);
        (Standing::Dominant, due.then_some(DOMINANT))
    }

    /// What a sender is, without counting.
    pub(super) fn standing(&self, sender: IpAddr, key: BudgetKey) -> Standing {
        if is_private(sender) {
            return Standing::Private;
        }
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.is_dominant(key) { Standing::Dominant } else { Standing::Single }
    }
}

impl Counts {
    /// A new window, also when the clock stepped back; who dominated the last one is remembered through it.
    fn turn(&mut self, at: Millis) {
        if self.since <= at && self.since.until(at) < WINDOW {
            return;
        }
        let most = self.senders.iter().max_by_key(|(_, count)| **count).map(|(key, _)| *key);
        self.dominant = most.filter(|key| self.is_most(*key));
        (self.since, self.total) = (at, 0);
        self.senders.clear();
    }

    fn add(&mut self, key: BudgetKey) {
        self.total = self.total.saturating_add(1);
        if self.senders.len() < COUNTED || self.senders.contains_key(&key) {
            let count = self.senders.entry(key).or_default();
            *count = count.saturating_add(1);
            return;
        }
        self.senders.retain(|_, count| {
            *count = count.saturating_sub(1);
            *count > 0
        });
    }

    fn is_most(&self, key: BudgetKey) -> bool {
        let count = self.senders.get(&key).copied().unwrap_or(0);
        self.total >= LEAST && count > self.total / 2
    }

    fn is_dominant(&self, key: BudgetKey) -> bool {
        self.dominant == Some(key) || self.is_most(key)
    }
}

fn is_due(told: &mut Option<Millis>, at: Millis) -> bool {
    let due = told.is_none_or(|told| told > at || told.until(at) >= HOUR);
    if due {
        *told = Some(at);
    }
    due
}

/// RFC 1918 and 6598, loopback, link-local (RFC 3927, 4291), unique local (RFC 4193), and no address at all.
fn is_private(sender: IpAddr) -> bool {
    match sender.to_canonical() {
        IpAddr::V4(four) => is_private_v4(four),
        IpAddr::V6(six) => is_private_v6(six),
    }
}

fn is_private_v4(four: Ipv4Addr) -> bool {
    let [a, b, ..] = four.octets();
    let carrier = a == 100 && (64..128).contains(&b);
    four.is_private()
        || four.is_loopback()
        || four.is_link_local()
        || four.is_unspecified()
        || carrier
}

fn is_private_v6(six: Ipv6Addr) -> bool {
    six.is_loopback()
        || six.is_unspecified()
        || six.is_unique_local()
        || six.is_unicast_link_local()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u32) -> BudgetKey {
        u128::from(n).to_be_bytes()
    }

    const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));

    #[test]
    fn private_addresses_are_known() {
        let table = [
            ("10.1.2.3", true),
            ("172.16.0.1", true),
            ("172.32.0.1", false),
            ("192.168.1.1", true),
            ("127.0.0.1", true),
            ("169.254.1.1", true),
            ("100.64.0.1", true),
            ("100.128.0.1", false),
            ("0.0.0.0", true),
            ("8.8.8.8", false),
            ("::1", true),
            ("fd00::1", true),
            ("fe80::1", true),
            ("2001:db8::1", false),
            ("::ffff:10.0.0.1", true),
            ("::ffff:8.8.8.8", false),
        ];
        for (text, expected) in table {
            assert_eq!(is_private(text.parse().unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn who_makes_more_than_half_of_many_is_dominant_and_told_of_once_an_hour() {
        let crowd = Crowd::default();
        let at = |second: i64| Millis(1_800_000_000_000 + second * 1000);
        for n in 0..199 {
            assert_eq!(crowd.count(PUBLIC, key(1), at(n)), (Standing::Single, None), "{n}");
        }
        assert_eq!(crowd.count(PUBLIC, key(1), at(199)), (Standing::Dominant, Some(DOMINANT)));
        assert_eq!(crowd.count(PUBLIC, key(1), at(200)), (Standing::Dominant, None));
        assert_eq!(crowd.count(PUBLIC, key(2), at(200)), (Standing::Single, None));
        // Through the next window, and no longer when others ask as much.
        assert_eq!(crowd.standing(PUBLIC, key(1)), Standing::Dominant);
        for n in 0..600 {
            crowd.count(PUBLIC, key(n), at(700));
        }
        assert_eq!(crowd.standing(PUBLIC, key(1)), Standing::Dominant);
        crowd.count(PUBLIC, key(3), at(1400));
        assert_eq!(crowd.standing(PUBLIC, key(1)), Standing::Single);
        let told: Vec<_> =
            (0..300).filter_map(|_| crowd.count(PUBLIC, key(1), at(3800)).1).collect();
        assert_eq!(told, [DOMINANT]);
    }

    #[test]
    fn many_senders_hide_no_dominant_one_and_make_none() {
        let crowd = Crowd::default();
        for n in 0..100_000 {
            crowd.count(PUBLIC, key(n + 10), Millis(5));
            crowd.count(PUBLIC, key(n % 2), Millis(5));
        }
        assert_eq!(crowd.standing(PUBLIC, key(1)), Standing::Single, "a quarter is not most");
        for _ in 0..220_000 {
            crowd.count(PUBLIC, key(1), Millis(6));
        }
        assert_eq!(crowd.standing(PUBLIC, key(1)), Standing::Dominant);
        assert!(crowd.0.lock().unwrap().senders.len() <= COUNTED);
    }

    #[test]
    fn private_senders_are_told_of_once_an_hour_also_when_the_clock_steps_back() {
        let (crowd, private) = (Crowd::default(), IpAddr::V4(Ipv4Addr::LOCALHOST));
        let told = [0, 10, 3599, 3601, 3602, 100, 101]
            .map(|second| crowd.count(private, key(1), Millis(second * 1000)).1.is_some());
        assert_eq!(told, [true, false, false, true, false, true, false]);
    }
}
