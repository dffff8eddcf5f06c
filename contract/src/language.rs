//! The languages that answers and mails are written in.

/// A language that at least one dialect documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    English,
    Japanese,
    /// Simplified Chinese.
    Chinese,
    /// Traditional Chinese.
    Taiwanese,
}

impl Language {
    pub const ALL: [Self; 4] = [Self::Chinese, Self::English, Self::Taiwanese, Self::Japanese];

    /// The tag of the canonical message and the configuration (BCP 47).
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en-US",
            Self::Japanese => "ja-JP",
            Self::Chinese => "zh-CN",
            Self::Taiwanese => "zh-TW",
        }
    }

    /// Reads a tag as clients write it: `en`, `en-GB`, `zh`, `zh_CN`, `zh-Hant`, `ja-JP`, in any letter case.
    pub fn parse(tag: &str) -> Option<Self> {
        let mut parts = tag.trim().split(['-', '_']);
        let primary = parts.next()?;
        let is = |known: &str| primary.eq_ignore_ascii_case(known);
        if is("en") {
            return Some(Self::English);
        }
        if is("ja") {
            return Some(Self::Japanese);
        }
        if !is("zh") {
            return None;
        }
        let traditional = parts.any(|part| {
            ["TW", "HK", "MO", "Hant"].iter().any(|known| part.eq_ignore_ascii_case(known))
        });
        Some(if traditional { Self::Taiwanese } else { Self::Chinese })
    }
}
