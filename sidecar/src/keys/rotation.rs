//! What may become of a key, judged from what the store knows. Invariant: nobody makes with a key that a living instance
//! could not judge by, and nothing that lives is forgotten unless it was said so.

use std::time::Duration;

use contract::name::Name;
use contract::signature::hex;
use thiserror::Error;

use super::{Held, KeyRow, KeyState, KeyStates, Kind};
use crate::clock::Millis;
use crate::jwt;

/// An instance that was seen this long ago lives.
pub const ALIVE: Duration = Duration::from_secs(15);

/// How long a key set may lie in a cache: a JWT key signs nothing before it was published for so long.
pub const PUBLISHED: Duration = Duration::from_secs(300);

/// How long a pepper must be retiring before it ends: an instance works with what it heard last for up to 15 s, or until a
/// beat that the store does not answer has run out of time, and then ends what it has in hand, some of it up to 30 s old.
/// What it hashes with a pepper that has ended nobody can check.
pub const SETTLED: Duration = Duration::from_secs(120);

/// An instance, as it tells of itself with every heartbeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// Drawn at its start.
    pub id: [u8; 16],
    pub seen: Millis,
    pub holds: Vec<Held>,
}

impl Instance {
    /// What people call it.
    pub fn name(&self) -> String {
        self.id.first_chunk::<4>().map(|start| hex(start)).unwrap_or_default()
    }

    pub fn is_alive(&self, now: Millis) -> bool {
        self.seen > now.minus(ALIVE)
    }

    fn held(&self, kind: Kind, id: &Name) -> Option<&Held> {
        self.holds.iter().find(|held| held.is_same_key(kind, id))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Activate,
    Retire,
    /// Nothing of it is believed any more.
    Finally,
}

/// What somebody wants to become of a key.
#[derive(Clone, Debug)]
pub struct Wish {
    pub kind: Kind,
    pub id: Name,
    pub step: Step,
    /// At once, whatever that breaks.
    pub now: bool,
    /// What the key files here hold.
    pub here: Vec<Held>,
    /// The configuration here wants a pepper in every new hash.
    pub peppered: bool,
}

impl Wish {
    /// Whether what lives of the key stands in the way.
    pub fn spares_what_lives(&self) -> bool {
        self.step == Step::Finally && !self.now
    }
}

/// What the store knows when it is asked.
#[derive(Clone, Debug)]
pub struct Facts {
    pub now: Millis,
    pub states: KeyStates,
    pub instances: Vec<Instance>,
    /// Challenges and grants that live and are the key's; hashes that a pepper keys.
    pub living: u32,
}

/// Why it must not become so; each says what to do.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refused {
    #[error("the index keys every row and is never exchanged; rotate master, edge and jwt keys")]
    Index,
    #[error("no such key is known; `rekey keys list` shows them, `rekey keys add` draws one")]
    Unknown,
    #[error("it is {} already", .0.as_str())]
    Already(KeyState),
    #[error("it is retired, and what is retired stays so; draw another: `rekey keys add`")]
    Retired,
    #[error(
        "instance {0} does not hold it yet: `rekey keys export --out FILE` where it is, `rekey keys import FILE` there; \
         files are read again within 5 seconds"
    )]
    Lacking(String),
    #[error(
        "instance {0} holds another key under this id: put the right line into its key file, or draw one with another id"
    )]
    Differs(String),
    #[error(
        "no key file here holds it, and no instance is running that does: `rekey keys import` it first"
    )]
    NotHere,
    #[error(
        "verifiers may not have seen it: it must be published for {} s more; `--now` signs with it at once, and tokens are \
         refused wherever the old key set is still cached", .0.as_secs().max(1)
    )]
    Unpublished(Duration),
    #[error("it is the active one: `rekey keys activate` another first")]
    Active,
    #[error(
        "new hashes need it, for password.pepper is true: `rekey keys activate pepper` another, which retires this one; or \
         set password.pepper = false, restart every instance, and then retire it"
    )]
    Needed,
    #[error(
        "{0} passwords, former ones among them, are hashed with it: each is hashed anew when it is reset, and a former one is \
         forgotten after some resets more; or end them with `--now`, so that nobody logs in with them again"
    )]
    Hashes(u32),
    #[error(
        "an instance may not have heard yet that it is retiring, and hash with it: try again in {} s; then it is also seen \
         whether hashes still need it", .0.as_secs().max(1)
    )]
    Unsettled(Duration),
    #[error("it is {}, not retiring: `rekey keys retire` it first, without --finally", .0.as_str())]
    NotRetiring(KeyState),
    #[error(
        "{0} links, codes or grants of it live: wait until they have ended (a day at most), or end them with `--now`"
    )]
    Living(u32),
    #[error(
        "tokens that it signed live for {} s more: wait, or have them refused with `--now`", .0.as_secs().max(1)
    )]
    Tokens(Duration),
}

/// The rows to be written.
pub fn judge(wish: &Wish, facts: &Facts) -> Result<Vec<KeyRow>, Refused> {
    if wish.kind == Kind::Index {
        return Err(Refused::Index);
    }
    let known = facts.states.of(wish.kind, &wish.id);
    let here = wish.here.iter().find(|held| held.is_same_key(wish.kind, &wish.id));
    let state = match (known, here) {
        (Some(row), _) => row.state,
        (None, Some(_)) => KeyState::Pending,
        (None, None) => return Err(Refused::Unknown),
    };
    if state == KeyState::Retired {
        return Err(Refused::Retired);
    }
    let row =
        |id: &Name, state| KeyRow { kind: wish.kind, id: id.clone(), state, since: facts.now };
    match wish.step {
        Step::Activate => {
            may_activate(wish, facts, state, here)?;
            let former = facts.states.0.iter().filter(|row| {
                row.kind == wish.kind && row.state == KeyState::Active && row.id != wish.id
            });
            let former = former.map(|former| row(&former.id, KeyState::Retiring));
            Ok(former.chain([row(&wish.id, KeyState::Active)]).collect())
        }
        Step::Retire => match state {
            KeyState::Active if wish.kind == Kind::Pepper && wish.peppered => Err(Refused::Needed),
            KeyState::Active if !wish.kind.is_optional() => Err(Refused::Active),
            KeyState::Active | KeyState::Pending => Ok(vec![row(&wish.id, KeyState::Retiring)]),
            state => Err(Refused::Already(state)),
        },
        Step::Finally => {
            may_end(wish, facts, state)?;
            Ok(vec![row(&wish.id, KeyState::Retired)])
        }
    }
}

fn may_activate(
    wish: &Wish,
    facts: &Facts,
    state: KeyState,
    here: Option<&Held>,
) -> Result<(), Refused> {
    if state == KeyState::Active {
        return Err(Refused::Already(state));
    }
    let alive: Vec<&Instance> =
        facts.instances.iter().filter(|instance| instance.is_alive(facts.now)).collect();
    let mut model = here;
    for instance in &alive {
        let Some(held) = instance.held(wish.kind, &wish.id) else {
            return Err(Refused::Lacking(instance.name()));
        };
        if model.is_some_and(|model| model.check != held.check) {
            return Err(Refused::Differs(instance.name()));
        }
        model = Some(held);
    }
    if model.is_none() {
        return Err(Refused::NotHere);
    }
    let since = facts.states.of(wish.kind, &wish.id).map_or(facts.now, |row| row.since);
    let left = facts.now.until(since.plus(PUBLISHED));
    let is_young = wish.kind == Kind::Jwt && state == KeyState::Pending && !left.is_zero();
    match is_young && !wish.now {
        true => Err(Refused::Unpublished(left)),
        false => Ok(()),
    }
}

fn may_end(wish: &Wish, facts: &Facts, state: KeyState) -> Result<(), Refused> {
    match state {
        KeyState::Active => return Err(Refused::Active),
        KeyState::Retiring => {}
        state => return Err(Refused::NotRetiring(state)),
    }
    if wish.now {
        return Ok(());
    }
    let since = facts.states.of(wish.kind, &wish.id).map_or(facts.now, |row| row.since);
    let left = |life| facts.now.until(since.plus(life));
    let unsettled = left(SETTLED);
    match (facts.living, wish.kind) {
        (_, Kind::Pepper) if !unsettled.is_zero() => return Err(Refused::Unsettled(unsettled)),
        (0, _) => {}
        (hashes, Kind::Pepper) => return Err(Refused::Hashes(hashes)),
        (proofs, _) => return Err(Refused::Living(proofs)),
    }
    let left = left(Duration::from_secs(jwt::LIFE));
    match wish.kind == Kind::Jwt && !left.is_zero() {
        true => Err(Refused::Tokens(left)),
        false => Ok(()),
    }
}

/// Two instances that cannot work together: the other one's name.
pub fn stranger(holds: &[Held], instances: &[Instance], now: Millis) -> Option<String> {
    let differs = |instance: &&Instance| {
        let other = |held: &Held| {
            instance.held(held.kind, &held.id).is_some_and(|other| other.check != held.check)
        };
        instance.is_alive(now) && holds.iter().any(other)
    };
    instances.iter().find(differs).map(Instance::name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_800_000_000_000);

    fn held(kind: Kind, id: &str, check: &str) -> Held {
        Held { kind, id: Name::parse(id).unwrap(), check: check.into() }
    }

    fn instance(byte: u8, seconds_ago: u64, holds: &[Held]) -> Instance {
        let seen = NOW.minus(Duration::from_secs(seconds_ago));
        Instance { id: [byte; 16], seen, holds: holds.to_vec() }
    }

    fn facts(kind: Kind, rows: &[(&str, KeyState, u64)], instances: &[Instance]) -> Facts {
        let row = |(id, state, ago): &(&str, KeyState, u64)| KeyRow {
            kind,
            id: Name::parse(id).unwrap(),
            state: *state,
            since: NOW.minus(Duration::from_secs(*ago)),
        };
        let states = KeyStates(rows.iter().map(row).collect());
        Facts { now: NOW, states, instances: instances.to_vec(), living: 0 }
    }

    fn wish(kind: Kind, id: &str, step: Step) -> Wish {
        let here = vec![held(kind, "old", "c1"), held(kind, "new", "c2")];
        Wish { kind, id: Name::parse(id).unwrap(), step, now: false, here, peppered: false }
    }

    fn told(judged: Result<Vec<KeyRow>, Refused>) -> Vec<(String, &'static str)> {
        let rows = judged.unwrap();
        rows.iter().map(|row| (row.id.as_str().to_owned(), row.state.as_str())).collect()
    }

    #[test]
    fn a_master_is_activated_only_when_every_live_instance_holds_it() {
        let kind = Kind::Master;
        let both = [held(kind, "old", "c1"), held(kind, "new", "c2")];
        let rows = [("old", KeyState::Active, 900), ("new", KeyState::Pending, 1)];
        let wanted = wish(kind, "new", Step::Activate);
        let judged = |instances: &[Instance]| judge(&wanted, &facts(kind, &rows, instances));
        let expected = vec![("old".to_owned(), "retiring"), ("new".to_owned(), "active")];
        assert_eq!(told(judged(&[instance(1, 2, &both), instance(2, 3, &both)])), expected);
        let lacking = judged(&[instance(1, 2, &both), instance(2, 3, &both[..1])]);
        assert_eq!(lacking, Err(Refused::Lacking("02020202".into())));
        assert_eq!(told(judged(&[instance(1, 2, &both), instance(2, 15, &both[..1])])), expected);
        let other = [held(kind, "new", "c3")];
        let differs = judged(&[instance(1, 2, &both), instance(2, 3, &other)]);
        assert_eq!(differs, Err(Refused::Differs("02020202".into())));
        let away = Wish { here: Vec::new(), ..wanted.clone() };
        assert_eq!(judge(&away, &facts(kind, &rows, &[])), Err(Refused::NotHere));
        assert_eq!(told(judge(&away, &facts(kind, &rows, &[instance(1, 2, &both)]))), expected);
    }

    #[test]
    fn a_jwt_key_is_published_before_it_signs_and_as_long_as_its_tokens_live() {
        let kind = Kind::Jwt;
        let activate = |ago| {
            let rows = [("old", KeyState::Active, 9000), ("new", KeyState::Pending, ago)];
            judge(&wish(kind, "new", Step::Activate), &facts(kind, &rows, &[]))
        };
        assert_eq!(activate(299), Err(Refused::Unpublished(Duration::from_secs(1))));
        assert!(activate(300).is_ok());
        let rows = [("old", KeyState::Active, 9000), ("new", KeyState::Pending, 0)];
        let at_once = Wish { now: true, ..wish(kind, "new", Step::Activate) };
        assert!(judge(&at_once, &facts(kind, &rows, &[])).is_ok());
        let end = |ago| {
            let rows = [("old", KeyState::Retiring, ago), ("new", KeyState::Active, 0)];
            judge(&wish(kind, "old", Step::Finally), &facts(kind, &rows, &[]))
        };
        assert_eq!(end(899), Err(Refused::Tokens(Duration::from_secs(1))));
        assert!(end(900).is_ok());
    }

    #[test]
    fn what_lives_or_makes_is_not_forgotten() {
        let kind = Kind::Master;
        let rows = [("old", KeyState::Retiring, 9), ("new", KeyState::Active, 9)];
        let with = |living| Facts { living, ..facts(kind, &rows, &[]) };
        let end = wish(kind, "old", Step::Finally);
        assert_eq!(judge(&end, &with(3)), Err(Refused::Living(3)));
        assert!(judge(&end, &with(0)).is_ok());
        assert!(judge(&Wish { now: true, ..end }, &with(3)).is_ok());
        let table = [
            ("new", Step::Retire, Refused::Active),
            ("new", Step::Finally, Refused::Active),
            ("new", Step::Activate, Refused::Already(KeyState::Active)),
            ("old", Step::Retire, Refused::Already(KeyState::Retiring)),
            ("third", Step::Activate, Refused::Unknown),
        ];
        for (id, step, expected) in table {
            assert_eq!(judge(&wish(kind, id, step), &with(0)), Err(expected), "{id} {step:?}");
        }
        let gone = [("old", KeyState::Retired, 9), ("new", KeyState::Pending, 9)];
        let back = judge(&wish(kind, "old", Step::Activate), &facts(kind, &gone, &[]));
        assert_eq!(back, Err(Refused::Retired));
        let early = judge(&wish(kind, "new", Step::Finally), &facts(kind, &gone, &[]));
        assert_eq!(early, Err(Refused::NotRetiring(KeyState::Pending)));
        assert_eq!(judge(&wish(Kind::Index, "i", Step::Retire), &with(0)), Err(Refused::Index));
    }

    #[test]
    fn a_pepper_ends_after_every_instance_has_heard_and_never_where_new_hashes_need_it() {
        let kind = Kind::Pepper;
        let finally = |ago, living, now| {
            let rows = [("old", KeyState::Retiring, ago), ("new", KeyState::Active, ago)];
            let facts = Facts { living, ..facts(kind, &rows, &[]) };
            judge(&Wish { now, ..wish(kind, "old", Step::Finally) }, &facts)
        };
        let early = Err(Refused::Unsettled(Duration::from_secs(1)));
        assert_eq!(finally(119, 0, false), early);
        assert_eq!(finally(119, 2, false), early);
        assert!(finally(120, 0, false).is_ok() && finally(0, 2, true).is_ok());
        assert_eq!(finally(120, 2, false), Err(Refused::Hashes(2)));
        let rows = [("old", KeyState::Active, 9), ("new", KeyState::Pending, 9)];
        let retire = |kind, id, peppered| {
            let wish = Wish { peppered, ..wish(kind, id, Step::Retire) };
            judge(&wish, &facts(kind, &rows, &[])).err()
        };
        assert_eq!(retire(kind, "old", true), Some(Refused::Needed));
        for (kind, id, peppered) in
            [(kind, "old", false), (kind, "new", true), (Kind::Rsa, "old", true)]
        {
            assert_eq!(retire(kind, id, peppered), None, "{kind} {id} {peppered}");
        }
    }

    #[test]
    fn instances_that_disagree_about_a_key_are_found() {
        let ours = [held(Kind::Master, "m", "c1")];
        let same = instance(1, 1, &ours);
        let other = instance(2, 1, &[held(Kind::Master, "m", "c2")]);
        let dead = instance(3, 60, &[held(Kind::Master, "m", "c2")]);
        assert_eq!(stranger(&ours, &[same.clone(), dead], NOW), None);
        assert_eq!(stranger(&ours, &[same, other], NOW), Some("02020202".into()));
    }
}
