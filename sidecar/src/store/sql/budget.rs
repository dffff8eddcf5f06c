//! Budgets: one number a key, drawn on in the order of the keys. Invariant: all of them are drawn on, or none; what is
//! refused writes nothing.

use super::tx::{Broken, Tx, Value, values};
use crate::clock::Millis;
use crate::limits::{BudgetKey, Spent, Take};
use crate::store::{Store, StoreError};

/// More than any message draws on.
const MOST: usize = 16;

impl Store {
    /// Draws on budgets, in the order of their keys: all or none. The one that takes longest to have enough again, if any
    /// has not.
    pub async fn take_budgets(
        &self,
        takes: Vec<Take>,
        at: Millis,
    ) -> Result<Option<Spent>, StoreError> {
        self.write(move |tx| take(tx, &takes, at)).await
    }
}

/// When budgets are whole again.
pub(super) type Found = Vec<(BudgetKey, i64)>;

pub(super) fn take(tx: &mut Tx<'_>, takes: &[Take], at: Millis) -> Result<Option<Spent>, Broken> {
    if takes.is_empty() {
        return Ok(None);
    }
    let found = look(tx, takes)?;
    Ok(take_seen(tx, takes, &found, at)?.err())
}

/// Judges by what was found, so that a refusal writes nothing; who was overtaken after that begins again.
pub(super) fn take_seen(
    tx: &mut Tx<'_>,
    takes: &[Take],
    found: &[(BudgetKey, i64)],
    at: Millis,
) -> Result<Result<Found, Spent>, Broken> {
    let tat = |take: &Take| found.iter().find(|(key, _)| *key == take.key).map(|(_, tat)| *tat);
    let spent = takes.iter().filter_map(|take| take.judge(tat(take), at).err());
    if let Some(longest) = spent.max_by_key(|spent| spent.wait) {
        return Ok(Err(longest));
    }
    for take in takes {
        // Written under a clock that was set back since.
        if let Some(tat) = tat(take).filter(|tat| *tat > take.foreign(at)) {
            let write = "UPDATE budget SET tat = ?3 WHERE key = ?1 AND tat = ?2";
            tx.run(write, values![&take.key, tat, take.latest(at)])?;
        }
    }
    if takes.is_empty() {
        return Ok(Ok(Vec::new()));
    }
    let drawn = draw(tx, takes, at)?;
    let within = |(key, tat): &(BudgetKey, i64)| {
        let take = takes.iter().find(|take| take.key == *key);
        take.is_some_and(|take| tat.saturating_sub(at.0) <= take.tolerance)
    };
    if drawn.len() == takes.len() && drawn.iter().all(within) {
        Ok(Ok(drawn))
    } else {
        Err(Broken::Again)
    }
}

fn look(tx: &mut Tx<'_>, takes: &[Take]) -> Result<Vec<(BudgetKey, i64)>, Broken> {
    let places: Vec<String> = (1..=takes.len()).map(|place| format!("?{place}")).collect();
    let query = format!("SELECT key, tat FROM budget WHERE key IN ({})", places.join(", "));
    let keys: Vec<Value<'_>> = takes.iter().map(|take| Value::from(&take.key)).collect();
    tx.all(&query, &keys, |row| Ok((row.get(0)?, row.get(1)?)))
}

/// One statement; it locks the rows in the order in which they stand in it.
fn draw(tx: &mut Tx<'_>, takes: &[Take], at: Millis) -> Result<Vec<(BudgetKey, i64)>, Broken> {
    let rows: Vec<String> = (1..=takes.len().min(MOST))
        .map(|row| {
            format!("(?{}, ?{})", row.saturating_mul(2), row.saturating_mul(2).saturating_add(1))
        })
        .collect();
    let write = format!(
        "INSERT INTO budget (key, tat) VALUES {} ON CONFLICT (key) DO UPDATE SET \
         tat = CASE WHEN budget.tat > ?1 THEN budget.tat ELSE ?1 END + excluded.tat - ?1 RETURNING key, tat",
        rows.join(", ")
    );
    let mut given = vec![Value::from(at)];
    for take in takes.iter().take(MOST) {
        given.extend([Value::from(&take.key), Value::from(at.0.saturating_add(take.cost))]);
    }
    tx.all(&write, &given, |row| Ok((row.get(0)?, row.get(1)?)))
}
