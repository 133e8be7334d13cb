//! The paths under which Commerce serves its APIs, and OPTIONS requests to them.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};
use support::{EMAIL, PASSWORD, site::site};
use tokio::net::TcpListener;

const SIGN_IN: &str = "/rest/V1/integration/customer/token";

fn post(path: &str, body: &Value) -> Request<Body> {
    let request = Request::post(path).header("content-type", "application/json");
    request.body(Body::from(body.to_string())).unwrap()
}

#[tokio::test]
async fn routes_are_served_where_commerce_serves_them() {
    let site = site();
    let sign_in = json!({"username": EMAIL, "password": PASSWORD});
    for path in [
        "/rest/V1/integration/customer/token",
        "/index.php/rest/V1/integration/customer/token",
        "/index.php/rest/default/V1/integration/customer/token",
        "/rest/V1/integration/customer/token/",
        "/rest/default/V1/integration/customer/token//",
        "//rest/V1/integration/customer/token",
        "/index.php/rest/V1/integration/customer/token/?XDEBUG_SESSION_START=1",
    ] {
        assert_eq!(site.send(post(path, &sign_in)).await.status, 200, "{path}");
    }
    let query = json!({"query": "{ shopName }"});
    for path in ["/graphql", "/graphql/", "/index.php/graphql", "/index.php/graphql/", "//graphql"] {
        assert_eq!(site.send(post(path, &query)).await.status, 200, "{path}");
        let get = Request::get(format!("{path}?query=%7B%20shopName%20%7D")).body(Body::empty()).unwrap();
        let answer = site.send(get).await;
        assert_eq!(answer.json(), json!({"data": {"shopName": "Main Website Store"}}), "{path}");
    }
}

#[tokio::test]
async fn other_paths_are_no_routes() {
    let site = site();
    let sign_in = json!({"username": EMAIL, "password": PASSWORD});
    for path in [
        "/rest/v1/integration/customer/token",
        "/rest/V1//integration/customer/token",
        "/rest/V1/integration%2Fcustomer/token",
        "/index.php/index.php/rest/V1/integration/customer/token",
        "/index%2Ephp/rest/V1/integration/customer/token",
        "/shop/rest/V1/integration/customer/token",
        "/index.php",
        "/rest/",
        "/graphql/x",
    ] {
        assert_eq!(site.send(post(path, &sign_in)).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn options_names_the_methods_of_a_route() {
    let site = site();
    let options = async |path: &str| {
        let request = Request::options(path).header("origin", "https://headless.example");
        let request = request.header("access-control-request-method", "POST");
        site.send(request.body(Body::empty()).unwrap()).await
    };
    for (path, allowed) in [
        (SIGN_IN, "POST"),
        ("/index.php/rest/default/V1/integration/customer/token/", "POST"),
        ("/rest/V1/customers/me/password", "PUT"),
        ("/rest/V1/customers/1/password/resetLinkToken/a", "GET,HEAD"),
        ("/rest/V1/tfa/me", "GET,HEAD"),
        ("/rest/V1/customer/1/otp", "POST"),
        // The host's own route.
        ("/rest/fr/V1/greeting", "GET,HEAD"),
    ] {
        let answer = options(path).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (204, Some(allowed)), "{path}");
        assert_eq!(answer.text, "");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    let none = json!({"message": "Request does not match any route."});
    for path in ["/rest/V1/nowhere", "/rest/default/V1/nowhere", "/rest"] {
        let answer = options(path).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (404, none.clone()), "{path}");
    }
    assert_eq!(options("/rest/nowhere/V1/greeting").await.status, 404);
}

/// Over a socket: the client's address is also known behind the rewritten path.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_serves_them_with_the_clients_address() {
    let site = site();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = site.router.clone().into_make_service_with_connect_info::<SocketAddr>();
    let serving = tokio::spawn(async move { axum::serve(listener, service).await });
    let ask = |head: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "{head} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    for path in ["/rest/V1/caller", "/index.php/rest/V1/caller/", "//rest/V1/caller?a=b"] {
        let answer = tokio::task::block_in_place(|| ask(&format!("GET {path}")));
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("127.0.0.1"), "{path}: {answer}");
    }
    let answer = tokio::task::block_in_place(|| ask(&format!("OPTIONS {SIGN_IN}/")));
    assert!(answer.starts_with("HTTP/1.1 204") && answer.contains("allow: POST"), "{answer}");
    serving.abort();
}
