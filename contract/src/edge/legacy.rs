//! Tokens of the app's own, from before the cut-over: they pass on to it until a date. Invariant: what passes presents a
//! token in which nobody can see one of ours.

use alloc::string::String;

use crate::lookalike::bare;
use crate::message::{Call, Proof};

/// Hexadecimal digits of a token of ours.
const DIGITS: usize = 64;

const DAY: u64 = 86_400;

/// The outcome of a request that was left to the app for its token.
pub(super) const LEGACY: &str = "legacy";

/// The first second at which the app's own tokens are refused like any other that is not ours.
///
/// What it leaves open until then: the app's old confirm can be reached by whoever presents a token that is not of our
/// shape, so guesses at it are the app's to bound, as before; so are its own links. New ones it cannot have made, for
/// asks come to us. A token of the app's that has our shape (some frameworks' have) cannot be told from ours: it goes to
/// the sidecar, which refuses it, and its owner asks again. Codes have no shape that tells whose they are; they are ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LegacyUntil(u64);

impl LegacyUntil {
    /// A day as `2027-03-01`: the midnight with which it begins, UTC.
    pub fn parse(text: &str) -> Option<Self> {
        let [y, e, a, r, b'-', m, o, b'-', d, i] = *text.as_bytes() else {
            return None;
        };
        let (year, month, day) = (number(&[y, e, a, r])?, number(&[m, o])?, number(&[d, i])?);
        let is_day = year >= 1970 && day >= 1 && day <= days_of(year, month);
        is_day.then(|| Self(u64::from(days_before(year, month, day)) * DAY))
    }

    /// Unix seconds.
    pub fn is_over(self, now: u64) -> bool {
        now >= self.0
    }
}

/// Whether a call presents a token of somebody else.
pub(super) fn is_foreign(call: &Call) -> bool {
    match call {
        Call::Confirm {
            proof: Proof::Token { token } | Proof::TokenAndCode { token, .. }, ..
        } => !resembles_ours(token.expose()),
        _ => false,
    }
}

/// Whether a lenient reader could find a token of ours in it: 64 hexadecimal digits in any case, with whatever is neither
/// seen nor counted between them, and with anything around.
pub(super) fn resembles_ours(text: &str) -> bool {
    let bare: String = bare(text);
    bare.split(|c: char| !c.is_ascii_hexdigit()).any(|run| run.len() == DIGITS)
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, digit| Some(number * 10 + char::from(*digit).to_digit(10)?))
}

fn days_of(year: u32, month: u32) -> u32 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

/// Days between the beginning of 1970 and this one.
fn days_before(year: u32, month: u32, day: u32) -> u32 {
    // A year begins in March here, so that the leap day is its last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leaps = year / 4 - year / 100 + year / 400;
    year * 365 + leaps + (month * 153 + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight() {
        let table = [
            ("1970-01-01", Some(0)),
            ("1970-01-02", Some(86_400)),
            ("2000-03-01", Some(951_868_800)),
            ("2024-02-29", Some(1_709_164_800)),
            ("2027-03-01", Some(1_803_859_200)),
            ("2027-02-29", None),
            ("2100-02-29", None),
            ("2027-13-01", None),
            ("2027-00-01", None),
            ("2027-04-31", None),
            ("2027-04-00", None),
            ("2027-3-01", None),
            ("2027-03-1", None),
            ("+027-03-01", None),
            ("2027-03-01T00:00:00Z", None),
            ("20270301", None),
            ("1969-12-31", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(LegacyUntil::parse(text), expected.map(LegacyUntil), "{text}");
        }
        let until = LegacyUntil(10);
        assert!(!until.is_over(9) && until.is_over(10));
    }

    #[test]
    fn what_resembles_ours_is_not_foreign() {
        let ours = "00ff".repeat(16);
        let near = [
            ours.clone(),
            ours.to_uppercase(),
            alloc::format!(" {ours}\u{200b}"),
            alloc::format!("{}-{}", &ours[..8], &ours[8..]),
            alloc::format!("https://example.org/#token={ours}&x=1"),
        ];
        for text in near {
            assert!(resembles_ours(&text), "{text}");
        }
        for text in ["", "abc", &ours[1..], &"0".repeat(65), &"a".repeat(128), &"g".repeat(64)] {
            assert!(!resembles_ours(text), "{text}");
        }
    }
}
