//! Every dialect in each of its languages, by e-mail: how it asks, and how it confirms.

use contract::json::Writer;
use rekey_tests::demo::Proof;
use rekey_tests::http::Call;

/// One dialect in one language.
pub(super) struct Speaker {
    pub(super) dialect: &'static str,
    /// The tag of the golden table.
    pub(super) language: &'static str,
    /// The answers' language is configured, not asked for.
    is_configured: bool,
    pub(super) ask: fn(&str) -> Call,
    pub(super) verify: Option<fn(&str, &str) -> Call>,
    /// Of the address, the proof and the password; without the language.
    confirm: fn(&str, &Proof, &str) -> Call,
    /// The header that asks for the language, and its value.
    asks: (&'static str, &'static str),
}

pub(super) const SPEAKERS: [Speaker; 14] = [
    anqicms("zh-CN"),
    anqicms("en-US"),
    anqicms("zh-TW"),
    authing("zh-CN"),
    authing("en-US"),
    authing("zh-TW"),
    authing("ja-JP"),
    bamboocloud("zh-CN", "zh"),
    bamboocloud("en-US", "en"),
    native("zh-CN"),
    native("en-US"),
    native("zh-TW"),
    native("ja-JP"),
    Speaker {
        dialect: "vastly",
        language: "en-US",
        is_configured: false,
        ask: |to| of_vastly("forgotpass", &[("email", to)]),
        verify: None,
        confirm: |_, proof, password| {
            let members =
                [("token", &*proof.token), ("password", password), ("passwordConfirm", password)];
            of_vastly("resetpass", &members)
        },
        asks: ("x-none", "none"),
    },
];

impl Speaker {
    /// Whether it plays where this is the configured language; who asks for a language plays once.
    pub(super) fn speaks_in(&self, configured: &str) -> bool {
        if self.is_configured { self.language == configured } else { configured == "zh-CN" }
    }

    pub(super) fn confirm(&self, to: &str, proof: &Proof, password: &str) -> Call {
        (self.confirm)(to, proof, password).header(self.asks.0, self.asks.1)
    }
}

const fn anqicms(language: &'static str) -> Speaker {
    Speaker {
        dialect: "anqicms",
        language,
        is_configured: true,
        ask: |to| post("/api/verify/email", &[("email", to), ("state", "reset")]),
        verify: None,
        confirm: |to, proof, password| {
            let proof = [("token", &*proof.token), ("code", &*proof.code)];
            post(
                "/api/password/reset",
                &[&[("email", to), ("password", password)], &proof[..]].concat(),
            )
        },
        asks: ("x-none", "none"),
    }
}

const fn authing(language: &'static str) -> Speaker {
    Speaker {
        dialect: "authing",
        language,
        is_configured: false,
        ask: |to| {
            let members = [("channel", "CHANNEL_RESET_PASSWORD"), ("email", to)];
            post("/api/v3/send-email", &members).header("x-authing-app-id", "app")
        },
        verify: Some(|to, code| {
            let inner = object(&[("email", to), ("passCode", code)]);
            let body = Writer::object().string("verifyMethod", "EMAIL_PASSCODE");
            let body = body.raw("emailPassCodePayload", &inner).finish();
            Call::post_json("/api/v3/verify-reset-password-request", body)
                .header("x-authing-app-id", "app")
        }),
        confirm: |_, proof, password| {
            let members = [("passwordResetToken", &*proof.token), ("password", password)];
            post("/api/v3/reset-password", &members).header("x-authing-app-id", "app")
        },
        asks: ("x-authing-lang", language),
    }
}

const fn bamboocloud(language: &'static str, asked: &'static str) -> Speaker {
    Speaker {
        dialect: "bamboocloud",
        language,
        is_configured: false,
        ask: |to| {
            let members = [("email", to), ("type", "FORGET_PWD_EMS"), ("captcha_token", "c")];
            device("/api/v2/sdk/email/send", &members)
        },
        verify: None,
        confirm: |to, proof, password| {
            let members = [("email", to), ("verify_code", &*proof.code), ("password", password)];
            device("/api/v2/sdk/pwd/update-by-email", &members)
        },
        asks: ("X-L", asked),
    }
}

const fn native(language: &'static str) -> Speaker {
    Speaker {
        dialect: "native",
        language,
        is_configured: false,
        ask: |to| post("/reset/v1/initiate", &[("channel", "email"), ("to", to)]),
        verify: None,
        confirm: |_, proof, password| {
            post("/reset/v1/confirm", &[("token", &*proof.token), ("password", password)])
        },
        asks: ("Accept-Language", language),
    }
}

fn of_vastly(path: &str, members: &[(&str, &str)]) -> Call {
    post(&format!("/api/v1/auth/{path}"), members)
        .header("Origin", "http://localhost:3000")
        .header("client_id", "pSpisBrYn4yIP1vGILcdZ")
}

fn device(path: &str, members: &[(&str, &str)]) -> Call {
    post(path, members)
        .header("X-operating-sys-version", "windows10.1.1")
        .header("X-device-fingerprint", "156aysdna213sc50")
        .header("X-agent", "Mozilla/5.0")
        .header("X-client-id", "nTo1eRIub60vPb54WeE6aojPwYwImtl4")
}

fn post(path: &str, members: &[(&str, &str)]) -> Call {
    Call::post_json(path, object(members))
}

fn object(members: &[(&str, &str)]) -> String {
    let object = Writer::object();
    members.iter().fold(object, |object, (name, value)| object.string(name, value)).finish()
}
