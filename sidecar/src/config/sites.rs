//! The sites of an installation: the one of the top-level keys, and those of `[sites.NAME]`. Invariant: a message, a link
//! and a mail are of one site of this list, or they are not at all; a site has links, sender and rules of its own.

use std::sync::Arc;

use contract::dialect::Dialect;
use contract::name::Name;
use lettre::message::Mailbox;

use super::declared::{Key, key};
use super::forms;
use super::profile::Overrides;
use super::reader::Reader;
use super::rules::RulesConfig;
use super::{BaseUrl, DialectProfile};

/// What differs between the sites. Accounts do not: every site has those of the one directory, and an account has one
/// password at all of them; so an address is counted at all of them together. Asks, challenges and mails say their site.
#[derive(Clone, Debug)]
pub struct Site {
    pub name: Name,
    /// What every link begins with, without a trailing slash.
    pub base_url: BaseUrl,
    pub sender: Arc<Sender>,
    pub(super) overrides: Overrides,
}

/// Whom mails come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    pub from: Mailbox,
    pub reply_to: Option<Mailbox>,
}

/// All sites.
#[derive(Clone, Debug)]
pub struct Sites {
    /// That of the top-level keys.
    pub top: Site,
    pub(super) others: Vec<Site>,
}

pub(super) const KEYS: &[Key] = &[
    key(
        "sites.<site>.base_url",
        "",
        "URL",
        "What every link of this site begins with; required. `<site>` is a name that the gateway's `sites` gives to a host.",
    ),
    key(
        "sites.<site>.from",
        "",
        "mailbox",
        "The sender of this site's mails. Unset: `mail.from` and `mail.reply_to`.",
    ),
    key("sites.<site>.reply_to", "", "mailbox", "Where answers to this site's mails go."),
    key(
        "sites.<site>.profile.<dialect>.grant_life",
        "",
        "10s to 1d",
        "Here and below: as without `sites.<site>`, which holds where this is unset.",
    ),
    key("sites.<site>.profile.<dialect>.login", "", "always, link or never", "The same."),
    key("sites.<site>.profile.<dialect>.password.<rule>", "", "as for `password`", "The same."),
    key("sites.<site>.profile.<dialect>.<channel>.link_life", "", "10s to 1d", "The same."),
    key("sites.<site>.profile.<dialect>.<channel>.code_life", "", "10s to 1d", "The same."),
    key("sites.<site>.profile.<dialect>.<channel>.code_digits", "", "4 to 10", "The same."),
    key("sites.<site>.profile.<dialect>.<channel>.code_tries", "", "1 to 5", "The same."),
];

impl Site {
    /// What a dialect says of itself, with the configuration's overrides.
    pub fn profile(&self, dialect: &dyn Dialect) -> DialectProfile {
        self.overrides.apply(dialect)
    }
}

impl Sites {
    pub fn find(&self, name: &Name) -> Option<&Site> {
        self.iter().find(|site| site.name == *name)
    }

    /// The top-level one first.
    pub fn iter(&self) -> impl Iterator<Item = &Site> {
        std::iter::once(&self.top).chain(&self.others)
    }

    pub(super) fn read(
        reader: &mut Reader<'_>,
        rules: &RulesConfig,
        sender: Option<Sender>,
    ) -> Option<Self> {
        let name = reader.read("site", forms::name);
        let base_url = reader.read("base_url", forms::url);
        let overrides = Overrides::read(reader, rules, "", None);
        let others: Vec<Option<Site>> = reader
            .names("sites")
            .iter()
            .map(|name| other(reader, rules, name, sender.as_ref(), &overrides))
            .collect();
        let top = Site { name: name?, base_url: base_url?, sender: Arc::new(sender?), overrides };
        let others: Vec<Site> = others.into_iter().flatten().collect();
        if others.iter().any(|site| site.name == top.name) {
            let path = format!("sites.{}.base_url", top.name.as_str());
            reader.refuse(
                &path,
                "this is the name of the top-level site",
                "give it another name, or use the keys `site`, `base_url` and `mail.from`",
            );
        }
        Some(Self { top, others })
    }
}

fn other(
    reader: &mut Reader<'_>,
    rules: &RulesConfig,
    name: &str,
    sender: Option<&Sender>,
    above: &Overrides,
) -> Option<Site> {
    let place = format!("sites.{name}");
    let path = |key: &str| format!("{place}.{key}");
    if !reader.has(&path("base_url")) {
        reader.refuse(
            &path("base_url"),
            "it is missing",
            "write what the links of this site begin with, like base_url = \"https://id.example.org\"",
        );
    }
    let base_url = reader.read(&path("base_url"), forms::url);
    let from = reader.read(&path("from"), forms::mailbox);
    let reply_to = reader.read(&path("reply_to"), forms::mailbox);
    let sender = match from {
        Some(from) => Some(Sender { from, reply_to }),
        None => sender.map(|sender| Sender {
            from: sender.from.clone(),
            reply_to: reply_to.or_else(|| sender.reply_to.clone()),
        }),
    };
    let overrides = Overrides::read(reader, rules, &format!("{place}."), Some(above));
    let parsed = Name::parse(name);
    if parsed.is_none() {
        reader.refuse(
            &place,
            "this is no name of a site",
            "use 1 to 64 characters of A-Z a-z 0-9 _ -",
        );
    }
    Some(Site { name: parsed?, base_url: base_url?, sender: Arc::new(sender?), overrides })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use contract::dialect;

    use super::*;
    use crate::config::Config;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new("/")).map_err(|faults| faults.to_string())
    }

    fn site<'c>(config: &'c Config, name: &str) -> &'c Site {
        config.sites.find(&Name::parse(name).unwrap()).unwrap()
    }

    const THREE: &str = r#"
        base_url = "https://id.example.com"
        [mail]
        from = "Acme <a@example.com>"
        reply_to = "help@example.com"
        [profile.native]
        grant_life = "2m"
        password.min = 10
        [sites.shop]
        base_url = "https://shop.example"
        from = "Shop <s@shop.example>"
        [sites.shop.profile.native]
        email.link_life = "5m"
        password.max = 40
        [sites.plain]
        base_url = "https://plain.example/"
        reply_to = "plain@example.com"
        "#;

    /// Where links lead, who writes, who gets answers.
    fn letters(site: &Site) -> [String; 3] {
        let Sender { from, reply_to } = &*site.sender;
        let reply_to = reply_to.as_ref().map_or_else(String::new, |to| to.email.to_string());
        [site.base_url.as_str().to_owned(), from.email.to_string(), reply_to]
    }

    /// Lives of a grant and of a link, the shortest and the longest password of one dialect.
    fn numbers(site: &Site) -> [u32; 4] {
        let profile = site.profile(dialect::by_name("native").unwrap());
        let rules = &profile.policy.rules;
        let link = profile.channels.iter().find_map(|rules| rules.link).unwrap();
        [profile.grant_life.unwrap(), link.life, rules.min, rules.max]
    }

    #[test]
    fn a_site_has_what_is_written_for_it_and_the_rest_from_above() {
        let config = parse(THREE).unwrap();
        let [top, shop, plain] = ["default", "shop", "plain"].map(|name| site(&config, name));
        let [grant, link, min, max] = numbers(top);
        assert_eq!((grant, min), (120, 10));
        assert_eq!(numbers(plain), [grant, link, min, max]);
        assert_eq!(numbers(shop), [grant, 300, min, 40]);
        assert_eq!(letters(top), ["https://id.example.com", "a@example.com", "help@example.com"]);
        assert_eq!(letters(shop), ["https://shop.example", "s@shop.example", ""]);
        assert_eq!(letters(plain), ["https://plain.example", "a@example.com", "plain@example.com"]);
        assert!(config.sites.find(&Name::parse("other").unwrap()).is_none());
        assert_eq!(config.sites.iter().count(), 3);
    }

    #[test]
    fn faults_of_sites_have_their_place_and_their_remedy() {
        let good = "[sites.a]\nbase_url = \"https://a.example\"\n";
        let table = [
            ("[sites.a]\n".to_owned(), "sites.a.base_url: it is missing"),
            ("[sites.a]\nfrom = \"x@y.example\"\n".to_owned(), "sites.a.base_url: it is missing"),
            ("[sites.a]\nbase_url = \"http://a.example\"\n".to_owned(), "plain http"),
            ("[sites.default]\nbase_url = \"https://a.example\"\n".to_owned(), "top-level site"),
            ("[sites.\"a b\"]\nbase_url = \"https://a.example\"\n".to_owned(), "no name of a site"),
            (format!("{good}colour = 1\n"), "there is no such key"),
            (format!("{good}profile.nobody.login = \"never\"\n"), "no dialect of this name"),
            (format!("{good}profile.native.fax.link_life = \"5m\"\n"), "no such channel"),
            (
                format!("{good}profile.native.password.min = 99\n"),
                "sites.a.profile.native.password.min",
            ),
            (
                format!("{good}profile.native.email.code_digits = 4\n"),
                "sites.a.profile.native.email.code_digits",
            ),
            (
                format!(
                    "{good}profile.native.password.min = 40\nprofile.native.password.max = 33\n"
                ),
                "sites.a.profile.native.password.min",
            ),
        ];
        assert!(parse(good).is_ok());
        for (text, expected) in table {
            let told = parse(&text).unwrap_err();
            assert!(told.contains(expected), "{text}: {told}");
        }
    }
}
