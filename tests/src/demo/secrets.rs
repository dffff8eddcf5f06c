//! Everything that must stand in no log, and the search for it.

use crate::installation::Logs;

/// What must never be logged, each with its kind.
#[derive(Debug, Default)]
pub(super) struct Secrets(Vec<(&'static str, String)>);

impl Secrets {
    pub(super) fn keep(&mut self, kind: &'static str, secret: &str) {
        let known = self.0.iter().any(|(_, other)| other == secret);
        if !secret.is_empty() && !known {
            self.0.push((kind, secret.to_owned()));
        }
    }

    #[must_use]
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Which secrets stand in which log.
    #[must_use]
    pub(super) fn found_in(&self, logs: &Logs) -> Vec<String> {
        let named = [
            ("the access log", &logs.access),
            ("the gateway's log", &logs.gateway),
            ("the sidecar's log", &logs.sidecar),
        ];
        let mut found = Vec::new();
        for (name, log) in named {
            let log = log.to_lowercase();
            for (kind, secret) in &self.0 {
                if stands_in(&log, &secret.to_lowercase()) {
                    found.push(format!("the {kind} {secret} in {name}"));
                }
            }
        }
        found
    }
}

/// Whether the secret stands there, also percent-encoded; not as a part of a longer number or word, because six digits
/// are soon found in fractions of seconds.
fn stands_in(log: &str, secret: &str) -> bool {
    let encoded = secret.replace('@', "%40").replace('+', "%2b").replace(' ', "%20");
    [secret, encoded.as_str()].iter().any(|needle| {
        log.match_indices(needle).any(|(at, _)| {
            let before = log[..at].chars().next_back();
            let after = log[at + needle.len()..].chars().next();
            let glued = |c: char| c.is_ascii_alphanumeric() || c == '.';
            needle.len() > 8
                || !(before.is_some_and(glued) || after.is_some_and(|c| c.is_ascii_alphanumeric()))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_found_and_numbers_are_not() {
        let log = "21:30:00.123456z code=654321, mail=a%40demo.example password=\"old pass\"";
        for (secret, there) in [
            ("123456", false),
            ("654321", true),
            ("a@demo.example", true),
            ("old pass", true),
            ("old password", false),
        ] {
            assert_eq!(stands_in(log, secret), there, "{secret}");
        }
    }
}
