//! `tracing.yaml`: the trace of a request goes on to the sidecar, and no span has a query.

use rekey_tests::http::Call;
use rekey_tests::stage::{Answer, Reaction, Received, Server, until};

use crate::rig::{Rig, ask};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn trace_of(request: &Received) -> String {
    let parent = request.header("traceparent").expect("a trace");
    parent.split('-').nth(1).expect("its id").to_owned()
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn traces_reach_the_sidecar_and_hold_no_query() {
    let collector = Server::start(|_| Reaction::Answer(Answer::json(200, "{}"))).unwrap();
    let rig = Rig::start("tracing.yaml", |options| {
        let place = format!("\"127.0.0.1\", port_value: {}", collector.addr().port());
        options
            .swap("127.0.0.1, port_value: 4318", place)
            .swap("random_sampling: { value: 10 }", "random_sampling: { value: 100 }")
    });
    rig.send(&ask());
    let drawn = trace_of(rig.sidecar.requests().last().unwrap());
    assert!(drawn.len() == 32 && drawn != TRACE);
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    rig.send(&ask().header("traceparent", &parent));
    let seen = rig.sidecar.requests().pop().unwrap();
    assert_eq!(trace_of(&seen), TRACE, "the client's goes on");
    assert_ne!(seen.header("traceparent").unwrap(), parent, "under a span of the gateway's");
    rig.send(&Call::get("/old?token=in-the-query"));
    rig.send(&Call::get("/reset/v1/initiate?token=in-the-query"));
    let spans = || {
        let spans: Vec<u8> = collector.requests().into_iter().flat_map(|one| one.body).collect();
        Ok(Some(spans).filter(|spans| holds(spans, b"/old")))
    };
    let spans = until("spans", spans).unwrap();
    assert!(holds(&spans, b"http.url") && !holds(&spans, b"in-the-query"));
}
