//! `envoy.yaml`: what everybody may read comes from the sidecar's public listener, and is shaped when that is away.

use rekey_tests::http::Call;
use rekey_tests::stage::{Answer, Reaction, Received, Server};

use crate::rig::Rig;

const KEYS: &str = "/.well-known/jwks.json";
const CHANGE: &str = "/.well-known/change-password";

fn public(request: &Received) -> Reaction {
    Reaction::Answer(match request.target.as_str() {
        KEYS => Answer::json(200, r#"{"keys":[]}"#),
        CHANGE => Answer::json(302, "").header("location", "https://gateway.example/reset"),
        _ => Answer::json(404, ""),
    })
}

#[test]
fn public_documents_come_from_the_sidecar_or_are_busy() {
    let mut sidecar = Server::start(public).unwrap();
    let rig = Rig::start("envoy.yaml", |mut options| {
        options.public = sidecar.addr();
        options
    });
    for method in ["GET", "HEAD"] {
        assert_eq!(rig.send(&Call::new(method, KEYS)).status, 200);
        assert_eq!(rig.send(&Call::new(method, CHANGE)).status, 302);
    }
    // Whatever else is asked there is the app's.
    rig.passes(&Call::post_json(KEYS, "{}"));
    rig.passes(&Call::get("/.well-known/other"));
    sidecar.stop();
    for path in [KEYS, CHANGE] {
        let reply = rig.send(&Call::get(path));
        let header = |name: &str| reply.header(name).unwrap_or_default();
        assert_eq!((reply.status, header("retry-after").as_str()), (503, "5"));
        assert_eq!(header("content-type"), "application/problem+json; charset=utf-8");
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(reply.json().unwrap()["code"], "busy");
    }
    assert!(rig.app.requests().is_empty());
}
