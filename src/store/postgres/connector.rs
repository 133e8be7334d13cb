use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use futures_util::future::try_join_all;
use tokio::{runtime::Handle, time::timeout};
use tokio_postgres::{
    Client, Config, Socket,
    tls::{MakeTlsConnect, TlsConnect},
};

use super::{Failure, session::Session};

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
/// A client, and what drives its connection.
type Connected = Result<(Client, BoxFuture<()>), tokio_postgres::Error>;

/// Makes connections, on the runtime that drives them.
#[derive(Clone)]
pub(super) struct Connector {
    connect: Arc<dyn Fn() -> BoxFuture<Connected> + Send + Sync>,
    handle: Handle,
    timeout: Duration,
}

impl Connector {
    pub(super) fn new<T>(config: Config, tls: T, handle: Handle, timeout: Duration) -> Self
    where
        T: MakeTlsConnect<Socket> + Clone + Send + Sync + 'static,
        T::Stream: Send,
        T::TlsConnect: Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let connect = move || -> BoxFuture<Connected> {
            let (config, tls) = (config.clone(), tls.clone());
            Box::pin(async move {
                let (client, connection) = config.connect(tls).await?;
                // What goes wrong is told to whoever waits for an answer.
                let driven: BoxFuture<()> = Box::pin(async move { drop(connection.await) });
                Ok((client, driven))
            })
        };
        Self { connect: Arc::new(connect), handle, timeout }
    }

    pub(super) const fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(super) const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// A connection with these statements prepared.
    pub(super) async fn connect(&self, statements: Arc<[String]>) -> Result<Session, Failure> {
        let connector = self.clone();
        let connect = async move {
            let (client, connection) = (connector.connect)().await?;
            let driver = connector.handle.spawn(connection).abort_handle();
            // All at once: two round trips more, not one for each.
            let prepared = try_join_all(statements.iter().map(|statement| client.prepare(statement))).await?;
            Ok(Session::new(client, prepared, driver))
        };
        self.run(connect).await
    }

    /// Does it on the runtime, within the timeout. Whoever asked for it may go away: it goes on to its end.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        let limit = self.timeout;
        match self.handle.spawn(async move { timeout(limit, work).await }).await {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Err(Failure::TimedOut),
            Err(_) => Err(Failure::Gone),
        }
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
