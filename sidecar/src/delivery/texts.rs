//! The texts of every letter in every language, compiled in.

use contract::language::Language;

use super::LetterKind;

/// The templates of one letter in one language.
pub(super) struct Texts {
    pub(super) subject: &'static str,
    pub(super) body: &'static str,
    pub(super) sms: &'static str,
    /// What `body` says of each account of a shared mailbox.
    pub(super) account: &'static str,
}

macro_rules! texts {
    ($message:literal, $language:literal) => {
        texts!($message, $message, $language, "")
    };
    // Who is asked for knows what it is about, however many accounts it is for.
    (several, $language:literal) => {
        texts!(
            "reset",
            "several",
            $language,
            include_str!(concat!("templates/several/account.", $language, ".txt"))
        )
    };
    ($subject:literal, $message:literal, $language:literal, $account:expr) => {
        Texts {
            subject: include_str!(concat!("templates/", $subject, "/subject.", $language, ".txt")),
            body: include_str!(concat!("templates/", $message, "/body.", $language, ".txt")),
            sms: include_str!(concat!("templates/", $message, "/sms.", $language, ".txt")),
            account: $account,
        }
    };
}

impl Texts {
    pub(super) fn of(kind: &LetterKind, language: Language) -> Self {
        match (kind, language) {
            (LetterKind::Reset { .. }, Language::Chinese) => texts!("reset", "zh-CN"),
            (LetterKind::Reset { .. }, Language::English) => texts!("reset", "en"),
            (LetterKind::Reset { .. }, Language::Japanese) => texts!("reset", "ja"),
            (LetterKind::Reset { .. }, Language::Taiwanese) => texts!("reset", "zh-TW"),
            (LetterKind::Several { .. }, Language::Chinese) => texts!(several, "zh-CN"),
            (LetterKind::Several { .. }, Language::English) => texts!(several, "en"),
            (LetterKind::Several { .. }, Language::Japanese) => texts!(several, "ja"),
            (LetterKind::Several { .. }, Language::Taiwanese) => texts!(several, "zh-TW"),
            (LetterKind::Changed { .. }, Language::Chinese) => texts!("changed", "zh-CN"),
            (LetterKind::Changed { .. }, Language::English) => texts!("changed", "en"),
            (LetterKind::Changed { .. }, Language::Japanese) => texts!("changed", "ja"),
            (LetterKind::Changed { .. }, Language::Taiwanese) => texts!("changed", "zh-TW"),
            (LetterKind::Unsure { .. }, Language::Chinese) => texts!("unsure", "zh-CN"),
            (LetterKind::Unsure { .. }, Language::English) => texts!("unsure", "en"),
            (LetterKind::Unsure { .. }, Language::Japanese) => texts!("unsure", "ja"),
            (LetterKind::Unsure { .. }, Language::Taiwanese) => texts!("unsure", "zh-TW"),
        }
    }
}

pub(super) const PAGE: &str = include_str!("templates/html/page.html");
pub(super) const PARAGRAPH: &str = include_str!("templates/html/paragraph.html");
pub(super) const LINK: &str = include_str!("templates/html/link.html");
pub(super) const CODE: &str = include_str!("templates/html/code.html");
