//! The id of the trace that a request belongs to, for logs. Invariant: 32 lower-case hexadecimal digits and nothing else of
//! the header, so that a client can write nothing of its own into a log line.

use hyper::HeaderMap;

/// As of W3C Trace Context: 16 bytes, not all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId([u8; 32]);

impl TraceId {
    /// From `traceparent` where there is exactly one, or from Zipkin's `x-b3-traceid`; `None` when neither is well formed.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let parent = only(headers, "traceparent").and_then(of_parent);
        parent.or_else(|| only(headers, "x-b3-traceid").and_then(of_b3))
    }

    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h [u8]> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    values.next().is_none().then(|| first.as_bytes())
}

/// `version-trace-parent-flags`; a later version may have more behind it.
fn of_parent(value: &[u8]) -> Option<TraceId> {
    let mut parts = value.splitn(5, |byte| *byte == b'-');
    let (version, trace, parent, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_known = version == b"00" && parts.next().is_none();
    let is_later = version != b"00" && version != b"ff" && is_hex(version, 2);
    let fits = (is_known || is_later) && is_hex(parent, 16) && is_hex(flags, 2);
    fits.then(|| checked(trace)).flatten()
}

/// 64 bits are the lower half of 128.
fn of_b3(value: &[u8]) -> Option<TraceId> {
    match value.len() {
        16 => checked(&[&[b'0'; 16], value].concat()),
        _ => checked(value),
    }
}

fn checked(digits: &[u8]) -> Option<TraceId> {
    let digits: [u8; 32] = digits.try_into().ok()?;
    let fits = is_hex(&digits, 32) && digits != [b'0'; 32];
    fits.then_some(TraceId(digits))
}

fn is_hex(digits: &[u8], count: usize) -> bool {
    digits.len() == count && digits.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn found(fields: &[(&'static str, &str)]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().unwrap());
        }
        TraceId::of(&headers).map(|id| id.as_str().to_owned())
    }

    #[test]
    fn an_id_is_read_and_nothing_else() {
        let parent = format!("00-{ID}-00f067aa0ba902b7-01");
        assert_eq!(found(&[("traceparent", &parent)]).as_deref(), Some(ID));
        let later = format!("01-{ID}-00f067aa0ba902b7-01-more");
        assert_eq!(found(&[("traceparent", &later)]).as_deref(), Some(ID));
        assert_eq!(found(&[("x-b3-traceid", ID)]).as_deref(), Some(ID));
        let short = found(&[("traceparent", "00-x"), ("x-b3-traceid", "a3ce929d0e0e4736")]);
        assert_eq!(short.as_deref(), Some("0000000000000000a3ce929d0e0e4736"));
        for bad in [
            format!("00-{}-00f067aa0ba902b7-01", ID.to_uppercase()),
            format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)),
            format!("00-{ID}-00f067aa0ba902b7-01-more"),
            format!("ff-{ID}-00f067aa0ba902b7-01"),
            format!("00-{ID}-00f067aa0ba902b7"),
            format!("00-{ID}\"-0f067aa0ba902b7-01"),
            String::new(),
        ] {
            assert_eq!(found(&[("traceparent", &bad)]), None, "{bad}");
        }
        assert_eq!(found(&[("traceparent", &parent), ("traceparent", &parent)]), None);
    }
}
