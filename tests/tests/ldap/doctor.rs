//! What the doctor is told: every fault with its remedy, and the rules of access that give what is needed and no more.

use rekey_tests::stage::{ADMIN, BASE, LOWLY, PASSWORD, Slapd, SlapdOptions};
use sidecar::directory::{Finding, Grade, Written};

use crate::rig::{NEW, OLD, Side, company, logs_in, mail, person, start};

async fn told(side: &Side, email: Option<&str>) -> Vec<Finding> {
    let sample = email.map(mail);
    let findings = side.ldap.examine(sample.as_ref()).await;
    for finding in &findings {
        let text = format!("{} {:?}", finding.said, finding.remedy);
        for secret in [OLD, PASSWORD, "anna@example.org"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert_eq!(finding.remedy.is_some(), finding.grade != Grade::Good, "{finding:?}");
    }
    findings
}

fn grade(findings: &[Finding], of: &str) -> Grade {
    let found = findings.iter().filter(|finding| finding.of == of).map(|finding| finding.grade);
    found.max().unwrap_or_else(|| panic!("nothing of {of}: {findings:?}"))
}

/// The `olcAccess` lines of a remedy, as `slapd.conf` writes them.
fn rules(findings: &[Finding]) -> Option<String> {
    let remedies = findings.iter().filter_map(|finding| finding.remedy.as_deref());
    let lines: Vec<String> = remedies
        .flat_map(str::lines)
        .filter_map(|line| line.strip_prefix("olcAccess: to "))
        .map(|rule| format!("access to {rule}\n"))
        .collect();
    let mut unique: Vec<String> = Vec::new();
    lines.into_iter().for_each(|line| {
        if !unique.contains(&line) {
            unique.push(line)
        }
    });
    (!unique.is_empty()).then(|| unique.concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_directory_has_no_fault() {
    let slapd = company("", &["anna"]);
    for write in ["hash", "modify-password"] {
        let side = Side::of(&slapd, &format!("write = \"{write}\""));
        for email in [Some("anna@example.org"), None] {
            let findings = told(&side, email).await;
            assert!(findings.iter().all(|finding| finding.grade == Grade::Good), "{findings:#?}");
            for of in ["connection", "attributes", "base", "account", "write"] {
                grade(&findings, of);
            }
        }
    }
    assert!(logs_in(&slapd, "anna", OLD).await, "trying leaves nothing");
}

/// What it says to write into the configuration is enough, and the least.
#[tokio::test(flavor = "multi_thread")]
async fn the_rules_that_it_names_suffice() {
    let closed = "access to * by anonymous auth\n";
    for (write, sees_hash) in [("modify-password", false), ("hash", true)] {
        let text = format!("write = \"{write}\"\nset = \"employeeType=reset\"");
        let slapd = company(closed, &["anna"]);
        let side = Side::lowly(&slapd, &text);
        let findings = told(&side, Some("anna@example.org")).await;
        assert_eq!(grade(&findings, "base"), Grade::Fault);
        let rules = rules(&findings).unwrap();
        let slapd = company(&format!("{rules}{closed}"), &["anna"]);
        let side = Side::lowly(&slapd, &text);
        let findings = told(&side, Some("anna@example.org")).await;
        assert!(
            findings.iter().all(|finding| finding.grade != Grade::Fault),
            "{rules}\n{findings:#?}"
        );
        let anna = side.one("anna@example.org").await;
        assert_eq!(anna.password_hash.is_some(), sees_hash, "{write}");
        assert_eq!(side.write(&anna, NEW).await, Ok(Written::Done), "{write}");
        assert!(logs_in(&slapd, "anna", NEW).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_found() {
    let read_only = format!("access to * by dn.exact=\"{LOWLY}\" read by * auth\n");
    let slapd = company(&read_only, &["anna"]);
    let write = told(&Side::lowly(&slapd, ""), None).await;
    assert_eq!(grade(&write, "write"), Grade::Fault);
    let slapd = company("readonly on\n", &["anna"]);
    assert_eq!(grade(&told(&Side::of(&slapd, ""), None).await, "write"), Grade::Fault);
    let slapd = company("", &["anna"]);
    let unknown = told(&Side::of(&slapd, "attributes.email = [\"mail\", \"noMail\"]"), None).await;
    assert_eq!(grade(&unknown, "attributes"), Grade::Fault);
    assert!(unknown.iter().any(|finding| finding.said.contains("noMail")));
    let nobody = told(&Side::of(&slapd, "filter = \"(uid=nobody)\""), None).await;
    assert_eq!(grade(&nobody, "find"), Grade::Fault);
    let wrong =
        Side::with(&format!("\"{}\"", slapd.url()), ADMIN, "wrong", &format!("base = \"{BASE}\""));
    let findings = told(&wrong, None).await;
    assert_eq!((findings.len(), grade(&findings, "connection")), (1, Grade::Fault));
    let nowhere = Side::with(&format!("\"{}\"", slapd.url()), ADMIN, PASSWORD, "base = \"dc=x\"");
    assert_eq!(grade(&told(&nowhere, None).await, "base"), Grade::Fault);
    let url = format!("[\"{}\", \"ldap://127.0.0.1:1\"]", slapd.url());
    assert_eq!(grade(&told(&Side::at(&url, ADMIN, ""), None).await, "connection"), Grade::Fault);
}

/// Nothing but the entry's own number can be read: that is told.
#[tokio::test(flavor = "multi_thread")]
async fn what_ends_links_needlessly_is_told() {
    let hidden = format!(
        "access to attrs=userPassword by dn.exact=\"{LOWLY}\" =w by * auth\naccess to * by dn.exact=\"{LOWLY}\" read by * auth\n"
    );
    let slapd: Slapd = start(&SlapdOptions {
        database: hidden,
        entries: person("anna", ""),
        ..SlapdOptions::default()
    });
    let findings = told(&Side::lowly(&slapd, ""), Some("anna@example.org")).await;
    assert_eq!(grade(&findings, "revision"), Grade::Warning);
    assert_eq!(grade(&findings, "write"), Grade::Good);
    let findings = told(&Side::lowly(&slapd, "write = \"hash\""), Some("anna@example.org")).await;
    assert_eq!(grade(&findings, "hash"), Grade::Warning);
}
