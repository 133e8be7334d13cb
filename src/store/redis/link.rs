use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_lite::future;
use redis::{
    AsyncConnectionConfig, Cmd, ConnectionAddr, ConnectionInfo, Pipeline, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cmd,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream},
    runtime::Handle,
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

use super::failure::Failure;

/// One connection that many callers share, and the task that keeps it.
///
/// The driver's own manager starts tasks and timers wherever it is called, which a thread outside of the runtime cannot;
/// and a server that went away without a word is a slow one to it. The keeper notices a connection's end at once, and
/// ends one on which its own question is not answered in time. Callers need no timer: with their connection, their wait
/// is over.
pub(super) struct Link {
    state: watch::Receiver<State>,
    keeper: JoinHandle<()>,
}

enum State {
    Connecting,
    Up(Line),
    Down(Failure),
}

/// An open connection, and whether it has ended, which is known before those who wait on it are told: who asks again
/// at once is not answered by the same end.
#[derive(Clone)]
struct Line {
    connection: MultiplexedConnection,
    ended: Arc<AtomicBool>,
}

impl Line {
    fn live(&self) -> Option<MultiplexedConnection> {
        (!self.ended.load(Ordering::Acquire)).then(|| self.connection.clone())
    }
}

impl Link {
    /// A link whose callers wait for no longer than `patience`. The first of them learns how connecting went.
    pub(super) fn keep(runtime: &Handle, server: ConnectionInfo, patience: Duration) -> Self {
        let (tell, state) = watch::channel(State::Connecting);
        let keeper = runtime.spawn(Keeper { server, quarter: patience / 4 }.run(tell));
        Self { state, keeper }
    }

    pub(super) async fn ask(&self, question: &Cmd) -> Result<Value, Failure> {
        let mut connection = self.connection().await?;
        // A call's future is boxed as it is; beyond a kilobyte, which the driver's would make it, that is slow.
        Ok(connection.req_packed_command(question).await.and_then(Value::extract_error)?)
    }

    /// Sends several questions at once; any of the answers may be an error of the server's.
    pub(super) async fn ask_all(&self, questions: &Pipeline) -> Result<Vec<Value>, Failure> {
        let mut connection = self.connection().await?;
        Ok(connection.send_packed_commands(questions, 0, questions.len()).await?)
    }

    async fn connection(&self) -> Result<MultiplexedConnection, Failure> {
        if let State::Up(line) = &*self.state.borrow()
            && let Some(connection) = line.live()
        {
            return Ok(connection);
        }
        // Boxed, or every call would carry the room for it.
        Box::pin(self.next_connection()).await
    }

    async fn next_connection(&self) -> Result<MultiplexedConnection, Failure> {
        let mut state = self.state.clone();
        let decided = |state: &State| match state {
            State::Connecting => false,
            State::Up(line) => line.live().is_some(),
            State::Down(_) => true,
        };
        let state = state.wait_for(decided).await;
        match &*state.map_err(|_| Failure::Ended)? {
            State::Up(line) => line.live().ok_or(Failure::Silent),
            State::Down(failure) => Err(failure.clone()),
            State::Connecting => Err(Failure::Silent),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

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

/// Of its callers' patience, a quarter is for connecting, a quarter passes until it asks again, and a half is for the
/// answer: whenever a caller comes, its wait is over in time.
struct Keeper {
    server: ConnectionInfo,
    quarter: Duration,
}

impl Keeper {
    const PAUSE: Duration = Duration::from_millis(200);

    async fn run(self, tell: watch::Sender<State>) {
        loop {
            match timeout(self.quarter, self.connect()).await.unwrap_or(Err(Failure::Silent)) {
                Ok((line, driver)) => {
                    tell.send_replace(State::Up(line.clone()));
                    // In a task of its own, for the sake of speed; which ends with this one.
                    let mut driven = JoinSet::new();
                    driven.spawn(driver);
                    let ends = async { drop(driven.join_next().await) };
                    future::or(ends, self.listen(line.connection)).await;
                    tell.send_replace(State::Connecting);
                }
                Err(failure) => {
                    tell.send_replace(State::Down(failure));
                    sleep(Self::PAUSE).await;
                }
            }
        }
    }

    async fn connect(&self) -> Result<(Line, Driver), Failure> {
        let ended = Arc::<AtomicBool>::default();
        let stream = self.open().await.map_err(|error| match error.kind() {
            io::ErrorKind::ConnectionRefused => Failure::Connection("it was refused"),
            _ => Failure::Connection("it could not be opened"),
        })?;
        let stream = Noting { stream, ended: Arc::clone(&ended) };
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let settings = self.server.redis_settings();
        let (mut connection, driver) =
            MultiplexedConnection::new_with_config(settings, stream, config).await?;
        let mut driver: Driver = Box::pin(driver);
        let driven = async {
            driver.as_mut().await;
            Err(Failure::Connection("it was lost"))
        };
        future::or(driven, must_be_primary(&mut connection)).await?;
        Ok((Line { connection, ended }, driver))
    }

    async fn open(&self) -> io::Result<Box<dyn Stream>> {
        match self.server.addr() {
            ConnectionAddr::Tcp(host, port) => {
                // Left as the system has it (Nagle's algorithm on), as the driver does: what many callers ask at once goes out
                // together. Who asks alone waits for nothing.
                Ok(Box::new(TcpStream::connect((host.as_str(), *port)).await?))
            }
            ConnectionAddr::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Returns once the server is silent, or no longer a primary.
    async fn listen(&self, mut connection: MultiplexedConnection) {
        while let Ok(Ok(())) = timeout(2 * self.quarter, must_be_primary(&mut connection)).await {
            sleep(self.quarter).await;
        }
    }
}

/// A replica answers what was true a while ago: whom another node has revoked lives on there.
async fn must_be_primary(connection: &mut MultiplexedConnection) -> Result<(), Failure> {
    let answer = connection.send_packed_command(cmd("INFO").arg("replication")).await;
    match answer.and_then(Value::extract_error)? {
        Value::BulkString(info) if info.windows(11).any(|word| word == b"role:master") => Ok(()),
        _ => Err(Failure::Replica),
    }
}
