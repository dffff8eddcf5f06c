//! Several relays: who is asked when one fails, who is not asked any more, and how a relay comes back.

use std::net::TcpListener;
use std::sync::atomic::Ordering;
use std::time::Duration;

use contract::address::Channel;

use crate::clock::Millis;
use crate::config::{Relay, Tls};

use super::relay_tests::{
    FRIENDLY, FakeRelay, LONG, NOW, SHORT, Script, config, courier, letter, relay,
};
use super::{Courier, Delivery, Reason};

/// A courier to these ports, in this order.
fn courier_to(ports: &[u16]) -> Courier {
    let mut config = config(0, Tls::None);
    let relay =
        |port: &u16| Relay { tls: Tls::None, host: "localhost".into(), port: *port, login: None };
    config.relays = ports.iter().map(relay).collect();
    courier(&config)
}

async fn send(courier: &Courier, now: Millis) -> Delivery {
    courier.send(&letter(Channel::Email, "a@b.example"), now).await
}

fn after(seconds: u64) -> Millis {
    NOW.plus(Duration::from_secs(seconds))
}

/// A port where nobody listens.
fn nobody() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn the_second_relay_takes_what_the_first_does_not() {
    let table = [
        ("greeting 554", Script { greeting: "554 no", ..FRIENDLY }),
        ("greeting 421", Script { greeting: "421 busy", ..FRIENDLY }),
        ("greeting silent", Script { greeting: "", ..FRIENDLY }),
        ("greeting garbage", Script { greeting: "HTTP/1.1 400 Bad Request", ..FRIENDLY }),
        ("greeting hang up", Script { greeting: "hang up", ..FRIENDLY }),
        ("mail 451", Script { mail: "451 later", ..FRIENDLY }),
        ("mail 530", Script { mail: "530 log in first", ..FRIENDLY }),
        ("rcpt 450", Script { rcpt: "450 greylisted", ..FRIENDLY }),
        ("rcpt silent", Script { rcpt: "", ..FRIENDLY }),
        ("data hang up", Script { data: "hang up", ..FRIENDLY }),
        ("content 452", Script { content: "452 full", ..FRIENDLY }),
    ];
    for (name, script) in table {
        let (first, second) = (relay(script), relay(FRIENDLY));
        let mut courier = courier_to(&[first.port, second.port]);
        // A crowded machine must not look like a silent relay.
        let is_silent = name.ends_with("silent");
        courier.set_patience(if is_silent { SHORT } else { LONG });
        assert_eq!(send(&courier, NOW).await, Delivery::Sent, "{name}");
        assert_eq!((first.seen().0, second.seen()), (1, (1, 1)), "{name}");
    }
    let second = relay(FRIENDLY);
    assert_eq!(send(&courier_to(&[nobody(), second.port]), NOW).await, Delivery::Sent);
}

#[tokio::test]
async fn a_refused_or_perhaps_taken_mail_goes_to_no_second_relay() {
    let table = [
        ("rcpt 550", Script { rcpt: "550 no", ..FRIENDLY }, Delivery::Dead(Reason::Recipient(550))),
        (
            "content 552",
            Script { content: "552 no", ..FRIENDLY },
            Delivery::Dead(Reason::Reply(552)),
        ),
        ("hang up", Script { content: "hang up", ..FRIENDLY }, Delivery::Later(Reason::Garbled)),
        ("silent", Script { content: "", ..FRIENDLY }, Delivery::Later(Reason::Timeout)),
    ];
    for (name, script, expected) in table {
        let (first, second) = (relay(script), relay(FRIENDLY));
        let mut courier = courier_to(&[first.port, second.port]);
        courier.set_patience(if name == "silent" { SHORT } else { LONG });
        assert_eq!(send(&courier, NOW).await, expected, "{name}");
        assert_eq!(second.seen(), (0, 0), "{name}");
    }
}

/// Sends until the first relay's breaker is open: five connections, all in vain.
async fn open(courier: &Courier, sick: &FakeRelay, expected: Delivery) {
    sick.sick.store(true, Ordering::SeqCst);
    for _ in 0..5 {
        assert_eq!(send(courier, NOW).await, expected);
    }
    assert_eq!(sick.seen(), (5, 0));
}

#[tokio::test]
async fn a_dead_relay_is_not_asked_any_more_until_it_heals() {
    let (first, second) = (relay(FRIENDLY), relay(FRIENDLY));
    let courier = courier_to(&[first.port, second.port]);
    open(&courier, &first, Delivery::Sent).await;
    for _ in 0..3 {
        assert_eq!(send(&courier, after(3)).await, Delivery::Sent);
    }
    assert_eq!((first.seen(), second.seen().1), ((0, 0), 8));
    assert_eq!(courier.rest(after(3)), None, "the second one goes on");
    // Once after 5 s, in vain; then not for 10 s; then healed.
    for (now, asked) in [(6, 1), (7, 0), (14, 0)] {
        assert_eq!(send(&courier, after(now)).await, Delivery::Sent);
        assert_eq!((first.seen(), second.seen().1), ((asked, 0), 1), "{now}");
    }
    first.sick.store(false, Ordering::SeqCst);
    for _ in 0..3 {
        assert_eq!(send(&courier, after(20)).await, Delivery::Sent);
    }
    assert_eq!((first.seen(), second.seen()), ((1, 3), (0, 0)));
}

#[tokio::test]
async fn where_all_rest_nobody_is_asked() {
    let only = relay(FRIENDLY);
    let courier = courier_to(&[only.port]);
    assert_eq!((courier.rest(NOW), courier.is_on_trial(NOW)), (None, false));
    open(&courier, &only, Delivery::Later(Reason::Reply(421))).await;
    assert_eq!(send(&courier, NOW).await, Delivery::Later(Reason::Resting));
    assert_eq!(only.seen(), (0, 0));
    let rest = courier.rest(after(1)).unwrap();
    assert!(rest > Duration::from_secs(3) && rest <= Duration::from_secs(5), "{rest:?}");
    // Half-open: room for the one that tries.
    assert_eq!((courier.rest(after(6)), courier.is_on_trial(after(6))), (None, true));
    only.sick.store(false, Ordering::SeqCst);
    assert_eq!(send(&courier, after(6)).await, Delivery::Sent);
    assert_eq!((courier.rest(after(6)), courier.is_on_trial(after(6))), (None, false));
}

#[tokio::test]
async fn what_a_relay_says_of_a_mail_does_not_close_the_way() {
    let scripts = [
        Script { rcpt: "450 greylisted", ..FRIENDLY },
        Script { rcpt: "550 no such user", ..FRIENDLY },
        Script { content: "452 full", ..FRIENDLY },
    ];
    for script in scripts {
        let relay = relay(script);
        let courier = courier_to(&[relay.port]);
        for _ in 0..7 {
            send(&courier, NOW).await;
        }
        assert_eq!((relay.seen().0, courier.rest(NOW)), (7, None));
    }
}

#[tokio::test]
async fn parallel_mails_share_few_connections() {
    let relay = relay(FRIENDLY);
    let courier = std::sync::Arc::new(courier_to(&[relay.port]));
    let mut sending = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let courier = std::sync::Arc::clone(&courier);
        sending.spawn(async move { send(&courier, NOW).await });
    }
    assert!(sending.join_all().await.iter().all(|sent| *sent == Delivery::Sent));
    let (connections, mails) = relay.seen();
    assert_eq!((connections <= 4, mails), (true, 40), "{connections}");
}
