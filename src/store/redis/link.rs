use std::{
    io,
    pin::Pin,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use futures_lite::future;
use redis::{
    AsyncConnectionConfig, Cmd, ConnectionAddr, ConnectionInfo, Pipeline, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cmd,
};
use tokio::{
    net::{TcpStream, UnixStream},
    runtime::Handle,
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

use super::{
    failure::Failure,
    line::{Line, Noting, Stream},
};

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
