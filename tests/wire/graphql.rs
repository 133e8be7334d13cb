//! Each mutation and query, as a client of Commerce sends it.

use commerce_auth::account::Permission;
use serde_json::json;
use support::{
    ADMIN, ADMIN_PASSWORD, EMAIL, PASSWORD, REASON,
    site::{Site, site},
};

const NEW: &str = "N3w-password";

async fn admin_token(site: &Site) -> String {
    let body = json!({"username": ADMIN, "password": ADMIN_PASSWORD});
    let answer = site.rest(None, "POST", "/V1/integration/admin/token", body).await;
    answer.json().as_str().unwrap().to_owned()
}

fn is_token(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
}

#[tokio::test]
async fn a_customer_signs_in_and_out() {
    let site = site();
    let query = format!(
        r#"mutation {{ generateCustomerToken(email: "{EMAIL}", password: "{PASSWORD}") {{ token expires_at }} }}"#
    );
    let answer = site.graphql(None, &query).await;
    assert_eq!(answer.status, 200);
    let signed_in = &answer.json()["data"]["generateCustomerToken"];
    assert_eq!(signed_in["expires_at"], "2026-01-01T13:00:00Z");
    let token = signed_in["token"].as_str().unwrap();
    assert!(is_token(token));

    let answer = site.graphql(Some(token), "{ customer { id } }").await;
    assert_eq!(answer.json(), json!({"data": {"customer": {"id": "1"}}}));
    // In the order of the query.
    let answer = site.graphql(Some(token), "{ website shopName customer { id } }").await;
    let text = r#"{"data":{"website":"base","shopName":"Main Website Store","customer":{"id":"1"}}}"#;
    assert_eq!(answer.text, text);

    let answer = site.graphql(Some(token), "mutation { revokeCustomerToken { result } }").await;
    assert_eq!(answer.json(), json!({"data": {"revokeCustomerToken": {"result": true}}}));
    let answer = site.graphql(Some(token), "{ shopName }").await;
    let refused = ("Composite reader could not read a token".into(), "graphql-authentication".into(), 401);
    assert_eq!(answer.graphql_error(), refused);
    assert!(answer.json().get("data").is_none(), "nothing runs: {}", answer.text);
}

#[tokio::test]
async fn an_admin_user_assists_by_each_road() {
    let site = site();
    let admin = admin_token(&site).await;
    let query = format!(
        r#"mutation {{ generateCustomerTokenAsAdmin(input: {{customer_email: "{EMAIL}", reason: "{REASON}"}}) {{ customer_token expires_at }} }}"#
    );
    let answer = site.graphql(Some(&admin), &query).await.json();
    let direct =
        answer["data"]["generateCustomerTokenAsAdmin"]["customer_token"].as_str().unwrap().to_owned();
    assert_eq!(answer["data"]["generateCustomerTokenAsAdmin"]["expires_at"], "2026-01-01T12:15:00Z");

    let code = site.rest(Some(&admin), "POST", "/V1/customer/1/otp", json!({"reason": REASON})).await.json();
    let code = code["otp"].as_str().unwrap();
    let query =
        format!(r#"mutation {{ exchangeOtpForCustomerToken(email: "{EMAIL}", otp: "{code}") {{ token }} }}"#);
    let answer = site.graphql(None, &query).await.json();
    let exchanged = answer["data"]["exchangeOtpForCustomerToken"]["token"].as_str().unwrap();

    let identity =
        "{ customerTokenIdentity { obtained issued_at actor { admin_id reason } } customer { id } }";
    for (token, obtained) in [(direct.as_str(), "AS_ADMIN"), (exchanged, "ONE_TIME_CODE")] {
        let expected = json!({"data": {
            "customerTokenIdentity": {
                "obtained": obtained, "issued_at": "2026-01-01T12:00:00Z",
                "actor": {"admin_id": "7", "reason": REASON},
            },
            "customer": {"id": "1"},
        }});
        assert_eq!(site.graphql(Some(token), identity).await.json(), expected);
    }
    // A token of assistance cannot do operations that are the customer's own.
    let change = format!(
        r#"mutation {{ changeCustomerPassword(currentPassword: "{PASSWORD}", newPassword: "{NEW}") {{ id }} }}"#
    );
    for query in [
        "{ paymentData }",
        "{ customerTokens { id } }",
        r#"mutation { revokeCustomerTokenById(id: "00") { result } }"#,
        &change,
    ] {
        let refused = site.graphql(Some(&direct), query).await.graphql_error();
        assert_eq!(
            refused,
            ("The current customer isn't authorized.".into(), "graphql-authorization".into(), 403),
            "{query}"
        );
    }
    assert_eq!(site.graphql(Some(&site.customer_token().await), "{ paymentData }").await.status, 200);
}

#[tokio::test]
async fn a_customer_sees_and_ends_tokens_one_by_one() {
    let site = site();
    let (mine, other) = (site.customer_token().await, site.customer_token().await);
    let admin = admin_token(&site).await;
    site.shop.assisting(&admin, 0).await.unwrap();
    let list = "{ customerTokens { id current obtained actor { admin_id reason } } }";
    let listed = site.graphql(Some(&mine), list).await.json()["data"]["customerTokens"].clone();
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), 3);
    let assisted = listed.iter().find(|entry| entry["obtained"] == "AS_ADMIN").unwrap();
    assert_eq!(assisted["actor"], json!({"admin_id": "7", "reason": REASON}));
    assert_eq!(listed.iter().filter(|entry| entry["current"] == true).count(), 1);
    let others = listed.iter().find(|entry| entry["current"] == false && entry["obtained"] == "PASSWORD");
    let id = others.unwrap()["id"].as_str().unwrap();
    let end = format!(r#"mutation {{ revokeCustomerTokenById(id: "{id}") {{ result }} }}"#);
    for result in [true, false] {
        let answer = site.graphql(Some(&mine), &end).await.json();
        assert_eq!(answer, json!({"data": {"revokeCustomerTokenById": {"result": result}}}));
    }
    assert_eq!(site.graphql(Some(&other), "{ customer { id } }").await.status, 401);
    assert_eq!(site.graphql(Some(&mine), "{ customer { id } }").await.status, 200);
}

#[tokio::test]
async fn a_password_is_reset_and_changed() {
    let site = site();
    let before = site.customer_token().await;
    let query = format!(r#"mutation {{ requestPasswordResetEmail(email: "{EMAIL}") }}"#);
    let answer = site.graphql(None, &query).await;
    assert_eq!(answer.json(), json!({"data": {"requestPasswordResetEmail": true}}));
    let token = site.shop.outbox.reset_token().unwrap();
    let query = r#"mutation Reset($email: String!, $token: String!, $new: String!) {
        resetPassword(email: $email, resetPasswordToken: $token, newPassword: $new)
    }"#;
    let variables = json!({"email": EMAIL, "token": token, "new": NEW});
    let body = json!({"query": query, "variables": variables, "operationName": "Reset"});
    let answer = site.graphql_with(None, &[], body).await;
    assert_eq!(answer.json(), json!({"data": {"resetPassword": true}}));
    assert_eq!(site.graphql(Some(&before), "{ shopName }").await.status, 401);

    let signed_in = site.shop.sign_in(NEW).await.unwrap();
    let other = site.shop.sign_in(NEW).await.unwrap();
    let query = format!(
        r#"mutation {{ changeCustomerPassword(currentPassword: "{NEW}", newPassword: "{PASSWORD}1A") {{ id }} }}"#
    );
    let answer = site.graphql(Some(signed_in.token().expose()), &query).await;
    assert_eq!(answer.json(), json!({"data": {"changeCustomerPassword": {"id": "1"}}}));
    assert_eq!(site.graphql(Some(other.token().expose()), "{ shopName }").await.status, 401);
    assert_eq!(site.graphql(Some(signed_in.token().expose()), "{ shopName }").await.status, 200);
}

#[tokio::test]
async fn a_token_is_of_its_website() {
    let site = site();
    site.shop
        .customers
        .upsert(
            commerce_auth::account::CustomerRecord::new(2, EMAIL)
                .with_website("outlet".parse().unwrap())
                .with_password(site.shop.auth.hash_new_password(EMAIL, NEW).await.unwrap())
                .with_status(commerce_auth::account::AccountStatus::Active),
        )
        .unwrap();
    let query = |password: &str| {
        json!({"query": format!(
            r#"mutation {{ generateCustomerToken(email: "{EMAIL}", password: "{password}") {{ token }} }}"#
        )})
    };
    let french = &[("Store", "fr")][..];
    assert_eq!(site.graphql_with(None, french, query(PASSWORD)).await.status, 401);
    let answer = site.graphql_with(None, french, query(NEW)).await.json();
    let token = answer["data"]["generateCustomerToken"]["token"].as_str().unwrap();
    let asked = json!({"query": "{ customer { id } }"});
    let answer = site.graphql_with(Some(token), french, asked.clone()).await;
    assert_eq!(answer.json(), json!({"data": {"customer": {"id": "2"}}}));
    // On another website, the holder is a guest.
    let answer = site.graphql_with(Some(token), &[], json!({"query": "{ shopName website }"})).await;
    assert_eq!(answer.json(), json!({"data": {"shopName": "Main Website Store", "website": "base"}}));
    let refused = site.graphql_with(Some(token), &[], asked).await.graphql_error();
    assert_eq!(
        refused,
        ("The current customer isn't authorized.".into(), "graphql-authorization".into(), 403)
    );
    let unknown = site.graphql_with(None, &[("Store", "nowhere")], query(PASSWORD)).await;
    assert_eq!(unknown.graphql_error(), ("Requested store is not found".into(), "graphql-input".into(), 400));
}

#[tokio::test]
async fn a_hosts_fields_are_guarded() {
    let site = site();
    let (customer, admin) = (site.customer_token().await, admin_token(&site).await);
    let refused = ("The current customer isn't authorized.".into(), "graphql-authorization".into(), 403);
    for (token, query) in [
        (None, "{ customer { id } }"),
        (None, "{ paymentData }"),
        (None, "{ ledger }"),
        (None, "{ customerTokens { id } }"),
        (None, "{ customerTokenIdentity { obtained } }"),
        (Some(&customer), "{ ledger }"),
        (Some(&admin), "{ customer { id } }"),
        (Some(&admin), "{ paymentData }"),
        (Some(&admin), "{ customerTokens { id } }"),
        (Some(&admin), "mutation { revokeCustomerToken { result } }"),
    ] {
        let answer = site.graphql(token.map(String::as_str), query).await;
        assert_eq!(answer.graphql_error(), refused, "{query}");
    }
    assert_eq!(site.graphql(Some(&admin), "{ ledger }").await.status, 200);
    // Permissions are read at every request.
    site.shop.set_admin(|row| row.permissions = vec![Permission::AllowShoppingAssistance]);
    assert_eq!(site.graphql(Some(&admin), "{ ledger }").await.graphql_error(), refused);

    let answer = site.graphql(None, "{ order shopName }").await;
    assert_eq!(
        answer.graphql_error(),
        ("There is no such order.".into(), "graphql-no-such-entity".into(), 200)
    );
    assert_eq!(answer.json()["data"], json!({"order": null, "shopName": "Main Website Store"}));
}
