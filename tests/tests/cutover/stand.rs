//! A gateway of either kind between an app and a stand-in for the sidecar.

use std::net::SocketAddr;

use contract::message::{Message, Operation};
use contract::outcome::{Outcome, Refusal};
use rekey_tests::http::{Call, Reply};
use rekey_tests::stage::{
    Answer, App, Edge, EdgeOptions, Envoy, EnvoyOptions, Reaction, Received, Server,
};
use serde_json::{Value, json};

pub(crate) const KEY: &str = "9f3c1b7ae04d58622c91d3f8a7b6405e1d2cf9083b64a75e8812c06fd4a93b57";

/// Which gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Edge,
    Envoy,
}

pub(crate) struct Stand {
    pub(crate) app: App,
    pub(crate) sidecar: Server,
    gateway: Gateway,
}

enum Gateway {
    Edge(Edge),
    Envoy(Envoy),
}

impl Kind {
    pub(crate) const BOTH: [Self; 2] = [Self::Edge, Self::Envoy];
}

/// The shipped configuration with some members set.
pub(crate) fn shipped(changes: &[(&str, Value)]) -> String {
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
    let text = EnvoyOptions::new(nowhere, nowhere, nowhere).shipped_config().unwrap();
    let mut configuration: Value = serde_json::from_str(&text).unwrap();
    for (pointer, value) in changes {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        configuration.pointer_mut(parent).unwrap()[name] = value.clone();
    }
    configuration.to_string()
}

impl Stand {
    pub(crate) fn start(kind: Kind, changes: &[(&str, Value)]) -> Self {
        Self::with(kind, &shipped(changes))
    }

    pub(crate) fn with(kind: Kind, configuration: &str) -> Self {
        let app = App::start().unwrap();
        let sidecar = Server::start(judge).unwrap();
        let gateway = match kind {
            Kind::Edge => {
                let mut options = EdgeOptions::new(sidecar.addr(), app.addr(), KEY).unwrap();
                configuration.clone_into(&mut options.filter);
                Gateway::Edge(Edge::start(&options).unwrap())
            }
            Kind::Envoy => {
                let mut options = EnvoyOptions::new(sidecar.addr(), sidecar.addr(), app.addr());
                options.plugin_config = Some(configuration.to_owned());
                Gateway::Envoy(Envoy::start(&options.env("REKEY_EDGE_KEY", KEY)).unwrap())
            }
        };
        Self { app, sidecar, gateway }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        match &self.gateway {
            Gateway::Edge(edge) => edge.addr(),
            Gateway::Envoy(envoy) => envoy.addr(),
        }
    }

    pub(crate) fn admin(&self) -> SocketAddr {
        match &self.gateway {
            Gateway::Edge(edge) => edge.admin().unwrap(),
            Gateway::Envoy(envoy) => envoy.admin(),
        }
    }

    pub(crate) fn send(&self, call: &Call) -> Reply {
        call.send(self.addr()).unwrap()
    }

    /// How often the gateway counted this.
    pub(crate) fn counted(&self, dialect: &str, operation: &str, outcome: &str) -> u64 {
        let path = match &self.gateway {
            Gateway::Edge(_) => "/metrics",
            Gateway::Envoy(_) => "/stats/prometheus",
        };
        let labels =
            format!("dialect=\"{dialect}\",operation=\"{operation}\",outcome=\"{outcome}\"");
        let text = Call::get(path).send(self.admin()).unwrap().text();
        let line = format!("rekey_edge_requests_total{{{labels}}} ");
        text.lines()
            .find_map(|shown| shown.strip_prefix(&line))
            .map_or(0, |count| count.trim().parse().unwrap())
    }

    /// What reached the app and the sidecar since the last look.
    pub(crate) fn seen(&self) -> (Vec<Received>, Vec<Message>) {
        let app = self.app.requests();
        let messages = self.sidecar.requests().iter().map(message).collect();
        self.app.clear();
        self.sidecar.clear();
        (app, messages)
    }
}

pub(crate) fn post(target: &str, body: &Value) -> Call {
    Call::new("POST", target)
        .header("content-type", "application/json")
        .body(body.to_string().as_bytes())
}

pub(crate) fn initiate() -> Call {
    post("/reset/v1/initiate", &json!({"channel": "email", "to": "jo.mark@example.com"}))
}

pub(crate) fn confirm(token: &str) -> Call {
    post("/reset/v1/confirm", &json!({"token": token, "password": "correct horse battery"}))
}

fn message(request: &Received) -> Message {
    let json = request.body.splitn(2, |byte| *byte == b'\n').nth(1).unwrap();
    Message::decode(json).unwrap()
}

/// As a sidecar that knows no proof.
fn judge(request: &Received) -> Reaction {
    let outcome = match Operation::from_path(&request.target) {
        Some(Operation::Initiate) => Outcome::Accepted,
        _ => Outcome::Refused(Refusal::ProofInvalid),
    };
    let answer = Answer::json(outcome.status(), outcome.encode("stand"));
    Reaction::Answer(answer.header("rekey-outcome", outcome.code()))
}
