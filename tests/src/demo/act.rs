//! One act: a reset in one dialect over one way, as data. `play` knows how the play goes, an act what is said in it.

use contract::address::Channel;
use contract::json::Writer;
use serde_json::Value;

use super::letter::{Proof, Wanted};
use crate::http::{Call, Reply};
use crate::installation::Person;

/// A reset from the ask to the new password.
#[derive(Clone, Copy, Debug)]
pub struct Act {
    pub dialect: &'static str,
    /// Short and unique: the account's id.
    pub key: &'static str,
    pub title: &'static str,
    pub channel: Channel,
    pub ask: fn(&Person) -> Call,
    pub asked: Says,
    /// What the letter carries.
    pub letter: Wanted,
    pub verify: Option<Verify>,
    /// Where a client looks for the keys that it encrypts the new password with; where it sends it plain, nowhere.
    pub keys: Option<&'static str>,
    pub confirm: fn(&Attempt<'_>) -> Call,
    pub done: Says,
    pub refused: Says,
    /// A call of somebody else: on the same path where the dialect shares it, else next door.
    pub theirs: Theirs,
    /// Whether the answer logs the user in, and as whose client.
    pub login: Option<&'static str>,
}

/// A code is exchanged for a grant first.
#[derive(Clone, Copy, Debug)]
pub struct Verify {
    pub call: fn(&Person, &str) -> Call,
    pub granted: Says,
    pub refused: Says,
}

#[derive(Clone, Copy, Debug)]
pub struct Theirs {
    pub what: &'static str,
    pub call: fn() -> Call,
}

/// What a confirm is made of.
#[derive(Clone, Debug)]
pub struct Attempt<'a> {
    pub person: &'a Person,
    /// Link token or grant, and code; what the act does not use may be empty.
    pub proof: Proof,
    pub password: &'a str,
    /// The document of public keys; null where the act wants none.
    pub keys: Value,
    /// What the ask's answer told the browser to keep.
    pub cookie: Option<String>,
}

/// A documented answer. In the body `{request}` stands for the answer's request id, `{token}` for any token.
#[derive(Clone, Copy, Debug)]
pub struct Says {
    pub status: u16,
    pub kind: &'static str,
    pub body: &'static str,
}

pub(super) const JSON: &str = "application/json; charset=utf-8";

impl Says {
    pub(super) const fn json(status: u16, body: &'static str) -> Self {
        Self { status, kind: JSON, body }
    }

    /// The token in the answer (empty where there is none), or in what it differs.
    ///
    /// # Errors
    /// The answer is another one.
    pub fn check(&self, reply: &Reply) -> Result<String, String> {
        if reply.status != self.status {
            return Err(format!("{} instead of {}: {}", reply.status, self.status, reply.text()));
        }
        for (name, expected) in [("content-type", self.kind), ("cache-control", "no-store")] {
            let found = reply.header(name).unwrap_or_default();
            if found != expected {
                return Err(format!("{name} is `{found}` instead of `{expected}`"));
            }
        }
        let request = reply.header("x-request-id").ok_or("no x-request-id")?;
        let expected = self.body.replace("{request}", &request);
        let (before, after) = expected.split_once("{token}").unwrap_or((&expected, ""));
        let text = reply.text();
        let token = text.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
        match token {
            Some(token) if token.is_empty() != self.body.contains("{token}") => {
                Ok(token.to_owned())
            }
            _ => Err(format!("{text:?} instead of {expected:?}")),
        }
    }

    /// The member that holds the token.
    #[must_use]
    pub fn token_member(&self) -> Option<&'static str> {
        let (before, _) = self.body.split_once("\":\"{token}")?;
        before.rsplit('"').next()
    }
}

/// A JSON object of strings, in this order.
pub(super) fn object(members: &[(&str, &str)]) -> String {
    let object =
        members.iter().fold(Writer::object(), |object, (name, value)| object.string(name, value));
    object.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(body: &str) -> Reply {
        let field = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
        Reply {
            status: 200,
            headers: vec![
                field("content-type", JSON),
                field("cache-control", "no-store"),
                field("x-request-id", "r1"),
            ],
            body: body.as_bytes().to_vec(),
            trailers: vec![],
        }
    }

    #[test]
    fn answers_are_compared_to_the_byte() {
        let says = Says::json(200, r#"{"a":"{request}","grant":"{token}"}"#);
        assert_eq!(says.check(&reply(r#"{"a":"r1","grant":"ff"}"#)).unwrap(), "ff");
        for other in [r#"{"a":"r2","grant":"ff"}"#, r#"{"a":"r1","grant":""}"#, "", r#"{"a":"r1"}"#]
        {
            assert!(says.check(&reply(other)).is_err(), "{other}");
        }
        assert_eq!(says.token_member(), Some("grant"));
        assert!(Says::json(200, "x").check(&reply("x")).is_ok());
        assert!(Says::json(200, "x").check(&reply("xy")).is_err());
    }
}
