//! Every act of the demo, dialect by dialect, with the answers as the dialects document them.

mod anqicms;
mod authing;
mod bamboocloud;
mod native;
mod vastly;

use super::act::Act;
use crate::installation::Person;

/// All acts in the order of the play.
#[must_use]
pub fn acts() -> Vec<Act> {
    [anqicms::ACTS, authing::ACTS, bamboocloud::ACTS, native::ACTS, vastly::ACTS].concat()
}

/// The account of an act: its own, so that acts can be played in any order.
#[must_use]
pub fn person_of(act: &Act) -> Person {
    let at = acts().iter().position(|other| other.key == act.key).unwrap_or_default();
    Person {
        id: act.key.to_owned(),
        email: format!("{}@demo.example", act.key),
        phone: format!("+86199000001{at:02}"),
        user_name: format!("user-{}", act.key),
        password: format!("old password of {}", act.key),
    }
}

/// Somebody without an account, else alike.
#[must_use]
pub fn stranger_to(act: &Act) -> Person {
    let person = person_of(act);
    Person {
        id: String::new(),
        email: format!("nobody.{}", person.email),
        phone: person.phone.replacen("+86199000001", "+86199000009", 1),
        user_name: String::new(),
        password: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_account_is_another() {
        let acts = acts();
        let people: Vec<Person> = acts.iter().map(person_of).collect();
        let strangers: Vec<Person> = acts.iter().map(stranger_to).collect();
        let mut seen: Vec<&str> = people
            .iter()
            .chain(&strangers)
            .flat_map(|person| [person.email.as_str(), person.phone.as_str()])
            .collect();
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count);
    }
}
