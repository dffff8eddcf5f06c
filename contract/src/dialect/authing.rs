//! Authing and GenAuth, V3: "Forgot password" (`reset_password`) and the two calls before it.
//! Source: <https://api-explorer.genauth.ai>. HTTP is 200 for every business answer, `statusCode` decides; only rate
//! limits and failures use the HTTP status, because one SDK family ignores it and another throws on it.

use alloc::{string::String, vec::Vec};

use crate::address::{Address, Channel, Country};
use crate::dialect::{Caller, Dialect, Does, Route, Setting, Sharing};
use crate::edge::{Answer, Asking, Exchanged, Head, Settings, optional, required};
use crate::json::{Value, Writer};
use crate::language::Language;
use crate::message::{Call, Encryption, Operation, Proof};
use crate::outcome::{Member, Outcome, Refusal};
use crate::policy::Breach;
use crate::profile::{CodeRules, Login, Profile, ProofKind, Published, Rules};
use crate::public_keys::PublicKeys;
use crate::secret::{Code, Password, Token};

pub(super) struct Authing;

static PROFILE: Profile = Profile {
    channels: &[
        Rules {
            channel: Channel::Email,
            link: None,
            code: Some(CodeRules { digits: 6, life: 5 * 60, tries: 5 }),
            accepts: &[ProofKind::Grant],
        },
        Rules {
            channel: Channel::Sms,
            link: None,
            code: Some(CodeRules { digits: 6, life: 60, tries: 5 }),
            accepts: &[ProofKind::Grant],
        },
    ],
    grant_life: Some(5 * 60),
    login: Login::Never,
    password: Published::NOTHING,
};

const SHARING: Sharing = Sharing::Value { member: "channel", ours: "CHANNEL_RESET_PASSWORD" };

static ROUTES: [Route; 5] = [
    Route {
        name: "initiate-email",
        does: Does::Call(Operation::Initiate),
        path: "/api/v3/send-email",
        channel: Some(Channel::Email),
        sharing: SHARING,
        needs: None,
    },
    Route {
        name: "initiate-sms",
        does: Does::Call(Operation::Initiate),
        path: "/api/v3/send-sms",
        channel: Some(Channel::Sms),
        sharing: SHARING,
        needs: None,
    },
    Route {
        name: "verify",
        does: Does::Call(Operation::Verify),
        path: "/api/v3/verify-reset-password-request",
        channel: None,
        sharing: Sharing::Exclusive,
        needs: None,
    },
    Route {
        name: "confirm",
        does: Does::Call(Operation::Confirm),
        path: "/api/v3/reset-password",
        channel: None,
        sharing: Sharing::Exclusive,
        needs: None,
    },
    Route {
        name: "keys",
        does: Does::Keys,
        path: "/api/v3/system",
        channel: None,
        sharing: Sharing::Exclusive,
        needs: Some(Setting::Keys),
    },
];

impl Dialect for Authing {
    fn name(&self) -> &'static str {
        "authing"
    }

    fn vendor(&self) -> &'static str {
        "Authing / GenAuth V3"
    }

    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn routes(&self) -> &'static [Route] {
        &ROUTES
    }

    fn languages(&self) -> &'static [Language] {
        &[Language::Chinese, Language::English, Language::Taiwanese, Language::Japanese]
    }

    fn settings(&self) -> &'static [Setting] {
        &[
            Setting::Language,
            Setting::Clients,
            Setting::Country,
            Setting::Keys,
            Setting::LegacyUntil,
        ]
    }

    fn language(&self, head: &Head, settings: &Settings) -> Language {
        let asked = head.text("x-authing-lang").or_else(|| head.text("x-genauth-lang"));
        asked.and_then(Language::parse).unwrap_or(settings.language)
    }

    fn caller(&self, head: &Head, settings: &Settings) -> Result<Caller, Refusal> {
        let (one, other) = (head.only("x-authing-app-id")?, head.only("x-genauth-app-id")?);
        let id = match (one, other) {
            (Some(one), Some(other)) if one != other => return Err(Refusal::Malformed),
            (one, other) => {
                one.or(other).filter(|id| !id.is_empty()).ok_or(Refusal::ClientMissing)?
            }
        };
        let client = settings.clients.find(id).ok_or(Refusal::ClientUnknown)?;
        Ok(Caller { client: Some(client.id), ..Caller::default() })
    }

    fn read(&self, asking: &mut Asking<'_>) -> Result<Call, Refusal> {
        match asking.operation {
            Operation::Initiate => read_initiate(asking),
            Operation::Verify => read_verify(asking),
            Operation::Confirm => read_confirm(asking),
        }
    }

    fn answer(&self, exchanged: &Exchanged<'_>, outcome: &Outcome) -> Answer {
        let language = exchanged.language;
        let body = match outcome {
            Outcome::Accepted => envelope(200, words(language, SENT), None, exchanged),
            Outcome::Granted { token, expires_in } => {
                let data = Writer::object()
                    .string("passwordResetToken", token.expose())
                    .number("tokenExpiresIn", u64::from(*expires_in))
                    .finish();
                envelope(200, words(language, DONE), None, exchanged).raw("data", &data)
            }
            Outcome::Reset { .. } => {
                let data = Writer::object().bool("success", true).finish();
                envelope(200, words(language, DONE), None, exchanged).raw("data", &data)
            }
            Outcome::Keys(keys) => system(keys, language),
            Outcome::Refused(refusal) => refused(refusal, exchanged),
        };
        Answer::new(http_status(outcome), "application/json; charset=utf-8", body.finish())
    }
}

/// Documented without an envelope; some clients look under `data` all the same, and find the same there.
fn system(keys: &PublicKeys, language: Language) -> Writer {
    let data = members(keys, Writer::object()).finish();
    members(keys, Writer::object())
        .number("statusCode", 200)
        .string("message", words(language, DONE))
        .raw("data", &data)
}

fn members(keys: &PublicKeys, mut object: Writer) -> Writer {
    let key = |key: &str| Writer::object().string("publicKey", key).finish();
    if let Some(rsa) = &keys.rsa {
        object = object.raw("rsa", &key(rsa));
    }
    if let Some(sm2) = &keys.sm2 {
        object = object.raw("sm2", &key(sm2));
    }
    // What the vendor says of its own servers here, we have none of.
    object.raw("version", "{}").raw("publicIps", "[]")
}

fn read_initiate(asking: &mut Asking<'_>) -> Result<Call, Refusal> {
    let to = match asking.channel {
        Some(Channel::Sms) => {
            let number = asking.required("phoneNumber", Member::Address)?;
            let country = asking.optional("phoneCountryCode")?;
            phone(&number, country, asking.settings)?
        }
        _ => email(&asking.required("email", Member::Address)?)?,
    };
    Ok(Call::Initiate { to })
}

fn read_verify(asking: &mut Asking<'_>) -> Result<Call, Refusal> {
    let method = asking.required("verifyMethod", Member::Other)?;
    let (channel, member) = match method.as_str() {
        "EMAIL_PASSCODE" => (Channel::Email, "emailPassCodePayload"),
        "PHONE_PASSCODE" => (Channel::Sms, "phonePassCodePayload"),
        _ => return Err(Refusal::Malformed),
    };
    let mut body = match asking.body.take(member) {
        Some(Value::Object(body)) => body,
        Some(_) => return Err(Refusal::Malformed),
        None => return Err(Refusal::Missing(Member::Other)),
    };
    let to = match channel {
        Channel::Email => email(&required(&mut body, "email", Member::Address)?)?,
        Channel::Sms => {
            let number = required(&mut body, "phoneNumber", Member::Address)?;
            let country = optional(&mut body, "phoneCountryCode")?;
            phone(&number, country, asking.settings)?
        }
    };
    let code =
        Code::parse(required(&mut body, "passCode", Member::Code)?).ok_or(Refusal::ProofInvalid)?;
    Ok(Call::Verify { to, code })
}

fn read_confirm(asking: &mut Asking<'_>) -> Result<Call, Refusal> {
    let token = asking.required("passwordResetToken", Member::Token)?;
    let password = asking.required("password", Member::Password)?;
    let password = Password::parse(password).ok_or(Refusal::Missing(Member::Password))?;
    let encryption = match asking.optional("passwordEncryptType")? {
        None => Encryption::None,
        Some(kind) => Encryption::parse(&kind).ok_or(Refusal::Malformed)?,
    };
    let token = Token::parse(token).ok_or(Refusal::ProofInvalid)?;
    Ok(Call::Confirm { proof: Proof::Token { token }, password, encryption })
}

fn email(text: &str) -> Result<Address, Refusal> {
    Address::parse(Channel::Email, text, None).map_err(|_| Refusal::AddressMalformed)
}

fn phone(number: &str, country: Option<String>, settings: &Settings) -> Result<Address, Refusal> {
    let country = match country.filter(|text| !text.is_empty()) {
        Some(text) => Some(Country::parse(&text).map_err(|_| Refusal::AddressMalformed)?),
        None => settings.country,
    };
    Address::parse(Channel::Sms, number, country).map_err(|_| Refusal::AddressMalformed)
}

/// The four wordings of one answer: zh-CN, en-US, zh-TW, ja-JP.
type Wording = [&'static str; 4];

const SENT: Wording = ["发送成功", "Sent successfully", "發送成功", "送信しました"];
const DONE: Wording = ["操作成功", "Operation successful", "操作成功", "操作が完了しました"];

fn words(language: Language, [chinese, english, taiwanese, japanese]: Wording) -> &'static str {
    match language {
        Language::Chinese => chinese,
        Language::English => english,
        Language::Taiwanese => taiwanese,
        Language::Japanese => japanese,
    }
}

fn envelope(
    status: u16,
    message: &str,
    api_code: Option<u32>,
    exchanged: &Exchanged<'_>,
) -> Writer {
    let object =
        Writer::object().number("statusCode", u64::from(status)).string("message", message);
    let object = match api_code {
        Some(code) => object.number("apiCode", u64::from(code)),
        None => object,
    };
    object.string("requestId", exchanged.request.as_str())
}

fn refused(refusal: &Refusal, exchanged: &Exchanged<'_>) -> Writer {
    if let Refusal::Policy(breaches) = refusal {
        return broken(breaches, exchanged);
    }
    let (status, api_code, wording) = row(refusal, exchanged.does);
    envelope(status, words(exchanged.language, wording), api_code, exchanged)
}

fn row(refusal: &Refusal, does: Does) -> (u16, Option<u32>, Wording) {
    match refusal {
        Refusal::AddressMalformed => (499, Some(2028), ADDRESS),
        Refusal::ClientUnknown => (499, Some(2011), CLIENT),
        Refusal::ProofInvalid if does == Does::Call(Operation::Verify) => (499, Some(2001), CODE),
        Refusal::CaptchaInvalid => (499, Some(2001), CODE),
        Refusal::ProofInvalid => (499, Some(2300), GRANT),
        Refusal::Undecryptable => (499, Some(2016), UNDECRYPTABLE),
        Refusal::Throttled { .. } => (429, None, THROTTLED),
        Refusal::Busy { .. } | Refusal::Unsigned => (503, Some(1000), BUSY),
        Refusal::MethodNotAllowed { .. } => (405, Some(2231), MALFORMED),
        Refusal::NotFound => (404, Some(2231), MALFORMED),
        _ => (400, Some(2231), MALFORMED),
    }
}

const ADDRESS: Wording = [
    "请提供正确的手机号或邮箱",
    "Please provide a valid phone number or email",
    "請提供正確的手機號碼或信箱",
    "正しい電話番号またはメールアドレスを入力してください",
];
const CLIENT: Wording =
    ["应用不存在", "Application does not exist", "應用不存在", "アプリケーションが存在しません"];
const CODE: Wording = [
    "验证码验证失败",
    "Verification code verification failed",
    "驗證碼驗證失敗",
    "認証コードの検証に失敗しました",
];
const GRANT: Wording = [
    "重置凭证无效或已过期",
    "The password reset token is invalid or has expired",
    "重置憑證無效或已過期",
    "パスワード再設定トークンが無効または期限切れです",
];
const UNDECRYPTABLE: Wording = [
    "解密客户端密码出错",
    "Client password decryption error",
    "解密用戶端密碼出錯",
    "パスワードを復号できませんでした",
];
const THROTTLED: Wording = [
    "您的请求已超过最大数量限制，请稍后重试",
    "Too many requests, please try again later",
    "您的請求已超過最大數量限制，請稍後重試",
    "リクエストが多すぎます。しばらくしてからお試しください",
];
const BUSY: Wording = [
    "系统繁忙，请稍后再试",
    "The system is busy, please try again later",
    "系統繁忙，請稍後再試",
    "システムが混み合っています。しばらくしてからお試しください",
];
const MALFORMED: Wording = [
    "请求参数不全",
    "Incomplete request parameters",
    "請求參數不全",
    "リクエストパラメータが不足しています",
];

fn broken(breaches: &[Breach], exchanged: &Exchanged<'_>) -> Writer {
    let texts: Vec<String> =
        breaches.iter().map(|breach| breach.text(exchanged.language)).collect();
    let api_code = match breaches {
        [Breach::TooShort { .. }] => 2029,
        _ => 2061,
    };
    let separator = if exchanged.language == Language::English { "; " } else { "；" };
    envelope(499, &texts.join(separator), Some(api_code), exchanged)
}

/// Business answers are 200; what is no business of the API's keeps its HTTP status.
fn http_status(outcome: &Outcome) -> u16 {
    match outcome {
        Outcome::Refused(Refusal::Unsigned) => 503,
        Outcome::Refused(
            refusal @ (Refusal::MethodNotAllowed { .. }
            | Refusal::NotFound
            | Refusal::Throttled { .. }
            | Refusal::Busy { .. }),
        ) => refusal.status(),
        _ => 200,
    }
}
