//! How the server starts, ends and comes back.

use std::{thread, time::Duration};

use commerce_auth_test_servers::Redis;
use serde_json::json;

use crate::support::{BOB, BOBS_PASSWORD, Place, signal, wait_until};

const WHO: &str = "{ customer { email } }";

#[test]
fn tokens_outlive_a_restart() {
    let place = Place::new();
    let server = place.demo();
    let token = server.customer_token(BOB, BOBS_PASSWORD);
    server.terminate();
    let server = place.start();
    assert_eq!(server.graphql(Some(&token), WHO, json!({})).data("/customer/email"), BOB);
}

#[test]
fn in_memory_nothing_outlives_it() {
    let place = Place::new();
    let server = place.start_with(&["--demo", "--database", "memory:"]);
    let token = server.customer_token(BOB, BOBS_PASSWORD);
    assert_eq!(server.get_as("/rest/V1/customers/me", &token).json()["email"], BOB);
    server.terminate();
    let server = place.start_with(&["--demo", "--database", "memory:"]);
    assert_eq!(server.graphql(Some(&token), WHO, json!({})).status, 401);
}

#[test]
fn tokens_are_kept_in_redis_and_accounts_in_the_database() {
    let Some(redis) = Redis::start() else { return };
    let place = Place::new();
    let url = redis.url();
    let arguments = ["--demo", "--tokens", &url];
    let server = place.start_with(&arguments);
    let token = server.customer_token(BOB, BOBS_PASSWORD);
    server.terminate();
    let elsewhere = place.start();
    assert_eq!(elsewhere.graphql(Some(&token), WHO, json!({})).status, 401, "the file has no tokens");
    elsewhere.customer_token(BOB, BOBS_PASSWORD);
    elsewhere.terminate();
    let server = place.start_with(&arguments);
    assert_eq!(server.graphql(Some(&token), WHO, json!({})).data("/customer/email"), BOB);
    redis.stop();
    assert_eq!(server.graphql(Some(&token), WHO, json!({})).status, 503);
    assert_eq!(server.get("/health", &[]).status, 503);
    redis.restart();
    wait_until("the recovery", || (server.get("/health", &[]).status == 200).then_some(()));
    assert_eq!(server.graphql(Some(&token), WHO, json!({})).data("/customer/email"), BOB);
}

#[test]
fn sigterm_ends_it_in_good_order() {
    let place = Place::new();
    let server = place.demo();
    assert_eq!(server.get("/health", &[]).status, 200);
    // Answers that are under way are given: a sign-in takes its hash.
    thread::scope(|scope| {
        let asked = || server.sign_in(BOB, BOBS_PASSWORD);
        let asked: Vec<_> = (0..4).map(|_| scope.spawn(asked)).collect();
        thread::sleep(Duration::from_millis(100));
        signal("TERM", server.id());
        for answer in asked {
            answer.join().unwrap().data("/generateCustomerToken/token");
        }
    });
    let (status, _, log) = server.ended();
    assert!(status.success(), "{status}: {log}");
    assert!(log.lines().last().unwrap().ends_with(" ended"), "{log}");

    // Events of customers go through a queue, which was written before the end.
    let server = place.demo();
    let admin = server.admin_token("admin");
    let events = server.get_as("/admin/api/audit?limit=50", &admin).json();
    let events = events.as_array().unwrap().iter();
    let sign_ins = events.filter(|event| event["action"] == "sign_in" && event["outcome"] == "succeeded");
    assert_eq!(sign_ins.count(), 4);
}

#[test]
fn sigint_ends_it_too() {
    let server = Place::new().start();
    signal("INT", server.id());
    assert!(server.ended().0.success());
}

#[test]
fn requests_are_bounded_and_named() {
    let server = Place::new().start();
    let body = json!({ "username": BOB, "password": "x".repeat(20 * 1024) });
    let refused = server.post_json("/rest/V1/integration/customer/token", None, &body);
    assert_eq!(refused.status, 413, "{refused:?}");

    let named = server.get("/health", &[("x-request-id", "of-the-client")]);
    assert_eq!(named.header("x-request-id"), Some("of-the-client"));
    assert!(server.get("/health", &[]).header("x-request-id").is_some_and(|id| id.len() == 36));
}

#[test]
fn a_clients_address_is_taken_from_trusted_proxies_alone() {
    for (arguments, source) in [
        (&["--demo"][..], "127.0.0.1"),
        (&["--demo", "--trusted-proxy", "127.0.0.0/8", "--trusted-proxy", "198.51.100.0/24"], "203.0.113.9"),
        (&["--demo", "--trusted-proxy", "127.0.0.1", "--trusted-proxy", "198.51.100.7"], "203.0.113.9"),
    ] {
        let server = Place::new().start_with(arguments);
        let body = json!({ "username": BOB, "password": "Wr0ng-password" });
        let forwarded = [
            ("content-type", "application/json"),
            ("x-forwarded-for", "192.0.2.1, 203.0.113.9, 198.51.100.7"),
        ];
        let refused = server.post("/rest/V1/integration/customer/token", &forwarded, &body.to_string());
        assert_eq!(refused.status, 401);
        let admin = server.admin_token("admin");
        // Events of customers go through a queue.
        let sign_in = wait_until("the sign-in's event", || {
            let events = server.get_as("/admin/api/audit", &admin).json();
            events.as_array()?.iter().find(|event| event["action"] == "sign_in").cloned()
        });
        assert_eq!(sign_in["source"], source);
    }
}
