//! How long a password is, in code points and in bytes.

use contract::policy::Breach;

use super::Rules;

pub(super) fn judge(rules: &Rules, password: &str) -> impl Iterator<Item = Breach> {
    let Rules { min, max, max_bytes: bytes, .. } = *rules;
    let length = password.chars().count();
    let checks = [
        (length < min as usize, Breach::TooShort { min, max }),
        (length > max as usize, Breach::TooLong { min, max }),
        (password.len() > bytes as usize, Breach::TooManyBytes { min, max, bytes }),
    ];
    checks.into_iter().filter_map(|(broken, breach)| broken.then_some(breach))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::policy::Preset;

    const SHORT: Breach = Breach::TooShort { min: 8, max: 10 };
    const LONG: Breach = Breach::TooLong { min: 8, max: 10 };
    const BYTES: Breach = Breach::TooManyBytes { min: 8, max: 10, bytes: 24 };

    #[test]
    fn lengths_are_code_points_and_bytes_are_bytes() {
        let rules = Rules { min: 8, max: 10, max_bytes: 24, ..Preset::Default.rules_bare() };
        let table: [(&str, &[Breach]); 9] = [
            ("", &[SHORT]),
            ("1234567", &[SHORT]),
            ("12345678", &[]),
            ("1234567890", &[]),
            ("12345678901", &[LONG]),
            ("密码密码密码密", &[SHORT]),
            ("密码密码密码密码", &[]),
            ("密码密码密码密码密", &[BYTES]),
            ("密码密码密码密码密码密", &[LONG, BYTES]),
        ];
        for (password, expected) in table {
            assert_eq!(judge(&rules, password).collect::<Vec<_>>(), expected, "{password}");
        }
    }
}
