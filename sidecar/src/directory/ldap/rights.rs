//! Whether a password may be written, tried in a way that leaves nothing; and which right is missing. Invariant: what is
//! tried is to delete a value that no entry has: a server that looks at rights first says so, and one that does not finds
//! nothing to delete.

use std::collections::HashSet;

use ldap3::Mod;

use super::entry::{Entry, LAST};
use super::outcome::{self, Asked, NO_SUCH_ATTRIBUTE};
use super::session::Session;
use super::{Ldap, pool};
use crate::config::{LdapConfig, LdapWrite};
use crate::directory::{DirectoryError, Finding};

/// No scheme has this name, so it is no password.
const NOBODYS: &[u8] = b"{REKEY-DOCTOR}";

impl Ldap {
    pub(super) async fn try_write(&self, session: &mut Session, entry: &Entry) -> Finding {
        if self.config.write == LdapWrite::UnicodePwd {
            return Finding::warning(
                "write",
                "Active Directory has no way to try the right to reset a password without doing it",
                "reset the password of a test account; the user needs \"Reset password\" on the accounts",
            );
        }
        session.deadline = pool::later(self.config.timeout);
        let name = hash_attribute(&self.config);
        let tried = Mod::Delete(name.into(), HashSet::from([NOBODYS.to_vec()]));
        let error = match session.modify(&entry.dn, vec![tried], None).await {
            Ok(result) if result.rc == NO_SUCH_ATTRIBUTE => return allowed(&self.config),
            Ok(result) => outcome::error(Asked::Write, &result),
            Err(error) => error,
        };
        let known = "name a server in ldap.url that can be written, or let the user write";
        match error {
            DirectoryError::Forbidden | DirectoryError::ReadOnly => {
                Finding::fault("write", error.to_string(), remedy(&self.config, known))
            }
            _ => Finding::warning(
                "write",
                format!("whether passwords can be written could not be tried: {error}"),
                "reset the password of a test account",
            ),
        }
    }
}

/// A remedy; with OpenLDAP also the rules that give every right that is needed, and no other.
pub(super) fn remedy(config: &LdapConfig, text: &str) -> String {
    match config.is_openldap {
        true => format!("{text}:\n{}", rules(config)),
        false => text.to_owned(),
    }
}

fn allowed(config: &LdapConfig) -> Finding {
    let said = match config.write {
        LdapWrite::ModifyPassword => {
            "the user may write passwords; the operation itself (RFC 3062) cannot be tried without doing it"
        }
        _ => "the user may write passwords",
    };
    Finding::good("write", said)
}

fn hash_attribute(config: &LdapConfig) -> &str {
    config.attributes.password_hash.as_deref().unwrap_or("userPassword")
}

/// To be put in front of those that are there.
fn rules(config: &LdapConfig) -> String {
    let (base, user) = (&config.base, &config.user);
    let hash = hash_attribute(config);
    let right = if config.write == LdapWrite::Hash { "write" } else { "=w" };
    let names = &config.attributes;
    let mut read: Vec<&str> = vec!["entry", "objectClass"];
    read.extend(
        [&names.id, &names.user_name, &names.display_name, &names.language].map(String::as_str),
    );
    read.extend(
        names.emails.iter().chain(&names.phones).chain(&config.revision).map(String::as_str),
    );
    read.extend(names.status.as_deref());
    read.extend(LAST);
    read.retain(|name| !name.eq_ignore_ascii_case(hash));
    let mut lines = vec![format!(
        "olcAccess: to dn.subtree=\"{base}\" attrs={hash} by dn.exact=\"{user}\" {right} by * break"
    )];
    if !config.set.is_empty() {
        let set: Vec<&str> = config.set.iter().map(|(name, _)| name.as_str()).collect();
        read.retain(|name| !set.contains(name));
        lines.push(format!(
            "olcAccess: to dn.subtree=\"{base}\" attrs={} by dn.exact=\"{user}\" write by * break",
            set.join(",")
        ));
    }
    lines.push(format!(
        "olcAccess: to dn.subtree=\"{base}\" attrs={} by dn.exact=\"{user}\" read by * break",
        read.join(",")
    ));
    lines.join("\n")
}
