//! Why: what became of the asks for one address, told to whoever runs the sidecar.

use std::fmt;

use contract::address::Address;

use crate::clock::Millis;
use crate::directory::ascii;
use crate::secret::Secrets;
use crate::store::{Store, StoreError, Story};

/// The asks that are still known, the latest first. None for an address whose domain is not one.
pub async fn tell(
    store: &Store,
    secrets: &Secrets,
    address: Address,
) -> Result<Vec<Story>, StoreError> {
    let Some(address) = ascii(address) else {
        return Ok(Vec::new());
    };
    let key = secrets.address_key(address.channel(), &address.key());
    store.stories(key).await
}

impl fmt::Display for Story {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{}  {} at {}  request {}: {}",
            clock_time(self.at),
            self.dialect,
            self.site,
            self.request,
            self.state
        )?;
        if let Some(reason) = &self.reason {
            write!(out, " ({reason}{})", meaning(reason))?;
        }
        if let Some(ended) = self.ended {
            write!(out, " after {} ms", self.at.until(ended).as_millis())?;
        }
        if self.mails > 1 {
            write!(out, ", {} mails", self.mails)?;
        }
        if self.attempts > 0 {
            write!(out, ", {} delivery attempt(s)", self.attempts)?;
        }
        match &self.reply {
            Some(reply) if self.reason.as_ref() != Some(reply) => write!(out, ", last: {reply}"),
            _ => Ok(()),
        }
    }
}

/// UTC; the date is not needed, asks are forgotten after a quarter of an hour.
fn clock_time(at: Millis) -> String {
    let seconds = at.seconds();
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{hour:02}:{minute:02}:{second:02}Z")
}

fn meaning(reason: &str) -> &'static str {
    match reason {
        "bounced" => {
            ": the relay said that the mailbox does not exist; nothing is sent there for 7 days, \
             or until `rekey mail unsuppress`"
        }
        "channel_not_served" => ": nothing is set up to send on this channel",
        "cool_down" => ": messages went to this account a moment ago",
        "disabled" => ": the account is disabled",
        "dropped" => ": an operator dropped its mail",
        "frozen" => ": too many wrong codes today, and there is no link to send instead",
        "merged" => ": another ask or message for this address was waiting already",
        "no_account" => ": no account has this address",
        "resends" => {
            ": the same link or code was sent often enough; a new one comes when half of its life is over"
        }
        "site_unknown" => {
            ": the sidecar that worked on it has no such site; write its [sites.NAME] into every configuration"
        }
        "unreadable" => {
            ": its row, or what the directory answers for this address, cannot be read; the log of the sidecar tells more"
        }
        "revoked" => ": its proof was used or revoked before it was sent",
        "late" => ": its proof would have ended before it arrived",
        _ => "",
    }
}
