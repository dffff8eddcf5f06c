//! Whether a password is made of what everybody knows: the account's user name, numbers, mail names and name, and the
//! service's own words. Case and separators are ignored on both sides; terms too short to say anything are left out.

use contract::policy::Breach;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::Rules;
use super::person::Person;
use super::readings;

/// A shorter term is in too many good passwords.
const SHORTEST: usize = 3;
const SHORTEST_NUMBER: usize = 4;
/// Two characters that stand for words are a whole name.
const SHORTEST_WORD: usize = 2;
/// A part of a name, which must be longer: `ann` is in `channel`.
const SHORTEST_PART: usize = 4;

/// How terms are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Not at all; the service's words are looked for inside.
    Off,
    /// The password is one of them, and nothing else.
    Whole,
    /// One of them is somewhere in the password.
    Inside,
}

impl Manner {
    pub const ALL: [Self; 3] = [Self::Off, Self::Whole, Self::Inside];

    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Whole => "whole",
            Self::Inside => "inside",
        }
    }
}

/// Lower case, letters and digits only, and what an input method writes wide in its plain form: `O'Neil-9`, `oneil9` and
/// `ｏｎｅｉｌ９` are the same.
pub fn folded(text: &str) -> Zeroizing<String> {
    let letters = text.nfkc().flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric());
    Zeroizing::new(letters.collect())
}

pub(super) fn judge(
    rules: &Rules,
    person: &Person,
    password: &str,
) -> impl Iterator<Item = Breach> {
    let password = folded(password);
    let is_personal = match rules.personal {
        Manner::Off => false,
        manner => is_of(person, manner, &password),
    };
    let found = |word: &String| match rules.personal {
        Manner::Whole => *password == *folded(word),
        _ => has(Manner::Inside, &password, &folded(word)),
    };
    let has_word = rules.words.iter().any(found);
    let broken = [(is_personal, Breach::Personal), (has_word, Breach::ServiceWord)];
    broken.into_iter().filter_map(|(broken, breach)| broken.then_some(breach))
}

/// What an estimator is told of the person.
pub(super) fn terms(person: &Person) -> Vec<String> {
    let mut terms: Vec<String> = plain_terms(person);
    if let Some(name) = &person.display_name {
        terms.extend(readings::first(name));
    }
    terms.retain(|term| is_telling(term));
    terms
}

fn is_of(person: &Person, manner: Manner, password: &str) -> bool {
    plain_terms(person).iter().any(|term| has(manner, password, term))
        || person
            .display_name
            .as_deref()
            .is_some_and(|name| readings::is_in(name, manner, password))
}

fn has(manner: Manner, password: &str, term: &str) -> bool {
    match manner {
        Manner::Off => false,
        Manner::Whole => is_telling(term) && password == term,
        Manner::Inside => is_telling(term) && password.contains(term),
    }
}

/// Han, kana and hangul.
fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7AF}' | '\u{20000}'..='\u{3FFFF}')
}

/// Whether a folded term is long enough to be looked for.
pub fn is_telling(term: &str) -> bool {
    let is_number = term.chars().all(char::is_numeric);
    let shortest = match term.chars().all(is_ideograph) {
        true => SHORTEST_WORD,
        false if is_number => SHORTEST_NUMBER,
        false => SHORTEST,
    };
    term.chars().count() >= shortest
}

/// All terms but the name's pinyin, folded.
fn plain_terms(person: &Person) -> Vec<String> {
    let mut terms: Vec<String> =
        person.user_name.iter().map(|name| folded(name).to_string()).collect();
    for mail in &person.mail_names {
        terms.push(folded(mail).to_string());
        // What follows a plus sign is a label.
        terms.extend(mail.split_once('+').map(|(name, _)| folded(name).to_string()));
    }
    for phone in &person.phones {
        terms.extend([phone.digits.clone(), phone.national.clone()]);
    }
    if let Some(name) = &person.display_name {
        terms.extend(names(name));
    }
    terms
}

/// A name as one word, its parts in the order of other countries, and its longer parts.
fn names(name: &str) -> Vec<String> {
    let parts: Vec<String> = name.split_whitespace().map(|part| folded(part).to_string()).collect();
    let backwards: String = parts.iter().rev().map(String::as_str).collect();
    let mut names = vec![parts.concat(), backwards];
    names.extend(parts.into_iter().filter(|part| part.chars().count() >= SHORTEST_PART));
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::policy::Preset;
    use crate::password::policy::person::Number;

    fn ann() -> Person {
        Person {
            user_name: Some("ann_lee".into()),
            display_name: Some("Ann Marie O'Neil".into()),
            mail_names: vec!["a.mueller+shop".into(), "xy".into()],
            phones: vec![Number { digits: "8613800138000".into(), national: "13800138000".into() }],
        }
    }

    fn broken(manner: Manner, password: &str) -> Vec<Breach> {
        let words = vec!["Acme".to_owned()];
        let rules = Rules { personal: manner, words, ..Preset::Default.rules_bare() };
        judge(&rules, &ann(), password).collect()
    }

    #[test]
    fn what_is_known_is_found_inside() {
        let table = [
            ("xxANN-LEExx", true),
            ("1annlee", true),
            ("amueller1999", true),
            ("a.mueller+shop", true),
            ("aMuellerShop", true),
            ("tel 138-0013-8000", true),
            ("+86 138 0013 8000!", true),
            ("oneil annmarie", true),
            ("oneilmarieann7", true),
            ("AnnMarieONeil7", true),
            ("xxoneilxx", true),
            ("marie curie", true),
            ("xy-then-some", false),
            ("a channel of love", false),
            ("an nlee", true),
            ("correct horse", false),
        ];
        for (password, found) in table {
            let expected: &[Breach] = if found { &[Breach::Personal] } else { &[] };
            assert_eq!(broken(Manner::Inside, password), expected, "{password}");
        }
    }

    #[test]
    fn whole_finds_nothing_inside() {
        for (password, found) in [
            ("Ann-Lee", true),
            ("1annlee", false),
            ("13800138000", true),
            ("ACME!", true),
            ("acme1", false),
        ] {
            assert_eq!(!broken(Manner::Whole, password).is_empty(), found, "{password}");
        }
    }

    #[test]
    fn words_of_the_service_are_found_even_without_the_person() {
        assert_eq!(broken(Manner::Off, "my a-c-m-e pass, ann_lee"), [Breach::ServiceWord]);
        assert_eq!(broken(Manner::Inside, "acme ann_lee"), [Breach::Personal, Breach::ServiceWord]);
    }

    #[test]
    fn two_han_characters_are_a_name_and_wide_letters_are_letters() {
        let person = Person {
            user_name: Some("李娜".into()),
            display_name: Some("张伟".into()),
            ..Person::default()
        };
        let rules = Preset::Default.rules_bare();
        let rules = Rules { personal: Manner::Inside, words: vec!["华为".into()], ..rules };
        let broken = |password: &str| judge(&rules, &person, password).collect::<Vec<_>>();
        for password in ["张伟kq7rrmm", "kq7李娜rrmm", "ｚｈａｎｇｗｅｉｋｑ７"] {
            assert_eq!(broken(password), [Breach::Personal], "{password}");
        }
        assert_eq!(broken("华为kq7rrmm"), [Breach::ServiceWord]);
        assert_eq!(broken("张kq7rr伟mm"), []);
        assert!(!is_telling("ab") && !is_telling("123") && is_telling("张伟"));
    }
}
