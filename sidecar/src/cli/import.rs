//! Accounts as they are given to us: by flags, or as JSON lines.
//! Invariant: a file is understood as a whole before anything is hashed or written; all its faults come at once.

use contract::address::{Country, Email, Phone};
use contract::json::{self, Names, Object, Value};
use contract::language::Language;
use contract::secret::Password;

use crate::password::Stored;

/// Faults that are listed before the rest is only counted.
const MAX_FAULTS: usize = 20;

/// One account to be.
#[derive(Debug, Default)]
pub(super) struct Record {
    pub(super) id: Option<String>,
    pub(super) email: Option<Email>,
    pub(super) phone: Option<Phone>,
    pub(super) user_name: Option<String>,
    pub(super) display_name: Option<String>,
    pub(super) language: Option<Language>,
    pub(super) second_factor: bool,
    pub(super) disabled: bool,
    pub(super) secret: Secret,
}

#[derive(Default)]
pub(super) enum Secret {
    /// An account that a reset gives its first password.
    #[default]
    None,
    Password(Password),
    Hash(String),
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Secret(..)")
    }
}

type Read<T> = Result<T, String>;

/// All lines, or all faults.
pub(super) fn parse(text: &str) -> Result<Vec<Record>, String> {
    let mut records = Vec::new();
    let mut faults = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match parse_line(line) {
            Ok(record) => records.push(record),
            Err(fault) => faults.push(format!("line {}: {fault}", at.saturating_add(1))),
        }
    }
    match faults.len() {
        0 => Ok(records),
        all => {
            faults.truncate(MAX_FAULTS);
            let more = all.saturating_sub(faults.len());
            let tail = if more > 0 { format!("\nand {more} more") } else { String::new() };
            Err(format!(
                "nothing was imported; mend these lines and import the file again:\n{}{tail}",
                faults.join("\n")
            ))
        }
    }
}

fn parse_line(line: &str) -> Read<Record> {
    let value = json::parse(line.as_bytes(), Names::Exact)
        .map_err(|fault| format!("not a JSON object: {fault}"))?;
    let Value::Object(mut object) = value else {
        return Err("not a JSON object".to_owned());
    };
    let record = Record {
        id: text(&mut object, "id")?,
        email: text(&mut object, "email")?.map(|text| email(&text)).transpose()?,
        phone: text(&mut object, "phone")?.map(|text| phone(&text)).transpose()?,
        user_name: text(&mut object, "user_name")?,
        display_name: text(&mut object, "display_name")?,
        language: text(&mut object, "language")?.map(|text| language(&text)).transpose()?,
        second_factor: flag(&mut object, "second_factor")?,
        disabled: flag(&mut object, "disabled")?,
        secret: secret(&mut object)?,
    };
    let unknown: Vec<&str> = object.iter().map(|(name, _)| name).collect();
    match unknown.is_empty() {
        true => record.judged(),
        false => Err(format!(
            "unknown: {}; known: id, email, phone, password, password_hash, user_name, display_name, language, second_factor, disabled",
            unknown.join(", ")
        )),
    }
}

impl Record {
    /// An account without any address could never be reset.
    pub(super) fn judged(self) -> Read<Self> {
        match (&self.email, &self.phone) {
            (None, None) => Err("an account needs an email or a phone".to_owned()),
            _ => Ok(self),
        }
    }
}

pub(super) fn email(text: &str) -> Read<Email> {
    Email::parse(text).map_err(|fault| format!("email: {fault}"))
}

/// A phone number with its country.
pub(super) fn phone(text: &str) -> Read<Phone> {
    let country: Option<Country> = None;
    Phone::parse(text, country)
        .map_err(|fault| format!("phone: {fault}; write it with its country, as in +8613800138000"))
}

pub(super) fn language(text: &str) -> Read<Language> {
    let tags = Language::ALL.map(Language::tag).join(", ");
    Language::parse(text).ok_or_else(|| format!("language: {text} is none of {tags}"))
}

fn secret(object: &mut Object) -> Read<Secret> {
    match (text(object, "password")?, text(object, "password_hash")?) {
        (Some(_), Some(_)) => Err("password and password_hash exclude each other".to_owned()),
        (Some(password), None) => {
            Ok(Secret::Password(Password::parse(password).ok_or("password: it is empty")?))
        }
        (None, Some(hash)) => {
            Stored::parse(&hash).map_err(|fault| format!("password_hash: {fault}"))?;
            Ok(Secret::Hash(hash))
        }
        (None, None) => Ok(Secret::None),
    }
}

fn text(object: &mut Object, name: &str) -> Read<Option<String>> {
    let wrong = || format!("{name}: a text that is not empty is meant");
    match object.take(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            value.into_string().filter(|text| !text.trim().is_empty()).map(Some).ok_or_else(wrong)
        }
    }
}

fn flag(object: &mut Object, name: &str) -> Read<bool> {
    match object.take(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(flag),
        Some(_) => Err(format!("{name}: true or false is meant")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let text = concat!(
            "{\"email\":\"ann@example.com\",\"phone\":\"+8613800138000\",\"password\":\"old password\"}\n\n",
            "{\"email\":\"bob@example.com\",\"password_hash\":\"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4\",",
            "\"language\":\"en\",\"second_factor\":true,\"user_name\":null}\n",
        );
        let records = parse(text).unwrap();
        assert_eq!(records.len(), 2);
        assert!(
            matches!(&records[0].secret, Secret::Password(password) if password.expose() == "old password")
        );
        assert!(records[1].second_factor);
        assert_eq!(records[1].language, Some(Language::English));
    }

    #[test]
    fn faults_come_with_their_lines() {
        let table = [
            ("[]", "not a JSON object"),
            ("{\"email\":\"a@example.com\",\"email\":\"b@example.com\"}", "not a JSON object"),
            ("{\"email\":\"nobody\"}", "email: "),
            ("{\"phone\":\"13800138000\"}", "with its country"),
            ("{\"email\":\"a@example.com\",\"admin\":true}", "unknown: admin"),
            ("{\"user_name\":\"ann\"}", "needs an email or a phone"),
            (
                "{\"email\":\"a@example.com\",\"password\":\"x\",\"password_hash\":\"y\"}",
                "exclude each other",
            ),
            ("{\"email\":\"a@example.com\",\"password_hash\":\"5f4dcc3b\"}", "password_hash: "),
            ("{\"email\":\"a@example.com\",\"second_factor\":\"yes\"}", "true or false"),
            ("{\"email\":[\"a@example.com\"]}", "email: a text"),
        ];
        for (line, expected) in table {
            let fault = parse(&format!("\n{line}\n")).unwrap_err();
            assert!(fault.contains("line 2: ") && fault.contains(expected), "{line}: {fault}");
        }
    }

    #[test]
    fn a_long_list_of_faults_is_cut() {
        let fault = parse(&"{}\n".repeat(50)).unwrap_err();
        assert!(fault.ends_with("and 30 more"), "{fault}");
    }
}
