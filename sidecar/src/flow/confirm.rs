//! Confirm: judge, hold, look at the account, judge the password, hash, write it where the accounts live elsewhere, and
//! finish in one transaction.
//! Invariant: no slow work without the hold, no directory before a right proof, and a proof that is not finished is either
//! given back or dead, never both spent and unwritten.

use std::time::Duration;

use contract::message::{Encryption, Proof};
use contract::name::Name;
use contract::outcome::{Outcome, Refusal};
use contract::policy::Breach;
use contract::profile::ProofKind;
use contract::secret::Password;
use subtle::ConstantTimeEq;
use tokio::time::{Instant, sleep};

use super::elsewhere::{self, Held as Own, Stands};
use super::password::{self, Given, Made};
use super::proof::{Judged, judge};
use super::words::{End, INVALID, Words};
use super::{Asking, BUSY, FlowError, outcome, throttled};
use crate::clock::Millis;
use crate::directory::{Account, NewPassword, Status, Writing};
use crate::engine::Engine;
use crate::store::{Challenge, Ending, Finished, Held, Hold, Kept, Release, Unfit};

/// How long a hold outlasts the hasher's deadline before another message may take it over.
const HOLD: Duration = Duration::from_secs(30);

/// How long a repeat waits for the first run of its message, so that one message is one hash. Then it takes its place.
const TWIN: Duration = Duration::from_millis(1500);

/// How often it looks meanwhile.
const LOOK: Duration = Duration::from_millis(25);

/// Passwords that could not be decrypted, after which the proof is dead: nobody learns a key by asking.
const UNDECRYPTABLE: u32 = 3;

pub(crate) async fn confirm(
    engine: &Engine,
    asking: &Asking<'_>,
    proof: &Proof,
    password: &Password,
    encryption: Encryption,
) -> Result<Outcome, FlowError> {
    let proved = match judge(engine, asking, proof).await? {
        Judged::Right(proved) => proved,
        Judged::Wrong => return conclude(engine, asking, INVALID).await,
        Judged::Repeat(kept) => return Ok(outcome(engine, asking, kept)),
        Judged::Forged => return Ok(Outcome::Refused(Refusal::Unsigned)),
        Judged::Throttled(wait) => return Ok(Outcome::Refused(throttled(wait))),
    };
    let Some(master) = Name::parse(&proved.master) else {
        return conclude(engine, asking, INVALID).await;
    };
    let run = engine.entropy.bytes()?;
    crate::crash::point("confirm.counted");
    let hold = Hold {
        message: asking.key.id,
        run,
        target: proved.target,
        issuer: asking.issuer(),
        master,
        at: asking.at,
        until: asking.at.plus(engine.config.password.deadline.saturating_add(HOLD)),
        retake: asking.at,
    };
    let taken = match take(engine, hold).await {
        Ok(taken) => taken,
        Err(error) => {
            // It may be ours all the same; the next try shall not wait for its end.
            drop(engine.store.release(asking.key.id, Release::Busy { run }).await);
            return Err(error);
        }
    };
    let challenge = match taken {
        Taken::Ours(challenge) => challenge,
        Taken::Known(kept) => return Ok(outcome(engine, asking, kept)),
        Taken::Refused => return conclude(engine, asking, INVALID).await,
        Taken::Busy => return Ok(Outcome::Refused(BUSY)),
    };
    let given = Given { password, encryption };
    crate::crash::point("confirm.held");
    let own = Own { message: asking.key.id, run, challenge: &challenge };
    let done = under_hold(engine, asking, own, proved.kind, given).await;
    if done.is_err()
        && let Some(first) = engine.store.release(asking.key.id, Release::Busy { run }).await?
    {
        return Ok(outcome(engine, asking, first));
    }
    done
}

/// What became of the wish to hold a challenge.
enum Taken {
    Ours(Box<Challenge>),
    /// The first run of the message came to an end meanwhile.
    Known(Kept),
    Refused,
    /// A password is being written by it, or it is not known yet whether it was.
    Busy,
}

async fn take(engine: &Engine, mut hold: Hold) -> Result<Taken, FlowError> {
    let begun = Instant::now();
    loop {
        match engine.store.hold(hold.clone()).await? {
            Held::Ours(challenge) => return Ok(Taken::Ours(challenge)),
            Held::Refused => return Ok(Taken::Refused),
            Held::Announced => return Ok(Taken::Busy),
            // What was announced is not taken over.
            Held::InHand if begun.elapsed() >= TWIN => return Ok(Taken::Busy),
            Held::InHand => {}
        }
        while begun.elapsed() < TWIN {
            sleep(LOOK).await;
            if let Some(kept) = engine.store.outcome(hold.message).await? {
                return Ok(Taken::Known(kept));
            }
        }
        hold.retake = Millis(i64::MAX);
    }
}

async fn conclude(engine: &Engine, asking: &Asking<'_>, kept: Kept) -> Result<Outcome, FlowError> {
    let kept = engine.store.conclude(asking.key.id, kept).await?;
    Ok(outcome(engine, asking, kept))
}

/// An error gives the hold back, or leaves what was announced to be settled; everything else has ended it.
async fn under_hold(
    engine: &Engine,
    asking: &Asking<'_>,
    own: Own<'_>,
    proved: ProofKind,
    given: Given<'_>,
) -> Result<Outcome, FlowError> {
    let challenge = own.challenge;
    let rules = asking.profile.rules(challenge.channel);
    let accepted = rules.is_some_and(|rules| rules.accepts.contains(&proved));
    let account = engine.directory.get(&challenge.account).await?;
    let Some(account) =
        account.filter(|account| accepted && is_unchanged(engine, challenge, account))
    else {
        return revoke(engine, asking, challenge).await;
    };
    let (hash, password) = match password::make(engine, asking, &account, given).await? {
        Made::Good { hash, password } => (hash, password),
        Made::Unfit(why, refusal) => return unfit(engine, asking, why, refusal).await,
    };
    crate::crash::point("confirm.hashed");
    let words = Words::of(asking, proved);
    let end = match engine.directory.writing(&account, &hash) {
        Writing::InFinish(write) => {
            let former = account.password_hash.clone();
            End { ending: Ending::Write(write), former }
        }
        Writing::Elsewhere => {
            let new = NewPassword { hash: &hash, password: &password };
            match elsewhere::write(engine, own, &account, new, &words).await? {
                Stands::There => {}
                Stands::Changed => return revoke(engine, asking, challenge).await,
                Stands::Refused => {
                    return unfit(engine, asking, Unfit::Policy, refused()).await;
                }
            }
            // The former hash was kept when it was announced.
            let former = account.password_hash.is_none().then_some(hash);
            End { ending: Ending::Written, former }
        }
    };
    finish(engine, asking, own, &words, &account, end).await
}

/// What a directory refuses by its own rules it does not explain: another password is wanted, harder to guess.
fn refused() -> Refusal {
    Refusal::Policy(vec![Breach::Guessable(None)])
}

/// The proof lives on for a better password, but not for ever.
async fn unfit(
    engine: &Engine,
    asking: &Asking<'_>,
    why: Unfit,
    refusal: Refusal,
) -> Result<Outcome, FlowError> {
    let most = match why {
        Unfit::Policy => engine.config.limits.policy_failures,
        Unfit::Undecryptable => UNDECRYPTABLE,
    };
    let kept = Kept::Refused(refusal);
    let release = Release::Unfit { why, kept: kept.clone(), at: asking.at, most };
    let stands = engine.store.release(asking.key.id, release).await?;
    Ok(outcome(engine, asking, stands.unwrap_or(kept)))
}

/// Whether the account still is what it was when the challenge was made for it, and may still be reset.
fn is_unchanged(engine: &Engine, challenge: &Challenge, account: &Account) -> bool {
    let stored = account.stored(&challenge.address);
    let address = stored.as_ref().map_or("", |address| address.as_str());
    let (masters, status) = (engine.secrets.masters(), account.status.as_str());
    let Some(master) = masters.of(&challenge.master) else {
        return false;
    };
    let now = master.fingerprint(&account.id, &account.revision.0, address, status);
    account.status == Status::Active && bool::from(now.ct_eq(&challenge.fingerprint))
}

async fn revoke(
    engine: &Engine,
    asking: &Asking<'_>,
    challenge: &Challenge,
) -> Result<Outcome, FlowError> {
    let audit = asking.audit(engine, "confirm", &challenge.account, challenge.address_key);
    let release = Release::Revoked { kept: INVALID, audit };
    let stands = engine.store.release(asking.key.id, release).await?;
    Ok(outcome(engine, asking, stands.unwrap_or(INVALID)))
}

async fn finish(
    engine: &Engine,
    asking: &Asking<'_>,
    own: Own<'_>,
    words: &Words,
    account: &Account,
    end: End,
) -> Result<Outcome, FlowError> {
    let finish = words.finish(engine, asking.at, own.message, own.challenge, Some(account), end)?;
    let kept = finish.kept.clone();
    let finished = engine.store.finish(finish).await?;
    crate::crash::point("confirm.finished");
    let kept = match finished {
        Finished::Done => {
            engine.wake.after_reset();
            tracing::info!(
                event = "reset_done",
                request = asking.context.request.as_str(),
                account = %engine.secrets.account_in_log(&account.id),
            );
            kept
        }
        Finished::Repeat(first) => first,
        Finished::Changed => INVALID,
        Finished::Gone => return conclude(engine, asking, INVALID).await,
        Finished::Lost => return Ok(Outcome::Refused(BUSY)),
    };
    Ok(outcome(engine, asking, kept))
}
