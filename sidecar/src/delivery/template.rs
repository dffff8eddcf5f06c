//! The smallest template language that does: `{{name}}` and `{{#name}}..{{/name}}` (only where the value is there).
//! Invariant: an unknown, missing or unclosed name is a fault, never an empty place; a value cannot bring in markup,
//! controls or a change of direction.

use std::borrow::Cow;

use thiserror::Error;

#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(super) enum TemplateFault {
    #[error("a tag or section is not closed, or closed twice")]
    Unclosed,
    #[error("a name that the template cannot know")]
    Unknown,
    #[error("a value that is not there is used outside its section")]
    Missing,
}

/// A value; `Markup` was made by a template and is put in as it is.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Absent,
    Markup(&'a str),
    Text(&'a str),
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(value: Option<&'a str>) -> Self {
        value.map_or(Self::Absent, Self::Text)
    }
}

pub(super) type Fields<'a> = [(&'a str, Value<'a>)];

/// Renders plain text.
pub(super) fn text(template: &str, fields: &Fields<'_>) -> Result<String, TemplateFault> {
    fill(template, fields, |value| Cow::Borrowed(value))
}

/// Renders HTML; texts are escaped for content and for quoted attributes.
pub(super) fn html(template: &str, fields: &Fields<'_>) -> Result<String, TemplateFault> {
    fill(template, fields, |value| Cow::Owned(escape(value)))
}

fn fill(
    template: &str,
    fields: &Fields<'_>,
    escape: fn(&str) -> Cow<'_, str>,
) -> Result<String, TemplateFault> {
    let mut out = String::with_capacity(template.len() * 2);
    let mut sections: Vec<(&str, bool)> = Vec::new();
    let mut rest = template;
    while let Some((before, tag, after)) = next_tag(rest)? {
        let shown = sections.iter().all(|(_, shown)| *shown);
        if shown {
            out.push_str(before);
        }
        if let Some(name) = tag.strip_prefix('#') {
            sections.push((name, !matches!(find(fields, name)?, Value::Absent)));
        } else if let Some(name) = tag.strip_prefix('/') {
            sections.pop().filter(|(open, _)| *open == name).ok_or(TemplateFault::Unclosed)?;
        } else {
            put(&mut out, find(fields, tag)?, shown, escape)?;
        }
        rest = after;
    }
    out.push_str(rest);
    sections.is_empty().then_some(out).ok_or(TemplateFault::Unclosed)
}

/// What stands before the next tag, its name, and what follows.
fn next_tag(rest: &str) -> Result<Option<(&str, &str, &str)>, TemplateFault> {
    let Some((before, from_tag)) = rest.split_once("{{") else {
        return Ok(None);
    };
    let (tag, after) = from_tag.split_once("}}").ok_or(TemplateFault::Unclosed)?;
    Ok(Some((before, tag, after)))
}

fn find<'a>(fields: &Fields<'a>, name: &str) -> Result<Value<'a>, TemplateFault> {
    fields
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, value)| *value)
        .ok_or(TemplateFault::Unknown)
}

fn put(
    out: &mut String,
    value: Value<'_>,
    shown: bool,
    escape: fn(&str) -> Cow<'_, str>,
) -> Result<(), TemplateFault> {
    match value {
        _ if !shown => {}
        Value::Absent => return Err(TemplateFault::Missing),
        Value::Markup(markup) => out.push_str(markup),
        Value::Text(text) => out.push_str(&escape(&plain(text))),
    }
    Ok(())
}

/// Without controls, line ends, invisible characters and changes of direction.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter(|c| !is_treacherous(*c)).collect()
}

fn is_treacherous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: &Fields<'_> = &[
        ("name", Value::Text("<b>'A'\r\n\u{202e}&\"</b>")),
        ("body", Value::Markup("<p>x</p>")),
        ("code", Value::Absent),
    ];

    #[test]
    fn values_are_filled_in() {
        let table = [
            ("a {{name}} b", "a <b>'A'&\"</b> b", "a &lt;b&gt;&#39;A&#39;&amp;&quot;&lt;/b&gt; b"),
            ("{{body}}", "<p>x</p>", "<p>x</p>"),
            ("a{{#code}} {{code}}{{/code}} b", "a b", "a b"),
            ("a{{#body}} {{#code}}{{code}}{{/code}}{{body}}{{/body}}", "a <p>x</p>", "a <p>x</p>"),
            ("a } } { b", "a } } { b", "a } } { b"),
        ];
        for (template, as_text, as_html) in table {
            assert_eq!(text(template, FIELDS).as_deref(), Ok(as_text), "{template}");
            assert_eq!(html(template, FIELDS).as_deref(), Ok(as_html), "{template}");
        }
    }

    #[test]
    fn faults_are_found() {
        let table = [
            ("{{other}}", TemplateFault::Unknown),
            ("{{#other}}{{/other}}", TemplateFault::Unknown),
            ("{{code}}", TemplateFault::Missing),
            ("{{name", TemplateFault::Unclosed),
            ("{{#name}}", TemplateFault::Unclosed),
            ("{{/name}}", TemplateFault::Unclosed),
            ("{{#name}}{{#code}}{{/name}}{{/code}}", TemplateFault::Unclosed),
        ];
        for (template, fault) in table {
            assert_eq!(text(template, FIELDS), Err(fault), "{template}");
        }
    }
}
