//! Rows to accounts. Invariant: what cannot be an account's is refused before it goes anywhere: too long, with control
//! characters, without an id. An address that is none is left out: nothing could be sent to it.

use contract::address::{Address, Email};
use contract::language::Language;
use sha2::{Digest, Sha256};

use super::lane::Cell;
use super::shape::Shape;
use crate::directory::{Account, Revision, Status, ascii};

/// Bytes of one cell; more is nobody's hash and nobody's name.
pub(super) const LONGEST: usize = 1024;

/// Bytes of an id, as everywhere.
const ID: usize = 200;

/// A row that is not an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

/// What was read of one account, with what counts for its revision as it stands there.
pub(super) struct Found {
    pub(super) account: Account,
    /// The hash as its column has it.
    pub(super) password_hash: Option<String>,
    pub(super) revision: Vec<Option<String>>,
}

/// What a column says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Id,
    Email,
    Phone,
    UserName,
    DisplayName,
    Language,
    Status,
    Deleted,
    SecondFactor,
    PasswordHash,
    Salt,
    Revision,
}

/// What the columns of an answer say, by their names.
pub(super) struct Roles(Vec<Option<Role>>);

impl Role {
    const NAMES: [(&'static str, Self); 12] = [
        ("id", Self::Id),
        ("email", Self::Email),
        ("phone", Self::Phone),
        ("user_name", Self::UserName),
        ("display_name", Self::DisplayName),
        ("language", Self::Language),
        ("status", Self::Status),
        ("deleted", Self::Deleted),
        ("second_factor", Self::SecondFactor),
        ("password_hash", Self::PasswordHash),
        ("salt", Self::Salt),
        ("revision", Self::Revision),
    ];

    /// `email_2` is an e-mail address as well.
    fn of(name: &str) -> Option<Self> {
        let base = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let base = if base == name { name } else { base.strip_suffix('_')? };
        let found = Self::NAMES.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(base));
        let role = found.map(|(_, role)| role)?;
        let several = matches!(role, Self::Email | Self::Phone | Self::Revision);
        (several || base == name).then_some(role)
    }
}

impl Roles {
    pub(super) fn of(names: &[String]) -> Self {
        Self(names.iter().map(|name| Role::of(name)).collect())
    }

    pub(super) fn read(&self, row: &[Cell], shape: &Shape) -> Result<Found, Unreadable> {
        let (all, one) = (|role| self.all(row, role), |role| self.one(row, role));
        let id = one(Role::Id)?.filter(|id| !id.is_empty() && id.len() <= ID).ok_or(Unreadable)?;
        let emails = all(Role::Email)?.into_iter().flatten().filter_map(email).collect();
        let phones = all(Role::Phone)?.into_iter().flatten();
        let phones = phones.filter_map(|text| shape.phone_form.read(text)).collect();
        // The owner chooses his names: one that cannot be read takes nothing else from him.
        let decoration = |role: Role| {
            let text = one(role).ok().flatten().filter(|text| !text.is_empty());
            text.map(str::to_owned)
        };
        let password_hash = one(Role::PasswordHash)?.map(str::to_owned);
        let owned = |cell: Option<&str>| cell.map(str::to_owned);
        let mut revision: Vec<Option<String>> =
            all(Role::Revision)?.into_iter().map(owned).collect();
        if revision.is_empty() {
            revision.push(password_hash.clone());
            let salt = shape.salted.is_some().then(|| self.salt(row, shape)).transpose()?;
            revision.extend(salt.map(owned));
        }
        let status = match one(Role::Deleted)?.is_some_and(is_set) {
            true => Status::Disabled,
            false => status(one(Role::Status)?, shape.active.as_deref()),
        };
        let account = Account {
            id: id.to_owned(),
            user_name: decoration(Role::UserName),
            display_name: decoration(Role::DisplayName),
            emails,
            phones,
            language: decoration(Role::Language).as_deref().and_then(Language::parse),
            status,
            second_factor: one(Role::SecondFactor)?.is_some_and(is_set),
            revision: digest(&revision),
            password_hash: self.hash(row, shape)?,
        };
        Ok(Found { account, password_hash, revision })
    }

    /// The hash in one piece.
    pub(super) fn hash(&self, row: &[Cell], shape: &Shape) -> Result<Option<String>, Unreadable> {
        let (hash, salt) = (self.one(row, Role::PasswordHash)?, self.salt(row, shape)?);
        Ok(hash.map(|hash| match &shape.salted {
            Some(salted) => salted.join(salt, hash),
            None => hash.to_owned(),
        }))
    }

    /// Where nothing is done with one, a column of that name is the app's own affair.
    fn salt<'r>(&self, row: &'r [Cell], shape: &Shape) -> Result<Option<&'r str>, Unreadable> {
        shape.salted.as_ref().map_or(Ok(None), |_| self.one(row, Role::Salt))
    }

    fn all<'r>(&self, row: &'r [Cell], role: Role) -> Result<Vec<Option<&'r str>>, Unreadable> {
        let cells = self.0.iter().zip(row).filter(|(found, _)| **found == Some(role));
        cells.map(|(_, cell)| sound(cell)).collect()
    }

    fn one<'r>(&self, row: &'r [Cell], role: Role) -> Result<Option<&'r str>, Unreadable> {
        self.all(row, role).map(|found| found.into_iter().flatten().next())
    }
}

/// Something that shows a change and nothing else.
pub(super) fn digest_of(cell: &Cell) -> [u8; 8] {
    let Cell::Text(text) = cell else { return [0; 8] };
    let mut digest = [0; 8];
    digest.iter_mut().zip(Sha256::digest(text)).for_each(|(to, from)| *to = from);
    digest
}

fn sound(cell: &Cell) -> Result<Option<&str>, Unreadable> {
    match cell {
        Cell::Null => Ok(None),
        Cell::Text(text) if text.len() <= LONGEST && !text.chars().any(char::is_control) => {
            Ok(Some(text))
        }
        Cell::Text(_) | Cell::Strange => Err(Unreadable),
    }
}

fn email(text: &str) -> Option<Email> {
    match ascii(Address::Email(Email::parse(text).ok()?))? {
        Address::Email(email) => Some(email),
        Address::Phone(_) => None,
    }
}

/// NULL is the word `null`; what is not on the list is not active.
pub(super) fn status(text: Option<&str>, active: Option<&[String]>) -> Status {
    let Some(active) = active else {
        return Status::Active;
    };
    let text = text.unwrap_or("null");
    let same = |word: &String| word == text || (word == "true" && matches!(text, "t" | "1"));
    if active.iter().any(same) { Status::Active } else { Status::Disabled }
}

/// A flag that is set, or anything else that stands where a second factor is kept.
fn is_set(text: &str) -> bool {
    !matches!(text, "" | "0" | "f" | "false")
}

/// Nothing and an empty text differ, and so do `a`, `bc` and `ab`, `c`.
fn digest(columns: &[Option<String>]) -> Revision {
    let mut hash = Sha256::new();
    for column in columns {
        match column {
            None => hash.update([0]),
            Some(text) => {
                hash.update([1]);
                hash.update(text.len().to_be_bytes());
                hash.update(text);
            }
        }
    }
    Revision(hash.finalize().to_vec())
}
