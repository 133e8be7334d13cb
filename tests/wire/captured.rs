//! The log of one piece of work.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use tracing::{Level, instrument::WithSubscriber};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the crate's log during the work, as text with its spans, and the result of the work.
pub async fn captured<T>(work: impl Future<Output = T>) -> (String, T) {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_ansi(false)
        .without_time()
        .with_writer(move || writer.clone())
        .finish();
    let answer = work.with_subscriber(subscriber).await;
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    // Only the crate's lines: other libraries log, too.
    let own = log.lines().filter(|line| line.contains("commerce_auth"));
    (own.map(|line| format!("{line}\n")).collect(), answer)
}
