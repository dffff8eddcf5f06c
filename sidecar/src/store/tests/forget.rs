//! One person forgotten: every table's rows of hers go, nobody else's do, and the audit keeps its lines without her name.

use contract::address::{Address, Channel};

use super::rig::*;
use crate::secret::{AddressKey, ChallengeId, GrantId};
use crate::store::sql::tx::{Broken, Tx, Value};
use crate::store::*;

const ANN: AddressKey = AddressKey([1; 16]);
const BOB: AddressKey = AddressKey([11; 16]);
/// As the audit may know an account whose id is an address.
const KEYED: &str = "keyed:0123";

fn row(id: &str, email: &str) -> AccountRow {
    AccountRow {
        id: id.into(),
        user_name: Some(format!("{id}-name")),
        display_name: None,
        email: Some(email.into()),
        email_key: Some(email.into()),
        phone: None,
        language: None,
        active: true,
        second_factor: false,
        password_hash: Some("$old$".into()),
        counter: 1,
        changed: BEGIN,
    }
}

fn whom() -> Forgotten {
    Forgotten {
        account: "ann".into(),
        audited: KEYED.into(),
        addresses: vec![ANN],
        scopes: vec![ANN.0, [9; 16]],
    }
}

/// Bob asks, and gets a mail.
async fn bobs(rig: &Rig) {
    let address = Address::parse(Channel::Email, "bob@example.org", None).unwrap();
    let ask = rig.ask(11, BEGIN);
    let ask = NewAsk { address: address.clone(), address_key: BOB, scope: BOB.0, ..ask };
    assert_eq!(rig.store.take_ask(ask).await.unwrap(), Asked::Taken);
    let birth = Birth { account: "bob".into(), address, ..rig.birth(12) };
    let mailboxes = vec![Mailbox { mail: [12; 16], births: vec![birth] }];
    assert_eq!(rig.store.resolve_ask([11; 16], BEGIN, mailboxes).await.unwrap(), Resolved::Queued);
}

/// Ann's reset, by a code and a grant, that logs her in: a row of hers in every table.
#[expect(clippy::cognitive_complexity, reason = "a story in its order")]
async fn anns(rig: &Rig) {
    let id = rig.challenge().await;
    let guess = Some(Guess { scopes: vec![ANN.0, [9; 16]], ..rig.guess() });
    assert!(matches!(rig.open(2, guess).await, Opened::Fresh(_)));
    let wrong = Kept::Refused(contract::outcome::Refusal::ProofInvalid);
    rig.store.conclude([2; 16], wrong).await.unwrap();
    assert!(matches!(rig.open(3, None).await, Opened::Fresh(_)));
    let grant = Grant {
        id: GrantId([7; 16]),
        message: [3; 16],
        challenge: id,
        at: BEGIN,
        until: after(60),
        expires_in: 60,
        audit: Audit {
            account: KEYED.into(),
            // One that she has no more.
            address: AddressKey([5; 16]),
            device: Some("her phone".into()),
            ..audit()
        },
    };
    rig.store.grant(grant).await.unwrap();
    assert!(matches!(rig.open(4, None).await, Opened::Fresh(_)));
    assert!(rig.hold(4, Target::Grant(GrantId([7; 16])), BEGIN).await.is_some());
    let write = AccountWrite {
        account: "ann".into(),
        revision: row("ann", "ann@example.org").revision(),
        hash: "$new$".into(),
    };
    let finish = Finish {
        message: [4; 16],
        challenge: id,
        account: "ann".into(),
        at: BEGIN,
        ending: Ending::Write(write),
        former: Former { hash: Some("former".into()), keep: 2 },
        kept: Kept::Reset { login: Some(LoggedIn { account: "ann".into(), at: BEGIN }) },
        audit: audit(),
        notices: Vec::new(),
        events: Vec::new(),
    };
    assert_eq!(rig.store.finish(finish).await.unwrap(), Finished::Done);
    rig.queued(5, 10, after(700)).await;
    assert_eq!(rig.store.lease_mails(after(700), after(820), 9).await.unwrap().len(), 1);
    let bounced = MailEnd::Bounced { reply: "550".into(), address: ANN };
    rig.store.end_mail([10; 16], after(700), bounced).await.unwrap();
}

/// Rows of a person in each table.
async fn rows_of(rig: &Rig, account: &str, key: AddressKey) -> Vec<(&'static str, i64)> {
    let by_account = [
        "account WHERE id = ?1",
        "password_history WHERE account = ?1",
        "challenge WHERE account = ?1",
        "mail WHERE account = ?1",
        "audit WHERE account = ?1",
        "proof_grant WHERE challenge IN (SELECT id FROM challenge WHERE account = ?1)",
    ];
    let by_key = [
        "ask WHERE address_key = ?1",
        "suppressed_address WHERE address_key = ?1",
        "pot WHERE scope = ?1",
        "daily WHERE scope = ?1",
        "audit WHERE address_key = ?1",
    ];
    let account = account.to_owned();
    let count = move |tx: &mut Tx<'_>| {
        let mut found = Vec::new();
        let mut look = |table: &'static str, value: Value<'_>| {
            let rows = tx.only(&format!("SELECT COUNT(*) FROM {table}"), &[value])?;
            found.push((table, rows));
            Ok::<(), Broken>(())
        };
        for table in by_account {
            look(table, (&account).into())?;
        }
        for table in by_key {
            look(table, (&key.0).into())?;
        }
        look("message WHERE reference = ?1", account.as_bytes().into())?;
        Ok(found)
    };
    rig.store.read(count).await.unwrap()
}

#[tokio::test]
async fn one_person_is_forgotten_and_nobody_else() {
    let rig = Rig::new();
    let people = vec![row("ann", "ann@example.org"), row("bob", "bob@example.org")];
    assert_eq!(rig.store.add_accounts(people).await.unwrap(), Adding::Added);
    anns(&rig).await;
    bobs(&rig).await;
    for (table, count) in rows_of(&rig, "ann", ANN).await {
        assert!(count > 0, "this test has nothing of hers in {table}");
    }
    let (lines, bobs) = (rig.count("audit").await, rows_of(&rig, "bob", BOB).await);
    assert!(rig.store.forget(whom()).await.unwrap() > 10);
    for (table, count) in rows_of(&rig, "ann", ANN).await {
        assert_eq!(count, 0, "{table}");
    }
    for table in ["audit WHERE account = 'keyed:0123'", "audit WHERE device IS NOT NULL"] {
        assert_eq!(rig.count(table).await, 0, "{table}");
    }
    assert_eq!(rig.count("audit WHERE account = 'forgotten'").await, lines);
    assert_eq!(rows_of(&rig, "bob", BOB).await, bobs);
    assert_eq!(rig.store.forget(whom()).await.unwrap(), 0, "nothing is left");
}

/// What comes late, from a confirm and a courier that were at work, finds nothing and brings nothing back.
#[tokio::test]
async fn what_was_in_hand_comes_to_nothing() {
    let rig = Rig::new();
    assert_eq!(
        rig.store.add_accounts(vec![row("ann", "ann@example.org")]).await.unwrap(),
        Adding::Added
    );
    let id = rig.queued(1, 9, BEGIN).await;
    assert_eq!(rig.store.lease_mails(BEGIN, after(120), 9).await.unwrap().len(), 1);
    assert!(matches!(rig.open(4, None).await, Opened::Fresh(_)));
    rig.store.forget(whom()).await.unwrap();
    assert_eq!(rig.end(4, id, Ending::Written).await, Finished::Gone);
    rig.store.end_mail([9; 16], BEGIN, MailEnd::Sent).await.unwrap();
    assert!(rig.hold(4, Target::Link(ChallengeId([9; 16])), BEGIN).await.is_none());
    for (table, count) in rows_of(&rig, "ann", ANN).await {
        assert_eq!(count, 0, "{table}");
    }
}
