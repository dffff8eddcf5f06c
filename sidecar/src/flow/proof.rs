//! Proofs, judged from the store alone. Invariant: a guess is counted before it is compared, everything that may be right
//! is compared in constant time, and a dummy is where nothing may.

use std::sync::atomic::Ordering;

use contract::address::{Address, Channel};
use contract::message::{Operation, Proof};
use contract::profile::{ProofKind, Rules};
use contract::secret::{Code, Token};
use subtle::{Choice, ConditionallySelectable};

use super::{Asking, FlowError};
use crate::engine::Engine;
use crate::secret::{ChallengeId, Master, Masters, Place};
use crate::store::{Attempt, Challenge, Guess, Kept, Opened, Target};

/// What a judgement costs at least, in comparisons; seldom more live.
const COMPARED: usize = 2;

/// What is known after the judgement.
#[derive(Debug)]
pub(crate) enum Judged {
    Right(Proved),
    Wrong,
    Repeat(Kept),
    Forged,
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
    Ok(match open(engine, asking, Operation::Confirm, None).await? {
        Opened::Fresh(_) => proved.map_or(Judged::Wrong, Judged::Right),
        Opened::Repeat(kept) => Judged::Repeat(kept),
        Opened::Forged => Judged::Forged,
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
    Right(Box<Challenge>),
    Wrong,
    Repeat(Kept),
    Forged,
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
        }
    }
}

async fn compare(
    engine: &Engine,
    asking: &Asking<'_>,
    operation: Operation,
    guess: Option<Guess>,
    code: &Code,
) -> Result<Compared, FlowError> {
    Ok(match open(engine, asking, operation, guess).await? {
        Opened::Fresh(found) => {
            engine.compared.fetch_add(found.len() as u64, Ordering::Relaxed);
            pick(&engine.secrets.masters(), found, code)
                .map_or(Compared::Wrong, |right| Compared::Right(Box::new(right)))
        }
        Opened::Repeat(kept) => Compared::Repeat(kept),
        Opened::Forged => Compared::Forged,
    })
}

async fn open(
    engine: &Engine,
    asking: &Asking<'_>,
    operation: Operation,
    guess: Option<Guess>,
) -> Result<Opened, FlowError> {
    let attempt = Attempt { message: asking.key, operation, at: asking.at, guess };
    Ok(engine.store.open_attempt(attempt).await?)
}

/// The challenge whose code was typed. All are compared, and dummies where there are few.
fn pick(masters: &Masters, found: Vec<Challenge>, code: &Code) -> Option<Challenge> {
    let mut right = u64::MAX;
    for (place, challenge) in (0_u64..).zip(&found) {
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
    usize::try_from(right).ok().and_then(|right| found.into_iter().nth(right))
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
        issuer: asking.issuer(),
    }
}
