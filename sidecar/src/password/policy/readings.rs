//! A Han name in pinyin, in every reading of its characters, surname first and given name first.
//! Invariant: the work grows with the lengths of name and password, not with the number of combined readings.

use pinyin::ToPinyinMulti;

use super::personal::{Manner, folded};

/// No name has more; the rest of a longer one is left out.
const LONGEST: usize = 8;
/// Letters below which a reading is in too many good passwords.
const SHORTEST: usize = 3;

/// The readings of one character, without tones.
type Readings = Vec<String>;

/// Whether a folded password holds the name, in the manner wanted.
pub(super) fn is_in(name: &str, manner: Manner, password: &str) -> bool {
    let characters = readings(name);
    orders(&characters).iter().any(|order| {
        let starts = match manner {
            Manner::Off => return false,
            Manner::Whole => 0..1,
            Manner::Inside => 0..password.len(),
        };
        starts.into_iter().filter_map(|start| password.get(start..)).any(|rest| {
            let ends = ends(rest, order);
            match manner {
                Manner::Whole => ends.contains(&rest.len()),
                _ => ends.iter().any(|end| *end >= SHORTEST),
            }
        })
    })
}

/// The most usual reading, as one word.
pub(super) fn first(name: &str) -> String {
    readings(name).iter().filter_map(|known| known.first().map(String::as_str)).collect()
}

/// Empty where a character has no reading: then it is not such a name.
fn readings(name: &str) -> Vec<Readings> {
    let letters = folded(name);
    let all: Option<Vec<Readings>> = letters.chars().take(LONGEST).map(spellings).collect();
    all.unwrap_or_default()
}

fn spellings(character: char) -> Option<Readings> {
    let mut known: Readings = Vec::new();
    for reading in character.to_pinyin_multi()? {
        let plain = reading.plain();
        // On a keyboard it is a v, in a passport yu, and often a u.
        for instead in ["v", "yu", "u"] {
            let spelling = plain.replace('ü', instead);
            if !known.contains(&spelling) {
                known.push(spelling);
            }
        }
    }
    Some(known)
}

/// The name as written, and with a surname of one or two characters behind.
fn orders(characters: &[Readings]) -> Vec<Vec<&Readings>> {
    if characters.len() < 2 {
        return Vec::new();
    }
    let turned = |surname: usize| {
        let (surname, given) = characters.split_at_checked(surname)?;
        (!given.is_empty()).then(|| given.iter().chain(surname).collect())
    };
    [0, 1, 2].into_iter().filter_map(turned).collect()
}

/// Where the name can end in a text that it begins.
fn ends(text: &str, order: &[&Readings]) -> Vec<usize> {
    let mut places = vec![0];
    for readings in order {
        let mut next: Vec<usize> = Vec::new();
        for place in places {
            let Some(rest) = text.get(place..) else { continue };
            let fitting = readings.iter().filter(|reading| rest.starts_with(reading.as_str()));
            for end in fitting.map(|reading| place.saturating_add(reading.len())) {
                if !next.contains(&end) {
                    next.push(end);
                }
            }
        }
        places = next;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(name: &str, password: &str) -> bool {
        is_in(name, Manner::Inside, &folded(password))
    }

    #[test]
    fn names_are_found_in_pinyin() {
        let table = [
            ("张伟", "xZhangWei88", true),
            ("张伟", "wei.zhang", true),
            ("张伟", "zhang1wei", false),
            ("张伟", "zhangwe", false),
            ("欧阳修", "ouyangxiu", true),
            ("欧阳修", "XiuOuYang1", true),
            ("王小明", "xiaomingwang", true),
            ("王小明", "Wang Xiao-Ming", true),
            ("曾单", "zengshan!", true),
            ("曾单", "cengdan!", true),
            ("吕绿", "lvlv2020", true),
            ("吕绿", "lyulyu2020", true),
            ("吕绿", "lulu2020", true),
            ("李", "li-then-more", false),
            ("Ann Lee", "annlee", false),
            ("", "anything", false),
        ];
        for (name, password, found) in table {
            assert_eq!(inside(name, password), found, "{name} {password}");
        }
        assert!(is_in("张伟", Manner::Whole, "zhangwei"));
        assert!(is_in("张伟", Manner::Whole, "weizhang"));
        assert!(!is_in("张伟", Manner::Whole, "zhangwei1"));
        assert_eq!(first("张伟"), "zhangwei");
    }

    /// Eight characters with many readings each, against a password that they almost fit.
    #[test]
    fn many_readings_cost_little() {
        let password = "hehuohehuo".repeat(100);
        assert!(inside("和和和和和和和和", &format!("{password}hehehehehehehehe")));
        assert!(!inside("和和和和和和和张", &password));
    }
}
