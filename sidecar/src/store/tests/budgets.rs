//! Budgets: the statement does what the pure arithmetic does, all or none, and a refusal leaves nothing written.

use std::collections::HashMap;
use std::time::Duration;

use super::rig::*;
use crate::clock::Millis;
use crate::limits::{BudgetKey, Rate, Spent, Take};
use crate::store::*;

fn take(key: u8, count: u32, seconds: u64) -> Take {
    Rate::new(count, Duration::from_secs(seconds)).unwrap().take([key; 16], 1)
}

#[tokio::test]
async fn the_statement_is_the_arithmetic() {
    let rig = Rig::new();
    let mut tats: HashMap<BudgetKey, i64> = HashMap::new();
    let (mut state, mut at, mut refused) = (5_u64, BEGIN.0, 0);
    let mut random = move |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for round in 0..600 {
        let step = i64::try_from(random(9_000)).unwrap();
        // Steps of the clock, both ways, small and large.
        at += match random(40) {
            0 => -300_000,
            1 => 300_000,
            2 => -40 * 3_600_000,
            _ => step,
        };
        let takes: Vec<Take> = [take(1, 5, 60), take(2, 3, 60), take(3, 100, 60)]
            .into_iter()
            .filter(|_| random(3) > 0)
            .collect();
        let mut new = HashMap::new();
        let mut spent: Vec<Spent> = Vec::new();
        for take in &takes {
            match take.judge(tats.get(&take.key).copied(), Millis(at)) {
                Ok(tat) => drop(new.insert(take.key, tat)),
                Err(one) => spent.push(one),
            }
        }
        let longest = spent.into_iter().max_by_key(|spent| spent.wait);
        let found = rig.store.take_budgets(takes, Millis(at)).await.unwrap();
        assert_eq!(found, longest, "round {round}");
        match longest {
            None => tats.extend(new),
            Some(_) => refused += 1,
        }
    }
    assert!((100..500).contains(&refused), "{refused}");
}

#[tokio::test]
async fn a_refused_ask_or_attempt_writes_nothing() {
    let rig = Rig::new();
    let budgets = vec![take(1, 5, 60), take(2, 1, 60)];
    let ask = |byte: u8| NewAsk { budgets: budgets.clone(), ..rig.ask(byte, BEGIN) };
    assert_eq!(rig.store.take_ask(ask(1)).await.unwrap(), Asked::Taken);
    let before = rig.rows().await;
    let spent = Spent { key: [2; 16], wait: Duration::from_secs(60) };
    assert_eq!(rig.store.take_ask(ask(2)).await.unwrap(), Asked::Spent(spent));
    assert_eq!(rig.store.take_ask(ask(1)).await.unwrap(), Asked::Taken, "a repeat draws nothing");
    let attempt = Attempt {
        message: message(3),
        operation: contract::message::Operation::Confirm,
        at: BEGIN,
        guess: Some(rig.guess()),
        budgets, judge: judge() };
    let opened = rig.store.open_attempt(attempt).await.unwrap();
    assert!(matches!(opened, Opened::Spent(found) if found == spent), "{opened:?}");
    assert_eq!(rig.rows().await, before);
}

#[tokio::test]
async fn a_budget_outlives_a_restart_and_is_forgotten_when_it_is_full_again() {
    let rig = Rig::new();
    let one = vec![take(1, 1, 60)];
    assert_eq!(rig.store.take_budgets(one.clone(), BEGIN).await.unwrap(), None);
    let rig = rig.reopen();
    assert!(rig.store.take_budgets(one.clone(), after(59)).await.unwrap().is_some());
    rig.purge(after(59)).await;
    assert!(rig.store.take_budgets(one, after(59)).await.unwrap().is_some());
    rig.purge(after(61)).await;
    assert_eq!(rig.count("budget").await, 0);
}
