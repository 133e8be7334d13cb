//! The peer's address. Without an address, no budget can be counted.

use std::net::SocketAddr;

use axum::{Router, body::Body, extract::connect_info::MockConnectInfo};
use commerce_auth::{
    ErrorKind,
    http::{AuthLayer, rest},
};
use http::Request;
use serde_json::json;
use support::{
    EMAIL, PASSWORD, shop,
    site::{Answer, Site, read, site},
};
use tower::ServiceExt;

use crate::captured::captured;

fn sign_in() -> Request<Body> {
    Request::post("/rest/V1/integration/customer/token")
        .header("content-type", "application/json")
        .body(json!({"username": EMAIL, "password": PASSWORD}).to_string().into())
        .unwrap()
}

async fn ask(router: &Router, request: Request<Body>) -> Answer {
    read(router.clone().oneshot(request).await.unwrap()).await
}

#[tokio::test]
async fn a_request_without_one_is_the_hosts_mistake() {
    let Site { router, .. } = site();
    let (log, answers) = captured(async {
        let graphql = Request::get("/graphql?query=%7BshopName%7D").body(Body::empty()).unwrap();
        [ask(&router, sign_in()).await, ask(&router, sign_in()).await, ask(&router, graphql).await]
    })
    .await;
    for answer in answers {
        assert_eq!((answer.status.as_u16(), answer.cause), (500, Some(ErrorKind::Internal)));
        let json = answer.json();
        assert_eq!(json["message"], "Internal Error.");
        assert_eq!(json["errors"][0]["extensions"]["category"], "internal");
        assert_eq!(answer.header("www-authenticate"), None);
    }
    assert_eq!(log.matches("ERROR").count(), 1, "once: {log}");
    for way_out in ["into_make_service_with_connect_info::<SocketAddr>()", "AuthLayer::without_addresses()"] {
        assert!(log.contains(way_out), "{log}");
    }
}

#[tokio::test]
async fn a_host_may_do_without() {
    let routes = || Router::new().nest("/rest", rest::by_store(rest::routes()));
    let without = routes().layer(AuthLayer::new(shop().auth).without_addresses());
    let (log, answer) = captured(ask(&without, sign_in())).await;
    assert_eq!((answer.status.as_u16(), log.as_str()), (200, ""));
    // A test request has no connection.
    let peer: SocketAddr = "192.0.2.1:4711".parse().unwrap();
    let mocked = routes().layer(AuthLayer::new(shop().auth)).layer(MockConnectInfo(peer));
    assert_eq!(ask(&mocked, sign_in()).await.status, 200);
}

#[tokio::test]
async fn an_untrusted_proxy_is_told_of_once() {
    let site = site();
    let forwarded = || {
        let mut request = sign_in();
        request.headers_mut().insert("x-forwarded-for", "203.0.113.7".parse().unwrap());
        request
    };
    let (log, ()) = captured(async {
        // A trusted peer, and a client without the header.
        assert_eq!(site.send_from("10.0.0.1:4711", forwarded()).await.status, 200);
        assert_eq!(site.send_from("192.0.2.1:4711", sign_in()).await.status, 200);
    })
    .await;
    assert_eq!(log, "");
    let (log, ()) = captured(async {
        for _ in 0..3 {
            assert_eq!(site.send_from("192.0.2.1:4711", forwarded()).await.status, 200);
        }
    })
    .await;
    assert_eq!(log.matches("WARN").count(), 1, "{log}");
    for told in ["AuthLayer::trusted_proxies", "192.0.2.1"] {
        assert!(log.contains(told), "{log}");
    }
    assert!(!log.contains("203.0.113.7"), "what a stranger says is not repeated: {log}");
}
