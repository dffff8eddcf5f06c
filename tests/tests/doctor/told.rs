//! What `rekey doctor --json` said, read.

use rekey_tests::house::Crew;
use rekey_tests::stage::Told as Said;
use serde_json::Value;

#[derive(Debug)]
pub(super) struct Told {
    pub(super) code: i32,
    pub(super) grade: String,
    pub(super) findings: Vec<Finding>,
    /// All of the output.
    pub(super) text: String,
}

#[derive(Debug)]
pub(super) struct Finding {
    pub(super) area: String,
    pub(super) of: String,
    pub(super) grade: String,
    pub(super) said: String,
    pub(super) remedy: Option<String>,
}

impl Told {
    pub(super) fn has(&self, area: &str, of: &str, said: &str) -> bool {
        self.find(area, of).any(|finding| finding.said.contains(said))
    }

    pub(super) fn has_graded(&self, area: &str, of: &str, grade: &str, said: &str) -> bool {
        self.find(area, of).any(|finding| finding.grade == grade && finding.said.contains(said))
    }

    /// Every fault has a remedy, in its own words or beside it; and of all findings only these are none.
    pub(super) fn faults(&self) -> Vec<&Finding> {
        self.findings.iter().filter(|finding| finding.grade == "fault").collect()
    }

    fn find(&self, area: &str, of: &str) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.area == area && finding.of == of)
    }
}

/// Runs it beside the crew's first sidecar.
pub(super) fn doctor(crew: &Crew, words: &[&str]) -> Told {
    read(crew.sidecar.rekey(&[&["doctor"], words, &["--json"]].concat(), "").unwrap())
}

#[expect(clippy::needless_pass_by_value, reason = "it is used up")]
pub(super) fn read(said: Said) -> Told {
    let text = format!("{}{}", said.out, said.err);
    let json: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("no JSON: {text}"));
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let finding = |value: &Value| {
        let members: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["area", "grade", "of", "remedy", "said", "subject"]);
        Finding {
            area: word(&value["area"]),
            of: word(&value["of"]),
            grade: word(&value["grade"]),
            said: word(&value["said"]),
            remedy: value["remedy"].as_str().map(str::to_owned),
        }
    };
    let findings = json["findings"].as_array().unwrap().iter().map(finding).collect();
    Told { code: said.status.code().unwrap(), grade: word(&json["grade"]), findings, text }
}
