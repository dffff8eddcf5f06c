//! Finds the parameters in a statement. Invariant: quotes, comments and casts are seen as the engine sees them, and what
//! could be a parameter of the driver's own is refused.

use thiserror::Error;

use super::{Piece, Slot};
use crate::directory::sql::Engine;

/// Far beyond what a statement takes.
const LONGEST: usize = 8192;

/// Why a text is not a statement for us.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TemplateFault {
    #[error("it is empty, or longer than {LONGEST} bytes")]
    Length,
    #[error("it holds several statements")]
    Several,
    #[error("a quote or a comment in it does not end")]
    Open,
    #[error("there is no parameter :{0}")]
    Unknown(String),
    #[error("it holds a parameter without a name ({0})")]
    Nameless(char),
}

struct Scan<'t> {
    engine: Engine,
    rest: &'t str,
    text: String,
    pieces: Vec<Piece>,
}

pub(super) fn scan(text: &str, engine: Engine) -> Result<Vec<Piece>, TemplateFault> {
    let text = text.trim().trim_end_matches(';').trim_end();
    if text.is_empty() || text.len() > LONGEST || text.contains('\0') {
        return Err(TemplateFault::Length);
    }
    let mut scan = Scan { engine, rest: text, text: String::new(), pieces: Vec::new() };
    while let Some(next) = scan.rest.chars().next() {
        scan.step(next)?;
    }
    scan.end_text();
    Ok(scan.pieces)
}

impl Scan<'_> {
    fn step(&mut self, next: char) -> Result<(), TemplateFault> {
        match next {
            '\'' => self.quoted(next, self.escapes()),
            '"' => self.quoted(next, self.engine == Engine::Mysql),
            '`' if self.engine != Engine::Postgres => self.quoted(next, false),
            '-' if self.begins_comment() => self.until("\n", false),
            '#' if self.engine == Engine::Mysql => self.until("\n", false),
            '/' if self.rest.starts_with("/*") => self.comment(),
            '$' if self.engine == Engine::Postgres => self.dollar(),
            ':' if self.rest.starts_with("::") => self.take(2),
            ':' => self.parameter(),
            ';' => Err(TemplateFault::Several),
            '?' if self.engine != Engine::Postgres => Err(TemplateFault::Nameless(next)),
            '@' | '$' if self.engine == Engine::Sqlite => Err(TemplateFault::Nameless(next)),
            _ => self.take(next.len_utf8()),
        }
    }

    /// Takes so many bytes as they are.
    fn take(&mut self, bytes: usize) -> Result<(), TemplateFault> {
        let (taken, rest) = self.rest.split_at_checked(bytes).ok_or(TemplateFault::Open)?;
        self.text.push_str(taken);
        self.rest = rest;
        Ok(())
    }

    /// `E'..'` of PostgreSQL, and every text of MySQL.
    fn escapes(&self) -> bool {
        match self.engine {
            Engine::Mysql => true,
            Engine::Sqlite => false,
            Engine::Postgres => {
                let mut before = self.text.chars().rev();
                before.next().is_some_and(|c| matches!(c, 'E' | 'e'))
                    && !before.next().is_some_and(is_word)
            }
        }
    }

    fn quoted(&mut self, quote: char, escapes: bool) -> Result<(), TemplateFault> {
        let mut escaped = false;
        let inner = self.rest.char_indices().skip(1).find(|(_, c)| {
            let ends = *c == quote && !escaped;
            escaped = escapes && *c == '\\' && !escaped;
            ends
        });
        // A doubled quote begins the next part of the same text.
        let (end, _) = inner.ok_or(TemplateFault::Open)?;
        self.take(end.saturating_add(1))
    }

    /// MySQL wants a space after it.
    fn begins_comment(&self) -> bool {
        let rest = self.rest.strip_prefix("--");
        rest.is_some_and(|rest| {
            self.engine != Engine::Mysql || !rest.starts_with(|c: char| !c.is_whitespace())
        })
    }

    fn until(&mut self, end: &str, must: bool) -> Result<(), TemplateFault> {
        match self.rest.find(end) {
            Some(at) => self.take(at.saturating_add(end.len())),
            None if must => Err(TemplateFault::Open),
            None => self.take(self.rest.len()),
        }
    }

    /// PostgreSQL's may lie in each other.
    fn comment(&mut self) -> Result<(), TemplateFault> {
        self.take(2)?;
        if self.engine != Engine::Postgres {
            return self.until("*/", true);
        }
        let mut depth = 1_usize;
        while depth > 0 {
            let rest = self.rest;
            match (rest.starts_with("/*"), rest.starts_with("*/")) {
                (true, _) => depth = depth.saturating_add(1),
                (_, true) => depth = depth.saturating_sub(1),
                _ => {
                    let next = rest.chars().next().ok_or(TemplateFault::Open)?;
                    self.take(next.len_utf8())?;
                    continue;
                }
            }
            self.take(2)?;
        }
        Ok(())
    }

    /// `$tag$ .. $tag$`; `$1` would be a parameter.
    fn dollar(&mut self) -> Result<(), TemplateFault> {
        if self.text.ends_with(is_word) {
            return self.take(1);
        }
        let inner = self.rest.strip_prefix('$').unwrap_or_default();
        let end = inner.find(|c| !is_word(c)).unwrap_or(inner.len());
        let (tag, after) = inner.split_at_checked(end).unwrap_or_default();
        if !after.starts_with('$') || tag.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(TemplateFault::Nameless('$'));
        }
        let mark = format!("${tag}$");
        self.take(mark.len())?;
        self.until(&mark, true)
    }

    fn parameter(&mut self) -> Result<(), TemplateFault> {
        let rest = self.rest.strip_prefix(':').unwrap_or_default();
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (name, after) = rest.split_at_checked(end).unwrap_or_default();
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return self.take(1);
        }
        let slot = Slot::named(name).ok_or_else(|| TemplateFault::Unknown(name.to_owned()))?;
        self.end_text();
        self.pieces.push(Piece::Slot(slot));
        self.rest = after;
        Ok(())
    }

    fn end_text(&mut self) {
        if !self.text.is_empty() {
            self.pieces.push(Piece::Text(std::mem::take(&mut self.text)));
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::super::Template;
    use super::*;

    fn spelled(text: &str, engine: Engine) -> Result<String, TemplateFault> {
        Template::parse(text, engine).map(|template| template.statement(engine).text)
    }

    #[test]
    fn parameters_become_the_engine_s() {
        let text = "SELECT id::text FROM u WHERE a = :email AND b = ':id' AND \":hash\" = :id::bigint -- :x\n AND c=:email;";
        let postgres = "SELECT id::text FROM u WHERE a = $1 AND b = ':id' AND \":hash\" = $2::bigint -- :x\n AND c=$3";
        assert_eq!(spelled(text, Engine::Postgres).unwrap(), postgres);
        assert_eq!(
            spelled("a = :id /* :x */ # :y\n", Engine::Mysql).unwrap(),
            "a = ? /* :x */ # :y"
        );
        let slots: Vec<_> = Template::parse(text, Engine::Postgres).unwrap().slots().collect();
        assert_eq!(slots, [Slot::Email, Slot::Id, Slot::Email]);
    }

    #[test]
    fn quotes_and_comments_are_the_engine_s() {
        use Engine::{Mysql, Postgres, Sqlite};
        for (engine, text) in [
            (Postgres, "'it''s :x'"),
            (Postgres, r"E'\' :x'"),
            (Postgres, r"'\'"),
            (Postgres, "$$ :x ' $$"),
            (Postgres, "$a$ :x $$ $a$"),
            (Postgres, "/* :x /* ' */ :y */"),
            (Postgres, "a ? b"),
            (Postgres, "f$1"),
            (Mysql, r"'\' :x'"),
            (Mysql, r#""\" :x""#),
            (Mysql, "`:x`"),
            (Mysql, "@a := 1"),
            (Mysql, "1--1"),
            (Sqlite, "`:x`"),
            (Sqlite, r"'\'"),
            (Sqlite, "--:x"),
            (Postgres, "a[1:2]"),
        ] {
            assert_eq!(spelled(text, engine).as_deref(), Ok(text), "{engine:?}");
        }
    }

    #[test]
    fn what_could_be_something_else_is_refused() {
        use Engine::{Mysql, Postgres, Sqlite};
        let unknown = |name: &str| TemplateFault::Unknown(name.to_owned());
        for (engine, text, fault) in [
            (Postgres, " ; ", TemplateFault::Length),
            (Postgres, "a\0", TemplateFault::Length),
            (Postgres, "a; b", TemplateFault::Several),
            (Postgres, "'a", TemplateFault::Open),
            (Mysql, r"'\'", TemplateFault::Open),
            (Postgres, "/* /* */", TemplateFault::Open),
            (Sqlite, "/*", TemplateFault::Open),
            (Postgres, "$a$ $b$", TemplateFault::Open),
            (Postgres, ":mail", unknown("mail")),
            (Postgres, "a[1:n]", unknown("n")),
            (Postgres, "a = $1", TemplateFault::Nameless('$')),
            (Mysql, "a = ?", TemplateFault::Nameless('?')),
            (Sqlite, "a = @x", TemplateFault::Nameless('@')),
            (Mysql, "1--:x", unknown("x")),
        ] {
            assert_eq!(spelled(text, engine), Err(fault), "{text}");
        }
    }
}
