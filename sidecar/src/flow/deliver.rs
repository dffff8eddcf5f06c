//! The worker that sends: due mails are leased, written, handed to the courier, and ended or put off.
//! Invariant: a mail is ended only after the relay took or refused it, so it is sent twice at most under one Message-ID.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::{FlowError, letter, side_by_side, wait};
use crate::clock::Millis;
use crate::delivery::Delivery;
use crate::engine::Engine;
use crate::store::{Leased, MailEnd, MailKind};

/// Mails that are in the courier's hands at a time.
const BATCH: u32 = 8;

/// Longer than any attempt: connect, greet, and hand over, each with its own time-out.
const LEASE: Duration = Duration::from_secs(120);

const IDLE: Duration = Duration::from_secs(5);

/// After a fault of the store.
const REST: Duration = Duration::from_secs(1);

/// The wait after the first failure; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// How long we try to say that a password was changed.
const NOTICE_LIFE: Duration = Duration::from_secs(24 * 3600);

pub(crate) async fn run(engine: &Arc<Engine>, mut stop: watch::Receiver<bool>) {
    loop {
        let span = match once(engine).await {
            Ok(0) => until_due(engine).await,
            Ok(_) => Duration::ZERO,
            Err(error) => {
                tracing::error!(event = "deliver_failed", kind = %error);
                REST
            }
        };
        if *stop.borrow() || (!span.is_zero() && !wait(&engine.wake.mails, span, &mut stop).await) {
            return;
        }
    }
}

async fn until_due(engine: &Engine) -> Duration {
    let next = engine.store.next_mail().await.ok().flatten();
    next.map_or(IDLE, |next| engine.clock.now().until(next).clamp(Duration::from_millis(10), IDLE))
}

/// Sends what is due now; how many there were.
pub(crate) async fn once(engine: &Arc<Engine>) -> Result<usize, FlowError> {
    let now = engine.clock.now();
    let leased = engine.store.lease_mails(now, now.plus(LEASE), BATCH).await?;
    if !leased.is_empty() {
        crate::crash::point("deliver.leased");
    }
    // One that panicked is due again when its lease ends.
    let deliveries = leased.into_iter().map(|mail| {
        let engine = Arc::clone(engine);
        async move { deliver(&engine, &mail).await }
    });
    side_by_side(deliveries).await
}

async fn deliver(engine: &Engine, mail: &Leased) -> Result<(), FlowError> {
    let end = attempt(engine, mail).await?;
    crate::crash::point("deliver.relayed");
    let (id, address) = (contract::signature::hex(&mail.id), mail.address.masked());
    let (kind, attempts) = (mail.kind.as_str(), mail.attempts);
    match &end {
        MailEnd::Sent => tracing::info!(event = "mail_sent", id, kind, address, attempts),
        MailEnd::Later { reply, .. } => {
            tracing::warn!(event = "mail_put_off", id, kind, address, attempts, reply)
        }
        MailEnd::Dead { reply } => {
            tracing::error!(event = "mail_dead", id, kind, address, attempts, reply)
        }
    }
    engine.store.end_mail(mail.id, engine.clock.now(), end).await?;
    Ok(())
}

async fn attempt(engine: &Engine, mail: &Leased) -> Result<MailEnd, FlowError> {
    let now = engine.clock.now();
    let Ok(account) = engine.directory.get(&mail.account).await else {
        return put_off(engine, mail, "directory");
    };
    let Some(account) = account else {
        return Ok(MailEnd::Dead { reply: "no_account".into() });
    };
    let letter = match letter::write(engine, mail, account.display_name, now) {
        Ok(letter) => letter,
        Err(reason) => return Ok(MailEnd::Dead { reply: reason.into() }),
    };
    match engine.courier.send(&letter, now).await {
        Delivery::Sent => Ok(MailEnd::Sent),
        Delivery::Later(reason) => put_off(engine, mail, &reason.to_string()),
        Delivery::Dead(reason) => Ok(MailEnd::Dead { reply: reason.to_string() }),
    }
}

fn put_off(engine: &Engine, mail: &Leased, reply: &str) -> Result<MailEnd, FlowError> {
    let next = engine.clock.now().plus(pause(mail.attempts, engine.entropy.number()?));
    let reply = reply.to_owned();
    Ok(if next > last_moment(mail) {
        MailEnd::Dead { reply }
    } else {
        MailEnd::Later { next, reply }
    })
}

/// When a mail is of no use any more: once its proof was sent, when that ends; until then, one life after the ask.
fn last_moment(mail: &Leased) -> Millis {
    match (mail.kind, &mail.challenge) {
        (MailKind::Reset, Some(challenge)) => {
            let end = challenge.link_until.max(challenge.code_until).unwrap_or(mail.at);
            // Before the first success every attempt begins the life anew, with its lease.
            if challenge.relayed { end } else { mail.at.plus(mail.leased.until(end)) }
        }
        (MailKind::Reset, None) => mail.at,
        (MailKind::Changed, _) => mail.at.plus(NOTICE_LIFE),
    }
}

/// Doubles with each attempt; up to a quarter is added by chance, so that what failed together does not come together.
fn pause(attempts: u32, chance: u32) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1 << attempts.saturating_sub(1).min(12));
    let wait = doubled.min(LONGEST_WAIT);
    let jitter = f64::from(chance) / f64::from(u32::MAX) / 4.0;
    wait.saturating_add(wait.mul_f64(jitter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_stay_within_bounds() {
        let table = [(1, 5), (2, 10), (3, 20), (8, 600), (4_000_000, 600)];
        for (attempts, least) in table {
            let least = Duration::from_secs(least);
            assert_eq!(pause(attempts, 0), least);
            assert_eq!(pause(attempts, u32::MAX), least + least / 4);
        }
    }
}
