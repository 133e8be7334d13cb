//! The customer's own view of the ledger of assistance.

use commerce_auth::token::GrantId;
use serde_json::{Value, json};
use support::{
    REASON,
    site::{Site, site},
};

const LIST: &str = "{ customerAssistance { id actor { admin_id reason } began_at expires_at ended_at end } }";

async fn listed(site: &Site, token: &str) -> Vec<Value> {
    let answer = site.graphql(Some(token), LIST).await.json();
    answer["data"]["customerAssistance"].as_array().unwrap_or_else(|| panic!("a list: {answer}")).clone()
}

fn end(id: &str) -> String {
    format!(r#"mutation {{ endCustomerAssistance(id: "{id}") {{ result }} }}"#)
}

#[tokio::test]
async fn a_customer_sees_and_ends_assistance() {
    let site = site();
    let (mine, admin) = (site.customer_token().await, site.shop.admin_token().await);
    assert_eq!(listed(&site, &mine).await, [] as [Value; 0]);
    let (first, second) =
        (site.shop.assisting(&admin, 0).await.unwrap(), site.shop.assisting(&admin, 2).await.unwrap());
    let id = GrantId::of(first.as_bytes()).to_string();
    let entry = |id: &str, ended_at: Value, end: Value| {
        json!({
            "id": id, "actor": {"admin_id": "7", "reason": REASON},
            "began_at": "2026-01-01T12:00:00Z", "expires_at": "2026-01-01T12:15:00Z",
            "ended_at": ended_at, "end": end,
        })
    };
    let all = listed(&site, &mine).await;
    assert!(all.len() == 2 && all.contains(&entry(&id, Value::Null, Value::Null)), "{all:?}");

    site.shop.advance(60);
    for result in [true, false] {
        let answer = site.graphql(Some(&mine), &end(&id)).await.json();
        assert_eq!(answer, json!({"data": {"endCustomerAssistance": {"result": result}}}));
    }
    assert_eq!(site.graphql(Some(&first), "{ customer { id } }").await.status, 401);
    assert_eq!(site.graphql(Some(&second), "{ customer { id } }").await.status, 200);
    let all = listed(&site, &mine).await;
    let ended = entry(&id, json!("2026-01-01T12:01:00Z"), json!("ENDED_BY_CUSTOMER"));
    assert!(all.contains(&ended), "{all:?}");
}

#[tokio::test]
async fn how_it_ended_is_told() {
    let site = site();
    let (mine, admin) = (site.customer_token().await, site.shop.admin_token().await);
    let ends = async |site: &Site| listed(site, &mine).await[0]["end"].clone();
    let token = site.shop.assisting(&admin, 0).await.unwrap();
    site.graphql(Some(&token), "mutation { revokeCustomerToken { result } }").await;
    assert_eq!(ends(&site).await, "SIGNED_OUT");
    site.shop.advance(1);
    site.shop.assisting(&admin, 0).await.unwrap();
    site.shop.set_customer(|row| row.allows_assistance = false);
    assert_eq!(ends(&site).await, "CONSENT_WITHDRAWN");
    site.shop.set_customer(|_| ());
    site.shop.advance(1);
    site.shop.assisting(&admin, 0).await.unwrap();
    site.shop.advance(15 * 60);
    assert_eq!(ends(&site).await, "EXPIRED");
    site.shop.assisting(&admin, 0).await.unwrap();
    site.shop.auth.revoke_admin_token(admin.as_str()).await.unwrap();
    assert_eq!(ends(&site).await, "WITHDRAWN");
}

#[tokio::test]
async fn it_is_the_customers_own() {
    let site = site();
    let admin = site.shop.admin_token().await;
    let assistant = site.shop.assisting(&admin, 0).await.unwrap();
    let refused = ("The current customer isn't authorized.".into(), "graphql-authorization".into(), 403);
    let name = GrantId::of(assistant.as_bytes()).to_string();
    for token in [None, Some(&admin), Some(&assistant)] {
        for query in [LIST, &end(&name)] {
            let answer = site.graphql(token.map(String::as_str), query).await;
            assert_eq!(answer.graphql_error(), refused, "{query}");
        }
    }
    let malformed = site.graphql(Some(&site.customer_token().await), &end("x")).await;
    let words = "The assistance id has an invalid format.";
    assert_eq!(malformed.graphql_error(), (words.into(), "graphql-input".into(), 200));
}
