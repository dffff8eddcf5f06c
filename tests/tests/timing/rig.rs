//! A sidecar whose store lies in memory, addresses in every state, and one kept-alive connection with a watch beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use contract::message::Message;
use rekey_tests::house::{Crew, Plan, fresh, from, initiate, number, outcome, post};
use rekey_tests::http::Line;
use rekey_tests::judge::{Told, nanoseconds, shuffle, without_date};
use rekey_tests::stage::Relay;

use crate::LINGERING;
use crate::judge::Pair;

/// So much for one address is nobody's but ours.
const ROOM: &str = "cool_down = \"1s\"\naddress = \"60000/1m\"\nwrong_codes = \"100000/1h\"";
/// Requests of each state.
const EACH: usize = 2000;
/// Addresses of each state.
const POOL: usize = 20;
/// Requests between two pardons; each address then was guessed at twice.
const PARDON: usize = 2 * POOL;
/// Wrong guesses that no pot has room for.
const BURNT: u32 = 1000;
/// Requests before the watch is looked at.
const WARM_UP: usize = 200;

/// What an address is to us, and what was done with it before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// Nobody's; never asked for.
    Unknown,
    UnknownAsked,
    /// Nobody's, with all guesses made.
    UnknownBurnt,
    /// An account's; never asked for.
    Known,
    /// With a proof that lives.
    Live,
    /// With a proof whose time is over.
    Expired,
    /// With a proof that was used.
    Spent,
    /// With a proof and all guesses made.
    Burnt,
    /// A disabled account's, asked for.
    Disabled,
    /// Nobody's; the sidecar lingers over it.
    Lingering,
}

const ASKED: [State; 7] = [
    State::UnknownAsked,
    State::UnknownBurnt,
    State::Live,
    State::Expired,
    State::Spent,
    State::Burnt,
    State::Disabled,
];
const HAVE_ACCOUNTS: [State; 6] =
    [State::Known, State::Live, State::Expired, State::Spent, State::Burnt, State::Disabled];

impl State {
    fn address(self, n: usize) -> String {
        if self == Self::Lingering {
            return LINGERING.to_owned();
        }
        format!("{}{}@example.com", format!("{self:?}").to_lowercase(), n % POOL)
    }
}

/// One rig at a time: they would measure each other.
static ALONE: Mutex<()> = Mutex::new(());

/// Nobody else measures meanwhile.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) struct Rig {
    pub(crate) relay: Relay,
    crew: Crew,
    _alone: MutexGuard<'static, ()>,
}

impl Rig {
    /// With asks made in that dialect. `prepare` gets the data directory before the sidecar's last start.
    pub(crate) fn build(dialect: &str, prepare: impl FnOnce(&Path)) -> Self {
        let alone = alone();
        let relay = Relay::start().unwrap();
        let plan = Plan { in_memory: true, limits: ROOM, ..Plan::default() };
        let mut crew = Crew::start(&plan, relay.addr());
        let accounts = HAVE_ACCOUNTS.iter().flat_map(|state| (0..POOL).map(|n| line(*state, n)));
        crew.add_accounts(&accounts.collect::<Vec<_>>());
        for state in ASKED {
            for n in 0..POOL {
                let ask = from(initiate(dialect, &state.address(n)), &sender());
                assert_eq!(outcome(&crew.say(&ask)), "accepted", "{state:?}");
            }
        }
        crew.settle();
        arrange(&crew);
        prepare(&crew.data(0));
        crew.restart();
        Self { relay, crew, _alone: alone }
    }

    /// How well the second state of each pair can be told from the first by time; by bytes is a fault at once.
    pub(crate) fn compare(&self, pairs: &[Pair], make: &impl Fn(&str) -> Message) -> Vec<Told> {
        let states: BTreeSet<State> =
            pairs.iter().flat_map(|(left, right)| [*left, *right]).collect();
        let mut order: Vec<State> =
            states.iter().flat_map(|state| std::iter::repeat_n(*state, EACH)).collect();
        shuffle(&mut order);
        let mut line = Line::connect(self.crew.signed()).unwrap();
        let (mut times, mut answers) = (BTreeMap::<State, Vec<u64>>::new(), BTreeSet::new());
        for (n, state) in order.iter().take(WARM_UP).chain(&order).enumerate() {
            if n.is_multiple_of(PARDON * states.len()) {
                forgive(&self.crew);
            }
            let message = from(make(&state.address(n)), &sender());
            let body = self.crew.envelope(&message, fresh());
            let bytes = post(message.operation(), &body).to_bytes("s");
            let begun = Instant::now();
            line.write(&bytes).unwrap();
            let reply = line.reply(false).unwrap();
            let time = begun.elapsed();
            answers.insert(without_date(&reply));
            if n >= WARM_UP {
                times.entry(*state).or_default().push(nanoseconds(time));
            }
        }
        assert_eq!(answers.len(), 1, "answers differ: {answers:#?}");
        pairs.iter().map(|(left, right)| Told::of(&times[left], &times[right])).collect()
    }
}

/// Another one each time: what one sender may do is another matter.
fn sender() -> String {
    let n = number();
    format!("{}.{}.{}.7", 60 + n / 62500, n / 250 % 250, n % 250)
}

fn line(state: State, n: usize) -> String {
    let disabled = state == State::Disabled;
    format!(r#"{{"email":"{}","disabled":{disabled}}}"#, state.address(n))
}

/// Takes back what was guessed, where guesses must not run out while we measure.
fn forgive(crew: &Crew) {
    let pots = format!("UPDATE pot SET own_wrong = 0, others_wrong = 0 WHERE own_wrong < {BURNT}");
    crew.sql(&format!("{pots} RETURNING 1"));
    crew.sql("UPDATE daily SET wrong = 0 RETURNING 1");
}

/// Puts challenges and pots into their states.
fn arrange(crew: &Crew) {
    let of = |state: State| {
        let name = format!("{state:?}").to_lowercase();
        format!("account IN (SELECT id FROM account WHERE email LIKE '{name}%')")
    };
    let run = |write: String| crew.sql(&format!("{write} RETURNING 1"));
    let burnt = |names: &str| {
        format!(
            "UPDATE pot SET own_wrong = {BURNT}, others_wrong = {BURNT} WHERE id IN (SELECT pot FROM ask WHERE address LIKE '{names}%')"
        )
    };
    run(burnt("unknownburnt"));
    run(burnt("burnt"));
    run(format!(
        "UPDATE challenge SET code_until = 1, link_until = 1 WHERE {}",
        of(State::Expired)
    ));
    run(format!("UPDATE challenge SET state = 'spent', ended = 1 WHERE {}", of(State::Spent)));
    for state in [State::Live, State::Burnt] {
        assert_eq!(
            crew.count(&format!("challenge WHERE state = 'live' AND {}", of(state))),
            POOL as u64
        );
    }
}
