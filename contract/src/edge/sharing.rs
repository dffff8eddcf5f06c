//! Shared paths: whose is a request, ours or the app's? Invariant: a request that a lenient app might take for a reset
//! never passes on; what passes on holds nothing near the discriminator, or exactly one that names something else.

use alloc::string::String;

use crate::dialect::Sharing;
use crate::edge::Head;
use crate::edge::spelling::decode;
use crate::json::{Names, Object, Value, fold};
use crate::lookalike::{bare, is_ignorable};
use crate::outcome::Refusal;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    Ours,
    Theirs,
}

/// The members of a parsed body, or malformed: a claimed body is an object.
pub(super) fn object(value: Value) -> Result<Object, Refusal> {
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(Refusal::Malformed),
    }
}

/// Judges a body on a claimed path; `is_one` says that nobody can read anything else in it than JSON.
pub(super) fn judge(
    sharing: Sharing,
    names: Names,
    head: &Head,
    body: &Object,
    is_one: bool,
) -> Result<Whose, Refusal> {
    let (whose, members) = match sharing {
        Sharing::Exclusive => return Ok(Whose::Ours),
        Sharing::Value { member, ours } => (by_value(member, ours, names, body)?, &[member][..]),
        Sharing::SignedIn { members } => (by_sign_in(members, head, body)?, members),
    };
    let query = head.query().unwrap_or_default();
    let is_clear = members.iter().all(|member| mentions(query, member) == 0);
    match whose {
        Whose::Theirs if is_clear && is_one => Ok(Whose::Theirs),
        Whose::Theirs => Err(Refusal::Malformed),
        Whose::Ours => Ok(Whose::Ours),
    }
}

fn by_value(member: &str, ours: &str, names: Names, body: &Object) -> Result<Whose, Refusal> {
    let resembles = |value: &Value| value.as_str().is_some_and(|text| bare(text) == bare(ours));
    if lies_deeper(member, &resembles, body) {
        return Err(Refusal::Malformed);
    }
    let Some((name, value)) = only_near(member, body)? else {
        return Ok(Whose::Theirs);
    };
    let value = value.as_str().ok_or(Refusal::Malformed)?;
    let folds = fold(name).eq(fold(member));
    let is_named = name == member || (folds && names == Names::Folded);
    if value == ours && is_named {
        return Ok(Whose::Ours);
    }
    if bare(value) == bare(ours) { Err(Refusal::Malformed) } else { Ok(Whose::Theirs) }
}

fn by_sign_in(members: &[&str], head: &Head, body: &Object) -> Result<Whose, Refusal> {
    let mut is_named = false;
    for member in members {
        if lies_deeper(member, &|_| true, body) {
            return Err(Refusal::Malformed);
        }
        match only_near(member, body)? {
            None => {}
            Some((name, _)) if name == *member => is_named = true,
            Some(_) => return Err(Refusal::Malformed),
        }
    }
    let is_signed_in = head.text("authorization").is_some();
    Ok(if is_signed_in && !is_named { Whose::Theirs } else { Whose::Ours })
}

/// The one member whose name a lenient reader may take for this one; two are malformed.
fn only_near<'b>(member: &str, body: &'b Object) -> Result<Option<(&'b str, &'b Value)>, Refusal> {
    let wanted = bare(member);
    let mut near = body.iter().filter(|(name, _)| bare(name) == wanted);
    match (near.next(), near.next()) {
        (found, None) => Ok(found),
        _ => Err(Refusal::Malformed),
    }
}

/// Whether a member of this name, with a value that fits, lies deeper in the body, where a flattening reader finds it.
fn lies_deeper(member: &str, fits: &dyn Fn(&Value) -> bool, body: &Object) -> bool {
    body.iter().any(|(_, value)| holds(&bare(member), fits, value))
}

fn holds(wanted: &str, fits: &dyn Fn(&Value) -> bool, value: &Value) -> bool {
    match value {
        Value::Object(object) => object.iter().any(|(name, value)| {
            (bare(name) == wanted && fits(value)) || holds(wanted, fits, value)
        }),
        Value::Array(items) => items.iter().any(|item| holds(wanted, fits, item)),
        _ => false,
    }
}

/// Judges the query of a shared link by the same rules; `raw` is the query as it came, `query` its strict reading.
pub(super) fn judge_query(
    sharing: Sharing,
    raw: Option<&str>,
    query: &[(String, String)],
) -> Result<Whose, Refusal> {
    let Sharing::Value { member, ours } = sharing else {
        return Ok(Whose::Ours);
    };
    let mut named = query.iter().filter(|(name, _)| name == member);
    match (named.next(), mentions(raw.unwrap_or_default(), member)) {
        (None, 0) => Ok(Whose::Theirs),
        (Some((_, value)), 1) if value == ours => Ok(Whose::Ours),
        (Some((_, value)), 1) if bare(value) != bare(ours) => Ok(Whose::Theirs),
        _ => Err(Refusal::Malformed),
    }
}

/// How often a lenient parser might find this name in a query: some merge the query into the body, some decode twice,
/// some split at `;`, some trim. Nothing in a query ends it: what stands behind an encoded `#` or NUL counts, too.
fn mentions(query: &str, member: &str) -> usize {
    let wanted = bare(member);
    let decoded = decode(query);
    let seen: String = decoded.chars().filter(|c| !is_ignorable(*c)).collect();
    let count = |text: &str, is_between: fn(char) -> bool| {
        text.split(is_between).filter(|word| bare(word) == wanted).count()
    };
    let counts = [
        count(&decoded, is_separator),
        count(&decoded, |c| is_separator(c) || is_ignorable(c)),
        count(&decode(&seen), is_separator),
    ];
    counts.into_iter().max().unwrap_or_default()
}

fn is_separator(c: char) -> bool {
    "&=+;?#[./\\|,".contains(c)
}
