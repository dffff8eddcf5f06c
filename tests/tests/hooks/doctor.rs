//! What `rekey doctor` says of a service, good and bad.

use rekey_tests::stage::{Answer, Reaction, Received};
use sidecar::directory::{Finding, Grade};
use tempfile::TempDir;

use crate::rig::{ANN, OLD, Rig, email, with};

fn grades(findings: &[Finding]) -> Vec<(&str, Grade)> {
    findings.iter().map(|finding| (finding.of, finding.grade)).collect()
}

#[tokio::test]
async fn the_reference_receiver_is_good_and_stays_as_it_is() {
    let rig = Rig::new();
    rig.add("u1", ANN, OLD);
    let findings = rig.directory.examine(Some(&email(ANN))).await;
    let expected = ["connection", "signature", "write", "look-up", "account", "write"];
    assert_eq!(grades(&findings), expected.map(|of| (of, Grade::Good)), "{findings:#?}");
    assert_eq!(rig.hash("u1"), OLD);
    let told = format!("{findings:?}");
    assert!(!told.contains(ANN) && !told.contains(OLD), "{told}");
}

/// Answers everything as if it were in order, whoever asks.
fn careless(received: &Received) -> Reaction {
    let account = format!(
        "{{\"id\":\"u1\",\"etag\":\"1\",\"addresses\":[{{\"channel\":\"email\",\"address\":\"{ANN}\"}}],\
         \"status\":\"active\",\"second_factor\":false,\"password_hash\":\"h\"}}"
    );
    let is_u1 = received.text().contains("\"u1\"");
    Reaction::Answer(match received.target.as_str() {
        "/find" => Answer::json(200, format!("{{\"accounts\":[{account}]}}")),
        "/get" if is_u1 => Answer::json(200, format!("{{\"account\":{account}}}")),
        "/get" => Answer::json(200, "{\"account\":null}"),
        _ => Answer::json(200, "{\"written\":true}"),
    })
}

#[tokio::test]
async fn carelessness_is_found() {
    let dir = TempDir::new().unwrap();
    let (_server, directory) = with(&dir, "", careless);
    let findings = directory.examine(Some(&email(ANN))).await;
    let expected = [
        ("connection", Grade::Good),
        ("signature", Grade::Fault),
        ("write", Grade::Fault),
        ("look-up", Grade::Good),
        ("account", Grade::Good),
        ("write", Grade::Fault),
    ];
    assert_eq!(grades(&findings), expected, "{findings:#?}");
    let strangers = directory.examine(Some(&email("bob@example.com"))).await;
    assert_eq!(strangers.last().map(|last| (last.of, last.grade)), Some(("look-up", Grade::Fault)));
}

type React = fn(&Received) -> Reaction;

#[tokio::test]
async fn every_fault_has_its_remedy() {
    let dir = TempDir::new().unwrap();
    let table: [(React, &str); 7] = [
        (|_| Reaction::Answer(Answer::json(401, "{}")), "compare both clocks"),
        (|_| Reaction::Answer(Answer::json(404, "<html>")), "mend the path"),
        (|_| Reaction::Answer(Answer::json(301, "")), "redirects are not followed"),
        (|_| Reaction::Answer(Answer::json(500, "")), "the service's log"),
        (|_| Reaction::Answer(Answer::json(200, "{}")), "describes the call"),
        (|_| Reaction::Close, "http.timeout"),
        (
            |_| Reaction::Answer(Answer::json(200, "{\"account\":{}}")),
            "where no account has the id",
        ),
    ];
    for (react, remedy) in table {
        let (_server, directory) = with(&dir, "retries = 0", react);
        let findings = directory.examine(None).await;
        let [only] = findings.as_slice() else { panic!("{findings:#?}") };
        assert_eq!((only.of, only.grade), ("connection", Grade::Fault));
        assert!(only.remedy.as_deref().unwrap_or_default().contains(remedy), "{only:?}");
    }
}

#[tokio::test]
async fn a_clock_that_is_off_is_told() {
    let dir = TempDir::new().unwrap();
    let (_server, directory) = with(&dir, "", |_| {
        let answer = Answer::json(401, "{}");
        Reaction::Answer(answer.header("date", "Sun, 06 Nov 1994 08:49:37 GMT"))
    });
    let findings = directory.examine(None).await;
    assert_eq!(grades(&findings), [("clock", Grade::Warning), ("connection", Grade::Fault)]);
    assert!(findings[0].said.contains("behind ours"), "{findings:?}");
}
