use std::str;

use redis::{
    ConnectionAddr, RedisConnectionInfo, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cmd,
};
use tokio::task::JoinSet;

use super::{failure::Failure, line::Line, tls::Tls};

/// Redis Sentinel: servers that agree on the primary among several Redis servers.
///
/// The driver's own client of Sentinel opens its own connections. Through TLS, it uses only the
/// process's default cryptography, and panics if there is no default. So this module sends the
/// commands itself, over connections of this store.
#[derive(Clone)]
pub(super) struct Sentinels {
    pub(super) places: Vec<ConnectionAddr>,
    /// The user and password of the Sentinels, not those of the server.
    pub(super) settings: RedisConnectionInfo,
    /// The name of the primary in the Sentinels' configuration.
    pub(super) name: String,
}

impl Sentinels {
    /// Asks all Sentinels at once for the primary, so that a Sentinel that is down costs no time.
    pub(super) fn ask(&self, tls: Option<&Tls>) -> JoinSet<Result<ConnectionAddr, Failure>> {
        let mut asked = JoinSet::new();
        for place in &self.places {
            let (place, settings, tls) = (place.clone(), self.settings.clone(), tls.cloned());
            let mut question = cmd("SENTINEL");
            question.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.name);
            asked.spawn(async move {
                let ask = async |connection: &mut MultiplexedConnection| {
                    Ok(connection.req_packed_command(&question).await.and_then(Value::extract_error)?)
                };
                let (_line, _driver, answer) = Line::open(&place, tls.as_ref(), &settings, ask).await?;
                primary(&answer)
            });
        }
        asked
    }
}

fn primary(answer: &Value) -> Result<ConnectionAddr, Failure> {
    const UNREADABLE: Failure = Failure::Corrupt("the Sentinel's answer");
    let host_and_port = match answer {
        Value::Nil => return Err(Failure::Connection("the Sentinel knows no primary of this name")),
        Value::Array(host_and_port) => host_and_port,
        _ => return Err(UNREADABLE),
    };
    let [Value::BulkString(host), Value::BulkString(port)] = &host_and_port[..] else {
        return Err(UNREADABLE);
    };
    let host = str::from_utf8(host).map_err(|_| UNREADABLE)?;
    let port = str::from_utf8(port).ok().and_then(|port| port.parse().ok()).ok_or(UNREADABLE)?;
    Ok(ConnectionAddr::Tcp(host.to_owned(), port))
}
