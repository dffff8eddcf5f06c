//! What the edge costs: in Envoy, in a bare host, in memory, and as a proxy of its own.

mod filter;
mod proxy;
mod vm;
mod workers;

use super::{Bench, Case, each};
use crate::cpu;
use crate::envoy::Kit;
use crate::fault::{Benched, fault};
use crate::line::{Line, pump};
use crate::upstream::Upstream;

/// Connections of clients.
const CONNECTIONS: usize = 8;

pub(crate) const CASES: &[Case] = &[
    Case {
        name: "filter",
        about: "CPU of Envoy for a request: with the filter, beside Lua that does the same, and without either",
        run: filter::run,
    },
    Case {
        name: "vm",
        about: "a whole exchange in a bare wasmtime host, beside a signature alone; its hostcalls' cost included",
        run: vm::run,
    },
    Case {
        name: "workers",
        about: "memory of Envoy for each worker more, with the filter and without",
        run: workers::run,
    },
    Case {
        name: "proxy",
        about: "CPU of `rekey edge` for a request, beside a hyper proxy that does nothing",
        run: proxy::run,
    },
];

/// A client's ask, as a browser sends it.
fn ask(path: &str) -> Vec<u8> {
    post(path, r#"{"channel":"email","to":"Ada.Lovelace@Example.com"}"#)
}

/// The app's own, on a path that it shares with us.
fn register() -> Vec<u8> {
    post(
        "/api/v3/send-email",
        r#"{"channel":"CHANNEL_REGISTER","email":"Ada.Lovelace@Example.com"}"#,
    )
}

fn post(path: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: accounts.example.org\r\nuser-agent: Mozilla/5.0 (X11; Linux x86_64; rv:142.0) \
         Gecko/20100101 Firefox/142.0\r\naccept: application/json\r\naccept-language: en-GB,en;q=0.8\r\n\
         content-type: application/json\r\ncookie: theme=dark; seen=1\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A request of the app's.
fn browse() -> Vec<u8> {
    b"GET /catalogue/42 HTTP/1.1\r\nhost: accounts.example.org\r\nuser-agent: Mozilla/5.0 (X11; Linux x86_64; rv:142.0) \
      Gecko/20100101 Firefox/142.0\r\naccept: text/html\r\naccept-language: en-GB,en;q=0.8\r\ncookie: theme=dark; seen=1\r\n\r\n"
        .to_vec()
}

/// Microseconds of CPU that a process takes for one of `count` such requests; all are answered by this status.
fn cost(pid: u32, lines: &mut [Line], request: &[u8], status: &str, count: usize) -> Benched<f64> {
    let requests = vec![request.to_vec(); count];
    let before = cpu::exact(pid)?;
    let answers = pump(lines, &requests)?;
    let line = String::from_utf8_lossy(request);
    let named = |error| fault(format!("{}: {error}", line.lines().next().unwrap_or_default()));
    answers.all(status).map_err(named)?;
    Ok(each(cpu::exact(pid)?.saturating_sub(before), count))
}

/// Programs, and what stands behind them.
fn kit(bench: &Bench) -> Benched<Kit> {
    let envoy = bench
        .envoy
        .clone()
        .ok_or_else(|| fault("no Envoy: --envoy names it; ./just bench edge does"))?;
    Ok(Kit {
        envoy,
        wasm: wasm(bench)?,
        app: Upstream::app()?.address(),
        sidecar: Upstream::sidecar()?.address(),
    })
}

fn wasm(bench: &Bench) -> Benched<std::path::PathBuf> {
    match &bench.wasm {
        Some(wasm) if wasm.exists() => Ok(wasm.clone()),
        _ => Err(fault("no filter: --wasm names it; ./just bench edge builds it")),
    }
}
