//! Invariant 4: 60 spellings of the path by 80 of the body, and the app behind the gateway sees no reset.

use std::collections::HashSet;
use std::net::SocketAddr;

use rekey_tests::http::{Call, Reply};

use crate::bodies::{self, Spelling};
use crate::dialects::{self, Ordinary};
use crate::paths;
use crate::stand::Stand;

/// One path with its body, and a header that makes a request look signed in.
struct Target {
    path: &'static str,
    good: String,
    signed_in: bool,
}

fn target(path: &str, signed_in: bool) -> Target {
    let found = dialects::ordinary().into_iter().find(|ordinary| ordinary.path == path);
    let Ordinary { path, body, .. } = found.unwrap();
    Target { path, good: body, signed_in }
}

impl Target {
    fn call(&self, spelling: &str, body: &Spelling) -> Call {
        let mut call = dialects::bare("POST", self.path, spelling);
        if self.signed_in {
            call = call.header("authorization", "Bearer app");
        }
        if let Some(content_type) = body.content_type {
            call = call.header("content-type", content_type);
        }
        call.body(&body.body)
    }

    fn send(&self, to: SocketAddr, spelling: &str, body: &Spelling) {
        let what = || format!("{spelling} with {}", body.name);
        let reply = self
            .call(spelling, body)
            .send(to)
            .unwrap_or_else(|fault| panic!("{}: {fault}", what()));
        assert_ne!(reply.status, 503, "{}: {}", what(), reply.text());
        if let Some(next) = redirected(&reply) {
            let reply = self
                .call(&next, body)
                .send(to)
                .unwrap_or_else(|fault| panic!("{}: {fault}", what()));
            assert_ne!(reply.status, 503, "{} redirected: {}", what(), reply.text());
        }
    }
}

/// Envoy answers an escaped slash with the plain path; a client may follow.
fn redirected(reply: &Reply) -> Option<String> {
    let location = reply.header("location").filter(|_| reply.status == 307)?;
    let local = location
        .split_once("://")
        .map_or(location.as_str(), |(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
    Some(local.to_owned())
}

/// Sends every spelling of the path with every `step`th of the body, shifted by one from path to path.
fn cross(stand: &Stand, target: &Target, step: usize) -> Vec<String> {
    let mut escaped = Vec::new();
    let paths = paths::spellings(target.path);
    let bodies = bodies::spellings(&target.good);
    assert!(paths.len() >= 40 && bodies.len() >= 30 * step, "{} x {}", paths.len(), bodies.len());
    let sent: HashSet<&[u8]> = bodies.iter().map(|body| body.body.as_slice()).collect();
    for (shift, spelling) in paths.iter().enumerate() {
        for body in bodies.iter().skip(shift % step).step_by(step) {
            target.send(stand.addr(), spelling, body);
        }
        for request in stand.app.requests() {
            let same = sent.contains(request.body.as_slice());
            assert!(same, "{spelling}: the app got another body: {}", request.text());
        }
        escaped.extend(stand.escaped());
    }
    escaped
}

fn attack(targets: &[Target], step: usize) {
    let stand = Stand::start();
    let escaped: Vec<String> =
        targets.iter().flat_map(|target| cross(&stand, target, step)).collect();
    assert!(escaped.is_empty(), "{}", escaped.join("\n"));
    stand.lives("all spellings");
}

/// Invariant 4; ATTACKS.md 5, 6, 7, 38
#[test]
fn no_spelling_of_an_anqicms_initiate_reaches_the_app() {
    attack(&[target("/api/verify/email", false)], 2);
}

/// Invariant 4; ATTACKS.md 5, 6, 7, 38
#[test]
fn no_spelling_of_an_anqicms_confirm_reaches_the_app() {
    attack(&[target("/api/password/reset", false)], 2);
}

/// Invariant 4; ATTACKS.md 5, 6, 7, 38
#[test]
fn no_spelling_of_an_authing_call_reaches_the_app() {
    attack(&[target("/api/v3/send-email", false), target("/api/v3/reset-password", false)], 2);
}

/// Invariant 4; ATTACKS.md 5, 6, 7, 38
#[test]
fn no_spelling_of_a_bamboocloud_call_reaches_the_app() {
    attack(
        &[target("/api/v2/sdk/pwd/update-by-email", true), target("/api/v2/sdk/email/send", false)],
        2,
    );
}

/// Invariant 4; ATTACKS.md 5, 6, 7, 38
#[test]
fn no_spelling_of_a_vastly_call_reaches_the_app() {
    attack(&[target("/api/v1/auth/resetpass/mobile", false)], 2);
}

/// Invariant 4; ATTACKS.md 5, 6, 7, 38
#[test]
fn no_spelling_of_a_native_call_reaches_the_app() {
    attack(&[target("/reset/v1/confirm", false)], 2);
}

/// Invariant 4: every claimed path in every spelling with its good body, and spelt plainly with every body.
#[test]
fn every_claimed_path_holds_on_both_axes() {
    holds_on_both_axes(&Stand::start());
}

pub(crate) fn holds_on_both_axes(stand: &Stand) {
    let mut escaped = Vec::new();
    for ordinary in dialects::ordinary() {
        for signed_in in [false, true] {
            let target = target(ordinary.path, signed_in);
            let bodies = bodies::spellings(&target.good);
            for spelling in paths::spellings(ordinary.path) {
                target.send(stand.addr(), &spelling, &bodies[0]);
            }
            for body in &bodies {
                target.send(stand.addr(), ordinary.path, body);
            }
            escaped.extend(stand.escaped());
        }
    }
    assert!(escaped.is_empty(), "{}", escaped.join("\n"));
    stand.lives("both axes");
}

/// Invariant 4; ATTACKS.md 4: the query of a shared path, merged into the body by some apps, in 30 forms.
#[test]
fn a_query_cannot_make_a_shared_call_a_reset() {
    let stand = Stand::start();
    let mut escaped = Vec::new();
    for (path, name, value) in [
        ("/api/verify/email", "state", "reset"),
        ("/api/v2/sdk/email/send", "type", "FORGET_PWD_EMS"),
        ("/api/v2/sdk/sms/send", "type", "FORGET_PWD_SMS"),
        ("/api/v3/send-email", "channel", "CHANNEL_RESET_PASSWORD"),
        ("/api/v2/sdk/pwd/update-by-email", "email", "jo@example.com"),
    ] {
        for query in queries(name, value) {
            for body in ["{}", r#"{"a":"b"}"#, &format!(r#"{{"{name}":"other"}}"#)] {
                let call = dialects::bare("POST", path, &format!("{path}?{query}"));
                let call = call
                    .header("authorization", "Bearer app")
                    .header("content-type", "application/json");
                let reply = call.body(body).send(stand.addr()).unwrap();
                assert_ne!(reply.status, 503, "{path}?{query}: {}", reply.text());
            }
        }
        escaped.extend(stand.escaped());
    }
    assert!(escaped.is_empty(), "{}", escaped.join("\n"));
    stand.lives("queries");
}

/// Invariant 4; ATTACKS.md 25: GET and HEAD of the old AnQiCMS link in the same forms; none reaches app or sidecar as a reset.
#[test]
fn no_spelling_of_an_old_link_reaches_the_app() {
    holds_for_old_links(&Stand::start());
}

pub(crate) fn holds_for_old_links(stand: &Stand) {
    let mut escaped = Vec::new();
    let rest = "token=ab12&code=123456&email=jo%40example.com";
    for path in paths::spellings("/api/verify/email").iter().filter(|path| !path.contains('?')) {
        for query in queries("state", "reset") {
            for method in ["GET", "HEAD"] {
                let call = Call::new(method, &format!("{path}?{rest}&{query}"));
                let reply = call.send(stand.addr()).unwrap();
                if let Some(next) = redirected(&reply) {
                    Call::new(method, &next).send(stand.addr()).unwrap();
                }
            }
        }
        assert!(stand.sidecar.requests().is_empty(), "{path}: a safe method reached the sidecar");
        escaped.extend(stand.escaped());
    }
    assert!(escaped.is_empty(), "{}", escaped.join("\n"));
    stand.lives("old links");
}

fn queries(name: &str, value: &str) -> Vec<String> {
    let escaped: String = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let (upper, spaced) =
        (name.to_uppercase(), value.replacen('e', "%65", 1).replacen('E', "%45", 1));
    let mut all = vec![
        format!("{name}={value}"),
        format!("&&{name}={value}"),
        format!("{name}={value}&{name}=other"),
        format!("{name}=other&{name}={value}"),
        format!("{upper}={value}"),
        format!("{upper}={value}&{name}=other"),
        format!("{escaped}={value}"),
        format!("{}={value}", escaped.replace('%', "%25")),
        format!("{name}={spaced}"),
        format!("{name}={}", spaced.replace('%', "%25")),
        format!("{name}[]={value}"),
        format!("{name}[0]={value}"),
        format!("x;{name}={value}"),
        format!("x?{name}={value}"),
        format!("x%26{name}={value}"),
        format!("{name}%3d{value}"),
        format!("+{name}={value}"),
        format!("%20{name}={value}"),
        format!("{name}+={value}"),
        format!("{name}%00={value}"),
        format!("{name}={value}%00"),
        format!("{name}={value}%20"),
        format!("{name}={value}#x"),
        format!("x={{\"{name}\":\"{value}\"}}"),
        format!("%zz&{name}={value}"),
        format!("%ff&{name}={value}"),
        format!("{name}&{name}={value}"),
        format!("{}={value}", name.replacen('s', "%c5%bf", 1)),
        format!("{name}={}", value.to_uppercase()),
        format!("%EF%BB%BF{name}={value}"),
    ];
    all.retain(|query| !query.contains(['"', '{', '#']));
    all
}
