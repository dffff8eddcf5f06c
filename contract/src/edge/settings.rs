//! What the configuration says of one dialect, read and checked.

use alloc::{string::String, vec::Vec};

use crate::address::Country;
use crate::edge::LegacyUntil;
use crate::language::Language;
use crate::name::Name;

/// The settings of one dialect.
#[derive(Clone, Debug)]
pub struct Settings {
    pub language: Language,
    pub clients: Clients,
    /// For phone numbers written without a country.
    pub country: Option<Country>,
    /// Names of members that no source documents, where the configuration changes them.
    pub fields: Vec<(&'static str, String)>,
    /// Requests are judged and counted, and pass on to the app.
    pub observe: bool,
    /// Until when tokens that are not ours pass on to the app.
    pub legacy_until: Option<LegacyUntil>,
}

impl Settings {
    /// The member's configured name.
    pub fn field(&self, name: &'static str) -> String {
        let set = self.fields.iter().find(|(known, _)| *known == name);
        set.map_or_else(|| name.into(), |(_, configured)| configured.clone())
    }
}

/// Which clients may call.
#[derive(Clone, Debug)]
pub enum Clients {
    Any,
    Listed(Vec<Client>),
}

/// A registered client.
#[derive(Clone, Debug)]
pub struct Client {
    pub id: Name,
    /// Origins of its pages: `scheme://host[:port]`.
    pub origins: Vec<String>,
}

impl Clients {
    /// The client of this id; with `Any`, every well-formed id is one.
    pub fn find(&self, id: &str) -> Option<Client> {
        match self {
            Self::Any => Name::parse(id).map(|id| Client { id, origins: Vec::new() }),
            Self::Listed(clients) => {
                clients.iter().find(|client| client.id.as_str() == id).cloned()
            }
        }
    }

    /// Every origin of every client.
    pub fn origins(&self) -> impl Iterator<Item = &str> {
        let listed: &[Client] = match self {
            Self::Any => &[],
            Self::Listed(clients) => clients,
        };
        listed.iter().flat_map(|client| client.origins.iter().map(String::as_str))
    }
}
