//! What differs between dialects inside the sidecar, as data: which proofs, how long they live, what the mail carries.
//! Invariant: the sidecar reads a `Profile` and never asks for a dialect's name. Lives are seconds.

use alloc::{format, string::String};

use crate::address::Channel;
use crate::policy::Classes;

/// One dialect's rules; a constant beside its parser.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// One entry per channel that the dialect serves.
    pub channels: &'static [Rules],
    /// Life of a grant; `None` where the dialect has no verify.
    pub grant_life: Option<u32>,
    /// Whether a reset answers with an access token, and after which proofs.
    pub login: Login,
    /// What it publishes about passwords.
    pub password: Published,
}

/// The password rules that a dialect publishes, beside those that hold by default. Zero, `None` and no class: it
/// publishes none of that kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// Code points.
    pub min: Option<u32>,
    /// Code points.
    pub max: Option<u32>,
    pub classes: Classes,
    /// How often one character may stand in a row.
    pub repeats: Option<u32>,
    /// Former passwords that are refused.
    pub history: u32,
}

impl Published {
    pub const NOTHING: Self =
        Self { min: None, max: None, classes: Classes::NONE, repeats: None, history: 0 };
}

impl Profile {
    pub fn rules(&self, channel: Channel) -> Option<&'static Rules> {
        self.channels.iter().find(|rules| rules.channel == channel)
    }
}

/// The rules of one channel of a dialect.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub channel: Channel,
    /// The link that the message carries, if any.
    pub link: Option<Link>,
    /// The code that the message carries, if any.
    pub code: Option<CodeRules>,
    /// The proofs that confirm accepts.
    pub accepts: &'static [ProofKind],
}

/// A link in a message. `form` follows the base URL; `{token}`, `{code}` and `{address}` are replaced, percent-encoded.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    pub form: &'static str,
    pub life: u32,
}

impl Link {
    /// The link behind the base URL. No value can end itself or begin another: all are percent-encoded.
    pub fn fill(&self, token: &str, code: &str, address: &str) -> String {
        self.form
            .replace("{token}", &percent(token))
            .replace("{code}", &percent(code))
            .replace("{address}", &percent(address))
    }
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
fn percent(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// A code in a message.
#[derive(Clone, Copy, Debug)]
pub struct CodeRules {
    pub digits: u8,
    pub life: u32,
    /// Wrong tries per pot before the code is dead.
    pub tries: u8,
}

/// What confirm can present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofKind {
    /// The link's token alone.
    Link,
    /// The link's token together with the code and the address.
    LinkAndCode,
    /// The code together with the address.
    Code,
    /// The code alone, good only in the place where it was asked for.
    Placed,
    /// What verify gave.
    Grant,
}

/// Whether a reset logs the user in (an account with a second factor never is).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    Always,
    /// Only after a proof that came as a link.
    Link,
    Never,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_of_a_link_can_end_itself() {
        let link = Link { form: "/r#t={token}&c={code}&a={address}", life: 1 };
        let filled = link.fill("{code}", "1&a=x", "a+b&c#d%'@example.org");
        assert_eq!(filled, "/r#t=%7Bcode%7D&c=1%26a%3Dx&a=a%2Bb%26c%23d%25%27%40example.org");
    }
}
