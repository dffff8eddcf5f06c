//! How telephone numbers stand in a column, and how they are looked for. Invariant: what is read is a number only where the
//! world's numbering rules say so.

use contract::address::{Country, Phone};

/// The countries that are also known by their letters.
const LETTERS: &[(&str, &str)] = &[
    ("CN", "86"),
    ("DE", "49"),
    ("FR", "33"),
    ("GB", "44"),
    ("HK", "852"),
    ("IN", "91"),
    ("JP", "81"),
    ("SG", "65"),
    ("TW", "886"),
    ("US", "1"),
];

/// The form of a column of telephone numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhoneForm {
    /// `+8613800138000`
    E164,
    /// `8613800138000`
    Digits,
    /// `13800138000`, all of one country.
    National(Country),
}

impl PhoneForm {
    /// `e164`, `digits`, `national:CN` or `national:86`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "e164" => Some(Self::E164),
            "digits" => Some(Self::Digits),
            _ => {
                let country = text.strip_prefix("national:")?;
                let known = LETTERS.iter().find(|(letters, _)| *letters == country);
                Country::parse(known.map_or(country, |(_, code)| code)).ok().map(Self::National)
            }
        }
    }

    /// The number that a column holds.
    pub(super) fn read(self, text: &str) -> Option<Phone> {
        match self {
            Self::E164 => Phone::parse(text, None).ok(),
            Self::Digits => {
                let plain = text.bytes().all(|byte| byte.is_ascii_digit());
                plain.then(|| Phone::parse(&format!("+{text}"), None).ok())?
            }
            Self::National(country) => Phone::parse(text, Some(country)).ok(),
        }
    }

    /// The ways in which a column may hold the number; none where it cannot.
    pub(super) fn candidates(self, phone: &Phone) -> Vec<String> {
        let digits = phone.as_str().trim_start_matches('+');
        match self {
            Self::E164 => vec![phone.as_str().to_owned()],
            Self::Digits => vec![digits.to_owned()],
            Self::National(country) if country == phone.country() => {
                let number = digits.strip_prefix(&country.to_string()).unwrap_or(digits);
                // As dialled at home, in most countries.
                let trunk = if country.code() == 1 { "1" } else { "0" };
                vec![number.to_owned(), format!("{trunk}{number}")]
            }
            Self::National(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_and_looked_for_in_one_form() {
        let table: &[(&str, &str, &str, &[&str])] = &[
            ("e164", "+8613800138000", "+8613800138000", &["+8613800138000"]),
            ("digits", "8613800138000", "+8613800138000", &["8613800138000"]),
            ("national:CN", "13800138000", "+8613800138000", &["13800138000", "013800138000"]),
            ("national:86", "138-0013-8000", "+8613800138000", &["13800138000", "013800138000"]),
            ("national:JP", "090-1234-5678", "+819012345678", &["9012345678", "09012345678"]),
            ("national:US", "(212) 555-0100", "+12125550100", &["2125550100", "12125550100"]),
        ];
        for (form, stored, number, candidates) in table {
            let form = PhoneForm::parse(form).unwrap();
            let phone = form.read(stored).unwrap();
            assert_eq!(phone.as_str(), *number);
            assert_eq!(form.candidates(&phone), *candidates);
            for candidate in *candidates {
                let back = form.read(candidate);
                assert!(back.is_none() || back.as_ref() == Some(&phone), "{candidate}");
            }
        }
    }

    #[test]
    fn what_is_no_number_in_the_form_is_none() {
        for (form, stored) in [
            ("e164", "13800138000"),
            ("e164", ""),
            ("digits", "+8613800138000"),
            ("digits", "86 13800138000"),
            ("national:CN", "12800138000"),
            ("national:CN", "x"),
        ] {
            assert!(PhoneForm::parse(form).unwrap().read(stored).is_none(), "{form} {stored}");
        }
        for form in ["", "E164", "national", "national:", "national:XX", "national:0"] {
            assert!(PhoneForm::parse(form).is_none(), "{form}");
        }
        let abroad = Phone::parse("+12125550100", None).unwrap();
        assert!(PhoneForm::parse("national:CN").unwrap().candidates(&abroad).is_empty());
    }
}
