//! Invariant 10: what a request may weigh, and what it may be packed in.

use rekey_tests::http::send_raw;

use crate::dialects;
use crate::framing::{CHUNKED, chunks, framed, survives, with};
use crate::stand::Stand;

/// ATTACKS.md 7: a content coding that we do not read is refused, whatever is in the body.
#[test]
fn encoded_bodies_are_refused() {
    let stand = Stand::start();
    for coding in [
        "gzip",
        "deflate",
        "br",
        "zstd",
        "identity, gzip",
        "GZIP",
        "x-unknown",
        "identity, identity",
    ] {
        for ordinary in dialects::ordinary() {
            let reply = send_raw(
                stand.addr(),
                &with(&ordinary, &[format!("content-encoding: {coding}").as_bytes()]),
            )
            .unwrap();
            let context = format!("{coding}: {}: {} {}", ordinary.name, reply.status, reply.text());
            assert!(
                stand.sidecar.requests().is_empty() && stand.app.requests().is_empty(),
                "{context}"
            );
            assert_ne!(reply.status, 503, "{context}");
        }
    }
    stand.lives("encoded bodies");
}

/// Invariant 10: 16 KiB and not a byte more, by length and in chunks; and what is larger than Envoy's own buffer.
#[test]
fn bodies_end_at_sixteen_kibibytes() {
    let stand = Stand::start();
    for size in [16_383, 16_384, 16_385, 65_536, 70_000, 1_000_000] {
        for chunked in [false, true] {
            for ordinary in dialects::ordinary() {
                let pad = "x".repeat(size - ordinary.body.len() - 9);
                let body = ordinary.body.replacen('{', &format!("{{\"pad\":\"{pad}\","), 1);
                assert_eq!(body.len(), size);
                let bytes = if chunked {
                    framed(&ordinary, &[CHUNKED], &chunks(&body, 5000, "0\r\n\r\n"))
                } else {
                    framed(
                        &ordinary,
                        &[format!("content-length: {size}").as_bytes()],
                        body.as_bytes(),
                    )
                };
                let reply = send_raw(stand.addr(), &bytes).unwrap();
                let context = format!(
                    "{size} {chunked} {}: {} {}",
                    ordinary.name,
                    reply.status,
                    reply.text()
                );
                assert_eq!(
                    stand.sidecar.requests().len(),
                    usize::from(size <= 16_384),
                    "{context}"
                );
                assert!(reply.status != 503 && reply.header("x-request-id").is_some(), "{context}");
                stand.holds(&context);
            }
        }
    }
    stand.lives("bodies at the limit");
}

/// Heads at and over Envoy's limit, and many fields.
#[test]
fn huge_heads_kill_no_vm() {
    for size in [8_000, 50_000, 59_000, 61_000, 200_000] {
        let line = format!("a: {}", "x".repeat(size));
        survives(&format!("a header of {size}"), |ordinary| with(ordinary, &[line.as_bytes()]));
    }
    let many: Vec<String> = (0..80).map(|n| format!("h{n}: {n}")).collect();
    let more: Vec<String> = (0..200).map(|n| format!("h{n}: {n}")).collect();
    for lines in [many, more] {
        let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
        survives(&format!("{} headers", lines.len()), |ordinary| with(ordinary, &lines));
    }
}

/// No body at all, in every way to say so.
#[test]
fn empty_bodies_are_refused_alive() {
    let stand = Stand::start();
    for (lines, rest) in [
        ("content-length: 0", ""),
        ("x: y", ""),
        ("transfer-encoding: chunked", "0\r\n\r\n"),
        ("transfer-encoding: chunked", "0\r\na: b\r\n\r\n"),
    ] {
        for ordinary in dialects::ordinary() {
            let reply =
                send_raw(stand.addr(), &framed(&ordinary, &[lines.as_bytes()], rest.as_bytes()))
                    .unwrap();
            let context =
                format!("{lines} {rest:?} {}: {} {}", ordinary.name, reply.status, reply.text());
            assert!(
                stand.sidecar.requests().is_empty() && stand.app.requests().is_empty(),
                "{context}"
            );
            assert!(reply.status != 503 && !reply.body.is_empty(), "{context}");
        }
        stand.lives(lines);
    }
}
