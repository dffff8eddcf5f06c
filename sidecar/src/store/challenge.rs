//! Challenges: live, held by one message, spent. What the flows hand to the store, and get.

use contract::address::{Address, Channel};
use contract::language::Language;
use contract::name::Name;

use super::account::AccountWrite;
use super::announce::Former;
use super::attempt::Issuer;
use super::event::NewEvent;
use super::mail::NewMail;
use super::message::Kept;
use crate::clock::Millis;
use crate::secret::{AddressKey, ChallengeId, Fingerprint, GrantId};

/// A reset that was asked for, as far as the flows need to know it.
#[derive(Clone, Debug)]
pub struct Challenge {
    pub id: ChallengeId,
    pub account: String,
    pub channel: Channel,
    pub address: Address,
    pub address_key: AddressKey,
    pub dialect: String,
    pub language: Language,
    pub counter: u32,
    /// 0: it has no code.
    pub code_digits: u8,
    pub has_link: bool,
    /// Nothing ended it: it may be waiting, living, or past its time.
    pub open: bool,
    pub link_until: Option<Millis>,
    pub code_until: Option<Millis>,
    /// The relay took a message with it.
    pub relayed: bool,
    pub master: String,
    pub fingerprint: Fingerprint,
}

/// A grant to be made.
#[derive(Clone, Debug)]
pub struct Grant {
    pub id: GrantId,
    pub message: [u8; 16],
    pub challenge: ChallengeId,
    pub at: Millis,
    pub until: Millis,
    pub expires_in: u32,
    pub audit: Audit,
}

/// A challenge to be held.
#[derive(Clone, Debug)]
pub struct Hold {
    pub message: [u8; 16],
    /// Of this attempt: another run of the same message may take the hold over, and only the last one gives it back.
    pub run: [u8; 16],
    pub target: Target,
    pub issuer: Issuer,
    pub master: Name,
    pub at: Millis,
    /// When another message may take it over.
    pub until: Millis,
    /// A hold of the same message that ends later is left alone; one that does not is taken over.
    pub retake: Millis,
}

/// What became of the wish to hold a challenge.
#[derive(Clone, Debug)]
pub enum Held {
    Ours(Box<Challenge>),
    /// Another run of the same message is at work on it.
    InHand,
    /// Another message writes a password by it, or it is not known yet whether it did.
    Announced,
    /// It cannot be had.
    Refused,
}

/// What was proved, and so which ends of life count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Link(ChallengeId),
    LinkAndCode(ChallengeId),
    Code(ChallengeId),
    Grant(GrantId),
}

/// Why a held challenge is not finished.
#[derive(Clone, Debug)]
pub enum Release {
    /// Ours is the fault; the proof lives on, unless another run of the message holds it by now, or it was announced.
    Busy { run: [u8; 16] },
    /// Nothing was written of what was announced; the hold stays, for what comes after.
    Unwritten { run: [u8; 16] },
    /// The password cannot be taken; the proof lives on unless that happened `most` times.
    Unfit { why: Unfit, kept: Kept, at: Millis, most: u32 },
    /// The account is not what it was.
    Revoked { kept: Kept, audit: Audit },
}

/// Why a password cannot be taken; each is counted by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It breaks the policy.
    Policy,
    /// It cannot be decrypted.
    Undecryptable,
}

/// The end of a confirm.
#[derive(Clone, Debug)]
pub struct Finish {
    pub message: [u8; 16],
    pub challenge: ChallengeId,
    pub account: String,
    pub at: Millis,
    pub ending: Ending,
    pub former: Former,
    pub kept: Kept,
    pub audit: Audit,
    /// Mails that tell the owner.
    pub notices: Vec<NewMail>,
    pub events: Vec<NewEvent>,
}

/// How far a confirm came before its end.
#[derive(Clone, Debug)]
pub enum Ending {
    /// Its end writes the password, into a directory whose rows lie in this store.
    Write(AccountWrite),
    /// The directory has the password: a fact, whoever holds the challenge meanwhile.
    Written,
    /// Nobody can say whether the directory has it. The proof is spent all the same, if it still is leased by that.
    Unknown { lease: [u8; 16] },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finished {
    Done,
    /// Another request with the same message was faster.
    Repeat(Kept),
    /// The account is not what it was; the proof is dead.
    Changed,
    /// The proof was used or revoked meanwhile.
    Gone,
    /// It is not held for this message any more.
    Lost,
}

/// A line of the audit: addresses keyed, accounts too whose id looks like one, senders as networks.
#[derive(Clone, Debug)]
pub struct Audit {
    pub at: Millis,
    pub event: &'static str,
    pub account: String,
    pub address: AddressKey,
    pub sender: String,
    pub client: Option<Name>,
    pub request: Name,
    pub device: Option<String>,
}
