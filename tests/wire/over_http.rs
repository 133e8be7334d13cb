//! GraphQL over HTTP, as in its specification and in Commerce.

use std::net::SocketAddr;

use axum::{body::Body, extract::ConnectInfo};
use http::Request;
use serde_json::{Value, json};
use support::{
    EMAIL, PASSWORD, WRONG,
    site::{Answer, Site, site},
};

const SPEC: &str = "application/graphql-response+json";
const BROKEN: &str = "{ shopName";
const INVALID: &str = "{ nonesuch }";

async fn post(
    site: &Site,
    accept: Option<&str>,
    content_type: Option<&str>,
    body: impl Into<Body>,
) -> Answer {
    let mut request = Request::post("/graphql");
    if let Some(accept) = accept {
        request = request.header("accept", accept);
    }
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    site.send(request.body(body.into()).unwrap()).await
}

async fn get(site: &Site, query: &str) -> Answer {
    site.send(Request::get(format!("/graphql?{query}")).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn the_content_type_is_the_one_that_is_accepted() {
    let site = site();
    let body = json!({"query": "{ shopName }"}).to_string();
    for (accept, content_type) in [
        (None, "application/json"),
        (Some("*/*"), "application/json"),
        (Some("application/json"), "application/json"),
        (Some(SPEC), SPEC),
        (Some("application/json;q=0.5, application/graphql-response+json"), SPEC),
        (Some("application/graphql-response+json;q=0, application/json"), "application/json"),
        // The answer is JSON for any other `Accept` header, as in Commerce.
        (Some(""), "application/json"),
        (Some("text/html"), "application/json"),
        (Some("application/graphql+json"), "application/json"),
        (Some("image/png, nonsense"), "application/json"),
        (Some("*/*;q=0"), "application/json"),
    ] {
        let answer = post(&site, accept, Some("application/json; charset=utf-8"), body.clone()).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type").unwrap(), format!("{content_type}; charset=utf-8"));
        assert_eq!(answer.json(), json!({"data": {"shopName": "Main Website Store"}}));
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_a_clear_4xx() {
    let site = site();
    let good = json!({"query": "{ shopName }"}).to_string();
    let huge = json!({"query": format!("{{ shopName }} #{}", "x".repeat(300_000))}).to_string();
    for (content_type, body, status) in [
        (None, good.as_str(), 415),
        (Some("text/plain"), &good, 415),
        (Some("application/x-www-form-urlencoded"), "query={shopName}", 415),
        (Some("multipart/form-data; boundary=x"), &good, 415),
        (Some("application/json"), "", 400),
        (Some("application/json"), "{ not json", 400),
        (Some("application/json"), "[]", 400),
        (Some("application/json"), "null", 400),
        (Some("application/json"), &format!("[{good}]"), 400),
        (Some("application/json"), r#"{"query": 1}"#, 400),
        (Some("application/json"), r#"{"query": null}"#, 400),
        (Some("application/json"), r#"{"variables": {}}"#, 400),
        (Some("application/json"), r#"{"query": "{ shopName }", "query": "{ shopName }"}"#, 400),
        (Some("application/json"), r#"{"query": "{ shopName }", "variables": "{}"}"#, 400),
        (Some("application/json"), r#"{"query": "{ shopName }", "variables": [1]}"#, 400),
        (Some("application/json"), r#"{"query": "{ shopName }", "variables": [[]]}"#, 400),
        (Some("application/json"), r#"{"query": "{ shopName }", "variables": " "}"#, 400),
        (Some("application/json"), r#"{"query": "{ shopName }", "variables": false}"#, 400),
        (Some("application/json"), r#"{"query": "{ shopName }", "variables": {}, "variables": []}"#, 400),
        (Some("application/json"), r#"{"query": "{ shopName }", "operationName": 1}"#, 400),
        (Some("application/json"), r#"{"query": "{ shopName }", "extensions": 1}"#, 400),
        (Some("application/json"), r#"{"query": "{ shopName }", "extensions": ["a"]}"#, 400),
        (Some("application/json"), r#"{"query": "{ shopName }", "extensions": "{}"}"#, 400),
        (Some("application/jsonp"), &good, 415),
        (Some("text/json"), &good, 415),
        (Some("text/plain"), &huge, 415),
        (Some("application/json"), &huge, 413),
    ] {
        let answer = post(&site, None, content_type, body.to_owned()).await;
        assert_eq!(answer.status, status, "{content_type:?} {body:.60}");
        let (message, category, _) = answer.graphql_error();
        assert_eq!((message.as_str(), category.as_str()), ("Unable to parse the request.", "graphql-input"));
    }
    for body in [
        r#"{"query": "{ shopName }", "variables": null, "operationName": null, "extensions": null}"#,
        r#"{"query": "{ shopName }", "variables": {}, "extensions": {"a": {"b": [1]}}, "unknown": 1}"#,
        r#"{"query": "query A { shopName } query B { website }", "operationName": "A"}"#,
        // PHP's empty array, and other forms of no variables.
        r#"{"query": "{ shopName }", "variables": []}"#,
        r#"{"query": "{ shopName }", "variables": ""}"#,
        r#"{"query": "{ shopName }", "variables": [], "operationName": null, "extensions": []}"#,
        r#"{"query": "{ shopName }", "extensions": ""}"#,
        r#"{"query": "query Q { shopName }", "operationName": ""}"#,
        // A byte order mark.
        "\u{feff}{\"query\": \"{ shopName }\"}",
        "{\"query\": \"\u{feff}{ shopName }\"}",
    ] {
        let answer = post(&site, None, Some("application/json"), body.to_owned()).await;
        assert_eq!(answer.json(), json!({"data": {"shopName": "Main Website Store"}}), "{body}");
    }
}

#[tokio::test]
async fn statuses_are_commerces_or_the_specifications() {
    let site = site();
    let wrong =
        format!(r#"mutation {{ generateCustomerToken(email: "{EMAIL}", password: "{WRONG}") {{ token }} }}"#);
    for (query, commerces, specified) in [
        ("{ shopName }", 200, 200),
        (BROKEN, 400, 400),
        (INVALID, 200, 400),
        ("query Q($a: Int!) { shopName }", 200, 400),
        // There is data: the failed fields are null.
        ("{ shopName customer { id } }", 403, 200),
        (&wrong, 401, 200),
    ] {
        let body = json!({"query": query}).to_string();
        let answer = post(&site, None, Some("application/json"), body.clone()).await;
        assert_eq!(answer.status, commerces, "{query}");
        let answer = post(&site, Some(SPEC), Some("application/json"), body).await;
        assert_eq!(answer.status, specified, "{query}");
        assert_eq!(answer.json().get("data").is_none(), specified == 400, "{query}");
    }
    // Refused before anything runs: the status is the same for both.
    for accept in ["application/json", SPEC] {
        let body = json!({"query": "{ shopName }"});
        let headers = &[("accept", accept)];
        let answer = site.graphql_with(Some("0".repeat(32).as_str()), headers, body).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    }
}

#[tokio::test]
async fn a_query_by_get() {
    let site = site();
    let data = json!({"data": {"shopName": "Main Website Store"}});
    for query in [
        "query=%7BshopName%7D",
        "query=query%20A%7BshopName%7Dquery%20B%7Bwebsite%7D&operationName=A",
        "query=query(%24a%3ABoolean%3Dtrue)%7BshopName%20%40include(if%3A%24a)%7D&variables=%7B%22a%22%3Atrue%7D",
        "query=%7BshopName%7D&variables=null&extensions=%7B%7D&unknown=1",
        "query=%7BshopName%7D&variables=&extensions=&operationName=",
        "query=query%20Q%7BshopName%7D&operationName=",
        "query=%7BshopName%7D&variables=%5B%5D&extensions=%5B%5D",
        "query=%7BshopName%7D&variables=%22%22",
    ] {
        let answer = get(&site, query).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, data.clone()), "{query}");
    }
    for query in [
        "",
        "variables=%7B%7D",
        "query=%7BshopName%7D&variables=1",
        "query=%7BshopName%7D&variables=%7B",
        "query=%7BshopName%7D&variables=%5B1%5D",
        "query=%7BshopName%7D&variables=%20",
        "query=%7BshopName%7D&query=%7Bwebsite%7D",
        "query=%7BshopName",
    ] {
        assert_eq!(get(&site, query).await.status, 400, "{query}");
    }
}

#[tokio::test]
async fn no_mutation_by_get() {
    let site = site();
    let token = site.customer_token().await;
    let mutation = "mutation%20A%7BrevokeCustomerToken%7Bresult%7D%7D";
    for query in [
        format!("query={mutation}"),
        format!("query={mutation}query%20B%7BshopName%7D&operationName=A"),
        format!("query={mutation}query%20B%7BshopName%7D"),
    ] {
        let mut request = Request::get(format!("/graphql?{query}")).body(Body::empty()).unwrap();
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        let answer = site.send(request).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some("POST")), "{query}");
    }
    let both = format!("query={mutation}query%20B%7BshopName%7D&operationName=B");
    assert_eq!(get(&site, &both).await.status, 200);
    assert_eq!(site.graphql(Some(&token), "{ customer { id } }").await.status, 200, "it still lives");
    // A token in the URI is ignored.
    let answer = get(&site, &format!("query=%7Bcustomer%7Bid%7D%7D&access_token={token}")).await;
    assert_eq!(answer.status, 403);
}

/// A whole sign-in as PHP's clients send it.
#[tokio::test]
async fn phps_clients_sign_in() {
    let site = site();
    let query = format!(
        r#"mutation {{ generateCustomerToken(email: "{EMAIL}", password: "{PASSWORD}") {{ token }} }}"#
    );
    for variables in [json!([]), json!(""), json!({}), Value::Null] {
        let body = json!({"query": query, "variables": variables, "operationName": null, "extensions": []});
        let answer = site.graphql_with(None, &[], body).await;
        assert!(answer.json()["data"]["generateCustomerToken"]["token"].is_string(), "{}", answer.text);
    }
}

/// Apollo's clients first send only the hash of a query. They send the query once they are told
/// that the hash is unknown.
#[tokio::test]
async fn a_persisted_query_is_asked_for_again() {
    let site = site();
    let hash = json!({"persistedQuery": {"version": 1, "sha256Hash": "a".repeat(64)}});
    let encoded = hash.to_string().replace('{', "%7B").replace('}', "%7D").replace('"', "%22");
    let expected = json!({"errors": [{
        "message": "PersistedQueryNotSupported", "extensions": {"code": "PERSISTED_QUERY_NOT_SUPPORTED"},
    }]});
    let mut answers = Vec::new();
    for body in [
        json!({"extensions": hash}),
        json!({"query": null, "variables": {"a": 1}, "operationName": "A", "extensions": hash}),
        json!({"query": "", "variables": [], "extensions": hash}),
    ] {
        for accept in ["*/*", SPEC] {
            answers.push(site.graphql_with(None, &[("accept", accept)], body.clone()).await);
        }
    }
    answers.push(get(&site, &format!("extensions={encoded}")).await);
    answers.push(get(&site, &format!("operationName=A&variables=%7B%7D&extensions={encoded}")).await);
    for answer in answers {
        assert_eq!((answer.status.as_u16(), answer.json()), (200, expected.clone()));
    }
    // With its text, the query is run.
    let body = json!({"query": "{ shopName }", "extensions": hash});
    let answer = site.graphql_with(None, &[], body).await;
    assert_eq!(answer.json(), json!({"data": {"shopName": "Main Website Store"}}));
    let answer = get(&site, &format!("query=%7BshopName%7D&extensions={encoded}")).await;
    assert_eq!(answer.json(), json!({"data": {"shopName": "Main Website Store"}}));
    // An extension that is not a hash is ignored.
    for extensions in [json!({"persistedQuery": null}), json!({"persistedQuery": []}), json!({"other": {}})] {
        assert_eq!(site.graphql_with(None, &[], json!({"extensions": extensions})).await.status, 400);
    }
}

#[tokio::test]
async fn options_are_told() {
    let site = site();
    let request = Request::options("/graphql").header("origin", "https://shop.example");
    let answer = site.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS, POST"));
    let answer = site.send(Request::delete("/graphql").body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 405);
}

/// A storefront on another origin: tower-http's CORS layer is outside the crate's layer.
#[tokio::test]
async fn another_origin_is_let_in_by_a_layer_outside() {
    use tower::ServiceExt;
    use tower_http::cors::{Any, CorsLayer};

    let site = site();
    let cors = CorsLayer::new()
        .allow_origin(["https://shop.example".parse().unwrap()])
        .allow_methods([http::Method::GET, http::Method::POST])
        .allow_headers(Any);
    let router = site.router.clone().layer(cors);
    let send = async |request: http::request::Builder, body: &str| {
        let peer = ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 4711)));
        let request = request.extension(peer).header("origin", "https://shop.example");
        let request = request.body(Body::from(body.to_owned()));
        router.clone().oneshot(request.unwrap()).await.unwrap()
    };
    let origin = |answer: &http::Response<Body>| {
        answer.headers().get("access-control-allow-origin").map(|value| value.to_str().unwrap().to_owned())
    };
    let allowed = Some("https://shop.example".to_owned());
    // A preflight request has no token, and malformed headers in it are ignored.
    for path in ["/graphql", "/rest/V1/integration/customer/token"] {
        let preflight = Request::options(path)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type,store");
        let answer = send(preflight, "").await;
        assert_eq!((answer.status().as_u16(), origin(&answer)), (200, allowed.clone()), "{path}");
        assert!(answer.headers().contains_key("access-control-allow-headers"));
    }
    let post = || Request::post("/graphql").header("content-type", "application/json");
    let body = r#"{"query": "{ shopName }"}"#;
    let dead = format!("Bearer {}", "0".repeat(32));
    for (request, body, status) in [
        (post(), body, 200),
        (post(), "{", 400),
        (post().header("authorization", dead), body, 401),
        // Refused by the crate's layer.
        (post().header("authorization", "Bearer a").header("authorization", "Bearer b"), body, 400),
        (post().header("store", "nowhere"), body, 400),
    ] {
        let answer = send(request, body).await;
        assert_eq!((answer.status().as_u16(), origin(&answer)), (status, allowed.clone()));
    }
}

/// Fields, arguments and nullability, as in Commerce's schema.
#[tokio::test]
async fn the_schema_is_commerces() {
    let sdl = support::site::schema().sdl();
    for line in [
        "generateCustomerToken(\"\"\"The customer's email address.\"\"\" email: String!, password: String!): CustomerToken",
        "exchangeOtpForCustomerToken(email: String!, otp: String!): CustomerToken",
        "revokeCustomerToken: RevokeCustomerTokenOutput",
        "generateCustomerTokenAsAdmin(input: GenerateCustomerTokenAsAdminInput!): GenerateCustomerTokenAsAdminOutput",
        "requestPasswordResetEmail(email: String!): Boolean",
        "resetPassword(email: String!, resetPasswordToken: String!, newPassword: String!): Boolean",
        "changeCustomerPassword(currentPassword: String!, newPassword: String!): Customer",
        "confirmEmail(input: ConfirmEmailInput!): CustomerOutput",
        "resendConfirmationEmail(email: String!): Boolean",
        "confirmation_key: String!",
        "customer: Customer!",
        "customer_email: String!",
        "customer_token: String!",
        "result: Boolean!",
        "token: String",
    ] {
        let line = line.replace("\"\"\"The customer's email address.\"\"\" ", "");
        assert!(without_descriptions(&sdl).lines().any(|found| found.trim() == line), "{line} in\n{sdl}");
    }
}

/// Returns the schema's text without descriptions, with each argument list on one line.
fn without_descriptions(sdl: &str) -> String {
    let mut text = String::new();
    for (index, part) in sdl.split("\"\"\"").enumerate() {
        if index % 2 == 0 {
            text.push_str(part);
        }
    }
    let mut joined = String::new();
    let mut depth = 0;
    for char in text.chars() {
        match char {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth > 0 && (char == '\n' || char == '\t') { joined.push(' ') } else { joined.push(char) }
    }
    let joined = joined
        .split_inclusive('\n')
        .map(|line| line.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "));
    joined.collect::<String>().replace("( ", "(").replace(" )", ")")
}

#[tokio::test]
async fn answers_are_not_kept() {
    let site = site();
    let query = format!(
        r#"mutation {{ generateCustomerToken(email: "{EMAIL}", password: "{PASSWORD}") {{ token }} }}"#
    );
    let answer = site.graphql(None, &query).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_ne!(answer.json()["data"]["generateCustomerToken"]["token"], Value::Null);
}
