//! How messages would leave: each relay up to the letter, the spool for texts, and who is asked for breached passwords.

use std::path::Path;
use std::time::Duration;

use contract::address::Email;
use lettre::Address;
use rustix::fs::{Access, access};
use tokio::time::Instant;

use super::{Area, Report};
use crate::config::{Config, Relay, Tls};
use crate::delivery::{Reason, Rehearsed, rehearse};
use crate::directory::{Finding, Grade};
use crate::password::Lookup;

/// For the look-up, which has a time-out of its own below it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Tries the relays, with this address for a recipient where there is one.
pub(super) async fn examine(config: &Config, to: Option<&Email>, report: &mut Report) {
    let senders = senders(config);
    let mut tried = Vec::new();
    for relay in &config.mail.relays {
        let findings = match rehearse(relay, &config.mail, &senders, to).await {
            Ok(rehearsed) => judge(relay, &rehearsed),
            Err(fault) => vec![Finding {
                remedy: None,
                ..Finding::fault("connection", fault.to_string(), "")
            }],
        };
        tried.push((format!("{}:{}", relay.host, relay.port), findings));
    }
    let is_good = |findings: &[Finding]| findings.iter().all(|one| one.grade == Grade::Good);
    let has_way = tried.iter().any(|(_, findings)| is_good(findings));
    for (name, findings) in tried {
        for mut finding in findings {
            if has_way && finding.grade == Grade::Fault {
                // Another relay takes the mails meanwhile.
                finding.grade = Grade::Warning;
            }
            report.add(Area::Mail, name.clone(), finding);
        }
    }
    if let Some(sms) = &config.sms {
        report.add(Area::Texts, "spool", spool(&sms.spool));
    }
    lookup(config, report).await;
}

/// Of all sites, each once.
fn senders(config: &Config) -> Vec<Address> {
    let mut senders: Vec<Address> =
        config.sites.iter().map(|site| site.sender.from.email.clone()).collect();
    senders.dedup();
    senders
}

fn judge(relay: &Relay, rehearsed: &Rehearsed) -> Vec<Finding> {
    let mut findings = vec![match rehearsed.opened {
        Ok(()) => Finding::good("connection", told(relay)),
        Err(reason) => Finding::fault("connection", reason.to_string(), remedy(reason)),
    }];
    for (sender, taken) in &rehearsed.senders {
        findings.push(match taken {
            Ok(()) => Finding::good("sender", format!("it takes mail from {}", sender.domain())),
            Err(reason) => Finding::fault(
                "sender",
                format!("it takes no mail from {}: {reason}", sender.domain()),
                "set mail.from (or the site's `from`) to an address that this relay sends for",
            ),
        });
    }
    match rehearsed.recipient {
        None => {}
        Some(Ok(())) => findings.push(Finding::good("recipient", "it takes mail to this address")),
        Some(Err(reason)) => findings.push(Finding::warning(
            "recipient",
            format!("it takes no mail to this address: {reason}"),
            "ask whoever runs the relay: it may not relay for us, or the mailbox is not there",
        )),
    }
    findings
}

fn told(relay: &Relay) -> String {
    let way = match relay.tls {
        Tls::None => "in the clear, on this machine",
        Tls::Implicit => "over TLS, its certificate good",
        Tls::Starttls => "over STARTTLS, its certificate good",
    };
    let login = if relay.login.is_some() { ", and logged in" } else { "" };
    format!("connected {way}{login}")
}

fn remedy(reason: Reason) -> &'static str {
    match reason {
        Reason::Unreachable | Reason::Timeout => {
            "is the relay of mail.relay up, and does no firewall stand between?"
        }
        Reason::Tls => {
            "its certificate must be for the host of mail.relay, and signed by a root that this system trusts"
        }
        Reason::Insecure => "write smtps:// for a relay that speaks TLS from the first byte",
        Reason::Reply(530 | 534 | 535 | 538) => {
            "look at mail.user, and at the file of mail.password"
        }
        Reason::Garbled => "does the port of mail.relay speak SMTP, and is smtps:// meant?",
        _ => "ask whoever runs the relay what it has against us",
    }
}

fn spool(path: &Path) -> Finding {
    let place = path.display();
    let remedy = format!("give the sidecar's user the right to write into {place}");
    if !path.exists() {
        let parent = path.parent().unwrap_or(Path::new("."));
        return match access(parent, Access::WRITE_OK | Access::EXEC_OK) {
            Ok(()) => Finding::good("spool", format!("{place} is made with the first text")),
            Err(_) => Finding::fault("spool", format!("{place} cannot be made"), remedy),
        };
    }
    match access(path, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) if path.is_dir() => Finding::good("spool", format!("{place} can be written")),
        _ => Finding::fault("spool", format!("{place} cannot be written"), remedy),
    }
}

async fn lookup(config: &Config, report: &mut Report) {
    let Some(lookup) = &config.lookup else {
        return;
    };
    let asked = match Lookup::new(lookup) {
        Ok(asked) => asked.ask("password", Instant::now() + PATIENCE).await,
        Err(fault) => Err(fault),
    };
    let remedy = "look at password.breached_lookup, and at the way to it from here";
    let finding = match asked {
        Ok(true) => Finding::good("answer", "it answers, and knows the worst password there is"),
        Ok(false) => Finding::warning(
            "answer",
            "it answers, and does not know the password `password`",
            remedy,
        ),
        Err(fault) if lookup.fails_open => {
            Finding::warning("answer", format!("{fault}; meanwhile passwords pass unasked"), remedy)
        }
        Err(fault) => {
            Finding::fault("answer", format!("{fault}; nobody can reset a password"), remedy)
        }
    };
    report.add(Area::Lookup, lookup.url.as_str(), finding);
}
