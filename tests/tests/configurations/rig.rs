//! A gateway of one of the files, between an app and a stand-in for the sidecar that believes only our edge.

use std::time::{SystemTime, UNIX_EPOCH};

use contract::message::Operation;
use contract::name::Name;
use contract::signature::{EdgeKey, verify};
use rekey_tests::http::{Call, Reply};
use rekey_tests::stage::{Answer, App, Envoy, EnvoyOptions, Reaction, Received, Server};

pub(crate) const KEY: &str = "9f3c1b7ae04d58622c91d3f8a7b6405e1d2cf9083b64a75e8812c06fd4a93b57";
pub(crate) const INITIATE: &str = "/reset/v1/initiate";
pub(crate) const ASK: &str = r#"{"channel":"email","to":"jo.mark@example.com"}"#;

/// The gateway and what stands behind it.
pub(crate) struct Rig {
    pub(crate) app: App,
    pub(crate) envoy: Envoy,
    pub(crate) sidecar: Server,
}

impl Rig {
    pub(crate) fn start(file: &str, change: impl FnOnce(EnvoyOptions) -> EnvoyOptions) -> Self {
        let (app, sidecar) = (App::start().unwrap(), Server::start(believing).unwrap());
        let options = EnvoyOptions::new(sidecar.addr(), sidecar.addr(), app.addr()).file(file);
        let options = change(options.env("REKEY_EDGE_KEY", KEY));
        let (status, log) = Envoy::validate(&options).unwrap();
        assert!(status.success(), "{file}: {log}");
        Self { app, envoy: Envoy::start(&options).unwrap(), sidecar }
    }

    pub(crate) fn send(&self, call: &Call) -> Reply {
        call.send(self.envoy.addr()).unwrap()
    }

    /// A reset begins, and the app hears nothing of it.
    pub(crate) fn serves(&self) {
        let reply = self.send(&ask());
        assert_eq!((reply.status, self.app.requests().len()), (202, 0), "{}", reply.text());
        assert_eq!(self.sidecar.requests().last().unwrap().target, "/v1/initiate");
        self.sidecar.clear();
    }

    /// What goes to the app comes there as it was sent.
    pub(crate) fn passes(&self, call: &Call) -> Received {
        let reply = self.send(call);
        assert_eq!(reply.status, 200, "{}", reply.text());
        let seen = self.app.requests().pop().expect("a request at the app");
        self.app.clear();
        seen
    }
}

pub(crate) fn ask() -> Call {
    Call::post_json(INITIATE, ASK)
}

/// What a sidecar answers to what our edge signed, and to anything else.
pub(crate) fn believing(request: &Received) -> Reaction {
    let unsigned = r#"{"type":"urn:rekey:problem:unsigned","title":"x","status":401,"code":"unsigned","instance":"i"}"#;
    let (status, code, body) = match Operation::from_path(&request.target) {
        Some(operation) if !is_ours(request, operation) => (401, "unsigned", unsigned),
        Some(Operation::Initiate) => (202, "accepted", r#"{"outcome":"accepted"}"#),
        Some(Operation::Verify) => {
            (200, "granted", r#"{"outcome":"granted","token":"a1b2","expires_in":300}"#)
        }
        Some(Operation::Confirm) => (200, "reset", r#"{"outcome":"reset"}"#),
        None => (404, "none", "not found"),
    };
    Reaction::Answer(Answer::json(status, body).header("rekey-outcome", code))
}

fn is_ours(request: &Received, operation: Operation) -> bool {
    let name = |text| Name::parse(text).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let key = EdgeKey::parse(name("edge1"), KEY).unwrap();
    verify(&request.body, &[key], &name("default"), operation, now).is_ok()
}
