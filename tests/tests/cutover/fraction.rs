//! A share of the asks goes to the app's old reset, by Envoy's runtime; what answers an ask finds whoever sent it.

use rekey_tests::http::Call;
use serde_json::json;

use crate::stand::{Kind, Stand, confirm, initiate};

const ASKS: usize = 400;

fn set(stand: &Stand, share: &str) {
    let call = Call::new("POST", &format!("/runtime_modify?rekey.initiate={share}"));
    let reply = call.send(stand.admin()).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.text());
}

/// How many of the asks came to the sidecar; all others came to the app, and each was answered by whom it came to.
fn taken(stand: &Stand) -> usize {
    let statuses: Vec<u16> = (0..ASKS).map(|_| stand.send(&initiate()).status).collect();
    let answered = |status: u16| statuses.iter().filter(|one| **one == status).count();
    let (app, messages) = stand.seen();
    assert_eq!(app.len() + messages.len(), ASKS);
    assert_eq!((answered(200), answered(202)), (app.len(), messages.len()));
    messages.len()
}

#[test]
fn a_share_of_the_asks_is_ours() {
    let stand = Stand::start(Kind::Envoy, &[]);
    assert_eq!(taken(&stand), ASKS, "all, where nobody says otherwise");
    set(&stand, "0");
    assert_eq!(taken(&stand), 0);
    set(&stand, "50");
    let half = taken(&stand);
    // Six standard deviations.
    assert!((140..=260).contains(&half), "{half} of {ASKS}");
    set(&stand, "100");
    assert_eq!(taken(&stand), ASKS);
}

/// Whatever the share is: confirms enter the filter, and so does every other spelling of an ask.
#[test]
fn nothing_but_an_ask_draws_a_lot() {
    let changes = [("/dialects/native/legacy_until", json!("9000-01-01"))];
    let stand = Stand::start(Kind::Envoy, &changes);
    set(&stand, "0");
    let ours = "0123456789abcdef".repeat(4);
    for (token, status, expected) in [(ours.as_str(), 400, (0, 1)), ("theirs", 200, (1, 0))] {
        for _ in 0..20 {
            assert_eq!(stand.send(&confirm(token)).status, status, "{token}");
            let (app, messages) = stand.seen();
            assert_eq!((app.len(), messages.len()), expected, "{token}");
        }
    }
    let spellings = [
        "/reset/v1/initiate/",
        "/RESET/v1/initiate",
        "/reset/v1/initiate;x",
        "/reset/v1/initiate%20",
    ];
    for path in spellings {
        let reply = stand.send(&Call::new("POST", path).body(b"{}"));
        assert_eq!((reply.status, stand.seen().0.len()), (404, 0), "{path}");
    }
    for method in ["GET", "PUT", "HEAD"] {
        let reply = stand.send(&Call::new(method, "/reset/v1/initiate"));
        assert_eq!((reply.status, stand.seen().0.len()), (405, 0), "{method}");
    }
    // The header by which a request is ours is nobody else's, on the way round the filter either.
    let reply = stand.send(&initiate().header("x-rekey-operation", "confirm"));
    assert_eq!(reply.status, 200);
    let (app, messages) = stand.seen();
    assert_eq!((app.len(), messages.len()), (1, 0));
    assert_eq!(app[0].header("x-rekey-operation"), None);
}
