//! What a server's answer means. Invariant: a write is taken for not done only where the answer surely says so; a proxy says
//! 3, 52 or 80 for a server that it lost in between.

use ldap3::LdapResult;

use crate::directory::DirectoryError;

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Bind,
    Search,
    Write,
}

pub(super) const SIZE_LIMIT: u32 = 4;
pub(super) const NO_SUCH_ATTRIBUTE: u32 = 16;
pub(super) const NO_SUCH_OBJECT: u32 = 32;
pub(super) const ASSERTION_FAILED: u32 = 122;

/// RFC 4511, appendix A.2.
pub(super) fn error(asked: Asked, result: &LdapResult) -> DirectoryError {
    match (result.rc, asked) {
        (3 | 11 | 52 | 80, Asked::Write) => DirectoryError::Unknown,
        (3 | 11 | 51 | 52, _) => DirectoryError::Unavailable,
        (10, Asked::Write) => DirectoryError::ReadOnly,
        (7 | 8 | 13 | 48 | 49, _) => DirectoryError::Login,
        // Active Directory and some others: no such name.
        (32 | 34, Asked::Bind) => DirectoryError::Login,
        (12 | 16 | 17 | 18 | 32 | 65, _) => DirectoryError::Missing,
        (50, _) => DirectoryError::Forbidden,
        (53, Asked::Write) if is_read_only(&result.text) => DirectoryError::ReadOnly,
        (19 | 53, Asked::Write) => DirectoryError::Rule,
        _ => DirectoryError::Failed,
    }
}

/// No code says that: OpenLDAP's and 389 Directory Server's words for it.
fn is_read_only(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["restricted", "read-only", "read only"].iter().any(|words| text.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_errors_of_ours() {
        let table = [
            (Asked::Bind, 49, "", DirectoryError::Login),
            (Asked::Bind, 53, "", DirectoryError::Failed),
            (Asked::Search, 32, "", DirectoryError::Missing),
            (Asked::Search, 10, "", DirectoryError::Failed),
            (Asked::Search, 3, "", DirectoryError::Unavailable),
            (Asked::Write, 10, "", DirectoryError::ReadOnly),
            (Asked::Write, 53, "operation restricted", DirectoryError::ReadOnly),
            (Asked::Write, 53, "database is read-only", DirectoryError::ReadOnly),
            (Asked::Write, 53, "0000052D: SvcErr", DirectoryError::Rule),
            (Asked::Write, 19, "Password fails quality checking policy", DirectoryError::Rule),
            (Asked::Write, 50, "", DirectoryError::Forbidden),
            (Asked::Write, 51, "", DirectoryError::Unavailable),
            (Asked::Write, 52, "", DirectoryError::Unknown),
            (Asked::Write, 80, "", DirectoryError::Unknown),
        ];
        for (asked, rc, text, expected) in table {
            let result = LdapResult {
                rc,
                matched: String::new(),
                text: text.to_owned(),
                refs: Vec::new(),
                ctrls: Vec::new(),
            };
            assert_eq!(error(asked, &result), expected, "{asked:?} {rc}");
        }
    }
}
