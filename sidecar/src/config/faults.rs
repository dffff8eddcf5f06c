//! What is wrong with a configuration: every fault with its place and its remedy, all of them at once.

use std::fmt;
use std::io;
use std::path::Path;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line in the file, from 1; absent for defaults and for what is missing.
    pub line: Option<usize>,
    /// The key's path; empty where the file as a whole is meant.
    pub key: String,
    pub problem: String,
    pub remedy: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(out, "line {line}: ")?;
        }
        if !self.key.is_empty() {
            write!(out, "{}: ", self.key)?;
        }
        write!(out, "{}\n    {}", self.problem, self.remedy)
    }
}

/// One fault or more, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
pub struct Faults(Vec<Fault>);

impl Faults {
    pub fn list(&self) -> &[Fault] {
        &self.0
    }

    pub(super) fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self(vec![Fault {
            line: None,
            key: String::new(),
            problem: format!("{} cannot be read: {error}", path.display()),
            remedy: "name the configuration with --config, or leave it out to run on the defaults"
                .to_owned(),
        }])
    }

    pub(super) fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn sorted(mut self) -> Self {
        self.0.sort_by_key(|fault| (fault.line.unwrap_or(usize::MAX), fault.key.clone()));
        self
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.0.iter().enumerate() {
            if at > 0 {
                writeln!(out)?;
            }
            write!(out, "{fault}")?;
        }
        Ok(())
    }
}
