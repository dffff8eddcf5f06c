//! Vastly: a link's token by e-mail, a bare code by mobile; a reset logs the user in.

use contract::address::Channel;

use crate::demo::act::{Act, Attempt, Says, Theirs, object};
use crate::demo::letter::Wanted;
use crate::http::Call;
use crate::installation::Person;

const CLIENT: &str = "pSpisBrYn4yIP1vGILcdZ";
const ASKED: Says = Says::json(200, r#"{"status":"success"}"#);
const DONE: Says = Says::json(200, r#"{"status":"success","token":"{token}"}"#);
const NEXT_DOOR: Theirs = Theirs { what: "a log-in, next door", call: theirs };

pub(super) const ACTS: &[Act] = &[
    Act {
        dialect: "vastly",
        key: "vastly-email",
        title: "Vastly, by e-mail: the link's token, and logged in",
        channel: Channel::Email,
        ask: ask_by_email,
        asked: ASKED,
        letter: Wanted::Link,
        verify: None,
        keys: None,
        confirm: confirm_email,
        done: DONE,
        refused: Says::json(
            400,
            r#"{"status":"fail","message":"The token is invalid or has expired"}"#,
        ),
        theirs: NEXT_DOOR,
        login: Some(CLIENT),
    },
    Act {
        dialect: "vastly",
        key: "vastly-sms",
        title: "Vastly, by mobile: a code in the place that asked, and logged in",
        channel: Channel::Sms,
        ask: ask_by_sms,
        asked: ASKED,
        letter: Wanted::Code,
        verify: None,
        keys: None,
        confirm: confirm_sms,
        done: DONE,
        refused: Says::json(
            400,
            r#"{"status":"fail","message":"The code is invalid or has expired"}"#,
        ),
        theirs: NEXT_DOOR,
        login: Some(CLIENT),
    },
];

fn call(path: &str, members: &[(&str, &str)]) -> Call {
    Call::post_json(path, object(members))
        .header("Origin", "http://localhost:3000")
        .header("client_id", CLIENT)
}

fn ask_by_email(person: &Person) -> Call {
    call("/api/v1/auth/forgotpass", &[("email", &person.email)])
}

fn ask_by_sms(person: &Person) -> Call {
    call("/api/v1/auth/forgotpass/mobile", &[("mobile", person.national())])
}

fn confirm_email(attempt: &Attempt<'_>) -> Call {
    confirm("/api/v1/auth/resetpass", &attempt.proof.token, attempt)
}

fn confirm_sms(attempt: &Attempt<'_>) -> Call {
    confirm("/api/v1/auth/resetpass/mobile", &attempt.proof.code, attempt)
}

fn confirm(path: &str, token: &str, attempt: &Attempt<'_>) -> Call {
    let password = attempt.password;
    let members = [("token", token), ("password", password), ("passwordConfirm", password)];
    let call = call(path, &members);
    match &attempt.cookie {
        Some(cookie) => call.header("Cookie", cookie),
        None => call,
    }
}

fn theirs() -> Call {
    call("/api/v1/auth/login", &[("email", "new@demo.example"), ("password", "of another")])
}
