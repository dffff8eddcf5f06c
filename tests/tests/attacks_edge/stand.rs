//! The stage of these tests, and what must hold after each of them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use contract::message::{Message, Operation};
use contract::name::Name;
use contract::signature::{EdgeKey, verify};
use rekey_tests::stage::{Answer, App, EnvoyOptions, Reaction, Received, Server, until};

use crate::dialects;
use crate::gateway::{self, Gateway, Options};

/// The key that this gateway signs with; drawn once for these tests.
pub(crate) const KEY: &str = "9f3c1b7ae04d58622c91d3f8a7b6405e1d2cf9083b64a75e8812c06fd4a93b57";

/// What may go on to the sidecar beside the signed body.
const UPSTREAM_HEADERS: [&str; 12] = [
    "content-length",
    "content-type",
    "host",
    "traceparent",
    "tracestate",
    "x-envoy-attempt-count",
    "x-envoy-expected-rq-timeout-ms",
    "x-envoy-internal",
    "x-envoy-original-path",
    "x-forwarded-proto",
    "x-rekey-operation",
    "x-request-id",
];

type Reacts = dyn Fn(&Received) -> Reaction + Send + Sync;

/// A gateway between an app and a stand-in for the sidecar.
pub(crate) struct Stand {
    pub(crate) app: App,
    pub(crate) gateway: Gateway,
    pub(crate) sidecar: Server,
    reacts: Arc<Mutex<Arc<Reacts>>>,
}

impl Stand {
    pub(crate) fn start() -> Self {
        Self::with(|options| options)
    }

    pub(crate) fn with(change: impl FnOnce(Options) -> Options) -> Self {
        let app = App::start().unwrap();
        let reacts: Arc<Mutex<Arc<Reacts>>> = Arc::new(Mutex::new(Arc::new(kindly)));
        let ours = Arc::clone(&reacts);
        let sidecar = Server::start(move |request| {
            let react = Arc::clone(&ours.lock().unwrap_or_else(PoisonError::into_inner));
            react(request)
        })
        .unwrap();
        let options = change(gateway::options(sidecar.addr(), app.addr(), KEY));
        let gateway = Gateway::start(&options);
        Self { app, gateway, sidecar, reacts }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.gateway.addr()
    }

    /// From now on the stand-in does this.
    pub(crate) fn sidecar_does(
        &self,
        react: impl Fn(&Received) -> Reaction + Send + Sync + 'static,
    ) {
        *self.reacts.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(react);
    }

    pub(crate) fn sidecar_is_kind(&self) {
        self.sidecar_does(kindly);
    }

    /// Every message that reached the stand-in; each is one that only our edge can have made, and nothing else came along.
    pub(crate) fn messages(&self) -> Vec<Message> {
        self.sidecar.requests().iter().map(genuine).collect()
    }

    /// What the app could have taken for a reset, a line each. The messages are judged, and both records cleared.
    pub(crate) fn escaped(&self) -> Vec<String> {
        self.messages();
        let resets = self.app.resets();
        self.app.clear();
        self.sidecar.clear();
        let show = |request: &Received| {
            format!("{} {}\n{}", request.method, request.target, request.text())
        };
        resets.iter().map(|(reset, request)| format!("{reset:?}: {}", show(request))).collect()
    }

    /// What holds at every moment. Clears both records.
    pub(crate) fn holds(&self, context: &str) {
        let escaped = self.escaped();
        assert!(escaped.is_empty(), "{context}: the app saw\n{}", escaped.join("\n"));
    }

    /// The next ordinary request of every dialect works, and the gateway has no complaint so far.
    pub(crate) fn lives(&self, context: &str) {
        for ordinary in dialects::ordinary() {
            let reply = ordinary.call.send(self.addr()).unwrap();
            assert_eq!(
                reply.status,
                ordinary.status,
                "{context}, then {}: {}",
                ordinary.name,
                reply.text()
            );
        }
        self.holds(context);
        let complaints = self.gateway.complaints();
        assert!(complaints.is_empty(), "{context}: {}", complaints.join("\n"));
    }

    /// Waits for a line of the access log that has this text.
    pub(crate) fn access_line(&self, part: &str) -> String {
        until("a line of the access log", || {
            let log = self.gateway.access_log();
            Ok(log.lines().find(|line| line.contains(part)).map(str::to_owned))
        })
        .unwrap()
    }
}

pub(crate) fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The sidecar's good answers.
pub(crate) fn kindly(request: &Received) -> Reaction {
    let (status, code, body) = match request.target.as_str() {
        "/v1/initiate" => (202, "accepted", r#"{"outcome":"accepted"}"#),
        "/v1/verify" => {
            (200, "granted", r#"{"outcome":"granted","token":"a1b2","expires_in":300}"#)
        }
        _ => (200, "reset", r#"{"outcome":"reset"}"#),
    };
    Reaction::Answer(Answer::json(status, body).header("rekey-outcome", code))
}

/// The audience of the shipped configuration.
fn audience() -> &'static Name {
    static AUDIENCE: OnceLock<Name> = OnceLock::new();
    AUDIENCE.get_or_init(|| {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
        let shipped = EnvoyOptions::new(nowhere, nowhere, nowhere).shipped_config().unwrap();
        let json: serde_json::Value = serde_json::from_str(&shipped).unwrap();
        Name::parse(json["audience"].as_str().unwrap()).unwrap()
    })
}

/// The message in a request, when signature, form and headers are as only our edge makes them.
pub(crate) fn genuine(request: &Received) -> Message {
    let shown = format!("{}{}", String::from_utf8_lossy(&request.head), request.text());
    let operation = Operation::from_path(&request.target).expect(&shown);
    let key = EdgeKey::parse(Name::parse("edge1").unwrap(), KEY).unwrap();
    let verified = verify(&request.body, &[key], audience(), operation, unix_now()).expect(&shown);
    let message = Message::decode(verified.json).expect(&shown);
    assert_eq!(message.encode().as_bytes(), verified.json, "{shown}");
    assert_eq!((message.operation(), request.method.as_str()), (operation, "POST"), "{shown}");
    assert!(request.trailers.is_empty(), "{shown}");
    for (name, _) in &request.headers {
        let known = UPSTREAM_HEADERS.contains(&name.to_ascii_lowercase().as_str());
        assert!(known, "{name} reached the sidecar\n{shown}");
    }
    assert_eq!(request.header("x-rekey-operation").as_deref(), Some(operation.as_str()), "{shown}");
    message
}
