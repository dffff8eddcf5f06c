//! How a new password is written. Invariant: the entry is read right before, over the same connection, and is written only
//! at the revision that the proof was judged by.
//!
//! `hash`: the old value is deleted and the new one added, or, where it cannot be read, RFC 4528's assertion: the server
//! compares and sets, and one that can do neither is not written. `modify-password` and `unicode-pwd`: neither can compare, so a change by somebody else in between,
//! one way to the server and back, is overwritten.

use std::collections::HashSet;

use ldap3::controls::{Assertion, MakeCritical, RawControl};
use ldap3::{LdapResult, Mod, Scope};

use super::Ldap;
use super::entry::Entry;
use super::outcome::{self, ASSERTION_FAILED, Asked, NO_SUCH_ATTRIBUTE, NO_SUCH_OBJECT};
use super::session::{Query, Session};
use super::{filter, pool};
use crate::config::LdapWrite;
use crate::directory::{Account, DirectoryError, NewPassword, Written};

pub(super) const ASSERTION: &str = "1.3.6.1.1.12";
const UNICODE_PWD: &str = "unicodePwd";

type Mods = Vec<Mod<Vec<u8>>>;

impl Ldap {
    /// At the first server that takes it.
    pub async fn write(
        &self,
        account: &Account,
        new: NewPassword<'_>,
    ) -> Result<Written, DirectoryError> {
        let mut turn = self.pool.turn(&self.config).await?;
        loop {
            let mut session = turn.next().await?;
            match self.write_in(&mut session, account, new).await {
                Err(error @ (DirectoryError::Unavailable | DirectoryError::ReadOnly)) => {
                    turn.failed(error);
                }
                result => {
                    turn.keep(session);
                    return result;
                }
            }
        }
    }

    async fn write_in(
        &self,
        session: &mut Session,
        account: &Account,
        new: NewPassword<'_>,
    ) -> Result<Written, DirectoryError> {
        let Some(entry) = self.entry(session, &account.id).await? else {
            return Ok(Written::Changed);
        };
        if entry.revision(&self.config).as_ref() != Some(&account.revision) {
            return Ok(Written::Changed);
        }
        session.deadline = pool::later(self.config.timeout);
        let result = match self.config.write {
            LdapWrite::Hash => self.write_hash(session, &entry, new.hash).await?,
            LdapWrite::UnicodePwd => {
                let mut mods = vec![replace(UNICODE_PWD, quoted(new.password.expose()))];
                mods.extend(self.beside());
                session.modify(&entry.dn, mods, None).await?
            }
            LdapWrite::ModifyPassword => {
                let password = new.password.expose();
                let result = session.modify_password(&entry.dn, password).await?;
                if result.rc == 0 {
                    self.set_beside(session, &entry.dn).await;
                }
                result
            }
        };
        judge(&result)
    }

    /// Only over the value that was read, or over the revision where none was.
    async fn write_hash(
        &self,
        session: &mut Session,
        entry: &Entry,
        hash: &str,
    ) -> Result<LdapResult, DirectoryError> {
        let name = self.config.attributes.password_hash.as_deref().unwrap_or_default();
        let old: HashSet<Vec<u8>> = entry.values(name).iter().cloned().collect();
        let new = hash.as_bytes().to_vec();
        let (mut mods, control) = match old.is_empty() {
            false => {
                let added = Mod::Add(name.into(), HashSet::from([new]));
                (vec![Mod::Delete(name.into(), old), added], None)
            }
            true => (vec![replace(name, new)], Some(self.assertion(session, entry).await?)),
        };
        mods.extend(self.beside());
        session.modify(&entry.dn, mods, control).await
    }

    async fn assertion(
        &self,
        session: &mut Session,
        entry: &Entry,
    ) -> Result<RawControl, DirectoryError> {
        let wanted = ["supportedControl".to_owned()];
        let found = session.search(root(&wanted)).await?;
        let controls =
            found.entries.first().map_or(&[][..], |root| root.values("supportedControl"));
        if !controls.iter().any(|control| control == ASSERTION.as_bytes()) {
            tracing::error!(
                event = "directory_cannot_compare",
                remedy = "let us read the hash, use a server that lists the control 1.3.6.1.1.12, or set ldap.write = \"modify-password\""
            );
            return Err(DirectoryError::Forbidden);
        }
        let names = entry.revision_names(&self.config).into_iter();
        let read = filter::unchanged(names.map(|name| (name, entry.values(name))));
        Ok(Assertion { filter: read }.critical().into())
    }

    /// The password stands; what was to be set beside it is told where it cannot be.
    async fn set_beside(&self, session: &mut Session, dn: &str) {
        let mods = self.beside();
        if mods.is_empty() {
            return;
        }
        session.deadline = pool::later(self.config.timeout);
        let done = session.modify(dn, mods, None).await;
        if !done.is_ok_and(|result| result.rc == 0) {
            tracing::error!(event = "directory_set_failed");
        }
    }

    fn beside(&self) -> Mods {
        let days = (self.clock.now().seconds() / 86_400).to_string();
        let set = self.config.set.iter();
        set.map(|(name, value)| replace(name, value.replace("{days}", &days).into_bytes()))
            .collect()
    }
}

/// What a server says of itself.
pub(super) fn root(wanted: &[String]) -> Query<'_> {
    Query {
        base: "",
        scope: Scope::Base,
        filter: "(objectClass=*)",
        attributes: wanted,
        most: Some(1),
    }
}

fn judge(result: &LdapResult) -> Result<Written, DirectoryError> {
    match result.rc {
        0 => Ok(Written::Done),
        NO_SUCH_ATTRIBUTE | NO_SUCH_OBJECT | ASSERTION_FAILED => Ok(Written::Changed),
        _ => Err(outcome::error(Asked::Write, result)),
    }
}

fn replace(name: &str, value: Vec<u8>) -> Mod<Vec<u8>> {
    Mod::Replace(name.into(), HashSet::from([value]))
}

/// MS-ADTS, 3.1.1.3.1.5: in quotes, UTF-16, the low byte first.
fn quoted(password: &str) -> Vec<u8> {
    format!("\"{password}\"").encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn active_directory_reads_quotes_and_utf_16() {
        assert_eq!(quoted("aé"), [0x22, 0, 0x61, 0, 0xe9, 0, 0x22, 0]);
        assert_eq!(quoted("😀"), [0x22, 0, 0x3d, 0xd8, 0x00, 0xde, 0x22, 0]);
    }
}
