//! Authing and GenAuth: a code is exchanged for a `passwordResetToken`, which is confirmed. One act speaks as the one
//! family of SDKs, the other as the other.

use base64ct::{Base64, Encoding};
use contract::address::Channel;
use contract::json::Writer;
use contract::signature::{hex, unhex};
use rsa::pkcs8::DecodePublicKey;
use sm2::elliptic_curve::common::getrandom::SysRng;
use sm2::pke::EncryptingKey;

use crate::demo::act::{Act, Attempt, Says, Theirs, Verify, object};
use crate::demo::letter::Wanted;
use crate::http::Call;
use crate::installation::Person;

const APP: &str = "6229c6d8f9b9b5a6a1b2c3d4";
const SEND_EMAIL: &str = "/api/v3/send-email";
const SEND_SMS: &str = "/api/v3/send-sms";
const VERIFY: &str = "/api/v3/verify-reset-password-request";
const CONFIRM: &str = "/api/v3/reset-password";

pub(super) const ACTS: &[Act] = &[
    Act {
        dialect: "authing",
        key: "authing-email",
        title: "Authing, by e-mail: a code for a grant, the password encrypted with RSA",
        channel: Channel::Email,
        ask: ask_by_email,
        asked: Says::json(
            200,
            r#"{"statusCode":200,"message":"发送成功","requestId":"{request}"}"#,
        ),
        letter: Wanted::Code,
        verify: Some(Verify {
            call: verify_email,
            granted: Says::json(
                200,
                r#"{"statusCode":200,"message":"操作成功","requestId":"{request}","data":{"passwordResetToken":"{token}","tokenExpiresIn":300}}"#,
            ),
            refused: Says::json(
                200,
                r#"{"statusCode":499,"message":"验证码验证失败","apiCode":2001,"requestId":"{request}"}"#,
            ),
        }),
        keys: Some("/api/v3/system"),
        confirm: confirm_authing,
        done: Says::json(
            200,
            r#"{"statusCode":200,"message":"操作成功","requestId":"{request}","data":{"success":true}}"#,
        ),
        refused: Says::json(
            200,
            r#"{"statusCode":499,"message":"重置凭证无效或已过期","apiCode":2300,"requestId":"{request}"}"#,
        ),
        theirs: Theirs { what: "a log-in code, on the same path", call: theirs_by_email },
        login: None,
    },
    Act {
        dialect: "authing",
        key: "authing-sms",
        title: "GenAuth, by text message: a code for a grant, the password encrypted with SM2",
        channel: Channel::Sms,
        ask: ask_by_sms,
        asked: Says::json(
            200,
            r#"{"statusCode":200,"message":"Sent successfully","requestId":"{request}"}"#,
        ),
        letter: Wanted::Code,
        verify: Some(Verify {
            call: verify_sms,
            granted: Says::json(
                200,
                r#"{"statusCode":200,"message":"Operation successful","requestId":"{request}","data":{"passwordResetToken":"{token}","tokenExpiresIn":300}}"#,
            ),
            refused: Says::json(
                200,
                r#"{"statusCode":499,"message":"Verification code verification failed","apiCode":2001,"requestId":"{request}"}"#,
            ),
        }),
        keys: Some("/api/v3/system"),
        confirm: confirm_genauth,
        done: Says::json(
            200,
            r#"{"statusCode":200,"message":"Operation successful","requestId":"{request}","data":{"success":true}}"#,
        ),
        refused: Says::json(
            200,
            r#"{"statusCode":499,"message":"The password reset token is invalid or has expired","apiCode":2300,"requestId":"{request}"}"#,
        ),
        theirs: Theirs { what: "a log-in code, on the same path", call: theirs_by_sms },
        login: None,
    },
];

fn authing(path: &str, body: impl AsRef<[u8]>) -> Call {
    Call::post_json(path, body).header("x-authing-app-id", APP)
}

fn genauth(path: &str, body: impl AsRef<[u8]>) -> Call {
    Call::post_json(path, body).header("x-genauth-app-id", APP).header("x-genauth-lang", "en-US")
}

fn ask_by_email(person: &Person) -> Call {
    let body = object(&[("channel", "CHANNEL_RESET_PASSWORD"), ("email", &person.email)]);
    authing(SEND_EMAIL, body)
}

fn ask_by_sms(person: &Person) -> Call {
    let body = object(&[
        ("channel", "CHANNEL_RESET_PASSWORD"),
        ("phoneNumber", person.national()),
        ("phoneCountryCode", "+86"),
    ]);
    genauth(SEND_SMS, body)
}

fn verify_email(person: &Person, code: &str) -> Call {
    let inner = object(&[("email", &person.email), ("passCode", code)]);
    let body = Writer::object().string("verifyMethod", "EMAIL_PASSCODE");
    authing(VERIFY, body.raw("emailPassCodePayload", &inner).finish())
}

fn verify_sms(person: &Person, code: &str) -> Call {
    let inner = object(&[("phoneNumber", person.national()), ("passCode", code)]);
    let body = Writer::object().string("verifyMethod", "PHONE_PASSCODE");
    genauth(VERIFY, body.raw("phonePassCodePayload", &inner).finish())
}

fn confirm_authing(attempt: &Attempt<'_>) -> Call {
    authing(CONFIRM, confirm("rsa", by_rsa, attempt))
}

fn confirm_genauth(attempt: &Attempt<'_>) -> Call {
    genauth(CONFIRM, confirm("sm2", by_sm2, attempt))
}

/// Plain for people who type the call, who have no keys at hand.
fn confirm(kind: &str, encrypt: fn(&Attempt<'_>) -> String, attempt: &Attempt<'_>) -> String {
    let (kind, password) = match attempt.keys.is_null() {
        true => ("none", attempt.password.to_owned()),
        false => (kind, encrypt(attempt)),
    };
    object(&[
        ("passwordResetToken", &attempt.proof.token),
        ("password", &password),
        ("passwordEncryptType", kind),
    ])
}

/// PKCS#1 v1.5 in base64; nothing where there is no key, which the confirm then shows.
fn by_rsa(attempt: &Attempt<'_>) -> String {
    let pem = attempt.keys["rsa"]["publicKey"].as_str().unwrap_or_default();
    let text = rsa::PublicKey::from_public_key_pem(pem)
        .ok()
        .and_then(|key| key.pkcs1v15_encrypt(attempt.password.as_bytes()).ok());
    Base64::encode_string(&text.unwrap_or_default())
}

/// C1, C3, C2 in hex, C1 without its tag.
fn by_sm2(attempt: &Attempt<'_>) -> String {
    let point = attempt.keys["sm2"]["publicKey"].as_str().unwrap_or_default();
    let key = unhex::<65>(point).and_then(|point| EncryptingKey::from_sec1_bytes(&point).ok());
    let text = key.and_then(|key| key.encrypt(&mut SysRng, attempt.password.as_bytes()).ok());
    hex(text.unwrap_or_default().get(1..).unwrap_or_default())
}

fn theirs_by_email() -> Call {
    authing(SEND_EMAIL, "{\"channel\":\"CHANNEL_LOGIN\",\n \"email\":\"new@demo.example\"}")
}

fn theirs_by_sms() -> Call {
    genauth(SEND_SMS, "{\"phoneNumber\":\"13900000000\",\"channel\":\"CHANNEL_LOGIN\"}")
}
