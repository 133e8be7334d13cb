mod factors;
mod state;
mod tokens;

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use time::OffsetDateTime;

use super::Fault;
use crate::{
    store::{Enrolment, Store},
    token::Digest,
};

/// A store with one fault.
pub(super) struct Faulty<S> {
    inner: S,
    fault: Fault,
    memory: Mutex<Memory>,
}

/// What a faulty store remembers beside the store it wraps.
#[derive(Default)]
struct Memory {
    /// In the order they were begun.
    enrolments: Vec<Enrolment>,
    activated: HashSet<Digest>,
    steps: HashSet<u64>,
    spent: HashSet<Digest>,
}

impl<S: Store> Faulty<S> {
    pub(super) fn new(inner: S, fault: Fault) -> Self {
        Self { inner, fault, memory: Mutex::default() }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const START: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

impl<S> fmt::Debug for Faulty<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty").field("fault", &self.fault).finish_non_exhaustive()
    }
}
