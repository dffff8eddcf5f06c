//! Why an estimator finds a password easy to guess: a closed list, each reason with its code and its words.

use crate::language::Language;

/// What a guesser would try first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    KeyRow,
    KeyPattern,
    RepeatedCharacter,
    RepeatedPart,
    TopTen,
    TopHundred,
    VeryCommon,
    AlmostCommon,
    Sequence,
    Year,
    Word,
    Date,
    Name,
    CommonName,
}

impl Weakness {
    pub const ALL: [Self; 14] = [
        Self::KeyRow,
        Self::KeyPattern,
        Self::RepeatedCharacter,
        Self::RepeatedPart,
        Self::TopTen,
        Self::TopHundred,
        Self::VeryCommon,
        Self::AlmostCommon,
        Self::Sequence,
        Self::Year,
        Self::Word,
        Self::Date,
        Self::Name,
        Self::CommonName,
    ];

    /// The stable code of the canonical answer and the native dialect.
    pub fn code(self) -> &'static str {
        match self {
            Self::KeyRow => "key_row",
            Self::KeyPattern => "key_pattern",
            Self::RepeatedCharacter => "repeated_character",
            Self::RepeatedPart => "repeated_part",
            Self::TopTen => "top_ten",
            Self::TopHundred => "top_hundred",
            Self::VeryCommon => "very_common",
            Self::AlmostCommon => "almost_common",
            Self::Sequence => "sequence",
            Self::Year => "year",
            Self::Word => "word",
            Self::Date => "date",
            Self::Name => "name",
            Self::CommonName => "common_name",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|weakness| weakness.code() == code)
    }

    /// A clause that follows a colon.
    pub fn text(self, language: Language) -> &'static str {
        let [english, japanese, chinese, taiwanese] = self.texts();
        match language {
            Language::English => english,
            Language::Japanese => japanese,
            Language::Chinese => chinese,
            Language::Taiwanese => taiwanese,
        }
    }

    fn texts(self) -> [&'static str; 4] {
        match self {
            Self::KeyRow => [
                "keys in a row",
                "キーボードの並びそのままです",
                "是键盘上的一排按键",
                "是鍵盤上的一排按鍵",
            ],
            Self::KeyPattern => [
                "a short pattern on the keyboard",
                "キーボード上の短いパターンです",
                "是键盘上的简短图案",
                "是鍵盤上的簡短圖案",
            ],
            Self::RepeatedCharacter => [
                "one character over and over",
                "同じ文字の繰り返しです",
                "是同一字符的重复",
                "是同一字元的重複",
            ],
            Self::RepeatedPart => [
                "one part over and over",
                "同じ部分の繰り返しです",
                "是同一片段的重复",
                "是同一片段的重複",
            ],
            Self::TopTen => [
                "one of the ten that are used most",
                "最もよく使われる10個の一つです",
                "是最常用的十个密码之一",
                "是最常用的十個密碼之一",
            ],
            Self::TopHundred => [
                "one of the hundred that are used most",
                "最もよく使われる100個の一つです",
                "是最常用的一百个密码之一",
                "是最常用的一百個密碼之一",
            ],
            Self::VeryCommon => {
                ["many people use it", "多くの人が使っています", "很多人都在使用", "很多人都在使用"]
            }
            Self::AlmostCommon => [
                "almost one that many people use",
                "多くの人が使うパスワードに似ています",
                "与很多人使用的密码相近",
                "與很多人使用的密碼相近",
            ],
            Self::Sequence => [
                "a sequence like abc or 6543",
                "abcや6543のような連続です",
                "是 abc 或 6543 一类的顺序",
                "是 abc 或 6543 一類的順序",
            ],
            Self::Year => ["a year of our time", "最近の年です", "是近年的年份", "是近年的年份"],
            Self::Word => ["one word alone", "一つの単語だけです", "只有一个单词", "只有一個單字"],
            Self::Date => ["a date", "日付です", "是一个日期", "是一個日期"],
            Self::Name => ["a name alone", "名前だけです", "只有一个姓名", "只有一個姓名"],
            Self::CommonName => {
                ["a common name", "よくある名前です", "是常见的姓名", "是常見的姓名"]
            }
        }
    }
}
