//! Unicode simple case folding of member names, as lenient decoders (Go's `encoding/json`) compare them.
//! Invariant: two names fold alike exactly when CaseFolding.txt (statuses C and S, of the compiler's
//! Unicode version) says so; the folded characters themselves are for comparing only.

/// The characters of `name`, folded: `Email`, `EMAIL` and `email` give the same, so do U+212A and `k`.
pub fn fold(name: &str) -> impl Iterator<Item = char> + '_ {
    name.chars().map(fold_char)
}

fn fold_char(c: char) -> char {
    match c {
        '\0'..='\x7f' => c.to_ascii_lowercase(),
        // Its upper case is I, yet only the Turkic rules fold it.
        '\u{131}' => c,
        // Folded since Unicode 15.1, although neither has a single upper-case character.
        '\u{1fd3}' => '\u{390}',
        '\u{1fe3}' => '\u{3b0}',
        '\u{fb05}' => '\u{fb06}',
        _ => {
            let upper = only(c.to_uppercase()).unwrap_or(c);
            only(upper.to_lowercase()).unwrap_or(c)
        }
    }
}

fn only(mut mapped: impl Iterator<Item = char>) -> Option<char> {
    let first = mapped.next();
    if mapped.next().is_some() { None } else { first }
}
