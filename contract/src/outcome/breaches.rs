//! How broken rules stand in an answer, and how they are read again. Invariant: what is read is what was written, with its
//! numbers; a list that is empty or holds an unknown rule is none.

use alloc::vec::Vec;

use super::number;
use crate::json::{Object, Value, Writer};
use crate::policy::{Breach, Classes, Weakness};

/// The members of one broken rule, open for more (the native dialect adds the text).
pub fn breach_members(breach: &Breach) -> Writer {
    let object = Writer::object().string("code", breach.code());
    match breach {
        Breach::TooShort { min, max } | Breach::TooLong { min, max } => {
            object.number("min", u64::from(*min)).number("max", u64::from(*max))
        }
        Breach::TooManyBytes { min, max, bytes } => object
            .number("min", u64::from(*min))
            .number("max", u64::from(*max))
            .number("bytes", u64::from(*bytes)),
        Breach::Repeats { max } => object.number("max", u64::from(*max)),
        Breach::Composition(classes) => object
            .bool("digit", classes.digit)
            .bool("letter", classes.letter)
            .bool("mixed_case", classes.mixed_case)
            .bool("special", classes.special),
        Breach::Guessable(Some(weakness)) => object.string("reason", weakness.code()),
        _ => object,
    }
}

pub(super) fn decode(reasons: Value) -> Option<Vec<Breach>> {
    let Value::Array(items) = reasons else {
        return None;
    };
    let breaches: Option<Vec<Breach>> = items.into_iter().map(decode_one).collect();
    breaches.filter(|list| !list.is_empty())
}

fn decode_one(item: Value) -> Option<Breach> {
    let Value::Object(mut object) = item else {
        return None;
    };
    let code = object.take("code")?.into_string()?;
    let object = &mut object;
    Some(match code.as_str() {
        "too_short" => {
            Breach::TooShort { min: number(object, "min")?, max: number(object, "max")? }
        }
        "too_long" => Breach::TooLong { min: number(object, "min")?, max: number(object, "max")? },
        "too_many_bytes" => Breach::TooManyBytes {
            min: number(object, "min")?,
            max: number(object, "max")?,
            bytes: number(object, "bytes")?,
        },
        "composition" => Breach::Composition(Classes {
            digit: flag(object, "digit")?,
            letter: flag(object, "letter")?,
            mixed_case: flag(object, "mixed_case")?,
            special: flag(object, "special")?,
        }),
        "repeats" => Breach::Repeats { max: number(object, "max")? },
        "reversed" => Breach::Reversed,
        "personal" => Breach::Personal,
        "service_word" => Breach::ServiceWord,
        "common" => Breach::Common,
        "breached" => Breach::Breached,
        "guessable" => Breach::Guessable(weakness(object)?),
        "history" => Breach::History,
        _ => return None,
    })
}

/// The estimator need not know why.
fn weakness(object: &mut Object) -> Option<Option<Weakness>> {
    match object.take("reason") {
        None => Some(None),
        Some(code) => Weakness::parse(code.as_str()?).map(Some),
    }
}

fn flag(object: &mut Object, name: &str) -> Option<bool> {
    match object.take(name)? {
        Value::Bool(value) => Some(value),
        _ => None,
    }
}
