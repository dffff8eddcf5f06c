//! Hands letters over: mail to the relay, texts to the spool. Invariant: every letter ends in a `Delivery`; an error of
//! the way there is `Later`, one of the letter itself `Dead`.

use std::time::Duration;

use contract::address::Address;

use crate::clock::Millis;
use crate::config::{MailConfig, SmsConfig};

use super::mime;
use super::relays::Relays;
use super::render::render;
use super::spool::Spool;
use super::{CourierFault, Delivery, Letter, Reason};

/// Takes letters of both channels. Cheap to share behind an `Arc`; all methods take `&self`.
#[derive(Debug)]
pub struct Courier {
    relays: Relays,
    spool: Option<Spool>,
}

impl Courier {
    /// Opens no connection yet. Without `sms` every text ends as `Dead(NotServed)`.
    pub fn new(mail: &MailConfig, sms: Option<&SmsConfig>) -> Result<Self, CourierFault> {
        Ok(Self { relays: Relays::new(mail)?, spool: sms.map(|sms| Spool::new(sms.spool.clone())) })
    }

    /// How long nothing can be sent; `None` when something can. Texts need no relay: where they are spooled, nothing rests.
    pub fn rest(&self, now: Millis) -> Option<Duration> {
        if self.spool.is_some() { None } else { self.relays.rest(now) }
    }

    /// How long no mail can be sent.
    pub fn rest_of_mail(&self, now: Millis) -> Option<Duration> {
        self.relays.rest(now)
    }

    /// How many mails can be on their way at a time; more only wait for each other.
    pub fn width(&self) -> usize {
        self.relays.width()
    }

    /// Whether one mail is to try the way, before others follow.
    pub fn is_on_trial(&self, now: Millis) -> bool {
        self.spool.is_none() && self.relays.is_on_trial(now)
    }

    /// One attempt, of 90 s at most; `now` dates the mail and names the spool file.
    pub async fn send(&self, letter: &Letter, now: Millis) -> Delivery {
        let Ok(rendered) = render(letter) else {
            return Delivery::Dead(Reason::Content);
        };
        match &letter.to {
            Address::Email(to) => match mime::seal(letter, to, &rendered, now) {
                Ok(mail) => self.relays.send(&mail, now).await,
                Err(reason) => Delivery::Dead(reason),
            },
            Address::Phone(to) => match &self.spool {
                Some(spool) => spool.put(letter, to, &rendered.sms, now).await,
                None => Delivery::Dead(Reason::NotServed),
            },
        }
    }

    #[cfg(test)]
    pub(super) fn set_patience(&mut self, patience: Duration) {
        self.relays.set_patience(patience);
    }
}
