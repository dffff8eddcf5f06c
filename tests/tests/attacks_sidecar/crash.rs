//! ATTACKS.md 12, 40, invariants 6 and 7: killed at any moment, nothing is half done and nothing is done twice.

use rekey_tests::stage::{Mailbox, until};

use crate::house::{
    ANN, House, NEW, OLD, Plan, by_token, confirm, fresh, initiate, outcome, token_in,
};
use contract::message::Operation;

/// Invariant 7: killed between the answer and the mail: the mail comes after the restart, once the relay is there.
#[test]
fn an_accepted_ask_survives_a_kill() {
    let mut house = House::build();
    let port = house.mailbox.addr().port();
    house.mailbox.stop().unwrap();
    assert_eq!(outcome(&house.say(&initiate("native", ANN))), "accepted");
    house.sidecar.kill().unwrap();
    house.restart();
    house.mailbox = Mailbox::start_on(&house.dir.path().join("mail"), port).unwrap();
    let mail = house.mailbox.wait_for(ANN, 1).unwrap().pop().unwrap();
    assert_eq!(
        outcome(&house.say(&confirm("native", by_token(&token_in(mail.text())), NEW))),
        "reset"
    );
}

/// Invariant 6: killed in a burst of confirms, six times at different moments: never two successes, never a password that is
/// written while its proof still lives, and the repeat of a message that won says so again.
#[test]
fn a_kill_in_a_burst_of_confirms_leaves_nothing_half_done() {
    let mut house =
        House::with(&Plan { limits: "cool_down = \"1s\"\nsends = 10", ..Plan::default() });
    for round in 0..6_u32 {
        let mails = house.mailbox.mails_to(ANN).unwrap().len();
        until("another mail", || {
            house.say(&initiate("native", ANN));
            house.settle_asks();
            Ok((house.mailbox.mails_to(ANN)?.len() > mails).then_some(()))
        })
        .unwrap();
        house.settle();
        let all = house.mailbox.mails_to(ANN).unwrap();
        let token =
            token_in(all.iter().rfind(|mail| mail.text().contains("token=")).unwrap().text());
        let password = format!("{NEW} {round}");
        let message = confirm("native", by_token(&token), &password);
        let bodies: Vec<Vec<u8>> = (0..10).map(|_| house.envelope(&message, fresh())).collect();
        let resets = house.resets("a1");
        burst_and_kill(&mut house, &bodies, round);
        house.restart();
        let written = house.resets("a1") - resets;
        assert!(written <= 1, "round {round}: {written} resets");
        assert_eq!(
            house.has_password(ANN, &password),
            written == 1,
            "round {round}: row and audit agree"
        );
        let again: Vec<String> =
            bodies.iter().map(|body| outcome(&house.post(Operation::Confirm, body))).collect();
        let won = again.iter().filter(|outcome| *outcome == "reset").count();
        assert!(won <= 1, "round {round}: {again:?}");
        // A held proof becomes free or spent; it never wins a second time.
        let total = house.resets("a1") - resets;
        assert!(
            total <= 1 && (total == 1) == (won == 1),
            "round {round}: {again:?}, {total} resets"
        );
        assert_eq!(house.has_password(ANN, &password), total == 1, "round {round}");
    }
}

/// Sends all bodies, and kills the sidecar after the first `round` answers.
fn burst_and_kill(house: &mut House, bodies: &[Vec<u8>], round: u32) {
    let addr = house.signed();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        for body in bodies {
            let tell = tell.clone();
            scope.spawn(move || {
                // The connection may break: the sidecar is killed under it.
                let _broken = crate::house::post(Operation::Confirm, body).send(addr);
                let _gone = tell.send(());
            });
        }
        for _ in 0..round * 2 {
            told.recv().unwrap();
        }
        house.sidecar.kill().unwrap();
    });
}

/// SIGTERM finishes what is under way: every confirm that was sent before gets its answer.
#[test]
fn a_graceful_stop_finishes_what_was_begun() {
    let mut house = House::build();
    let token = token_in(house.ask("native", ANN, 1).text());
    let body = house.envelope(&confirm("native", by_token(&token), NEW), fresh());
    let addr = house.signed();
    let mut line = rekey_tests::http::Line::connect(addr).unwrap();
    line.write(&crate::house::post(Operation::Confirm, &body).to_bytes("s")).unwrap();
    until("the message to be taken down", || {
        Ok((house.count("message WHERE operation = 'confirm'") > 0).then_some(()))
    })
    .unwrap();
    let status = house.sidecar.stop().unwrap();
    assert!(status.success(), "{status}");
    assert_eq!(outcome(&line.reply(false).unwrap()), "reset");
    house.restart();
    assert!(house.has_password(ANN, NEW) && !house.has_password(ANN, OLD));
    let mails = house.mailbox.wait_for(ANN, 2).unwrap();
    assert_eq!(mails.len(), 2, "the mail after the reset was not lost");
}

/// A mail server that comes late, and one that refuses: the ask waits or ends, and nothing else does.
#[test]
fn a_relay_that_comes_back_gets_the_mail_once() {
    let mut house = House::build();
    let port = house.mailbox.addr().port();
    house.mailbox.stop().unwrap();
    house.say(&initiate("native", ANN));
    until("an attempt to send", || Ok((house.count("mail WHERE attempts > 0") > 0).then_some(())))
        .unwrap();
    house.mailbox = Mailbox::start_on(&house.dir.path().join("mail"), port).unwrap();
    house.mailbox.wait_for(ANN, 1).unwrap();
    house.settle();
    assert_eq!(house.mailbox.mails_to(ANN).unwrap().len(), 1);
}

/// A frozen sidecar that goes on finds what it left.
#[test]
fn a_frozen_sidecar_goes_on() {
    let house = House::build();
    let token = token_in(house.ask("native", ANN, 1).text());
    house.sidecar.freeze();
    let body = house.envelope(&confirm("native", by_token(&token), NEW), fresh());
    let mut line = rekey_tests::http::Line::connect(house.signed()).unwrap();
    line.write(&crate::house::post(Operation::Confirm, &body).to_bytes("s")).unwrap();
    house.sidecar.thaw();
    assert_eq!(outcome(&line.reply(false).unwrap()), "reset");
}
