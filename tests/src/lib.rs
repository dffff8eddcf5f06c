//! What the tests and the demo stand on: real things started on free ports (`stage`), a client that sends raw bytes
//! (`http`), a host for the filter that forgives nothing (`wasm`), and requests with their verdicts (`fixture`). No other
//! crate may depend on it.

pub mod fixture;
pub mod http;
pub mod stage;
pub mod wasm;
