//! Judging without touching: what is observed passes on whatever was thought of it, and the thought is counted.
//! Invariant: an observed exchange ends in `Step::Pass` only, and its outcome comes from the list here.

use crate::edge::exchange::{Exchange, Step};

/// Outcomes of what was only observed: what would have become of it.
pub const OBSERVED: [&str; 24] = [
    "observed_address_malformed",
    "observed_busy",
    "observed_captcha_invalid",
    "observed_client_missing",
    "observed_client_unknown",
    "observed_device_incomplete",
    "observed_forward",
    "observed_legacy",
    "observed_link",
    "observed_malformed",
    "observed_method_not_allowed",
    "observed_mismatch",
    "observed_missing",
    "observed_not_found",
    "observed_origin_refused",
    "observed_pass",
    "observed_policy",
    "observed_preflight",
    "observed_proof_invalid",
    "observed_throttled",
    "observed_too_large",
    "observed_undecryptable",
    "observed_unsigned",
    "observed_unsupported_media",
];

impl Exchange {
    /// Whether the request passes on whatever it is.
    pub fn is_observed(&self) -> bool {
        self.claim.settings.observe
    }

    /// The outcome for metrics. Hosts that can put two texts together need no list: `observed_` and [`Exchange::outcome`].
    pub fn label(&self) -> &'static str {
        if !self.is_observed() {
            return self.outcome;
        }
        let is_this = |name: &&&str| name.strip_prefix("observed_") == Some(self.outcome);
        OBSERVED.iter().find(is_this).copied().unwrap_or("observed")
    }

    /// What the host does of a step that was judged: with what is observed, nothing but to read on.
    pub(super) fn settle(&mut self, step: Step) -> Step {
        if !self.is_observed() || matches!(step, Step::Collect) {
            return step;
        }
        if matches!(step, Step::Forward(_) | Step::Fetch) {
            self.outcome = "forward";
        } else if self.outcome.is_empty() {
            self.outcome = "pass";
        }
        Step::Pass
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Refusal;

    #[test]
    fn every_refusal_has_its_observed_name() {
        for refusal in Refusal::samples() {
            let name = alloc::format!("observed_{}", refusal.code());
            assert!(OBSERVED.contains(&name.as_str()), "{name}");
        }
        assert!(OBSERVED.is_sorted());
    }
}
