//! A header map in one piece of memory: names in lower case and values, in order, doubled ones too. Invariant: a place
//! lies inside the bytes. Hosts hand over dozens of texts for every request; two allocations hold them all.

use alloc::vec::Vec;
use core::ops::Range;

#[derive(Clone, Debug, Default)]
pub struct Headers {
    bytes: Vec<u8>,
    places: Vec<(Range<usize>, Range<usize>)>,
}

impl Headers {
    /// Room for so many pairs of so many bytes in all.
    pub fn with_capacity(pairs: usize, bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), places: Vec::with_capacity(pairs) }
    }

    /// The name in whichever case: some hosts leave it as it came.
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        let place = (self.keep(name), self.keep(value));
        if let Some(name) = self.bytes.get_mut(place.0.clone()) {
            name.make_ascii_lowercase();
        }
        self.places.push(place);
    }

    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let text = |place: &Range<usize>| self.bytes.get(place.clone()).unwrap_or_default();
        self.places.iter().map(move |(name, value)| (text(name), text(value)))
    }

    /// The first value of this header; its name in lower case.
    pub fn first(&self, name: &[u8]) -> Option<&[u8]> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    fn keep(&mut self, text: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text);
        start..self.bytes.len()
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut headers = Self::default();
        for (name, value) in pairs {
            headers.push(name.as_ref(), value.as_ref());
        }
        headers
    }
}
