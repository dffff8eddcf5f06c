//! What a command needs opened: runtime, keys, store, directory, hasher. Invariant: what cannot be opened says what to do.

use std::io;

use contract::address::Address;
use tokio::runtime::{Builder, Runtime};

use crate::clock::Clock;
use crate::config::Config;
use crate::directory::{Account, Embedded, ascii};
use crate::edge::EdgeError;
use crate::engine::EngineError;
use crate::entropy::Entropy;
use crate::flow;
use crate::http::DoorError;
use crate::keys::{self, KeyError, KeyStates, Keys, Kind, Ring, RingFault};
use crate::password::{HashError, Hasher, Peppers};
use crate::store::{Forgotten, Store, StoreError, Story};

#[derive(Debug, thiserror::Error)]
pub enum RoomError {
    #[error(transparent)]
    Door(#[from] DoorError),
    #[error(transparent)]
    Edge(#[from] EdgeError),
    #[error("the sidecar cannot be put together: {0}")]
    Engine(#[from] EngineError),
    #[error("no password can be hashed: {0}")]
    Hash(#[from] HashError),
    #[error(transparent)]
    Ring(#[from] RingFault),
    #[error("key file {0}")]
    Key(#[from] KeyError),
    #[error(
        "the rows of this store are keyed with another index than the one here, so nothing would be found: use the key files \
         of the sidecar that runs on it"
    )]
    Foreign,
    #[error("no threads can be started: {0}")]
    Runtime(#[from] io::Error),
    #[error(
        "{0}; look at `data` in the configuration, at the rights of that directory and at the room on its disk; with `store.url`, at that server"
    )]
    Store(#[from] StoreError),
}

pub(super) fn runtime() -> Result<Runtime, RoomError> {
    Ok(Builder::new_multi_thread().enable_all().build()?)
}

/// With the peppers that the store knows as living.
pub(super) async fn hasher(config: &Config) -> Result<Hasher, RoomError> {
    let held = keys::held_peppers(&config.keys)?;
    let peppers = match held.is_empty() {
        true => Peppers::default(),
        false => {
            let facts = Store::open(&config.store)?.key_facts(Clock::System.now()).await?;
            let (keys, retired) = keys::peppers(&held, &facts.states)?;
            Peppers::new(keys, retired)
        }
    };
    Ok(Hasher::new((&config.password).into(), peppers)?)
}

/// The embedded directory, beside a sidecar that may be running.
pub(super) fn embedded(config: &Config) -> Result<Embedded, RoomError> {
    Ok(Embedded::new(Store::open(&config.store)?, Clock::System, Entropy::System))
}

/// The keys beside a store; refused where its rows are keyed with another index, for then nothing would be found.
async fn ring(config: &Config, store: &Store) -> Result<Ring, RoomError> {
    let keys = Keys::read(&config.keys)?;
    let facts = store.key_facts(Clock::System.now()).await?;
    match facts.states.active(Kind::Index) {
        Some(row) if row.id != keys.index.id => Err(RoomError::Foreign),
        _ => Ok(Ring::new(&keys, &KeyStates::default(), config.password.layouts)?),
    }
}

/// What became of the asks for an address, the latest first.
pub(super) async fn stories(config: &Config, address: Address) -> Result<Vec<Story>, RoomError> {
    let store = Store::open(&config.store)?;
    let ring = ring(config, &store).await?;
    Ok(flow::why::tell(&store, ring.secrets(), address).await?)
}

/// Takes an address from the list of those that bounced; false when it was on none.
pub(super) async fn unsuppress(
    config: &Config,
    store: &Store,
    address: Address,
) -> Result<bool, RoomError> {
    let ring = ring(config, store).await?;
    let Some(address) = ascii(address) else {
        return Ok(false);
    };
    let key = ring.secrets().address_key(address.channel(), &address.key());
    Ok(store.unsuppress(key, address.channel()).await?)
}

/// Forgets an account and its addresses; how many rows that were.
pub(super) async fn forget(config: &Config, account: &Account) -> Result<u64, RoomError> {
    let store = Store::open(&config.store)?;
    let ring = ring(config, &store).await?;
    let secrets = ring.secrets();
    let emails = account.emails.iter().cloned().map(Address::Email);
    let phones = account.phones.iter().cloned().map(Address::Phone);
    let keyed = |address: Address| secrets.address_key(address.channel(), &address.key());
    let addresses: Vec<_> = emails.chain(phones).map(keyed).collect();
    let whom = Forgotten {
        account: account.id.clone(),
        audited: secrets.account_in_log(&account.id),
        scopes: addresses
            .iter()
            .flat_map(|address| [address.0, secrets.linked_scope(*address)])
            .collect(),
        addresses,
    };
    Ok(store.forget(whom).await?)
}
