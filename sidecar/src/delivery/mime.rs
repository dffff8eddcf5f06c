//! From words to the bytes of a mail (RFC 5322, MIME). Invariant: the bytes are ASCII with CRLF line ends and depend on
//! the letter, the configuration and the time alone, so that a second attempt is the same mail.

use std::time::{Duration, UNIX_EPOCH};

use contract::address::Email;
use contract::language::Language;
use contract::signature::hex;
use lettre::Address;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use zeroize::Zeroizing;

use crate::clock::Millis;

use super::{Letter, Reason, Rendered};

/// A mail ready for SMTP.
pub(super) struct Sealed {
    pub(super) from: Address,
    pub(super) to: Address,
    pub(super) content: Zeroizing<String>,
}

pub(super) fn seal(
    letter: &Letter,
    to: &Email,
    words: &Rendered,
    now: Millis,
) -> Result<Sealed, Reason> {
    // A domain beyond ASCII would need SMTPUTF8; letters carry A-labels.
    if !to.is_ascii_domain() {
        return Err(Reason::Address);
    }
    let to = Address::new(to.local(), to.domain()).map_err(|_| Reason::Address)?;
    let message = message(letter, to.clone(), words, now)?;
    let content = String::from_utf8(message.formatted()).map_err(|_| Reason::Content)?;
    if !content.is_ascii() {
        return Err(Reason::Content);
    }
    Ok(Sealed { from: letter.sender.from.email.clone(), to, content: Zeroizing::new(content) })
}

fn message(letter: &Letter, to: Address, words: &Rendered, now: Millis) -> Result<Message, Reason> {
    let id = hex(&letter.id);
    let date = UNIX_EPOCH + Duration::from_millis(u64::try_from(now.0).unwrap_or(0));
    let mut builder = Message::builder()
        .from(letter.sender.from.clone())
        .to(Mailbox::new(None, to))
        .subject(words.subject.as_str())
        .date(date)
        .message_id(Some(format!("<{id}@{}>", letter.sender.from.email.domain())));
    if let Some(reply_to) = &letter.sender.reply_to {
        builder = builder.reply_to(reply_to.clone());
    }
    for header in machine_headers(letter.language) {
        builder = builder.raw_header(header);
    }
    // The text first: readers take the last part that they can show (RFC 2046, 5.1.4).
    let parts = MultiPart::alternative()
        .boundary(format!("=_{id}"))
        .singlepart(SinglePart::plain(words.text.clone()))
        .singlepart(SinglePart::html(words.html.clone()));
    builder.multipart(parts).map_err(|_| Reason::Content)
}

/// RFC 3834 and its Microsoft cousin: no out-of-office reply to a reset mail.
fn machine_headers(language: Language) -> [HeaderValue; 3] {
    [
        (HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated"),
        (HeaderName::new_from_ascii_str("X-Auto-Response-Suppress"), "All"),
        (HeaderName::new_from_ascii_str("Content-Language"), language.tag()),
    ]
    .map(|(name, value)| HeaderValue::new(name, value.to_owned()))
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Sealed(..)")
    }
}
