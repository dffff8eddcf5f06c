//! Whether decrypted bytes are a password. Invariant: no branch depends on a byte or on how many there are: time tells nothing,
//! not even their number, by which a padding that was right could be told from one that was not.

use subtle::{
    Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeGreater, ConstantTimeLess,
};

/// Bytes of the longest password.
pub(super) const LONGEST: usize = 512;

/// The most code points of one.
const MAX: u32 = 128;

/// Whether the first `length` bytes are 1 to 128 code points of UTF-8, and no control among them.
pub(super) fn is_password(bytes: &[u8; LONGEST], length: u32) -> Choice {
    let mut reading = Reading { left: 0, low: 0x80, high: 0xBF, points: 0, bad: Choice::from(0) };
    for (at, byte) in (0_u32..).zip(bytes) {
        reading.take(*byte, at.ct_lt(&length));
    }
    let ends = reading.left.ct_eq(&0);
    let some = reading.points.ct_gt(&0);
    let fits = !reading.points.ct_gt(&MAX);
    ends & some & fits & !reading.bad
}

struct Reading {
    /// Bytes that the code point still wants.
    left: u8,
    /// Between which the next of them must lie.
    low: u8,
    high: u8,
    points: u32,
    bad: Choice,
}

impl Reading {
    fn take(&mut self, byte: u8, counts: Choice) {
        let inside = !self.left.ct_eq(&0);
        let follows = within(byte, self.low, self.high);
        let ascii = within(byte, 0x20, 0x7E);
        let two = within(byte, 0xC2, 0xDF);
        let three = within(byte, 0xE0, 0xEF);
        let four = within(byte, 0xF0, 0xF4);
        let begins = ascii | two | three | four;
        self.bad |= counts & ((inside & !follows) | (!inside & !begins));
        let point = u32::from((counts & !inside).unwrap_u8());
        self.points = self.points.saturating_add(point);
        let mut left = u8::conditional_select(&0, &1, two);
        left.conditional_assign(&2, three);
        left.conditional_assign(&3, four);
        left.conditional_assign(&self.left.wrapping_sub(1), inside);
        self.left.conditional_assign(&left, counts);
        // Nothing over-long, no surrogate, nothing above U+10FFFF; behind C2, none of the controls U+0080 to U+009F.
        self.low = 0x80;
        self.low.conditional_assign(&0xA0, !inside & (byte.ct_eq(&0xC2) | byte.ct_eq(&0xE0)));
        self.low.conditional_assign(&0x90, !inside & byte.ct_eq(&0xF0));
        self.high = 0xBF;
        self.high.conditional_assign(&0x9F, !inside & byte.ct_eq(&0xED));
        self.high.conditional_assign(&0x8F, !inside & byte.ct_eq(&0xF4));
    }
}

fn within(byte: u8, low: u8, high: u8) -> Choice {
    !byte.ct_lt(&low) & !byte.ct_gt(&high)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes around every border that the standard draws: for the first place, for the second, for those behind.
    const FIRST: [u8; 26] = [
        0x00, 0x1F, 0x20, 0x41, 0x7E, 0x7F, 0x80, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xC3, 0xDF, 0xE0,
        0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
    ];
    const SECOND: [u8; 11] = [0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF];
    const LATER: [u8; 4] = [0x41, 0x80, 0xBF, 0xC0];

    fn plainly(bytes: &[u8]) -> bool {
        std::str::from_utf8(bytes).is_ok_and(|text| {
            (1..=128).contains(&text.chars().count()) && !text.chars().any(char::is_control)
        })
    }

    fn agree(bytes: &[u8]) {
        // What lies behind the text must not matter.
        let mut all = [0xC3; LONGEST];
        all[..bytes.len()].copy_from_slice(bytes);
        let judged = is_password(&all, bytes.len() as u32);
        assert_eq!(bool::from(judged), plainly(bytes), "{bytes:02x?}");
    }

    #[test]
    fn it_says_what_the_standard_library_says() {
        agree(&[]);
        for first in FIRST {
            agree(&[first]);
            for second in SECOND {
                agree(&[first, second]);
                for third in LATER {
                    agree(&[first, second, third]);
                    agree(&[first, second, third, 0x80]);
                }
            }
        }
    }

    #[test]
    fn every_code_point_alone_and_its_number() {
        for point in ('\0'..='\u{120}').chain(('\0'..=char::MAX).step_by(1009)) {
            agree(point.to_string().as_bytes());
        }
        for (text, times) in
            [("a", 127), ("a", 128), ("a", 129), ("龙", 128), ("龙", 129), ("😀", 128)]
        {
            agree(text.repeat(times).as_bytes());
        }
    }
}
