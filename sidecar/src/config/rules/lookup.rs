//! The keys of the look-up. Invariant: it is asked over TLS, except on this machine, and its failure was thought of.

use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::DeValue;

use super::unknown;
use crate::config::forms::{self, Formed};
use crate::config::reader::Reader;
use crate::config::url::BaseUrl;

/// Whom to ask whether a password was breached.
#[derive(Clone, Debug)]
pub struct LookupConfig {
    /// The first digits of a hash follow it.
    pub url: BaseUrl,
    /// A password passes while there is no answer.
    pub fails_open: bool,
    pub timeout: Duration,
    /// PEM certificates that the server's is checked against; absent: the system's.
    pub ca: Option<PathBuf>,
}

pub(super) fn read(reader: &mut Reader<'_>, home: &Path) -> Option<LookupConfig> {
    let is_asked = reader.has("password.breached_lookup");
    let url = reader.read("password.breached_lookup", forms::url);
    let fails_open = reader.read("password.breached_lookup_failure", fails_open);
    let timeout = reader.read("password.breached_lookup_timeout", |value| {
        forms::duration(value, Duration::from_millis(100)..=Duration::from_secs(2))
    });
    let ca = reader.read("password.breached_lookup_ca", |value| forms::file(value, home));
    if !is_asked {
        for key in ["failure", "timeout", "ca"] {
            let key = format!("password.breached_lookup_{key}");
            if reader.has(&key) {
                let remedy = "set password.breached_lookup beside it, or remove it";
                reader.refuse(&key, "there is no look-up that it is for", remedy);
            }
        }
        return None;
    }
    if !reader.has("password.breached_lookup_failure") {
        reader.refuse(
            "password.breached_lookup",
            "what happens while it does not answer must be said",
            "set password.breached_lookup_failure beside it: \"open\" lets passwords pass, \"closed\" makes people wait",
        );
    }
    Some(LookupConfig { url: url?, fails_open: fails_open?, timeout: timeout?, ca })
}

fn fails_open(value: &DeValue<'_>) -> Formed<bool> {
    match forms::text(value)? {
        "open" => Ok(true),
        "closed" => Ok(false),
        other => Err(unknown(other, &["open", "closed"])),
    }
}
