use std::fmt;

use redis::{ErrorKind, RedisError};

use crate::error::StoreError;

/// An error of a Redis store. It omits the message of the driver, because that message may contain
/// Redis keys, values or the host of the server.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("the connection to the server failed: {0}")]
    Connection(&'static str),
    #[error("the server did not answer in time")]
    Silent,
    #[error("the server answered with the error {0}")]
    Refused(Code),
    #[error("the server is a read-only replica")]
    Replica,
    #[error("the server is older than Redis 7")]
    Old,
    #[error("the server may evict keys: its maxmemory-policy is {0}")]
    MayEvict(String),
    #[error("too few replicas confirmed the write; it may have taken effect")]
    NotReplicated,
    #[error("the server's answer or a stored record cannot be read: {0}")]
    Corrupt(&'static str),
    #[error("the runtime that the store was connected in has ended")]
    Ended,
}

impl Failure {
    pub(super) fn is(&self, code: &str) -> bool {
        matches!(self, Self::Refused(found) if found.0 == code)
    }

    /// True if the login failed, or if the Redis user lacks a permission.
    pub(super) fn is_of_permission(&self) -> bool {
        [Code::SIGN_IN, "NOAUTH", "NOPERM", "WRONGPASS"].iter().any(|code| self.is(code))
    }
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        match error.kind() {
            ErrorKind::AuthenticationFailed => Self::Refused(Code(Code::SIGN_IN.to_owned())),
            _ if error.is_timeout() => Self::Silent,
            _ if error.is_connection_refusal() => Self::Connection("connection refused"),
            _ if error.is_io_error() => Self::Connection("connection lost"),
            _ => match error.code() {
                Some(code) => Self::Refused(Code::of(code)),
                None => Self::Corrupt("its protocol"),
            },
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        Self::new(failure)
    }
}

/// The code of an error of the server, which is the first word of the server's message.
#[derive(Clone, Debug)]
pub(super) struct Code(String);

impl Code {
    /// The code that this crate uses if the login failed, in place of the code of the server.
    const SIGN_IN: &str = "AUTH";

    /// Creates a code from the first word of a message. Only a word of at most 16 capital letters
    /// is kept. Any other word may be a part of a value, so `ERR` replaces it.
    fn of(code: &str) -> Self {
        let is_code = code.len() <= 16 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        Self(if is_code { code } else { "ERR" }.to_owned())
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
