//! Hands letters over: mail to the relay, texts to the spool. Invariant: every letter ends in a `Delivery`; an error of
//! the way there is `Later`, one of the letter itself `Dead`.

use contract::address::Address;

use crate::clock::Millis;
use crate::config::{MailConfig, SmsConfig};

use super::mime::Envelope;
use super::relay::RelayPool;
use super::render::{Brand, render};
use super::spool::Spool;
use super::{CourierFault, Delivery, Letter, Reason};

/// Takes letters of both channels. Cheap to share behind an `Arc`; all methods take `&self`.
#[derive(Debug)]
pub struct Courier {
    brand: Brand,
    envelope: Envelope,
    relay: RelayPool,
    spool: Option<Spool>,
}

impl Courier {
    /// Opens no connection yet. Without `sms` every text ends as `Dead(NotServed)`.
    pub fn new(mail: &MailConfig, sms: Option<&SmsConfig>) -> Result<Self, CourierFault> {
        Ok(Self {
            brand: Brand::of(&mail.from),
            envelope: Envelope::new(mail),
            relay: RelayPool::new(mail)?,
            spool: sms.map(|sms| Spool::new(sms.spool.clone())),
        })
    }

    /// One attempt; `now` dates the mail and names the spool file.
    pub async fn send(&self, letter: &Letter, now: Millis) -> Delivery {
        let Ok(rendered) = render(letter, &self.brand) else {
            return Delivery::Dead(Reason::Content);
        };
        match &letter.to {
            Address::Email(to) => match self.envelope.seal(letter, to, &rendered, now) {
                Ok(mail) => self.relay.send(&mail).await,
                Err(reason) => Delivery::Dead(reason),
            },
            Address::Phone(to) => match &self.spool {
                Some(spool) => spool.put(letter, to, &rendered.sms, now).await,
                None => Delivery::Dead(Reason::NotServed),
            },
        }
    }

    #[cfg(test)]
    pub(super) fn set_patience(&mut self, patience: std::time::Duration) {
        self.relay.patience = patience;
    }
}
