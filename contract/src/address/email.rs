//! Mail addresses: the dot-atom form of RFC 5321/5322 only. No quoted local part, comment, list,
//! address literal, white space or line break, and no local part beyond ASCII (RFC 6531), so that
//! one text is one mailbox everywhere. A domain label beyond ASCII is checked for form; its A-label
//! is made where the IDNA tables are, see [`Email::with_domain`].

use crate::lookalike::is_ignorable;
use alloc::format;
use alloc::string::String;
use core::fmt;

use super::AddressFault;

/// RFC 5321 section 4.5.3.1.3, without the angle brackets.
const MAX_ADDRESS: usize = 254;
/// RFC 5321 section 4.5.3.1.1.
const MAX_LOCAL: usize = 64;
/// RFC 1035 section 2.3.4. Characters, because a long label in UTF-8 can be a short A-label.
const MAX_LABEL: usize = 63;

/// A syntactically valid mail address: the local part as typed, the domain in lower case (ASCII
/// letters only). At most 254 bytes.
///
/// `==` compares what is written; whether two are one mailbox says [`Email::key`].
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email {
    local: String,
    domain: String,
    text: String,
}

impl Email {
    pub fn parse(text: &str) -> Result<Self, AddressFault> {
        if text.is_empty() {
            return Err(AddressFault::Empty);
        }
        if text.len() > MAX_ADDRESS {
            return Err(AddressFault::Length);
        }
        let (local, domain) = text.split_once('@').ok_or(AddressFault::At)?;
        if domain.contains('@') {
            return Err(AddressFault::At);
        }
        if !is_local(local) {
            return Err(AddressFault::Local);
        }
        if !is_domain(domain) {
            return Err(AddressFault::Domain);
        }
        let domain = domain.to_ascii_lowercase();
        Ok(Self { local: local.into(), text: format!("{local}@{domain}"), domain })
    }

    /// The same mailbox under the domain's A-label form.
    pub fn with_domain(&self, ascii: &str) -> Result<Self, AddressFault> {
        if !ascii.is_ascii() {
            return Err(AddressFault::Domain);
        }
        Self::parse(&format!("{}@{ascii}", self.local))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    #[must_use]
    pub fn local(&self) -> &str {
        &self.local
    }

    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Whether the domain can go into DNS and SMTP as it is.
    #[must_use]
    pub fn is_ascii_domain(&self) -> bool {
        self.domain.is_ascii()
    }

    /// The local part in lower case (ASCII letters only), `@`, the domain.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}@{}", self.local.to_ascii_lowercase(), self.domain)
    }

    /// `a***@e***.com`: the first character of both parts and the top level; it does not tell any length.
    #[must_use]
    pub fn masked(&self) -> String {
        let first = |text: &str| text.chars().take(1).collect::<String>();
        let (before, top) = self.domain.rsplit_once('.').unwrap_or_default();
        format!("{}***@{}***.{top}", first(&self.local), first(before))
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

fn is_local(text: &str) -> bool {
    text.len() <= MAX_LOCAL
        && text.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
}

/// RFC 5322 section 3.2.3.
fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c)
}

fn is_domain(text: &str) -> bool {
    let Some((_, top)) = text.rsplit_once('.') else {
        return false;
    };
    // An all-digit top level would make it an IPv4 address to some readers.
    text.split('.').all(is_label) && !top.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL).contains(&label.chars().count())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || (!c.is_ascii() && !is_treacherous(c)))
}

/// Beyond ASCII: what nobody sees, and what becomes a dot or an at sign where text is normalized.
fn is_treacherous(c: char) -> bool {
    is_ignorable(c) || is_dot_or_at(c)
}

fn is_dot_or_at(c: char) -> bool {
    matches!(
        c,
        '\u{2024}' | '\u{3002}' | '\u{fe52}' | '\u{fe6b}' | '\u{ff0e}' | '\u{ff20}' | '\u{ff61}'
    )
}
