//! The file of breached passwords, as Have I Been Pwned publishes it: sorted lines `HASH:count`, SHA-1 or NTLM.
//! Invariant: it is read by position and never mapped, so that a file that is cut or changed under us is a fault and not a
//! crash; a fault is never taken for "not in it".

use std::cmp::Ordering;
use std::fs::File;
use std::io::ErrorKind;
use std::iter::from_fn;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use md4::{Digest, Md4};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use thiserror::Error;
use zeroize::Zeroizing;

/// What is read at a time: some ninety lines.
const BLOCK: usize = 4096;
/// Read at places all over the file when it is opened.
const SAMPLES: u64 = 64;
/// Halving alone would end within so many reads, and no file has more lines.
const MOST_READS: u32 = 128;

/// An open file.
#[derive(Debug)]
pub struct BreachedFile {
    file: File,
    length: u64,
    kind: Kind,
}

/// Which hash the lines begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sha1,
    Ntlm,
}

#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum FileFault {
    #[error("it cannot be read")]
    Unreadable,
    #[error(
        "its first line is not a hash of 40 (SHA-1) or 32 (NTLM) hexadecimal digits, a colon and a count"
    )]
    Form,
    #[error("its lines are not sorted by hash")]
    Unsorted,
    #[error("it is not what it was when it was opened")]
    Changed,
}

/// Up to 20 bytes of hash, the rest zero: they compare like the lines.
type Key = [u8; 20];

/// A stretch of the file that begins and ends with a line, and keys that bound what is in it.
#[derive(Clone, Copy)]
struct Span {
    from: u64,
    to: u64,
    low: Key,
    high: Key,
}

impl BreachedFile {
    /// Opens it, tells its hash from its first line, and looks at samples of its order.
    pub fn open(path: &Path) -> Result<Self, FileFault> {
        let file = File::open(path).map_err(|_| FileFault::Unreadable)?;
        let length = file.metadata().map_err(|_| FileFault::Unreadable)?.len();
        let mut head = [0; 64];
        let read = file.read_at(&mut head, 0).map_err(|_| FileFault::Unreadable)?;
        let line = head.get(..read).and_then(|head| head.split(|byte| *byte == b'\n').next());
        let kind = match line.and_then(|line| line.iter().position(|byte| *byte == b':')) {
            Some(40) => Kind::Sha1,
            Some(32) => Kind::Ntlm,
            _ => return Err(FileFault::Form),
        };
        let opened = Self { file, length, kind };
        opened.check()?;
        Ok(opened)
    }

    pub fn contains(&self, password: &str) -> Result<bool, FileFault> {
        self.find(&self.kind.key(password))
    }

    fn find(&self, key: &Key) -> Result<bool, FileFault> {
        let mut span = Span { from: 0, to: self.length, low: [0; 20], high: [255; 20] };
        for read in 0..MOST_READS {
            // Hashes lie evenly, so a guess by value is nearly right; halving now and then bounds what it costs when not.
            let middle = if read % 4 == 3 { span.from / 2 + span.to / 2 } else { span.guess(key) };
            match self.look(span, middle, key)? {
                Look::Found => return Ok(true),
                Look::Absent => return Ok(false),
                Look::Within(less) => span = less,
            }
        }
        Err(FileFault::Unsorted)
    }

    /// Whether the lines of some blocks rise, and the blocks too.
    fn check(&self) -> Result<(), FileFault> {
        let mut before: Key = [0; 20];
        for sample in 0..=SAMPLES {
            let block = self.block((self.length / SAMPLES).saturating_mul(sample))?;
            let mut last = before;
            for (nth, line) in block.lines().enumerate() {
                let (_, key) = self.kind.parse(line?).ok_or(FileFault::Form)?;
                if key < last {
                    return Err(FileFault::Unsorted);
                }
                last = key;
                before = if nth == 0 { key } else { before };
            }
        }
        Ok(())
    }

    /// Reads about `middle`, and tells what that says of the key.
    fn look(&self, span: Span, middle: u64, key: &Key) -> Result<Look, FileFault> {
        let block = self.block(middle.saturating_sub(BLOCK as u64 / 2).max(span.from))?;
        let mut last = None;
        for line in block.lines() {
            let (place, found) = self.kind.parse(line?).ok_or(FileFault::Changed)?;
            match found.cmp(key) {
                Ordering::Equal => return Ok(Look::Found),
                // The line before it was less.
                Ordering::Greater if last.is_some() || place.start <= span.from => {
                    return Ok(Look::Absent);
                }
                Ordering::Greater => {
                    return Ok(Look::Within(Span { to: place.start, high: found, ..span }));
                }
                Ordering::Less => last = Some((place.end, found)),
            }
        }
        match last {
            None => Err(FileFault::Changed),
            Some((end, _)) if end >= span.to => Ok(Look::Absent),
            Some((end, found)) => Ok(Look::Within(Span { from: end, low: found, ..span })),
        }
    }

    /// The lines that begin at `start` or behind it.
    fn block(&self, start: u64) -> Result<Block, FileFault> {
        // With the byte before it, which tells whether a line begins there.
        let start = start.saturating_sub(1);
        let left = self.length.saturating_sub(start);
        let size = usize::try_from(left).unwrap_or(usize::MAX).min(BLOCK);
        let mut bytes = vec![0; size];
        self.file.read_exact_at(&mut bytes, start).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => FileFault::Changed,
            _ => FileFault::Unreadable,
        })?;
        Ok(Block { bytes, start, is_last: left <= BLOCK as u64 })
    }
}

/// What a block says of a key.
enum Look {
    Found,
    Absent,
    Within(Span),
}

impl Span {
    /// Where the key would lie if the hashes between the bounds were even.
    fn guess(&self, key: &Key) -> u64 {
        let value = |key: &Key| key.first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
        let (low, high) = (value(&self.low), value(&self.high));
        let part = u128::from(value(key).saturating_sub(low));
        let whole = u128::from(high.saturating_sub(low)).max(1);
        let room = self.to.saturating_sub(self.from);
        let ahead = u128::from(room).saturating_mul(part) / whole;
        self.from.saturating_add(u64::try_from(ahead).unwrap_or(room).min(room))
    }
}

/// A piece of the file.
struct Block {
    bytes: Vec<u8>,
    start: u64,
    /// It reaches the end of the file, whose last line may lack its end.
    is_last: bool,
}

/// Where a line stands in the file, and the line.
type Line<'b> = (Range<u64>, &'b [u8]);

impl Block {
    /// Whole lines, with where they stand in the file.
    fn lines(&self) -> impl Iterator<Item = Result<Line<'_>, FileFault>> {
        let is_break = |byte: &u8| *byte == b'\n';
        let mut at = match self.start {
            0 => 0,
            _ => self.bytes.iter().position(is_break).map_or(self.bytes.len(), |at| at + 1),
        };
        from_fn(move || {
            let rest = self.bytes.get(at..).filter(|rest| !rest.is_empty())?;
            let end = match rest.iter().position(is_break) {
                Some(end) => end + 1,
                None if self.is_last => rest.len(),
                None => return None,
            };
            let from = self.start.saturating_add(at as u64);
            at = at.saturating_add(end);
            let line = rest.get(..end).ok_or(FileFault::Changed);
            Some(line.map(|line| (from..from.saturating_add(end as u64), line)))
        })
    }
}

impl Kind {
    fn digits(self) -> usize {
        match self {
            Self::Sha1 => 40,
            Self::Ntlm => 32,
        }
    }

    fn key(self, password: &str) -> Key {
        let mut key = [0; 20];
        match self {
            Self::Sha1 => {
                let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
                key.iter_mut().zip(hash.as_ref()).for_each(|(to, from)| *to = *from);
            }
            Self::Ntlm => {
                let units = password.encode_utf16().flat_map(u16::to_le_bytes);
                let text: Zeroizing<Vec<u8>> = Zeroizing::new(units.collect());
                let hash = Md4::digest(&*text);
                key.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
            }
        }
        key
    }

    /// The hash that a line begins with.
    fn parse(self, (place, line): Line<'_>) -> Option<(Range<u64>, Key)> {
        if line.get(self.digits()) != Some(&b':') {
            return None;
        }
        let mut key = [0; 20];
        for (byte, pair) in key.iter_mut().zip(line.get(..self.digits())?.chunks_exact(2)) {
            let digit = |at: usize| char::from(*pair.get(at)?).to_digit(16);
            *byte = u8::try_from(digit(0)? << 4 | digit(1)?).ok()?;
        }
        Some((place, key))
    }
}

#[cfg(test)]
mod tests;
