//! The edge as a pure state machine: head -> claim -> body -> signed message, and answer -> the dialect's own words.
//! Filter and reverse proxy feed it events and carry out its steps; time, randomness and the client's address are
//! asked from `Circumstances`. Invariant: whatever fails here is refused in the dialect's shape, never passed on, unless the
//! configuration says that it is only observed.

mod answer;
mod answering;
mod asking;
mod claim;
mod config;
mod cors;
mod exchange;
mod head;
mod headers;
mod legacy;
mod media;
mod observe;
mod query;
mod reading;
mod route;
mod settings;
mod sharing;
mod site;
mod spelling;

pub use answer::{Answer, AnswerHead, Exchanged, MadeBy};
pub use asking::{Asking, optional, required};
pub use claim::Claim;
pub use config::{Edge, Environment, KEYS, Mode, Plan};
pub use exchange::{Circumstances, Exchange, FETCH, Forward, MAX_ANSWER, MAX_BODY, Step};
pub use head::Head;
pub use headers::Headers;
pub use legacy::LegacyUntil;
pub use observe::OBSERVED;
pub use route::{ask_regex, first_segments, route_regex};
pub use settings::{Client, Clients, Settings};
pub use site::Site;
pub use spelling::loose;
