//! Sidecars with three accounts, their mail server, and the pen that signs messages to them. A [`Crew`] is one to three
//! sidecars on one store of either engine; a [`House`] is a crew with a mailbox.

mod crew;
mod pen;
mod store;

use std::ops::{Deref, DerefMut};

use crate::stage::{Mail, Mailbox, until};

pub use crew::{Crew, Plan};
pub use pen::{
    address, by_both, by_code, by_place, by_token, code_in, confirm, fresh, from, grant_in,
    initiate, message, number, other, outcome, post, token_in, unix_now, verify, with_flow,
};
pub use store::{On, sqlite};

pub const ANN: &str = "ann@example.com";
pub const BOB: &str = "bob@example.com";
/// Disabled.
pub const DAN: &str = "dan@example.com";
pub const NOBODY: &str = "nobody@example.com";
pub const ANNS_PHONE: &str = "+8613800138000";
pub const OLD: &str = "the old password";
pub const NEW: &str = "the new password";

/// A crew and the mailbox that it writes to.
#[derive(Debug)]
pub struct House {
    pub mailbox: Mailbox,
    crew: Crew,
}

impl House {
    #[must_use]
    pub fn build() -> Self {
        Self::with(&Plan::default())
    }

    /// # Panics
    /// Something does not start.
    #[must_use]
    pub fn with(plan: &Plan) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mailbox = Mailbox::start(&dir.path().join("mail")).unwrap();
        let crew = Crew::start_in(dir, plan, mailbox.addr());
        Self { mailbox, crew }
    }

    /// Asks, and reads the mail number `count` to that address.
    ///
    /// # Panics
    /// The ask is refused, or no mail comes.
    pub fn ask(&self, dialect: &str, to: &str, count: usize) -> Mail {
        assert_eq!(outcome(&self.say(&initiate(dialect, to))), "accepted");
        self.mailbox.wait_for(to, count).unwrap().pop().unwrap()
    }

    /// The same when the address was written to a moment ago: asks from new senders until the cool-down is over.
    ///
    /// # Panics
    /// No mail comes.
    pub fn ask_late(&self, dialect: &str, to: &str, count: usize) -> Mail {
        until("a mail after the cool-down", || {
            let n = number();
            let sender = format!("192.0.{}.{}", n / 250 % 250, n % 250 + 1);
            self.say(&from(initiate(dialect, to), &sender));
            self.settle();
            Ok(self.mailbox.mails_to(to)?.into_iter().nth(count - 1))
        })
        .unwrap()
    }
}

impl Deref for House {
    type Target = Crew;

    fn deref(&self) -> &Crew {
        &self.crew
    }
}

impl DerefMut for House {
    fn deref_mut(&mut self) -> &mut Crew {
        &mut self.crew
    }
}
