//! Whose passwords are reset: the accounts of the demo and those that somebody brings along.

use contract::address::{Country, Phone};
use serde_json::{Value, json};

use crate::stage::{Fault, Staged};

/// An account, or somebody who has none.
#[derive(Clone, Debug)]
pub struct Person {
    /// The account's id.
    pub id: String,
    pub email: String,
    /// With its country: `+8619900000101`.
    pub phone: String,
    pub user_name: String,
    pub password: String,
}

impl Person {
    /// The number as people of its country write it.
    #[must_use]
    pub fn national(&self) -> &str {
        self.phone.strip_prefix("+86").unwrap_or(&self.phone)
    }

    /// A line for `rekey account import`.
    #[must_use]
    pub fn line(&self) -> String {
        let line = json!({
            "id": self.id,
            "email": self.email,
            "phone": self.phone,
            "user_name": self.user_name,
            "password": self.password,
        });
        format!("{line}\n")
    }
}

/// Reads accounts that somebody brings, one JSON object a line; a phone may be in national form (China's).
///
/// # Errors
/// A line is not an object, has neither e-mail nor phone, or a phone that is none.
pub fn invite(text: &str) -> Staged<Vec<Value>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(at, line)| guest(line).map_err(|why| fault(at + 1, why))).collect()
}

fn guest(line: &str) -> Result<Value, &'static str> {
    let mut guest: Value = serde_json::from_str(line).map_err(|_| "is not JSON")?;
    let object = guest.as_object_mut().ok_or("is not a JSON object")?;
    object.retain(|_, value| !value.is_null());
    if !object.contains_key("email") && !object.contains_key("phone") {
        return Err("has neither \"email\" nor \"phone\"");
    }
    if let Some(phone) = object.get_mut("phone") {
        let text = phone.as_str().ok_or("has a \"phone\" that is not a string")?;
        let read = Phone::parse(text, Country::parse("86").ok());
        *phone = json!(read.map_err(|_| "has a \"phone\" that is no phone number")?.as_str());
    }
    Ok(guest)
}

/// One line for `rekey account import`.
#[must_use]
pub fn line_of(guest: &Value) -> String {
    format!("{guest}\n")
}

fn fault(line: usize, why: &str) -> Fault {
    Fault::new("REKEY_ACCOUNTS", format!("line {line} {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_are_read_and_faults_name_their_line() {
        let text = "{\"email\":\"a@b.example\",\"phone\":null}\n\n{\"phone\":\"138 0013 8000\"}\n";
        let guests = invite(text).unwrap();
        assert_eq!(guests, [json!({"email": "a@b.example"}), json!({"phone": "+8613800138000"})]);
        for (line, why) in [
            ("nonsense", "is not JSON"),
            ("[]", "is not a JSON object"),
            ("{\"password\":\"x\"}", "has neither"),
            ("{\"phone\":\"12\"}", "is no phone number"),
        ] {
            let fault = invite(&format!("{{\"email\":\"a@b.example\"}}\n{line}")).unwrap_err();
            let text = fault.to_string();
            assert!(text.contains("line 2") && text.contains(why), "{text}");
        }
    }
}
