//! Which classes of characters a password is made up of. A letter without case (Han, kana) is a letter; what is neither
//! letter nor digit is special.

use contract::policy::{Breach, Classes};

pub(super) fn judge(wanted: Classes, password: &str) -> Option<Breach> {
    let has = |is: fn(char) -> bool| password.chars().any(is);
    let broken = (wanted.digit && !has(char::is_numeric))
        || (wanted.letter && !has(char::is_alphabetic))
        || (wanted.mixed_case && !(has(char::is_lowercase) && has(char::is_uppercase)))
        || (wanted.special && !has(|c| !c.is_alphanumeric()));
    broken.then_some(Breach::Composition(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_demanded_class_must_occur() {
        let digit = Classes { digit: true, ..Classes::NONE };
        let letter = Classes { letter: true, ..Classes::NONE };
        let mixed = Classes { mixed_case: true, ..Classes::NONE };
        let special = Classes { special: true, ..Classes::NONE };
        let all = Classes { digit: true, letter: true, mixed_case: true, special: true };
        let table = [
            (Classes::NONE, "", true),
            (digit, "abc", false),
            (digit, "abc٣", true),
            (letter, "123-", false),
            (letter, "123密", true),
            (mixed, "abc1", false),
            (mixed, "aBc1", true),
            (mixed, "密码ab", false),
            (special, "aB3", false),
            (special, "a b", true),
            (all, "aB3!", true),
            (all, "aB3x", false),
        ];
        for (classes, password, good) in table {
            assert_eq!(judge(classes, password).is_none(), good, "{password} {classes:?}");
        }
        assert_eq!(judge(all, "x"), Some(Breach::Composition(all)));
    }
}
