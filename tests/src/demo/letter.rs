//! What a letter carries: a link's token, a code, both, or nothing.

use crate::stage::{Mail, Text};

/// The secrets of one letter; empty where it has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    pub token: String,
    pub code: String,
}

/// What a letter of a reset must carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Code,
    Link,
    LinkAndCode,
}

impl Proof {
    #[must_use]
    pub fn in_mail(mail: &Mail) -> Self {
        Self::read(mail.text())
    }

    /// The head of a text names the number.
    #[must_use]
    pub fn in_text(text: &Text) -> Self {
        Self::read(text.text.split_once("\n\n").map_or("", |(_, body)| body))
    }

    fn read(text: &str) -> Self {
        Self { token: token_in(text), code: code_in(text) }
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.token.is_empty() && self.code.is_empty()
    }

    #[must_use]
    pub fn serves(&self, wanted: Wanted) -> bool {
        let (link, code) = (!self.token.is_empty(), !self.code.is_empty());
        match wanted {
            Wanted::Code => code,
            Wanted::Link => link,
            Wanted::LinkAndCode => link && code,
        }
    }

    /// The same with one digit wrong: of the code, or of the token where that alone is asked for.
    #[must_use]
    pub fn spoilt(&self, wanted: Wanted) -> Self {
        match wanted {
            Wanted::Link => Self { token: other_end(&self.token), code: self.code.clone() },
            _ => Self { token: self.token.clone(), code: other_end(&self.code) },
        }
    }
}

fn other_end(text: &str) -> String {
    let kept = &text[..text.len().saturating_sub(1)];
    let last = if text.ends_with('0') { '1' } else { '0' };
    format!("{kept}{last}")
}

fn token_in(text: &str) -> String {
    let start = text.find("token=").map(|at| at + "token=".len());
    let rest = start.and_then(|at| text.get(at..)).unwrap_or_default();
    rest.chars().take_while(char::is_ascii_hexdigit).collect()
}

/// The first six digits that stand alone.
fn code_in(text: &str) -> String {
    text.split(|c: char| !c.is_alphanumeric())
        .find(|word| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit()))
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proofs_are_found_in_letters() {
        let token = "ab12".repeat(16);
        let link = format!("http://h/p#token={token}&code=012345&email=a%40b");
        let table = [
            (link.as_str(), token.as_str(), "012345"),
            ("Your code:\n123456\n\nworks", "", "123456"),
            ("【Acme】验证码 123456，用于重置密码", "", "123456"),
            ("was reset on 2026-11-21 21:30 UTC", "", ""),
        ];
        for (text, token, code) in table {
            let found = Proof::read(text);
            assert_eq!((found.token.as_str(), found.code.as_str()), (token, code), "{text}");
        }
    }

    #[test]
    fn a_spoilt_proof_differs_in_one_digit() {
        let proof = Proof { token: "af0".to_owned(), code: "123459".to_owned() };
        assert_eq!(proof.spoilt(Wanted::Link).token, "af1");
        assert_eq!(proof.spoilt(Wanted::LinkAndCode).code, "123450");
    }
}
