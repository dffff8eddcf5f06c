//! One person forgotten: every row that tells of an account or of its addresses goes; the audit keeps that something
//! happened, and no longer to whom.

use super::tx::{Broken, Tx, values};
use crate::secret::AddressKey;
use crate::store::{Store, StoreError};

/// What stands in the audit instead of an account.
const NOBODY: &str = "forgotten";

const HANDED_ON: &str = "UPDATE mail SET challenge = next.id, account = next.account FROM challenge AS next \
     WHERE mail.account = ?1 AND next.id = (SELECT challenge FROM mail_part WHERE mail_part.mail = mail.id ORDER BY place LIMIT 1)";

/// Whom to forget.
#[derive(Clone, Debug)]
pub struct Forgotten {
    pub account: String,
    /// As the audit knows the account.
    pub audited: String,
    /// As asks, mails and counts know the account's addresses.
    pub addresses: Vec<AddressKey>,
    /// Where wrong codes are counted: the addresses, and the addresses with a link.
    pub scopes: Vec<[u8; 16]>,
}

impl Store {
    /// Deletes the account, its former passwords, proofs, mails, asks and counts, and takes its name from the audit; how
    /// many rows that were.
    pub async fn forget(&self, whom: Forgotten) -> Result<u64, StoreError> {
        self.write(move |tx| forget(tx, &whom)).await
    }
}

fn forget(tx: &mut Tx<'_>, whom: &Forgotten) -> Result<u64, Broken> {
    let mut gone: u64 = 0;
    for delete in [
        "DELETE FROM proof_grant WHERE challenge IN (SELECT id FROM challenge WHERE account = ?1)",
        "DELETE FROM mail_part WHERE challenge IN (SELECT id FROM challenge WHERE account = ?1)",
        // A mail that tells of others, too, is theirs from now on.
        HANDED_ON,
        "DELETE FROM challenge WHERE account = ?1",
        "DELETE FROM mail WHERE account = ?1",
        "DELETE FROM event WHERE account = ?1",
        "DELETE FROM password_history WHERE account = ?1",
        "DELETE FROM account WHERE id = ?1",
    ] {
        gone = gone.saturating_add(tx.run(delete, values![&whom.account])?);
    }
    for address in &whom.addresses {
        for delete in [
            "DELETE FROM ask WHERE address_key = ?1",
            "DELETE FROM suppressed_address WHERE address_key = ?1",
        ] {
            gone = gone.saturating_add(tx.run(delete, values![&address.0])?);
        }
    }
    for scope in &whom.scopes {
        for delete in ["DELETE FROM pot WHERE scope = ?1", "DELETE FROM daily WHERE scope = ?1"] {
            gone = gone.saturating_add(tx.run(delete, values![scope])?);
        }
    }
    gone = gone.saturating_add(unname(tx, whom)?);
    // The outcome of a message may name the account that it logged in.
    let kept = "UPDATE message SET reference = NULL, params = NULL WHERE outcome = 'reset' AND reference = ?1";
    tx.run(kept, values![whom.account.as_bytes()])?;
    Ok(gone)
}

/// Takes the name from the audit's lines; how many those were.
fn unname(tx: &mut Tx<'_>, whom: &Forgotten) -> Result<u64, Broken> {
    let nothing = [0_u8; 16];
    let account =
        "UPDATE audit SET account = ?3, address_key = ?4, device = NULL WHERE account IN (?1, ?2)";
    let mut touched = tx.run(account, values![&whom.account, &whom.audited, NOBODY, &nothing])?;
    for address in &whom.addresses {
        let address_key =
            "UPDATE audit SET account = ?2, address_key = ?3, device = NULL WHERE address_key = ?1";
        let touched_too = tx.run(address_key, values![&address.0, NOBODY, &nothing])?;
        touched = touched.saturating_add(touched_too);
    }
    Ok(touched)
}
