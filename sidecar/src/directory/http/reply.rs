//! What an answer of the service means. Invariant: pure; "nobody", "written" and "not written" are said in so many words,
//! never guessed from a status that something in between may have made.

use serde::Deserialize;

use super::account::{self, Item};
use crate::directory::{Account, DirectoryError};
use crate::hook::Reply;

/// What became of a write, as far as its answer tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Done,
    /// The etag is another one, or there is no such account.
    Changed,
    /// Surely not written.
    Not(DirectoryError),
    Doubtful,
}

#[derive(Deserialize)]
struct Got {
    account: Item,
}

#[derive(Deserialize)]
struct Wrote {
    written: bool,
}

/// The account of an id.
pub(super) fn got(reply: &Reply, id: &str) -> Result<Option<Account>, DirectoryError> {
    let item = serde_json::from_slice::<Got>(&reply.body).ok().map(|got| got.account);
    match (reply.status, item) {
        (200 | 404, Some(Item::Nobody(()))) => Ok(None),
        (200, Some(Item::Account(raw))) => {
            let account = account::read(*raw).filter(|account| account.id == id);
            account.map(Some).ok_or(DirectoryError::Row)
        }
        (200, Some(Item::Other(_))) => Err(DirectoryError::Row),
        (200, None) => Err(DirectoryError::Failed),
        (status, _) => Err(refusal(status)),
    }
}

/// What became of a write.
pub(super) fn verdict(reply: &Reply) -> Verdict {
    let said = serde_json::from_slice::<Wrote>(&reply.body).ok().map(|wrote| wrote.written);
    match (reply.status, said) {
        (200, Some(true)) => Verdict::Done,
        (409 | 412, _) => Verdict::Changed,
        (422, Some(false)) => Verdict::Not(DirectoryError::Rule),
        (500..=599, Some(false)) => Verdict::Not(DirectoryError::Unavailable),
        // Not understood, not believed, or not now: before anything was done.
        (429, _) => Verdict::Not(DirectoryError::Unavailable),
        (400 | 401 | 403 | 404 | 405 | 413 | 415, _) => Verdict::Not(refusal(reply.status)),
        _ => Verdict::Doubtful,
    }
}

/// Whether the same may succeed in a moment.
pub(super) fn is_passing(status: u16) -> bool {
    status == 429 || (500..=599).contains(&status)
}

/// What a status means that no call asks for.
pub(super) fn refusal(status: u16) -> DirectoryError {
    match status {
        401 => DirectoryError::Login,
        403 => DirectoryError::Forbidden,
        404 => DirectoryError::Missing,
        429 | 501..=599 => DirectoryError::Unavailable,
        // 500 among them: it broke over what was asked, which may be this alone.
        _ => DirectoryError::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &str) -> Reply {
        Reply { status, body: body.as_bytes().to_vec().into(), date: None }
    }

    #[test]
    fn a_write_is_done_only_where_it_says_so() {
        let not = Verdict::Not;
        let table = [
            (200, "{\"written\":true}", Verdict::Done),
            (200, "{\"written\":true,\"more\":[1]}", Verdict::Done),
            (200, "{\"written\":false}", Verdict::Doubtful),
            (200, "{\"written\":\"true\"}", Verdict::Doubtful),
            (200, "{\"written\":true,\"written\":true}", Verdict::Doubtful),
            (200, "<html>welcome</html>", Verdict::Doubtful),
            (200, "", Verdict::Doubtful),
            (204, "", Verdict::Doubtful),
            (201, "{\"written\":true}", Verdict::Doubtful),
            (302, "", Verdict::Doubtful),
            (409, "", Verdict::Changed),
            (412, "{}", Verdict::Changed),
            (408, "", Verdict::Doubtful),
            (422, "{\"written\":false}", not(DirectoryError::Rule)),
            (422, "", Verdict::Doubtful),
            (400, "", not(DirectoryError::Failed)),
            (401, "", not(DirectoryError::Login)),
            (403, "", not(DirectoryError::Forbidden)),
            (404, "", not(DirectoryError::Missing)),
            (429, "", not(DirectoryError::Unavailable)),
            (500, "", Verdict::Doubtful),
            (502, "<html>", Verdict::Doubtful),
            (503, "{\"written\":true}", Verdict::Doubtful),
            (503, "{\"written\":false}", not(DirectoryError::Unavailable)),
        ];
        for (status, body, expected) in table {
            assert_eq!(verdict(&reply(status, body)), expected, "{status} {body}");
        }
    }

    #[test]
    fn nobody_is_said_in_so_many_words() {
        let table = [
            (200, "{\"account\":null}", Ok(None)),
            (404, "{\"account\":null}", Ok(None)),
            (404, "", Err(DirectoryError::Missing)),
            (404, "{\"error\":\"not found\"}", Err(DirectoryError::Missing)),
            (200, "{}", Err(DirectoryError::Failed)),
            (200, "null", Err(DirectoryError::Failed)),
            (200, "<html>", Err(DirectoryError::Failed)),
            (200, "{\"account\":null,\"account\":null}", Err(DirectoryError::Failed)),
            (200, "{\"account\":{\"id\":\"u1\"}}", Err(DirectoryError::Row)),
            (204, "", Err(DirectoryError::Failed)),
            (302, "", Err(DirectoryError::Failed)),
            (401, "", Err(DirectoryError::Login)),
            (403, "", Err(DirectoryError::Forbidden)),
            (503, "{\"account\":null}", Err(DirectoryError::Unavailable)),
        ];
        for (status, body, expected) in table {
            let found = got(&reply(status, body), "u1").map(|found| found.map(|one| one.id));
            assert_eq!(found, expected, "{status} {body}");
        }
    }

    #[test]
    fn the_account_of_another_id_is_none() {
        let account = "{\"account\":{\"id\":\"u2\",\"etag\":\"1\",\"addresses\":[],\"status\":\"active\",\"second_factor\":false}}";
        assert_eq!(got(&reply(200, account), "u1").unwrap_err(), DirectoryError::Row);
        assert!(got(&reply(200, account), "u2").unwrap().is_some());
    }
}
