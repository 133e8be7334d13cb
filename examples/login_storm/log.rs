//! The numbers of a run, second by second.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    task::JoinHandle,
    time::{Instant, interval},
};

use crate::shop::Shop;

/// Number of lines before the mail.
pub const CALM: u32 = 3;
/// Time between two looks at the queue.
const LOOK: Duration = Duration::from_millis(5);

/// The numbers of one line of the table.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub arrived: usize,
    pub refused: usize,
    /// The largest number of hashes that waited.
    pub waiting: usize,
    /// The largest number of hashes that ran.
    pub running: usize,
    /// The times of calls that computed a hash: sign-ins, and resets of passwords.
    pub hashed: Vec<Duration>,
    /// The times of verifications.
    pub verified: Vec<Duration>,
    /// The customers who got in: the time since they came, and how often they were refused.
    pub entered: Vec<(Duration, u32)>,
}

/// The numbers of a whole run.
#[derive(Debug)]
pub struct Log {
    /// The time of one line.
    pub row: Duration,
    pub mail: Instant,
    began: Instant,
    rows: Mutex<Vec<Row>>,
    /// The number of visits that failed, by the code of the error.
    failures: Mutex<BTreeMap<&'static str, usize>>,
    printed: Mutex<usize>,
}

impl Log {
    pub fn new(row: Duration) -> Self {
        let began = Instant::now();
        let (rows, failures, printed) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { row, mail: began + CALM * row, began, rows, failures, printed }
    }

    /// Changes the present line.
    pub fn note(&self, change: impl FnOnce(&mut Row)) {
        let (mut rows, present) = (lock(&self.rows), self.present());
        if rows.len() <= present {
            rows.resize_with(present + 1, Row::default);
        }
        change(&mut rows[present]);
    }

    pub fn fail(&self, code: &'static str) {
        *lock(&self.failures).entry(code).or_default() += 1;
    }

    pub fn failures(&self) -> BTreeMap<&'static str, usize> {
        lock(&self.failures).clone()
    }

    pub fn rows(&self) -> Vec<Row> {
        lock(&self.rows).clone()
    }

    /// Returns the lines that have ended since the last call, each with its number. The mail is sent
    /// at the beginning of line [`CALM`].
    pub fn ended(&self) -> Vec<(usize, Row)> {
        let (rows, present) = (lock(&self.rows), self.present());
        let from = std::mem::replace(&mut *lock(&self.printed), present);
        rows.iter().cloned().enumerate().take(present).skip(from).collect()
    }

    /// Watches the queue of the shop.
    pub fn watch_queue(self: &Arc<Self>, shop: &Arc<Shop>) -> JoinHandle<()> {
        let (log, shop) = (Arc::clone(self), Arc::clone(shop));
        tokio::spawn(async move {
            let mut looks = interval(LOOK);
            loop {
                looks.tick().await;
                let stats = shop.auth.hashing_stats();
                log.note(|row| {
                    row.waiting = row.waiting.max(stats.waiting);
                    row.running = row.running.max(stats.running);
                });
            }
        })
    }

    fn present(&self) -> usize {
        (self.began.elapsed().as_nanos() / self.row.as_nanos()).try_into().unwrap_or(usize::MAX)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
