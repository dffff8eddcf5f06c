//! A simulated day of attack: what guessing is left with, and what strangers cannot take from an owner.

use contract::address::Channel;
use contract::message::Call;
use contract::profile::ProofKind;
use tokio::task::JoinSet;

use super::rig::*;
use crate::flow::dispatch;
use crate::store::AccountRow;

const SENDERS: usize = 10_000;
const ACCOUNTS: usize = 100_000;
const DIGITS: i32 = 6;

fn coded() -> Caller {
    with(Channel::Email, |rules| rules.accepts == [ProofKind::Code])
}

fn linked() -> Caller {
    with(Channel::Email, |rules| rules.accepts == [ProofKind::Link])
}

fn sender(n: usize) -> &'static str {
    let n = n % SENDERS;
    format!("203.{}.{}.{}", n / 2500, n / 10 % 250, n % 10 + 1).leak()
}

fn email(n: usize) -> String {
    format!("u{}@example.org", n % ACCOUNTS)
}

async fn populate(rig: &Rig) {
    let row = |n: usize| AccountRow {
        id: format!("u{n}"),
        user_name: None,
        display_name: None,
        email: Some(email(n)),
        email_key: Some(address(&email(n)).key()),
        phone: None,
        language: None,
        active: true,
        second_factor: false,
        password_hash: None,
        counter: 0,
        changed: rig.now(),
    };
    for chunk in 0..10 {
        let rows = (0..ACCOUNTS / 10).map(|n| row(chunk * ACCOUNTS / 10 + n)).collect();
        rig.engine.store.add_accounts(rows).await.unwrap();
    }
}

/// Sends them side by side, so that the store commits them together.
async fn all(rig: &std::sync::Arc<Rig>, calls: Vec<(Caller, Call)>) {
    let mut running = JoinSet::new();
    for (caller, call) in calls {
        let rig = std::sync::Arc::clone(rig);
        running.spawn(async move { rig.send(caller, call).await });
        if running.len() >= 128 {
            running.join_next().await;
        }
    }
    running.join_all().await;
}

fn ask(n: usize, account: usize) -> (Caller, Call) {
    (coded().from(sender(n)), Call::Initiate { to: address(&email(account)) })
}

fn guess(n: usize, account: usize) -> (Caller, Call) {
    let proof = by_code(&email(account), "000000");
    let password = contract::secret::Password::parse(NEW.into()).unwrap();
    let encryption = contract::message::Encryption::None;
    (coded().from(sender(n)), Call::Confirm { proof, password, encryption })
}

/// Decides what waits, and lets the codes live.
async fn deliver(rig: &Rig) {
    while dispatch::once(&rig.engine).await.unwrap() > 0 {}
    let (now, until) = (rig.now(), rig.now().plus(std::time::Duration::from_secs(9)));
    while !rig.engine.store.lease_mails(now, until, 500).await.unwrap().is_empty() {}
}

#[tokio::test]
async fn a_day_of_guessing_stays_under_the_stated_bounds() {
    let rig = std::sync::Arc::new(Rig::new().await);
    populate(&rig).await;
    // A day is UTC's.
    rig.pass(86_400 - rig.now().0 / 1000 % 86_400);
    let (mut next, mut account, mut of_one) = (0_usize, 0_usize, 0_u64);
    let mut somebody = || {
        next += 7919;
        next
    };
    for _ in 0..24 {
        // 240 accounts of this hour with ten guesses each, more than the installation may have; and one every hour.
        let victims: Vec<usize> = (0..240).map(|n| account + n * 417).collect();
        account += 1;
        all(&rig, victims.iter().map(|victim| ask(somebody(), *victim)).collect()).await;
        all(&rig, vec![ask(somebody(), 99_999)]).await;
        deliver(&rig).await;
        let before = rig.engine.worked().compared;
        all(&rig, (0..10).map(|_| guess(somebody(), 99_999)).collect()).await;
        of_one += rig.engine.worked().compared - before;
        let guesses = victims.iter().flat_map(|victim| [*victim; 10]);
        all(&rig, guesses.map(|victim| guess(somebody(), victim)).collect()).await;
        rig.pass(3600);
    }
    let chance = 10_f64.powi(-DIGITS);
    let compared = rig.engine.worked().compared as f64;
    assert!(compared * chance <= 0.05, "{compared} codes were compared in a day");
    assert!(compared > 20_000.0, "the attack compared {compared} only: it tries nothing");
    assert!(of_one as f64 * chance <= 2e-5, "{of_one} codes of one account were compared");
    assert!(of_one >= 10, "{of_one}");
}

/// Whether a link in the mailbox still resets: a password that breaks the policy tells, and costs one of ten failures.
async fn has_live_link(rig: &Rig, mailbox: &[String]) -> bool {
    for token in mailbox.iter().rev().take(3) {
        let outcome = rig.confirm_with(linked(), by_token(token), "short").await;
        if outcome.code() == "policy" {
            return true;
        }
    }
    false
}

/// Strangers ask for the owner every 61 s, guess at every code, and fill his day; through his dialect and another.
#[tokio::test]
async fn a_day_of_strangers_leaves_the_owner_a_live_link() {
    let rig = Rig::new().await;
    let mut mailbox: Vec<String> = Vec::new();
    let mut asked = 0;
    for round in 0..24 * 59_usize {
        let stranger = |n: usize| sender(round * 3 + n);
        assert_eq!(rig.ask(linked().from(stranger(0)), ANN).await.code(), "accepted", "{round}");
        if round % 4 == 0 {
            assert_eq!(rig.ask(coded().from(stranger(1)), ANN).await.code(), "accepted");
            rig.confirm(coded().from(stranger(2)), by_code(ANN, "000000")).await;
        }
        mailbox.extend(rig.letters().await.into_iter().filter_map(|got| got.token));
        rig.pass(61);
        if round % 59 == 58 && !has_live_link(&rig, &mailbox).await {
            asked += 1;
            let outcome = rig.ask(linked(), ANN).await;
            assert_eq!(outcome.code(), "accepted", "round {round}");
            let got = rig.letters().await.into_iter().find_map(|got| got.token);
            assert!(got.is_some(), "round {round}: {:?}", rig.end(ANN).await);
            mailbox.extend(got);
        }
    }
    assert!(asked < 24, "strangers' asks send the owner his link, too");
}

/// Whoever fills the address's budget has sent the owner his link by that.
#[tokio::test]
async fn a_flood_of_asks_for_one_address_leaves_its_owner_a_live_link() {
    let rig = Rig::with("[limits]\naddress = \"20/10m\"").await;
    let mut mailbox: Vec<String> = Vec::new();
    let mut refused = 0;
    for round in 0..6 * 120_usize {
        for n in 0..3 {
            rig.ask(linked().from(sender(round * 3 + n)), ANN).await;
        }
        mailbox.extend(rig.letters().await.into_iter().filter_map(|got| got.token));
        if round % 60 == 59 {
            let own = rig.ask(linked(), ANN).await;
            refused += u32::from(own.code() == "throttled");
            mailbox.extend(rig.letters().await.into_iter().filter_map(|got| got.token));
            assert!(has_live_link(&rig, &mailbox).await, "round {round}: {own:?}");
        }
        rig.pass(30);
    }
    assert!(refused > 0, "the budget was not filled");
}
