//! Our own dialect, for new clients and for our own page: JSON in, JSON out, HTTP statuses that mean what they say,
//! errors as `application/problem+json` (RFC 9457) with `code` and, for policy failures, `reasons`.

use alloc::{format, string::String, vec::Vec};

use crate::address::{Address, Channel};
use crate::dialect::{Dialect, Does, Route, Setting, Sharing};
use crate::edge::{Answer, Asking, Exchanged, Head, Settings};
use crate::json::{Value, Writer, array};
use crate::language::Language;
use crate::message::{Call, Encryption, Operation, Proof};
use crate::outcome::{Member, Outcome, Refusal, breach_members};
use crate::profile::{CodeRules, Link, Login, Profile, ProofKind, Published, Rules};
use crate::public_keys::PublicKeys;
use crate::secret::{Code, Password, Token};

pub(super) struct Native;

const CODE: CodeRules = CodeRules { digits: 6, life: 10 * 60, tries: 5 };

static PROFILE: Profile = Profile {
    channels: &[
        Rules {
            channel: Channel::Email,
            link: Some(Link { form: "/reset#token={token}", life: 30 * 60 }),
            code: Some(CODE),
            accepts: &[ProofKind::Link, ProofKind::Code, ProofKind::Grant],
        },
        Rules {
            channel: Channel::Sms,
            link: None,
            code: Some(CODE),
            accepts: &[ProofKind::Code, ProofKind::Grant],
        },
    ],
    grant_life: Some(5 * 60),
    login: Login::Never,
    password: Published::NOTHING,
};

const fn route(name: &'static str, does: Does, path: &'static str) -> Route {
    Route { name, does, path, channel: None, sharing: Sharing::Exclusive, needs: None }
}

static ROUTES: [Route; 4] = [
    route("initiate", Does::Call(Operation::Initiate), "/reset/v1/initiate"),
    route("verify", Does::Call(Operation::Verify), "/reset/v1/verify"),
    route("confirm", Does::Call(Operation::Confirm), "/reset/v1/confirm"),
    route("keys", Does::Keys, "/reset/v1/keys"),
];

impl Dialect for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    fn vendor(&self) -> &'static str {
        "Rekey"
    }

    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn routes(&self) -> &'static [Route] {
        &ROUTES
    }

    fn languages(&self) -> &'static [Language] {
        &[Language::English, Language::Chinese, Language::Taiwanese, Language::Japanese]
    }

    fn settings(&self) -> &'static [Setting] {
        &[Setting::Language, Setting::Country, Setting::LegacyUntil]
    }

    fn language(&self, head: &Head, settings: &Settings) -> Language {
        preferred(head.text("accept-language").unwrap_or_default()).unwrap_or(settings.language)
    }

    fn read(&self, asking: &mut Asking<'_>) -> Result<Call, Refusal> {
        match asking.operation {
            Operation::Initiate => {
                let channel = asking.required("channel", Member::Other)?;
                let channel = Channel::parse(&channel).ok_or(Refusal::Malformed)?;
                let to = asking.required("to", Member::Address)?;
                Ok(Call::Initiate { to: address(channel, &to, asking.settings)? })
            }
            Operation::Verify => Ok(Call::Verify { to: recipient(asking)?, code: code(asking)? }),
            Operation::Confirm => read_confirm(asking),
        }
    }

    fn answer(&self, exchanged: &Exchanged<'_>, outcome: &Outcome) -> Answer {
        let body = match outcome {
            Outcome::Accepted => Writer::object().string("status", "accepted"),
            Outcome::Granted { token, expires_in } => Writer::object()
                .string("reset_token", token.expose())
                .number("expires_in", u64::from(*expires_in)),
            Outcome::Reset { .. } => Writer::object().string("status", "reset"),
            Outcome::Keys(keys) => public(keys),
            Outcome::Refused(refusal) => return problem(visible(refusal), exchanged),
        };
        Answer::new(outcome.status(), "application/json; charset=utf-8", body.finish())
    }
}

fn public(keys: &PublicKeys) -> Writer {
    let mut object = Writer::object();
    if let Some(rsa) = &keys.rsa {
        object = object.string("rsa", rsa);
    }
    if let Some(sm2) = &keys.sm2 {
        object = object.string("sm2", sm2);
    }
    object
}

fn read_confirm(asking: &mut Asking<'_>) -> Result<Call, Refusal> {
    let token = asking.optional("token")?;
    let given = |name: &str| asking.body.get(name).is_some_and(|value| *value != Value::Null);
    let proof = match token {
        Some(_) if given("to") || given("code") => return Err(Refusal::Malformed),
        Some(token) if token.is_empty() => return Err(Refusal::Missing(Member::Token)),
        Some(token) => Proof::Token { token: Token::parse(token).ok_or(Refusal::ProofInvalid)? },
        None if !given("to") => return Err(Refusal::Missing(Member::Token)),
        None => Proof::Code { to: recipient(asking)?, code: code(asking)? },
    };
    let password = asking.required("password", Member::Password)?;
    let password = Password::parse(password).ok_or(Refusal::Missing(Member::Password))?;
    let encryption = match asking.optional("encryption")? {
        None => Encryption::None,
        Some(kind) => Encryption::parse(&kind).ok_or(Refusal::Malformed)?,
    };
    Ok(Call::Confirm { proof, password, encryption })
}

fn recipient(asking: &mut Asking<'_>) -> Result<Address, Refusal> {
    let to = asking.required("to", Member::Address)?;
    let channel = if to.contains('@') { Channel::Email } else { Channel::Sms };
    address(channel, &to, asking.settings)
}

fn address(channel: Channel, text: &str, settings: &Settings) -> Result<Address, Refusal> {
    Address::parse(channel, text, settings.country).map_err(|_| Refusal::AddressMalformed)
}

fn code(asking: &mut Asking<'_>) -> Result<Code, Refusal> {
    let code = asking.required("code", Member::Code)?;
    Code::parse(code).ok_or(Refusal::ProofInvalid)
}

/// What happens between edge and sidecar is nobody else's business.
fn visible(refusal: &Refusal) -> &Refusal {
    match refusal {
        Refusal::Unsigned => &Refusal::Busy { retry_after: 5 },
        other => other,
    }
}

fn problem(refusal: &Refusal, exchanged: &Exchanged<'_>) -> Answer {
    let code = refusal.code();
    let mut object = Writer::object()
        .string("type", &format!("urn:rekey:problem:{code}"))
        .string("title", title(refusal))
        .number("status", u64::from(refusal.status()))
        .string("code", code)
        .string("instance", exchanged.request.as_str());
    if let Refusal::Missing(member) = refusal {
        object = object.string("member", member_name(*member));
    }
    if let Refusal::Policy(breaches) = refusal {
        let reasons: Vec<String> = breaches
            .iter()
            .map(|breach| {
                breach_members(breach).string("text", &breach.text(exchanged.language)).finish()
            })
            .collect();
        object = object.raw("reasons", &array(reasons.iter().map(String::as_str)));
    }
    Answer::new(refusal.status(), "application/problem+json; charset=utf-8", object.finish())
}

fn member_name(member: Member) -> &'static str {
    match member {
        Member::Address => "to",
        Member::CaptchaToken => "captcha_token",
        Member::Code => "code",
        Member::Password => "password",
        Member::Token => "token",
        Member::Other => "channel",
    }
}

fn title(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::MethodNotAllowed { .. } => "The method is not allowed",
        Refusal::NotFound => "There is nothing here; check the spelling of the path",
        Refusal::TooLarge => "The body is larger than 16 KiB",
        Refusal::UnsupportedMedia => "The body must be application/json, not encoded",
        Refusal::OriginRefused => "Pages of this origin may not call",
        Refusal::DeviceIncomplete | Refusal::Malformed | Refusal::Mismatch => {
            "The request is malformed"
        }
        Refusal::ClientMissing | Refusal::ClientUnknown => "The client is not registered",
        Refusal::Missing(_) => "A member is missing or empty",
        Refusal::AddressMalformed => "The address is malformed",
        Refusal::CaptchaInvalid => "The captcha was not solved",
        Refusal::ProofInvalid => "The code or token is wrong, expired or used",
        Refusal::Undecryptable => "The password cannot be decrypted",
        Refusal::Policy(_) => "The password breaks the policy",
        Refusal::Throttled { .. } => "Too many requests",
        Refusal::Busy { .. } | Refusal::Unsigned => "The service is busy",
    }
}

/// The best language of an Accept-Language header (RFC 9110, 12.5.4): highest weight, then first.
fn preferred(header: &str) -> Option<Language> {
    let mut best: Option<(u32, Language)> = None;
    for item in header.split(',').take(16) {
        let (tag, weight) = item.split_once(';').unwrap_or((item, "q=1"));
        let Some(language) = Language::parse(tag) else { continue };
        let weight = thousandths(weight);
        if weight > best.map_or(0, |(best, _)| best) {
            best = Some((weight, language));
        }
    }
    best.map(|(_, language)| language)
}

/// A weight like `q=0.8` in thousandths; what cannot be read counts nothing.
fn thousandths(weight: &str) -> u32 {
    let Some(number) = weight.trim().strip_prefix("q=") else {
        return 0;
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    let whole: u32 = whole.parse().unwrap_or(0);
    whole.saturating_mul(1000).saturating_add(digits.parse().unwrap_or(0)).min(1000)
}
