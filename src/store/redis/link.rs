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

/// The server that a link is kept to.
pub(super) struct Server {
    pub(super) route: Route,
    pub(super) settings: RedisConnectionInfo,
    pub(super) tls: Option<Tls>,
    pub(super) may_evict: bool,
}

/// One connection that many callers share, and the task that keeps it.
///
/// The driver's own `ConnectionManager` passes the fault tests except for three things. It stays with a primary that became a
/// replica. It cannot check a server again after it has reconnected. And it connects by itself: without Sentinels, and through
/// TLS only with the cryptography that the process has chosen. So the keeper connects, and closes a connection on which its own
/// question is not answered in time. That ends the wait of every caller, who therefore needs no timer and no runtime.
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
    pub(super) fn keep(runtime: &Handle, server: Arc<Server>, patience: Duration) -> Self {
        let (tell, state) = watch::channel(State::Connecting);
        let keeper = runtime.spawn(Keeper { server, quarter: patience / 4 }.run(tell));
        Self { state, keeper }
    }

    /// Returns once there is a connection, or why there is none.
    pub(super) async fn ready(&self) -> Result<(), Failure> {
        self.line().await.map(drop)
    }

    pub(super) async fn ask(&self, question: &Cmd) -> Result<Value, Failure> {
        let line = self.line().await?;
        // A call's future is boxed as it is; beyond a kilobyte, which the driver's would make it, that is slow.
        let answer = line.ask(async |connection| connection.req_packed_command(question).await).await;
        Ok(answer.and_then(Value::extract_error)?)
    }

    /// Sends several questions at once; any of the answers may be an error of the server's.
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
        // Boxed, or every call would carry the room for it.
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

/// Of its callers' patience, a quarter is for connecting, a quarter passes until it asks again, and a half is for the
/// answer: whenever a caller comes, its wait is over in time.
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
        match &self.server.route {
            Route::Direct(place) => self.server.line_to(place).await,
            Route::Sentinels(sentinels) => {
                let mut failure = Failure::Connection("no Sentinel answered");
                let mut asked = sentinels.ask(self.server.tls.as_ref());
                // One of them may not have heard yet who the primary is now: only a primary ends the search, and one that
                // does not answer leaves time for another.
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

    /// Returns once the server is silent, or no longer a primary.
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
    /// A connection to a server that is a primary and fit to hold a shop's tokens. Looked at each time: another one may
    /// have taken over.
    async fn line_to(&self, place: &ConnectionAddr) -> Result<(Line, Driver), Failure> {
        let ask = async |connection: &mut MultiplexedConnection| {
            self.must_be_fit(&info(connection, "default").await?)
        };
        let (line, driver, ()) = Line::open(place, self.tls.as_ref(), &self.settings, ask).await?;
        Ok((line, driver))
    }

    fn must_be_fit(&self, info: &str) -> Result<(), Failure> {
        must_be_primary(info)?;
        // Valkey calls itself Redis 7.2 here, for those who do not know it.
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

/// A replica answers what was true a while ago: whom another node has revoked lives on there.
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
