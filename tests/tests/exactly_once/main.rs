//! Invariants 6 and 7, on both engines: a proof is spent once and an accepted ask has an end, whatever the number of requests,
//! sidecars, crashes, restarts of PostgreSQL and moods of the mail server. `REKEY_SOAK` sets how many crashes.

mod clients;
mod crashes;
mod flood;
mod ledger;
mod moving;
mod outages;
mod outbox;
mod races;
mod relays;
mod retries;

/// Few clients who reset all the time, for as long as a soak takes.
const PLENTY: &str = "cool_down = \"1s\"\nsends = 10\nattempts = \"100000/10m\"\naddress = \"100000/10m\"\n\
    sender_32 = \"100000/10m\"\nsender_24 = \"100000/10m\"\nwrong_codes = \"100000/1h\"";

/// How often something is tried: a few times with fixed seeds, or as often as `REKEY_SOAK` says.
fn rounds(usual: u64) -> u64 {
    std::env::var("REKEY_SOAK").ok().and_then(|count| count.parse().ok()).unwrap_or(usual)
}
