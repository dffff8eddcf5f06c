//! BambooCloud: a code, confirmed at once; success has no body. The app judges the captcha in this version.

use contract::address::Channel;

use crate::demo::act::{Act, Attempt, Says, Theirs, object};
use crate::demo::letter::Wanted;
use crate::http::Call;
use crate::installation::Person;

const EMPTY: Says = Says { status: 200, kind: "application/json", body: "" };

pub(super) const ACTS: &[Act] = &[
    Act {
        dialect: "bamboocloud",
        key: "bamboocloud-email",
        title: "BambooCloud, by e-mail: a code",
        channel: Channel::Email,
        ask: ask_by_email,
        asked: EMPTY,
        letter: Wanted::Code,
        verify: None,
        keys: None,
        confirm: confirm_email,
        done: EMPTY,
        refused: Says {
            status: 400,
            kind: "application/json",
            body: r#"{"error_code":"IDAAS.SDK.CAPTCHA.0007","error_msg":"验证码不正确"}"#,
        },
        theirs: Theirs {
            what: "a code for a registration, on the same path",
            call: theirs_by_email,
        },
        login: None,
    },
    Act {
        dialect: "bamboocloud",
        key: "bamboocloud-sms",
        title: "BambooCloud, by text message: a code",
        channel: Channel::Sms,
        ask: ask_by_sms,
        asked: EMPTY,
        letter: Wanted::Code,
        verify: None,
        keys: None,
        confirm: confirm_sms,
        done: EMPTY,
        refused: Says {
            status: 400,
            kind: "application/json",
            body: r#"{"error_code":"IDAAS.SDK.CAPTCHA.0007","error_msg":"Incorrect verification code"}"#,
        },
        theirs: Theirs {
            what: "a logged-in change of password, on the path of the confirm",
            call: theirs_signed_in,
        },
        login: None,
    },
];

fn device(path: &str, language: &str, body: impl AsRef<[u8]>) -> Call {
    Call::post_json(path, body)
        .header("X-operating-sys-version", "windows10.1.1")
        .header("X-device-fingerprint", "156aysdna213sc50")
        .header("X-agent", "Mozilla/5.0 (iPhone; CPU iPhone OS 13_3 like Mac OS X)")
        .header("X-L", language)
        .header("X-client-id", "nTo1eRIub60vPb54WeE6aojPwYwImtl4")
}

fn ask_by_email(person: &Person) -> Call {
    let body = object(&[
        ("email", &person.email),
        ("type", "FORGET_PWD_EMS"),
        ("captcha_token", "judged-by-the-app"),
    ]);
    device("/api/v2/sdk/email/send", "zh", body)
}

fn ask_by_sms(person: &Person) -> Call {
    let body = object(&[
        ("mobile", person.national()),
        ("type", "FORGET_PWD_SMS"),
        ("captcha_token", "judged-by-the-app"),
    ]);
    device("/api/v2/sdk/sms/send", "en", body)
}

fn confirm_email(attempt: &Attempt<'_>) -> Call {
    let body = object(&[
        ("email", &attempt.person.email),
        ("verify_code", &attempt.proof.code),
        ("password", attempt.password),
    ]);
    device("/api/v2/sdk/pwd/update-by-email", "zh", body)
}

fn confirm_sms(attempt: &Attempt<'_>) -> Call {
    let body = object(&[
        ("mobile", attempt.person.national()),
        ("verify_code", &attempt.proof.code),
        ("password", attempt.password),
    ]);
    device("/api/v2/sdk/pwd/update-by-mobile", "en", body)
}

fn theirs_by_email() -> Call {
    let body = "{\"captcha_token\":\"c\",\"type\":\"REGISTER_EMS\",\"email\":\"new@demo.example\"}";
    device("/api/v2/sdk/email/send", "zh", body)
}

fn theirs_signed_in() -> Call {
    let body = "{\"old_password\":\"this was it\",\"password\":\"this it will be\"}";
    device("/api/v2/sdk/pwd/update-by-mobile", "en", body).header("Authorization", "Bearer abc.def")
}
