use std::error::Error as StdError;

use crate::error::{Error, ErrorKind};

/// Logs an error that the service is at fault for, with everything that caused it: the client is not told. Each adapter calls it
/// once for an error, where it makes the answer, so that the event is in the span of the request.
///
/// # Security
///
/// An [`Error`] and its sources hold no secret and no input.
pub(crate) fn log_fault(error: &Error) {
    match error.kind() {
        ErrorKind::Internal | ErrorKind::Unavailable => {
            tracing::error!(kind = ?error.kind(), cause = in_full(error), "request failed");
        }
        // Expected under load, and over in seconds.
        ErrorKind::Overloaded => {
            tracing::warn!(kind = ?error.kind(), cause = in_full(error), "request failed");
        }
        ErrorKind::Input
        | ErrorKind::Authentication
        | ErrorKind::Authorization
        | ErrorKind::NotFound
        | ErrorKind::TooManyRequests => {}
    }
}

/// The error and its sources, in one line.
fn in_full(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
