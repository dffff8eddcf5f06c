//! What a lenient reader may take for the same name or value: invisible characters, case, and the marks that some
//! frameworks drop. Invariant: `bare` is idempotent, and texts that differ in nothing else are equal under it.

use alloc::string::String;

use crate::json::fold;

/// Characters that nobody sees or that change the direction of text, beyond controls and white space.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{fff0}'..='\u{ffff}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// White space, controls and invisible characters.
pub(crate) fn is_ignorable(c: char) -> bool {
    c.is_whitespace() || c.is_control() || is_invisible(c)
}

/// The text folded, without what readers ignore (white space, invisible characters) and what binders drop from names
/// (`_`, `-`, `[]`); the Turkish i is an i.
pub(crate) fn bare(text: &str) -> String {
    fold(text)
        .filter(|c| !is_ignorable(*c) && !matches!(c, '_' | '-' | '[' | ']' | '\u{307}'))
        .map(|c| if matches!(c, '\u{131}' | '\u{130}') { 'i' } else { c })
        .collect()
}
