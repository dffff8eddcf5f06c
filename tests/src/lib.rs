//! What the tests and the demo stand on: real things started on free ports (`stage`), a client that sends raw bytes
//! (`http`), sidecars on either store (`house`), a host for the filter that forgives nothing (`wasm`), requests with their verdicts (`fixture`), and a judge of
//! times (`judge`). No other crate may depend on it.

pub mod apps;
pub mod demo;
pub mod fixture;
pub mod house;
pub mod http;
pub mod installation;
pub mod judge;
pub mod new_dialect;
pub mod signals;
pub mod stage;
pub mod up;
pub mod wasm;

use std::process::ExitCode;

/// Says on standard error what went wrong; the program then ends.
#[must_use]
pub fn refused(fault: &stage::Fault) -> ExitCode {
    eprintln!("rekey-stage: {fault}");
    ExitCode::FAILURE
}
