//! Writes a new hash. Invariant: until COMMIT was sent nothing stands there, whatever goes wrong (the doctor refuses tables
//! without transactions); after it was sent, only an answer says so.

use super::Parts;
use super::fault::Broken;
use super::lane::{Lane, within};
use super::shape::Source;
use super::template::Slot;
use crate::directory::{Account, DirectoryError, Written};

/// Over the revision that was read. A connection that is lost before COMMIT has done nothing.
pub(super) async fn write(
    lane: &mut Lane,
    parts: &Parts,
    account: &Account,
    hash: &str,
) -> Result<Written, Broken> {
    let staged = within(parts.patience, stage(lane, parts, account, hash)).await?;
    if staged == Written::Changed {
        within(parts.patience, lane.roll_back()).await?;
        return Ok(Written::Changed);
    }
    let after = within(parts.patience, parts.look(lane, &account.id)).await?;
    if !after.is_some_and(|after| is_there(parts, &after.account, hash)) {
        within(parts.patience, lane.roll_back()).await?;
        let remedy = "a trigger or sql.sessions makes another text of what is written: `rekey doctor` with an address";
        tracing::error!(event = "directory_altered_a_hash", remedy);
        return Err(Broken::Is(DirectoryError::Failed));
    }
    match tokio::time::timeout(parts.patience, lane.commit()).await {
        Ok(Ok(())) => Ok(Written::Done),
        Ok(Err(refused)) if surely_undone(refused) => Err(refused),
        Ok(Err(_)) | Err(_) => Err(Broken::Is(DirectoryError::Unknown)),
    }
}

/// Whether the hash stands there as it was written. Statements of the team's own need not tell it.
pub(super) fn is_there(parts: &Parts, after: &Account, hash: &str) -> bool {
    match (&parts.shape.source, after.password_hash.as_deref()) {
        (Source::Own(_), None) => true,
        (_, there) => there == Some(hash),
    }
}

/// What a server answers to a COMMIT that it has undone. Of anything else, as of a proxy's answer for a server that it has
/// lost, nobody knows: who reads the account again will see.
fn surely_undone(answer: Broken) -> bool {
    matches!(answer, Broken::Busy | Broken::Is(DirectoryError::ReadOnly))
}

/// Everything but the commit.
pub(super) async fn stage(
    lane: &mut Lane,
    parts: &Parts,
    account: &Account,
    hash: &str,
) -> Result<Written, Broken> {
    lane.begin().await?;
    let Some(found) = parts.look(lane, &account.id).await? else {
        return Ok(Written::Changed);
    };
    if found.account.revision != account.revision {
        return Ok(Written::Changed);
    }
    let (salt, tag) = parts.shape.salted.as_ref().map_or((None, hash), |salted| salted.split(hash));
    let given = |slot| match slot {
        Slot::Id => Some(account.id.as_str()),
        Slot::Hash => Some(tag),
        Slot::Salt => salt,
        Slot::PasswordHash => found.password_hash.as_deref(),
        Slot::Revision(at) => found.revision.get(at).and_then(Option::as_deref),
        Slot::Email | Slot::Phone | Slot::Candidate(_) => None,
    };
    let write = &parts.statements.write;
    match lane.change(&write.text, &write.given(given)).await? {
        0 => return Ok(Written::Changed),
        1 => {}
        // The id is not of one account alone: none of them is written.
        _ => return Err(Broken::Is(DirectoryError::Failed)),
    }
    if let Some(sessions) = &parts.statements.sessions {
        lane.change(&sessions.text, &sessions.given(given)).await?;
    }
    Ok(Written::Done)
}
