//! What became of a request: the closed list of outcomes, and how the sidecar writes and the edge reads them.
//! Invariant: an outcome holds nothing of the request; what can't be read is never taken for a success.

mod breaches;

use alloc::{string::String, vec::Vec};

use crate::json::{self, Names, Object, Value, Writer};
use crate::policy::Breach;
use crate::public_keys::PublicKeys;
use crate::secret::Token;

pub use self::breaches::breach_members;

/// Seconds for `Retry-After` where something failed and said nothing better.
pub const BUSY_RETRY: u32 = 5;

/// What the sidecar, or the edge for what it refuses itself, decided.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// An ask was taken down; whether anything is sent, nobody learns here.
    Accepted,
    /// The code was right; the grant lives `expires_in` seconds.
    Granted {
        token: Token,
        expires_in: u32,
    },
    /// The password is changed; the token logs the user in where the profile wants that.
    Reset {
        access_token: Option<Token>,
    },
    /// What passwords are to be encrypted with.
    Keys(PublicKeys),
    Refused(Refusal),
}

/// Why a request was refused. The first group only the edge says, the second either side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Wrong method; `allow` is the value of the `Allow` header.
    MethodNotAllowed {
        allow: &'static str,
    },
    /// Another spelling of a claimed path.
    NotFound,
    /// More than 16 KiB of body.
    TooLarge,
    /// A content type or content encoding that is not ours.
    UnsupportedMedia,
    /// Another site's page sent it.
    OriginRefused,
    /// BambooCloud's device headers are incomplete.
    DeviceIncomplete,
    ClientMissing,
    ClientUnknown,
    Missing(Member),
    /// Two confirmations of the password differ.
    Mismatch,

    /// Not JSON as we read it, a wrong type, a query on a POST, and whatever else has no better name.
    Malformed,
    AddressMalformed,
    CaptchaInvalid,
    /// Wrong, expired, used, burnt, of somebody else: one answer for all.
    ProofInvalid,
    Undecryptable,
    Policy(Vec<Breach>),
    Throttled {
        retry_after: u32,
    },
    /// Something behind the edge fails; nothing was done, or a repeat is safe.
    Busy {
        retry_after: u32,
    },
    /// The message was unsigned, stale or replayed. Clients see it as busy.
    Unsigned,
}

/// A member that was missing, empty, or too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    Address,
    CaptchaToken,
    Code,
    Password,
    Token,
    Other,
}

impl Refusal {
    /// One sample of each, for tables and tests.
    pub fn samples() -> Vec<Self> {
        let mut all = Vec::from([
            Self::MethodNotAllowed { allow: "POST, OPTIONS" },
            Self::NotFound,
            Self::TooLarge,
            Self::UnsupportedMedia,
            Self::OriginRefused,
            Self::DeviceIncomplete,
            Self::ClientMissing,
            Self::ClientUnknown,
            Self::Missing(Member::Address),
            Self::Missing(Member::CaptchaToken),
            Self::Missing(Member::Code),
            Self::Missing(Member::Password),
            Self::Missing(Member::Token),
            Self::Missing(Member::Other),
            Self::Mismatch,
            Self::Malformed,
            Self::AddressMalformed,
            Self::CaptchaInvalid,
            Self::ProofInvalid,
            Self::Undecryptable,
        ]);
        all.extend(Breach::SAMPLES.map(|breach| Self::Policy(Vec::from([breach]))));
        all.extend([
            Self::Throttled { retry_after: 60 },
            Self::Busy { retry_after: 5 },
            Self::Unsigned,
        ]);
        all
    }

    /// The stable code: in canonical answers, the native dialect, logs and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::NotFound => "not_found",
            Self::TooLarge => "too_large",
            Self::UnsupportedMedia => "unsupported_media",
            Self::OriginRefused => "origin_refused",
            Self::DeviceIncomplete => "device_incomplete",
            Self::ClientMissing => "client_missing",
            Self::ClientUnknown => "client_unknown",
            Self::Missing(_) => "missing",
            Self::Mismatch => "mismatch",
            Self::Malformed => "malformed",
            Self::AddressMalformed => "address_malformed",
            Self::CaptchaInvalid => "captcha_invalid",
            Self::ProofInvalid => "proof_invalid",
            Self::Undecryptable => "undecryptable",
            Self::Policy(_) => "policy",
            Self::Throttled { .. } => "throttled",
            Self::Busy { .. } => "busy",
            Self::Unsigned => "unsigned",
        }
    }

    /// The status of the canonical answer and of the native dialect.
    pub fn status(&self) -> u16 {
        match self {
            Self::MethodNotAllowed { .. } => 405,
            Self::NotFound => 404,
            Self::TooLarge => 413,
            Self::UnsupportedMedia => 415,
            Self::OriginRefused => 403,
            Self::Unsigned => 401,
            Self::Policy(_) => 422,
            Self::Throttled { .. } => 429,
            Self::Busy { .. } => 503,
            _ => 400,
        }
    }

    /// Seconds until a repeat has a chance, for `Retry-After`.
    pub fn retry_after(&self) -> Option<u32> {
        match self {
            Self::Throttled { retry_after } | Self::Busy { retry_after } => Some(*retry_after),
            Self::Unsigned => Some(BUSY_RETRY),
            _ => None,
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Self::Malformed => "The request is malformed",
            Self::AddressMalformed => "The address is malformed",
            Self::CaptchaInvalid => "The captcha was not solved",
            Self::ProofInvalid => "The proof is invalid, expired or used",
            Self::Undecryptable => "The password cannot be decrypted",
            Self::Policy(_) => "The password breaks the policy",
            Self::Throttled { .. } => "Too many requests",
            Self::Unsigned => "The message is unsigned, stale or replayed",
            Self::Busy { .. } => "The service is busy",
            _ => "The request is refused",
        }
    }
}

impl Outcome {
    pub fn code(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Granted { .. } => "granted",
            Self::Reset { .. } => "reset",
            Self::Keys(_) => "keys",
            Self::Refused(refusal) => refusal.code(),
        }
    }

    /// The status of the canonical answer.
    pub fn status(&self) -> u16 {
        match self {
            Self::Accepted => 202,
            Self::Granted { .. } | Self::Reset { .. } | Self::Keys(_) => 200,
            Self::Refused(refusal) => refusal.status(),
        }
    }

    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Refused(_) => "application/problem+json",
            _ => "application/json",
        }
    }

    /// The canonical answer's body; `instance` is the request id (RFC 9457).
    pub fn encode(&self, instance: &str) -> String {
        match self {
            Self::Accepted => Writer::object().string("outcome", "accepted").finish(),
            Self::Granted { token, expires_in } => Writer::object()
                .string("outcome", "granted")
                .string("token", token.expose())
                .number("expires_in", u64::from(*expires_in))
                .finish(),
            Self::Reset { access_token } => {
                let object = Writer::object().string("outcome", "reset");
                match access_token {
                    Some(token) => object.string("token", token.expose()).finish(),
                    None => object.finish(),
                }
            }
            Self::Keys(keys) => keys.write(Writer::object().string("outcome", "keys")).finish(),
            Self::Refused(refusal) => encode_refusal(refusal, instance),
        }
    }

    /// The outcome that an answer's head announces by its code (the header `rekey-outcome`), without what stands in the
    /// body alone: no dialect's status or header depends on that.
    pub fn announced(code: &str, retry_after: u32) -> Option<Self> {
        Some(match code {
            "accepted" => Self::Accepted,
            "granted" => Self::Granted { token: Token::parse("-".into())?, expires_in: 0 },
            "reset" => Self::Reset { access_token: None },
            "keys" => Self::Keys(PublicKeys::default()),
            _ => Self::Refused(named(code, retry_after)?),
        })
    }

    /// Whether there is more to it than code and time: a token, keys, broken rules.
    pub fn says_more(&self) -> bool {
        match self {
            Self::Accepted => false,
            Self::Granted { .. } | Self::Keys(_) | Self::Refused(Refusal::Policy(_)) => true,
            Self::Reset { access_token } => access_token.is_some(),
            Self::Refused(_) => false,
        }
    }

    /// Reads a canonical answer. `None` for everything that is not one.
    pub fn decode(body: &[u8]) -> Option<Self> {
        let Value::Object(mut object) = json::parse(body, Names::Exact).ok()? else {
            return None;
        };
        let Some(outcome) = object.take("outcome") else {
            return decode_refusal(object).map(Self::Refused);
        };
        match outcome.as_str()? {
            "accepted" => Some(Self::Accepted),
            "granted" => Some(Self::Granted {
                token: Token::parse(object.take("token")?.into_string()?)?,
                expires_in: number(&mut object, "expires_in")?,
            }),
            "reset" => Some(Self::Reset {
                access_token: match object.take("token") {
                    Some(token) => Some(Token::parse(token.into_string()?)?),
                    None => None,
                },
            }),
            "keys" => PublicKeys::take(&mut object).map(Self::Keys),
            _ => None,
        }
    }
}

fn encode_refusal(refusal: &Refusal, instance: &str) -> String {
    let code = refusal.code();
    let kind = alloc::format!("urn:rekey:problem:{code}");
    let mut object = Writer::object()
        .string("type", &kind)
        .string("title", refusal.title())
        .number("status", u64::from(refusal.status()))
        .string("code", code)
        .string("instance", instance);
    if let Some(seconds) = refusal.retry_after() {
        object = object.number("retry_after", u64::from(seconds));
    }
    if let Refusal::Policy(breaches) = refusal {
        let reasons: Vec<String> =
            breaches.iter().map(|breach| breach_members(breach).finish()).collect();
        let reasons = json::array(reasons.iter().map(String::as_str));
        object = object.raw("reasons", &reasons);
    }
    object.finish()
}

fn decode_refusal(mut object: Object) -> Option<Refusal> {
    let code = object.take("code")?.into_string()?;
    let retry_after = number(&mut object, "retry_after");
    match named(&code, retry_after.unwrap_or_default())? {
        Refusal::Policy(_) => Some(Refusal::Policy(breaches::decode(object.take("reasons")?)?)),
        Refusal::Throttled { .. } | Refusal::Busy { .. } if retry_after.is_none() => None,
        refusal => Some(refusal),
    }
}

/// The refusal of this code, of those that come from the sidecar.
fn named(code: &str, retry_after: u32) -> Option<Refusal> {
    Some(match code {
        "malformed" => Refusal::Malformed,
        "address_malformed" => Refusal::AddressMalformed,
        "captcha_invalid" => Refusal::CaptchaInvalid,
        "proof_invalid" => Refusal::ProofInvalid,
        "undecryptable" => Refusal::Undecryptable,
        "policy" => Refusal::Policy(Vec::new()),
        "throttled" => Refusal::Throttled { retry_after },
        "busy" => Refusal::Busy { retry_after },
        "unsigned" => Refusal::Unsigned,
        _ => return None,
    })
}

fn number(object: &mut Object, name: &str) -> Option<u32> {
    match object.take(name)? {
        Value::Number(text) => text.parse().ok(),
        _ => None,
    }
}
