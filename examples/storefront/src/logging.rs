//! The log, on the standard error: for a terminal as text, for everything else as one JSON object a line.

use std::{
    env,
    error::Error,
    io::{IsTerminal, stderr},
};

use tracing_subscriber::{
    Layer, Registry, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

/// `RUST_LOG` says what is logged, such as `info,tower_http=debug`; without it, what is of interest to an operator.
pub(crate) fn start() -> Result<(), Box<dyn Error>> {
    let wanted: Targets = env::var("RUST_LOG").as_deref().unwrap_or("info").parse()?;
    let lines: Box<dyn Layer<Registry> + Send + Sync> = if stderr().is_terminal() {
        fmt::layer().with_writer(stderr).boxed()
    } else {
        fmt::layer().with_writer(stderr).json().flatten_event(true).with_span_list(false).boxed()
    };
    tracing_subscriber::registry().with(lines.with_filter(wanted)).try_init()?;
    Ok(())
}
