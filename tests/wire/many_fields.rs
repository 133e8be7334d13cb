//! An operation can check a few credentials, not a thousand.

use commerce_auth::graphql::Admission;
use serde_json::json;
use support::{
    EMAIL, PASSWORD, WRONG,
    site::{Site, site},
};

fn field(alias: usize, password: &str) -> String {
    format!(r#"a{alias}: generateCustomerToken(email: "{EMAIL}", password: "{password}") {{ token }}"#)
}

fn fields(count: usize) -> String {
    (0..count).map(|alias| field(alias, WRONG)).collect()
}

async fn is_refused_unrun(site: &Site, query: &str) {
    let answer = site.graphql(None, query).await;
    let refused =
        ("Too many fields that take a credential in one operation.".into(), "graphql-input".into(), 400);
    assert_eq!(answer.graphql_error(), refused, "{query:.200}");
    assert!(answer.json().get("data").is_none());
}

#[tokio::test]
async fn many_credentials_in_one_operation_are_refused_unrun() {
    let site = site();
    let one = field(0, WRONG);
    let exchange = format!(r#"exchangeOtpForCustomerToken(email: "{EMAIL}", otp: "{WRONG}") {{ token }}"#);
    let mail = format!(r#"requestPasswordResetEmail(email: "{EMAIL}")"#);
    let reset =
        format!(r#"resetPassword(email: "{EMAIL}", resetPasswordToken: "{WRONG}", newPassword: "{WRONG}")"#);
    let resend = format!(r#"resendConfirmationEmail(email: "{EMAIL}")"#);
    let confirm = format!(
        r#"confirmEmail(input: {{email: "{EMAIL}", confirmation_key: "{WRONG}"}}) {{ customer {{ id }} }}"#
    );
    for query in [
        format!("mutation {{ {} }}", fields(300)),
        format!("mutation {{ {} }}", fields(4)),
        format!("mutation {{ {one} {exchange} {mail} {reset} }}"),
        format!("mutation {{ {one} {mail} {resend} {confirm} }}"),
        format!("mutation {{ ... on Mutation {{ {} }} {} }}", fields(2), fields(2)),
        format!(
            "mutation {{ ...f ...g }} fragment f on Mutation {{ {} }} fragment g on Mutation {{ {} }}",
            fields(2),
            fields(2)
        ),
        format!("mutation {{ ...f ...f ...f ...f }} fragment f on Mutation {{ {one} }}"),
        format!(
            "mutation {{ ...f }} fragment f on Mutation {{ ...g ...g }} fragment g on Mutation {{ {} }}",
            fields(2)
        ),
        // Below a field of the host, and below two.
        format!("mutation {{ auth {{ {} }} }}", fields(40)),
        format!("mutation {{ a: auth {{ {0} }} b: auth {{ {0} }} }}", fields(2)),
        format!(
            "mutation {{ auth {{ ...f ...f }} }} fragment f on CustomerTokenMutation {{ {} }}",
            fields(2)
        ),
        // A directive can leave a field out. This is only known when the operation runs.
        format!(
            "mutation {{ {} b: generateCustomerToken(email: \"a\", password: \"b\") @skip(if: true) {{ token }} }}",
            fields(3)
        ),
    ] {
        is_refused_unrun(&site, &query).await;
    }
    // If there are two operations, the one that checks more counts, whichever is run.
    let query = format!("mutation A {{ {one} }} mutation B {{ {} }}", fields(4));
    let answer = site.graphql_with(None, &[], json!({"query": query, "operationName": "A"})).await;
    assert_eq!(answer.status, 400);
    assert_eq!(site.shop.auth.hashing_stats().begun, 0, "nothing was hashed");
    assert!(site.shop.sign_in(PASSWORD).await.is_ok());
}

#[tokio::test]
async fn a_few_are_run() {
    let site = site();
    let query = format!("mutation {{ {} {} {} }}", field(0, WRONG), field(1, PASSWORD), field(2, WRONG));
    let answer = site.graphql(None, &query).await;
    assert_eq!(answer.status, 401);
    let data = &answer.json()["data"];
    assert!(data["a0"].is_null() && data["a2"].is_null() && data["a1"]["token"].is_string(), "{data}");
}

#[tokio::test]
async fn a_few_are_run_below_a_field_too() {
    let site = site();
    let answer = site.graphql(None, &format!("mutation {{ auth {{ {} }} }}", field(0, PASSWORD))).await;
    assert!(answer.json()["data"]["auth"]["a0"]["token"].is_string(), "{}", answer.text);
}

#[tokio::test]
async fn fragments_that_multiply_are_counted_in_no_time() {
    let site = site();
    // 2^60 fields, if each were counted.
    let doubling: String = (0..60)
        .map(|level| format!("fragment f{level} on Mutation {{ ...f{0} ...f{0} }} ", level + 1))
        .collect();
    let query = format!("mutation {{ ...f0 }} {doubling} fragment f60 on Mutation {{ {} }}", field(0, WRONG));
    is_refused_unrun(&site, &query).await;
    let doubling = doubling.replace("f30 ...f30", "f60 ...f60");
    let query = format!("mutation {{ ...f0 }} {doubling} fragment f60 on Mutation {{ {} }}", field(0, WRONG));
    is_refused_unrun(&site, &query).await;
    let turning = "mutation { ...f } fragment f on Mutation { ...g } fragment g on Mutation { ...f }";
    let answer = site.graphql(None, turning).await;
    assert!(!answer.json()["errors"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_host_names_costly_fields_of_its_own() {
    let shop = support::shop();
    let caller =
        commerce_auth::http::Caller::from_headers(shop.auth.clone(), &http::HeaderMap::new()).unwrap();
    let admission = Admission::default().costly(["createCustomerV2"]);
    let ask = async |query: &str| {
        admission
            .admit(async_graphql::Request::new(query), caller.clone())
            .await
            .map(|admitted| admitted.is_mutation())
    };
    assert!(ask("mutation { createCustomerV2 { x } }").await.unwrap());
    let made = |count: usize| -> String {
        (0..count).map(|alias| format!("a{alias}: createCustomerV2 {{ x }} ")).collect()
    };
    assert!(ask(&format!("mutation {{ {} }}", made(3))).await.is_ok());
    assert!(ask(&format!("mutation {{ {} }}", made(4))).await.is_err());
    assert!(ask(&format!("mutation {{ {} generateCustomerToken {{ x }} }}", made(3))).await.is_err());
    assert!(!ask("{ createCustomerV2 { x } }").await.unwrap());
    assert!(ask("mutation { ...f } fragment f on M { resetPassword }").await.unwrap());
    // At any depth.
    assert!(ask(&format!("mutation {{ shop {{ a: auth {{ {} }} }} }}", made(4))).await.is_err());
    assert!(ask(&format!("mutation {{ a: auth {{ {0} }} b: auth {{ {0} }} }}", made(2))).await.is_err());
    assert!(ask(&format!("mutation {{ auth {{ {} }} }}", made(3))).await.is_ok());
}

#[tokio::test]
async fn a_host_says_how_much_is_too_much() {
    let shop = support::shop();
    let caller =
        commerce_auth::http::Caller::from_headers(shop.auth.clone(), &http::HeaderMap::new()).unwrap();
    for (most, fields, admitted) in
        [(10, 10, true), (10, 11, false), (2_000, 2_000, true), (2_000, 2_001, false), (0, 1, false)]
    {
        let query = format!("{{ {} }}", (0..fields).map(|alias| format!("a{alias}: x ")).collect::<String>());
        let admission = Admission::default().max_selections(most);
        let admitted_it = admission.admit(async_graphql::Request::new(query), caller.clone()).await.is_ok();
        assert_eq!(admitted_it, admitted, "{fields} of {most}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_nested_deeply_ends_no_server() {
    let site = site();
    let nested = |open: &str, close: &str, levels: usize| {
        format!("{{ {} shopName {} }}", open.repeat(levels), close.repeat(levels))
    };
    let chain: String =
        (0..6000).map(|level| format!("fragment f{level} on Query{{...f{}}}", level + 1)).collect();
    for query in [
        nested("customer {", "}", 20_000),
        nested("... on Query {", "}", 12_000),
        nested("... {", "}", 40_000),
        format!("{{ customer(a: {}1{}) {{ id }} }}", "[".repeat(100_000), "]".repeat(100_000)),
        format!("{{ customer(a: {}1{}) {{ id }} }}", "{a:".repeat(50_000), "}".repeat(50_000)),
        format!("query($a: {}Int{}) {{ shopName }}", "[".repeat(100_000), "]".repeat(100_000)),
        format!("{{ ...f0 }} {chain} fragment f6000 on Query {{ shopName }}"),
        format!("{{ {} }}", "a ".repeat(100_000)),
        format!("{{ shopName {} }}", "@include(if: true) ".repeat(12_000)),
    ] {
        assert!(query.len() < 256 * 1024, "{query:.40}");
        // On a thread of the runtime, whose stack is as large as a server's.
        let (router, body) = (site.router.clone(), json!({ "query": query }).to_string());
        let answered = tokio::spawn(async move {
            let request = http::Request::post("/graphql").header("content-type", "application/json");
            let peer = axum::extract::ConnectInfo(std::net::SocketAddr::from(([192, 0, 2, 1], 4711)));
            let request = request.extension(peer).body(axum::body::Body::from(body)).unwrap();
            tower::ServiceExt::oneshot(router, request).await.unwrap().status()
        });
        assert!(answered.await.unwrap().as_u16() < 500, "{query:.40}");
    }
    assert_eq!(site.graphql(None, "{ shopName }").await.status, 200);
}
