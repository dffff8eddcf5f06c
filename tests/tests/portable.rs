//! What only portable mode can meet: a head that is out before its body contradicts it, and ends that the host does not
//! tell. The real filter in the strict host; what both modes share is in the fixtures.

use std::sync::OnceLock;

use rekey_tests::fixture::{Case, cases};
use rekey_tests::stage::target;
use rekey_tests::wasm::{
    Answer, Exchange, ForwardedRequest, Framing, Module, Options, Profile, Request, UpstreamReply,
    Verdict, Vm,
};

const BOTH: [Profile; 2] = [Profile::EnvoyPortable, Profile::Nginx];
const BUSY: &[u8] = br#"{"status":"error","message":"The system is busy, please try again later"}"#;

/// A case of this name, and a filter that is configured for it.
fn filter(name: &str, profile: Profile) -> (Case, Vm) {
    static MODULE: OnceLock<Module> = OnceLock::new();
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    let mut cases = CASES.get_or_init(cases).iter();
    let case = cases.find(|case| case.to_string() == name).unwrap().in_portable_mode();
    let file = target().join("wasm32-wasip1/wasm/filter.wasm");
    let module = MODULE.get_or_init(|| Module::load(&file).unwrap());
    let configuration = case.configuration.clone().into_bytes();
    let vm = module.start(&Options { configuration, profile, ..Options::default() }).unwrap();
    (case, vm)
}

fn request(case: &Case) -> Request {
    let mut request = Request::new(&case.request.method, &case.request.target);
    for (name, value) in &case.request.headers {
        request = request.header(name, value);
    }
    request.pieces(case.request.body.clone())
}

fn answer(outcome: &str, length: Option<usize>, body: &str) -> UpstreamReply {
    let headers = [("rekey-outcome", outcome.to_owned())].into_iter();
    let length = length.map(|length| ("content-length", length.to_string()));
    let headers = headers.chain(length).map(|(name, value)| (name.into(), value.into())).collect();
    let body = if body.is_empty() { Vec::new() } else { vec![body.into()] };
    UpstreamReply::Sidecar(Answer { status: 200, headers, body, ..Answer::default() })
}

/// What a confirm of vastly's comes to when this comes back.
fn confirm(profile: Profile, back: UpstreamReply) -> Exchange {
    let (case, mut vm) = filter("vastly/confirm-email-documented", profile);
    let exchange = vm.exchange(&request(&case), |_| back);
    assert!(exchange.violations.is_empty(), "{:#?}", exchange.violations);
    exchange
}

/// The client must not take for "done" what was none, and no body can take a status back.
#[test]
fn an_answer_that_contradicts_its_head_is_broken_off() {
    let busy = r#"{"code":"busy","retry_after":5}"#;
    for body in [busy, r#"{"outcome":"accepted"}"#, r#"{"outcome":"reset"} and more"#, "<html>"] {
        for profile in BOTH {
            let exchange = confirm(profile, answer("reset", Some(body.len()), body));
            assert_eq!(exchange.verdict, Verdict::Reset, "{profile:?} {body}");
            assert!(exchange.response.is_none(), "{profile:?} {body}");
        }
    }
}

/// An answer that cannot be read must not even begin: no outcome, another operation's, no length, none, too much.
#[test]
fn an_answer_that_cannot_be_read_never_begins() {
    let reset = r#"{"outcome":"reset"}"#;
    let large = "x".repeat(40_000);
    for profile in BOTH {
        for (context, back) in [
            ("no such outcome", answer("done", Some(reset.len()), reset)),
            ("another operation's", answer("accepted", Some(22), r#"{"outcome":"accepted"}"#)),
            ("no length", answer("reset", None, reset)),
            ("no body", answer("reset", Some(0), "")),
            ("too large", answer("reset", Some(large.len()), &large)),
        ] {
            let exchange = confirm(profile, back);
            let response = exchange.response.unwrap_or_else(|| panic!("{profile:?} {context}"));
            assert_eq!(response.status, 503, "{profile:?} {context}");
            assert_eq!(response.body.trim_ascii_end(), BUSY, "{profile:?} {context}");
            assert_eq!(response.header("rekey-outcome"), None, "{profile:?} {context}");
        }
    }
}

/// Over HTTP/2, or with an empty chunked body, nginx calls nobody at the end of a request without a byte: the head is out,
/// unsigned, and the sidecar believes none of it. A GET that is not known to be whole goes nowhere.
#[test]
fn what_nginx_does_not_tell_is_not_believed() {
    let (case, mut vm) = filter("vastly/confirm-email-documented", Profile::Nginx);
    let whole = request(&case);
    let without = |dropped: &str| {
        let mut request = whole.clone();
        request.headers.retain(|(name, _)| name != dropped.as_bytes());
        Request { body: Vec::new(), ..request }
    };
    let bare = without("content-length");
    let chunked = bare.clone().header("transfer-encoding", "chunked");
    for request in [bare.clone().framing(Framing::Http2), chunked] {
        let unsigned = r#"{"code":"unsigned"}"#;
        let exchange = vm.exchange(&request, |forwarded| {
            assert_eq!(
                (forwarded.header("x-rekey-operation"), forwarded.body.len()),
                (Some(&b"confirm"[..]), 0)
            );
            answer("unsigned", Some(unsigned.len()), unsigned)
        });
        let response = exchange.response.unwrap();
        assert_eq!((response.status, response.body.as_slice()), (503, BUSY));
    }
    let never = |_: &ForwardedRequest| -> UpstreamReply { panic!("it went on") };
    let known = vm.exchange(&bare, never);
    assert_eq!((known.verdict, known.response.unwrap().status), (Verdict::LocalReply, 400));
    let (case, mut vm) = filter("native/keys", Profile::Nginx);
    let exchange = vm.exchange(&request(&case).framing(Framing::Http2), never);
    assert_eq!((exchange.verdict, exchange.response.unwrap().status), (Verdict::LocalReply, 400));
}

/// The head is not the client's any more when the body is judged, so that every refusal is the filter's own reply.
#[test]
fn a_refused_body_reaches_nobody() {
    for profile in BOTH {
        let (case, mut vm) = filter("vastly/confirm-email-documented", profile);
        let refused = Request { body: vec![b"{}".to_vec()], ..request(&case) };
        let exchange = vm.exchange(&refused, |_| panic!("it went on"));
        assert_eq!(exchange.verdict, Verdict::LocalReply, "{profile:?}");
        assert_eq!(exchange.response.unwrap().status, 400, "{profile:?}");
    }
}
