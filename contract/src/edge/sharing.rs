//! Shared paths: whose is a request, ours or the app's? Invariant: a request that a lenient app might take for a reset
//! never passes on; what passes on holds no member near the discriminator, or exactly one that names something else.

use alloc::string::String;

use crate::dialect::Sharing;
use crate::edge::Head;
use crate::edge::claim::loose;
use crate::json::{Names, Object, Value, fold};
use crate::outcome::Refusal;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    Ours,
    Theirs,
}

/// Judges a body on a claimed path.
pub(super) fn judge(
    sharing: Sharing,
    names: Names,
    head: &Head,
    body: &Object,
) -> Result<Whose, Refusal> {
    match sharing {
        Sharing::Exclusive => Ok(Whose::Ours),
        Sharing::Value { member, ours } => {
            let whose = by_value(member, ours, names, body)?;
            passes_query(whose, member, head)
        }
        Sharing::SignedIn { members } => {
            let whose = by_sign_in(members, head, body)?;
            members.iter().try_fold(whose, |whose, member| passes_query(whose, member, head))
        }
    }
}

fn by_value(member: &str, ours: &str, names: Names, body: &Object) -> Result<Whose, Refusal> {
    let mut found = body.members_folding_to(member);
    let Some((name, value)) = found.next() else {
        return Ok(Whose::Theirs);
    };
    if found.next().is_some() {
        return Err(Refusal::Malformed);
    }
    let Some(value) = value.as_str() else {
        return Err(Refusal::Malformed);
    };
    let named = name == member || matches!(names, Names::Folded);
    match (value == ours, named) {
        (true, true) => Ok(Whose::Ours),
        (false, _) if !resembles(value, ours) => Ok(Whose::Theirs),
        _ => Err(Refusal::Malformed),
    }
}

fn by_sign_in(members: &[&str], head: &Head, body: &Object) -> Result<Whose, Refusal> {
    let mut is_named = false;
    for member in members {
        let mut found = body.members_folding_to(member);
        match (found.next(), found.next()) {
            (None, _) => {}
            (Some((name, _)), None) if name == *member => is_named = true,
            _ => return Err(Refusal::Malformed),
        }
    }
    let is_signed_in = head.text("authorization").is_some();
    Ok(if is_signed_in && !is_named { Whose::Theirs } else { Whose::Ours })
}

/// Some apps merge the query into the body; a query that names the discriminator never passes.
fn passes_query(whose: Whose, member: &str, head: &Head) -> Result<Whose, Refusal> {
    let Some(query) = head.query() else {
        return Ok(whose);
    };
    let folded: String = fold(member).collect();
    let plain = query.replace(['&', '=', '+', ';', '?', '#'], "/");
    match (whose, loose(&plain).contains(&folded)) {
        (Whose::Theirs, false) => Ok(Whose::Theirs),
        _ => Err(Refusal::Malformed),
    }
}

/// Whether a lenient comparison (case, white space) might take `value` for `ours`.
fn resembles(value: &str, ours: &str) -> bool {
    let bare = |text: &str| -> String {
        fold(text).filter(|c| !c.is_whitespace() && !c.is_control()).collect()
    };
    bare(value) == bare(ours)
}

/// Judges the query of a shared link by the same rules.
pub(super) fn judge_query(sharing: Sharing, query: &[(String, String)]) -> Result<Whose, Refusal> {
    let Sharing::Value { member, ours } = sharing else {
        return Ok(Whose::Ours);
    };
    let folded: String = fold(member).collect();
    let mut found = query.iter().filter(|(name, _)| fold(name).eq(folded.chars()));
    match (found.next(), found.next()) {
        (None, _) => Ok(Whose::Theirs),
        (Some((name, value)), None) if value == ours && name == member => Ok(Whose::Ours),
        (Some((_, value)), None) if !resembles(value, ours) => Ok(Whose::Theirs),
        _ => Err(Refusal::Malformed),
    }
}

/// The members of a parsed body, or malformed: a claimed body is an object.
pub(super) fn object(value: Value) -> Result<Object, Refusal> {
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(Refusal::Malformed),
    }
}
