//! One good request for each operation of each dialect, and the shape in which each dialect says "busy" and "throttled".

use rekey_tests::http::{Call, Reply};

/// A request that the filter takes for ours.
pub(crate) struct Ordinary {
    pub(crate) name: &'static str,
    pub(crate) path: &'static str,
    pub(crate) body: String,
    /// Answered so when the sidecar is kind.
    pub(crate) status: u16,
    pub(crate) call: Call,
}

const EMAIL: &str = "jo.mark@example.com";

pub(crate) fn headers(path: &str) -> Vec<(&'static str, &'static str)> {
    if path.starts_with("/api/v1") {
        return vec![("client_id", "pSpisBrYn4yIP1vGILcdZ"), ("origin", "http://localhost:3000")];
    }
    if path.starts_with("/api/v2") {
        return vec![
            ("x-operating-sys-version", "iOS 17"),
            ("x-device-fingerprint", "f1"),
            ("x-agent", "sdk/2"),
            ("x-client-id", "nTo1eRIub60vPb54WeE6aojPwYwImtl4"),
        ];
    }
    if path.starts_with("/api/v3") {
        return vec![("x-authing-app-id", "app1")];
    }
    Vec::new()
}

/// A call with the headers that the dialect of this path wants, and no content type.
pub(crate) fn bare(method: &str, path: &str, target: &str) -> Call {
    headers(path)
        .into_iter()
        .fold(Call::new(method, target), |call, (name, value)| call.header(name, value))
}

pub(crate) fn post(path: &str, body: impl AsRef<[u8]>) -> Call {
    bare("POST", path, path).header("content-type", "application/json").body(body)
}

/// Every claimed path with a good body, in the order of the dialects.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn claimed() -> Vec<(&'static str, &'static str, String, u16)> {
    let token = "ab".repeat(32);
    vec![
        (
            "anqicms initiate",
            "/api/verify/email",
            format!(r#"{{"state":"reset","email":"{EMAIL}"}}"#),
            200,
        ),
        (
            "anqicms confirm",
            "/api/password/reset",
            format!(
                r#"{{"email":"{EMAIL}","password":"new password 1","token":"{token}","code":"123456"}}"#
            ),
            200,
        ),
        (
            "authing initiate email",
            "/api/v3/send-email",
            format!(r#"{{"channel":"CHANNEL_RESET_PASSWORD","email":"{EMAIL}"}}"#),
            200,
        ),
        (
            "authing initiate sms",
            "/api/v3/send-sms",
            r#"{"channel":"CHANNEL_RESET_PASSWORD","phoneNumber":"13800138000"}"#.to_owned(),
            200,
        ),
        (
            "authing verify",
            "/api/v3/verify-reset-password-request",
            format!(
                r#"{{"verifyMethod":"EMAIL_PASSCODE","emailPassCodePayload":{{"email":"{EMAIL}","passCode":"123456"}}}}"#
            ),
            200,
        ),
        (
            "authing confirm",
            "/api/v3/reset-password",
            format!(r#"{{"passwordResetToken":"{token}","password":"new password 1"}}"#),
            200,
        ),
        (
            "bamboocloud initiate email",
            "/api/v2/sdk/email/send",
            format!(r#"{{"type":"FORGET_PWD_EMS","email":"{EMAIL}","captcha_token":"c"}}"#),
            200,
        ),
        (
            "bamboocloud initiate sms",
            "/api/v2/sdk/sms/send",
            r#"{"type":"FORGET_PWD_SMS","mobile":"13800138000","captcha_token":"c"}"#.to_owned(),
            200,
        ),
        (
            "bamboocloud confirm email",
            "/api/v2/sdk/pwd/update-by-email",
            format!(r#"{{"email":"{EMAIL}","verify_code":"123456","password":"new password 1"}}"#),
            200,
        ),
        (
            "bamboocloud confirm sms",
            "/api/v2/sdk/pwd/update-by-mobile",
            r#"{"mobile":"13800138000","verify_code":"123456","password":"new password 1"}"#
                .to_owned(),
            200,
        ),
        (
            "native initiate",
            "/reset/v1/initiate",
            format!(r#"{{"channel":"email","to":"{EMAIL}"}}"#),
            202,
        ),
        (
            "native verify",
            "/reset/v1/verify",
            format!(r#"{{"to":"{EMAIL}","code":"123456"}}"#),
            200,
        ),
        (
            "native confirm",
            "/reset/v1/confirm",
            format!(r#"{{"token":"{token}","password":"new password 1"}}"#),
            200,
        ),
        (
            "vastly initiate email",
            "/api/v1/auth/forgotpass",
            format!(r#"{{"email":"{EMAIL}"}}"#),
            200,
        ),
        (
            "vastly initiate sms",
            "/api/v1/auth/forgotpass/mobile",
            r#"{"mobile":"13800138000"}"#.to_owned(),
            200,
        ),
        (
            "vastly confirm email",
            "/api/v1/auth/resetpass",
            format!(
                r#"{{"token":"{token}","password":"new password 1","passwordConfirm":"new password 1"}}"#
            ),
            200,
        ),
        (
            "vastly confirm sms",
            "/api/v1/auth/resetpass/mobile",
            r#"{"token":"123456","password":"new password 1","passwordConfirm":"new password 1"}"#
                .to_owned(),
            200,
        ),
    ]
}

pub(crate) fn ordinary() -> Vec<Ordinary> {
    claimed()
        .into_iter()
        .map(|(name, path, body, status)| {
            let call = post(path, &body);
            Ordinary { name, path, body, status, call }
        })
        .collect()
}

/// Asserts that the answer is this dialect's own "busy": status, body, `Retry-After`, `no-store`, request id.
pub(crate) fn assert_busy(path: &str, reply: &Reply, context: &str) {
    let text = reply.text();
    let context = format!("{context}: {path}: {} {text}", reply.status);
    assert_eq!(reply.status, 503, "{context}");
    let right = match dialect(path) {
        "anqicms" => text == "{\"code\":-1,\"msg\":\"系统繁忙，请稍后再试\"}\n",
        "authing" => {
            text.starts_with("{\"statusCode\":503,\"message\":\"系统繁忙，请稍后再试\"")
                && text.contains("\"apiCode\":1000")
                && text.contains("\"requestId\":\"")
        }
        "bamboocloud" => {
            text == r#"{"error_code":"IDAAS.SDK.COM.0002","error_msg":"系统繁忙,请稍后重试"}"#
        }
        "native" => text.contains(r#""status":503"#) && text.contains(r#""code":"busy""#),
        _ => text == r#"{"status":"error","message":"The system is busy, please try again later"}"#,
    };
    assert!(right, "{context}");
    assert_complete(reply, &context);
}

pub(crate) fn assert_complete(reply: &Reply, context: &str) {
    let seconds: u32 = reply.header("retry-after").expect(context).parse().expect(context);
    assert!((1..=3600).contains(&seconds), "{context}");
    assert_eq!(reply.header("cache-control").as_deref(), Some("no-store"), "{context}");
    for name in ["cache-control", "content-length", "content-type", "retry-after", "x-request-id"] {
        assert_eq!(reply.count(name), 1, "{name}: {context}");
    }
    assert_eq!(reply.count("set-cookie"), 0, "{context}");
}

pub(crate) fn dialect(path: &str) -> &'static str {
    [
        ("/api/v1", "vastly"),
        ("/api/v2", "bamboocloud"),
        ("/api/v3", "authing"),
        ("/reset", "native"),
    ]
    .into_iter()
    .find_map(|(prefix, name)| path.starts_with(prefix).then_some(name))
    .unwrap_or("anqicms")
}
