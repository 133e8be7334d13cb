use std::{
    error::Error as StdError,
    fmt::{self, Write},
};

use crate::error::{Error, ErrorKind};

/// Logs an error that is the fault of the service. The log event also has the errors that caused
/// it, which the client does not see. Each adapter calls this function once for an error, when it
/// makes the response. So the log event belongs to the `tracing` span of the request.
///
/// # Security
///
/// The log shows the text of the error behind a [`StoreError`](crate::error::StoreError). The
/// host's stores write this text, so the crate cannot guarantee that the text contains no secret.
/// Control characters are replaced by spaces, and the whole text has at most 1 KiB.
pub(crate) fn log_fault(error: &Error) {
    match error.kind() {
        ErrorKind::Internal | ErrorKind::Unavailable => {
            tracing::error!(kind = ?error.kind(), cause = in_full(error), "request failed");
        }
        // The level is "warning", because this error is normal under load and lasts only seconds.
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

/// Returns the texts of the error and of the errors that caused it, in one line of at most 1 KiB.
fn in_full(error: &Error) -> String {
    let mut line = Line(String::new());
    let mut written = write!(line, "{error}");
    let mut source = error.source();
    while let (Ok(()), Some(cause)) = (written, source) {
        written = write!(line, ": {cause}");
        source = cause.source();
    }
    line.0
}

/// A text of at most 1 KiB without line breaks. A write fails once the text is full.
struct Line(String);

impl Line {
    const MAX_BYTES: usize = 1024;
    /// The last character of a text that was cut off.
    const CUT: char = '…';
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for char in text.chars() {
            let breaks_lines = char.is_control() || matches!(char, '\u{2028}' | '\u{2029}');
            let char = if breaks_lines { ' ' } else { char };
            if self.0.len() + char.len_utf8() + Self::CUT.len_utf8() > Self::MAX_BYTES {
                self.0.push(Self::CUT);
                return Err(fmt::Error);
            }
            self.0.push(char);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::StoreError;

    fn told(cause: &str) -> String {
        in_full(&StoreError::new(cause).into())
    }

    #[test]
    fn a_cause_cannot_begin_a_line() {
        let told = told("it is\r\nERROR forged\u{1b}[2J\u{85}\u{2028}\0");
        assert!(told.ends_with(": it is  ERROR forged [2J   "), "{told:?}");
    }

    #[test]
    fn a_long_cause_is_cut_between_characters() {
        for cause in
            ["a".repeat(5_000), "é".repeat(5_000), "😀".repeat(5_000), format!("a{}", "😀".repeat(5_000))]
        {
            let told = told(&cause);
            assert!((1021..=1024).contains(&told.len()) && told.ends_with('…'), "{} {told}", told.len());
        }
    }
}
