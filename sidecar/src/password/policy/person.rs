//! What is known of the one whose password is judged.

use std::fmt;

use crate::directory::Account;

/// An account's own data, as far as a password may not be made of it.
#[derive(Clone, Default)]
pub struct Person {
    pub user_name: Option<String>,
    pub display_name: Option<String>,
    /// The part before the @.
    pub mail_names: Vec<String>,
    pub phones: Vec<Number>,
}

/// A telephone number.
#[derive(Clone, Debug)]
pub struct Number {
    /// All digits, with the calling code.
    pub digits: String,
    /// As it is dialled in its own country, without a trunk prefix.
    pub national: String,
}

impl Person {
    pub fn of(account: &Account) -> Self {
        let number = |phone: &contract::address::Phone| {
            let digits = phone.as_str().trim_start_matches('+').to_owned();
            let code = phone.country().code().to_string();
            let national = digits.strip_prefix(&code).unwrap_or(&digits).to_owned();
            Number { digits, national }
        };
        Self {
            user_name: account.user_name.clone(),
            display_name: account.display_name.clone(),
            mail_names: account.emails.iter().map(|email| email.local().to_owned()).collect(),
            phones: account.phones.iter().map(number).collect(),
        }
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Person(..)")
    }
}
