//! Brings the database to our schema. Invariant: of several instances that start at once one migrates and the others wait
//! for it, and a step is done whole or not at all.

use super::lane::{Lane, Way};
use crate::store::sql::schema::{self, Found, META, STEPS};
use crate::store::sql::tx::{Broken, Tx};
use crate::store::{Standing, StoreError};

/// Whoever holds it migrates; a number of ours.
const ALONE: &str = "SELECT pg_advisory_xact_lock(7238463911)";

pub(super) fn migrate(way: &Way, steps: usize) -> Result<(), StoreError> {
    let client = way.connect()?;
    let mut lane = Lane::of(way.clone(), client);
    migrated(&mut lane, steps).map_err(StoreError::from)
}

/// Looks at the schema, without a lock.
pub(super) fn standing(way: &Way) -> Result<Standing, StoreError> {
    let client = way.connect()?;
    let mut lane = Lane::of(way.clone(), client);
    let mut tx = Tx::postgres(&mut lane);
    match tx.only::<bool>("SELECT to_regclass('meta') IS NOT NULL", &[]) {
        Ok(true) => schema::standing(&mut tx).map_err(StoreError::from),
        Ok(false) => Ok(Standing::Empty),
        Err(broken) => Err(broken.into()),
    }
}

fn migrated(lane: &mut Lane, steps: usize) -> Result<(), Broken> {
    lane.batch("BEGIN")?;
    lane.batch(ALONE)?;
    // Only where it is missing, so that a role without the right to create works on a schema that is there.
    let known: bool = Tx::postgres(lane).only("SELECT to_regclass('meta') IS NOT NULL", &[])?;
    if !known {
        lane.batch(META)?;
    }
    if let Found::Older(done) = schema::look(&mut Tx::postgres(lane), steps)? {
        for step in STEPS.iter().take(steps).skip(done) {
            lane.batch(step.postgres)?;
            if done == 0 {
                lane.batch(step.contraction)?;
            }
        }
        schema::note(&mut Tx::postgres(lane), done, steps)?;
    }
    lane.batch("COMMIT")
}
