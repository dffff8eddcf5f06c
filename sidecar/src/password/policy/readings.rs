//! A Han name in pinyin, in every reading of its characters, surname first and given name first.
//! Invariant: the work grows with the lengths of name and password, not with the number of combined readings.

use pinyin::ToPinyinMulti;

use super::personal::{Manner, folded};

/// No name has more; the rest of a longer run is left out.
const LONGEST: usize = 8;
/// Letters below which a reading is in too many good passwords.
const SHORTEST: usize = 3;

/// The readings of one character, without tones.
type Readings = Vec<String>;

/// Whether a folded password holds the name, in the manner wanted.
pub(super) fn is_in(name: &str, manner: Manner, password: &str) -> bool {
    let runs = runs(name);
    runs.iter().flat_map(|run| orders(run)).any(|order| {
        let starts = match manner {
            Manner::Off => return false,
            Manner::Whole => 0..1,
            Manner::Inside => 0..password.len(),
        };
        starts.into_iter().filter_map(|start| password.get(start..)).any(|rest| {
            let ends = ends(rest, &order);
            match manner {
                Manner::Whole => ends.contains(&rest.len()),
                _ => ends.iter().any(|end| *end >= SHORTEST),
            }
        })
    })
}

/// The most usual reading of every run, each as one word.
pub(super) fn first(name: &str) -> Vec<String> {
    let word =
        |run: &Vec<Readings>| run.iter().filter_map(|known| known.first()).cloned().collect();
    runs(name).iter().map(word).collect()
}

/// Stretches of characters that have readings: across what `folded` leaves out, as in `张 伟`, and between it, as in `张伟（销售）`.
fn runs(name: &str) -> Vec<Vec<Readings>> {
    let mut runs = stretches(&folded(name));
    for part in name.split(|c: char| !c.is_alphanumeric()) {
        for run in stretches(part) {
            // A single one is a name only where there is nothing else.
            if run.len() > 1 && !runs.contains(&run) {
                runs.push(run);
            }
        }
    }
    runs
}

fn stretches(letters: &str) -> Vec<Vec<Readings>> {
    let known: Vec<Option<Readings>> = letters.chars().map(spellings).collect();
    known
        .split(Option::is_none)
        .filter(|run| run.len() > 1 || known.len() == 1)
        .map(|run| run.iter().flatten().take(LONGEST).cloned().collect())
        .filter(|run: &Vec<Readings>| !run.is_empty())
        .collect()
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
    use std::time::{Duration, Instant};

    use super::*;

    /// Many times what it takes in a debug build, and a fraction of what trying every combined reading takes.
    const ALLOWED: Duration = Duration::from_millis(100);

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
            ("张 伟", "zhangwei88", true),
            ("张伟 Wei", "zhangwei88", true),
            ("Wei张伟", "WeiZhang88", true),
            ("张伟2", "zhangwei88", true),
            ("张伟（销售）", "zhangwei88", true),
            ("张伟 销售", "zhangwei88", true),
            ("销售-王小明-Ming", "xiaomingwang", true),
            ("张伟 Wei", "zhang-then-more", false),
            ("张 A 伟", "zhangwei88", false),
            ("李", "li-then-more", false),
            ("李 Lee", "li-then-more", false),
            ("Ann Lee", "annlee", false),
            ("", "anything", false),
        ];
        for (name, password, found) in table {
            assert_eq!(inside(name, password), found, "{name} {password}");
        }
        assert!(is_in("张伟", Manner::Whole, "zhangwei"));
        assert!(is_in("张伟", Manner::Whole, "weizhang"));
        assert!(!is_in("张伟", Manner::Whole, "zhangwei1"));
        assert!(is_in("张伟 Wei", Manner::Whole, "zhangwei"));
        assert!(!is_in("张伟 Wei", Manner::Whole, "zhangwei1"));
    }

    #[test]
    fn every_run_has_its_most_usual_reading() {
        let table: [(&str, &[&str]); 7] = [
            ("张伟", &["zhangwei"]),
            ("张 伟", &["zhangwei"]),
            ("张伟 Wei", &["zhangwei"]),
            ("张伟（销售）", &["zhangweixiaoshou", "zhangwei", "xiaoshou"]),
            ("张", &["zhang"]),
            ("张 Wei", &[]),
            ("", &[]),
        ];
        for (name, words) in table {
            assert_eq!(first(name), words, "{name}");
        }
    }

    /// Characters with the most readings that one has, against a password that begins with them at every place.
    #[test]
    fn many_readings_cost_little() {
        let password = "kaqiajiazhaguayegelie".repeat(50);
        let took = |_| {
            let begun = Instant::now();
            assert!(!inside("擖擖擖擖擖擖张", &password));
            begun.elapsed()
        };
        let best = (0..5).map(took).min().unwrap();
        assert!(best < ALLOWED, "{best:?}");
        assert!(inside("擖擖擖擖擖擖擖", &password));
    }

    /// A place that many readings lead to is gone on from once.
    #[test]
    fn an_end_is_found_once() {
        let either = vec!["a".to_owned(), "aa".to_owned()];
        let mut found = ends(&"a".repeat(40), &[&either; 16]);
        found.sort_unstable();
        assert_eq!(found, (16..=32).collect::<Vec<_>>());
    }
}
