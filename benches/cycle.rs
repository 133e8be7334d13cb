use std::sync::atomic::{AtomicUsize, Ordering};

use commerce_auth::{
    random::{ChaChaRandom, SecureRandom},
    token::Digest,
};

/// The control of a look-up: a table whose lines form one random cycle. It shows how long the
/// digest of a token and one wait for memory take together.
#[derive(Debug)]
pub struct Cycle {
    lines: Vec<Line>,
    place: AtomicUsize,
}

/// The index of the next line of the cycle, in a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Line(usize);

impl Cycle {
    /// Returns a cycle through this many lines, by Sattolo's algorithm.
    pub fn of(lines: usize) -> Self {
        let mut bytes = vec![0; lines * 8];
        ChaChaRandom::new().fill(&mut bytes).expect("the operating system has random bytes");
        let mut random = bytes.as_chunks().0.iter().map(|bytes| usize::from_le_bytes(*bytes));
        let mut lines: Vec<_> = (0..lines).map(Line).collect();
        for (last, random) in (1..lines.len()).rev().zip(&mut random) {
            lines.swap(last, random % last);
        }
        Self { lines, place: AtomicUsize::new(0) }
    }

    /// Computes the digest of a token, and then follows the cycle by one line.
    ///
    /// `nothing` is zero, which the compiler does not know. So the load waits for the digest.
    pub fn step(&self, token: &str, nothing: usize) -> usize {
        let digest = Digest::of(token.as_bytes());
        let digest = usize::from(digest.as_bytes()[0]);
        let place = self.place.load(Ordering::Relaxed);
        let next = self.lines[place ^ (digest & nothing)].0;
        self.place.store(next, Ordering::Relaxed);
        next
    }
}
