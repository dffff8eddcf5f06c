//! See the property itself.
#![no_main]

#[path = "../../contract/tests/properties/edge_request.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| property::check(bytes));
