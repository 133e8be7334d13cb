mod codes;
mod ledger;
mod state;
mod tokens;

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use time::OffsetDateTime;

use super::Fault;
use crate::{
    audit::AuditSink,
    keyring::Keyring,
    store::{AssistanceEntry, OneTimeCredential, Store},
    token::Digest,
};

/// A store with one fault.
pub(super) struct Faulty<S> {
    inner: S,
    fault: Fault,
    memory: Mutex<Memory>,
    counter: AtomicU64,
}

/// What a faulty store remembers beside the store it wraps.
#[derive(Default)]
struct Memory {
    credentials: HashMap<Digest, OneTimeCredential>,
    taken: HashMap<Digest, OneTimeCredential>,
    marks: HashMap<Digest, Option<Digest>>,
    /// The latest entry of each name.
    entries: HashMap<Digest, AssistanceEntry>,
    ended: HashMap<Digest, AssistanceEntry>,
}

impl<S: Store> Faulty<S> {
    pub(super) fn new(inner: S, fault: Fault) -> Self {
        Self { inner, fault, memory: Mutex::default(), counter: AtomicU64::new(0) }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that no other call got.
    fn number(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed)
    }
}

const START: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

impl<S: Store> Store for Faulty<S> {
    fn audit_sink(&self, keyring: Option<&Keyring>) -> Option<Arc<dyn AuditSink>> {
        self.inner.audit_sink(keyring)
    }
}

impl<S> fmt::Debug for Faulty<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty").field("fault", &self.fault).finish_non_exhaustive()
    }
}
