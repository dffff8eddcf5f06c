//! Unicode normalization, where it is asked for: what is judged and hashed is then the normal form.
//! Invariant: no more text is normalized, and none longer comes out, than a password may have bytes.

use std::borrow::Cow;

use contract::policy::Breach;
use contract::secret::Password;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroize;

use super::Rules;

/// The form in which passwords are judged and hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normal {
    /// As it was typed.
    None,
    Nfc,
    Nfkc,
}

impl Normal {
    /// The password in its form; `None` where it is longer than so many bytes, before or after.
    pub fn of(self, password: &Password, most: usize) -> Option<Cow<'_, Password>> {
        let typed = password.expose();
        if typed.len() > most {
            return None;
        }
        let normal = match self {
            Self::None => return Some(Cow::Borrowed(password)),
            Self::Nfc => collect(typed.nfc(), most),
            Self::Nfkc => collect(typed.nfkc(), most),
        };
        // No normal form of a text is empty.
        normal.and_then(Password::parse).map(Cow::Owned)
    }
}

/// The password in its form; a breach where it is longer than any may be, before or after.
pub fn normalized<'p>(
    form: Normal,
    rules: &Rules,
    password: &'p Password,
) -> Result<Cow<'p, Password>, Breach> {
    let Rules { min, max, max_bytes: bytes, .. } = *rules;
    form.of(password, bytes as usize).ok_or(Breach::TooManyBytes { min, max, bytes })
}

/// At most so many bytes, in one piece of memory: growing would leave copies behind.
fn collect(characters: impl Iterator<Item = char>, most: usize) -> Option<String> {
    let mut text = String::with_capacity(most);
    for character in characters {
        if text.len().saturating_add(character.len_utf8()) > most {
            text.zeroize();
            return None;
        }
        text.push(character);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::policy::Preset;

    fn form(form: Normal, max_bytes: u32, text: &str) -> Option<String> {
        let rules = Rules { max_bytes, ..Preset::Default.rules_bare() };
        let password = Password::parse(text.into()).unwrap();
        let found = normalized(form, &rules, &password).ok()?;
        Some(found.expose().to_owned())
    }

    #[test]
    fn forms_are_unicodes() {
        let table = [
            (Normal::None, "e\u{301}ﬁ①", "e\u{301}ﬁ①"),
            (Normal::Nfc, "e\u{301}ﬁ①", "éﬁ①"),
            (Normal::Nfkc, "e\u{301}ﬁ①", "éfi1"),
            (Normal::Nfkc, "ｐａｓｓ　ｗｏｒｄ", "pass word"),
            (Normal::Nfc, "\u{1112}\u{1161}\u{11ab}", "한"),
        ];
        for (wanted, typed, expected) in table {
            assert_eq!(form(wanted, 512, typed).as_deref(), Some(expected), "{typed}");
        }
    }

    /// Attack 32: U+FDFA grows to eighteen characters.
    #[test]
    fn lengths_are_capped_before_and_after() {
        assert_eq!(form(Normal::None, 64, &"x".repeat(65)), None);
        assert_eq!(form(Normal::Nfkc, 64, &"x".repeat(64)).as_deref(), Some(&*"x".repeat(64)));
        assert_eq!(form(Normal::Nfkc, 64, "\u{fdfa}").map(|text| text.chars().count()), Some(18));
        assert_eq!(form(Normal::Nfkc, 64, "\u{fdfa}\u{fdfa}"), None);
        let million = "\u{fdfa}".repeat(1_000_000);
        assert_eq!(form(Normal::Nfkc, 4096, &million), None);
    }
}
