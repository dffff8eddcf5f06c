//! Rekey's sidecar as a library: one room per concern, put together by `engine` and opened by `http` and `cli`.
//! Invariant: what differs between dialects is read from `contract::profile::Profile`; nothing here knows a dialect's name.

pub mod cli;
pub mod clock;
pub mod config;
pub mod crash;
pub mod delivery;
pub mod directory;
pub mod doctor;
pub mod edge;
pub mod ends;
pub mod engine;
pub mod entropy;
pub mod flow;
pub mod hook;
pub mod http;
pub mod jwt;
pub mod keys;
pub mod limits;
pub mod log;
pub mod password;
pub mod peer;
pub(crate) mod reread;
pub mod secret;
mod silence;
pub mod store;
pub mod tls;
pub mod trace;
