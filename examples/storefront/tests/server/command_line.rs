//! The arguments that the command line takes and refuses, and the format of the log.

use serde_json::Value;

use crate::support::{BOB, BOBS_PASSWORD, Place, wait_until};

#[test]
fn it_tells_its_version() {
    for flag in ["--version", "-V"] {
        let ran = Place::new().run(&[flag], "");
        assert!(ran.status.success(), "{ran:?}");
        assert_eq!(
            String::from_utf8(ran.stdout).unwrap(),
            format!("storefront {}\n", env!("CARGO_PKG_VERSION"))
        );
    }
}

#[test]
fn a_host_to_listen_at_is_looked_up() {
    let place = Place::new();
    for arguments in [&["--listen", "localhost:0"][..], &["--listen", "localhost:0", "--demo"]] {
        let server = place.start_exactly(arguments);
        assert_eq!(server.get("/health", &[]).status, 200);
        server.terminate();
    }
}

#[test]
fn a_demos_log_is_for_people_and_another_for_programs() {
    let place = Place::new();
    for (arguments, is_json) in [
        (&["--demo"][..], false),
        (&["--demo", "--log", "text"], false),
        (&["--demo", "--log", "json"], true),
        (&["--log", "text"], false),
        (&["--log", "json"], true),
        (&[], true),
    ] {
        let server = place.start_with(arguments);
        assert_eq!(server.get("/health", &[]).status, 200);
        let (status, _, log) = server.terminate();
        assert!(status.success(), "{log}");
        let lines: Vec<_> = log.lines().collect();
        assert!(!lines.is_empty());
        for line in lines {
            let parsed = serde_json::from_str::<Value>(line);
            assert_eq!(parsed.is_ok_and(|line| line.is_object()), is_json, "{arguments:?}: {line}");
            assert!(!line.contains('\u{1b}'), "no colours outside of a terminal: {line}");
        }
        assert!(log.contains("answered") && log.contains("ended"), "{log}");
    }
}

#[test]
fn the_log_of_a_sub_command_is_for_people_unless_json_is_asked_for() {
    let place = Place::new();
    let mut logs = Vec::new();
    for (name, arguments) in [("olga", &[][..]), ("otto", &["--log", "json"]), ("owen", &["--log", "text"])] {
        let arguments = [&["create-admin", "--username", name], arguments].concat();
        let ran = place.run(&arguments, "Adm1nPassw0rd\n");
        assert!(ran.status.success(), "{ran:?}");
        logs.push(String::from_utf8(ran.stderr).unwrap());
    }
    // A shop's first command tells of nothing but what the drivers trace, if they do.
    let is_json = |log: &String| log.lines().all(|line| serde_json::from_str::<Value>(line).is_ok());
    assert!(logs[0].is_empty() || !is_json(&logs[0]), "{}", logs[0]);
    assert!(is_json(&logs[1]), "{}", logs[1]);
    assert!(logs[2].is_empty() || !is_json(&logs[2]), "{}", logs[2]);
}

#[test]
fn what_makes_no_sense_is_refused_and_why_is_told() {
    let place = Place::new();
    let long = format!("https://shop.example/{}", "x".repeat(900));
    for (arguments, told) in [
        (&["--database", "mysql://host/db"][..], "none of memory:, sqlite:PATH and postgres://"),
        (&["--database", "sqlite:"], "none of memory:, sqlite:PATH and postgres://"),
        (&["--database", "sqlite:/nowhere/at/all.db"], ""),
        (&["--tokens", "memcached://host"], "redis://"),
        (&["--listen", "localhost"], "it has no port, such as localhost:8080"),
        (&["--listen", ":8080"], "it has no host"),
        (&["--listen", "::1:8080"], "in brackets"),
        (&["--listen", "127.0.0.1:eighty"], "its port is no number"),
        (&["--listen", "127.0.0.1:65536"], "its port is no number"),
        (&["--listen", "http://127.0.0.1:8080"], "no URL"),
        (&["--listen", "no such host:0"], "--listen no such host:0: "),
        (&["--trusted-proxy", "proxy.example"], "neither an address, such as 127.0.0.1, nor a network"),
        (&["--trusted-proxy", "10.0.0.0/40"], "neither an address"),
        (&["--public-url", "shop.example"], "begins with https:// or http://"),
        (&["--public-url", "https:///shop"], "names a host"),
        (&["--public-url", "https://shop.example/#top"], "no fragment"),
        (&["--public-url", "https://shop.example/my shop"], "no blank"),
        (&["--public-url", &long], "longer than 900 bytes"),
        (&["--outbox", "/dev/null/outbox"], "/dev/null/outbox: "),
        (&["--log", "xml"], "[possible values: text, json]"),
        (&["create-admin"], "--username"),
        (&["remove-admin-2fa"], "--username"),
        (&["create-admin", "--username", "olga", "--log", "xml"], "[possible values: text, json]"),
        (&["--admin-2fa", "perhaps"], "[possible values: required, optional]"),
        (&["--fresh-for", "0"], "--fresh-for"),
        (&["--demo", "create-admin", "--username", "olga"], "cannot be used with"),
    ] {
        let ran = place.run(arguments, "Adm1nPassw0rd\n");
        let said = String::from_utf8(ran.stderr).unwrap();
        assert!(!ran.status.success(), "{arguments:?}: {said}");
        assert!(!said.is_empty() && said.contains(told), "{arguments:?}: {said}");
    }
    let ran = place.command(&["--listen", "127.0.0.1:0"]).env("RUST_LOG", "loud=very=").output().unwrap();
    assert!(String::from_utf8(ran.stderr).unwrap().contains("RUST_LOG: "));
}

#[test]
fn an_address_in_use_is_named() {
    let place = Place::new();
    let server = place.demo();
    server.customer_token(BOB, BOBS_PASSWORD);
    let address = server.url().strip_prefix("http://").unwrap().to_owned();
    let ran = wait_until("the refusal", || {
        let ran = place.run(&["--listen", &address, "--database", "memory:"], "");
        (!ran.status.success()).then_some(ran)
    });
    let said = String::from_utf8(ran.stderr).unwrap();
    assert!(said.contains(&format!("--listen {address}: ")), "{said}");
}
