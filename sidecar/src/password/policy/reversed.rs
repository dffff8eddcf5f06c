//! Whether a password is the user name spelled backwards, whatever the case and the separators.

use contract::policy::Breach;

use super::person::Person;
use super::personal::folded;

pub(super) fn judge(wanted: bool, person: &Person, password: &str) -> Option<Breach> {
    let name = person.user_name.as_deref().filter(|_| wanted)?;
    let backwards: String = folded(name).chars().rev().collect();
    (!backwards.is_empty() && *folded(password) == backwards).then_some(Breach::Reversed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_backwards_is_found_whole_only() {
        let person = Person { user_name: Some("Ann.Lee_88".into()), ..Person::default() };
        for (password, good) in
            [("88eelnna", false), ("88-EEL-nna", false), ("x88eelnna", true), ("annlee88", true)]
        {
            assert_eq!(judge(true, &person, password).is_none(), good, "{password}");
        }
        assert!(judge(false, &person, "88eelnna").is_none());
        let nobody = Person { user_name: Some("--".into()), ..Person::default() };
        assert!(judge(true, &nobody, "--").is_none(), "no name, no rule");
    }
}
