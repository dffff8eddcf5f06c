//! The host against filters of a few lines, each misbehaving in one way. They call the ABI without an
//! SDK, so that it is the host's status they see.

use super::{
    Answer, Exchange, ForwardedRequest, Framing, Module, Options, Profile, Request, Response,
    StartFaultKind, UpstreamReply, Verdict, Vm,
};

const IMPORTS: &str = r#"
(import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
(import "env" "proxy_get_header_map_value" (func $get (param i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_add_header_map_value" (func $add (param i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_get_buffer_bytes" (func $read (param i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_set_buffer_bytes" (func $write (param i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_continue_stream" (func $continue (param i32) (result i32)))
(import "env" "proxy_send_local_response" (func $reply (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
(import "env" "proxy_never_heard_of" (func $unknown (result i32)))
(memory (export "memory") 4)
(global $top (mut i32) (i32.const 1024))
(data (i32.const 0) ":path" "0123456789")
(func (export "_initialize"))
(func (export "malloc") (param i32) (result i32)
  (global.get $top) (global.set $top (i32.add (global.get $top) (local.get 0))))
(func $say (param i32) (drop (call $log (i32.const 2) (i32.add (i32.const 5) (local.get 0)) (i32.const 1))))
(func $refuse (param i32)
  (drop (call $reply (local.get 0) (i32.const 0) (i32.const 0) (i32.const 5) (i32.const 4)
    (i32.const 0) (i32.const 0) (i32.const -1))))
"#;

/// A callback: its name and body, which leaves the action on the stack.
fn vm(callbacks: &[(&str, &str)]) -> Vm {
    vm_of(Profile::EnvoyNatural, callbacks)
}

fn vm_of(profile: Profile, callbacks: &[(&str, &str)]) -> Vm {
    module(callbacks).start(&Options { profile, ..Options::default() }).unwrap()
}

fn module(callbacks: &[(&str, &str)]) -> Module {
    let shape = |name: &str| {
        let count = if name.ends_with("headers") || name.ends_with("body") { 3 } else { 2 };
        "(param i32) ".repeat(count)
    };
    let function = |(name, body): &(&str, &str)| {
        let parameters = shape(name);
        format!("(func (export \"proxy_on_{name}\") {parameters} (result i32) {body})\n")
    };
    let text: String = callbacks.iter().map(function).collect();
    let module = wat::parse_str(format!("(module {IMPORTS} {text})")).unwrap();
    Module::compile(&module).unwrap()
}

/// Logs as a digit what the getter of `:path` in this map answers.
fn probe(map: u32) -> String {
    format!(
        "(call $say (call $get (i32.const {map}) (i32.const 0) (i32.const 5) (i32.const 64) (i32.const 68)))"
    )
}

fn post() -> Request {
    Request::new("POST", "/reset").header("Content-Type", "text/plain").body("hello")
}

fn echo(request: &ForwardedRequest) -> UpstreamReply {
    UpstreamReply::answer(200, &[("x-up", "1")], &request.body)
}

fn never(_: &ForwardedRequest) -> UpstreamReply {
    panic!("the upstream was asked")
}

fn said(exchange: &Exchange) -> String {
    exchange.log.iter().map(|line| line.text.as_str()).collect()
}

const PAUSE: &str = "(i32.const 1)";
const PAUSE_UNLESS_END: &str = "(i32.eqz (local.get 2))";

#[test]
fn a_filter_without_callbacks_changes_nothing() {
    let mut vm = vm(&[]);
    for framing in [Framing::Http1, Framing::Http2] {
        for size in [1, 2, 99] {
            let request = post().framing(framing).in_pieces_of(size);
            let exchange = vm.exchange(&request, echo);
            assert_eq!(exchange.verdict, Verdict::Forwarded);
            assert!(exchange.forwarded.unwrap().is_unchanged(&request));
            assert_eq!(exchange.response.unwrap().body, b"hello");
            assert_eq!(exchange.violations, []);
        }
    }
}

#[test]
fn headers_are_closed_once_they_went_on() {
    let body = format!("{} (i32.const 0)", probe(0));
    let exchange =
        vm(&[("request_headers", &body), ("request_body", &body)]).exchange(&post(), echo);
    assert_eq!(said(&exchange), "022");
    assert_eq!(exchange.violations.len(), 2);
    assert_eq!(exchange.violations[0].during, "proxy_on_request_body");
    assert_eq!(exchange.violations[0].hostcall, "proxy_get_header_map_value");
}

#[test]
fn paused_headers_stay_open() {
    let body = format!("{} {PAUSE_UNLESS_END}", probe(0));
    let exchange =
        vm(&[("request_headers", PAUSE), ("request_body", &body)]).exchange(&post(), echo);
    assert_eq!((said(&exchange).as_str(), exchange.violations.len()), ("00", 0));
}

#[test]
fn the_answer_does_not_exist_before_it_begins() {
    let body = format!("{} {} (i32.const 0)", probe(2), probe(1));
    let exchange = vm(&[("request_headers", &body)]).exchange(&post(), echo);
    assert_eq!((said(&exchange).as_str(), exchange.violations.len()), ("22", 2));
}

#[test]
fn a_write_to_the_request_after_it_went_on_is_refused() {
    let add = "(call $say (call $add (i32.const 0) (i32.const 0) (i32.const 5) (i32.const 5) (i32.const 1))) (i32.const 0)";
    let exchange =
        vm(&[("request_headers", add), ("response_headers", add)]).exchange(&post(), echo);
    assert_eq!((said(&exchange).as_str(), exchange.violations.len()), ("02", 1));
    assert_eq!(exchange.route_cache_clears, 1);
    assert_eq!(exchange.hostcalls["proxy_add_header_map_value"], 2);
}

#[test]
fn sizes_are_those_of_the_collected_body() {
    let mut vm = vm(&[
        ("request_headers", PAUSE),
        ("request_body", PAUSE_UNLESS_END),
        ("request_trailers", "(i32.const 0)"),
    ]);
    let sizes = |request: Request, vm: &mut Vm| -> Vec<(u32, bool)> {
        let exchange = vm.exchange(&request, echo);
        assert_eq!(exchange.forwarded.unwrap().body.len(), request.body.concat().len());
        let bodies =
            exchange.callbacks.iter().filter(|callback| callback.name.ends_with("request_body"));
        bodies.map(|callback| (callback.size, callback.end_of_stream)).collect()
    };
    let pieces = || post().in_pieces_of(2);
    assert_eq!(sizes(pieces(), &mut vm), [(2, false), (4, false), (5, false), (5, true)]);
    assert_eq!(
        sizes(pieces().framing(Framing::Http2), &mut vm),
        [(2, false), (4, false), (5, true)]
    );
    assert_eq!(sizes(pieces().trailers(Vec::new()), &mut vm), [(2, false), (4, false), (5, false)]);
    let empty = || Request::new("POST", "/").pieces([Vec::new()]);
    assert_eq!(sizes(empty(), &mut vm), [(0, true)]);
    assert_eq!(sizes(empty().framing(Framing::Http2), &mut vm), [(0, true)]);
}

#[test]
fn without_the_switch_a_pause_at_the_headers_hangs() {
    let callbacks = [("request_headers", PAUSE), ("request_body", PAUSE_UNLESS_END)];
    let exchange = vm_of(Profile::EnvoyPortable, &callbacks).exchange(&post(), never);
    assert_eq!(exchange.verdict, Verdict::Hung("proxy_on_request_headers"));
    assert_eq!((exchange.callbacks.len(), exchange.response), (1, None));
}

#[test]
fn a_pause_at_the_end_hangs_unless_it_is_resumed() {
    let exchange =
        vm(&[("request_headers", PAUSE), ("request_body", PAUSE)]).exchange(&post(), never);
    assert_eq!(exchange.verdict, Verdict::Hung("proxy_on_request_body"));
    let resume = "(drop (call $continue (i32.const 0))) (i32.const 1)";
    let exchange = vm(&[("request_headers", resume)]).exchange(&post(), echo);
    assert_eq!(exchange.verdict, Verdict::Forwarded);
}

#[test]
fn a_trap_kills_the_vm() {
    let dead = Response { status: 503, ..Response::default() };
    for body in ["unreachable", "(call $unknown)", "(loop $ever (br $ever)) (i32.const 0)"] {
        let options = Options { fuel: 1_000_000, ..Options::default() };
        let mut vm = module(&[("request_headers", body)]).start(&options).unwrap();
        let exchange = vm.exchange(&post(), never);
        assert!(matches!(exchange.verdict, Verdict::Trapped(_)), "{:?}", exchange.verdict);
        assert_eq!(exchange.response.unwrap(), dead);
        let exchange = vm.exchange(&post(), never);
        assert_eq!((exchange.verdict, exchange.response), (Verdict::VmDead, Some(dead.clone())));
    }
}

#[test]
fn a_local_reply_comes_back_through_the_response_callbacks() {
    let seen = "(call $say (local.get 1)) (i32.const 0)";
    for action in ["(i32.const 0)", PAUSE] {
        let refuse = format!("(call $refuse (i32.const 422)) {action}");
        let exchange = vm(&[("request_headers", &refuse), ("response_headers", seen)])
            .exchange(&post(), never);
        assert_eq!(
            (exchange.verdict.clone(), said(&exchange).as_str()),
            (Verdict::LocalReply, "3")
        );
        let response = exchange.response.unwrap();
        assert_eq!((response.status, response.body.as_slice()), (422, b"0123".as_slice()));
        assert_eq!(response.header("content-type"), Some(b"text/plain".as_slice()));
    }
}

#[test]
fn a_reply_on_the_answers_way_replaces_it_unseen_or_resets() {
    let refuse = "(call $say (i32.const 1)) (call $refuse (i32.const 502)) (i32.const 1)";
    let exchange = vm(&[("response_headers", refuse)]).exchange(&post(), echo);
    assert_eq!((exchange.verdict.clone(), said(&exchange).as_str()), (Verdict::Replaced, "1"));
    assert_eq!(exchange.response.unwrap().header("x-up"), None);
    let exchange = vm(&[("response_body", refuse)]).exchange(&post(), echo);
    assert_eq!((exchange.verdict, exchange.response), (Verdict::Reset, None));
}

#[test]
fn a_second_reply_is_ignored() {
    let twice = "(call $refuse (i32.const 422)) (call $refuse (i32.const 409)) (i32.const 1)";
    let exchange = vm(&[("request_headers", twice)]).exchange(&post(), never);
    assert_eq!((exchange.response.unwrap().status, exchange.violations.len()), (422, 1));
}

#[test]
fn beyond_its_limit_the_host_answers() {
    let seen = "(call $say (local.get 1)) (i32.const 0)";
    let pausing = [
        ("request_headers", PAUSE),
        ("request_body", PAUSE_UNLESS_END),
        ("response_headers", seen),
    ];
    for size in [4096, 70_000] {
        let request = Request::new("POST", "/").body(vec![b'a'; 70_000]).in_pieces_of(size);
        let exchange = vm(&pausing).exchange(&request, never);
        assert_eq!(exchange.verdict, Verdict::HostReply);
        assert_eq!(exchange.code_details.as_deref(), Some("request_payload_too_large"));
        assert_eq!(said(&exchange), "3");
        let response = exchange.response.unwrap();
        assert_eq!(
            (response.status, response.body.as_slice()),
            (413, b"Payload Too Large".as_slice())
        );
    }
    let big = |_: &ForwardedRequest| {
        UpstreamReply::Sidecar(Answer {
            status: 200,
            body: vec![vec![b'a'; 40_000]; 2],
            ..Answer::default()
        })
    };
    let collecting = [("response_headers", PAUSE), ("response_body", PAUSE_UNLESS_END)];
    let exchange = vm(&collecting).exchange(&post(), big);
    assert_eq!((exchange.verdict, exchange.response.unwrap().status), (Verdict::HostReply, 500));
}

#[test]
fn the_gateways_own_replies_are_seen() {
    let seen = "(call $say (local.get 1)) (i32.const 0)";
    let exchange = vm(&[("response_body", seen)])
        .exchange(&post(), |_| UpstreamReply::local(503, "nowhere", "no_healthy_upstream"));
    assert_eq!((exchange.verdict.clone(), said(&exchange).as_str()), (Verdict::Forwarded, "7"));
    assert_eq!(exchange.code_details.as_deref(), Some("no_healthy_upstream"));
}

#[test]
fn a_buffer_takes_its_front_or_its_end() {
    let write = |start: u32, length: u32| {
        format!(
            "(drop (call $write (i32.const 0) (i32.const {start}) (i32.const {length}) (i32.const 5) (i32.const 2))) (i32.const 0)"
        )
    };
    let request = || Request::new("POST", "/").framing(Framing::Http2).pieces([b"hello".to_vec()]);
    let rows = [
        (0, 0, "01hello", 0),
        (0, 2, "01llo", 0),
        (0, u32::MAX, "01", 0),
        (9, 0, "hello01", 0),
        (2, 0, "hello", 1),
    ];
    for (start, length, wanted, violations) in rows {
        let exchange = vm(&[("request_body", &write(start, length))])
            .exchange(&request(), |_| UpstreamReply::answer(204, &[], ""));
        assert_eq!(exchange.forwarded.unwrap().body, wanted.as_bytes());
        assert_eq!(exchange.violations.len(), violations);
    }
    let early = vm(&[("request_headers", &write(0, 0))]).exchange(&request(), echo);
    assert_eq!((early.forwarded.unwrap().body, early.violations.len()), (b"hello".to_vec(), 1));
}

#[test]
fn a_body_is_closed_outside_its_phase() {
    let read = "(call $say (call $read (i32.const 0) (i32.const 0) (i32.const 9) (i32.const 64) (i32.const 68))) (i32.const 0)";
    let exchange =
        vm(&[("request_headers", read), ("response_headers", read)]).exchange(&post(), echo);
    assert_eq!((said(&exchange).as_str(), exchange.violations.len()), ("00", 2));
}

#[test]
fn a_length_that_is_not_the_bodys_is_a_violation() {
    let request =
        Request::new("POST", "/").header("content-length", "9").pieces([b"hello".to_vec()]);
    assert_eq!(vm(&[]).exchange(&request, echo).violations.len(), 1);
}

#[test]
fn a_refused_configuration_is_a_start_fault() {
    let start = |body: &str| module(&[("configure", body)]).start(&Options::default());
    let fault = start("(call $say (i32.const 7)) (i32.const 0)").unwrap_err();
    assert_eq!((fault.kind, fault.log[0].text.as_str()), (StartFaultKind::Configure, "7"));
    assert!(matches!(start("unreachable").unwrap_err().kind, StartFaultKind::Trapped(_)));
    assert!(start("(i32.const 1)").is_ok());
}

#[test]
fn nginx_differs() {
    let refuse = "(call $refuse (i32.const 422)) (i32.const 1)";
    let exchange = vm_of(Profile::Nginx, &[("request_headers", refuse)]).exchange(&post(), never);
    assert_eq!(exchange.response.unwrap().body, b"0123\n");
    let late = "(call $say (call $add (i32.const 2) (i32.const 0) (i32.const 5) (i32.const 5) (i32.const 1))) (i32.const 0)";
    let callbacks = [("response_headers", late), ("response_body", late)];
    let exchange = vm_of(Profile::Nginx, &callbacks).exchange(&post(), echo);
    assert_eq!(said(&exchange), "022");
    assert_eq!(exchange.forwarded.unwrap().headers[4].0, b"Content-Type");
    let import = "(import \"env\" \"proxy_get_log_level\" (func (param i32) (result i32)))";
    let module =
        wat::parse_str(format!("(module {import} (memory (export \"memory\") 1))")).unwrap();
    let module = Module::compile(&module).unwrap();
    let start = |profile| module.start(&Options { profile, ..Options::default() });
    assert!(start(Profile::EnvoyNatural).is_ok());
    assert!(matches!(start(Profile::Nginx).unwrap_err().kind, StartFaultKind::Refused(_)));
}
