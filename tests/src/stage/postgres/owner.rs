//! Whose the server's processes and files are: ours, or, because PostgreSQL refuses to run as root, those of somebody
//! with fewer rights.

use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;

use crate::stage::{Fault, Staged};

/// Tried in this order when we are root.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Us,
    Other { user: u32, group: u32 },
}

impl Owner {
    pub(super) fn find() -> Staged<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Us);
        }
        let passwd = std::fs::read_to_string("/etc/passwd")?;
        let found = CANDIDATES.iter().find_map(|name| ids(&passwd, name));
        let (user, group) = found.ok_or_else(|| {
            Fault::new("nobody to run PostgreSQL as", "neither postgres nor nobody is a user here")
        })?;
        Ok(Self::Other { user, group })
    }

    /// The program, to be run as this owner.
    pub(super) fn command(self, program: &Path) -> Command {
        match self {
            Self::Us => Command::new(program),
            Self::Other { user, group } => {
                let mut command = Command::new("setpriv");
                command
                    .args([format!("--reuid={user}"), format!("--regid={group}")])
                    .args(["--clear-groups", "--"])
                    .arg(program);
                command
            }
        }
    }

    pub(super) fn take(self, path: &Path) -> Staged<()> {
        match self {
            Self::Us => Ok(()),
            Self::Other { user, group } => Ok(chown(path, Some(user), Some(group))?),
        }
    }
}

fn ids(passwd: &str, name: &str) -> Option<(u32, u32)> {
    let mut lines = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let fields = lines.find(|fields| fields.first() == Some(&name))?;
    Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_name() {
        let passwd =
            "root:x:0:0::/:/bin/sh\nnobody2:x:1:1:::\nnobody:x:65534:65533:n:/:/bin/false\n";
        assert_eq!(ids(passwd, "nobody"), Some((65534, 65533)));
        assert_eq!(ids(passwd, "postgres"), None);
    }
}
