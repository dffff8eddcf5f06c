//! The flows from message to letter and password, on a clock that stands still and a store of their own.

mod bounds;
mod clocks;
mod codes;
mod events;
mod formats;
mod guessing;
mod limits;
mod links;
mod rig;
mod rotation;
mod sending;
mod settling;
mod several;
mod sites;
mod statements;
