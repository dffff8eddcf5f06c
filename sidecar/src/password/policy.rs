//! Whether a password keeps the rules. Pure; it says every rule that is broken, in a fixed order.

use contract::policy::Breach;

/// The rules. Lengths are code points: what a person counts, not what an encoding needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    pub min: u32,
    pub max: u32,
}

/// The broken rules; none when the password is good.
pub fn judge(policy: &Policy, password: &str) -> Vec<Breach> {
    let Policy { min, max } = *policy;
    let length = password.chars().count();
    let checks = [
        (length < min as usize, Breach::TooShort { min, max }),
        (length > max as usize, Breach::TooLong { min, max }),
    ];
    checks.into_iter().filter_map(|(broken, breach)| broken.then_some(breach)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: Policy = Policy { min: 8, max: 10 };
    const SHORT: Breach = Breach::TooShort { min: 8, max: 10 };
    const LONG: Breach = Breach::TooLong { min: 8, max: 10 };

    #[test]
    fn lengths_are_code_points() {
        let table: [(&str, &[Breach]); 7] = [
            ("", &[SHORT]),
            ("1234567", &[SHORT]),
            ("12345678", &[]),
            ("1234567890", &[]),
            ("12345678901", &[LONG]),
            ("密码密码密码密", &[SHORT]),
            ("密码密码密码密码", &[]),
        ];
        for (password, expected) in table {
            assert_eq!(judge(&POLICY, password), expected, "{password}");
        }
    }
}
