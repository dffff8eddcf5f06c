//! `hosts.yaml`: each host has the dialect of its own filter, and nobody else's.

use rekey_tests::http::Call;

use crate::rig::{ASK, INITIATE, Rig};

const SEND_EMAIL: &str = "/api/v3/send-email";

fn native(host: &str) -> Call {
    Call::post_json(INITIATE, ASK).header("host", host)
}

fn authing(host: &str) -> Call {
    let body = r#"{"channel":"CHANNEL_RESET_PASSWORD","email":"jo.mark@example.com"}"#;
    Call::post_json(SEND_EMAIL, body).header("x-authing-app-id", "app1").header("host", host)
}

#[test]
fn hosts_have_dialects_of_their_own() {
    let rig = Rig::start("hosts.yaml", |options| options);
    for (call, status) in [
        (native("staff.example"), 202),
        (native("staff.example:8443"), 202),
        (authing("shop.example"), 200),
        (authing("SHOP.example"), 200),
    ] {
        let reply = rig.send(&call);
        assert_eq!(reply.status, status, "{}", reply.text());
        assert!(rig.app.requests().is_empty());
    }
    assert_eq!(rig.sidecar.requests().len(), 4);
    rig.sidecar.clear();
    for call in [
        native("shop.example"),
        authing("staff.example"),
        native("other.example"),
        authing("other.example"),
        native("staff.example.evil.example"),
    ] {
        rig.passes(&call);
    }
    assert!(rig.sidecar.requests().is_empty());
}

/// Whose filter answers is whose words are heard, also when nobody is there to be asked.
#[test]
fn hosts_say_busy_in_their_own_words() {
    let mut rig = Rig::start("hosts.yaml", |options| options);
    rig.sidecar.stop();
    let staff = rig.send(&native("staff.example")).text();
    assert!(staff.contains("urn:rekey:problem:busy"), "{staff}");
    let shop = rig.send(&authing("shop.example")).text();
    assert!(shop.contains("\"statusCode\":503"), "{shop}");
    assert!(rig.app.requests().is_empty());
}
