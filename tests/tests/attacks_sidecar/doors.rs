//! Invariants 9 and 10: safe methods change nothing, and every door has bounds.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use contract::message::Operation;
use rekey_tests::http::{Call, Line, send_pieces};
use rekey_tests::stage::until;

use crate::house::{
    ANN, House, NEW, Plan, by_token, code_in, confirm, fresh, initiate, outcome, post, token_in,
    verify,
};

/// ATTACKS.md 25, invariant 9: a hundred GETs, HEADs and OPTIONS of everything, and not a row differs; the proofs still work.
#[test]
fn safe_methods_change_no_row() {
    let house = House::build();
    let mail = house.ask("native", ANN, 1);
    house.settle();
    let token = token_in(mail.text());
    let before = house.dump();
    for door in ["signed", "public", "admin"] {
        let addr = house.sidecar.addr(door).unwrap();
        for path in [
            "/",
            "/v1/initiate",
            "/v1/verify",
            "/v1/confirm",
            "/readyz",
            "/healthz",
            "/metrics",
            "/.well-known/jwks.json",
            "/.well-known/change-password",
            "/reset",
            &format!("/reset?token={token}"),
            &format!("/v1/confirm?token={token}&password=x"),
        ] {
            for method in ["GET", "HEAD", "OPTIONS"] {
                let mut line = Line::connect(addr).unwrap();
                for _ in 0..34 {
                    line.write(&Call::new(method, path).to_bytes("s")).unwrap();
                    let reply = line.reply(method == "HEAD").unwrap();
                    assert!(reply.status < 500, "{door} {method} {path}: {}", reply.status);
                }
            }
        }
    }
    assert_eq!(house.dump(), before);
    assert_eq!(outcome(&house.say(&verify("native", ANN, &code_in(mail.text())))), "granted");
    assert_eq!(outcome(&house.say(&confirm("native", by_token(&token), NEW))), "reset");
}

/// What nobody signs is for everybody: busy while there is no key, then the key, and nothing by any other way.
#[test]
fn public_keys_are_given_unsigned_and_nothing_else() {
    let house = House::build();
    let door = house.sidecar.addr("signed").unwrap();
    for (call, status) in [
        (Call::get("/v1/keys"), 503),
        (Call::get("/v1/keys"), 503),
        (Call::get("/v1/keys?a=1"), 400),
        (Call::get("/v1/keys").body("x"), 400),
        (Call::new("POST", "/v1/keys"), 405),
        (Call::get("/v1/keys/"), 404),
    ] {
        assert_eq!(call.send(door).unwrap().status, status, "{call:?}");
    }
    assert!((1..=2).contains(&house.sidecar.log().matches("no_password_keys").count()));
    house.sidecar.rekey(&["keys", "add", "sm2"], "").unwrap();
    let given = until("a public key", || {
        let reply = Call::get("/v1/keys").send(door)?;
        Ok((reply.status == 200).then_some(reply))
    })
    .unwrap();
    assert!(given.text().starts_with("{\"outcome\":\"keys\",\"sm2\":\"04"), "{}", given.text());
    let mut line = Line::connect(door).unwrap();
    line.write(&Call::new("HEAD", "/v1/keys").to_bytes("s")).unwrap();
    let head = line.reply(true).unwrap();
    assert_eq!((head.status, head.body.len()), (200, 0));
}

/// The public and the admin door know no operation, and the signed one no other document.
#[test]
fn doors_are_separate() {
    let house = House::build();
    let body = house.envelope(&initiate("native", ANN), fresh());
    for door in ["public", "admin"] {
        let reply =
            post(Operation::Initiate, &body).send(house.sidecar.addr(door).unwrap()).unwrap();
        assert_eq!(reply.status, 404, "{door}");
    }
    for path in ["/metrics", "/.well-known/jwks.json", "/healthz"] {
        assert_eq!(Call::get(path).send(house.signed()).unwrap().status, 404, "{path}");
    }
    assert!(house.mailbox.all().unwrap().is_empty());
    let jwks =
        Call::get("/.well-known/jwks.json").send(house.sidecar.addr("public").unwrap()).unwrap();
    let json = jwks.json().unwrap();
    assert_eq!(
        (json["keys"][0]["kty"].as_str(), json["keys"][0].get("d")),
        (Some("OKP"), None),
        "{json}"
    );
}

/// Invariant 10: bodies over 32 KiB, heads over 16 KiB.
#[test]
fn large_requests_are_refused() {
    let house = House::build();
    for size in [32 * 1024 + 1, 1_000_000] {
        for chunked in [false, true] {
            let reply = if chunked {
                let head =
                    "POST /v1/initiate HTTP/1.1\r\nhost: s\r\ntransfer-encoding: chunked\r\n\r\n";
                let body = format!("{size:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(size));
                send_pieces(house.signed(), &[head.as_bytes(), body.as_bytes()])
            } else {
                post(Operation::Initiate, &vec![b'x'; size]).send(house.signed())
            };
            // A body that is cut off may cost the connection, and with it the answer.
            if let Ok(reply) = reply {
                assert!((400..500).contains(&reply.status), "{size} {chunked}: {}", reply.status);
            }
        }
    }
    let reply = Call::get("/readyz").header("a", "x".repeat(40_000)).send(house.signed());
    assert!(reply.is_err() || reply.unwrap().status == 431);
    let many = (0..400)
        .fold(Call::get("/readyz"), |call, n| call.header(&format!("h{n}"), "x"))
        .send(house.signed());
    assert!(many.is_err() || many.unwrap().status == 431);
    assert_eq!(Call::get("/readyz").send(house.signed()).unwrap().status, 200);
}

/// Invariant 10: slow heads, slow bodies and idle connections are closed; others are served meanwhile.
#[test]
fn slow_clients_are_closed() {
    let house = House::with(&Plan { limits: "cool_down = \"1s\"", ..Plan::default() });
    let open = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(house.signed()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
        stream.write_all(bytes).unwrap();
        stream
    };
    let slow = [
        open(b"POST /v1/initiate HTTP/1.1\r\nhost: s\r\n"),
        open(b"POST /v1/initiate HTTP/1.1\r\nhost: s\r\ncontent-length: 100\r\n\r\nabc"),
    ];
    assert_eq!(Call::get("/readyz").send(house.signed()).unwrap().status, 200);
    for mut stream in slow {
        let mut answer = Vec::new();
        let ended = stream.read_to_end(&mut answer);
        let text = String::from_utf8_lossy(&answer).into_owned();
        assert!(ended.is_ok() || !answer.is_empty(), "still open after 40 s");
        assert!(answer.is_empty() || text.starts_with("HTTP/1.1 4"), "{text}");
    }
}

/// Invariant 10: more connections than a door holds wait; the others are served.
#[test]
fn connections_are_bounded() {
    let house = House::with(&Plan::default());
    let held: Vec<TcpStream> =
        (0..300).map(|_| TcpStream::connect(house.signed()).unwrap()).collect();
    assert_eq!(Call::get("/readyz").send(house.signed()).unwrap().status, 200);
    drop(held);
    assert_eq!(outcome(&house.say(&initiate("native", ANN))), "accepted");
}

/// ATTACKS.md 38: garbage at every door; each still answers afterwards.
#[test]
fn garbage_at_a_door_does_not_close_it() {
    let house = House::build();
    let mut noise = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = |length: usize| -> Vec<u8> {
        (0..length)
            .map(|_| {
                noise ^= noise << 13;
                noise ^= noise >> 7;
                noise ^= noise << 17;
                noise.to_le_bytes()[0]
            })
            .collect()
    };
    for door in ["signed", "public", "admin"] {
        let addr = house.sidecar.addr(door).unwrap();
        for n in 0..60 {
            let start: &[u8] = match n % 4 {
                0 => b"",
                1 => b"POST /v1/confirm HTTP/1.1\r\nhost: s\r\n",
                2 => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                _ => b"GET /readyz HTTP/1.1\r\n",
            };
            let mut stream = TcpStream::connect(addr).unwrap();
            let _closed = stream.write_all(&[start, &random(n * 7)].concat());
        }
        let path = if door == "public" { "/.well-known/jwks.json" } else { "/readyz" };
        assert_eq!(Call::get(path).send(addr).unwrap().status, 200, "{door}");
    }
}

/// The signed door speaks HTTP/2 without TLS: a preface is answered with settings.
#[test]
fn the_signed_door_speaks_h2c() {
    let house = House::build();
    let mut stream = TcpStream::connect(house.signed()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // Preface, empty settings, and GET /readyz with static and literal fields of RFC 7541.
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    let block = b"\x82\x86\x04\x07/readyz\x01\x01s";
    bytes.extend([0, 0, u8::try_from(block.len()).unwrap(), 1, 5, 0, 0, 0, 1]);
    bytes.extend(block);
    stream.write_all(&bytes).unwrap();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).unwrap();
        let mut body = vec![0; usize::from(head[1]) * 256 + usize::from(head[2])];
        stream.read_exact(&mut body).unwrap();
        assert_ne!(head[3], 7, "the connection is ended");
        if head[3] == 0 {
            assert_eq!(body, b"ready\n");
            return;
        }
    }
}
