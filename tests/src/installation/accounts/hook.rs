//! Accounts behind the reference receiver of web hooks, a service of the team's own; its log-in is passlib's argon2.

use std::path::Path;

use serde_json::{Value, json};

use super::{App, quoted, scripts};
use crate::stage::{Fault, Receiver, Staged};

const SCRIPT: &str = "passlib_hashes.py";

/// The service.
#[derive(Debug)]
pub(super) struct Hook(Receiver);

impl Hook {
    pub(super) fn start(dir: &Path) -> Staged<Self> {
        Receiver::start(&dir.join("service")).map(Self)
    }
}

impl App for Hook {
    fn kind(&self) -> &'static str {
        "http"
    }

    fn sections(&self) -> String {
        let (addr, key) = (self.0.addr(), self.0.key());
        format!("[http]\nurl = \"http://{addr}\"\nsecret = \"file:{}\"\n", key.display())
    }

    fn add(&self, people: &[Value]) -> Staged<()> {
        for (person, hash) in people.iter().zip(scripts::make(SCRIPT, "argon2", people)?) {
            let values = ["id", "user_name", "email", "phone"].map(|name| quoted(person, name));
            let hash = quoted(&json!({ "hash": hash }), "hash");
            self.0.sql(&format!(
                "INSERT INTO users (id, name, email, phone, hash) VALUES ({}, {hash})",
                values.join(", ")
            ))?;
        }
        Ok(())
    }

    fn is_password(&self, email: &str, password: &str) -> Staged<bool> {
        let email = quoted(&json!({ "email": email }), "email");
        let rows = self.0.sql(&format!("SELECT hash FROM users WHERE email = {email}"))?;
        let rows: Value = serde_json::from_str(&rows).unwrap_or_default();
        let hash = rows[0][0].as_str();
        scripts::check(
            SCRIPT,
            hash.ok_or_else(|| Fault::new("no hash", rows.to_string()))?,
            password,
        )
    }

    fn judge(&self) -> &'static str {
        "passlib's argon2"
    }

    fn place(&self) -> String {
        format!("the service with web hooks at http://{} (tests/receiver)", self.0.addr())
    }
}
