//! Our own dialect: by link, by code and grant, by code alone.

use contract::address::Channel;

use crate::demo::act::{Act, Attempt, Says, Theirs, Verify, object};
use crate::demo::letter::Wanted;
use crate::http::Call;
use crate::installation::Person;

const ASKED: Says = Says::json(202, r#"{"status":"accepted"}"#);
const DONE: Says = Says::json(200, r#"{"status":"reset"}"#);
const REFUSED: Says = Says {
    status: 400,
    kind: "application/problem+json; charset=utf-8",
    body: r#"{"type":"urn:rekey:problem:proof_invalid","title":"The code or token is wrong, expired or used","status":400,"code":"proof_invalid","instance":"{request}"}"#,
};
const NEXT_DOOR: Theirs = Theirs { what: "a call of the app's own, next door", call: theirs };

pub(super) const ACTS: &[Act] = &[
    Act {
        dialect: "native",
        key: "native-link",
        title: "native, by e-mail: the link",
        channel: Channel::Email,
        ask: ask_by_email,
        asked: ASKED,
        letter: Wanted::Link,
        verify: None,
        keys: None,
        confirm: confirm_token,
        done: DONE,
        refused: REFUSED,
        theirs: NEXT_DOOR,
        login: None,
    },
    Act {
        dialect: "native",
        key: "native-email",
        title: "native, by e-mail: a code for a grant",
        channel: Channel::Email,
        ask: ask_by_email,
        asked: ASKED,
        letter: Wanted::Code,
        verify: Some(Verify {
            call: verify,
            granted: Says::json(200, r#"{"reset_token":"{token}","expires_in":300}"#),
            refused: REFUSED,
        }),
        keys: None,
        confirm: confirm_token,
        done: DONE,
        refused: REFUSED,
        theirs: NEXT_DOOR,
        login: None,
    },
    Act {
        dialect: "native",
        key: "native-sms",
        title: "native, by text message: a code",
        channel: Channel::Sms,
        ask: ask_by_sms,
        asked: ASKED,
        letter: Wanted::Code,
        verify: None,
        keys: None,
        confirm: confirm_code,
        done: DONE,
        refused: REFUSED,
        theirs: NEXT_DOOR,
        login: None,
    },
];

fn call(operation: &str, members: &[(&str, &str)]) -> Call {
    Call::post_json(&format!("/reset/v1/{operation}"), object(members))
        .header("Accept-Language", "en")
}

fn ask_by_email(person: &Person) -> Call {
    call("initiate", &[("channel", "email"), ("to", &person.email)])
}

fn ask_by_sms(person: &Person) -> Call {
    call("initiate", &[("channel", "sms"), ("to", &person.phone)])
}

fn verify(person: &Person, code: &str) -> Call {
    call("verify", &[("to", &person.email), ("code", code)])
}

fn confirm_token(attempt: &Attempt<'_>) -> Call {
    call("confirm", &[("token", &attempt.proof.token), ("password", attempt.password)])
}

fn confirm_code(attempt: &Attempt<'_>) -> Call {
    let (to, code) = (&attempt.person.phone, &attempt.proof.code);
    call("confirm", &[("to", to), ("code", code), ("password", attempt.password)])
}

fn theirs() -> Call {
    Call::new("PUT", "/reset/v1/preferences?theme=dark&theme=light")
        .header("Content-Type", "text/plain")
        .header("X-Empty", "")
        .body([0x00, 0xE9, b'\r', b'\n', 0xFF])
}
