//! Verify: a right code becomes a grant. Invariant: the code is used up in the transaction that makes the grant.

use std::time::Duration;

use contract::address::Address;
use contract::outcome::{Outcome, Refusal};
use contract::secret::Code;

use super::proof::{Compared, judge_code};
use super::{Asking, FlowError, outcome, throttled};
use crate::engine::Engine;
use crate::store::{Candidate, Grant, Kept};

pub(crate) async fn verify(
    engine: &Engine,
    asking: &Asking<'_>,
    to: &Address,
    code: &Code,
) -> Result<Outcome, FlowError> {
    let judged = judge_code(engine, asking, to, code).await?;
    crate::crash::point("verify.counted");
    let granted = match judged {
        Compared::Right(challenge) => grant(engine, asking, &challenge).await?,
        Compared::Wrong => None,
        Compared::Repeat(kept) => Some(kept),
        Compared::Forged => return Ok(Outcome::Refused(Refusal::Unsigned)),
        Compared::Throttled(wait) => return Ok(Outcome::Refused(throttled(wait))),
    };
    let kept = match granted {
        Some(kept) => kept,
        None => {
            let refused = Kept::Refused(Refusal::ProofInvalid);
            engine.store.conclude(asking.key.id, refused).await?
        }
    };
    Ok(outcome(engine, asking, kept))
}

async fn grant(
    engine: &Engine,
    asking: &Asking<'_>,
    challenge: &Candidate,
) -> Result<Option<Kept>, FlowError> {
    let Some(life) = asking.profile.grant_life else {
        return Ok(None);
    };
    let masters = engine.secrets.masters();
    let Some(master) = masters.of(&challenge.master) else {
        return Ok(None);
    };
    let grant = Grant {
        id: master.grant_id(&engine.entropy)?,
        message: asking.key.id,
        challenge: challenge.id,
        at: asking.at,
        until: asking.at.plus(Duration::from_secs(life.into())),
        expires_in: life,
        audit: asking.audit(engine, "verify", &challenge.account, challenge.address_key),
    };
    let granted = engine.store.grant(grant).await?;
    crate::crash::point("verify.granted");
    Ok(granted)
}
