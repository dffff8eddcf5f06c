//! The accounts of a shared mailbox as its letter lists them. Invariant: every account has a name that no other has, and
//! a name, whoever chose it, is one line that no mail program makes a link of.

use contract::language::Language;

use super::Listed;
use super::render::presentable;
use super::template::{self, TemplateFault, plain};

const MAX_NAME: usize = 64;

/// A text is short; a name is cut in it.
const MAX_NAME_IN_TEXT: usize = 16;

/// What a letter says of all of them. A text lists the codes; its links only where there are no codes.
pub(super) struct Listing {
    pub(super) body: String,
    pub(super) codes: Option<String>,
    pub(super) links: Option<String>,
    /// Of what ends first, in minutes.
    pub(super) link_minutes: Option<u32>,
    pub(super) code_minutes: Option<u32>,
}

impl Listing {
    pub(super) fn of(
        accounts: &[Listed],
        language: Language,
        template: &str,
    ) -> Result<Self, TemplateFault> {
        let mut body = String::new();
        let names = names(accounts, language);
        for (account, name) in accounts.iter().zip(&names) {
            if account.link.is_none() && account.code.is_none() {
                return Err(TemplateFault::Missing);
            }
            let fields = [
                ("name", template::Value::Text(name)),
                ("link", account.link.as_deref().into()),
                ("code", account.code.as_deref().into()),
            ];
            body.push_str(&template::text(template.trim_end_matches('\n'), &fields)?);
        }
        if body.is_empty() {
            return Err(TemplateFault::Missing);
        }
        let codes = text(accounts, &names, |account| account.code.as_deref());
        let links = text(accounts, &names, |account| account.link.as_deref());
        Ok(Self {
            body,
            links: links.filter(|_| codes.is_none()),
            codes,
            link_minutes: least(accounts, |one| one.link.as_ref().map(|_| one.link_minutes)),
            code_minutes: least(accounts, |one| one.code.as_ref().map(|_| one.code_minutes)),
        })
    }
}

/// `ann: 123456, bob: 654321`
fn text<'a>(
    accounts: &'a [Listed],
    names: &[String],
    proof: fn(&'a Listed) -> Option<&'a str>,
) -> Option<String> {
    let each = accounts.iter().zip(names).filter_map(|(account, name)| {
        let short: String = name.chars().take(MAX_NAME_IN_TEXT).collect();
        Some(format!("{}: {}", short.trim_end(), proof(account)?))
    });
    Some(each.collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty())
}

fn least(accounts: &[Listed], minutes: fn(&Listed) -> Option<u32>) -> Option<u32> {
    accounts.iter().filter_map(minutes).min()
}

/// Where two have one name, or one has none, their places tell them apart.
fn names(accounts: &[Listed], language: Language) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (place, account) in (1_u32..).zip(accounts) {
        let given = account.name.as_deref().and_then(listable);
        let name = given.unwrap_or_else(|| neutral(place, language));
        let short = |name: &str| name.chars().take(MAX_NAME_IN_TEXT).collect::<String>();
        let is_taken = names.iter().any(|other| short(other) == short(&name));
        names.push(if is_taken { format!("({place}) {name}") } else { name });
    }
    names
}

fn neutral(place: u32, language: Language) -> String {
    match language {
        Language::Chinese => format!("账号 {place}"),
        Language::English => format!("account {place}"),
        Language::Japanese => format!("アカウント {place}"),
        Language::Taiwanese => format!("帳號 {place}"),
    }
}

/// A name that says which account is meant is shown, whatever it is; what would make a link of it is set apart.
fn listable(name: &str) -> Option<String> {
    let name: String = plain(name).trim().chars().take(MAX_NAME).collect();
    if name.is_empty() {
        return None;
    }
    presentable(&name).or_else(|| {
        let apart: String = name
            .chars()
            .flat_map(|c| if "/\\@:.".contains(c) { vec![' ', c, ' '] } else { vec![c] })
            .collect();
        Some(apart.split_whitespace().collect::<Vec<_>>().join(" "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: Option<&str>) -> Listed {
        let (link, code) = (Some("https://x.example/#t".to_owned()), Some("123456".to_owned()));
        let name = name.map(str::to_owned);
        Listed { name, link, code, link_minutes: 30, code_minutes: 10 }
    }

    #[test]
    fn every_account_has_a_name_of_its_own() {
        let long = "a name that is longer than a text has room for";
        let table: &[(&[Option<&str>], &[&str])] = &[
            (&[Some("ann"), Some("bob")], &["ann", "bob"]),
            (&[None, Some("\u{202e}"), Some("ann")], &["account 1", "account 2", "ann"]),
            (&[Some("ann"), Some("ann")], &["ann", "(2) ann"]),
            (
                &[Some(long), Some(long)],
                &[long, "(2) a name that is longer than a text has room for"],
            ),
            (&[Some("account 2"), None], &["account 2", "(2) account 2"]),
        ];
        for (given, expected) in table {
            let accounts: Vec<Listed> = given.iter().map(|name| named(*name)).collect();
            assert_eq!(names(&accounts, Language::English), *expected);
        }
    }

    #[test]
    fn a_name_is_one_line_and_no_link() {
        let table = [
            ("J. Smith", "J. Smith"),
            ("ann.smith", "ann . smith"),
            ("ann@evil.example", "ann @ evil . example"),
            ("https://evil.example/x", "https : / / evil . example / x"),
            ("a\r\n\r\nb\u{202e}c", "abc"),
        ];
        for (name, expected) in table {
            assert_eq!(listable(name).as_deref(), Some(expected), "{name}");
        }
        let endless = listable(&"x".repeat(2000)).unwrap();
        assert_eq!(endless.len(), MAX_NAME);
    }

    #[test]
    fn a_text_lists_codes_and_links_only_without_them() {
        let template = "{{name}} {{#link}}{{link}}{{/link}}";
        let of = |accounts: &[Listed]| Listing::of(accounts, Language::English, template).unwrap();
        let listing = of(&[named(Some("ann")), Listed { code_minutes: 4, ..named(Some("bob")) }]);
        assert_eq!(listing.codes.as_deref(), Some("ann: 123456, bob: 123456"));
        assert_eq!((listing.links, listing.code_minutes), (None, Some(4)));
        let alone = of(&[Listed { code: None, ..named(Some("ann")) }]);
        assert_eq!(alone.links.as_deref(), Some("ann: https://x.example/#t"));
        assert_eq!((alone.codes, alone.code_minutes, alone.link_minutes), (None, None, Some(30)));
        let nothing = Listed { link: None, code: None, ..named(None) };
        assert!(Listing::of(&[nothing], Language::English, template).is_err());
        assert!(Listing::of(&[], Language::English, template).is_err());
    }
}
