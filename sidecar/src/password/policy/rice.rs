//! A set of 64-bit fingerprints in little room: their gaps in Golomb-Rice code, in 1024 buckets that an index finds.
//! Invariant: what was put in is found; what was not is found as often as one fingerprint meets another (one in a
//! million at 115,000 members). Bytes that are no such set hold nothing.

use std::iter::from_fn;

const BUCKETS: usize = 1 << BUCKET_BITS;
const BUCKET_BITS: u32 = 10;
/// Of the fingerprint below the bucket's bits, so many are kept.
const KEPT_BITS: u32 = 27;
/// Bits of a gap that are written as they are; the rest counts in ones.
const PLAIN_BITS: u32 = 20;
/// The count, then where each bucket begins and the last one ends, in bits.
const HEAD: usize = 4 * (BUCKETS + 2);

/// The coded bytes.
#[derive(Clone, Copy, Debug)]
pub struct CodedSet<'b>(&'b [u8]);

impl<'b> CodedSet<'b> {
    pub const fn of(bytes: &'b [u8]) -> Self {
        Self(bytes)
    }

    /// How many members were put in.
    pub fn len(&self) -> usize {
        number(self.0, 0).map_or(0, |count| count as usize)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn contains(&self, fingerprint: u64) -> bool {
        let (bucket, kept) = split(fingerprint);
        let (Some(from), Some(to)) =
            (number(self.0, bucket.saturating_add(1)), number(self.0, bucket.saturating_add(2)))
        else {
            return false;
        };
        let bits = self.0.get(HEAD..).unwrap_or_default();
        members(bits, from as usize, to as usize)
            .take_while(|member| *member <= kept)
            .any(|member| member == kept)
    }

    /// Codes fingerprints, in any order; those that meet another count once.
    pub fn code(fingerprints: impl IntoIterator<Item = u64>) -> Vec<u8> {
        let mut members: Vec<(usize, u64)> = fingerprints.into_iter().map(split).collect();
        members.sort_unstable();
        members.dedup();
        let mut head: Vec<u32> = vec![u32::try_from(members.len()).unwrap_or(u32::MAX)];
        let mut bits = Bits::default();
        let mut members = members.into_iter().peekable();
        for bucket in 0..BUCKETS {
            head.push(bits.len());
            let mut last = 0;
            while let Some((_, kept)) = members.next_if(|(own, _)| *own == bucket) {
                bits.gap(kept.saturating_sub(last));
                last = kept.saturating_add(1);
            }
        }
        head.push(bits.len());
        let mut bytes: Vec<u8> = head.into_iter().flat_map(u32::to_le_bytes).collect();
        bytes.extend(bits.bytes);
        bytes
    }
}

fn split(fingerprint: u64) -> (usize, u64) {
    let bucket = fingerprint >> (u64::BITS - BUCKET_BITS);
    let kept = (fingerprint << BUCKET_BITS) >> (u64::BITS - KEPT_BITS);
    (usize::try_from(bucket).unwrap_or_default(), kept)
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at.checked_mul(4)?..)?.first_chunk()?;
    Some(u32::from_le_bytes(*four))
}

/// The members of one bucket, rising.
fn members(bits: &[u8], from: usize, to: usize) -> impl Iterator<Item = u64> {
    let mut at = from;
    let mut next = 0_u64;
    from_fn(move || {
        let mut take = || {
            let bit = *bits.get(at / 8)? >> (7 - at % 8) & 1;
            at = at.saturating_add(1);
            (at <= to).then_some(u64::from(bit))
        };
        let mut gap = 0_u64;
        while take()? == 1 {
            gap = gap.saturating_add(1);
        }
        for _ in 0..PLAIN_BITS {
            gap = gap.wrapping_shl(1) | take()?;
        }
        let member = next.saturating_add(gap);
        next = member.saturating_add(1);
        Some(member)
    })
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    /// Of the last byte.
    used: u32,
}

impl Bits {
    fn len(&self) -> u32 {
        let all = self.bytes.len().saturating_mul(8);
        let unused = if self.used == 0 { 0 } else { 8 - self.used };
        u32::try_from(all).unwrap_or(u32::MAX).saturating_sub(unused)
    }

    fn gap(&mut self, gap: u64) {
        for _ in 0..gap >> PLAIN_BITS {
            self.push(1);
        }
        self.push(0);
        for place in (0..PLAIN_BITS).rev() {
            self.push(u8::from(gap >> place & 1 == 1));
        }
    }

    fn push(&mut self, bit: u8) {
        if self.used == 0 {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= bit << (7 - self.used);
        }
        self.used = (self.used + 1) % 8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A generator of no quality but a long period.
    fn drawn(seed: u64) -> impl Iterator<Item = u64> {
        let mut state = seed;
        from_fn(move || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            Some(mixed ^ mixed >> 31)
        })
    }

    #[test]
    fn members_are_found_and_strangers_hardly_ever() {
        let members: Vec<u64> = drawn(1).take(115_000).chain([0, u64::MAX]).collect();
        let bytes = CodedSet::code(members.iter().copied());
        let set = CodedSet::of(&bytes);
        assert!(members.iter().step_by(23).all(|member| set.contains(*member)));
        assert!((114_900..=115_002).contains(&set.len()), "{}", set.len());
        assert!(bytes.len() < 320 * 1024, "{} bytes", bytes.len());
        let false_ones = drawn(2).take(200_000).filter(|other| set.contains(*other)).count();
        assert!(false_ones <= 3, "{false_ones} of 200,000");
    }

    #[test]
    fn few_and_none() {
        let empty = CodedSet::code([]);
        assert!(CodedSet::of(&empty).is_empty());
        assert!(!CodedSet::of(&empty).contains(0));
        let one = CodedSet::code([7 << 40]);
        assert!(CodedSet::of(&one).contains(7 << 40));
        assert!(!CodedSet::of(&one).contains(8 << 40));
    }

    #[test]
    fn bytes_that_are_no_set_hold_nothing() {
        let whole = CodedSet::code(drawn(3).take(1000));
        for cut in [0, 1, 5, HEAD, HEAD + 1] {
            let bytes = whole.get(..cut).unwrap();
            assert_eq!(
                drawn(3).take(1000).filter(|one| CodedSet::of(bytes).contains(*one)).count(),
                0
            );
        }
        let ones = vec![255; whole.len()];
        assert!(!CodedSet::of(&ones).contains(1));
    }
}
