//! Every operation of the store, once for both engines. Invariant: an operation is one transaction, runs again from its
//! beginning if it must, and says nothing to anybody before its commit.

mod account;
mod announce;
pub(super) mod ask;
mod attempt;
mod budget;
mod codes;
mod confirm;
mod event;
pub(super) mod forget;
pub(super) mod history;
pub(super) mod housekeeping;
mod instance;
mod mail;
mod message;
mod outbox;
mod pot;
mod resolve;
mod restraint;
mod row;
pub(super) mod schema;
mod told;
#[cfg(test)]
mod trace;
pub(super) mod tx;
