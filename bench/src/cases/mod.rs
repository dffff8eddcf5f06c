//! What can be measured; one case a file.

mod initiate;

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use crate::fault::Benched;
use crate::figure::Figure;

/// What all cases need.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) root: PathBuf,
    pub(crate) rounds: usize,
    /// Of one round.
    pub(crate) requests: usize,
}

/// A case.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Bench) -> Benched<Vec<Figure>>,
}

pub(crate) const CASES: &[Case] = &[Case { name: "initiate", run: initiate::run }];

impl Bench {
    pub(crate) fn dir(&self, case: &str) -> Benched<PathBuf> {
        let dir = self.root.join(case);
        std::fs::create_dir_all(&dir)?;
        Ok(dir)
    }

    /// An address where nobody listens.
    pub(crate) fn nobody(&self) -> Benched<SocketAddr> {
        Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
    }

    /// Progress, on standard error.
    pub(crate) fn say(&self, text: &str) -> Benched<()> {
        Ok(writeln!(std::io::stderr(), "{text}")?)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
}
