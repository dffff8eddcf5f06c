//! The section [ldap]: where the directory is, what its attributes are called, and how a password is written. Invariant: no
//! password crosses a network in clear, no bind is anonymous, and every filter can be parsed.

mod keys;
mod preset;
mod server;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use toml::de::DeValue;
use zeroize::Zeroizing;

use self::preset::{Preset, Schema};
use super::super::forms::{self, Formed, Wrong};
use super::super::mail::{each, one_line};
use super::super::reader::Reader;
use super::TIMEOUTS;
use crate::password::Recipe;

pub(in crate::config) use self::keys::KEYS;
pub use self::server::LdapServer;

/// A directory that speaks LDAP.
#[derive(Clone)]
pub struct LdapConfig {
    /// In order of preference.
    pub servers: Vec<LdapServer>,
    /// A DN, or what else the server takes for a name.
    pub user: String,
    pub password: Zeroizing<String>,
    /// PEM certificates that the servers' are checked against; absent: the system's.
    pub ca: Option<PathBuf>,
    /// For a connection, for an answer, and for a turn.
    pub timeout: Duration,
    /// Of this sidecar, to each server.
    pub connections: usize,
    pub base: String,
    /// Only directly below the base.
    pub one_level: bool,
    /// With its parentheses.
    pub filter: Option<String>,
    pub attributes: LdapAttributes,
    /// Of the status, one must be there where any is named.
    pub active: Vec<LdapValue>,
    /// Of the status, none may be there.
    pub disabled: Vec<LdapValue>,
    pub write: LdapWrite,
    /// Attributes that change with a password.
    pub revision: Vec<String>,
    /// What is set with a new password.
    pub set: Vec<(String, String)>,
    /// Whether it is OpenLDAP, whose access rules we can name.
    pub is_openldap: bool,
}

/// What attributes are called.
#[derive(Clone, Debug)]
pub struct LdapAttributes {
    pub id: String,
    pub emails: Vec<String>,
    pub phones: Vec<String>,
    pub user_name: String,
    pub display_name: String,
    pub language: String,
    pub status: Option<String>,
    pub password_hash: Option<String>,
}

/// A value of a status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LdapValue {
    /// In any letter case.
    Text(String),
    /// A number that has these bits.
    Bits(u32),
}

/// How a new password is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LdapWrite {
    /// RFC 3062: the server hashes.
    ModifyPassword,
    /// Ours, in the place of the one that was read.
    Hash,
    /// Active Directory's `unicodePwd`.
    UnicodePwd,
}

impl fmt::Debug for LdapConfig {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "LdapConfig({:?}, {:?}, ..)", self.servers, self.base)
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> Option<LdapConfig> {
    let home = &reader.home();
    let servers = each(reader, "ldap.url", server::parse);
    let user = reader.read("ldap.user", filled);
    // RFC 4513, 5.1.2: with an empty password a bind is anonymous, and succeeds.
    let password = reader.read("ldap.password", |value| one_line(&forms::secret(value, home)?));
    let ca = reader.read("ldap.ca", |value| forms::file(value, home));
    let timeout = reader.read("ldap.timeout", |value| forms::duration(value, TIMEOUTS));
    let connections = reader.read("ldap.connections", |value| forms::whole(value, 1..=64));
    let base = reader.read("ldap.base", filled);
    let one_level = reader.read("ldap.scope", scope);
    let filter = reader.read("ldap.filter", filter);
    let schema = reader.read("ldap.schema", Schema::form);
    let set = each(reader, "ldap.set", assignment).unwrap_or_default();
    let preset = schema.map(Schema::preset);
    let named = preset.and_then(|preset| named(reader, preset));
    for key in ["ldap.url", "ldap.user", "ldap.password", "ldap.base"] {
        if !reader.has(key) {
            reader.refuse(key, "directory = \"ldap\" needs it", "write it into the section [ldap]");
        }
    }
    let (servers, named) = (servers?, named?);
    judge(reader, &servers, &named, &set);
    Some(LdapConfig {
        servers,
        user: user?,
        password: password?,
        ca,
        timeout: timeout?,
        connections: connections?,
        base: base?,
        one_level: one_level?,
        filter,
        attributes: named.attributes,
        active: named.active,
        disabled: named.disabled,
        write: named.write,
        revision: named.revision,
        set,
        is_openldap: schema? == Schema::OpenLdap,
    })
}

/// What a schema gives where nothing is written.
struct Named {
    attributes: LdapAttributes,
    active: Vec<LdapValue>,
    disabled: Vec<LdapValue>,
    write: LdapWrite,
    revision: Vec<String>,
}

fn named(reader: &mut Reader<'_>, preset: &Preset) -> Option<Named> {
    let id = one(reader, "ldap.attributes.id", preset.id);
    let user_name = one(reader, "ldap.attributes.user_name", preset.user_name);
    let display_name = one(reader, "ldap.attributes.display_name", preset.display_name);
    let language = one(reader, "ldap.attributes.language", "preferredLanguage");
    let has_status = reader.has("ldap.attributes.status");
    let status = one(reader, "ldap.attributes.status", preset.status.unwrap_or_default());
    let hash = preset.password_hash.unwrap_or_default();
    let hash = one(reader, "ldap.attributes.password_hash", hash);
    let emails = some(reader, "ldap.attributes.email", &["mail"]);
    let phones = some(reader, "ldap.attributes.phone", &["mobile"]);
    let revision = some(reader, "ldap.revision", preset.revision);
    let active = each(reader, "ldap.active", status_value).unwrap_or_default();
    let preset_disabled = preset.disabled.filter(|_| !has_status && active.is_empty());
    let disabled = match reader.has("ldap.disabled") {
        true => each(reader, "ldap.disabled", status_value)?,
        false => preset_disabled.into_iter().map(LdapValue::parse).collect(),
    };
    let write = match reader.has("ldap.write") {
        true => reader.read("ldap.write", write),
        false => Some(preset.write),
    };
    let named = |name: String| (!name.is_empty()).then_some(name);
    let attributes = LdapAttributes {
        id: id?,
        emails: emails?,
        phones: phones?,
        user_name: user_name?,
        display_name: display_name?,
        language: language?,
        status: named(status?),
        password_hash: named(hash?),
    };
    Some(Named { attributes, active, disabled, write: write?, revision: revision? })
}

/// An attribute, or the schema's name for it; empty where it has none.
fn one(reader: &mut Reader<'_>, key: &str, preset: &str) -> Option<String> {
    match reader.has(key) {
        true => reader.read(key, attribute),
        false => Some(preset.to_owned()),
    }
}

fn some(reader: &mut Reader<'_>, key: &str, preset: &[&str]) -> Option<Vec<String>> {
    match reader.has(key) {
        true => each(reader, key, attribute),
        false => Some(preset.iter().map(|name| (*name).to_owned()).collect()),
    }
}

fn judge(reader: &mut Reader<'_>, servers: &[LdapServer], named: &Named, set: &[(String, String)]) {
    let has_values = !named.active.is_empty() || !named.disabled.is_empty();
    if named.attributes.status.is_some() != has_values {
        let problem = "a status is an attribute and values of it";
        let remedy = "write ldap.attributes.status, and ldap.active or ldap.disabled";
        reader.refuse("ldap.attributes.status", problem, remedy);
    }
    if named.write == LdapWrite::Hash && named.attributes.password_hash.is_none() {
        let remedy = "write ldap.attributes.password_hash, as userPassword";
        reader.refuse("ldap.write", "no attribute is named that a hash is written to", remedy);
    }
    if named.write == LdapWrite::UnicodePwd && !servers.iter().all(LdapServer::is_encrypted) {
        let remedy = "write ldaps:// or ldap+starttls://";
        reader.refuse("ldap.url", "Active Directory takes a password over TLS only", remedy);
    }
    let hash = named.attributes.password_hash.as_deref();
    let kept = ["userPassword", "unicodePwd"].into_iter().chain(hash);
    if kept.into_iter().any(|kept| set.iter().any(|(name, _)| name.eq_ignore_ascii_case(kept))) {
        let problem = "it would give everybody who resets the same password";
        reader.refuse(
            "ldap.set",
            problem,
            "leave the password out: ldap.write says how it is written",
        );
    }
}

/// A server that reads `userPassword` looks for the scheme in front.
pub(super) fn judge_format(reader: &mut Reader<'_>, write: LdapWrite, recipe: Recipe) {
    let has_scheme =
        matches!(recipe, Recipe::LdapArgon2id(_) | Recipe::LdapSha512Crypt(_) | Recipe::Ssha(_));
    if write == LdapWrite::Hash && !has_scheme {
        let problem = "a directory that speaks LDAP takes a hash with its scheme in front only";
        let remedy = "write password.format = \"ldap-argon2id\" or \"ldap-sha512-crypt\", or leave ldap.write out";
        reader.refuse("ldap.write", problem, remedy);
    }
}

impl LdapValue {
    fn parse(text: &str) -> Self {
        let bits = text.strip_prefix("bit:").and_then(|bits| bits.parse().ok());
        bits.map_or_else(|| Self::Text(text.to_owned()), Self::Bits)
    }
}

fn filled(value: &DeValue<'_>) -> Formed<String> {
    match forms::text(value)?.trim() {
        "" => Err(Wrong::new("it is empty", "write a DN: nothing is asked without a name")),
        text => Ok(text.to_owned()),
    }
}

fn scope(value: &DeValue<'_>) -> Formed<bool> {
    match forms::text(value)? {
        "one-level" => Ok(true),
        "subtree" => Ok(false),
        other => {
            Err(Wrong::new(format!("\"{other}\" is unknown"), "write \"subtree\" or \"one-level\""))
        }
    }
}

fn filter(value: &DeValue<'_>) -> Formed<String> {
    let text = forms::text(value)?.trim();
    match text.starts_with('(') && ldap3::parse_filter(text).is_ok() {
        true => Ok(text.to_owned()),
        false => Err(Wrong::new(
            format!("\"{text}\" is not a filter"),
            "write it with its parentheses, as (objectClass=inetOrgPerson)",
        )),
    }
}

/// RFC 4512's `descr`: what needs no escaping in a filter.
fn attribute(value: &DeValue<'_>) -> Formed<String> {
    let text = forms::text(value)?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_good =
        text.bytes().all(is_name) && text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
    match is_good {
        true => Ok(text.to_owned()),
        false => Err(Wrong::new(
            format!("\"{text}\" is not the name of an attribute"),
            "write letters, digits and hyphens, as the schema names it",
        )),
    }
}

fn status_value(value: &DeValue<'_>) -> Formed<LdapValue> {
    match forms::text(value)? {
        "" => Err(Wrong::new("a value is empty", "write a value of ldap.attributes.status")),
        text => Ok(LdapValue::parse(text)),
    }
}

fn assignment(value: &DeValue<'_>) -> Formed<(String, String)> {
    let wrong =
        || Wrong::new("it is not an attribute with its value", "write as \"pwdReset=FALSE\"");
    let (name, set) = forms::text(value)?.split_once('=').ok_or_else(wrong)?;
    match set.is_empty() {
        true => Err(wrong()),
        false => attribute(&DeValue::String(name.into())).map(|name| (name, set.to_owned())),
    }
}

fn write(value: &DeValue<'_>) -> Formed<LdapWrite> {
    match forms::text(value)? {
        "hash" => Ok(LdapWrite::Hash),
        "modify-password" => Ok(LdapWrite::ModifyPassword),
        "unicode-pwd" => Ok(LdapWrite::UnicodePwd),
        other => Err(Wrong::new(
            format!("\"{other}\" is unknown"),
            "write \"modify-password\", \"hash\" or \"unicode-pwd\"",
        )),
    }
}
