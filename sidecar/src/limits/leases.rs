//! Blocks of wide budgets, taken from the store and spent from memory, so that no row is written by every request.
//! Invariant: only what the store gave is spent, within a block's life; a crash loses units and makes none.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::gcra::{BudgetKey, Rate, Spent};
use crate::clock::Millis;
use crate::store::{Store, StoreError};

/// Budgets that have a block at a time; there are as many as registered clients, and two.
const MOST: usize = 4096;

/// A block is this part of the burst.
const PARTS: u32 = 64;

/// A wide budget, and how it is cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pool {
    pub(super) key: BudgetKey,
    pub(super) rate: Rate,
    /// Units of a block at most.
    pub(super) most: u32,
    /// What is not spent in this time is lost, so that nobody saves blocks up and spends them at once.
    pub(super) life: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Block {
    units: u32,
    since: Millis,
    until: Millis,
    /// The store had none left, when it was asked last.
    refused: Option<Refusal>,
}

#[derive(Debug, Default)]
pub(super) struct Leases {
    blocks: Mutex<HashMap<BudgetKey, Block>>,
    /// Who holds it asks the store; the others wait for what it brings.
    fetching: tokio::sync::Mutex<()>,
}

/// The store had not so many units, when it was asked last.
#[derive(Clone, Copy, Debug)]
struct Refusal {
    units: u32,
    since: Millis,
    until: Millis,
}

/// What memory says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Paid,
    Refused(Duration),
    /// The store has to be asked.
    Short,
}

impl Leases {
    /// Spends units; `Some` with the wait when there are none.
    pub(super) async fn take(
        &self,
        store: &Store,
        pool: &Pool,
        units: u32,
        at: Millis,
    ) -> Result<Option<Duration>, StoreError> {
        if let Some(known) = self.spend(pool.key, units, at).known() {
            return Ok(known);
        }
        let _one = self.fetching.lock().await;
        if let Some(known) = self.spend(pool.key, units, at).known() {
            return Ok(known);
        }
        // The last units of a budget are fewer than a block.
        let mut wait = Duration::ZERO;
        for size in [pool.block().max(units), units] {
            match store.take_budgets(vec![pool.rate.take(pool.key, size)], at).await? {
                None => {
                    self.fill(pool, size - units, at);
                    return Ok(None);
                }
                Some(Spent { wait: longer, .. }) => wait = longer,
            }
        }
        self.refuse(pool.key, units, at, wait);
        Ok(Some(wait))
    }

    /// Units that were taken and not needed.
    pub(super) fn give_back(&self, key: BudgetKey, units: u32, at: Millis) {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(block) = blocks.get_mut(&key).filter(|block| block.lives(at)) {
            block.units = block.units.saturating_add(units);
        }
    }

    /// Whether the budget was spent a span ago or later.
    pub(super) fn was_spent(&self, key: BudgetKey, at: Millis, span: Duration) -> bool {
        let blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = blocks.get(&key).and_then(|block| block.refused);
        refused.is_some_and(|refused| refused.since <= at && refused.since.until(at) < span)
    }

    fn spend(&self, key: BudgetKey, units: u32, at: Millis) -> Found {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(block) = blocks.get_mut(&key) else {
            return Found::Short;
        };
        block.follow(at);
        if block.lives(at) && block.units >= units {
            block.units = block.units.saturating_sub(units);
            return Found::Paid;
        }
        match block.refused {
            Some(Refusal { units: least, since, until })
                if units >= least && since <= at && at < until =>
            {
                Found::Refused(at.until(until))
            }
            _ => Found::Short,
        }
    }

    fn fill(&self, pool: &Pool, units: u32, at: Millis) {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        if blocks.len() >= MOST {
            blocks.retain(|_, block| block.lives(at));
        }
        if blocks.len() >= MOST {
            blocks.clear();
        }
        let block = blocks.entry(pool.key).or_insert(Block::EMPTY);
        let left = if block.lives(at) { block.units } else { 0 };
        let (units, until) = (left.saturating_add(units), at.plus(pool.life));
        *block = Block { units, since: at, until, ..*block };
    }

    fn refuse(&self, key: BudgetKey, units: u32, at: Millis, wait: Duration) {
        let mut blocks = self.blocks.lock().unwrap_or_else(PoisonError::into_inner);
        let block = blocks.entry(key).or_insert(Block::EMPTY);
        block.refused = Some(Refusal { units, since: at, until: at.plus(wait) });
    }
}

impl Found {
    fn known(self) -> Option<Option<Duration>> {
        match self {
            Self::Paid => Some(None),
            Self::Refused(wait) => Some(Some(wait)),
            Self::Short => None,
        }
    }
}

impl Pool {
    fn block(&self) -> u32 {
        (self.rate.burst() / PARTS).clamp(1, self.most)
    }
}

impl Block {
    const EMPTY: Self = Self { units: 0, since: Millis(0), until: Millis(0), refused: None };

    /// A clock that steps back takes nothing away that is in hand: the block lives on from now.
    fn follow(&mut self, at: Millis) {
        if self.since > at {
            (self.since, self.until) = (at, at.plus(self.since.until(self.until)));
        }
    }

    fn lives(&self, at: Millis) -> bool {
        self.since <= at && at < self.until
    }
}
