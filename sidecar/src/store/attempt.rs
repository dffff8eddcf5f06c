//! Attempts: verify and confirm, taken down and counted before anything is compared.

use contract::address::Channel;
use contract::message::Operation;
use contract::name::Name;

use super::message::{Kept, MessageKey};
use crate::clock::Millis;
use crate::limits::{Spent, Take};
use crate::secret::{AddressKey, ChallengeId, Place};

/// Through which door a proof was made; it is good through no other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    pub dialect: &'static str,
    pub site: Name,
    pub client: Option<Name>,
}

/// A message that presents a proof.
#[derive(Debug)]
pub struct Attempt {
    pub message: MessageKey,
    pub operation: Operation,
    pub at: Millis,
    /// What has to be counted; a token cannot be guessed.
    pub guess: Option<Guess>,
    /// Taken when the message is new, all or none, in the order of their keys.
    pub budgets: Vec<Take>,
    pub judge: Judge,
}

/// A code that was typed, and where it counts.
#[derive(Clone, Debug)]
pub struct Guess {
    pub channel: Channel,
    /// The address, or the places that the guesser is in.
    pub scopes: Vec<[u8; 16]>,
    /// Whose code it is said to be; without it only a code that is good in its place can be right.
    pub address: Option<AddressKey>,
    pub places: Vec<Place>,
    /// The code is guessed together with the link of this challenge, so it counts for this one only.
    pub linked: Option<ChallengeId>,
    pub tries: u8,
    pub daily: u32,
    /// Whether anybody wants to hear when the day is used up.
    pub tells_used_up: bool,
    pub issuer: Issuer,
    /// The installation's wrong codes are spent: nothing new is counted or compared.
    pub closed: bool,
}

/// A challenge whose code a guess is compared with. No more is read of it than that takes: what is read for a wrong guess
/// takes time that only a living challenge costs.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub id: ChallengeId,
    pub account: String,
    pub address_key: AddressKey,
    pub counter: u32,
    pub code_digits: u8,
    pub master: String,
}

/// Whether one of these may be the code that was typed; without any, whether the proof may be right at all. A dummy is
/// compared where nothing is.
pub struct Judge(pub Box<Compare>);

type Compare = dyn Fn(&[Candidate]) -> bool + Send + Sync;

impl std::fmt::Debug for Judge {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Judge(..)")
    }
}

/// What may be done with an attempt.
#[derive(Debug)]
pub enum Opened {
    /// It was compared with so many codes, and is wrong: its outcome is kept.
    Wrong(usize),
    /// It is the first, or nothing is known of the first one's end: compare with these.
    Fresh(Vec<Candidate>),
    Repeat(Kept),
    /// The message's id was used with another MAC.
    Forged,
    /// A budget is spent. Nothing was written.
    Spent(Spent),
}
