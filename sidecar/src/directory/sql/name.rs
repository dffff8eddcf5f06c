//! Names of tables and columns. Invariant: a name is letters, digits and underscores, so that nothing in it can end a quote;
//! it is quoted all the same, so that `user` and `order` are names, too.

use std::fmt;

use super::Engine;

/// What every engine allows.
const LONGEST: usize = 63;

/// The name of a column.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Column(String);

/// The name of a table, perhaps with its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableName {
    schema: Option<Column>,
    name: Column,
}

impl Column {
    pub fn parse(text: &str) -> Option<Self> {
        let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let holds = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        (begins && holds && text.len() <= LONGEST).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn quoted(&self, engine: Engine) -> String {
        match engine {
            Engine::Mysql => format!("`{}`", self.0),
            Engine::Postgres | Engine::Sqlite => format!("\"{}\"", self.0),
        }
    }
}

impl TableName {
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once('.') {
            Some((schema, name)) => {
                Some(Self { schema: Some(Column::parse(schema)?), name: Column::parse(name)? })
            }
            None => Some(Self { schema: None, name: Column::parse(text)? }),
        }
    }

    pub(super) fn name(&self) -> &Column {
        &self.name
    }

    pub(super) fn schema(&self) -> Option<&Column> {
        self.schema.as_ref()
    }

    pub(super) fn quoted(&self, engine: Engine) -> String {
        match &self.schema {
            Some(schema) => format!("{}.{}", schema.quoted(engine), self.name.quoted(engine)),
            None => self.name.quoted(engine),
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(out, "{}.", schema.0)?;
        }
        out.write_str(&self.name.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_of_a_closed_grammar() {
        for good in ["id", "_id", "userId", "a1", "encrypted_password"] {
            assert_eq!(Column::parse(good).unwrap().as_str(), good);
        }
        let longest = "a".repeat(LONGEST);
        assert!(
            Column::parse(&longest).is_some() && Column::parse(&format!("{longest}a")).is_none()
        );
        for bad in
            ["", "1a", "a b", "a.b", "a\"", "a`", "a'", "a;--", "a\0", "é", "a-b", "a\n", "*"]
        {
            assert!(Column::parse(bad).is_none(), "{bad:?}");
            assert!(TableName::parse(&format!("s.{bad}")).is_none(), "{bad:?}");
        }
        assert!(TableName::parse("a.b.c").is_none());
    }

    #[test]
    fn names_are_quoted_as_the_engine_does() {
        let table = TableName::parse("app.user").unwrap();
        assert_eq!(table.quoted(Engine::Mysql), "`app`.`user`");
        assert_eq!(table.quoted(Engine::Postgres), "\"app\".\"user\"");
        assert_eq!(table.to_string(), "app.user");
    }
}
