//! Vastly: its published page "Reset Password: Forgot password reset", by e-mail link and by a code to the mobile.
//! `client_id` is a header with an underscore; a reset logs the user in. The mobile
//! confirm carries the code alone, so a code is good only in the place where it was asked for.

use alloc::{format, string::String, vec::Vec};

use crate::address::{Address, Channel};
use crate::dialect::{Caller, Dialect, Does, Route, Setting, Sharing};
use crate::edge::{Answer, Asking, Exchanged, Head, Settings};
use crate::json::Writer;
use crate::language::Language;
use crate::message::{Call, Encryption, Operation, Proof};
use crate::outcome::{Member, Outcome, Refusal};
use crate::profile::{CodeRules, Link, Login, Profile, ProofKind, Published, Rules};
use crate::secret::{Code, Password, Token};

pub(super) struct Vastly;

static PROFILE: Profile = Profile {
    channels: &[
        Rules {
            channel: Channel::Email,
            link: Some(Link { form: "/auth/resetpass#token={token}", life: 30 * 60 }),
            code: None,
            accepts: &[ProofKind::Link],
        },
        Rules {
            channel: Channel::Sms,
            link: None,
            code: Some(CodeRules { digits: 6, life: 2 * 60, tries: 3 }),
            accepts: &[ProofKind::Placed],
        },
    ],
    grant_life: None,
    login: Login::Always,
    password: Published { min: Some(8), ..Published::NOTHING },
};

static ROUTES: [Route; 4] = [
    Route {
        name: "initiate-email",
        does: Does::Call(Operation::Initiate),
        path: "/api/v1/auth/forgotpass",
        channel: Some(Channel::Email),
        sharing: Sharing::Exclusive,
        needs: None,
    },
    Route {
        name: "initiate-sms",
        does: Does::Call(Operation::Initiate),
        path: "/api/v1/auth/forgotpass/mobile",
        channel: Some(Channel::Sms),
        sharing: Sharing::Exclusive,
        needs: Some(Setting::Mobile),
    },
    Route {
        name: "confirm-email",
        does: Does::Call(Operation::Confirm),
        path: "/api/v1/auth/resetpass",
        channel: Some(Channel::Email),
        sharing: Sharing::Exclusive,
        needs: None,
    },
    Route {
        name: "confirm-sms",
        does: Does::Call(Operation::Confirm),
        path: "/api/v1/auth/resetpass/mobile",
        channel: Some(Channel::Sms),
        sharing: Sharing::Exclusive,
        needs: Some(Setting::Mobile),
    },
];

impl Dialect for Vastly {
    fn name(&self) -> &'static str {
        "vastly"
    }

    fn vendor(&self) -> &'static str {
        "Vastly"
    }

    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    fn routes(&self) -> &'static [Route] {
        &ROUTES
    }

    fn languages(&self) -> &'static [Language] {
        &[Language::English]
    }

    fn settings(&self) -> &'static [Setting] {
        &[
            Setting::Clients,
            Setting::Country,
            Setting::LegacyUntil,
            Setting::Mobile,
            Setting::Fields(&["email", "mobile"]),
        ]
    }

    fn language(&self, _head: &Head, _settings: &Settings) -> Language {
        Language::English
    }

    fn caller(&self, head: &Head, settings: &Settings) -> Result<Caller, Refusal> {
        let (documented, synonym) = (head.only("client_id")?, head.only("client-id")?);
        let id = match (documented, synonym) {
            (Some(one), Some(other)) if one != other => return Err(Refusal::Malformed),
            (one, other) => {
                one.or(other).filter(|id| !id.is_empty()).ok_or(Refusal::ClientMissing)?
            }
        };
        let client = settings.clients.find(id).ok_or(Refusal::ClientUnknown)?;
        let registered = (!client.origins.is_empty()).then_some(client.origins);
        Ok(Caller { client: Some(client.id), device: None, origins: registered })
    }

    fn read(&self, asking: &mut Asking<'_>) -> Result<Call, Refusal> {
        let (channel, field) = match asking.channel {
            Some(Channel::Sms) => (Channel::Sms, "mobile"),
            _ => (Channel::Email, "email"),
        };
        if asking.operation == Operation::Initiate {
            let text = asking.required(&asking.settings.field(field), Member::Address)?;
            let to = Address::parse(channel, &text, asking.settings.country);
            return Ok(Call::Initiate { to: to.map_err(|_| Refusal::AddressMalformed)? });
        }
        let token = asking.required("token", Member::Token)?;
        let password = asking.required("password", Member::Password)?;
        let again = asking.required("passwordConfirm", Member::Other)?;
        if password != again {
            return Err(Refusal::Mismatch);
        }
        let password = Password::parse(password).ok_or(Refusal::Missing(Member::Password))?;
        let proof = match channel {
            Channel::Email => Token::parse(token).map(|token| Proof::Token { token }),
            Channel::Sms => Code::parse(token).map(|code| Proof::Placed { channel, code }),
        };
        let proof = proof.ok_or(Refusal::ProofInvalid)?;
        Ok(Call::Confirm { proof, password, encryption: Encryption::None })
    }

    fn answer(&self, exchanged: &Exchanged<'_>, outcome: &Outcome) -> Answer {
        let body = match outcome {
            Outcome::Accepted => Writer::object().string("status", "success").finish(),
            Outcome::Reset { access_token } => {
                let token = access_token.as_ref().map_or("", Token::expose);
                Writer::object().string("status", "success").string("token", token).finish()
            }
            Outcome::Granted { .. } | Outcome::Keys(_) => {
                failed("error", "The system is busy, please try again later")
            }
            Outcome::Refused(refusal) => {
                let kind = if status(outcome) >= 500 { "error" } else { "fail" };
                failed(kind, &message(refusal, exchanged))
            }
        };
        Answer::new(status(outcome), "application/json; charset=utf-8", body)
    }

    fn marks_place(&self) -> bool {
        true
    }
}

fn failed(kind: &str, message: &str) -> String {
    Writer::object().string("status", kind).string("message", message).finish()
}

fn status(outcome: &Outcome) -> u16 {
    match outcome {
        Outcome::Accepted | Outcome::Reset { .. } => 200,
        Outcome::Granted { .. } | Outcome::Keys(_) | Outcome::Refused(Refusal::Unsigned) => 503,
        Outcome::Refused(refusal) => match refusal {
            Refusal::ClientMissing | Refusal::ClientUnknown | Refusal::OriginRefused => 401,
            Refusal::MethodNotAllowed { .. }
            | Refusal::NotFound
            | Refusal::TooLarge
            | Refusal::Throttled { .. }
            | Refusal::Busy { .. } => refusal.status(),
            _ => 400,
        },
    }
}

fn message(refusal: &Refusal, exchanged: &Exchanged<'_>) -> String {
    let mobile = exchanged.channel == Some(Channel::Sms);
    let (address, proof) = if mobile {
        ("mobile", "The code is invalid or has expired")
    } else {
        ("email", "The token is invalid or has expired")
    };
    match refusal {
        Refusal::MethodNotAllowed { .. } => "The method is not allowed".into(),
        Refusal::NotFound => "Not found".into(),
        Refusal::TooLarge => "The request is too large".into(),
        Refusal::OriginRefused => "The origin is not registered for this client_id".into(),
        Refusal::ClientMissing => "client_id is required".into(),
        Refusal::ClientUnknown => "client_id is not registered".into(),
        Refusal::Missing(Member::Address) => format!("{address} is required"),
        Refusal::Missing(Member::Token | Member::Code) => "token is required".into(),
        Refusal::Missing(Member::Password) => "password is required".into(),
        Refusal::Missing(_) => "passwordConfirm is required".into(),
        Refusal::Mismatch => "password and passwordConfirm must be equal".into(),
        Refusal::AddressMalformed => format!("{address} is malformed"),
        Refusal::ProofInvalid => proof.into(),
        Refusal::Policy(breaches) => {
            let texts: Vec<String> =
                breaches.iter().map(|breach| breach.text(Language::English)).collect();
            texts.join("; ")
        }
        Refusal::Throttled { .. } => "Too many requests, please try again later".into(),
        Refusal::Busy { .. } | Refusal::Unsigned => {
            "The system is busy, please try again later".into()
        }
        _ => "The request is malformed".into(),
    }
}
