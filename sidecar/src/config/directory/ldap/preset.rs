//! What schemas that everybody has are called by. Invariant: all of it can be written otherwise, key by key.

use toml::de::DeValue;

use super::super::super::forms::{self, Formed, Wrong};
use super::LdapWrite;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Schema {
    ActiveDirectory,
    OpenLdap,
    Plain,
}

#[derive(Debug)]
pub(super) struct Preset {
    pub(super) id: &'static str,
    pub(super) user_name: &'static str,
    pub(super) display_name: &'static str,
    pub(super) status: Option<&'static str>,
    pub(super) disabled: Option<&'static str>,
    pub(super) password_hash: Option<&'static str>,
    pub(super) revision: &'static [&'static str],
    pub(super) write: LdapWrite,
}

const PLAIN: Preset = Preset {
    id: "entryUUID",
    user_name: "uid",
    display_name: "cn",
    status: None,
    disabled: None,
    password_hash: Some("userPassword"),
    revision: &["userPassword", "pwdChangedTime"],
    write: LdapWrite::ModifyPassword,
};

/// Locked for good is that time of the overlay ppolicy; any other one ends by itself.
const OPENLDAP: Preset =
    Preset { status: Some("pwdAccountLockedTime"), disabled: Some("000001010000Z"), ..PLAIN };

/// Bit 2 of userAccountControl is ACCOUNTDISABLE.
const ACTIVE_DIRECTORY: Preset = Preset {
    id: "objectGUID",
    user_name: "sAMAccountName",
    display_name: "displayName",
    status: Some("userAccountControl"),
    disabled: Some("bit:2"),
    password_hash: None,
    revision: &["pwdLastSet"],
    write: LdapWrite::UnicodePwd,
};

impl Schema {
    pub(super) fn form(value: &DeValue<'_>) -> Formed<Self> {
        match forms::text(value)? {
            "active-directory" => Ok(Self::ActiveDirectory),
            "openldap" => Ok(Self::OpenLdap),
            "plain" => Ok(Self::Plain),
            other => Err(Wrong::new(
                format!("\"{other}\" is unknown"),
                "write \"openldap\", \"active-directory\" or \"plain\"",
            )),
        }
    }

    pub(super) fn preset(self) -> &'static Preset {
        match self {
            Self::ActiveDirectory => &ACTIVE_DIRECTORY,
            Self::OpenLdap => &OPENLDAP,
            Self::Plain => &PLAIN,
        }
    }
}
