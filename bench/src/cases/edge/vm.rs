//! A whole exchange in a bare wasmtime host, both ways, and a signature alone in the same engine.

use contract::outcome::Outcome;

use super::{Bench, each, wasm};
use crate::cpu;
use crate::fault::{Benched, fault};
use crate::figure::{Figure, Goal, Unit};
use crate::vm::{Signing, Traffic, Vm, wire};

const EXCHANGES: usize = 20_000;
const CONFIGURATION: &str = r#"{"audience":"bench","base_url":"https://accounts.example.org","allow_inline_key":true,
    "key":{"id":"bench","inline":"8f1d3a5c7e90b2d4f6a8c0e2143658792b4d6f8091a3c5e7092b4d6f8a1c3e50"},"dialects":{"native":{}}}"#;

pub(super) fn run(bench: &Bench) -> Benched<Vec<Figure>> {
    let mut vm = Vm::start(&wasm(bench)?, CONFIGURATION)?;
    let signing = bench
        .signing
        .as_deref()
        .ok_or_else(|| fault("no --signing: ./just bench edge builds it"))?;
    let mut signing = Signing::load(signing)?;
    let count = bench.many(EXCHANGES);
    let (mut exchanges, mut signatures) = (Vec::new(), Vec::new());
    // The first round warms up.
    for round in 0..=bench.rounds() {
        let ((), time) = cpu::timed(|| exchanges_of(&mut vm, &traffic(), count))?;
        let exchange = each(time, count);
        let ((), time) = cpu::timed(|| signing.sign(count))?;
        let signature = each(time, count);
        bench.say(&format!("{exchange:.2} µs, a signature {signature:.2} µs"))?;
        if round > 0 {
            exchanges.push(exchange);
            signatures.push(signature);
        }
    }
    let shares = exchanges.iter().zip(&signatures).map(|(all, part)| part / all).collect();
    Ok(vec![
        Figure::new("wasmtime, a whole exchange", Unit::Micros, exchanges).goal(Goal::AtMost(7.0)),
        Figure::new("  of it, the signature", Unit::Micros, signatures)
            .goal(Goal::AtMost(2.5))
            .to("the exchange", shares),
    ])
}

fn exchanges_of(vm: &mut Vm, traffic: &Traffic, count: usize) -> Benched<()> {
    for _ in 0..count {
        let left = vm.exchange(traffic.clone())?;
        if left.replied.is_some() || left.response_body != br#"{"status":"accepted"}"# {
            return Err(fault("the filter did not translate the exchange"));
        }
    }
    Ok(())
}

fn traffic() -> Traffic {
    let request = [
        (":authority", "accounts.example.org"),
        (":path", "/reset/v1/initiate"),
        (":method", "POST"),
        (":scheme", "https"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"),
        ("accept", "application/json"),
        ("accept-language", "en-GB,en;q=0.8"),
        ("content-type", "application/json"),
        ("cookie", "theme=dark; seen=1"),
        ("content-length", "51"),
        ("x-forwarded-for", "203.0.113.7"),
        ("x-forwarded-proto", "https"),
        ("x-request-id", "5f0c2a9e-7d51-4b7e-9c1d-0c6a4f0e2b13"),
    ];
    let response = [
        (":status", "202"),
        ("content-type", "application/json"),
        ("rekey-outcome", "accepted"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("content-length", "22"),
        ("date", "Sun, 29 Nov 2026 22:00:00 GMT"),
        ("x-envoy-upstream-service-time", "1"),
    ];
    Traffic {
        request: wire(&request),
        request_body: br#"{"channel":"email","to":"Ada.Lovelace@Example.com"}"#.to_vec(),
        response: wire(&response),
        response_body: Outcome::Accepted.encode("-").into_bytes(),
        replied: None,
    }
}
