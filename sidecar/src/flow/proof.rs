//! Proofs, judged from the store alone. Invariant: a guess is counted before it is compared, everything that may be right
//! is compared in constant time, and a dummy is where nothing may. A sender has a bounded number of proofs, and the
//! installation of wrong codes.

use std::sync::atomic::Ordering;
use std::time::Duration;

use contract::address::{Address, Channel};
use contract::message::{Operation, Proof};
use contract::outcome::Refusal;
use contract::profile::{ProofKind, Rules};
use contract::secret::{Code, Token};
use subtle::{Choice, ConditionallySelectable};

use super::{Asking, FlowError};
use crate::engine::Engine;
use crate::limits::weight;
use crate::secret::{ChallengeId, Master, Masters, Place};
use crate::store::{Attempt, Candidate, EventKind, Guess, Judge, Kept, Opened, Target};

/// What a judgement costs at least, in comparisons; seldom more live.
const COMPARED: usize = 2;

/// What is known after the judgement.
#[derive(Debug)]
pub(crate) enum Judged {
    Right(Proved),
    Wrong,
    Repeat(Kept),
    Forged,
    /// The sender has to wait.
    Throttled(Duration),
}

/// A right proof.
#[derive(Clone, Debug)]
pub(crate) struct Proved {
    pub(crate) target: Target,
    pub(crate) kind: ProofKind,
    /// Whose proof it is; a challenge of another master is another one.
    pub(crate) master: String,
}

/// Judges what confirm presents.
pub(crate) async fn judge(
    engine: &Engine,
    asking: &Asking<'_>,
    proof: &Proof,
) -> Result<Judged, FlowError> {
    if let Some(wait) = refused(engine, asking) {
        return Ok(Judged::Throttled(wait));
    }
    match proof {
        Proof::Token { token } => judge_token(engine, asking, token).await,
        Proof::TokenAndCode { to, token, code } => {
            judge_both(engine, asking, to, token, code).await
        }
        Proof::Code { to, code } => {
            let guess = allowed(asking, to.channel(), ProofKind::Code)
                .map(|rules| at_address(engine, asking, to, rules));
            let found = compare(engine, asking, Operation::Confirm, guess, code).await?;
            Ok(found.into_judged(Target::Code, ProofKind::Code))
        }
        Proof::Placed { channel, code } => {
            let guess = allowed(asking, *channel, ProofKind::Placed)
                .map(|rules| in_places(engine, asking, rules));
            let found = compare(engine, asking, Operation::Confirm, guess, code).await?;
            Ok(found.into_judged(Target::Code, ProofKind::Placed))
        }
    }
}

/// Judges the code that verify presents.
pub(crate) async fn judge_code(
    engine: &Engine,
    asking: &Asking<'_>,
    to: &Address,
    code: &Code,
) -> Result<Compared, FlowError> {
    if let Some(wait) = refused(engine, asking) {
        return Ok(Compared::Throttled(wait));
    }
    let guess = allowed(asking, to.channel(), ProofKind::Grant)
        .map(|rules| at_address(engine, asking, to, rules));
    compare(engine, asking, Operation::Verify, guess, code).await
}

/// A token cannot be guessed, so it is not counted.
async fn judge_token(
    engine: &Engine,
    asking: &Asking<'_>,
    token: &Token,
) -> Result<Judged, FlowError> {
    let masters = engine.secrets.masters();
    let (link, grant) = (masters.read_link(token), masters.read_grant(token));
    let link = link.filter(|_| accepts(asking, ProofKind::Link));
    let grant = grant.filter(|_| accepts(asking, ProofKind::Grant));
    let proved = |target, kind, master: &Master| {
        Some(Proved { target, kind, master: master.id().as_str().to_owned() })
    };
    let proved = match (link, grant) {
        (Some((master, link)), _) => proved(Target::Link(link), ProofKind::Link, master),
        (None, Some((master, grant))) => proved(Target::Grant(grant), ProofKind::Grant, master),
        (None, None) => None,
    };
    let may_be_right = proved.is_some();
    let judge = Judge(Box::new(move |_| may_be_right));
    Ok(match open(engine, asking, Operation::Confirm, None, judge).await? {
        Opened::Fresh(_) => proved.map_or(Judged::Wrong, Judged::Right),
        Opened::Wrong(_) => Judged::Repeat(Kept::Refused(Refusal::ProofInvalid)),
        Opened::Repeat(kept) => Judged::Repeat(kept),
        Opened::Forged => Judged::Forged,
        Opened::Spent(spent) => Judged::Throttled(spent.wait),
    })
}

/// Only who has the link can guess its code, so that a stranger's guesses cost its owner nothing.
async fn judge_both(
    engine: &Engine,
    asking: &Asking<'_>,
    to: &Address,
    token: &Token,
    code: &Code,
) -> Result<Judged, FlowError> {
    let link = engine.secrets.masters().read_link(token).map(|(_, link)| link);
    let rules = link.and_then(|_| allowed(asking, to.channel(), ProofKind::LinkAndCode));
    let guess = rules.map(|rules| Guess { linked: link, ..at_address(engine, asking, to, rules) });
    let compared = compare(engine, asking, Operation::Confirm, guess, code).await?;
    Ok(compared.into_judged(Target::LinkAndCode, ProofKind::LinkAndCode))
}

/// What a comparison found.
#[derive(Debug)]
pub(crate) enum Compared {
    Right(Box<Candidate>),
    Wrong,
    Repeat(Kept),
    Forged,
    /// The sender has to wait.
    Throttled(Duration),
}

impl Compared {
    fn into_judged(self, target: fn(ChallengeId) -> Target, kind: ProofKind) -> Judged {
        match self {
            Self::Right(challenge) => {
                let (target, master) = (target(challenge.id), challenge.master);
                Judged::Right(Proved { target, kind, master })
            }
            Self::Wrong => Judged::Wrong,
            Self::Repeat(kept) => Judged::Repeat(kept),
            Self::Forged => Judged::Forged,
            Self::Throttled(wait) => Judged::Throttled(wait),
        }
    }
}

async fn compare(
    engine: &Engine,
    asking: &Asking<'_>,
    operation: Operation,
    mut guess: Option<Guess>,
    code: &Code,
) -> Result<Compared, FlowError> {
    let mut paid = 0;
    if let Some(guess) = &mut guess {
        paid = pay(engine, asking, guess).await?;
        guess.closed = paid == 0 && guess.linked.is_none();
    }
    let judge = judge_within(engine, code, paid);
    let found = match open(engine, asking, operation, guess, judge).await? {
        Opened::Fresh(found) => found,
        Opened::Wrong(compared) => {
            note(engine, compared);
            return Ok(Compared::Repeat(Kept::Refused(Refusal::ProofInvalid)));
        }
        other => {
            engine.limits.give_codes_back(&engine.secrets, paid, asking.at);
            return Ok(match other {
                Opened::Repeat(kept) => Compared::Repeat(kept),
                Opened::Spent(spent) => Compared::Throttled(spent.wait),
                Opened::Forged | Opened::Fresh(_) | Opened::Wrong(_) => Compared::Forged,
            });
        }
    };
    let found = afford(engine, asking, found, &mut paid).await?;
    note(engine, found.len());
    let right = pick(&engine.secrets.masters(), &found, code);
    if right.is_some() {
        engine.limits.give_codes_back(&engine.secrets, paid, asking.at);
    }
    let right = right.and_then(|right| found.into_iter().nth(right));
    Ok(right.map_or(Compared::Wrong, |right| Compared::Right(Box::new(right))))
}

/// Counts what was compared.
fn note(engine: &Engine, codes: usize) {
    engine.compared.fetch_add(codes as u64, Ordering::Relaxed);
}

/// Compares in the transaction that counts the guess, so that a wrong one is one transaction. What costs more than was
/// paid is left to be paid for first.
fn judge_within(engine: &Engine, code: &Code, paid: u32) -> Judge {
    let (masters, code) = (engine.secrets.masters(), code.clone());
    Judge(Box::new(move |found| {
        if paid > 0 && price(found) > paid {
            return true;
        }
        pick(&masters, found, &code).is_some()
    }))
}

/// What a comparison with all of them takes of the installation's wrong codes.
fn price(found: &[Candidate]) -> u32 {
    found.iter().map(|one| weight(one.code_digits)).sum()
}

/// Takes a guess from the installation's wrong codes; 0 when there are not enough left. With its link a code can be
/// guessed by nobody but who has that, so it costs the others nothing.
async fn pay(engine: &Engine, asking: &Asking<'_>, guess: &Guess) -> Result<u32, FlowError> {
    let code = asking.profile.rules(guess.channel).and_then(|rules| rules.code);
    let codes = code.filter(|_| guess.linked.is_none()).map_or(0, |code| weight(code.digits));
    if codes == 0 || engine.limits.is_taken(asking.key.id, asking.at) {
        return Ok(0);
    }
    let taken = engine.limits.take_codes(&engine.store, &engine.secrets, codes, asking.at).await?;
    Ok(if taken { codes } else { 0 })
}

/// Several codes that live at a time multiply the chance of a guess, so each of them is paid for, or not compared.
async fn afford(
    engine: &Engine,
    asking: &Asking<'_>,
    mut found: Vec<Candidate>,
    paid: &mut u32,
) -> Result<Vec<Candidate>, FlowError> {
    if *paid == 0 {
        return Ok(found);
    }
    let more = price(&found).saturating_sub(*paid);
    if more == 0 {
        return Ok(found);
    }
    if engine.limits.take_codes(&engine.store, &engine.secrets, more, asking.at).await? {
        *paid = paid.saturating_add(more);
    }
    while price(&found) > *paid {
        found.pop();
    }
    Ok(found)
}

async fn open(
    engine: &Engine,
    asking: &Asking<'_>,
    operation: Operation,
    guess: Option<Guess>,
    judge: Judge,
) -> Result<Opened, FlowError> {
    let (message, at) = (asking.key, asking.at);
    let budgets = engine.limits.of_attempt(&engine.secrets, asking.context.sender);
    let attempt = Attempt { message, operation, at, guess, budgets, judge };
    let opened = engine.store.open_attempt(attempt).await?;
    match opened {
        Opened::Spent(spent) => {
            engine.limits.refuse(spent, at);
            note_refusal(engine, asking);
        }
        Opened::Fresh(_) | Opened::Wrong(_) => engine.limits.taken(message.id, at),
        Opened::Repeat(_) | Opened::Forged => {}
    }
    Ok(opened)
}

/// How long the sender has to wait still, when it was refused a moment ago.
fn refused(engine: &Engine, asking: &Asking<'_>) -> Option<Duration> {
    if engine.limits.is_taken(asking.key.id, asking.at) {
        return None;
    }
    let budgets = engine.limits.of_attempt(&engine.secrets, asking.context.sender);
    let keys = budgets.into_iter().map(|take| take.key);
    let spent = engine.limits.remembered(keys, asking.at)?;
    note_refusal(engine, asking);
    Some(spent.wait)
}

/// For who wants to hear of it.
fn note_refusal(engine: &Engine, asking: &Asking<'_>) {
    if engine.receivers.wants(EventKind::Exceeded) {
        engine.limits.refusals.note("attempts", asking.context.sender);
    }
}

/// The place of the challenge whose code was typed. All are compared, and dummies where there are few.
fn pick(masters: &Masters, found: &[Candidate], code: &Code) -> Option<usize> {
    let mut right = u64::MAX;
    for (place, challenge) in (0_u64..).zip(found) {
        let maker = masters.of(&challenge.master);
        let ours = Choice::from(u8::from(maker.is_some() && challenge.code_digits > 0));
        let maker = maker.unwrap_or(masters.active());
        let same = maker.is_code(code, challenge.id, challenge.counter, challenge.code_digits);
        right.conditional_assign(&place, same & ours);
    }
    for dummy in found.len()..COMPARED {
        let id = ChallengeId([u8::try_from(dummy).unwrap_or(0); 16]);
        std::hint::black_box(masters.active().is_code(code, id, 0, 6));
    }
    usize::try_from(right).ok().filter(|right| *right < found.len())
}

/// Whether a proof of this kind is accepted on any channel; on which, is judged when the challenge is known.
fn accepts(asking: &Asking<'_>, kind: ProofKind) -> bool {
    asking.profile.channels.iter().any(|rules| rules.accepts.contains(&kind))
}

fn allowed<'a>(asking: &'a Asking<'_>, channel: Channel, kind: ProofKind) -> Option<&'a Rules> {
    asking.profile.rules(channel).filter(|rules| rules.accepts.contains(&kind))
}

fn at_address(engine: &Engine, asking: &Asking<'_>, to: &Address, rules: &Rules) -> Guess {
    let places = asking.places(engine);
    let address = asking.address_key(engine, to);
    let scope = asking.scope(engine, rules, address, places.here);
    Guess { address: Some(address), ..guess(engine, asking, rules, vec![scope], places.all) }
}

fn in_places(engine: &Engine, asking: &Asking<'_>, rules: &Rules) -> Guess {
    let places = asking.places(engine).all;
    let scopes = places.iter().map(|place| place.0).collect();
    guess(engine, asking, rules, scopes, places)
}

fn guess(
    engine: &Engine,
    asking: &Asking<'_>,
    rules: &Rules,
    scopes: Vec<[u8; 16]>,
    places: Vec<Place>,
) -> Guess {
    Guess {
        channel: rules.channel,
        scopes,
        address: None,
        places,
        linked: None,
        tries: rules.code.map_or(0, |code| code.tries),
        daily: engine.config.limits.daily_wrong_codes,
        tells_used_up: engine.receivers.wants(EventKind::Frozen),
        issuer: asking.issuer(),
        closed: false,
    }
}
