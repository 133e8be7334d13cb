//! Tokens in Redis, however it is reached.

use std::process::{Command, Stdio};

use commerce_auth_test_servers::{Redis, Sentinel, free_port};

use crate::support::{BOB, BOBS_PASSWORD, Place};

/// The empty file of root certificates, for a server without TLS.
const NO_ROOTS: &str = "/dev/null";

fn keeps_tokens_there(address: &str, redis: &Redis, roots: &str) {
    let place = Place::new();
    let server = place.start_beside_redis(address, roots);
    let token = server.customer_token(BOB, BOBS_PASSWORD);
    assert_eq!(server.get_as("/rest/V1/customers/me", &token).json()["email"], BOB);
    redis.command("FLUSHALL").unwrap();
    assert_eq!(server.get_as("/rest/V1/customers/me", &token).status, 401, "{address}");
}

#[test]
fn a_port_a_socket_and_sentinels_are_understood() {
    let Some(redis) = Redis::start() else { return };
    let Some(sentinel) = Sentinel::watch(redis.port(), 1, &[]) else { return };
    let by_sentinel =
        format!("redis+sentinel://127.0.0.1:{},127.0.0.1:{}/shop", free_port(), sentinel.port());
    for address in
        [redis.url(), redis.socket_url(), redis.socket_url().replace("redis+unix", "unix"), by_sentinel]
    {
        keeps_tokens_there(&address, &redis, NO_ROOTS);
    }
}

#[test]
fn tls_is_understood() {
    let place = Place::new();
    let made = Command::new("openssl")
        .args(
            "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=redis -keyout redis.key -out redis.crt"
                .split(' '),
        )
        .args(["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"])
        .current_dir(place.path())
        .stderr(Stdio::null())
        .status();
    let Ok(made) = made else { return eprintln!("SKIPPED: openssl is not on PATH, so TLS is not tested") };
    assert!(made.success());
    let path = |name: &str| place.path().join(name).display().to_string();
    let (key, certificate, port) = (path("redis.key"), path("redis.crt"), free_port());
    let Some(redis) = Redis::start_with(&[
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &certificate,
        "--tls-auth-clients",
        "no",
    ]) else {
        return;
    };
    let address = format!("rediss://127.0.0.1:{port}/");
    keeps_tokens_there(&address, &redis, &certificate);
    let output = place.run(&["--listen", "127.0.0.1:0", "--database", "memory:", "--tokens", &address], "");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // A machine without root certificates says so instead.
    let is_told = said.contains("not trusted") || said.contains("no root certificates");
    assert!(!output.status.success() && is_told, "{said}");
}

#[test]
fn an_address_of_another_kind_is_refused() {
    for address in
        ["127.0.0.1:6379", "http://127.0.0.1/", "rediss://127.0.0.1/#insecure", "redis+sentinel://127.0.0.1/"]
    {
        let output =
            Place::new().run(&["--listen", "127.0.0.1:0", "--database", "memory:", "--tokens", address], "");
        assert!(!output.status.success(), "{address}");
    }
}
