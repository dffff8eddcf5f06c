//! `objectGUID`: 16 bytes, whose first three groups are written backwards in its text (MS-DTYP, 2.3.4).

/// Where each pair of digits of the text stands in the bytes.
const ORDER: [usize; 16] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];

/// Whether an attribute holds one.
pub(super) fn is_of(name: &str) -> bool {
    name.eq_ignore_ascii_case("objectGUID")
}

/// In small letters, with hyphens.
pub(super) fn text(bytes: &[u8]) -> Option<String> {
    let bytes: &[u8; 16] = bytes.try_into().ok()?;
    let mut text = String::with_capacity(36);
    for (at, place) in ORDER.iter().enumerate() {
        if [4, 6, 8, 10].contains(&at) {
            text.push('-');
        }
        text.push_str(&format!("{:02x}", bytes.get(*place)?));
    }
    Some(text)
}

/// Of a text as we write it.
pub(super) fn bytes(text: &str) -> Option<[u8; 16]> {
    let digits: String = text.chars().filter(|letter| *letter != '-').collect();
    let number = u128::from_str_radix(&digits, 16).ok()?;
    let mut bytes = [0; 16];
    for (place, byte) in ORDER.iter().zip(number.to_be_bytes()) {
        *bytes.get_mut(*place)? = byte;
    }
    (self::text(&bytes)? == text).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes_are_one() {
        let written = "00112233-4455-6677-8899-aabbccddeeff";
        let read = bytes(written).unwrap();
        assert_eq!(read[..8], [0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66]);
        assert_eq!(text(&read).as_deref(), Some(written));
        for wrong in
            ["", "*", "00112233445566778899aabbccddeeff", "00112233-4455-6677-8899-AABBCCDDEEFF"]
        {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
        assert_eq!(text(&[0; 15]), None);
    }
}
