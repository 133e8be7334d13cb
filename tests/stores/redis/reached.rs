//! The ways to reach Redis: through a Unix socket, through TLS, and by Sentinels that name the
//! primary.

use std::time::{Duration, Instant};

use commerce_auth::{
    TokenStore,
    store::{
        OpenError,
        redis::{RedisOptions, RedisStore},
    },
};
use commerce_auth_test_servers::{Redis, Sentinel, free_port};
use support::{
    present::{grant, insert, lives, now, seconds},
    records::said,
};

/// The additional time that a call may take on a busy machine.
const SLACK: Duration = Duration::from_secs(5);

/// Repeats a check until it is true, within a time limit.
async fn within(bound: Duration, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < bound, "{what} did not happen within {bound:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_unix_socket_is_connected_to() {
    let Some(server) = Redis::start_with(&["--requirepass", "p@ss:w"]) else { return };
    let path = server.socket_url().replace("redis+unix://", "");
    for scheme in ["redis+unix", "unix", "valkey+unix"] {
        let url = format!("{scheme}://{path}?db=3&pass=p%40ss%3Aw");
        let store = RedisStore::connect(url).await.unwrap();
        let grant = grant(scheme, 1);
        insert(&store, &grant).await;
        assert!(lives(&store, &grant).await);
    }
    let error = RedisStore::connect(server.socket_url()).await.unwrap_err();
    assert!(matches!(error, OpenError::NotPermitted { .. }), "{error:?}");
    let nobodys = format!("unix://{path}.nobodys");
    let error = RedisOptions::new(nobodys).timeout(seconds(1)).connect().await.unwrap_err();
    assert!(matches!(error, OpenError::Unavailable(_)), "{error:?}");
}

// ---- Sentinel -----------------------------------------------------------------------------------------------

const PASSWORDS: [&str; 2] = ["sentinel auth-pass shop s3rvers", "requirepass s3ntinels"];

fn protected(more: &[&str]) -> Option<Redis> {
    Redis::start_with(&[&["--requirepass", "s3rvers", "--masterauth", "s3rvers"], more].concat())
}

/// Starts three Sentinels of a primary. Returns them with the address of a store that asks them.
fn sentinels(primary: u16) -> Option<([Sentinel; 3], String)> {
    let watch =
        || Sentinel::watch(primary, 2, &[&PASSWORDS[..], &["sentinel sentinel-pass s3ntinels"]].concat());
    let sentinels = [watch()?, watch()?, watch()?];
    let hosts = sentinels.each_ref().map(|sentinel| format!("127.0.0.1:{}", sentinel.port())).join(",");
    Some((sentinels, format!("redis+sentinel://:s3rvers@{hosts}/shop/2?sentinel_password=s3ntinels")))
}

fn knows(sentinel: &Sentinel, what: &str) -> bool {
    let asked = sentinel.command("AUTH s3ntinels\r\nSENTINEL MASTER shop");
    asked.is_some_and(|answer| answer.replace("\r\n", " ").contains(what))
}

/// True if the Sentinel names the server at this port as the primary.
fn names(sentinel: &Sentinel, port: u16) -> bool {
    let asked = sentinel.command("AUTH s3ntinels\r\nSENTINEL GET-MASTER-ADDR-BY-NAME shop");
    asked.is_some_and(|answer| answer.contains(&format!("\r\n{port}\r\n")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_by_sentinels_is_followed() {
    let Some(old) = protected(&[]) else { return };
    let primary = old.port().to_string();
    let Some(new) = protected(&["--replicaof", "127.0.0.1", &primary]) else { return };
    let Some((sentinels, url)) = sentinels(old.port()) else { return };
    for sentinel in &sentinels {
        // The Sentinel knows the other Sentinels and the replica.
        within(seconds(30), "what Sentinels hear", async || {
            knows(sentinel, "num-other-sentinels $1 2") && knows(sentinel, "num-slaves $1 1")
        })
        .await;
    }
    within(seconds(30), "a replica", async || {
        old.command("AUTH s3rvers\r\nINFO replication").is_some_and(|info| info.contains("state=online"))
    })
    .await;
    // A quarter of the timeout is for connecting.
    let options = || RedisOptions::new(&*url).timeout(seconds(10));
    let store = options().wait_for_replicas(1, seconds(5)).connect().await.unwrap();
    let (kept, revoked) = (grant("kept", 1), grant("revoked", 2));
    insert(&store, &kept).await;
    insert(&store, &revoked).await;
    // When this returns, the replica has all earlier writes.
    store.revoke(&revoked.id, now(), revoked.expires_at()).await.unwrap();
    // One of the three Sentinels stops together with the primary. The store asks it, too.
    sentinels[0].kill();
    old.kill();
    within(seconds(60), "service by the new primary", async || {
        matches!(store.find(&kept.id, now()).await, Ok(Some(_)))
    })
    .await;
    assert!(!lives(&store, &revoked).await, "what was revoked before the failover");
    let later = grant("later", 3);
    insert(&store, &later).await;
    // A Sentinel that does not know of the failover still names the old primary.
    for sentinel in &sentinels[1..] {
        within(seconds(60), "what a Sentinel hears of the failover", async || names(sentinel, new.port()))
            .await;
    }
    // The old primary starts again. For a moment it is a primary with an older state, then it
    // becomes a replica.
    old.restart();
    for _ in 0..50 {
        let another = options().connect().await.expect("the Sentinels name the new primary");
        assert!(
            lives(&another, &later).await && lives(&store, &later).await,
            "the old primary still answers"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    within(seconds(30), "the old primary's new part", async || {
        old.command("AUTH s3rvers\r\nROLE").is_some_and(|role| role.contains("slave"))
    })
    .await;
    let old = old.url().replace("redis://", "redis://:s3rvers@");
    let refused = RedisStore::connect(old).await.unwrap_err();
    assert!(matches!(refused, OpenError::Invalid(why) if why.contains("replica")), "{refused:?}");
}

#[tokio::test]
async fn what_sentinels_do_not_name_is_told() {
    let Some(server) = protected(&[]) else { return };
    let Some(sentinel) = Sentinel::watch(server.port(), 1, &PASSWORDS) else { return };
    let (port, dead) = (sentinel.port(), free_port());
    let at = |user: &str, hosts: &str, path: &str| {
        RedisOptions::new(format!("redis+sentinel://{user}{hosts}/{path}")).timeout(seconds(5)).connect()
    };
    let live = format!("127.0.0.1:{port}");
    let both = format!("127.0.0.1:{dead},{live}");
    let store = at(":s3rvers@", &both, "shop?sentinel_password=s3ntinels").await.unwrap();
    insert(&store, &grant("a", 1)).await;
    for (user, hosts, path) in [
        (":s3rvers@", &live, "nobody?sentinel_password=s3ntinels"),
        (":s3rvers@", &live, "shop?sentinel_password=wr0ng"),
        (":s3rvers@", &live, "shop"),
        (":wr0ng@", &live, "shop?sentinel_password=s3ntinels"),
        (":s3rvers@", &format!("127.0.0.1:{dead}"), "shop?sentinel_password=s3ntinels"),
        // A Redis server is not a Sentinel.
        (":s3rvers@", &format!("127.0.0.1:{}", server.port()), "shop?sentinel_password=s3rvers"),
    ] {
        let begun = Instant::now();
        let refused = at(user, hosts, path).await.unwrap_err();
        assert!(begun.elapsed() < seconds(5) + SLACK, "{path} took {:?}", begun.elapsed());
        let is_told = matches!(refused, OpenError::Unavailable(_) | OpenError::NotPermitted { .. });
        assert!(is_told, "{user}{hosts}/{path}: {refused:?}");
        let shown = said(&refused);
        assert!(
            ["s3rvers", "s3ntinels", "wr0ng", "127.0.0.1"].iter().all(|word| !shown.contains(word)),
            "{shown}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_primary_that_may_evict_is_refused() {
    let Some(old) = protected(&[]) else { return };
    let primary = old.port().to_string();
    let evicting = ["--replicaof", "127.0.0.1", &primary, "--maxmemory-policy", "allkeys-lru"];
    let Some(_new) = protected(&evicting) else { return };
    let Some(sentinel) = Sentinel::watch(old.port(), 1, &PASSWORDS) else { return };
    within(seconds(30), "what a Sentinel hears", async || knows(&sentinel, "num-slaves $1 1")).await;
    within(seconds(30), "a replica", async || {
        old.command("AUTH s3rvers\r\nINFO replication").is_some_and(|info| info.contains("state=online"))
    })
    .await;
    let url =
        format!("redis+sentinel://:s3rvers@127.0.0.1:{}/shop?sentinel_password=s3ntinels", sentinel.port());
    let store = RedisStore::connect(&*url).await.unwrap();
    let grant = grant("a", 1);
    insert(&store, &grant).await;
    old.kill();
    within(seconds(60), "a refusal that names the reason", async || {
        let Err(error) = store.find(&grant.id, now()).await else { return false };
        said(&error).contains("allkeys-lru")
    })
    .await;
    let refused = RedisStore::connect(&*url).await.unwrap_err();
    assert!(matches!(&refused, OpenError::MayEvict { policy } if policy == "allkeys-lru"), "{refused:?}");
    RedisOptions::new(&*url).danger_allow_eviction().connect().await.unwrap();
}

// ---- TLS ----------------------------------------------------------------------------------------------------

#[cfg(not(feature = "redis-rustls"))]
#[tokio::test]
async fn without_the_feature_tls_is_refused_by_name() {
    for url in ["rediss://127.0.0.1/", "valkeys://127.0.0.1/", "rediss+sentinel://127.0.0.1/shop"] {
        let refused = RedisStore::connect(url).await.unwrap_err();
        assert!(matches!(refused, OpenError::Invalid(why) if why.contains("`redis-rustls`")), "{refused:?}");
    }
}

#[cfg(feature = "redis-rustls")]
mod tls {
    use std::{
        fs,
        process::{Command, Stdio},
    };

    use commerce_auth_test_servers::Proxy;
    use tempfile::TempDir;

    use super::*;

    /// A certificate authority that signs a certificate for loopback, and one for a client.
    struct Authority(TempDir);

    impl Authority {
        fn new() -> Option<Self> {
            let authority = Self(TempDir::new().unwrap());
            authority.openssl(
                "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.crt",
            )?;
            fs::write(authority.0.path().join("server.ext"), "subjectAltName = IP:127.0.0.1, DNS:localhost")
                .unwrap();
            fs::write(authority.0.path().join("client.ext"), "extendedKeyUsage = clientAuth").unwrap();
            for name in ["server", "client"] {
                authority.openssl(&format!(
                    "req -new -newkey rsa:2048 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"
                ))?;
                authority.openssl(&format!(
                    "x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 \
                     -extfile {name}.ext -out {name}.crt"
                ))?;
            }
            Some(authority)
        }

        fn openssl(&self, arguments: &str) -> Option<()> {
            let made = Command::new("openssl")
                .args(arguments.split_whitespace())
                .current_dir(self.0.path())
                .stderr(Stdio::null())
                .status();
            let Ok(made) = made else {
                eprintln!("SKIPPED: openssl is not on PATH, so TLS is not tested");
                return None;
            };
            assert!(made.success(), "openssl failed: {arguments}");
            Some(())
        }

        fn file(&self, name: &str) -> Vec<u8> {
            fs::read(self.0.path().join(name)).unwrap()
        }

        fn path(&self, name: &str) -> String {
            self.0.path().join(name).display().to_string()
        }

        /// Returns the settings of a server, which may or may not demand a client certificate, and
        /// its port.
        fn settings(&self, clients: &str) -> (u16, Vec<[String; 2]>) {
            let port = free_port();
            let settings = [
                ("tls-port", port.to_string()),
                ("tls-cert-file", self.path("server.crt")),
                ("tls-key-file", self.path("server.key")),
                ("tls-ca-cert-file", self.path("ca.crt")),
                ("tls-auth-clients", clients.to_owned()),
                ("tls-replication", "yes".to_owned()),
            ];
            (port, settings.map(|(name, value)| [name.to_owned(), value]).to_vec())
        }

        /// Starts a server that also listens without TLS, so that the test can query it. Returns it
        /// with its port for TLS.
        fn server(&self, clients: &str) -> Option<(Redis, u16)> {
            let (port, settings) = self.settings(clients);
            let arguments: Vec<_> =
                settings.into_iter().flat_map(|[name, value]| [format!("--{name}"), value]).collect();
            let server = Redis::start_with(&arguments.iter().map(String::as_str).collect::<Vec<_>>())?;
            Some((server, port))
        }

        fn options(&self, url: String) -> RedisOptions {
            // A quarter of it is for connecting, including the handshake.
            RedisOptions::new(url).timeout(seconds(10)).root_certificates(self.file("ca.crt"))
        }
    }

    fn url(host: &str, port: u16) -> String {
        format!("rediss://{host}:{port}/")
    }

    #[tokio::test]
    async fn every_connection_is_encrypted() {
        let Some(authority) = Authority::new() else { return };
        let Some((server, port)) = authority.server("no") else { return };
        for host in ["127.0.0.1", "localhost"] {
            let store = authority.options(url(host, port)).connections(2).connect().await.unwrap();
            let grant = grant(host, 1);
            insert(&store, &grant).await;
            assert!(lives(&store, &grant).await);
            // The connections of the earlier store end shortly after it.
            within(seconds(10), "two connections, and the one that asks", async || {
                server.command("INFO clients").unwrap().contains("connected_clients:3")
            })
            .await;
        }
        // The store also reconnects through TLS.
        let proxy = Proxy::to(port);
        let store = authority.options(url("127.0.0.1", proxy.port())).connect().await.unwrap();
        let grant = grant("again", 1);
        insert(&store, &grant).await;
        proxy.cut();
        within(seconds(30), "service after a cut", async || store.find(&grant.id, now()).await.is_ok()).await;
        let plain = RedisOptions::new(format!("redis://127.0.0.1:{port}/")).timeout(seconds(1));
        assert!(matches!(plain.connect().await, Err(OpenError::Unavailable(_))), "plain to a TLS port");
    }

    #[tokio::test]
    async fn a_server_that_is_not_believed_is_not_spoken_to() {
        let Some(authority) = Authority::new() else { return };
        let Some(other) = Authority::new() else { return };
        let Some((server, port)) = authority.server("no") else { return };
        let secret = url("shop:s3cret@127.0.0.1", port);
        let refused = |options: RedisOptions, why: &'static str| async move {
            let error = options.timeout(seconds(10)).connect().await.unwrap_err();
            assert!(matches!(error, OpenError::Unavailable(_)), "{error:?}");
            let shown = said(&error);
            assert!(shown.contains(why), "{shown}");
            assert!(!shown.contains("s3cret") && !shown.contains("127.0.0.1"), "{shown}");
        };
        let untrusted = "the server's certificate is not trusted";
        refused(other.options(secret.clone()), untrusted).await;
        refused(RedisOptions::new(secret.clone()), untrusted).await;
        // A certificate of the right authority, for another host.
        refused(authority.options(url("ip6-localhost", port)), "").await;
        let by_number = authority.options(url("127.0.0.2", port));
        assert!(by_number.connect().await.is_err());
        // A server without TLS.
        refused(authority.options(url("127.0.0.1", server.port())), "").await;
        // None of these connections sent a name and a password.
        let log = server.command("ACL LOG").unwrap();
        assert_eq!(log, "*0\r\n");
    }

    #[tokio::test]
    async fn a_client_certificate_is_shown() {
        let Some(authority) = Authority::new() else { return };
        let Some((_server, port)) = authority.server("yes") else { return };
        let anonymous = authority.options(url("127.0.0.1", port)).connect().await.unwrap_err();
        assert!(matches!(anonymous, OpenError::Unavailable(_)), "{anonymous:?}");
        let (chain, key) = (authority.file("client.crt"), authority.file("client.key"));
        let options = authority.options(url("127.0.0.1", port)).client_certificate(chain, key);
        assert!(!format!("{options:?}").contains("PRIVATE"));
        let store = options.connect().await.unwrap();
        insert(&store, &grant("a", 1)).await;
    }

    #[tokio::test]
    async fn sentinels_and_servers_are_reached_through_tls() {
        let Some(authority) = Authority::new() else { return };
        let Some(other) = Authority::new() else { return };
        let Some((_server, port)) = authority.server("no") else { return };
        let (tls_port, settings) = authority.settings("no");
        let lines: Vec<_> = settings.iter().map(|line| line.join(" ")).collect();
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        let Some(_sentinel) = Sentinel::watch(port, 1, &lines) else { return };
        let url = format!("rediss+sentinel://127.0.0.1:{tls_port}/shop");
        let store = authority.options(url.clone()).connect().await.unwrap();
        insert(&store, &grant("a", 1)).await;
        let refused = other.options(url).connect().await.unwrap_err();
        assert!(said(&refused).contains("is not trusted"), "{refused:?}");
    }

    #[tokio::test]
    async fn certificates_that_are_none_are_refused() {
        let Some(authority) = Authority::new() else { return };
        let at = |port: u16| url("127.0.0.1", port);
        let (chain, key) = (authority.file("client.crt"), authority.file("client.key"));
        for options in [
            RedisOptions::new(at(1)).root_certificates(""),
            RedisOptions::new(at(1)).root_certificates("nothing"),
            RedisOptions::new(at(1)).root_certificates(&key[..]),
            authority.options(at(1)).client_certificate(&chain[..], &chain[..]),
            authority.options(at(1)).client_certificate(&key[..], &key[..]),
            authority.options(at(1)).client_certificate(&chain[..], authority.file("server.key")),
            // Without TLS, roots and client certificates have no use, so they are refused.
            RedisOptions::new("redis://127.0.0.1:1/").root_certificates(authority.file("ca.crt")),
            RedisOptions::new("redis://127.0.0.1:1/").client_certificate(&chain[..], &key[..]),
            authority.options("rediss://127.0.0.1:1/#insecure".into()),
        ] {
            let error = options.connect().await.unwrap_err();
            assert!(matches!(error, OpenError::Invalid(_)), "{error:?}");
        }
    }
}
