use std::str;

use redis::{
    ConnectionAddr, RedisConnectionInfo, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cmd,
};
use tokio::task::JoinSet;

use super::{failure::Failure, line::Line, tls::Tls};

/// The Redis Sentinels of a shop. Sentinels are servers that decide which one of several Redis
/// servers is the primary.
///
/// The Sentinel client of the crate `redis` is not used. For TLS, that client uses the default
/// cryptography provider of the process, and panics if there is none. So this module itself sends
/// the commands to the Sentinels, over connections that this store opens.
#[derive(Clone)]
pub(super) struct Sentinels {
    pub(super) places: Vec<ConnectionAddr>,
    /// The user and the password for the Sentinels. The user and the password for the Redis servers
    /// are not in this field.
    pub(super) settings: RedisConnectionInfo,
    /// The name of the primary in the Sentinels' configuration.
    pub(super) name: String,
}

impl Sentinels {
    /// Asks all Sentinels at the same time which server is the primary, so that a Sentinel that is
    /// down causes no delay.
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
