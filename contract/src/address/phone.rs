//! Telephone numbers to E.164, from a small subset of the world's numbering rules (`RULES` is all of it).
//!
//! Read are `+CC..`, `00CC..` and, with a default country, the national form; ASCII digits only,
//! with spaces, hyphens and paired parentheses between them. A country without a rule is checked for
//! length alone, and its national form must not begin with 0: some countries drop it, others do not.

use alloc::format;
use alloc::string::String;
use core::fmt;

use super::AddressFault;

/// Digits of an E.164 number with its calling code; the shortest in use have seven.
const DIGITS: core::ops::RangeInclusive<usize> = 7..=15;
/// Characters as typed; generous for the separators.
const MAX_TEXT: usize = 32;

/// ITU-T E.164 calling codes of two digits; 1 and 7 have one digit, all others three.
const TWO_DIGITS: &[u16] = &[
    20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56,
    57, 58, 60, 61, 62, 63, 64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98,
];

/// How the numbers of one country look. What cannot receive an SMS is refused only where that is
/// cheap to tell.
struct Rule {
    country: Country,
    /// Dialled before the number at home, never part of it.
    trunk: &'static str,
    /// Digits without calling code and trunk prefix.
    length: core::ops::RangeInclusive<usize>,
    /// What the first digit may be.
    first: &'static str,
    /// What the second digit may be; empty: anything.
    second: &'static str,
}

const RULES: &[Rule] = &[
    // US, Canada and the rest of the North American plan.
    Rule { country: Country(1), trunk: "1", length: 10..=10, first: "23456789", second: "" },
    // France
    Rule { country: Country(33), trunk: "0", length: 9..=9, first: "123456789", second: "" },
    // United Kingdom
    Rule { country: Country(44), trunk: "0", length: 9..=10, first: "123456789", second: "" },
    // Germany
    Rule { country: Country(49), trunk: "0", length: 6..=11, first: "123456789", second: "" },
    // Singapore
    Rule { country: Country(65), trunk: "", length: 8..=8, first: "3689", second: "" },
    // Japan
    Rule { country: Country(81), trunk: "0", length: 9..=10, first: "123456789", second: "" },
    // China: mobiles only
    Rule { country: Country(86), trunk: "", length: 11..=11, first: "1", second: "3456789" },
    // India: mobiles only
    Rule { country: Country(91), trunk: "0", length: 10..=10, first: "6789", second: "" },
    // Hong Kong
    Rule { country: Country(852), trunk: "", length: 8..=8, first: "23456789", second: "" },
    // Taiwan
    Rule { country: Country(886), trunk: "0", length: 8..=9, first: "23456789", second: "" },
];

/// A calling code, guaranteed to have the form of one: no other calling code begins with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Country(u16);

/// A telephone number in E.164 form: `+` and 7 to 15 digits that hold to the country's rule.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Phone {
    country: Country,
    text: String,
}

impl Country {
    /// `+86` or `86`.
    pub fn parse(text: &str) -> Result<Self, AddressFault> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        match Self::split(digits) {
            Some((country, "")) => Ok(country),
            _ => Err(AddressFault::Country),
        }
    }

    /// The code as a number: 86.
    #[must_use]
    pub fn code(self) -> u16 {
        self.0
    }

    /// The calling code that `digits` begin with, and the digits after it.
    fn split(digits: &str) -> Option<(Self, &str)> {
        (1..=3).find_map(|length| {
            let (code, rest) = digits.split_at_checked(length)?;
            let country = Self::of(code)?;
            Some((country, rest))
        })
    }

    fn of(digits: &str) -> Option<Self> {
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) || digits.starts_with('0') {
            return None;
        }
        let code: u16 = digits.parse().ok()?;
        let known = match code {
            0..=9 => code == 1 || code == 7,
            10..=99 => TWO_DIGITS.contains(&code),
            _ => true,
        };
        known.then_some(Self(code))
    }

    fn rule(self) -> Option<&'static Rule> {
        RULES.iter().find(|rule| rule.country == self)
    }
}

impl Phone {
    pub fn parse(text: &str, default: Option<Country>) -> Result<Self, AddressFault> {
        let typed = digits(text)?;
        let international =
            if text.starts_with('+') { Some(typed.as_str()) } else { typed.strip_prefix("00") };
        let (country, number) = match international {
            Some(digits) => Country::split(digits).ok_or(AddressFault::Country)?,
            None => {
                let country = default.ok_or(AddressFault::Country)?;
                (country, without_trunk(country, &typed)?)
            }
        };
        Self::new(country, number)
    }

    fn new(country: Country, number: &str) -> Result<Self, AddressFault> {
        let text = format!("+{country}{number}");
        let lawful = country.rule().is_none_or(|rule| rule.allows(number));
        if lawful && DIGITS.contains(&(text.len() - 1)) {
            Ok(Self { country, text })
        } else {
            Err(AddressFault::Number)
        }
    }

    /// `+8613800138000`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    #[must_use]
    pub fn country(&self) -> Country {
        self.country
    }

    /// `+86*******00`: the calling code and the last two digits; it does not tell the length.
    #[must_use]
    pub fn masked(&self) -> String {
        let last = self
            .text
            .len()
            .checked_sub(2)
            .and_then(|start| self.text.get(start..))
            .unwrap_or_default();
        format!("+{}*******{last}", self.country)
    }
}

impl Rule {
    fn allows(&self, number: &str) -> bool {
        let mut digits = number.chars();
        let mut next_is_one_of = |allowed: &str| {
            digits.next().is_some_and(|digit| allowed.is_empty() || allowed.contains(digit))
        };
        self.length.contains(&number.len())
            && next_is_one_of(self.first)
            && next_is_one_of(self.second)
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

/// The digits of `text`, if everything else in it stands where a separator may stand.
fn digits(text: &str) -> Result<String, AddressFault> {
    if text.is_empty() {
        return Err(AddressFault::Empty);
    }
    if text.len() > MAX_TEXT {
        return Err(AddressFault::Length);
    }
    let number = text.strip_prefix('+').unwrap_or(text);
    let mut digits = String::with_capacity(number.len());
    let mut opened_at = None;
    for c in number.chars() {
        match c {
            '0'..='9' => digits.push(c),
            ' ' | '-' if !digits.is_empty() => {}
            // An area code may come first in parentheses, a calling code may not.
            '(' if opened_at.is_none() && (number.len() == text.len() || !digits.is_empty()) => {
                opened_at = Some(digits.len())
            }
            ')' if opened_at.is_some_and(|start| start < digits.len()) => opened_at = None,
            _ => return Err(AddressFault::Separator),
        }
    }
    if opened_at.is_none() && number.ends_with(|c: char| c.is_ascii_digit()) {
        Ok(digits)
    } else {
        Err(AddressFault::Separator)
    }
}

fn without_trunk(country: Country, typed: &str) -> Result<&str, AddressFault> {
    match country.rule() {
        Some(rule) => Ok(typed.strip_prefix(rule.trunk).unwrap_or(typed)),
        None if typed.starts_with('0') => Err(AddressFault::Number),
        None => Ok(typed),
    }
}
