use std::{sync::Arc, time::Duration};

use futures_lite::future;
use redis::{
    Cmd, ConnectionAddr, Pipeline, RedisConnectionInfo, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cmd,
};
use tokio::{
    runtime::Handle,
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};

use super::{
    address::Route,
    failure::Failure,
    line::{Driver, Line},
    tls::Tls,
};

/// The server to which a link connects, and the requirements that the server must fulfil.
pub(super) struct Server {
    pub(super) route: Route,
    pub(super) settings: RedisConnectionInfo,
    pub(super) tls: Option<Tls>,
    pub(super) may_evict: bool,
}

/// One connection that many callers share, and the keeper: the task that opens and checks this
/// connection.
///
/// The `ConnectionManager` of the crate `redis` is not used, for three reasons:
///
/// - It stays connected to a server that was a primary and has become a replica.
/// - After it has connected again, it cannot check the server again.
/// - It opens the connection itself, so it cannot use Sentinels. For TLS it uses only the default
///   cryptography provider of the process.
///
/// From time to time, the keeper sends a request to the server. If the server does not reply in
/// time, then the keeper closes the connection, and all waiting callers get an error. So a caller
/// needs no timer, and no async runtime for a timer.
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
    /// Starts a link. A request of a caller waits no longer than `patience`. A caller that arrives
    /// during an attempt to connect waits for the result of this attempt.
    pub(super) fn keep(runtime: &Handle, server: Arc<Server>, patience: Duration) -> Self {
        let (tell, state) = watch::channel(State::Connecting);
        let keeper = runtime.spawn(Keeper { server, quarter: patience / 4 }.run(tell));
        Self { state, keeper }
    }

    /// Waits until the link is connected. If connecting fails, returns the error.
    pub(super) async fn ready(&self) -> Result<(), Failure> {
        self.line().await.map(drop)
    }

    pub(super) async fn ask(&self, question: &Cmd) -> Result<Value, Failure> {
        let line = self.line().await?;
        // The driver's future is boxed, because a future of more than a kilobyte is slow to move.
        let answer = line.ask(async |connection| connection.req_packed_command(question).await).await;
        Ok(answer.and_then(Value::extract_error)?)
    }

    /// Sends several requests at once, and returns their replies. Each reply may be an error of the
    /// server.
    pub(super) async fn ask_all(&self, questions: &Pipeline) -> Result<Vec<Value>, Failure> {
        let line = self.line().await?;
        let all = async |connection: &mut MultiplexedConnection| {
            connection.send_packed_commands(questions, 0, questions.len()).await
        };
        Ok(line.ask(all).await?)
    }

    async fn line(&self) -> Result<Line, Failure> {
        if let State::Up(line) = &*self.state.borrow()
            && line.is_live()
        {
            return Ok(line.clone());
        }
        // The future that waits for the next connection is boxed, because it is rarely needed.
        // Without the box, the future of each call would contain the room for it.
        Box::pin(self.next_line()).await
    }

    async fn next_line(&self) -> Result<Line, Failure> {
        let mut state = self.state.clone();
        let decided = |state: &State| match state {
            State::Connecting => false,
            State::Up(line) => line.is_live(),
            State::Down(_) => true,
        };
        let state = state.wait_for(decided).await;
        match &*state.map_err(|_| Failure::Ended)? {
            State::Up(line) => Ok(line.clone()),
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

/// The task that keeps one connection open and checks it.
///
/// The keeper divides the time that a caller waits at most (the patience) into four quarters.
/// Connecting may take one quarter. The pause between two checks is one quarter, and a check may
/// take two quarters. Together these are four quarters, so a caller waits no longer than the
/// patience.
struct Keeper {
    server: Arc<Server>,
    quarter: Duration,
}

impl Keeper {
    const PAUSE: Duration = Duration::from_millis(200);

    async fn run(self, tell: watch::Sender<State>) {
        loop {
            match timeout(self.quarter, self.connect()).await.unwrap_or(Err(Failure::Silent)) {
                Ok((line, driver)) => {
                    tell.send_replace(State::Up(line.clone()));
                    // The driver of the connection runs in a separate task, because this is faster
                    // than in the keeper's task. The task ends when `driven` is dropped.
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
        match &self.server.route {
            Route::Direct(place) => self.server.line_to(place).await,
            Route::Sentinels(sentinels) => {
                let mut failure = Failure::Connection("no Sentinel answered");
                let mut asked = sentinels.ask(self.server.tls.as_ref());
                // After a failover, a Sentinel may not know the new primary yet and may name the
                // old one. The search therefore continues until it finds a server that is a
                // primary. The time for each server is limited, so that there is time to try the
                // next server.
                while let Some(answer) = asked.join_next().await {
                    let connected = match answer.unwrap_or(Err(Failure::Ended)) {
                        Ok(place) => timeout(self.quarter / 2, self.server.line_to(&place))
                            .await
                            .unwrap_or(Err(Failure::Silent)),
                        Err(failure) => Err(failure),
                    };
                    match connected {
                        Ok(line) => return Ok(line),
                        Err(why) => failure = why,
                    }
                }
                Err(failure)
            }
        }
    }

    /// Checks the server again and again, with pauses. Returns when the server does not reply to a
    /// check in time, or is no longer a primary.
    async fn listen(&self, mut connection: MultiplexedConnection) {
        loop {
            let asked = timeout(2 * self.quarter, info(&mut connection, "replication")).await;
            if !asked.is_ok_and(|info| info.is_ok_and(|info| must_be_primary(&info).is_ok())) {
                return;
            }
            sleep(self.quarter).await;
        }
    }
}

impl Server {
    /// Connects to a server, and checks that the server is a primary, is not too old and evicts no
    /// keys. Each new connection is checked, because the host name may now lead to a different
    /// server than before.
    async fn line_to(&self, place: &ConnectionAddr) -> Result<(Line, Driver), Failure> {
        let ask = async |connection: &mut MultiplexedConnection| {
            self.must_be_fit(&info(connection, "default").await?)
        };
        let (line, driver, ()) = Line::open(place, self.tls.as_ref(), &self.settings, ask).await?;
        Ok((line, driver))
    }

    fn must_be_fit(&self, info: &str) -> Result<(), Failure> {
        must_be_primary(info)?;
        // Valkey reports 7.2 in the field `redis_version`, so that clients which know only Redis
        // accept it. So this check accepts Valkey, too.
        let major = field(info, "redis_version").split('.').next().and_then(|major| major.parse().ok());
        if major.is_none_or(|major: u32| major < 7) {
            return Err(Failure::Old);
        }
        let policy = field(info, "maxmemory_policy");
        if policy != "noeviction" && !self.may_evict {
            return Err(Failure::MayEvict(policy.to_owned()));
        }
        Ok(())
    }
}

/// Refuses a replica, because the data of a replica may be out of date. For example, a token that
/// was revoked on the primary could still be live on the replica.
fn must_be_primary(info: &str) -> Result<(), Failure> {
    if field(info, "role") == "master" { Ok(()) } else { Err(Failure::Replica) }
}

async fn info(connection: &mut MultiplexedConnection, section: &str) -> Result<String, Failure> {
    let answer = connection.send_packed_command(cmd("INFO").arg(section)).await;
    match answer.and_then(Value::extract_error)? {
        Value::BulkString(info) => Ok(String::from_utf8_lossy(&info).into_owned()),
        _ => Err(Failure::Corrupt("INFO")),
    }
}

fn field<'i>(info: &'i str, name: &str) -> &'i str {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap_or_default()
}
