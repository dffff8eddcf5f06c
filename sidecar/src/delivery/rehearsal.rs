//! A relay tried up to the letter: connection, TLS, log-in, sender, recipient. Invariant: DATA is never said, so nothing is
//! sent.

use contract::address::Email;
use lettre::Address;
use lettre::transport::smtp::commands::{Mail, Rcpt, Rset};
use lettre::transport::smtp::response::Severity::PositiveCompletion as Done;

use super::relay::RelayPool;
use super::{CourierFault, Reason};
use crate::config::{MailConfig, Relay};

/// How far a relay went along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsed {
    pub opened: Result<(), Reason>,
    /// Each sender, and whether it is taken; empty where there is no connection.
    pub senders: Vec<(Address, Result<(), Reason>)>,
    /// Whether the recipient is taken, where there is one and a sender was.
    pub recipient: Option<Result<(), Reason>>,
}

/// Tries one relay.
pub async fn rehearse(
    relay: &Relay,
    mail: &MailConfig,
    senders: &[Address],
    to: Option<&Email>,
) -> Result<Rehearsed, CourierFault> {
    let pool = RelayPool::new(relay, mail)?;
    let to = to.and_then(|to| Address::new(to.local(), to.domain()).ok());
    let mut rehearsed = Rehearsed { opened: Ok(()), senders: Vec::new(), recipient: None };
    let mut connection = match pool.open().await {
        Ok(connection) => connection,
        Err(reason) => return Ok(Rehearsed { opened: Err(reason), ..rehearsed }),
    };
    for sender in senders {
        let from = Mail::new(Some(sender.clone()), Vec::new());
        let taken = pool.command(&mut connection, from, Done).await;
        if let (Ok(()), Some(to), None) = (&taken, &to, rehearsed.recipient) {
            let to = Rcpt::new(to.clone(), Vec::new());
            rehearsed.recipient = Some(pool.recipient(&mut connection, to).await);
        }
        rehearsed.senders.push((sender.clone(), taken));
        // A relay that refuses this one is told by what it answers to the next.
        let _refused = pool.command(&mut connection, Rset, Done).await;
    }
    pool.leave(connection).await;
    Ok(rehearsed)
}
