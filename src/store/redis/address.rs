//! The connection URL of a Redis server, as the host configures it.

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo};
use url::form_urlencoded;

use super::sentinel::Sentinels;
use crate::store::OpenError;

const NO_URL: OpenError = OpenError::Invalid("the address is not a valid Redis URL");

/// A parsed connection URL.
pub(super) struct ServerAddress {
    pub(super) route: Route,
    /// The user, password and database of the server.
    pub(super) settings: RedisConnectionInfo,
    /// True if every connection is encrypted.
    pub(super) encrypted: bool,
}

/// The way to find the server.
#[derive(Clone)]
pub(super) enum Route {
    Direct(ConnectionAddr),
    /// The store asks Redis Sentinels which server is the primary at present.
    Sentinels(Sentinels),
}

impl ServerAddress {
    /// Parses the forms that [`RedisOptions::new`](super::RedisOptions::new) documents.
    pub(super) fn parse(url: &str) -> Result<Self, OpenError> {
        let (scheme, rest) = url.split_once("://").ok_or(NO_URL)?;
        // URLs with a `#` are refused. Otherwise the driver would accept any certificate if the URL
        // ended in `#insecure`.
        if rest.contains('#') {
            return Err(OpenError::Invalid(
                "the address has a part after #: certificate checks cannot be switched off",
            ));
        }
        match scheme {
            "redis" | "valkey" => Self::direct(rest, false),
            "rediss" | "valkeys" => Self::direct(rest, true),
            "redis+sentinel" | "redis-sentinel" | "valkey+sentinel" | "valkey-sentinel" => {
                Self::by_sentinels(rest, false)
            }
            "rediss+sentinel" | "rediss-sentinel" | "valkeys+sentinel" | "valkeys-sentinel" => {
                Self::by_sentinels(rest, true)
            }
            "redis+unix" | "valkey+unix" | "unix" => Self::of(&read(url)?, false),
            _ => Err(NO_URL),
        }
    }

    fn direct(rest: &str, encrypted: bool) -> Result<Self, OpenError> {
        Self::of(&read(&format!("redis://{rest}"))?, encrypted)
    }

    fn of(server: &ConnectionInfo, encrypted: bool) -> Result<Self, OpenError> {
        Ok(Self {
            route: Route::Direct(server.addr().clone()),
            settings: server.redis_settings().clone(),
            encrypted,
        })
    }

    /// `[user][:password@]host[:port][,host[:port]…]/name[/database][?sentinel_username=…&sentinel_password=…]`
    fn by_sentinels(rest: &str, encrypted: bool) -> Result<Self, OpenError> {
        const NO_NAME: OpenError = OpenError::Invalid(
            "the path of a Sentinel address is the primary's name, and a database's number",
        );
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').ok_or(NO_NAME)?;
        let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (name, database) = path.split_once('/').unwrap_or((path, ""));
        // Sentinel itself allows only these characters in the name of a primary.
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if name.is_empty() || !name.bytes().all(allowed) {
            return Err(NO_NAME);
        }
        let user = if user.is_empty() { String::new() } else { format!("{user}@") };
        let server = read(&format!("redis://{user}the-primary/{database}"))?;
        let places = hosts.split(',').map(sentinel).collect::<Result<_, _>>()?;
        Ok(Self {
            route: Route::Sentinels(Sentinels {
                places,
                settings: sentinel_settings(query)?,
                name: name.to_owned(),
            }),
            settings: server.redis_settings().clone(),
            encrypted,
        })
    }
}

fn read(url: &str) -> Result<ConnectionInfo, OpenError> {
    if cfg!(not(unix)) && (url.starts_with("unix:") || url.starts_with("redis+unix:")) {
        return Err(OpenError::Invalid("the URL names a Unix socket, which this system does not have"));
    }
    let server = url.into_connection_info().map_err(|_| NO_URL)?;
    match server.addr() {
        ConnectionAddr::Tcp(..) | ConnectionAddr::Unix(_) => Ok(server),
        _ => Err(NO_URL),
    }
}

/// Parses the host and the port of a Sentinel. The default port is 26379.
fn sentinel(host: &str) -> Result<ConnectionAddr, OpenError> {
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
    let port = if has_port { "" } else { ":26379" };
    Ok(read(&format!("redis://{host}{port}/"))?.addr().clone())
}

fn sentinel_settings(query: &str) -> Result<RedisConnectionInfo, OpenError> {
    form_urlencoded::parse(query.as_bytes()).try_fold(
        RedisConnectionInfo::default(),
        |settings, (name, value)| match &*name {
            "sentinel_username" => Ok(settings.set_username(value)),
            "sentinel_password" => Ok(settings.set_password(value)),
            _ => Err(OpenError::Invalid(
                "the only options of a Sentinel address are sentinel_username and sentinel_password",
            )),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentinels(url: &str) -> (ServerAddress, Sentinels) {
        let address = ServerAddress::parse(url).unwrap();
        let Route::Sentinels(sentinels) = address.route.clone() else { panic!("no Sentinel address") };
        (address, sentinels)
    }

    #[test]
    fn a_sentinel_address_names_hosts_and_the_primary() {
        let (address, found) = sentinels(
            "rediss+sentinel://shop:p%40ss%2F@one,[2001:db8::1],three:5000/my-primary.1/3\
             ?sentinel_username=watch&sentinel_password=w%40tch",
        );
        let places: Vec<_> = found.places.iter().map(ToString::to_string).collect();
        assert_eq!(places, ["one:26379", "2001:db8::1:26379", "three:5000"]);
        assert_eq!(found.name, "my-primary.1");
        assert_eq!((found.settings.username(), found.settings.password()), (Some("watch"), Some("w@tch")));
        let settings = address.settings;
        assert_eq!((settings.username(), settings.password()), (Some("shop"), Some("p@ss/")));
        assert_eq!((settings.db(), address.encrypted), (3, true));
    }

    #[test]
    fn a_short_sentinel_address_has_defaults() {
        for url in ["redis+sentinel://one/primary", "redis-sentinel://one:26379/primary/"] {
            let (address, found) = sentinels(url);
            assert_eq!(found.places, [ConnectionAddr::Tcp("one".into(), 26379)]);
            assert_eq!((found.settings.password(), address.settings.password()), (None, None));
            assert_eq!((address.settings.db(), address.encrypted), (0, false));
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for url in [
            "",
            "redis",
            "redis:",
            "redis://",
            "http://127.0.0.1/",
            "redis://127.0.0.1/x",
            "rediss://127.0.0.1/#insecure",
            "redis+unix://",
            "redis+sentinel://one,two",
            "redis+sentinel://one/",
            "redis+sentinel:///primary",
            "redis+sentinel://one,,two/primary",
            "redis+sentinel://one:x/primary",
            "redis+sentinel://one/primary/x",
            "redis+sentinel://one/pri%20mary",
            "redis+sentinel://one/primary?sentinel_pass=x",
            "rediss+sentinel://one/primary#insecure",
        ] {
            let refused = ServerAddress::parse(url).err();
            assert!(matches!(refused, Some(OpenError::Invalid(_))), "{url}: {refused:?}");
        }
    }

    #[test]
    fn each_scheme_has_its_route() {
        for (url, is_direct, encrypted) in [
            ("redis://one/", true, false),
            ("valkey://one/", true, false),
            ("rediss://one/", true, true),
            ("valkeys://one/", true, true),
            ("redis+sentinel://one/p", false, false),
            ("rediss-sentinel://one/p", false, true),
        ] {
            let address = ServerAddress::parse(url).unwrap();
            assert_eq!(
                (matches!(address.route, Route::Direct(_)), address.encrypted),
                (is_direct, encrypted)
            );
        }
        for url in ["redis+unix:///run/redis.sock?db=2", "unix:///run/redis.sock?db=2"] {
            if cfg!(not(unix)) {
                assert!(matches!(ServerAddress::parse(url), Err(OpenError::Invalid(_))), "{url}");
                continue;
            }
            let address = ServerAddress::parse(url).unwrap();
            let Route::Direct(ConnectionAddr::Unix(path)) = address.route else {
                panic!("{url} is no socket")
            };
            assert_eq!((path.to_str(), address.settings.db()), (Some("/run/redis.sock"), 2));
        }
    }
}
