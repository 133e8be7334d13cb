use std::{
    error::Error as StdError,
    fmt::{self, Write},
};

use crate::error::{Error, ErrorKind};

/// Logs an error that the service is at fault for, with everything that caused it: the client is not told. Each adapter calls it
/// once for an error, where it makes the answer, so that the event is in the span of the request.
///
/// # Security
///
/// The text of a [`StoreError`](crate::error::StoreError)'s sources is logged. The host's stores write it: the crate cannot prove that
/// it holds no secret. Control characters in it are replaced, and the whole text has 1 KiB at most.
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

/// The error and its sources, in one line of at most 1 KiB.
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

/// A text without line breaks. It fails once it is full.
struct Line(String);

impl Line {
    const MAX_BYTES: usize = 1024;
    /// Stands for what does not fit.
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
