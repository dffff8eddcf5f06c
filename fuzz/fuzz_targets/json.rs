//! See the property itself.
#![no_main]

#[path = "../../contract/tests/properties/json.rs"]
mod property;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| property::check(bytes));
