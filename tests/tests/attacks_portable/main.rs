//! The attacks of `attacks_edge` that meet a filter's mode, word for word, on an Envoy in portable mode: framing, sizes,
//! streams, failures. And what only portable mode promises: a head that is held behind the filter, an answer broken off.
#![expect(dead_code, reason = "what the other attacks use")]

mod answers;
#[path = "../attacks_edge/dialects.rs"]
mod dialects;
#[path = "../attacks_edge/failures.rs"]
mod failures;
#[path = "../attacks_edge/framing.rs"]
mod framing;
mod gateway;
#[path = "../attacks_edge/h2.rs"]
mod h2;
mod holding;
#[path = "../attacks_edge/paths.rs"]
mod paths;
#[path = "../attacks_edge/sizes.rs"]
mod sizes;
#[path = "../attacks_edge/stand.rs"]
mod stand;
#[path = "../attacks_edge/streams.rs"]
mod streams;
#[path = "../attacks_edge/trap.rs"]
mod trap;
