//! The log, on the standard error: as text for people, or as one JSON object a line for programs.

use std::{
    env,
    error::Error,
    io::{IsTerminal, stderr},
};

use clap::ValueEnum;
use tracing_subscriber::{
    Layer, Registry, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

/// The format of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Lines for people, in colour on a terminal.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts the log. `RUST_LOG` says what is logged, such as `info,tower_http=debug`. The default is `info`.
pub(crate) fn start(format: LogFormat) -> Result<(), Box<dyn Error>> {
    let wanted = env::var("RUST_LOG").unwrap_or_else(|_| "info".into());
    let wanted: Targets = wanted.parse().map_err(|error| format!("RUST_LOG: {error}"))?;
    let lines = fmt::layer().with_writer(stderr);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match format {
        LogFormat::Text => lines.with_ansi(stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(wanted)).try_init()?;
    Ok(())
}
