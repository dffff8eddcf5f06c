//! What an examination of a directory found, for `rekey doctor`. Invariant: no finding tells a password, a hash or a full
//! address.

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// A short name for programs, as `connection`, `plan` or `write`.
    pub of: &'static str,
    pub grade: Grade,
    /// One sentence, for people.
    pub said: String,
    /// What to do; none where nothing is to be done.
    pub remedy: Option<String>,
}

/// How grave it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    Good,
    /// It works, but not well.
    Warning,
    Fault,
}

impl Grade {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Fault => "fault",
        }
    }
}

impl Finding {
    pub fn good(of: &'static str, said: impl Into<String>) -> Self {
        Self { of, grade: Grade::Good, said: said.into(), remedy: None }
    }

    pub fn warning(of: &'static str, said: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { of, grade: Grade::Warning, said: said.into(), remedy: Some(remedy.into()) }
    }

    pub fn fault(of: &'static str, said: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { of, grade: Grade::Fault, said: said.into(), remedy: Some(remedy.into()) }
    }
}
