//! Memory of other programs, from `/proc`: the proportional set size, where a page that several share counts in parts.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::fault::{Benched, fault};

/// Short beside what is measured, long beside what a look costs.
const LOOK: Duration = Duration::from_millis(25);

/// MiB of a process now.
pub(crate) fn of(pid: u32) -> Benched<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    read(&text).ok_or_else(|| fault("smaps_rollup cannot be read"))
}

/// MiB that a process has for itself alone.
pub(crate) fn private(pid: u32) -> Benched<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let parts = ["Private_Clean:", "Private_Dirty:"].map(|name| field(&text, name));
    parts.into_iter().sum::<Option<f64>>().ok_or_else(|| fault("smaps_rollup cannot be read"))
}

/// What `work` gives, and the most MiB that the process had meanwhile.
pub(crate) fn peak<T>(pid: u32, work: impl FnOnce() -> Benched<T>) -> Benched<(T, f64)> {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut most = of(pid)?;
            while !done.load(Ordering::Relaxed) {
                thread::sleep(LOOK);
                most = most.max(of(pid)?);
            }
            Ok(most)
        });
        let result = work();
        done.store(true, Ordering::Relaxed);
        let most = watch.join().unwrap_or_else(|_| Err(fault("the watch panicked")));
        Ok((result?, most?))
    })
}

fn read(text: &str) -> Option<f64> {
    field(text, "Pss:")
}

/// MiB of one line.
fn field(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u32 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(f64::from(kib) / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proportional_size_is_read() {
        let text = "55d0-7fff ---p 0 00:00 0 [rollup]\nRss:    9999 kB\nPss:    2048 kB\nPss_Dirty: 1 kB\n";
        assert!((read(text).unwrap() - 2.0).abs() < 1e-9);
        assert!(of(std::process::id()).unwrap() > 0.1);
    }
}
