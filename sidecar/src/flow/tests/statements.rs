//! Invariant 5: whatever an address is to us, an ask and a wrong proof run the same statements, in the same order.

use std::collections::BTreeSet;

use contract::address::Channel;
use contract::message::Call;
use contract::profile::ProofKind;

use super::rig::*;

const ASKED: &str = "asked@example.org";
const DISABLED: &str = "disabled@example.org";
const LIVE: &str = "live@example.org";
const EXPIRED: &str = "expired@example.org";
const SPENT: &str = "spent@example.org";

fn granting() -> Caller {
    with(Channel::Email, |rules| rules.accepts == [ProofKind::Grant])
}

fn coded() -> Caller {
    with(Channel::Email, |rules| rules.accepts == [ProofKind::Code])
}

/// Everybody was asked for, in all states; the last of them lives.
async fn street(caller: Caller) -> Rig {
    let rig = Rig::new().await;
    for email in [LIVE, EXPIRED, SPENT, DISABLED] {
        rig.add(email, None).await;
    }
    rig.embedded().set("disabled", None, Some(false)).await.unwrap();
    for email in [EXPIRED, SPENT] {
        assert_eq!(rig.ask(caller, email).await.code(), "accepted");
    }
    rig.letters().await;
    let database = rusqlite::Connection::open(rig.home.path().join("rekey-data/rekey.db")).unwrap();
    let end = "UPDATE challenge SET code_until = 1, link_until = 1 WHERE account = 'expired'";
    database.execute(end, []).unwrap();
    let spend = "UPDATE challenge SET state = 'spent', ended = 1 WHERE account = 'spent'";
    database.execute(spend, []).unwrap();
    for email in [ASKED, DISABLED, LIVE] {
        assert_eq!(rig.ask(caller, email).await.code(), "accepted");
    }
    rig.letters().await;
    rig.engine.store.statements().await.unwrap();
    rig
}

async fn statements(rig: &Rig, caller: Caller, call: Call) -> Vec<String> {
    rig.send(caller, call).await;
    let ran = rig.engine.store.statements().await.unwrap();
    assert!(ran.len() > 2, "{ran:#?}");
    ran
}

fn alike(lists: &BTreeSet<Vec<String>>) {
    assert_eq!(lists.len(), 1, "{lists:#?}");
}

#[tokio::test]
async fn an_ask_runs_the_same_statements_for_everybody() {
    let rig = street(coded()).await;
    for again in ["198.51.100.1", "198.51.100.2"] {
        let mut lists = BTreeSet::new();
        for to in [ASKED, DISABLED, LIVE, EXPIRED, SPENT] {
            rig.pass(1);
            let asks = Call::Initiate { to: address(to) };
            lists.insert(statements(&rig, coded().from(again), asks).await);
            while crate::flow::dispatch::once(&rig.engine).await.unwrap() > 0 {}
            rig.engine.store.statements().await.unwrap();
        }
        alike(&lists);
    }
    let mut lists = BTreeSet::new();
    for to in [ANN, NOBODY] {
        let asks = Call::Initiate { to: address(to) };
        lists.insert(statements(&rig, coded(), asks).await);
    }
    alike(&lists);
}

#[tokio::test]
async fn a_wrong_code_runs_the_same_statements_for_everybody() {
    let rig = street(granting()).await;
    // The first wrong code takes a block of everybody's budget for this process; later ones spend it from memory.
    let guess = Call::Verify { to: address(BOB), code: code("1234567") };
    statements(&rig, granting(), guess).await;
    let mut lists = BTreeSet::new();
    for to in [ASKED, DISABLED, LIVE, EXPIRED, SPENT] {
        let guess = Call::Verify { to: address(to), code: code("1234567") };
        lists.insert(statements(&rig, granting(), guess).await);
    }
    alike(&lists);
    let mut lists = BTreeSet::new();
    for to in [ANN, NOBODY] {
        let guess = Call::Verify { to: address(to), code: code("1234567") };
        lists.insert(statements(&rig, granting(), guess).await);
    }
    alike(&lists);
}
