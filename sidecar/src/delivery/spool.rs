//! Texts as files, for whatever sends them on. Invariant: a file appears whole or not at all, and only its owner reads it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use contract::address::Phone;
use contract::signature::hex;
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

use crate::clock::Millis;

use super::{Delivery, Letter, Reason};

/// A directory of `<unix ms>-<id>.txt`: a line `To: +..`, an empty line, the text in one line.
#[derive(Clone, Debug)]
pub(super) struct Spool(PathBuf);

impl Spool {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self(directory)
    }

    pub(super) async fn put(
        &self,
        letter: &Letter,
        to: &Phone,
        text: &str,
        now: Millis,
    ) -> Delivery {
        let directory = self.0.clone();
        let name = format!("{}-{}", now.0, hex(&letter.id));
        let content = Zeroizing::new(format!("To: {}\n\n{text}\n", to.as_str()));
        match spawn_blocking(move || put_file(&directory, &name, &content)).await {
            Ok(Ok(())) => Delivery::Sent,
            _ => Delivery::Later(Reason::Spool),
        }
    }
}

fn put_file(directory: &Path, name: &str, content: &str) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let unfinished = directory.join(format!(".{name}.tmp"));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()?;
    fs::rename(&unfinished, directory.join(format!("{name}.txt")))?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use contract::address::Address;
    use contract::language::Language;

    use std::sync::Arc;

    use crate::config::Sender;
    use crate::delivery::LetterKind;

    use super::*;

    fn letter() -> (Letter, Phone) {
        let phone = Phone::parse("+8613800138000", None).unwrap();
        let kind = LetterKind::Changed { at: Millis(0), name: None, agent: None };
        (
            Letter {
                id: [0xab; 16],
                sender: Arc::new(Sender { from: "a@b.example".parse().unwrap(), reply_to: None }),
                to: Address::Phone(phone.clone()),
                language: Language::English,
                kind,
            },
            phone,
        )
    }

    #[tokio::test]
    async fn a_text_becomes_a_private_file() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().join("spool");
        let (letter, phone) = letter();
        let sent =
            Spool::new(directory.clone()).put(&letter, &phone, "Hello 你好", Millis(17)).await;
        assert_eq!(sent, Delivery::Sent);
        let names: Vec<_> =
            fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["17-abababababababababababababababab.txt"]);
        let file = directory.join(&names[0]);
        assert_eq!(fs::read_to_string(&file).unwrap(), "To: +8613800138000\n\nHello 你好\n");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(directory.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[tokio::test]
    async fn a_spool_that_cannot_be_written_is_tried_later() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (letter, phone) = letter();
        let sent =
            Spool::new(file.path().join("spool")).put(&letter, &phone, "x", Millis(17)).await;
        assert_eq!(sent, Delivery::Later(Reason::Spool));
    }
}
