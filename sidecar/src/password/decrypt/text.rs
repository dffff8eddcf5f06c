//! Whether decrypted bytes are a password. Invariant: every byte is looked at whatever the ones before it were, and no branch
//! depends on one: time tells their number only.

use subtle::{
    Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeGreater, ConstantTimeLess,
};

/// The most code points of a password.
const MAX: u32 = 128;

/// 1 to 128 code points of UTF-8, and no control among them.
pub(super) fn is_password(bytes: &[u8]) -> Choice {
    let mut reading = Reading { left: 0, low: 0x80, high: 0xBF, points: 0, bad: Choice::from(0) };
    for byte in bytes {
        reading.take(*byte);
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
    fn take(&mut self, byte: u8) {
        let inside = !self.left.ct_eq(&0);
        let follows = within(byte, self.low, self.high);
        let ascii = within(byte, 0x20, 0x7E);
        let two = within(byte, 0xC2, 0xDF);
        let three = within(byte, 0xE0, 0xEF);
        let four = within(byte, 0xF0, 0xF4);
        let begins = ascii | two | three | four;
        self.bad |= (inside & !follows) | (!inside & !begins);
        self.points = self.points.saturating_add(u32::from((!inside).unwrap_u8()));
        let mut wanted = u8::conditional_select(&0, &1, two);
        wanted.conditional_assign(&2, three);
        wanted.conditional_assign(&3, four);
        self.left = u8::conditional_select(&wanted, &self.left.wrapping_sub(1), inside);
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

    fn plainly(bytes: &[u8]) -> bool {
        std::str::from_utf8(bytes).is_ok_and(|text| {
            (1..=128).contains(&text.chars().count()) && !text.chars().any(char::is_control)
        })
    }

    fn agree(bytes: &[u8]) {
        assert_eq!(bool::from(is_password(bytes)), plainly(bytes), "{bytes:02x?}");
    }

    #[test]
    fn it_says_what_the_standard_library_says() {
        agree(&[]);
        for first in 0..=255 {
            agree(&[first]);
            for second in 0..=255 {
                agree(&[first, second]);
                // Around every border that the third and the fourth have.
                for third in [0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF] {
                    agree(&[first, second, third]);
                    agree(&[first, second, third, 0x80]);
                    agree(&[first, second, third, 0x41]);
                }
            }
        }
    }

    #[test]
    fn every_code_point_alone_and_its_number() {
        for point in ('\0'..=char::MAX).step_by(7) {
            agree(point.to_string().as_bytes());
        }
        for (text, times) in
            [("a", 127), ("a", 128), ("a", 129), ("龙", 128), ("龙", 129), ("😀", 128)]
        {
            agree(text.repeat(times).as_bytes());
        }
    }
}
