//! An entry as the server gives it, and the account that it is. Invariant: what is longer than it may be, or cannot be
//! what the configuration says, makes no account.

use contract::address::{Address, Email, Phone};
use contract::language::Language;
use ldap3::ResultEntry;
use ldap3::asn1::StructureTag;
use sha2::{Digest, Sha256};

use super::filter::{PROXY, SMTP};
use super::guid;
use crate::config::{LdapConfig, LdapValue};
use crate::directory::{Account, Revision, Status, ascii};

/// In bytes.
const LONGEST: usize = 1024;
const LONGEST_ID: usize = 200;
/// Of one attribute.
const MOST_VALUES: usize = 256;

/// What changes with any change of an entry: counts where nothing that is closer can be read.
pub(super) const LAST: [&str; 2] = ["entryCSN", "modifyTimestamp"];

/// What was read of an entry.
pub(super) struct Entry {
    pub(super) dn: String,
    /// Names in small letters, without options.
    attributes: Vec<(String, Vec<Vec<u8>>)>,
}

impl Entry {
    /// RFC 4511, 4.5.2; none where the server breaks it.
    pub(super) fn read(entry: ResultEntry) -> Option<Self> {
        let mut parts = entry.0.match_id(4)?.expect_constructed()?.into_iter();
        let dn = text(parts.next()?)?;
        let mut attributes: Vec<(String, Vec<Vec<u8>>)> = Vec::new();
        for attribute in parts.next()?.expect_constructed()? {
            let mut parts = attribute.expect_constructed()?.into_iter();
            let described = text(parts.next()?)?.to_ascii_lowercase();
            let name = described.split(';').next().unwrap_or_default();
            let values = parts.next()?.expect_constructed()?.into_iter();
            let values = values.map(StructureTag::expect_primitive).collect::<Option<Vec<_>>>()?;
            match attributes.iter_mut().find(|(known, _)| known == name) {
                Some((_, known)) => known.extend(values),
                None => attributes.push((name.to_owned(), values)),
            }
        }
        Some(Self { dn, attributes })
    }

    /// None where the attribute is not there, or not for us.
    pub(super) fn values(&self, name: &str) -> &[Vec<u8>] {
        let found = self.attributes.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or(&[], |(_, values)| values)
    }

    /// All of them, each with a digest of its values.
    pub(super) fn aspects(&self) -> Vec<(String, [u8; 8])> {
        let aspect = |(name, values): &(String, Vec<Vec<u8>>)| {
            let [first, ..] = quarters(digest([(name.as_str(), values.as_slice())].into_iter()));
            (name.clone(), first)
        };
        self.attributes.iter().map(aspect).collect()
    }

    /// Of the attributes that change with a password, or else of those that change with anything.
    pub(super) fn revision_names<'c>(&self, config: &'c LdapConfig) -> Vec<&'c str> {
        let close: Vec<&str> = config.revision.iter().map(String::as_str).collect();
        match close.iter().any(|name| !self.values(name).is_empty()) {
            true => close,
            false => LAST.to_vec(),
        }
    }

    /// None where nothing of it can be read.
    pub(super) fn revision(&self, config: &LdapConfig) -> Option<Revision> {
        let names = self.revision_names(config);
        let read: Vec<_> = names.into_iter().map(|name| (name, self.values(name))).collect();
        let is_readable = read.iter().any(|(_, values)| !values.is_empty());
        is_readable.then(|| Revision(digest(read.into_iter()).to_vec()))
    }

    pub(super) fn account(&self, config: &LdapConfig) -> Option<Account> {
        let names = &config.attributes;
        let hash = match &names.password_hash {
            Some(name) => self.first(name)?,
            None => None,
        };
        Some(Account {
            id: self.id(&names.id)?,
            user_name: self.first(&names.user_name)?,
            display_name: self.first(&names.display_name)?,
            emails: self.emails(&names.emails)?,
            phones: self.phones(&names.phones)?,
            language: self.first(&names.language)?.as_deref().and_then(language),
            status: self.status(config)?,
            second_factor: false,
            revision: self.revision(config)?,
            password_hash: hash,
        })
    }

    pub(super) fn id(&self, name: &str) -> Option<String> {
        let [value] = self.values(name) else { return None };
        let id = if guid::is_of(name) { guid::text(value)? } else { string(value)? };
        (!id.is_empty() && id.len() <= LONGEST_ID).then_some(id)
    }

    /// The first text of an attribute, where it has one; none of both where one of its values is too long.
    fn first(&self, name: &str) -> Option<Option<String>> {
        Some(self.bounded(name)?.iter().find_map(|value| string(value)))
    }

    fn emails(&self, names: &[String]) -> Option<Vec<Email>> {
        let mut emails: Vec<Email> = Vec::new();
        for name in names {
            let has_kind = name.eq_ignore_ascii_case(PROXY);
            for value in self.bounded(name)?.iter().filter_map(|value| string(value)) {
                let text = if has_kind { of_kind(&value) } else { Some(value.as_str()) };
                let email = text.and_then(|text| Email::parse(text).ok()).map(Address::Email);
                if let Some(Address::Email(email)) = email.and_then(ascii)
                    && !emails.contains(&email)
                {
                    emails.push(email);
                }
            }
        }
        Some(emails)
    }

    fn phones(&self, names: &[String]) -> Option<Vec<Phone>> {
        let mut phones: Vec<Phone> = Vec::new();
        for name in names {
            for value in self.bounded(name)?.iter().filter_map(|value| string(value)) {
                if let Ok(phone) = Phone::parse(&value, None)
                    && !phones.contains(&phone)
                {
                    phones.push(phone);
                }
            }
        }
        Some(phones)
    }

    fn status(&self, config: &LdapConfig) -> Option<Status> {
        let Some(name) = &config.attributes.status else { return Some(Status::Active) };
        let values: Vec<String> =
            self.bounded(name)?.iter().filter_map(|value| string(value)).collect();
        let has = |wanted: &LdapValue| values.iter().any(|value| is_met(wanted, value));
        let is_active = config.active.is_empty() || config.active.iter().any(has);
        let is_disabled = config.disabled.iter().any(has);
        Some(if is_active && !is_disabled { Status::Active } else { Status::Disabled })
    }

    fn bounded(&self, name: &str) -> Option<&[Vec<u8>]> {
        let values = self.values(name);
        let fits = values.len() <= MOST_VALUES && values.iter().all(|value| value.len() <= LONGEST);
        fits.then_some(values)
    }
}

/// What an account is made of.
pub(super) fn attributes(config: &LdapConfig) -> Vec<String> {
    let names = &config.attributes;
    let single = [&names.id, &names.user_name, &names.display_name, &names.language];
    let mut wanted: Vec<String> = single.into_iter().cloned().collect();
    wanted.extend(names.emails.iter().chain(&names.phones).chain(&config.revision).cloned());
    wanted.extend(names.status.iter().chain(&names.password_hash).cloned());
    wanted.extend(LAST.map(str::to_owned));
    wanted.sort_unstable();
    wanted.dedup();
    wanted
}

fn is_met(wanted: &LdapValue, value: &str) -> bool {
    match wanted {
        LdapValue::Text(text) => text.eq_ignore_ascii_case(value),
        // Active Directory writes its numbers with a sign.
        LdapValue::Bits(bits) => {
            value.parse::<i32>().is_ok_and(|number| number.cast_unsigned() & bits == *bits)
        }
    }
}

fn of_kind(value: &str) -> Option<&str> {
    let (kind, address) = value.split_at_checked(SMTP.len())?;
    kind.eq_ignore_ascii_case(SMTP).then_some(address)
}

/// RFC 2798: as `Accept-Language` is written.
fn language(value: &str) -> Option<Language> {
    value.split([',', ';']).next().and_then(Language::parse)
}

/// Text without control characters.
fn string(value: &[u8]) -> Option<String> {
    let text = str::from_utf8(value).ok()?;
    (!text.chars().any(char::is_control)).then(|| text.to_owned())
}

fn text(tag: StructureTag) -> Option<String> {
    String::from_utf8(tag.expect_primitive()?).ok()
}

/// The same whatever order a server gives values in.
fn digest<'e>(read: impl Iterator<Item = (&'e str, &'e [Vec<u8>])>) -> [u8; 32] {
    let mut digest = Sha256::new();
    let mut part = |bytes: &[u8]| {
        digest.update((bytes.len() as u64).to_be_bytes());
        digest.update(bytes);
    };
    for (name, values) in read {
        let mut values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
        values.sort_unstable();
        part(name.to_ascii_lowercase().as_bytes());
        part(&values.len().to_be_bytes());
        values.into_iter().for_each(&mut part);
    }
    digest.finalize().into()
}

fn quarters(whole: [u8; 32]) -> [[u8; 8]; 4] {
    let mut parts = [[0; 8]; 4];
    parts.iter_mut().flatten().zip(whole).for_each(|(to, from)| *to = from);
    parts
}
