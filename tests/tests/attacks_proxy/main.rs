//! The attacks of `attacks_edge`, word for word, on `rekey edge` in Envoy's place: what an edge must withstand does not
//! depend on what it runs in.

mod behind_nginx;
#[path = "../attacks_edge/bodies.rs"]
mod bodies;
#[path = "../attacks_edge/dialects.rs"]
mod dialects;
#[path = "../attacks_edge/failures.rs"]
mod failures;
#[path = "../attacks_edge/forged.rs"]
mod forged;
#[path = "../attacks_edge/framing.rs"]
mod framing;
mod gateway;
#[path = "../attacks_edge/h2.rs"]
mod h2;
#[path = "../attacks_edge/hosts.rs"]
mod hosts;
#[path = "../attacks_edge/others.rs"]
mod others;
#[path = "../attacks_edge/paths.rs"]
mod paths;
#[path = "../attacks_edge/sizes.rs"]
mod sizes;
#[path = "../attacks_edge/spellings.rs"]
mod spellings;
#[path = "../attacks_edge/stand.rs"]
mod stand;
#[path = "../attacks_edge/streams.rs"]
mod streams;
