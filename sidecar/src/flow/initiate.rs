//! Initiate: limits, one row, the answer. Invariant: nobody is looked up here, so that neither the answer nor its time
//! can tell who has an account.

use std::time::Duration;

use contract::address::Address;
use contract::outcome::{Outcome, Refusal};
use contract::profile::Rules;

use super::dispatch::STALE;
use super::{Asking, BUSY, FlowError};
use crate::engine::Engine;
use crate::store::{Asked, NewAsk};

pub(crate) async fn initiate(
    engine: &Engine,
    asking: &Asking<'_>,
    to: Address,
) -> Result<Outcome, FlowError> {
    let Some(rules) = asking.profile.rules(to.channel()) else {
        return Ok(Outcome::Refused(Refusal::Malformed));
    };
    crate::crash::linger(to.as_str());
    let ask = new_ask(engine, asking, rules, to);
    Ok(match engine.store.take_ask(ask).await? {
        Asked::Taken => {
            crate::crash::point("initiate.taken");
            engine.wake.asks.notify_one();
            Outcome::Accepted
        }
        Asked::Throttled(span) => {
            Outcome::Refused(Refusal::Throttled { retry_after: seconds(span) })
        }
        Asked::Forged => Outcome::Refused(Refusal::Unsigned),
        Asked::Full => Outcome::Refused(BUSY),
    })
}

fn new_ask(engine: &Engine, asking: &Asking<'_>, rules: &Rules, address: Address) -> NewAsk {
    let places = asking.places(engine);
    let address_key = asking.address_key(engine, &address);
    let lives = [rules.code.map(|code| code.life), rules.link.map(|link| link.life)];
    let life = lives.into_iter().flatten().next().unwrap_or(0);
    let longest = lives.into_iter().flatten().max().unwrap_or(0);
    let limits = &engine.config.limits;
    NewAsk {
        message: asking.key,
        at: asking.at,
        address,
        address_key,
        sender: engine.secrets.sender(asking.context.sender),
        place: places.here,
        place_owned: places.owned,
        issuer: asking.issuer(),
        language: asking.context.language,
        request: asking.context.request.clone(),
        scope: asking.scope(engine, rules, address_key, places.here),
        tries: rules.code.map_or(1, |code| code.tries),
        code_life: Duration::from_secs(life.into()),
        // The ask waits for the worker, its mail for the relay, a second mail likewise, and then the code lives.
        pot_life: STALE.saturating_add(Duration::from_secs(longest.into()).saturating_mul(3)),
        daily_wrong_codes: limits.daily_wrong_codes,
        cool_down: limits.cool_down,
        backlog: limits.backlog,
    }
}

/// Whole seconds, rounded up, at least one.
fn seconds(span: Duration) -> u32 {
    u32::try_from(span.as_millis().div_ceil(1000)).unwrap_or(u32::MAX).max(1)
}
