//! The servers start, are killed, start again, and leave nothing behind.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    process::Command,
    time::{Duration, Instant},
};

use commerce_auth_test_servers::{PgBouncer, Postgres, Proxy, Redis};

#[test]
fn postgres_is_killed_restarted_and_removed() {
    let Some(server) = Postgres::start() else { return };
    server.query("CREATE TABLE kept AS SELECT 42 AS answer").expect("a table can be made");
    server.kill();
    assert_eq!(server.query("SELECT 1"), None, "a killed server answers nothing");
    server.restart();
    assert_eq!(server.query("SELECT answer FROM kept").as_deref(), Some("42"));
    assert!(String::from_utf8_lossy(&server.dump()).contains("42"));
    let folder = server.folder().to_owned();
    drop(server);
    assert!(!folder.exists());
}

#[test]
fn a_standby_only_reads() {
    let Some(server) = Postgres::start() else { return };
    server.become_standby();
    assert_eq!(server.query("SHOW transaction_read_only").as_deref(), Some("on"));
}

#[test]
fn pgbouncer_stands_before_a_server() {
    let Some(server) = Postgres::start() else { return };
    let Some(pooler) = PgBouncer::start(&server, &["pool_mode=statement"]) else { return };
    let psql = |sql| {
        let url = server.url_through(pooler.port());
        Command::new("psql").args(["-XqAt", "-c", sql, &url]).output().expect("psql can be started")
    };
    assert_eq!(String::from_utf8_lossy(&psql("SELECT 42").stdout), "42\n", "{}", pooler.log());
    assert!(!psql("BEGIN").status.success());
}

#[test]
fn redis_is_killed_restarted_and_removed() {
    let Some(server) = Redis::start() else { return };
    server.command("SET answer 42").expect("a key can be set");
    server.kill();
    assert_eq!(server.command("PING"), None, "a killed server answers nothing");
    server.restart();
    assert_eq!(server.command("GET answer").as_deref(), Some("$2\r\n42\r\n"));
    let folder = server.folder().to_owned();
    drop(server);
    assert!(!folder.exists());
}

#[test]
fn a_proxy_counts_delays_and_cuts() {
    let Some(server) = Redis::start() else { return };
    let proxy = Proxy::to(server.port());
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).expect("the proxy listens");
    let mut ping = || {
        let begun = Instant::now();
        stream.write_all(b"PING\r\n").ok()?;
        let mut answer = [0; 7];
        stream.read_exact(&mut answer).ok()?;
        Some((answer, begun.elapsed()))
    };
    assert_eq!(ping().expect("the server answers").0, *b"+PONG\r\n");
    assert_eq!(proxy.turns(), 1);
    proxy.delay(Duration::from_millis(300));
    assert!(ping().expect("the server answers").1 >= Duration::from_millis(300));
    assert_eq!(proxy.turns(), 2);
    proxy.cut();
    assert_eq!(ping(), None);
}
