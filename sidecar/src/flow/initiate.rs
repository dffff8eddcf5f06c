//! Initiate: limits, one row, the answer. Invariant: nobody is looked up here, so that neither the answer nor its time
//! can tell who has an account.

use std::time::Duration;

use contract::address::Address;
use contract::outcome::{Outcome, Refusal};
use contract::profile::Rules;

use super::dispatch::STALE;
use super::{Asking, FlowError, seconds, throttled};
use crate::engine::Engine;
use crate::limits::{BudgetKey, Counted, Spent, pair_key};
use crate::secret::{AddressKey, Place};
use crate::store::{Asked, EventKind, NewAsk, Suppression};

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
    let pair = pair_key(&engine.secrets, ask.address_key, ask.sender.0);
    let (client, at) = (asking.context.client.as_ref(), asking.at);
    // A repeat of what was taken is answered as it was.
    let is_new = !engine.limits.is_taken(asking.key.id, at);
    if is_new && let Some(refusal) = stop(engine, asking, &ask, pair).await? {
        return Ok(Outcome::Refused(refusal));
    }
    let by = (ask.address_key, ask.place_owned.then_some(ask.place));
    let asked = engine.store.take_ask(ask).await?;
    match asked {
        Asked::Taken => {
            engine.limits.taken(asking.key.id, at);
            engine.limits.backlog.add();
        }
        Asked::Merged => {
            engine.limits.taken(asking.key.id, at);
            engine.ends.ask("suppressed", Suppression::Merged.as_str());
        }
        _ if is_new => engine.limits.give_wide_back(&engine.secrets, client, at),
        _ => {}
    }
    Ok(answer(engine, asking, asked, (pair, by)))
}

/// What refuses an ask before the store hears of it; without a refusal its share of the wide limits is taken.
async fn stop(
    engine: &Engine,
    asking: &Asking<'_>,
    ask: &NewAsk,
    pair: BudgetKey,
) -> Result<Option<Refusal>, FlowError> {
    let (limits, client) = (&engine.limits, asking.context.client.as_ref());
    let keys = ask.budgets.iter().map(|take| take.key).chain([pair]);
    let by = (ask.address_key, ask.place_owned.then_some(ask.place));
    if let Some(spent) = limits.remembered(keys, ask.at) {
        note(engine, asking, by, spent.key);
        return Ok(Some(throttled(spent.wait)));
    }
    if let Some(retry_after) = limits.backlog.full(engine.config.limits.backlog) {
        return Ok(Some(Refusal::Busy { retry_after }));
    }
    let wide = limits.take_wide(&engine.store, &engine.secrets, client, ask.at);
    let Some(spent) = wide.await? else {
        return Ok(None);
    };
    note(engine, asking, by, spent.key);
    // What everybody shares is no single sender's fault.
    Ok(Some(Refusal::Busy { retry_after: seconds(spent.wait) }))
}

/// What an ask was counted by, besides its sender and its door.
type By = (AddressKey, Option<Place>);

/// A refusal, for who wants to hear of it.
fn note(engine: &Engine, asking: &Asking<'_>, (address, place): By, key: BudgetKey) {
    if !engine.receivers.wants(EventKind::Exceeded) {
        return;
    }
    let (sender, issuer) = (asking.context.sender, asking.issuer());
    let counted = Counted { sender, address, issuer: &issuer, place };
    engine.limits.refusals.note(engine.limits.name_of(&engine.secrets, &counted, key), sender);
}

fn answer(
    engine: &Engine,
    asking: &Asking<'_>,
    asked: Asked,
    (pair, by): (BudgetKey, By),
) -> Outcome {
    let spent = match asked {
        Asked::Taken | Asked::Merged => {
            crate::crash::point("initiate.taken");
            engine.wake.asks.notify_one();
            return Outcome::Accepted;
        }
        Asked::Forged => return Outcome::Refused(Refusal::Unsigned),
        Asked::Throttled(wait) => Spent { key: pair, wait },
        Asked::Spent(spent) => spent,
    };
    engine.limits.refuse(spent, asking.at);
    note(engine, asking, by, spent.key);
    Outcome::Refused(throttled(spent.wait))
}

fn new_ask(engine: &Engine, asking: &Asking<'_>, rules: &Rules, address: Address) -> NewAsk {
    let places = asking.places(engine);
    let address_key = asking.address_key(engine, &address);
    let lives = [rules.code.map(|code| code.life), rules.link.map(|link| link.life)];
    let life = lives.into_iter().flatten().next().unwrap_or(0);
    let longest = lives.into_iter().flatten().max().unwrap_or(0);
    let (limits, issuer) = (&engine.config.limits, asking.issuer());
    let counted = Counted {
        sender: asking.context.sender,
        address: address_key,
        issuer: &issuer,
        place: places.owned.then_some(places.here),
    };
    let (budgets, turn_by) = engine.limits.of_ask(&engine.secrets, &counted, asking.at);
    NewAsk {
        budgets,
        turn_by,
        message: asking.key,
        at: asking.at,
        address,
        address_key,
        sender: engine.secrets.sender(asking.context.sender),
        place: places.here,
        place_owned: places.owned,
        issuer,
        language: asking.context.language,
        request: asking.context.request.clone(),
        scope: asking.scope(engine, rules, address_key, places.here),
        tries: rules.code.map_or(1, |code| code.tries),
        code_life: Duration::from_secs(life.into()),
        // The ask waits for the worker, its mail for the relay, a second mail likewise, and then the code lives.
        pot_life: STALE.saturating_add(Duration::from_secs(longest.into()).saturating_mul(3)),
        daily_wrong_codes: limits.daily_wrong_codes,
        cool_down: limits.cool_down,
    }
}
