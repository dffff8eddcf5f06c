//! The contexts of one VM by the host's numbers. Invariant: a context is out of here while it works, so that a host
//! that calls back in the middle of a hostcall finds nothing to do instead of a context at work.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::metrics::Timed;
use crate::root_context::Root;

/// A VM serves one thread; plugins that share it have a root each.
pub(crate) struct Vm {
    roots: Numbered<Root>,
    streams: Numbered<Box<Timed>>,
}

impl Vm {
    pub(crate) const fn new() -> Self {
        Self { roots: Numbered::new(), streams: Numbered::new() }
    }

    /// A root of its own (`parent` is 0), or a stream of the parent's.
    pub(crate) fn create(&mut self, id: u32, parent: u32) {
        match self.roots.get(parent) {
            Some(root) => self.streams.insert(id, Box::new(root.stream())),
            None => self.roots.insert(id, Root::default()),
        }
    }

    pub(crate) fn root(&mut self, id: u32) -> Option<&mut Root> {
        self.roots.get(id)
    }

    pub(crate) fn take_stream(&mut self, id: u32) -> Option<Box<Timed>> {
        self.streams.slot(id)?.take()
    }

    /// Gives back what was taken; a stream that was deleted meanwhile is dropped.
    pub(crate) fn give_stream(&mut self, id: u32, stream: Box<Timed>) {
        if let Some(slot) = self.streams.slot(id) {
            *slot = Some(stream);
        }
    }

    pub(crate) fn delete(&mut self, id: u32) {
        self.streams.remove(id);
        self.roots.remove(id);
    }
}

/// Values by ascending number. Hosts count up, so that an insertion is at the end.
struct Numbered<T>(Vec<(u32, Option<T>)>);

impl<T> Numbered<T> {
    const fn new() -> Self {
        Self(Vec::new())
    }

    fn find(&self, id: u32) -> Result<usize, usize> {
        self.0.binary_search_by_key(&id, |(known, _)| *known)
    }

    fn slot(&mut self, id: u32) -> Option<&mut Option<T>> {
        let at = self.find(id).ok()?;
        self.0.get_mut(at).map(|(_, slot)| slot)
    }

    fn get(&mut self, id: u32) -> Option<&mut T> {
        self.slot(id)?.as_mut()
    }

    fn insert(&mut self, id: u32, value: T) {
        match self.find(id) {
            // Said for the compiler, which leaves `insert` its panic otherwise.
            Err(at) if at <= self.0.len() => self.0.insert(at, (id, Some(value))),
            _ => {}
        }
    }

    fn remove(&mut self, id: u32) {
        self.0.retain(|(known, _)| *known != id);
    }
}
