//! `filters.yaml`: the app keeps its filters, resets need no token and are touched by none of them; the wrong order fails
//! closed.

use base64ct::{Base64UrlUnpadded, Encoding};
use rekey_tests::http::Call;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::json;
use tempfile::TempDir;

use crate::rig::{ASK, INITIATE, Rig, ask};

const ORIGIN: &str = "http://localhost:3000";

/// Who gives out the app's tokens.
struct Issuer {
    key: EcdsaKeyPair,
    dir: TempDir,
}

impl Issuer {
    fn draw() -> Self {
        let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
        let (x, y) = key.public_key().as_ref()[1..].split_at(32);
        let [x, y] = [x, y].map(Base64UrlUnpadded::encode_string);
        let key_of =
            json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "kid": "app", "x": x, "y": y});
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("jwks"), json!({"keys": [key_of]}).to_string()).unwrap();
        Self { key, dir }
    }

    fn token(&self) -> String {
        let encode =
            |json: serde_json::Value| Base64UrlUnpadded::encode_string(json.to_string().as_bytes());
        let head = encode(json!({"alg": "ES256", "kid": "app"}));
        let claims =
            encode(json!({"iss": "https://login.example", "sub": "jo", "exp": 4_000_000_000_u64}));
        let text = format!("{head}.{claims}");
        let signed = self.key.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        format!("{text}.{}", Base64UrlUnpadded::encode_string(signed.as_ref()))
    }

    fn start(&self, change: &[(&str, &str)]) -> Rig {
        let jwks = self.dir.path().join("jwks").display().to_string();
        Rig::start("filters.yaml", |options| {
            let options = options.swap("/etc/rekey/app.jwks.json", jwks);
            change.iter().fold(options, |options, (old, new)| options.swap(old, *new))
        })
    }
}

#[test]
fn the_app_keeps_its_filters() {
    let issuer = Issuer::draw();
    let rig = issuer.start(&[]);
    let call = || Call::post_json("/orders", "{}").header("origin", ORIGIN);
    for refused in [call(), call().header("authorization", "Bearer x.y.z")] {
        assert_eq!(rig.send(&refused).status, 401);
    }
    // Paths that the regex of claimed ones takes as well, and the filter passes on.
    for path in ["/api/orders%20x", "/admin%20/users", "/reset-settings%20", "/a;%252e"] {
        assert_eq!(rig.send(&Call::post_json(path, "{}")).status, 401, "{path}");
        assert_eq!(rig.send(&Call::get(path)).status, 401, "{path}");
    }
    assert!(rig.app.requests().is_empty());
    let bearer = format!("Bearer {}", issuer.token());
    let reply = rig.send(&call().header("authorization", &bearer));
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("access-control-allow-origin").as_deref(), Some(ORIGIN));
    assert_eq!(reply.header("x-marked").as_deref(), Some("by lua"));
    let seen = rig.app.requests().pop().unwrap();
    assert_eq!(
        (seen.text().as_str(), seen.header("x-marked")),
        ("{}\n-- marked", Some("by lua".into()))
    );
    rig.app.clear();
    assert_eq!(rig.passes(&Call::post_json("/login", "{}")).text(), "{}");
    let preflight = Call::new("OPTIONS", "/orders")
        .header("origin", ORIGIN)
        .header("access-control-request-method", "PUT");
    let reply = rig.send(&preflight);
    assert_eq!(
        reply.header("access-control-allow-methods").as_deref(),
        Some("GET, POST, PUT, PATCH, DELETE")
    );
    assert!(rig.app.requests().is_empty() && rig.sidecar.requests().is_empty());
}

#[test]
fn resets_need_no_token_and_are_touched_by_nobody() {
    let issuer = Issuer::draw();
    let rig = issuer.start(&[]);
    rig.serves();
    // Whatever he is or is not signed in as.
    for token in ["Bearer x.y.z", &format!("Bearer {}", issuer.token())] {
        let reply = rig.send(&ask().header("authorization", token));
        assert_eq!((reply.status, reply.header("x-marked")), (202, None), "{}", reply.text());
    }
    let seen = rig.sidecar.requests();
    assert!(seen.iter().all(|seen| seen.header("authorization").is_none()));
    for spelling in [
        "/Reset/v1/initiate",
        "/reset/v1/initiate;a",
        "/reset/v1/initiate/",
        "/reset/v1/.%252e/v1/initiate",
    ] {
        let reply = rig.send(&Call::post_json(spelling, ASK));
        assert_eq!(reply.status, 404, "{spelling}: {}", reply.text());
    }
    assert!(rig.app.requests().is_empty());
}

/// A token demanded for every path refuses resets, and Lua behind ours spoils the signature: neither leads to the app, or
/// to a message that the sidecar believes.
#[test]
fn a_wrong_order_fails_closed() {
    let issuer = Issuer::draw();
    let on_for_all = "- name: envoy.filters.http.lua\n                    disabled: false";
    let rig = issuer.start(&[(
        "- name: envoy.filters.http.lua\n                    disabled: true",
        on_for_all,
    )]);
    let reply = rig.send(&Call::post_json(INITIATE, ASK));
    assert_eq!((reply.status, reply.header("retry-after").as_deref()), (503, Some("5")));
    assert_eq!(rig.sidecar.requests().len(), 1);
    let everywhere = "requirement_map:\n                        app: { provider_name: app }";
    let rules = format!(
        "{everywhere}\n                      rules: [{{ match: {{ prefix: / }}, requires: {{ provider_name: app }} }}]"
    );
    let rig = issuer.start(&[(everywhere, &rules)]);
    // The refusal of the filter behind comes back through ours, in the dialect's words.
    assert_eq!(rig.send(&ask()).status, 400);
    assert!(rig.app.requests().is_empty() && rig.sidecar.requests().is_empty());
}
