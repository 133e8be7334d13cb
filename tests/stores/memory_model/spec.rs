//! The common parts of the models of a store's verbs.
//!
//! The models are plain sequential data. A store may sweep a record as soon as a verb gets a time
//! at which the record has expired. If the clock then goes back, the store may find the record or
//! not. Such a record is `unsure`, and the store's next answer decides.

use std::fmt::Debug;

use commerce_auth::{store::memory::MemoryStore, token::GrantId};
use futures_util::FutureExt;
use time::{Duration, OffsetDateTime};

/// A called verb: `Op` is the line of the script. The thread that runs it adds the rest.
#[derive(Clone, Debug)]
pub(crate) struct Asked<Op, Known> {
    pub(crate) now: i64,
    /// Identifies the call, and the objects that it stores.
    pub(crate) tag: u8,
    pub(crate) op: Op,
    pub(crate) known: Known,
}

/// A sequential model of some verbs.
pub(crate) trait Spec: Clone + Default + PartialEq {
    type Op: Copy + Debug + Send + Sync;
    /// The values that a thread has learnt from earlier answers and passes to later calls.
    type Known: Clone + Default + Debug + Send;
    type Answer: Debug + Send;

    fn call(store: &MemoryStore, asked: &Asked<Self::Op, Self::Known>) -> Self::Answer;

    fn learn(_known: &mut Self::Known, _asked: &Asked<Self::Op, Self::Known>, _answer: &Self::Answer) {}

    /// The steps that other callers may observe separately before a verb returns. The first step
    /// comes first, the others in any order.
    fn steps(op: Self::Op) -> Vec<Self::Op> {
        vec![op]
    }

    /// True if the answer is right at this point. Then the model changes its state.
    fn step(&mut self, asked: &Asked<Self::Op, Self::Known>, answer: &Self::Answer) -> bool;
}

pub(crate) fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::seconds(seconds)
}

pub(crate) fn seconds(at: OffsetDateTime) -> i64 {
    at.unix_timestamp()
}

pub(crate) fn number(id: &GrantId) -> u8 {
    id.as_bytes()[31]
}

/// Half of the ids are in one shard of the store.
pub(crate) fn grant_id(number: u8) -> GrantId {
    let mut bytes = [number; 32];
    bytes[0] = number % 2;
    GrantId::from_bytes(bytes)
}

/// The memory store never waits.
pub(crate) fn done<T, E: Debug>(verb: impl Future<Output = Result<T, E>>) -> T {
    verb.now_or_never().expect("a verb that waits").unwrap()
}
