//! What the models of a store's verbs have in common.
//!
//! They are plain sequential data. A store may sweep a record from the moment at which a verb is told that it
//! has expired. A clock that then goes back finds it or does not: such a record is `unsure`, and the store's
//! next answer settles it.

use std::fmt::Debug;

use commerce_auth::{Digest, MemoryStore};
use futures_util::FutureExt;
use time::{Duration, OffsetDateTime};

/// A verb that was called: `Op` is the script's line, the rest comes from the thread that runs it.
#[derive(Clone, Debug)]
pub(crate) struct Asked<Op, Known> {
    pub(crate) now: i64,
    /// Names the call, and what it brings into the store.
    pub(crate) tag: u8,
    pub(crate) op: Op,
    pub(crate) known: Known,
}

/// A sequential model of some verbs.
pub(crate) trait Spec: Clone + Default + PartialEq {
    type Op: Copy + Debug + Send + Sync;
    /// What a thread has learnt from the answers it got, and hands on to later calls.
    type Known: Clone + Default + Debug + Send;
    type Answer: Debug + Send;

    fn call(store: &MemoryStore, asked: &Asked<Self::Op, Self::Known>) -> Self::Answer;

    fn learn(_known: &mut Self::Known, _asked: &Asked<Self::Op, Self::Known>, _answer: &Self::Answer) {}

    /// The steps of which a verb may be seen to consist while it has not returned: the first comes first, the
    /// others in any order.
    fn steps(op: Self::Op) -> Vec<Self::Op> {
        vec![op]
    }

    /// Whether the answer is right at this point; if it is, the model moves on.
    fn step(&mut self, asked: &Asked<Self::Op, Self::Known>, answer: &Self::Answer) -> bool;
}

pub(crate) fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::seconds(seconds)
}

pub(crate) fn seconds(at: OffsetDateTime) -> i64 {
    at.unix_timestamp()
}

pub(crate) fn number(digest: &Digest) -> u8 {
    digest.as_bytes()[0]
}

/// Half of them share a shard of the store.
pub(crate) fn digest(number: u8) -> Digest {
    let mut bytes = [number; 32];
    bytes[31] = number % 2;
    Digest::from_bytes(bytes)
}

/// The memory store never waits.
pub(crate) fn done<T, E: Debug>(verb: impl Future<Output = Result<T, E>>) -> T {
    verb.now_or_never().expect("a verb that waits").unwrap()
}
