use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_lite::future;
use redis::{
    AsyncConnectionConfig, ConnectionAddr, RedisConnectionInfo, RedisError, aio::MultiplexedConnection,
};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

use super::{
    failure::Failure,
    tls::{Stream, Tls},
};

/// The future that sends and receives on a connection. Dropping this future closes the connection.
pub(super) type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

/// An open connection.
///
/// If a request fails because the connection has ended, then the caller marks the line as ended at
/// once. The keeper of the [`Link`](super::link::Link) notices the end a little later. If the
/// caller tries again in the meantime, then with the mark it waits for the next connection, and
/// does not use the ended one. Without the mark, the test
/// `a_cut_fails_no_more_than_what_is_in_flight` sometimes fails.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) connection: MultiplexedConnection,
    ended: Arc<AtomicBool>,
}

impl Line {
    /// Connects, logs in and sends the first request, which `ask` makes. Returns the line, the
    /// driver that the caller must run, and the result of `ask`.
    pub(super) async fn open<T>(
        place: &ConnectionAddr,
        tls: Option<&Tls>,
        settings: &RedisConnectionInfo,
        ask: impl AsyncFnOnce(&mut MultiplexedConnection) -> Result<T, Failure>,
    ) -> Result<(Self, Driver, T), Failure> {
        let stream = stream(place, tls).await?;
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let (mut connection, driver) =
            MultiplexedConnection::new_with_config(settings, stream, config).await?;
        let mut driver: Driver = Box::pin(driver);
        let driven = async {
            driver.as_mut().await;
            Err(Failure::Connection("connection lost"))
        };
        let answer = future::or(driven, ask(&mut connection)).await?;
        Ok((Self { connection, ended: Arc::default() }, driver, answer))
    }

    pub(super) fn is_live(&self) -> bool {
        !self.ended.load(Ordering::Acquire)
    }

    /// Sends a request over the connection, and returns the reply.
    pub(super) async fn ask<T>(
        mut self,
        question: impl AsyncFnOnce(&mut MultiplexedConnection) -> Result<T, RedisError>,
    ) -> Result<T, RedisError> {
        let answer = question(&mut self.connection).await;
        // If `is_unrecoverable_error` is true for the error, then the connection has ended.
        if answer.as_ref().is_err_and(RedisError::is_unrecoverable_error) {
            self.ended.store(true, Ordering::Release);
        }
        answer
    }
}

async fn stream(place: &ConnectionAddr, tls: Option<&Tls>) -> Result<Box<dyn Stream>, Failure> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::ConnectionRefused => Failure::Connection("connection refused"),
        _ => Failure::Connection("connection could not be opened"),
    };
    match place {
        ConnectionAddr::Tcp(host, port) => {
            // Nagle's algorithm stays on, so that simultaneous requests of many callers share a
            // packet. It does not delay a request if no earlier packet is waiting for its
            // acknowledgement.
            let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(failed)?;
            match tls {
                Some(tls) => tls.connect(host, stream).await,
                None => Ok(Box::new(stream)),
            }
        }
        #[cfg(unix)]
        ConnectionAddr::Unix(path) => Ok(Box::new(UnixStream::connect(path).await.map_err(failed)?)),
        _ => Err(failed(io::ErrorKind::Unsupported.into())),
    }
}
