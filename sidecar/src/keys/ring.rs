//! What is used of the keys now, exchanged whole while the program serves. Invariant: who asks gets one ring, the old one
//! or the new one, and a ring that lacks an active key is never taken up.

use std::sync::{Arc, PoisonError, RwLock};

use contract::name::Name;
use contract::signature::EdgeKey;

use super::{Held, Key, KeyRow, KeyState, KeyStates, Keys, Kind};
use crate::jwt::{JwtKey, JwtKeys};
use crate::password::{Decryptor, Pepper, Peppers, Ranked, Sm2Layouts};
use crate::secret::{Master, Masters, SecretFault, Secrets};

/// Keys ready for use, apart from those behind `Secrets`.
#[derive(Debug)]
pub struct InUse {
    pub edge: Vec<EdgeKey>,
    pub jwt: JwtKeys,
    pub decryptor: Arc<Decryptor>,
}

#[derive(Debug)]
pub struct Ring {
    index: Held,
    layouts: Sm2Layouts,
    peppers: Peppers,
    secrets: Secrets,
    now: RwLock<Arc<InUse>>,
}

/// Why keys cannot be used with these states.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum RingFault {
    #[error(
        "the store says that {kind} {id} is active, and no key file here holds it: `rekey keys export --out FILE` where \
         it is, `rekey keys import FILE` here"
    )]
    NotHeld { kind: Kind, id: String },
    #[error("every {0} key that is held here is retired: `rekey keys import` one that is not")]
    Retired(Kind),
    #[error(
        "{0} is not the index that this store's rows are keyed with: `rekey keys import` the keys of the first instance"
    )]
    Index(String),
    #[error(transparent)]
    Secret(#[from] SecretFault),
}

impl Ring {
    pub fn new(keys: &Keys, states: &KeyStates, layouts: Sm2Layouts) -> Result<Self, RingFault> {
        let (masters, in_use) = ready(keys, states, layouts)?;
        let (ranked, retired) = peppers(&keys.peppers, states)?;
        let peppers = Peppers::new(ranked, retired);
        let secrets = Secrets::derive(keys.index.bytes().ok_or(SecretFault)?, masters)?;
        let (index, now) = (Held::of(&keys.index), RwLock::new(Arc::new(in_use)));
        Ok(Self { index, layouts, peppers, secrets, now })
    }

    /// A handle that follows the ring.
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// A handle that follows the ring.
    pub fn peppers(&self) -> &Peppers {
        &self.peppers
    }

    pub fn now(&self) -> Arc<InUse> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes up other keys or other states; what was there stays where they are not fit.
    pub fn change(&self, keys: &Keys, states: &KeyStates) -> Result<(), RingFault> {
        if Held::of(&keys.index) != self.index {
            return Err(RingFault::Index(keys.index.id.as_str().to_owned()));
        }
        let (masters, in_use) = ready(keys, states, self.layouts)?;
        let (ranked, retired) = peppers(&keys.peppers, states)?;
        self.peppers.change(ranked, retired);
        self.secrets.change(masters);
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(in_use);
        Ok(())
    }
}

fn ready(
    keys: &Keys,
    states: &KeyStates,
    layouts: Sm2Layouts,
) -> Result<(Masters, InUse), RingFault> {
    if let Some(index) = states.active(Kind::Index)
        && index.id != keys.index.id
    {
        return Err(RingFault::Index(keys.index.id.as_str().to_owned()));
    }
    let (maker, others) = split(&keys.masters, states, Kind::Master)?;
    let others = others.into_iter().map(Master::derive).collect::<Result<_, _>>()?;
    let masters = Masters::new(Master::derive(maker)?, others);
    let (signer, others) = split(&keys.jwt, states, Kind::Jwt)?;
    let signer = signer.jwt().ok_or(SecretFault)?;
    let others: Vec<JwtKey> = others.into_iter().filter_map(Key::jwt).collect();
    let jwt = JwtKeys::new(signer, &others);
    let believed = keys.edge.iter().filter(|key| !states.is_retired(key));
    let edge: Vec<EdgeKey> = believed.filter_map(Key::edge).collect();
    if edge.is_empty() {
        return Err(RingFault::Retired(Kind::Edge));
    }
    let rsa = ranked(&keys.rsa, states, Kind::Rsa, Key::rsa)?;
    let sm2 = ranked(&keys.sm2, states, Kind::Sm2, Key::sm2)?;
    let decryptor = Arc::new(Decryptor::new(rsa, sm2, layouts));
    Ok((masters, InUse { edge, jwt, decryptor }))
}

/// The peppers of this moment, and the ids of those that are retired, held or not.
pub fn peppers(held: &[Key], states: &KeyStates) -> Result<(Ranked<Pepper>, Vec<Name>), RingFault> {
    let is_retired = |row: &&KeyRow| row.kind == Kind::Pepper && row.state == KeyState::Retired;
    let retired = states.0.iter().filter(is_retired).map(|row| row.id.clone()).collect();
    Ok((ranked(held, states, Kind::Pepper, Key::pepper)?, retired))
}

/// Keys of a kind that an instance may do without.
fn ranked<K>(
    held: &[Key],
    states: &KeyStates,
    kind: Kind,
    read: fn(&Key) -> Option<K>,
) -> Result<Ranked<K>, RingFault> {
    let is_heard_of = states.0.iter().any(|row| row.kind == kind);
    let is_held = held.iter().any(|key| !states.is_retired(key));
    if states.active(kind).is_none() && (is_heard_of || !is_held) {
        // Those that the store knows wait until every instance holds one of them.
        let waiting = held.iter().filter(|key| !states.is_retired(key));
        return Ok(Ranked { active: None, others: waiting.filter_map(read).collect() });
    }
    let (maker, others) = split(held, states, kind)?;
    Ok(Ranked { active: read(maker), others: others.into_iter().filter_map(read).collect() })
}

/// The key that makes, and the others that are believed. Before the store knows any, the first of the file makes.
fn split<'k>(
    held: &'k [Key],
    states: &KeyStates,
    kind: Kind,
) -> Result<(&'k Key, Vec<&'k Key>), RingFault> {
    let believed: Vec<&Key> = held.iter().filter(|key| !states.is_retired(key)).collect();
    let maker = match states.active(kind) {
        Some(row) => believed
            .iter()
            .find(|key| key.id == row.id)
            .ok_or_else(|| RingFault::NotHeld { kind, id: row.id.as_str().to_owned() })?,
        None => believed.first().ok_or(RingFault::Retired(kind))?,
    };
    let others = believed.iter().filter(|key| key.id != maker.id).copied().collect();
    Ok((maker, others))
}
