//! Where a call goes, whatever a name says, and what is sent.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use rekey_tests::stage::{Answer, Reaction, Server};

use super::*;
use crate::config::BaseUrl;

const KEY: &str = "whsec_cmVrZXkgdGVzdHMgc2lnbiB3aXRoIHRoaXMgb25lISE=";

fn hook(url: &str, allow_private: bool, answers: &[&[&str]]) -> Hook {
    let peer = Peer::new(&BaseUrl::parse(url).unwrap(), None).unwrap();
    let signer = Signer::parse(KEY).unwrap();
    let config = HookConfig { peer, signer, timeout: Duration::from_secs(5), allow_private };
    let parse = |list: &&[&str]| list.iter().map(|ip| ip.parse().unwrap()).collect();
    let answers: VecDeque<Vec<IpAddr>> = answers.iter().map(parse).collect();
    Hook::with_names(&config, Names::Told(Arc::new(Mutex::new(answers))))
}

fn call() -> Call<'static> {
    Call { path: "/x", id: "msg_1", at: Millis(1_700_000_000_000), body: "{}", most: 1024 }
}

async fn outcome(hook: &Hook) -> Result<u16, HookFault> {
    hook.call(&call(), hook.deadline()).await.map(|reply| reply.status)
}

fn server() -> Server {
    Server::start(|_| Reaction::Answer(Answer::json(200, "{}"))).unwrap()
}

#[tokio::test]
async fn a_call_is_signed_and_told_apart() {
    let server = server();
    let hook = hook(&format!("http://{}/base/", server.addr()), false, &[]);
    assert_eq!(outcome(&hook).await, Ok(200));
    let seen = server.requests();
    let seen = seen.first().unwrap();
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/base/x"));
    assert_eq!(seen.header("webhook-id").as_deref(), Some("msg_1"));
    assert_eq!(seen.header("idempotency-key").as_deref(), Some("msg_1"));
    assert_eq!(seen.header("webhook-timestamp").as_deref(), Some("1700000000"));
    let signature = Signer::parse(KEY).unwrap().sign("msg_1", Millis(1_700_000_000_000), "{}");
    assert_eq!(seen.header("webhook-signature"), Some(signature));
    assert_eq!(seen.header("host"), Some(server.addr().to_string()));
}

/// Names that lead to this machine, to a private network, to a cloud's metadata; alone, and among good ones.
#[tokio::test]
async fn a_name_leads_to_no_private_address() {
    let server = server();
    let url = format!("https://hooks.example.com:{}", server.addr().port());
    for address in
        ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "0.0.0.0"]
    {
        assert_eq!(
            outcome(&hook(&url, false, &[&[address]])).await,
            Err(HookFault::Private),
            "{address}"
        );
    }
    assert_eq!(outcome(&hook(&url, false, &[&[]])).await, Err(HookFault::Nameless));
    // Even where private ones are allowed.
    for address in ["169.254.169.254", "0.0.0.0", "224.0.0.1"] {
        assert_eq!(
            outcome(&hook(&url, true, &[&[address]])).await,
            Err(HookFault::Private),
            "{address}"
        );
    }
    let local = format!("http://localhost:{}", server.addr().port());
    assert_eq!(outcome(&hook(&local, false, &[&["127.0.0.1"]])).await, Err(HookFault::Private));
    assert_eq!(outcome(&hook(&local, true, &[&["127.0.0.1"]])).await, Ok(200));
    // Nothing goes in clear to where a lying name service says that this machine is.
    assert_eq!(
        outcome(&hook(&local, true, &[&["10.0.0.1"], &["10.0.0.1"]])).await,
        Err(HookFault::Private)
    );
    assert_eq!(server.requests().len(), 1);
}

/// A name that is asked twice may answer otherwise the second time: it is asked once, and the address that was judged is
/// the one that is called.
#[tokio::test]
async fn a_name_is_asked_once_for_a_connection() {
    let server = server();
    let local = format!("http://localhost:{}", server.addr().port());
    let answers: &[&[&str]] = &[&["169.254.169.254", "127.0.0.1"], &["169.254.169.254"]];
    let hook = hook(&local, true, answers);
    assert_eq!(outcome(&hook).await, Ok(200), "the good address of the first answer");
    assert_eq!(outcome(&hook).await, Ok(200), "on the connection that was kept");
    assert_eq!(server.requests().len(), 2);
    let Names::Told(left) = &hook.lines.names() else { panic!("told") };
    assert_eq!(left.lock().unwrap().len(), 1, "asked once");
}

#[tokio::test]
async fn answers_end_where_the_caller_says() {
    let server = Server::start(|_| Reaction::Answer(Answer::json(200, "x".repeat(1025)))).unwrap();
    let hook = hook(&format!("http://{}", server.addr()), false, &[]);
    assert_eq!(outcome(&hook).await, Err(HookFault::Long));
    let head = Server::start(|_| {
        let answer = Answer::json(200, "{}").header("x-long", &"x".repeat(100_000));
        Reaction::Answer(answer)
    });
    let head = head.unwrap();
    let hook = self::hook(&format!("http://{}", head.addr()), false, &[]);
    assert_eq!(outcome(&hook).await, Err(HookFault::Lost));
}
