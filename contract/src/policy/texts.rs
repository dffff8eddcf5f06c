//! How a broken rule is said in the four languages. A dialect that documents texts of its own uses those; everybody else
//! uses these.

use alloc::{borrow::ToOwned, format, string::String, vec::Vec};

use super::weakness::Weakness;
use super::{Breach, Classes};
use crate::language::Language;

/// The rule as a sentence without a full stop.
pub(super) fn text(breach: &Breach, language: Language) -> String {
    match breach {
        Breach::TooShort { min, .. } => too_short(*min, language),
        Breach::TooLong { max, .. } => too_long(*max, language),
        Breach::TooManyBytes { bytes, .. } => too_many_bytes(*bytes, language),
        Breach::Composition(classes) if language == Language::English => {
            format!("The password must contain {}", names(*classes, language).join(", "))
        }
        Breach::Composition(classes) => composition(*classes, language),
        Breach::Repeats { max } => repeats(*max, language),
        Breach::Reversed => reversed(language).to_owned(),
        Breach::Personal => personal(language).to_owned(),
        Breach::ServiceWord => service_word(language).to_owned(),
        Breach::Common => common(language).to_owned(),
        Breach::Breached => breached(language).to_owned(),
        Breach::Guessable(weakness) => guessable(*weakness, language),
        Breach::History => history(language).to_owned(),
    }
}

fn too_short(min: u32, language: Language) -> String {
    match language {
        Language::English => format!("The password must have at least {min} characters"),
        Language::Japanese => format!("パスワードは{min}文字以上で入力してください"),
        Language::Chinese => format!("密码长度不能少于 {min} 位"),
        Language::Taiwanese => format!("密碼長度不能少於 {min} 位"),
    }
}

fn too_long(max: u32, language: Language) -> String {
    match language {
        Language::English => format!("The password must have at most {max} characters"),
        Language::Japanese => format!("パスワードは{max}文字以内で入力してください"),
        Language::Chinese => format!("密码长度不能超过 {max} 位"),
        Language::Taiwanese => format!("密碼長度不能超過 {max} 位"),
    }
}

fn too_many_bytes(bytes: u32, language: Language) -> String {
    match language {
        Language::English => format!("The password must have at most {bytes} bytes"),
        Language::Japanese => format!("パスワードは{bytes}バイト以内で入力してください"),
        Language::Chinese => format!("密码不能超过 {bytes} 字节"),
        Language::Taiwanese => format!("密碼不能超過 {bytes} 位元組"),
    }
}

fn repeats(max: u32, language: Language) -> String {
    match language {
        Language::English => format!("One character may stand at most {max} times in a row"),
        Language::Japanese => format!("同じ文字は連続{max}回までです"),
        Language::Chinese => format!("同一字符连续重复不能超过 {max} 次"),
        Language::Taiwanese => format!("同一字元連續重複不能超過 {max} 次"),
    }
}

/// The demanded classes as a clause: what fills `{0}` in BambooCloud's PWD.0004.
pub fn composition(classes: Classes, language: Language) -> String {
    let names = names(classes, language);
    match language {
        Language::English => format!("it must contain {}", names.join(", ")),
        Language::Japanese => format!("{}を含めてください", names.join("、")),
        Language::Chinese => format!("必须包含{}", names.join("、")),
        Language::Taiwanese => format!("必須包含{}", names.join("、")),
    }
}

fn names(classes: Classes, language: Language) -> Vec<&'static str> {
    let wanted = [
        (classes.digit, ["digits", "数字", "数字", "數字"]),
        (classes.letter, ["letters", "英字", "字母", "字母"]),
        (
            classes.mixed_case,
            ["upper and lower case letters", "大文字と小文字", "大小写字母", "大小寫字母"],
        ),
        (classes.special, ["special characters", "記号", "特殊字符", "特殊字元"]),
    ];
    let demanded = wanted.into_iter().filter(|(demanded, _)| *demanded);
    demanded
        .map(|(_, [english, japanese, chinese, taiwanese])| match language {
            Language::English => english,
            Language::Japanese => japanese,
            Language::Chinese => chinese,
            Language::Taiwanese => taiwanese,
        })
        .collect()
}

fn reversed(language: Language) -> &'static str {
    match language {
        Language::English => "The password must not be the user name spelled backwards",
        Language::Japanese => "ユーザー名を逆にしたパスワードは使えません",
        Language::Chinese => "密码不能是用户名的倒序",
        Language::Taiwanese => "密碼不能是使用者名稱的倒序",
    }
}

fn personal(language: Language) -> &'static str {
    match language {
        Language::English => {
            "The password must not contain your user name, phone number, e-mail or name"
        }
        Language::Japanese => {
            "ユーザー名、電話番号、メールアドレス、氏名を含むパスワードは使えません"
        }
        Language::Chinese => "密码不能包含用户名、手机号、邮箱或姓名",
        Language::Taiwanese => "密碼不能包含使用者名稱、手機號碼、信箱或姓名",
    }
}

fn service_word(language: Language) -> &'static str {
    match language {
        Language::English => "The password must not contain the name of this service",
        Language::Japanese => "このサービスの名前を含むパスワードは使えません",
        Language::Chinese => "密码不能包含本服务的名称",
        Language::Taiwanese => "密碼不能包含本服務的名稱",
    }
}

fn common(language: Language) -> &'static str {
    match language {
        Language::English => "The password is too common",
        Language::Japanese => "よく使われるパスワードは使えません",
        Language::Chinese => "密码过于常见",
        Language::Taiwanese => "密碼過於常見",
    }
}

fn breached(language: Language) -> &'static str {
    match language {
        Language::English => "The password is known from a data breach",
        Language::Japanese => "漏えいが確認されたパスワードは使えません",
        Language::Chinese => "密码已在数据泄露中出现",
        Language::Taiwanese => "密碼已在資料外洩中出現",
    }
}

fn guessable(weakness: Option<Weakness>, language: Language) -> String {
    let verdict = match language {
        Language::English => "The password is too easy to guess",
        Language::Japanese => "推測されやすいパスワードです",
        Language::Chinese => "密码太容易被猜到",
        Language::Taiwanese => "密碼太容易被猜到",
    };
    match (weakness, language) {
        (None, _) => verdict.to_owned(),
        (Some(weakness), Language::English) => format!("{verdict}: {}", weakness.text(language)),
        (Some(weakness), _) => format!("{verdict}：{}", weakness.text(language)),
    }
}

fn history(language: Language) -> &'static str {
    match language {
        Language::English => "The password was used before",
        Language::Japanese => "以前に使ったパスワードは使えません",
        Language::Chinese => "不能使用历史密码",
        Language::Taiwanese => "不能使用歷史密碼",
    }
}
