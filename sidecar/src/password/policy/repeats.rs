//! How often one character stands in a row.

use contract::policy::Breach;

pub(super) fn judge(most: Option<u32>, password: &str) -> Option<Breach> {
    let max = most?;
    let mut last = None;
    let mut run: u32 = 0;
    for c in password.chars() {
        run = if last == Some(c) { run.saturating_add(1) } else { 1 };
        last = Some(c);
        if run > max {
            return Some(Breach::Repeats { max });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_counted_in_characters() {
        let table = [
            (None, "aaaaaaaa", true),
            (Some(1), "abab", true),
            (Some(1), "abba", false),
            (Some(3), "aaab", true),
            (Some(3), "baaaa", false),
            (Some(3), "aaaAaaa", true),
            (Some(2), "密密密", false),
            (Some(1), "", true),
        ];
        for (most, password, good) in table {
            assert_eq!(judge(most, password).is_none(), good, "{password} {most:?}");
        }
    }
}
