//! What else a write sets, as `updated_at = now`. Invariant: the grammar is closed; whatever it reads is text of ours.

use super::{Column, Engine};

/// One more column that a write sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub column: Column,
    value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    /// The time in the engine's own form.
    Now,
    /// Seconds since 1970.
    NowUnix,
    /// Milliseconds since 1970.
    NowUnixMillis,
    /// The column's own value and so much.
    Plus(i64),
    Word(&'static str),
    Number(i64),
    /// Letters, digits, spaces, `_` and `-`.
    Text(String),
}

impl Setting {
    pub fn parse(text: &str) -> Option<Self> {
        let (column, value) = text.split_once('=')?;
        let column = Column::parse(column.trim())?;
        let value = Value::parse(value.trim(), &column)?;
        Some(Self { column, value })
    }

    /// Whether the new value is surely another one.
    pub fn moves(&self) -> bool {
        match self.value {
            Value::Now | Value::NowUnix | Value::NowUnixMillis => true,
            Value::Plus(number) => number != 0,
            Value::Word(_) | Value::Number(_) | Value::Text(_) => false,
        }
    }

    /// Whether the new value depends on the old one.
    pub(super) fn reads(&self) -> bool {
        matches!(self.value, Value::Plus(_))
    }

    /// `column = value`, in the engine's words.
    pub(super) fn sql(&self, engine: Engine) -> String {
        let column = self.column.quoted(engine);
        let value = match &self.value {
            Value::Now => now(engine).to_owned(),
            Value::NowUnix => unix(engine).to_owned(),
            Value::NowUnixMillis => format!("{} * 1000", unix(engine)),
            Value::Plus(number) => format!("{column} + {number}"),
            Value::Word(word) => (*word).to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Text(text) => format!("'{text}'"),
        };
        format!("{column} = {value}")
    }
}

impl Value {
    fn parse(text: &str, column: &Column) -> Option<Self> {
        let word = ["true", "false", "null"].into_iter().find(|word| *word == text);
        if let Some(word) = word {
            return Some(Self::Word(word));
        }
        match text {
            "now" => return Some(Self::Now),
            "now_unix" => return Some(Self::NowUnix),
            "now_unix_ms" => return Some(Self::NowUnixMillis),
            _ => {}
        }
        if let Some(inner) = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' ');
            return inner.chars().all(plain).then(|| Self::Text(inner.to_owned()));
        }
        match text.split_once('+') {
            Some((own, number)) if own.trim() == column.as_str() => {
                whole(number.trim()).map(Self::Plus)
            }
            Some(_) => None,
            None => whole(text).map(Self::Number),
        }
    }
}

/// Digits, perhaps after a minus.
fn whole(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

fn now(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => "now()",
        Engine::Mysql => "NOW()",
        Engine::Sqlite => "CURRENT_TIMESTAMP",
    }
}

fn unix(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => "floor(extract(epoch from now()))::bigint",
        Engine::Mysql => "UNIX_TIMESTAMP()",
        Engine::Sqlite => "CAST(strftime('%s', 'now') AS INTEGER)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_of_a_closed_grammar() {
        let table = [
            ("updated_at = now", "\"updated_at\" = now()"),
            ("token_version=token_version+1", "\"token_version\" = \"token_version\" + 1"),
            ("must_change = false", "\"must_change\" = false"),
            ("remember_token = null", "\"remember_token\" = null"),
            ("tries = -3", "\"tries\" = -3"),
            ("state = 'reset by-mail_1'", "\"state\" = 'reset by-mail_1'"),
        ];
        for (text, sql) in table {
            assert_eq!(Setting::parse(text).unwrap().sql(Engine::Postgres), sql);
        }
        let refused = [
            "",
            "a",
            "a =",
            "= 1",
            "a = b",
            "a = now()",
            "a = b + 1",
            "a = a + b",
            "a = 'x'' OR 1=1'",
            "a = 'é'",
            "a = '",
            "a = 1; DROP",
            "a\" = 1",
            "a = 1, b = 2",
            "a = a + 1 + 1",
            "a = TRUE",
            "a = +1",
            "a = 1.5",
            "a = 99999999999999999999",
            "a == 1",
            "a = 'x\\'",
        ];
        for text in refused {
            assert!(Setting::parse(text).is_none(), "{text}");
        }
    }
}
