//! Text messages that the sidecar wrote into a directory, one file each.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{Staged, until};

/// One text message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The name of its file.
    pub name: String,
    pub text: String,
}

/// The directory.
#[derive(Clone, Debug)]
pub struct Texts(PathBuf);

impl Texts {
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self(dir.to_owned())
    }

    /// The messages whose file or name mentions this number, oldest first.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn to(&self, number: &str) -> Staged<Vec<Text>> {
        let mut found: Vec<(SystemTime, String, String)> = Vec::new();
        if !self.0.is_dir() {
            return Ok(Vec::new());
        }
        for entry in std::fs::read_dir(&self.0)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // A name that begins with a dot is a file that is still being written, and may be gone by now.
            if name.starts_with('.') {
                continue;
            }
            let meta = entry.metadata()?;
            if !meta.is_file() {
                continue;
            }
            let text = String::from_utf8_lossy(&std::fs::read(entry.path())?).into_owned();
            if name.contains(number) || text.contains(number) {
                found.push((meta.modified()?, name, text));
            }
        }
        found.sort();
        Ok(found.into_iter().map(|(_, name, text)| Text { name, text }).collect())
    }

    /// Waits until there are at least `count` messages to that number.
    ///
    /// # Errors
    /// The deadline passed.
    pub fn wait_for(&self, number: &str, count: usize) -> Staged<Vec<Text>> {
        until("text messages", || Ok(Some(self.to(number)?).filter(|texts| texts.len() >= count)))
    }
}
