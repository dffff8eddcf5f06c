//! The answer of a range API: lines `REST:count`, the rest of each known hash. A count of 0 is padding.

use super::LookupFault;

/// Digits of a SHA-1 behind the five that were asked for.
const REST: usize = 35;

/// Whether a hash with this rest is in the answer. All lines are read, wherever it stands.
pub(super) fn has(body: &[u8], rest: &str) -> Result<bool, LookupFault> {
    let text = str::from_utf8(body).map_err(|_| LookupFault::Form)?;
    let mut found = false;
    for line in text.lines() {
        let (known, count) = line.split_once(':').ok_or(LookupFault::Form)?;
        let is_hash = known.len() == REST && known.bytes().all(|byte| byte.is_ascii_hexdigit());
        let count: u64 = count.trim().parse().map_err(|_| LookupFault::Form)?;
        if !is_hash {
            return Err(LookupFault::Form);
        }
        found |= known.eq_ignore_ascii_case(rest) && count > 0;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_strictly() {
        let rest = "1E4C9B93F3F0682250B6CF8331B7EE68FD8";
        let other = "0018A45C4D1DEF81644B54AB7F969B88D65";
        let table = [
            (format!("{other}:1\r\n{rest}:3\r\n"), Ok(true)),
            (format!("{other}:1\n{}:3", rest.to_lowercase()), Ok(true)),
            (format!("{other}:1\r\n{rest}:0\r\n"), Ok(false)),
            (format!("{other}:1"), Ok(false)),
            (String::new(), Ok(false)),
            ("<html>".to_owned(), Err(LookupFault::Form)),
            (format!("{rest}:3\nshort:1"), Err(LookupFault::Form)),
            (format!("{rest}:many"), Err(LookupFault::Form)),
        ];
        for (body, expected) in table {
            assert_eq!(has(body.as_bytes(), rest), expected, "{body}");
        }
        assert_eq!(has(&[0xff], rest), Err(LookupFault::Form));
    }
}
