//! Hashes whose salt has a column of its own: one text with us, two cells with the app. Invariant: what is split here is
//! joined to the same text, so a hash that was written is known again.

/// How such a hash begins in one piece, as `$pbkdf2-sha256-hex$i=600000$`. No row tells it: the app has it in its code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Salted {
    pub beginning: String,
}

impl Salted {
    /// The cells of a salt and of a hash, as one text. A hash that begins with `$` carries its salt itself.
    pub(super) fn join(&self, salt: Option<&str>, hash: &str) -> String {
        match salt {
            Some(salt) if !salt.is_empty() && !hash.starts_with('$') => {
                format!("{}{salt}${hash}", self.beginning)
            }
            _ => hash.to_owned(),
        }
    }

    /// The salt, where it is not in the hash, and the hash.
    pub(super) fn split<'h>(&self, hash: &'h str) -> (Option<&'h str>, &'h str) {
        let rest = hash.strip_prefix(&self.beginning);
        match rest.and_then(|rest| rest.split_once('$')) {
            Some((salt, tag)) => (Some(salt), tag),
            None => (None, hash),
        }
    }

    /// A hash of nobody, for a trial.
    pub(super) fn example(&self) -> String {
        // What new hashes have: 16 bytes of salt, and SHA-512's tag where it is not SHA-256's. Digits alone, which a column may
        // take for a number, and letters, which something may change.
        let tag = if self.beginning.contains("sha512") { 8 } else { 4 };
        let (salt, tag) = ("01234567".repeat(4), "0123456789abcdef".repeat(tag));
        format!("{}{salt}${tag}", self.beginning)
    }
}

#[cfg(test)]
mod tests {
    use super::Salted;

    #[test]
    fn what_is_split_is_joined_again() {
        let salted = Salted { beginning: "$pbkdf2-sha256-hex$i=600000$".to_owned() };
        let table = [
            (Some("0a0b"), "c0ffee", "$pbkdf2-sha256-hex$i=600000$0a0b$c0ffee"),
            (None, "c0ffee", "c0ffee"),
            (None, "$2b$12$abc", "$2b$12$abc"),
        ];
        for (salt, hash, whole) in table {
            assert_eq!(salted.join(salt, hash), whole);
            assert_eq!(salted.split(whole), (salt, hash));
        }
        assert_eq!(salted.join(Some(""), "c0ffee"), "c0ffee");
        assert_eq!(salted.join(Some("left"), "$2b$12$abc"), "$2b$12$abc");
    }
}
