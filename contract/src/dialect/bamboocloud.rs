//! BambooCloud IDaaS CIAM SDK, v2 (also Huawei Cloud OneAccess): "Forgot Password via Email" and via mobile,
//! as its developer documents publish them. Errors are HTTP 400 with `error_code`; success is an empty body. The order
//! of checks is the order of the documented table. The device headers are the caller's own words: kept for the audit.

use alloc::{format, string::String};

use crate::address::{Address, Channel};
use crate::dialect::{Caller, Dialect, Does, Route, Setting, Sharing};
use crate::edge::{Answer, Asking, Exchanged, Head, Settings};
use crate::json::Writer;
use crate::language::Language;
use crate::message::{Call, Claim, Encryption, Operation, Proof};
use crate::outcome::{Member, Outcome, Refusal};
use crate::policy::{Breach, Classes, composition};
use crate::profile::{CodeRules, Login, Profile, ProofKind, Published, Rules};
use crate::secret::{Code, Password};

pub(super) struct BambooCloud;

const CODE: CodeRules = CodeRules { digits: 6, life: 10 * 60, tries: 5 };

/// Its PWD rules are switches; those without a number hold by default here. Lengths are the documented bounds. Of "1 to 10"
/// repeats, of the combinations of classes and of the former passwords no default is named: these are ours.
const PUBLISHED: Published = Published {
    min: Some(8),
    max: Some(50),
    classes: Classes { digit: true, letter: true, mixed_case: false, special: false },
    repeats: Some(3),
    history: 5,
};

static PROFILE: Profile = Profile {
    channels: &[
        Rules {
            channel: Channel::Email,
            link: None,
            code: Some(CODE),
            accepts: &[ProofKind::Code],
        },
        Rules { channel: Channel::Sms, link: None, code: Some(CODE), accepts: &[ProofKind::Code] },
    ],
    grant_life: None,
    login: Login::Never,
    password: PUBLISHED,
};

/// The logged-in change of password goes by the same paths.
const SIGNED_IN: Sharing = Sharing::SignedIn { members: &["email", "mobile"] };

static ROUTES: [Route; 4] = [
    Route {
        name: "initiate-email",
        does: Does::Call(Operation::Initiate),
        path: "/api/v2/sdk/email/send",
        channel: Some(Channel::Email),
        sharing: Sharing::Value { member: "type", ours: "FORGET_PWD_EMS" },
        needs: None,
    },
    Route {
        name: "initiate-sms",
        does: Does::Call(Operation::Initiate),
        path: "/api/v2/sdk/sms/send",
        channel: Some(Channel::Sms),
        sharing: Sharing::Value { member: "type", ours: "FORGET_PWD_SMS" },
        needs: None,
    },
    Route {
        name: "confirm-email",
        does: Does::Call(Operation::Confirm),
        path: "/api/v2/sdk/pwd/update-by-email",
        channel: Some(Channel::Email),
        sharing: SIGNED_IN,
        needs: None,
    },
    Route {
        name: "confirm-sms",
        does: Does::Call(Operation::Confirm),
        path: "/api/v2/sdk/pwd/update-by-mobile",
        channel: Some(Channel::Sms),
        sharing: SIGNED_IN,
        needs: None,
    },
];

impl Dialect for BambooCloud {
    fn name(&self) -> &'static str {
        "bamboocloud"
    }

    fn vendor(&self) -> &'static str {
        "BambooCloud CIAM"
    }

    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn routes(&self) -> &'static [Route] {
        &ROUTES
    }

    fn languages(&self) -> &'static [Language] {
        &[Language::Chinese, Language::English]
    }

    fn settings(&self) -> &'static [Setting] {
        &[Setting::Language, Setting::Clients, Setting::Country, Setting::Captcha]
    }

    fn language(&self, head: &Head, settings: &Settings) -> Language {
        let asked = head.text("x-l").and_then(Language::parse);
        asked.filter(|language| self.languages().contains(language)).unwrap_or(settings.language)
    }

    fn caller(&self, head: &Head, settings: &Settings) -> Result<Caller, Refusal> {
        let device = |name| head.text(name).ok_or(Refusal::DeviceIncomplete);
        let system = device("x-operating-sys-version")?;
        let fingerprint = device("x-device-fingerprint")?;
        device("x-agent")?;
        let id = head.text("x-client-id").ok_or(Refusal::ClientMissing)?;
        let client = settings.clients.find(id).ok_or(Refusal::ClientUnknown)?;
        let claimed = head.text("x-device-ip").unwrap_or("-");
        let device = Claim::of(&format!("{system}; {fingerprint}; {claimed}"));
        Ok(Caller { client: Some(client.id), device, origins: None })
    }

    fn read(&self, asking: &mut Asking<'_>) -> Result<Call, Refusal> {
        if asking.operation == Operation::Initiate {
            let to = address(asking)?;
            asking.required("captcha_token", Member::CaptchaToken)?;
            return Ok(Call::Initiate { to });
        }
        let code = asking.required("verify_code", Member::Code)?;
        let to = address(asking)?;
        let password = asking.required("password", Member::Password)?;
        let password = Password::parse(password).ok_or(Refusal::Missing(Member::Password))?;
        let code = Code::parse(code).ok_or(Refusal::ProofInvalid)?;
        Ok(Call::Confirm {
            proof: Proof::Code { to, code },
            password,
            encryption: Encryption::None,
        })
    }

    fn answer(&self, exchanged: &Exchanged<'_>, outcome: &Outcome) -> Answer {
        let refusal = match outcome {
            Outcome::Accepted | Outcome::Reset { .. } => {
                return Answer::new(200, "application/json", "");
            }
            Outcome::Granted { .. } | Outcome::Keys(_) => &Refusal::Busy { retry_after: 5 },
            Outcome::Refused(refusal) => refusal,
        };
        let (code, english, chinese) = error(refusal, exchanged);
        let text = if exchanged.language == Language::English { english } else { chinese };
        let code = format!("IDAAS.SDK.{code}");
        let body = Writer::object().string("error_code", &code).string("error_msg", &text).finish();
        Answer::new(status(refusal), "application/json", body)
    }
}

fn address(asking: &mut Asking<'_>) -> Result<Address, Refusal> {
    let (channel, member) = match asking.channel {
        Some(Channel::Sms) => (Channel::Sms, "mobile"),
        _ => (Channel::Email, "email"),
    };
    let text = asking.required(member, Member::Address)?;
    Address::parse(channel, &text, asking.settings.country).map_err(|_| Refusal::AddressMalformed)
}

fn status(refusal: &Refusal) -> u16 {
    match refusal {
        Refusal::MethodNotAllowed { .. }
        | Refusal::NotFound
        | Refusal::TooLarge
        | Refusal::Throttled { .. }
        | Refusal::Busy { .. } => refusal.status(),
        Refusal::Unsigned => 503,
        _ => 400,
    }
}

/// The code behind `IDAAS.SDK.` and its texts.
type Row = (&'static str, String, String);

fn row(code: &'static str, english: &str, chinese: &str) -> Row {
    (code, english.into(), chinese.into())
}

fn error(refusal: &Refusal, exchanged: &Exchanged<'_>) -> Row {
    match refusal {
        Refusal::DeviceIncomplete => {
            row("PARAM.0001", "Device information is incomplete", "设备信息不完整")
        }
        Refusal::ClientMissing => row("PARAM.0002", "clientId cannot be empty", "clientId不能为空"),
        Refusal::ClientUnknown => row(
            "PARAM.0003",
            "The app is not registered, please register the app first",
            "应用未注册，请先注册应用",
        ),
        Refusal::Missing(Member::Code) => {
            row("PARAM.0009", "Verification code cannot be empty", "验证码不能为空")
        }
        Refusal::Missing(Member::Address) if exchanged.channel == Some(Channel::Sms) => {
            row("USER.0005", "Mobile number cannot be empty", "手机号不能为空")
        }
        Refusal::Missing(Member::Address) => {
            row("USER.0005", "E-mail cannot be empty", "邮箱不能为空")
        }
        Refusal::Missing(Member::Password) => {
            row("USER.0006", "Password cannot be empty", "密码不能为空")
        }
        Refusal::Missing(Member::CaptchaToken) | Refusal::CaptchaInvalid => row(
            "CAPTCHA.0002",
            "Graphic verification code verification failed",
            "图形验证码校验失败",
        ),
        Refusal::ProofInvalid => row("CAPTCHA.0007", "Incorrect verification code", "验证码不正确"),
        Refusal::Policy(breaches) => first_broken(breaches),
        Refusal::Throttled { .. } | Refusal::Busy { .. } | Refusal::Unsigned => {
            row("COM.0002", "System busy, please try again later", "系统繁忙,请稍后重试")
        }
        _ => row("PARAM.0000", "Malformed request", "请求格式错误"),
    }
}

/// The broken rule that stands first in the documented table.
fn first_broken(breaches: &[Breach]) -> Row {
    let rows = breaches.iter().map(broken);
    rows.min_by_key(|(code, _, _)| *code)
        .unwrap_or_else(|| row("PWD.0005", "The password is weak", "该密码为弱密码"))
}

fn broken(breach: &Breach) -> Row {
    match breach {
        Breach::History => row(
            "PWD.0001",
            "The password is used before, cannot be used again",
            "不允许使用历史密码",
        ),
        Breach::Reversed => row(
            "PWD.0002",
            "Password cannot username in reverse order",
            "密码不允许是用户名的倒序拼写",
        ),
        Breach::Personal => row(
            "PWD.0003",
            "Password cannot contain :username, phone number, email prefix, name in PinYing",
            "密码不能包含:用户名、手机号、邮箱前缀、姓名拼音",
        ),
        Breach::Composition(classes) => (
            "PWD.0004",
            format!(
                "Your password complexity is low, {}",
                composition(*classes, Language::English)
            ),
            format!("密码复杂度低,{}", composition(*classes, Language::Chinese)),
        ),
        Breach::ServiceWord | Breach::Common | Breach::Breached | Breach::Guessable(_) => {
            row("PWD.0005", "The password is weak", "该密码为弱密码")
        }
        Breach::Repeats { max } => (
            "PWD.0006",
            format!("Number of character repeat in password should not exceed {max}"),
            format!("密码中字符重复次数不能超过{max}"),
        ),
        Breach::TooShort { min, max }
        | Breach::TooLong { min, max }
        | Breach::TooManyBytes { min, max, .. } => (
            "PWD.0007",
            format!("The password must contain {min} to {max} characters"),
            format!("密码长度为{min}~{max}个字符"),
        ),
    }
}
