//! Whether a password keeps the rules. Pure; it says every rule that is broken, in a fixed order.

use contract::policy::Breach;

use crate::directory::Account;

/// The rules. Lengths are code points: what a person counts, not what an encoding needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    pub min: u32,
    pub max: u32,
}

/// What is known of whose password it is.
#[derive(Clone)]
pub struct Person {}

impl Person {
    pub fn of(_account: &Account) -> Self {
        Self {}
    }
}

impl std::fmt::Debug for Person {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Person(..)")
    }
}

impl Policy {
    /// The broken rules; none when the password is good.
    pub fn judge(&self, _person: &Person, password: &str) -> Vec<Breach> {
        let Self { min, max } = *self;
        let length = password.chars().count();
        let checks = [
            (length < min as usize, Breach::TooShort { min, max }),
            (length > max as usize, Breach::TooLong { min, max }),
        ];
        checks.into_iter().filter_map(|(broken, breach)| broken.then_some(breach)).collect()
    }
}
