//! GraphQL over HTTP, as its specification and Commerce have it.

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use crate::{
    site::{Answer, Site, site},
    support::{EMAIL, PASSWORD, WRONG},
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
    ] {
        let answer = post(&site, accept, Some("application/json; charset=utf-8"), body.clone()).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type").unwrap(), format!("{content_type}; charset=utf-8"));
        assert_eq!(answer.json(), json!({"data": {"shopName": "Main Website Store"}}));
    }
    assert_eq!(post(&site, Some("text/html"), Some("application/json"), body).await.status, 406);
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
        (Some("application/json"), r#"{"query": "{ shopName }", "variables": []}"#, 400),
        (Some("application/json"), r#"{"query": "{ shopName }", "operationName": 1}"#, 400),
        (Some("application/json"), r#"{"query": "{ shopName }", "extensions": 1}"#, 400),
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
        // There is data: the fields that failed are null.
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
    // Refused before anything runs: the same for both.
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
    ] {
        let answer = get(&site, query).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, data.clone()), "{query}");
    }
    for query in [
        "",
        "variables=%7B%7D",
        "query=%7BshopName%7D&variables=1",
        "query=%7BshopName%7D&variables=%7B",
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
    // A token in an address is nobody's.
    let answer = get(&site, &format!("query=%7Bcustomer%7Bid%7D%7D&access_token={token}")).await;
    assert_eq!(answer.status, 403);
}

/// Fields, arguments and nullability, as Commerce's schema has them.
#[tokio::test]
async fn the_schema_is_commerces() {
    let sdl = crate::site::schema().sdl();
    for line in [
        "generateCustomerToken(\"\"\"The customer's email address.\"\"\" email: String!, password: String!): CustomerToken",
        "exchangeOtpForCustomerToken(email: String!, otp: String!): CustomerToken",
        "revokeCustomerToken: RevokeCustomerTokenOutput",
        "generateCustomerTokenAsAdmin(input: GenerateCustomerTokenAsAdminInput!): GenerateCustomerTokenAsAdminOutput",
        "requestPasswordResetEmail(email: String!): Boolean",
        "resetPassword(email: String!, resetPasswordToken: String!, newPassword: String!): Boolean",
        "changeCustomerPassword(currentPassword: String!, newPassword: String!): Customer",
        "customer_email: String!",
        "customer_token: String!",
        "result: Boolean!",
        "token: String",
    ] {
        let line = line.replace("\"\"\"The customer's email address.\"\"\" ", "");
        assert!(without_descriptions(&sdl).lines().any(|found| found.trim() == line), "{line} in\n{sdl}");
    }
}

/// The schema's text, an argument list on one line.
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
