//! CPU time of other programs, from `/proc`: user and system together.

use std::fs;
use std::time::{Duration, Instant};

use crate::fault::{Benched, fault};

/// The kernel tells times in hundredths of a second (`USER_HZ`), on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// A program is quiet when it uses less than this in a `LOOK`.
const QUIET: Duration = Duration::from_millis(20);
const LOOK: Duration = Duration::from_millis(250);

struct Stat {
    parent: u32,
    own: Duration,
    /// Of its children that ended.
    ended: Duration,
}

/// What one process used so far.
pub(crate) fn of(pid: u32) -> Benched<Duration> {
    stat(pid).map(|stat| stat.own)
}

/// What the threads of a process used so far, to the nanosecond; threads that ended meanwhile are lost.
pub(crate) fn exact(pid: u32) -> Benched<Duration> {
    let mut all = 0_u64;
    for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(entry?.path().join("schedstat")).unwrap_or_default();
        let on_cpu = text.split(' ').next().and_then(|text| text.parse::<u64>().ok());
        all = all.saturating_add(on_cpu.unwrap_or(0));
    }
    if all == 0 {
        Err(fault("the kernel keeps no schedstat"))
    } else {
        Ok(Duration::from_nanos(all))
    }
}

/// What `work` gives, and the CPU time that this thread took for it.
pub(crate) fn timed<T>(work: impl FnOnce() -> Benched<T>) -> Benched<(T, Duration)> {
    let now = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(
            u64::try_from(time.tv_sec).unwrap_or(0),
            u32::try_from(time.tv_nsec).unwrap_or(0),
        )
    };
    let before = now();
    let done = work()?;
    Ok((done, now().saturating_sub(before)))
}

/// What the calling thread used so far.
pub(crate) fn of_this_thread() -> Benched<Duration> {
    let text = fs::read_to_string("/proc/thread-self/stat")?;
    read(&text).map(|stat| stat.own).ok_or_else(|| fault("our own stat cannot be read"))
}

/// What the threads of this name used so far.
pub(crate) fn of_threads(pid: u32, name: &str) -> Benched<Duration> {
    let mut all = Duration::ZERO;
    for entry in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(entry?.path().join("stat"))?;
        if text.contains(&format!("({name})")) {
            let stat = read(&text).ok_or_else(|| fault("a thread's stat cannot be read"))?;
            all = all.saturating_add(stat.own);
        }
    }
    Ok(all)
}

/// What a process and its children used so far, those that ended included.
pub(crate) fn of_family(pid: u32) -> Benched<Duration> {
    let head = stat(pid)?;
    let mut all = head.own.saturating_add(head.ended);
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let child = name.to_str().and_then(|name| name.parse().ok()).map(stat);
        if let Some(Ok(child)) = child
            && child.parent == pid
        {
            all = all.saturating_add(child.own);
        }
    }
    Ok(all)
}

/// Waits until a process has nothing left to do.
pub(crate) fn wait_until_quiet(pid: u32, patience: Duration) -> Benched<()> {
    let end = Instant::now() + patience;
    let mut before = of(pid)?;
    while Instant::now() < end {
        std::thread::sleep(LOOK);
        let now = of(pid)?;
        if now.saturating_sub(before) < QUIET {
            return Ok(());
        }
        before = now;
    }
    Err(fault("the sidecar did not come to rest"))
}

fn stat(pid: u32) -> Benched<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    read(&text).ok_or_else(|| fault(format!("/proc/{pid}/stat cannot be read")))
}

/// The program's name stands in parentheses and may hold anything; the fields after it are numbered from 3.
fn read(text: &str) -> Option<Stat> {
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |at: usize| fields.get(at.checked_sub(3)?)?.parse::<u32>().ok();
    let time = |user, system| Some(TICK * number(user)?.checked_add(number(system)?)?);
    Some(Stat { parent: number(4)?, own: time(14, 15)?, ended: time(16, 17)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_is_read() {
        let line = "12 (a) b) S 7 12 12 0 -1 4194560 9 0 0 0 5 6 70 80 20 0 1 0 1 2 3";
        let stat = read(line).unwrap();
        assert_eq!(stat.parent, 7);
        assert_eq!(stat.own, Duration::from_millis(110));
        assert_eq!(stat.ended, Duration::from_millis(1500));
        assert!(of(std::process::id()).is_ok());
    }
}
