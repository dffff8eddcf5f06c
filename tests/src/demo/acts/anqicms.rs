//! AnQiCMS: a link with token and code; the confirm wants both.

use contract::address::Channel;

use crate::demo::act::{Act, Attempt, Says, Theirs, object};
use crate::demo::letter::Wanted;
use crate::http::Call;
use crate::installation::Person;

pub(super) const ACTS: &[Act] = &[Act {
    dialect: "anqicms",
    key: "anqicms-email",
    title: "AnQiCMS, by e-mail: token and code",
    channel: Channel::Email,
    ask,
    asked: Says::json(200, "{\"code\":0,\"msg\":\"请验证您的邮箱\"}\n"),
    letter: Wanted::LinkAndCode,
    verify: None,
    keys: None,
    confirm,
    done: Says::json(200, "{\"code\":0,\"msg\":\"密码重置成功\"}\n"),
    refused: Says::json(200, "{\"code\":-1,\"msg\":\"验证信息无效或已过期\"}\n"),
    theirs: Theirs {
        what: "the verification of a new member's e-mail, on the same path",
        call: theirs,
    },
    login: None,
}];

fn ask(person: &Person) -> Call {
    Call::post_json("/api/verify/email", object(&[("email", &person.email), ("state", "reset")]))
}

fn confirm(attempt: &Attempt<'_>) -> Call {
    let body = object(&[
        ("email", &attempt.person.email),
        ("password", attempt.password),
        ("token", &attempt.proof.token),
        ("code", &attempt.proof.code),
    ]);
    Call::post_json("/api/password/reset", body)
}

fn theirs() -> Call {
    let body = "{ \"email\":\"new@demo.example\",\t\"state\":\"register\", \"état\":1e3 }\r\n";
    Call::post_json("/api/verify/email", body).header("Cookie", "session=1; theme=dark")
}
