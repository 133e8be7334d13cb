use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use futures_lite::future;
use redis::{AsyncConnectionConfig, ConnectionAddr, RedisConnectionInfo, aio::MultiplexedConnection};
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::{failure::Failure, tls::Tls};

/// The task that sends and receives for a connection. It ends with this value.
pub(super) type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

/// An open connection, and whether it has ended, which is known before those who wait on it are told: who asks again
/// at once is not answered by the same end.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) connection: MultiplexedConnection,
    ended: Arc<AtomicBool>,
}

impl Line {
    /// Connects, signs in and asks something, whose answer comes along.
    pub(super) async fn open<T>(
        place: &ConnectionAddr,
        tls: Option<&Tls>,
        settings: &RedisConnectionInfo,
        ask: impl AsyncFnOnce(&mut MultiplexedConnection) -> Result<T, Failure>,
    ) -> Result<(Self, Driver, T), Failure> {
        let ended = Arc::<AtomicBool>::default();
        let stream = Noting { stream: stream(place, tls).await?, ended: Arc::clone(&ended) };
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let (mut connection, driver) =
            MultiplexedConnection::new_with_config(settings, stream, config).await?;
        let mut driver: Driver = Box::pin(driver);
        let driven = async {
            driver.as_mut().await;
            Err(Failure::Connection("it was lost"))
        };
        let answer = future::or(driven, ask(&mut connection)).await?;
        Ok((Self { connection, ended }, driver, answer))
    }

    pub(super) fn live(&self) -> Option<MultiplexedConnection> {
        (!self.ended.load(Ordering::Acquire)).then(|| self.connection.clone())
    }
}

pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

async fn stream(place: &ConnectionAddr, tls: Option<&Tls>) -> Result<Box<dyn Stream>, Failure> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::ConnectionRefused => Failure::Connection("it was refused"),
        _ => Failure::Connection("it could not be opened"),
    };
    match place {
        ConnectionAddr::Tcp(host, port) => {
            // Left as the system has it (Nagle's algorithm on), as the driver does: what many callers ask at once goes out
            // together. Who asks alone waits for nothing.
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

/// A stream that notes its end before the driver learns of it.
struct Noting {
    stream: Box<dyn Stream>,
    ended: Arc<AtomicBool>,
}

impl Noting {
    fn note<T>(&self, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if let Poll::Ready(Err(_)) = polled {
            self.ended.store(true, Ordering::Release);
        }
        polled
    }
}

impl AsyncRead for Noting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if matches!(polled, Poll::Ready(Ok(()))) && buffer.filled().len() == before {
            self.ended.store(true, Ordering::Release);
        }
        self.note(polled)
    }
}

impl AsyncWrite for Noting {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note(polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(cx);
        self.note(polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.note(polled)
    }
}
