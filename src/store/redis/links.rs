use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use redis::{Cmd, Value, cmd};

use super::{failure::Failure, keys::millis, link::Link, script::Call};

/// All connections of a store.
pub(super) struct Links {
    plain: Ring,
    replication: Option<Replication>,
}

impl Links {
    pub(super) fn new(plain: Vec<Link>, replication: Option<Replication>) -> Self {
        Self { plain: Ring::new(plain), replication }
    }

    pub(super) async fn ask(&self, question: &Cmd) -> Result<Value, Failure> {
        self.plain.next()?.ask(question).await
    }

    pub(super) async fn run(&self, call: Call) -> Result<Value, Failure> {
        call.run(self.plain.next()?).await
    }

    /// Runs a script that ends something, such as a token. If the host has set `wait_for_replicas`,
    /// then this waits until enough replicas have confirmed the write. If they do not confirm it in
    /// time, then the result is an error.
    pub(super) async fn run_ending(&self, call: Call) -> Result<Value, Failure> {
        match &self.replication {
            None => self.run(call).await,
            Some(replication) => {
                let link = replication.links.next()?;
                call.run_replicated(link, &replication.wait, replication.replicas).await
            }
        }
    }
}

/// The connections for scripts that wait for replicas. These connections serve no other requests,
/// because a wait for replicas delays all later requests on the same connection.
pub(super) struct Replication {
    links: Ring,
    wait: Cmd,
    replicas: i64,
}

impl Replication {
    const LINKS: usize = 4;

    pub(super) fn new(link: impl Fn() -> Link, replicas: u32, patience: Duration) -> Self {
        let mut wait = cmd("WAIT");
        wait.arg(replicas).arg(millis(patience));
        Self { links: Ring::new((0..Self::LINKS).map(|_| link()).collect()), wait, replicas: replicas.into() }
    }
}

/// A list of connections. Each request uses the next connection of the list. After the last
/// connection, the first one follows again.
struct Ring {
    links: Vec<Link>,
    turn: AtomicUsize,
}

impl Ring {
    const fn new(links: Vec<Link>) -> Self {
        Self { links, turn: AtomicUsize::new(0) }
    }

    fn next(&self) -> Result<&Link, Failure> {
        let turn = match self.links.len() {
            0 | 1 => 0,
            links => self.turn.fetch_add(1, Ordering::Relaxed) % links,
        };
        self.links.get(turn).ok_or(Failure::Ended)
    }
}
