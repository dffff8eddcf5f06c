//! From a letter to its words. Invariant: the HTML is made from the rendered text, paragraph by paragraph, so both parts
//! say the same; what a stranger can choose (name, device) can neither add a paragraph nor become a link.

use contract::language::Language;
use lettre::message::Mailbox;

use crate::clock::Millis;

use super::device::device;
use super::listing::Listing;
use super::template::{self, TemplateFault, Value, plain};
use super::texts::{CODE, LINK, PAGE, PARAGRAPH, Texts};
use super::{Letter, LetterKind, Reason};

const MAX_NAME: usize = 64;

/// The name that readers know us by: that of the sender, else its domain.
struct Brand(String);

impl Brand {
    fn of(from: &Mailbox) -> Self {
        Self(from.name.clone().unwrap_or_else(|| from.email.domain().to_owned()))
    }
}

/// A letter's words for both channels; one line in `subject` and `sms`.
#[derive(Clone)]
pub struct Rendered {
    pub subject: String,
    pub text: String,
    pub html: String,
    pub sms: String,
}

/// Writes the letter in its language.
pub fn render(letter: &Letter) -> Result<Rendered, Reason> {
    write(letter, &Brand::of(&letter.sender.from)).map_err(|_| Reason::Content)
}

/// What the templates can name.
#[derive(Default)]
struct Words<'a> {
    links: Vec<&'a str>,
    codes: Vec<&'a str>,
    link_life: Option<String>,
    code_life: Option<String>,
    name: Option<String>,
    time: Option<String>,
    device: Option<String>,
}

fn write(letter: &Letter, brand: &Brand) -> Result<Rendered, TemplateFault> {
    let texts = Texts::of(&letter.kind, letter.language);
    let words = Words::of(letter);
    let listing = match &letter.kind {
        LetterKind::Reset { link: None, code: None, .. } => return Err(TemplateFault::Missing),
        LetterKind::Several { accounts } => {
            Some(Listing::of(accounts, letter.language, texts.account)?)
        }
        LetterKind::Reset { .. } | LetterKind::Changed { .. } | LetterKind::Unsure { .. } => None,
    };
    let words = words.with(listing.as_ref(), letter.language);
    let listed = |text: fn(&Listing) -> Option<&str>| listing.as_ref().and_then(text);
    let fields = [
        ("brand", Value::Text(&brand.0)),
        ("accounts", listing.as_ref().map_or(Value::Absent, |all| Value::Markup(&all.body))),
        ("codes", listed(|all| all.codes.as_deref()).into()),
        ("links", listed(|all| all.links.as_deref()).into()),
        ("link", words.links.first().copied().into()),
        ("code", words.codes.first().copied().into()),
        ("link_life", words.link_life.as_deref().into()),
        ("code_life", words.code_life.as_deref().into()),
        ("name", words.name.as_deref().into()),
        ("time", words.time.as_deref().into()),
        ("device", words.device.as_deref().into()),
    ];
    let text = template::text(texts.body, &fields)?;
    let subject = template::text(texts.subject.trim(), &fields)?;
    let sms = template::text(texts.sms, &fields)?.trim().to_owned();
    let html = page(&text, &subject, &words, letter.language, brand)?;
    Ok(Rendered { subject, text, html, sms })
}

impl<'a> Words<'a> {
    fn of(letter: &'a Letter) -> Self {
        let language = letter.language;
        match &letter.kind {
            LetterKind::Reset { link, code, link_minutes, code_minutes, name } => Self {
                links: link.as_deref().into_iter().collect(),
                codes: code.as_deref().into_iter().collect(),
                link_life: Some(life(*link_minutes, language)),
                code_life: Some(life(*code_minutes, language)),
                name: name.as_deref().and_then(presentable),
                ..Self::default()
            },
            LetterKind::Several { accounts } => Self {
                links: accounts.iter().filter_map(|account| account.link.as_deref()).collect(),
                codes: accounts.iter().filter_map(|account| account.code.as_deref()).collect(),
                ..Self::default()
            },
            LetterKind::Changed { at, name, agent } => Self {
                time: Some(utc(*at)),
                name: name.as_deref().and_then(presentable),
                device: agent.as_deref().and_then(device),
                ..Self::default()
            },
            LetterKind::Unsure { at, name } => Self {
                time: Some(utc(*at)),
                name: name.as_deref().and_then(presentable),
                ..Self::default()
            },
        }
    }

    fn with(self, listing: Option<&Listing>, language: Language) -> Self {
        let Some(listing) = listing else {
            return self;
        };
        let life = |minutes: u32| life(minutes, language);
        let (link_life, code_life) =
            (listing.link_minutes.map(life), listing.code_minutes.map(life));
        Self { link_life, code_life, ..self }
    }
}

fn page(
    text: &str,
    subject: &str,
    words: &Words<'_>,
    language: Language,
    brand: &Brand,
) -> Result<String, TemplateFault> {
    let blocks: Result<String, TemplateFault> =
        text.trim().split("\n\n").map(|paragraph| block(paragraph, words)).collect();
    let body = blocks?;
    let fields = [
        ("language", Value::Text(language.tag())),
        ("subject", Value::Text(subject)),
        ("brand", Value::Text(&brand.0)),
        ("body", Value::Markup(&body)),
    ];
    template::html(PAGE, &fields)
}

/// A paragraph whose second line is a link or a code becomes a button or large letters; its first line is the label.
fn block(paragraph: &str, words: &Words<'_>) -> Result<String, TemplateFault> {
    let (label, value) = paragraph.split_once('\n').unwrap_or((paragraph, ""));
    let form = match value {
        value if words.links.contains(&value) => LINK,
        value if words.codes.contains(&value) => CODE,
        _ => {
            return template::html(
                PARAGRAPH,
                &[("text", Value::Text(&paragraph.replace('\n', " ")))],
            );
        }
    };
    let button = label.trim_end_matches([':', '：']);
    template::html(
        form,
        &[
            ("label", Value::Text(label)),
            ("button", Value::Text(button)),
            ("value", Value::Text(value)),
        ],
    )
}

/// The name to greet with, unless a mail program would make a link of it.
pub(super) fn presentable(name: &str) -> Option<String> {
    let name: String = plain(name).trim().chars().take(MAX_NAME).collect();
    let address_like = |c: char| "/\\@:".contains(c);
    let dotted = name.split('.').skip(1).any(|after| after.starts_with(char::is_alphanumeric));
    (!name.is_empty() && !name.contains(address_like) && !dotted).then_some(name)
}

fn life(minutes: u32, language: Language) -> String {
    match language {
        Language::English if minutes == 1 => "1 minute".to_owned(),
        Language::English => format!("{minutes} minutes"),
        Language::Japanese => format!("{minutes}分"),
        Language::Chinese => format!("{minutes} 分钟"),
        Language::Taiwanese => format!("{minutes} 分鐘"),
    }
}

/// `2026-11-21 21:30 UTC`.
fn utc(at: Millis) -> String {
    let ((year, month, day), minute) = (at.date(), at.0.div_euclid(60_000).rem_euclid(1440));
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", minute / 60, minute % 60)
}

impl std::fmt::Debug for Rendered {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Rendered({:?}, ..)", self.subject)
    }
}

#[cfg(test)]
mod tests {
    use contract::address::{Address, Channel};

    use super::*;
    use std::sync::Arc;

    use crate::config::Sender;
    use crate::delivery::Listed;

    const LINK_TEXT: &str = "https://id.example.com/reset#token=aa&code=123456&email=a%40b.example";

    fn letters() -> Vec<LetterKind> {
        let reset =
            |link: Option<&str>, code: Option<&str>, name: Option<&str>| LetterKind::Reset {
                link: link.map(str::to_owned),
                code: code.map(str::to_owned),
                link_minutes: 30,
                code_minutes: 1,
                name: name.map(str::to_owned),
            };
        let changed = |name: Option<&str>, agent: Option<&str>| LetterKind::Changed {
            at: Millis(1_795_296_600_000),
            name: name.map(str::to_owned),
            agent: agent.map(str::to_owned),
        };
        let listed = |name: Option<&str>, code: &str| Listed {
            name: name.map(str::to_owned),
            link: Some(LINK_TEXT.to_owned()),
            code: Some(code.to_owned()),
            link_minutes: 30,
            code_minutes: 1,
        };
        let hostile = "<b>\r\n\r\nevil.example\u{202e}";
        let codeless = Listed { code: None, ..listed(Some("li"), "") };
        vec![
            reset(Some(LINK_TEXT), Some("123456"), Some("<b>Li & Co")),
            reset(Some(LINK_TEXT), None, None),
            reset(None, Some("123456"), Some("Li\r\n\r\nX")),
            changed(None, None),
            changed(Some("Li"), Some("curl/8")),
            LetterKind::Unsure { at: Millis(1_795_296_600_000), name: Some("Li".to_owned()) },
            LetterKind::Several { accounts: vec![codeless] },
            LetterKind::Several {
                accounts: vec![listed(Some(hostile), "123456"), listed(None, "654321")],
            },
        ]
    }

    fn try_write(kind: LetterKind, language: Language) -> Result<Rendered, Reason> {
        let to = Address::parse(Channel::Email, "a@b.example", None).unwrap();
        let from = "Acme <no-reply@acme.example>".parse().unwrap();
        let sender = Arc::new(Sender { from, reply_to: None });
        render(&Letter { id: [1; 16], sender, to, language, kind })
    }

    fn written(kind: LetterKind, language: Language) -> Rendered {
        try_write(kind, language).unwrap()
    }

    #[test]
    fn a_reset_without_a_proof_is_not_written() {
        let (link, code, name) = (None, None, None);
        let kind = LetterKind::Reset { link, code, link_minutes: 30, code_minutes: 1, name };
        assert_eq!(try_write(kind, Language::English).unwrap_err(), Reason::Content);
    }

    #[test]
    fn every_letter_is_written_in_every_language() {
        for language in Language::ALL {
            for kind in letters() {
                let written = written(kind, language);
                for text in [&written.subject, &written.text, &written.html, &written.sms] {
                    assert!(!text.contains("{{") && !text.contains("}}"), "{text}");
                    assert!(text.contains("Acme"), "{text}");
                }
                assert!(!written.subject.contains('\n') && !written.sms.contains('\n'));
                assert!(
                    !written.text.contains("\n\n\n") && written.text.ends_with('\n'),
                    "{:?}",
                    written.text
                );
                assert!(written.html.contains(&format!("lang=\"{}\"", language.tag())));
            }
        }
    }

    #[test]
    fn both_parts_carry_link_and_code() {
        for language in Language::ALL {
            let written = written(letters().remove(0), language);
            assert!(
                written.text.contains(&format!("\n{LINK_TEXT}\n"))
                    && written.text.contains("\n123456\n")
            );
            let escaped = LINK_TEXT.replace('&', "&amp;");
            assert_eq!(written.html.matches(&escaped).count(), 2, "{}", written.html);
            assert!(
                written.html.contains(&format!("href=\"{escaped}\""))
                    && written.html.contains(">123456<")
            );
            assert!(
                written.sms.contains("123456") && written.sms.contains(LINK_TEXT),
                "{}",
                written.sms
            );
        }
    }

    #[test]
    fn a_shared_mailbox_is_told_whose_each_link_and_code_is() {
        let written = written(letters().pop().unwrap(), Language::English);
        let named = ["<b>evil . example", "account 2"];
        for (name, code) in named.into_iter().zip(["123456", "654321"]) {
            let link = format!("\n\nChoose a new password for {name}:\n{LINK_TEXT}\n\n");
            let code = format!("The code for {name}:\n{code}\n\n");
            assert!(written.text.contains(&(link + &code)), "{}", written.text);
        }
        let html = &written.html;
        assert_eq!((html.matches("href=").count(), html.matches("font-size:30px").count()), (2, 2));
        assert!(html.contains(">Choose a new password for &lt;b&gt;evil . example</a>"), "{html}");
        assert!(html.contains(">The code for account 2:<") && html.contains(">654321<"), "{html}");
        let sms = "codes to reset your passwords: <b>evil . exampl: 123456, account 2: 654321.";
        assert!(written.sms.contains(sms) && !written.sms.contains("https"), "{}", written.sms);
    }

    #[test]
    fn the_html_loads_nothing_from_elsewhere() {
        for kind in letters() {
            let html = written(kind, Language::English).html;
            assert!(
                !html.contains("src=")
                    && !html.contains("url(")
                    && !html.contains("<script")
                    && !html.contains("@import")
            );
        }
    }

    #[test]
    fn a_name_brings_no_markup_paragraph_or_link() {
        let written = written(letters().remove(0), Language::English);
        assert!(written.text.starts_with("Hello <b>Li & Co,\n"));
        assert!(
            written.html.contains("Hello &lt;b&gt;Li &amp; Co,") && !written.html.contains("<b>")
        );
        let table = [
            ("Li\r\n\r\nX", Some("LiX")),
            ("J. Smith", Some("J. Smith")),
            (" \u{202e} ", None),
            ("see evil.example", None),
            ("http://evil", None),
            ("a@b", None),
        ];
        for (name, expected) in table {
            assert_eq!(presentable(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn times_are_utc() {
        let table = [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_399_999, "2000-02-28 23:59 UTC"),
            (951_782_400_000, "2000-02-29 00:00 UTC"),
            (1_795_296_600_000, "2026-11-21 21:30 UTC"),
            (-1, "1969-12-31 23:59 UTC"),
        ];
        for (at, expected) in table {
            assert_eq!(utc(Millis(at)), expected);
        }
    }
}
