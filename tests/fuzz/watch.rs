//! Reads all log output, through `log` and through `tracing`, and keeps a line that contains the
//! canary.

use std::{
    io,
    sync::{
        Mutex, Once,
        atomic::{AtomicBool, Ordering},
    },
};

use log::{LevelFilter, Log, Metadata, Record};

use crate::text::CANARY;

static LEAKED: Mutex<Option<String>> = Mutex::new(None);
static HAS_READ: AtomicBool = AtomicBool::new(false);

struct Watch;

/// Starts to read the log.
pub fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        log::set_logger(&Watch).expect("no other logger");
        log::set_max_level(LevelFilter::Trace);
        let subscriber =
            tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(|| Watch).finish();
        tracing::subscriber::set_global_default(subscriber).expect("no other subscriber");
    });
}

/// Returns a line that contains the canary, if one was logged since the last call.
pub fn leaked() -> Option<String> {
    LEAKED.lock().unwrap().take()
}

/// True if anything was logged.
pub fn has_read() -> bool {
    HAS_READ.load(Ordering::Relaxed)
}

fn read(line: &str) {
    HAS_READ.store(true, Ordering::Relaxed);
    if line.contains(CANARY) {
        *LEAKED.lock().unwrap() = Some(line.to_owned());
    }
}

impl Log for Watch {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        read(&record.args().to_string());
    }

    fn flush(&self) {}
}

impl io::Write for Watch {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        read(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
