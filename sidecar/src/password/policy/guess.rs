//! How soon a guesser who knows people finds a password, as `zxcvbn` estimates it.
//! Invariant: the estimator sees a bounded beginning of the password, so that its time is bounded; what follows can only
//! make a password better.

use contract::policy::{Breach, Weakness};
use zeroize::Zeroizing;
use zxcvbn::feedback::Warning;
use zxcvbn::zxcvbn;

use super::Rules;
use super::person::Person;
use super::personal::terms;

/// Characters that are estimated. Longer ones take the estimator far more time, and no other verdict.
const MOST: usize = 48;

pub(super) fn judge(rules: &Rules, person: &Person, password: &str) -> Option<Breach> {
    if rules.score == 0 {
        return None;
    }
    let begin = Zeroizing::new(password.chars().take(MOST).collect::<String>());
    let terms = terms(person);
    let known: Vec<&str> = terms.iter().chain(&rules.words).map(String::as_str).collect();
    let estimate = zxcvbn(&begin, &known);
    if u8::from(estimate.score()) >= rules.score {
        return None;
    }
    let warning = estimate.feedback().and_then(zxcvbn::feedback::Feedback::warning);
    Some(Breach::Guessable(warning.map(weakness)))
}

fn weakness(warning: Warning) -> Weakness {
    match warning {
        Warning::StraightRowsOfKeysAreEasyToGuess => Weakness::KeyRow,
        Warning::ShortKeyboardPatternsAreEasyToGuess => Weakness::KeyPattern,
        Warning::RepeatsLikeAaaAreEasyToGuess => Weakness::RepeatedCharacter,
        Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => Weakness::RepeatedPart,
        Warning::ThisIsATop10Password => Weakness::TopTen,
        Warning::ThisIsATop100Password => Weakness::TopHundred,
        Warning::ThisIsACommonPassword => Weakness::VeryCommon,
        Warning::ThisIsSimilarToACommonlyUsedPassword => Weakness::AlmostCommon,
        Warning::SequencesLikeAbcAreEasyToGuess => Weakness::Sequence,
        Warning::RecentYearsAreEasyToGuess => Weakness::Year,
        Warning::AWordByItselfIsEasyToGuess => Weakness::Word,
        Warning::DatesAreOftenEasyToGuess => Weakness::Date,
        Warning::NamesAndSurnamesByThemselvesAreEasyToGuess => Weakness::Name,
        Warning::CommonNamesAndSurnamesAreEasyToGuess => Weakness::CommonName,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::policy::Preset;

    fn verdict(score: u8, person: &Person, password: &str) -> Option<Breach> {
        let words = vec!["Acme Widgets".to_owned()];
        let rules = Rules { score, words, ..Preset::Default.rules_bare() };
        judge(&rules, person, password)
    }

    #[test]
    fn weak_ones_are_told_why() {
        let guessable = |weakness| Some(Breach::Guessable(Some(weakness)));
        let table = [
            ("123456", guessable(Weakness::TopTen)),
            ("qwertyui", guessable(Weakness::VeryCommon)),
            ("aaaaaaaaaa", guessable(Weakness::RepeatedCharacter)),
            ("abcabcabc", guessable(Weakness::RepeatedPart)),
            ("abcdefghi", guessable(Weakness::Sequence)),
            ("12/03/1998", guessable(Weakness::Date)),
            ("P@ssw0rd1", guessable(Weakness::AlmostCommon)),
            ("correct horse battery staple", None),
            ("vT9#kq2!xLmz", None),
        ];
        for (password, expected) in table {
            assert_eq!(verdict(3, &Person::default(), password), expected, "{password}");
        }
        assert_eq!(verdict(0, &Person::default(), "123456"), None, "off");
    }

    #[test]
    fn the_persons_own_words_count_as_known() {
        let ann = Person { user_name: Some("xqzvtkwp".into()), ..Person::default() };
        assert_eq!(verdict(3, &Person::default(), "xqzvtkwp1"), None);
        assert!(verdict(3, &ann, "xqzvtkwp1").is_some());
        assert!(verdict(3, &Person::default(), "acme widgets").is_some());
    }

    /// Texts that keep the estimator busy: it must not notice what lies behind its bound.
    #[test]
    fn long_ones_cost_no_more_than_bounded_ones() {
        let behind = format!("{}vT9#kq2!xLmz", "a".repeat(MOST));
        assert!(verdict(3, &Person::default(), &behind).is_some());
        for unit in ["password", "aB3$", "1998", "qwerty", "a", "@4sS0o"] {
            let long: String = unit.chars().cycle().take(100_000).collect();
            let short: String = unit.chars().cycle().take(MOST).collect();
            assert_eq!(
                verdict(4, &Person::default(), &long),
                verdict(4, &Person::default(), &short)
            );
        }
    }
}
