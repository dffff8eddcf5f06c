//! The access log says what the filter made of a request: dialect, operation and outcome; of others it says nothing.

use rekey_tests::stage::until;
use serde_json::Value;

use crate::labels::{Stand, act};

#[test]
fn the_access_log_has_dialect_operation_and_outcome() {
    let mut stand = Stand::start();
    act(&mut stand);
    let lines = || {
        let log = stand.envoy.access_log();
        let lines: Vec<Value> =
            log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        Ok(Some(lines).filter(|lines| lines.len() == 11))
    };
    let lines = until("the access log", lines).unwrap();
    let mut seen: Vec<(u64, &str)> = lines
        .iter()
        .map(|line| (line["status"].as_u64().unwrap(), line["rekey"].as_str().unwrap_or("none")))
        .collect();
    seen.sort_unstable();
    let wanted = [
        (200, "none"),
        (202, "native.initiate.accepted"),
        (405, "native.initiate.method_not_allowed"),
        (429, "native.initiate.throttled"),
        (503, "native.initiate.busy"),
        (503, "native.initiate.unreachable"),
        (503, "native.initiate.unreachable"),
        (503, "native.initiate.unreadable"),
        (503, "native.initiate.unreadable"),
        (503, "native.initiate.unreadable"),
        (503, "native.initiate.unsigned"),
    ];
    assert_eq!(seen, wanted);
    assert_eq!(stand.app.requests().len(), 1);
}
