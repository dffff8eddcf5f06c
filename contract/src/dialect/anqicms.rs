//! AnQiCMS: its published page "Reset User Password Interface" (`/api/password/reset` on en.anqicms.com) and the mail
//! verification that leads to it. Business errors are HTTP 200 with `code` -1; member names compare
//! case-insensitively; bodies are JSON whatever the content type says.

use alloc::{format, string::String, vec::Vec};

use crate::address::{Address, Channel, Email};
use crate::dialect::{Dialect, Does, Route, Setting, Sharing};
use crate::edge::{Answer, Asking, Exchanged, Head, Settings};
use crate::json::{Names, Writer};
use crate::language::Language;
use crate::message::{Call, Encryption, Operation, Proof};
use crate::outcome::{Member, Outcome, Refusal};
use crate::policy::Breach;
use crate::profile::{CodeRules, Link, Login, Profile, ProofKind, Published, Rules};
use crate::secret::{Code, Password, Token};

pub(super) struct AnQiCms;

const LINK: Link = Link {
    form: "/account/password/reset#token={token}&code={code}&email={address}",
    life: 30 * 60,
};

static PROFILE: Profile = Profile {
    channels: &[Rules {
        channel: Channel::Email,
        link: Some(LINK),
        code: Some(CodeRules { digits: 6, life: 30 * 60, tries: 5 }),
        accepts: &[ProofKind::LinkAndCode],
    }],
    grant_life: None,
    login: Login::Never,
    password: Published::NOTHING,
};

const SHARING: Sharing = Sharing::Value { member: "state", ours: "reset" };

static ROUTES: [Route; 3] = [
    Route {
        name: "initiate",
        does: Does::Call(Operation::Initiate),
        path: "/api/verify/email",
        channel: Some(Channel::Email),
        sharing: SHARING,
        needs: None,
    },
    Route {
        name: "link",
        does: Does::Link,
        path: "/api/verify/email",
        channel: Some(Channel::Email),
        sharing: SHARING,
        needs: None,
    },
    Route {
        name: "confirm",
        does: Does::Call(Operation::Confirm),
        path: "/api/password/reset",
        channel: Some(Channel::Email),
        sharing: Sharing::Exclusive,
        needs: None,
    },
];

impl Dialect for AnQiCms {
    fn name(&self) -> &'static str {
        "anqicms"
    }

    fn vendor(&self) -> &'static str {
        "AnQiCMS"
    }

    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn routes(&self) -> &'static [Route] {
        &ROUTES
    }

    fn languages(&self) -> &'static [Language] {
        &[Language::Chinese, Language::English, Language::Taiwanese]
    }

    fn settings(&self) -> &'static [Setting] {
        &[Setting::Language, Setting::LegacyUntil]
    }

    fn names(&self) -> Names {
        Names::Folded
    }

    fn reads_any_content_type(&self) -> bool {
        true
    }

    fn language(&self, _head: &Head, settings: &Settings) -> Language {
        settings.language
    }

    fn read(&self, asking: &mut Asking<'_>) -> Result<Call, Refusal> {
        let to = asking.required("email", Member::Address)?;
        let to = Address::Email(Email::parse(&to).map_err(|_| Refusal::AddressMalformed)?);
        if asking.operation == Operation::Initiate {
            return Ok(Call::Initiate { to });
        }
        let password = asking.required("password", Member::Password)?;
        let password =
            Password::parse(password.trim().into()).ok_or(Refusal::Missing(Member::Password))?;
        let token = asking.required("token", Member::Token)?;
        let token = Token::parse(token).ok_or(Refusal::Malformed)?;
        let code = asking.required("code", Member::Code)?;
        let code = Code::parse(code).ok_or(Refusal::Malformed)?;
        let proof = Proof::TokenAndCode { to, token, code };
        Ok(Call::Confirm { proof, password, encryption: Encryption::None })
    }

    fn answer(&self, exchanged: &Exchanged<'_>, outcome: &Outcome) -> Answer {
        let language = exchanged.language;
        let (code, text) = match outcome {
            Outcome::Accepted => (0, words(language, ACCEPTED)),
            Outcome::Reset { .. } => (0, words(language, RESET)),
            Outcome::Granted { .. } | Outcome::Keys(_) => (-1, words(language, BUSY)),
            Outcome::Refused(refusal) => (-1, refused(refusal, language)),
        };
        let mut body = Writer::object().signed("code", code).string("msg", &text).finish();
        body.push('\n');
        Answer::new(status(outcome), "application/json; charset=utf-8", body)
    }

    fn link(&self, query: &[(String, String)]) -> Option<String> {
        let value = |name: &str| {
            let mut named = query.iter().filter(|(key, _)| key == name);
            let (_, value) = named.next()?;
            named.next().is_none().then_some(value.as_str())
        };
        let plain = |text: &&str| {
            !text.is_empty()
                && text.len() <= 256
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let token = value("token").filter(plain)?;
        let code = value("code").filter(plain)?;
        let email = Email::parse(value("email")?).ok()?;
        Some(LINK.fill(token, code, email.as_str()))
    }
}

/// The three wordings of one answer: zh-CN, en-US, zh-TW.
type Wording = [&'static str; 3];

const ACCEPTED: Wording = ["请验证您的邮箱", "Please Verify Your Email", "請驗證您的信箱"];
const RESET: Wording = ["密码重置成功", "Password reset successfully", "密碼重置成功"];
const PROOF: Wording = [
    "验证信息无效或已过期",
    "Verification information is invalid or has expired",
    "驗證資訊無效或已過期",
];
const MALFORMED: Wording = ["参数错误", "Invalid Parameter", "參數錯誤"];
const THROTTLED: Wording = [
    "请求过于频繁，请稍后再试",
    "Too many requests, please try again later",
    "請求過於頻繁，請稍後再試",
];
const BUSY: Wording =
    ["系统繁忙，请稍后再试", "The system is busy, please try again later", "系統繁忙，請稍後再試"];

fn words(language: Language, [chinese, english, taiwanese]: Wording) -> String {
    match language {
        Language::English => english,
        Language::Taiwanese => taiwanese,
        Language::Chinese | Language::Japanese => chinese,
    }
    .into()
}

fn refused(refusal: &Refusal, language: Language) -> String {
    match refusal {
        Refusal::ProofInvalid | Refusal::CaptchaInvalid => words(language, PROOF),
        Refusal::Policy(breaches) => {
            let texts: Vec<String> =
                breaches.iter().map(|breach| broken(breach, language)).collect();
            texts.join(if language == Language::English { "; " } else { "；" })
        }
        Refusal::Throttled { .. } => words(language, THROTTLED),
        Refusal::Busy { .. } | Refusal::Unsigned => words(language, BUSY),
        _ => words(language, MALFORMED),
    }
}

fn broken(breach: &Breach, language: Language) -> String {
    let Breach::TooShort { min, .. } = breach else {
        return breach.text(language);
    };
    match language {
        Language::English => format!("Please fill in a password of more than {min} digits"),
        Language::Taiwanese => format!("請填寫{min}位以上的密碼"),
        Language::Chinese | Language::Japanese => format!("请填写{min}位以上的密码"),
    }
}

/// Business errors are 200; what is no business of the API's keeps its HTTP status.
fn status(outcome: &Outcome) -> u16 {
    match outcome {
        Outcome::Refused(Refusal::Unsigned) | Outcome::Granted { .. } | Outcome::Keys(_) => 503,
        Outcome::Refused(
            refusal @ (Refusal::MethodNotAllowed { .. }
            | Refusal::NotFound
            | Refusal::Throttled { .. }
            | Refusal::Busy { .. }),
        ) => refusal.status(),
        _ => 200,
    }
}
