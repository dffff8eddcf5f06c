//! What the limits refused, summed up by limit. Invariant: one number for each limit, however many are refused.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use crate::secret::masked_sender;

#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<BTreeMap<&'static str, (u64, Option<IpAddr>)>>);

/// One limit's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) limit: &'static str,
    pub(crate) count: u64,
    /// The network of the one that was refused last.
    pub(crate) sender: String,
}

impl Refusals {
    pub(crate) fn note(&self, limit: &'static str, sender: IpAddr) {
        let mut refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, last) = refused.entry(limit).or_default();
        (*count, *last) = (count.saturating_add(1), Some(sender));
    }

    /// Those since it was taken last.
    pub(crate) fn take(&self) -> Vec<Refused> {
        let refused = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let told = |(limit, (count, last)): (&'static str, (u64, Option<IpAddr>))| Refused {
            limit,
            count,
            sender: last.map(masked_sender).unwrap_or_default(),
        };
        refused.into_iter().map(told).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_summed_up_and_taken_once() {
        let refusals = Refusals::default();
        for last in 1..=3 {
            refusals.note("sender_32", IpAddr::from([192, 0, 2, last]));
        }
        refusals.note("address", IpAddr::from([198, 51, 100, 7]));
        let told: Vec<_> =
            refusals.take().into_iter().map(|one| (one.limit, one.count, one.sender)).collect();
        let expected = [
            ("address", 1, "198.51.100.0/24".to_owned()),
            ("sender_32", 3, "192.0.2.0/24".to_owned()),
        ];
        assert_eq!(told, expected);
        assert!(refusals.take().is_empty());
    }
}
