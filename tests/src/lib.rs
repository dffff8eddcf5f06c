//! What the tests and the demo stand on: real things started on free ports (`stage`), a client that sends raw bytes
//! (`http`) and a host for the filter that forgives nothing (`wasm`). No other crate may depend on it.

pub mod http;
pub mod stage;
pub mod wasm;
