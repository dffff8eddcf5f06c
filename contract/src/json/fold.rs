//! Unicode simple case folding of member names, as lenient decoders (Go's `encoding/json`) compare them.
//! Invariant: two names fold alike exactly when CaseFolding.txt (statuses C and S, of the compiler's
//! Unicode version) says so; the folded characters themselves are for comparing only.

use super::folding::RUNS;

/// The characters of `name`, folded: `Email`, `EMAIL` and `email` give the same, so do U+212A and `k`.
pub fn fold(name: &str) -> impl Iterator<Item = char> + '_ {
    name.chars().map(fold_char)
}

fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let code = u32::from(c);
    let at = RUNS.partition_point(|(_, last, ..)| *last < code);
    let Some((first, _, step, more)) = RUNS.get(at) else { return c };
    match code.checked_sub(*first) {
        Some(distance) if distance.checked_rem(*step) == Some(0) => {
            char::from_u32(code.wrapping_add_signed(*more)).unwrap_or(c)
        }
        _ => c,
    }
}
