//! Clients that go on resetting passwords while something is killed under them. As gateways and people do, they send a message
//! again, under its id, until somebody gives an answer that is one.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use contract::message::Message;
use contract::name::Name;
use contract::signature::{EdgeKey, Stamp, sign};
use rekey_tests::house::{
    Crew, Plan, by_token, code_in, confirm, fresh, from, grant_in, initiate, number, outcome, post,
    token_in, unix_now, verify,
};
use rekey_tests::http::Reply;
use rekey_tests::stage::{DEADLINE, Relay, poll};

/// Side by side.
const CLIENTS: usize = 4;
/// Each client's own; more than one, because of the cool-down.
const ACCOUNTS: usize = 12;
/// How long a client waits for a mail before it asks for another account.
const PATIENCE: Duration = Duration::from_millis(800);

/// What the clients know, and the test with them.
pub(crate) struct World {
    pub(crate) relay: Relay,
    pub(crate) notes: Mutex<Notes>,
    /// Answers that were given.
    answers: Mutex<u64>,
    answered: Condvar,
    doors: RwLock<Vec<SocketAddr>>,
    key: EdgeKey,
    stopped: AtomicBool,
}

/// What was answered.
#[derive(Default)]
pub(crate) struct Notes {
    /// Ids of messages whose asks were accepted, in hex.
    pub(crate) accepted: Vec<String>,
    /// Asks whose end was seen; their rows are forgotten after a quarter of an hour.
    pub(crate) ended: usize,
    /// Account and password, in order for each account.
    pub(crate) resets: Vec<(String, String)>,
}

/// A sequence of numbers that a seed repeats (xorshift).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Account number `n` of a client.
pub(crate) fn account(client: usize, n: usize) -> (String, String) {
    (format!("c{client}n{n}"), format!("c{client}n{n}@example.com"))
}

/// Sidecars, their relay, and accounts for all clients.
pub(crate) fn settle_in(plan: &Plan) -> (Crew, World) {
    let relay = Relay::start().unwrap();
    let crew = Crew::start(plan, relay.addr());
    let accounts = (0..CLIENTS).flat_map(|client| (0..ACCOUNTS).map(move |n| account(client, n)));
    let line = |(id, email): (String, String)| {
        format!(r#"{{"id":"{id}","email":"{email}","password":"{}"}}"#, rekey_tests::house::OLD)
    };
    crew.add_accounts(&accounts.map(line).collect::<Vec<_>>());
    let world = World {
        relay,
        notes: Mutex::default(),
        answers: Mutex::default(),
        answered: Condvar::new(),
        doors: RwLock::new(crew.doors()),
        key: crew.key.clone(),
        stopped: AtomicBool::new(false),
    };
    (crew, world)
}

impl World {
    /// Lets the clients live while `meanwhile` does what it wants, then waits until each has ended what it began.
    pub(crate) fn while_clients_go_on<T>(&self, seed: u64, meanwhile: impl FnOnce() -> T) -> T {
        self.stopped.store(false, Ordering::SeqCst);
        std::thread::scope(|scope| {
            for client in 0..CLIENTS {
                let dice = Dice::new(seed * 100 + client as u64 + 1);
                scope.spawn(move || self.live(client, dice));
            }
            let stop = Stop(self);
            let done = meanwhile();
            drop(stop);
            done
        })
    }

    pub(crate) fn set_doors(&self, doors: Vec<SocketAddr>) {
        *self.doors.write().unwrap_or_else(PoisonError::into_inner) = doors;
    }

    /// Waits until that many more answers were given.
    pub(crate) fn wait_for_answers(&self, more: u64) {
        let answers = self.answers.lock().unwrap();
        let goal = *answers + more;
        let waited = self.answered.wait_timeout_while(answers, DEADLINE, |given| *given < goal);
        assert!(!waited.unwrap().1.timed_out(), "the clients get no answers");
    }

    pub(crate) fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn live(&self, client: usize, mut dice: Dice) {
        let mut n = dice.below(ACCOUNTS as u64) as usize;
        while !self.stopped.load(Ordering::SeqCst) {
            let (id, email) = account(client, n % ACCOUNTS);
            self.reset(&id, &email, &mut dice);
            n += 1;
        }
    }

    /// Asks, waits for the mail, and has two rivals confirm with what it holds.
    fn reset(&self, id: &str, email: &str, dice: &mut Dice) {
        // People are many; one of them could not ask so often.
        let n = number();
        let sender = &format!("{}.{}.{}.1", 60 + n / 62500, n / 250 % 250, n % 250);
        let before = self.relay.to(email).len();
        let (message, reply) = self.say(&from(initiate("native", email), sender), dice);
        if outcome(&reply) != "accepted" {
            return;
        }
        self.notes().accepted.push(contract::signature::hex(&message));
        let Some(text) = self.mail_after(email, before) else { return };
        let token = if dice.below(2) == 0 {
            token_in(&text)
        } else {
            let granted = self.say(&from(verify("native", email, &code_in(&text)), sender), dice).1;
            if outcome(&granted) != "granted" {
                return;
            }
            grant_in(&granted)
        };
        let passwords = [dice.below(1 << 40), dice.below(1 << 40)].map(|n| format!("new {n:012}"));
        let seeds = [dice.below(1 << 40), dice.below(1 << 40)];
        let won: Vec<bool> = std::thread::scope(|scope| {
            let rival = |n: usize| {
                let (password, token) = (&passwords[n], &token);
                let mut dice = Dice::new(seeds[n]);
                move || {
                    let message = from(confirm("native", by_token(token), password), sender);
                    outcome(&self.say(&message, &mut dice).1) == "reset"
                }
            };
            let (left, right) = (scope.spawn(rival(0)), scope.spawn(rival(1)));
            vec![left.join().unwrap(), right.join().unwrap()]
        });
        assert!(won != [true, true], "one proof was spent twice: {email}");
        if let Some(winner) = won.iter().position(|won| *won) {
            self.notes().resets.push((id.to_owned(), passwords[winner].clone()));
        }
    }

    /// The newest mail with a link, once there are more than before.
    fn mail_after(&self, email: &str, before: usize) -> Option<String> {
        self.relay.wait_within(PATIENCE, email, |taken| {
            let mut texts = taken.iter().skip(before).rev().map(|taken| taken.mail.text());
            texts.find(|text| text.contains("token=")).map(str::to_owned)
        })
    }

    /// The message's id, and the first answer that is one.
    fn say(&self, message: &Message, dice: &mut Dice) -> ([u8; 16], Reply) {
        let id = fresh();
        let stamp = Stamp { now: unix_now(), id };
        let audience = Name::parse("demo").unwrap();
        let body = sign(&self.key, &audience, stamp, message.operation(), &message.encode());
        let call = post(message.operation(), &body);
        // No answer: killed under us, not up again, or out of breath.
        let answer = poll(DEADLINE, || {
            let doors = self.doors.read().unwrap_or_else(PoisonError::into_inner).clone();
            let door = doors[dice.below(doors.len() as u64) as usize];
            Ok::<_, Infallible>(call.send(door).ok().filter(|reply| outcome(reply) != "busy"))
        });
        let Ok(Some(reply)) = answer else {
            panic!("no answer to {:?}", message.operation());
        };
        *self.answers.lock().unwrap() += 1;
        self.answered.notify_all();
        (id, reply)
    }
}

/// Stops the clients also when the test fails.
struct Stop<'w>(&'w World);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.stopped.store(true, Ordering::SeqCst);
    }
}
