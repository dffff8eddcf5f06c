//! Content types: what is JSON, and what might be read as something else besides.

use crate::edge::Head;

/// `application/json`, with no parameter but `charset=utf-8`.
pub(super) fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    json && parts.all(is_harmless)
}

fn is_harmless(parameter: &str) -> bool {
    ["", "charset=utf-8", "charset=\"utf-8\""]
        .iter()
        .any(|known| parameter.eq_ignore_ascii_case(known))
}

/// Whether a body that is strict JSON can be read as JSON only, whatever its label says. One text can be a form, too:
/// `{"x":"&state=reset"}`; and another charset makes other text of it.
pub(super) fn reads_one_way(head: &Head, body: &[u8]) -> bool {
    let Ok(content_type) = head.only("content-type") else {
        return false;
    };
    let content_type = content_type.unwrap_or_default();
    let is_utf8 = content_type.split(';').skip(1).map(str::trim).all(is_harmless);
    is_json(content_type) || (is_utf8 && !body.contains(&b'='))
}
