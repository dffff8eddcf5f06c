//! Places where a test has the program die, or linger. Invariant: a release knows none of them, and a debug build only
//! what the files `crash` (a place) and `delay` (an address) of its data directory said at the start.

#[cfg(debug_assertions)]
mod armed {
    use std::fs;
    use std::path::Path;
    use std::sync::OnceLock;
    use std::time::{Duration, Instant};

    /// What the timing rig must find.
    const DELAY: Duration = Duration::from_micros(100);

    static ARMED: OnceLock<Armed> = OnceLock::new();

    #[derive(Debug)]
    struct Armed {
        point: Option<String>,
        address: Option<String>,
    }

    /// Reads the files, once.
    pub fn arm(data: &Path) {
        let read = |name| fs::read_to_string(data.join(name)).ok().map(|text| text.trim().into());
        ARMED.get_or_init(|| Armed { point: read("crash"), address: read("delay") });
    }

    /// Ends the program here, as SIGKILL would: nothing is flushed, closed or answered.
    pub(crate) fn point(name: &str) {
        if ARMED.get().is_some_and(|armed| armed.point.as_deref() == Some(name)) {
            std::process::abort();
        }
    }

    /// Works for 100 microseconds where it is this address.
    pub(crate) fn linger(address: &str) {
        if ARMED.get().is_some_and(|armed| armed.address.as_deref() == Some(address)) {
            let begun = Instant::now();
            while begun.elapsed() < DELAY {
                std::hint::spin_loop();
            }
        }
    }
}

#[cfg(not(debug_assertions))]
mod armed {
    use std::path::Path;

    pub fn arm(_data: &Path) {}

    pub(crate) fn point(_name: &str) {}

    pub(crate) fn linger(_address: &str) {}
}

pub use armed::arm;
pub(crate) use armed::{linger, point};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_happens_where_nothing_is_asked_for() {
        arm(tempfile::tempdir().unwrap().path());
        point("initiate.taken");
        linger("ann@example.org");
    }
}
