//! Errors that a host's resolvers pass on by `?`.

use async_graphql::{Executor, Request};
use commerce_auth::{
    ErrorKind,
    graphql::{Admission, status},
    http::Caller,
};
use http::{HeaderMap, StatusCode};
use serde_json::json;
use support::site::site;

const UNAVAILABLE: &str = "The service is unavailable. Please wait and try again later.";

#[tokio::test]
async fn a_stores_failure_is_a_503_in_a_hosts_resolver() {
    let site = site();
    for (query, path) in [("{ row }", json!(["row"])), ("{ shelf { row } }", json!(["shelf", "row"]))] {
        let answer = site.graphql(None, query).await;
        let told = (UNAVAILABLE.into(), "graphql-unavailable".into(), 503);
        assert_eq!(answer.graphql_error(), told, "{query}");
        assert_eq!(answer.cause, Some(ErrorKind::Unavailable), "the host's log learns why");
        assert_eq!(answer.header("retry-after"), Some("5"));
        assert_eq!(answer.json()["errors"][0]["path"], path);
        assert!(!answer.text.contains("Canary") && !answer.text.contains("backend request failed"));
    }
    let answer = site.graphql(None, "{ shopName row }").await;
    assert_eq!(answer.json()["data"], json!({"shopName": "Main Website Store", "row": null}));
}

#[tokio::test]
async fn the_crates_errors_keep_their_categories() {
    let site = site();
    for (query, told, cause) in [
        (
            "{ busy }",
            ("The service is busy. Please wait and try again later.", "graphql-unavailable", 503),
            Some(ErrorKind::Overloaded),
        ),
        (
            "{ refused }",
            ("The current customer isn't authorized.", "graphql-authorization", 403),
            Some(ErrorKind::Authorization),
        ),
        ("{ own }", ("The shop is closed on Sundays.", "", 200), None),
    ] {
        let answer = site.graphql(None, query).await;
        assert_eq!(answer.graphql_error(), (told.0.into(), told.1.into(), told.2));
        assert_eq!(answer.cause, cause);
    }
}

/// Hosts with other web frameworks, which execute the schema themselves or let the crate do it.
#[tokio::test]
async fn other_frameworks_have_it_too() {
    let shop = support::shop();
    let admit = async |query: &str| {
        let caller = Caller::from_headers(shop.auth.clone(), &HeaderMap::new()).unwrap();
        Admission::default().admit(Request::new(query), caller).await.unwrap()
    };
    let schema = support::site::schema();
    for (query, expected) in [
        ("{ row }", StatusCode::SERVICE_UNAVAILABLE),
        ("{ shelf { row } }", StatusCode::SERVICE_UNAVAILABLE),
        ("{ busy }", StatusCode::SERVICE_UNAVAILABLE),
        ("{ refused }", StatusCode::FORBIDDEN),
        ("{ own }", StatusCode::OK),
    ] {
        let response = Executor::execute(&schema, admit(query).await.into_request()).await;
        assert_eq!(status(&response), expected, "{query}");
        let response = admit(query).await.execute(&schema).await;
        assert_eq!(status(&response), expected, "{query}");
        assert!(!response.errors[0].message.contains("backend request failed"), "{response:?}");
    }
}
