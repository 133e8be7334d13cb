use std::{
    collections::{HashSet, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_channel::oneshot;
use tokio::time::{Instant, timeout_at};
use tokio_postgres::Row;

use super::super::{Command, Failure, locking::Locking, parameters};
use crate::{
    audit::chain::{self, Entry},
    keyring::Keyring,
    store::audit_table,
};

/// Appends the audit records of this node in batches.
///
/// On a node, only one caller appends at a time. This caller appends the waiting records of all
/// callers of the node. If two nodes append at the same time, then the database accepts the records
/// of one node only. The second node then signs its records again, because they must now follow the
/// records of the first node.
pub(super) struct Appender(Arc<Inner>);

struct Inner {
    locking: Locking,
    keyring: Option<Keyring>,
    waiting: Mutex<VecDeque<Waiting>>,
    /// The last record of the trail that this node knows. Meanwhile, other nodes may have appended
    /// records after it. The caller that appends holds the lock of this field.
    end: tokio::sync::Mutex<End>,
}

/// A record that waits to be appended, and the channel over which its caller gets the result.
struct Waiting {
    entry: Entry,
    appended: oneshot::Sender<Result<(), Arc<Failure>>>,
}

/// The end of a trail: the position of its last record, and its newest signature, in the form in
/// which the column `link` holds it.
#[derive(Clone, Default)]
struct End {
    position: i64,
    link: Option<Vec<u8>>,
}

impl End {
    /// True if the trail has lost records since its end was `was`: the trail is shorter, or it has
    /// the same length but a different newest signature.
    fn is_before(&self, was: &Self) -> bool {
        self.position < was.position || (self.position == was.position && self.link != was.link)
    }
}

impl Appender {
    /// Maximum number of records in one round trip.
    const BATCH: usize = 256;

    pub(super) fn new(locking: Locking, keyring: Option<Keyring>) -> Self {
        let (waiting, end) = (Mutex::default(), tokio::sync::Mutex::default());
        Self(Arc::new(Inner { locking, keyring, waiting, end }))
    }

    /// Appends a record. If the caller's future is dropped, then the appending continues.
    pub(super) async fn append(&self, entry: Entry) -> Result<(), Arc<Failure>> {
        let (appended, answer) = oneshot::channel();
        let deadline = self.0.locking.deadline();
        self.0.waiting().push_back(Waiting { entry, appended });
        let inner = Arc::clone(&self.0);
        let append = async move {
            // This caller may also append records of later callers. If this caller times out, then
            // these records must not fail. So a separate task appends the records.
            let turn = tokio::spawn(inner.append_until(answer, deadline));
            let appended = timeout_at(deadline, turn).await.map_err(|_| Failure::TimedOut)?;
            appended.map_err(|_| Failure::Gone)
        };
        self.0.locking.run(append).await?
    }
}

impl Inner {
    /// Waits until no other caller appends, at most until `deadline`. Then appends the waiting
    /// records, batch by batch, until the record of this caller has a result.
    async fn append_until(
        self: Arc<Self>,
        mut answer: oneshot::Receiver<Result<(), Arc<Failure>>>,
        deadline: Instant,
    ) -> Result<(), Arc<Failure>> {
        let mut end = timeout_at(deadline, self.end.lock()).await.map_err(|_| Failure::TimedOut)?;
        loop {
            // While this caller waited for the lock, a different caller may have appended this
            // caller's record. If the queue holds more records than one batch, then this loop may
            // run more than once.
            match answer.try_recv() {
                Ok(Some(appended)) => return appended,
                Err(oneshot::Canceled) => return Err(Failure::Gone.into()),
                Ok(None) => {}
            }
            let batch = self.take();
            // The batch may hold records of callers that arrived later than this one. So the batch
            // gets the whole timeout, and not only the rest of this caller's timeout.
            let deadline = self.locking.deadline();
            let appended = match self.append_all(&batch, &end, deadline).await {
                Ok(now) => {
                    *end = now;
                    Ok(())
                }
                Err(failure) => {
                    // Forgets the lost records. This node therefore reports the loss only once, and
                    // later records follow the remaining trail. Otherwise each later record would
                    // fail with this error.
                    if let Failure::CutOff(_) = failure {
                        *end = End::default();
                    }
                    Err(Arc::new(failure))
                }
            };
            for Waiting { appended: tell, .. } in batch {
                // Sending fails if the caller timed out and dropped the receiver.
                let _ = tell.send(appended.clone());
            }
        }
    }

    /// Takes a batch of records out of the queue. Drops the records whose callers no longer wait
    /// for a result.
    fn take(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting();
        let mut batch = Vec::new();
        while batch.len() < Appender::BATCH
            && let Some(next) = waiting.pop_front()
        {
            if !next.appended.is_canceled() {
                batch.push(next);
            }
        }
        batch
    }

    /// Appends the records, and returns the new end of the trail. `was` is the end of the trail as
    /// this node knows it. Fails if the trail has lost records since then.
    async fn append_all(&self, batch: &[Waiting], was: &End, deadline: Instant) -> Result<End, Failure> {
        let mut known = HashSet::new();
        let mut entries: Vec<_> = batch.iter().map(|waiting| &waiting.entry).collect();
        entries.retain(|entry| known.insert(entry.columns.id.clone()));
        let mut end = was.clone();
        while !entries.is_empty() {
            let (records, now) = self.sign(&entries, &end)?;
            let rows = self.locking.query_until(Command::AppendRecords, records, deadline).await?;
            let answer = Answer::read(rows.first().ok_or(Failure::Unreadable)?)?;
            if answer.appended {
                return Ok(now);
            }
            if answer.end.is_before(was) {
                return Err(Failure::CutOff(was.position));
            }
            end = answer.end;
            entries.retain(|entry| !answer.known.contains(&entry.columns.id));
        }
        Ok(end)
    }

    /// Signs the records so that they follow `end`. Returns the parameters of the statement that
    /// appends the records, and the end of the trail after that statement.
    fn sign(&self, entries: &[&Entry], end: &End) -> Result<(super::super::Parameters, End), Failure> {
        let mut now = end.clone();
        let (mut keys, mut links) = (Vec::new(), Vec::new());
        for entry in entries {
            now.position = now.position.saturating_add(1);
            let signed = match &self.keyring {
                Some(keyring) => {
                    let position = audit_table::position(now.position);
                    let previous = now.link.as_deref().map(audit_table::link);
                    let signed = chain::sign(keyring, position, previous, &entry.event);
                    let (key, link) = signed.map_err(|_| Failure::NoKey)?;
                    now.link = Some(link.as_bytes().to_vec());
                    Some((key, link))
                }
                None => None,
            };
            keys.push(signed.map(|(key, _)| i64::from(key.0)));
            links.push(signed.map(|(_, link)| link.as_bytes().to_vec()));
        }
        let of = |column: fn(&Entry) -> &String| {
            entries.iter().map(|entry| column(entry).clone()).collect::<Vec<_>>()
        };
        let any = |column: fn(&Entry) -> &Option<String>| {
            entries.iter().map(|entry| column(entry).clone()).collect::<Vec<_>>()
        };
        let records = parameters![
            end.position,
            end.link.clone(),
            of(|entry| &entry.columns.id),
            entries.iter().map(|entry| entry.columns.at).collect::<Vec<_>>(),
            of(|entry| &entry.columns.action),
            of(|entry| &entry.columns.outcome),
            any(|entry| &entry.columns.why),
            any(|entry| &entry.columns.subject_kind),
            any(|entry| &entry.columns.subject_id),
            any(|entry| &entry.columns.actor),
            any(|entry| &entry.columns.account),
            of(|entry| &entry.event),
            any(|entry| &entry.personal),
            keys,
            links,
        ];
        Ok((records, now))
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The result of the function `append_records` for a batch.
struct Answer {
    appended: bool,
    /// The ids of the records of the batch that the trail has already.
    known: Vec<String>,
    end: End,
}

impl Answer {
    fn read(row: &Row) -> Result<Self, Failure> {
        let end = End { position: row.try_get(2)?, link: row.try_get(3)? };
        Ok(Self { appended: row.try_get(0)?, known: row.try_get(1)?, end })
    }
}

impl fmt::Debug for Appender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Appender").field("waiting", &self.0.waiting().len()).finish_non_exhaustive()
    }
}
