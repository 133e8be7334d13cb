//! A client that goes away frees its place. A password change that it began is completed.

use std::{net::SocketAddr, num::NonZero, time::Duration};

use axum::{body::Body, extract::ConnectInfo};
use commerce_auth::{
    account::AccountStatus, credential::Argon2Params, flow::ConfirmationRequest, store::memory::MemoryStore,
};
use http::Request;
use serde_json::json;
use support::{EMAIL, PASSWORD, Shop, fast, site::Site};
use tokio::task::JoinHandle;
use tower::ServiceExt;

const NEW: &str = "N3w-password";

/// Returns a shop with one hashing thread, slow enough that a client can leave during a hash.
fn slow() -> Site {
    let mut config = fast();
    config.argon2 = Argon2Params::default();
    config.hashing_threads = NonZero::<usize>::MIN;
    Site::of(Shop::open(MemoryStore::new(), config, |builder| builder))
}

/// Starts a client that waits for its answer until it is aborted.
fn client(site: &Site, token: Option<&str>, query: &str) -> JoinHandle<()> {
    let mut request = Request::post("/graphql").header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let peer = ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 4711)));
    let request = request.extension(peer).body(Body::from(json!({"query": query}).to_string())).unwrap();
    let router = site.router.clone();
    tokio::spawn(async move {
        router.oneshot(request).await.unwrap();
    })
}

async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    for _ in 0..2_000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("no success: {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_clients_that_leave_leave_no_work() {
    for beside in [
        "",
        r#"r: resetPassword(email: "no address", resetPasswordToken: "a", newPassword: "b")"#,
        r#"r: changeCustomerPassword(currentPassword: " ", newPassword: " ") { id }"#,
    ] {
        let site = slow();
        let clients: Vec<_> = (0..30)
            .map(|number| {
                let sign_in = |alias: &str| {
                    format!(
                        r#"{alias}: generateCustomerToken(email: "{alias}{number}@example.com", password: "a") {{ token }}"#
                    )
                };
                client(&site, None, &format!("mutation {{ {beside} {} {} }}", sign_in("a"), sign_in("b")))
            })
            .collect();
        let stats = || site.shop.auth.hashing_stats();
        until("the clients' hashes wait", async || stats().waiting > 20).await;
        for client in clients {
            client.abort();
            let _ = client.await;
        }
        let begun = stats().begun;
        until("no hash runs", async || stats().running == 0 && stats().waiting == 0).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(stats().begun <= begun + 1, "{beside}: {} hashes after all had gone", stats().begun - begun);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_whose_client_left_is_carried_out() {
    for is_reset in [true, false] {
        let site = slow();
        let (signed_in, other) = (site.customer_token().await, site.customer_token().await);
        let (token, query) = if is_reset {
            let reset_token = site.shop.reset_token().await;
            let arguments =
                format!(r#"email: "{EMAIL}", resetPasswordToken: "{reset_token}", newPassword: "{NEW}""#);
            (None, format!("mutation {{ resetPassword({arguments}) }}"))
        } else {
            let arguments = format!(r#"currentPassword: "{PASSWORD}", newPassword: "{NEW}""#);
            (Some(signed_in.as_str()), format!("mutation {{ changeCustomerPassword({arguments}) {{ id }} }}"))
        };
        let client = client(&site, token, &query);
        until("the change is under way", async || site.shop.auth.hashing_stats().running > 0).await;
        client.abort();
        assert!(client.await.unwrap_err().is_cancelled(), "it left before the answer");
        until("the other token ends", async || site.shop.auth.verify_customer(other.as_str()).await.is_err())
            .await;
        assert!(site.shop.sign_in(NEW).await.is_ok(), "the new password is the customer's");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_whose_client_left_is_carried_out() {
    let site = slow();
    site.shop.set_customer(|row| row.status = AccountStatus::Unconfirmed);
    site.shop.auth.request_confirmation(ConfirmationRequest::new(EMAIL)).await.unwrap();
    let key = site.shop.outbox.confirmation_token().unwrap();
    let input = format!(r#"{{email: "{EMAIL}", confirmation_key: "{key}", password: "{PASSWORD}"}}"#);
    let client =
        client(&site, None, &format!("mutation {{ confirmEmail(input: {input}) {{ customer {{ id }} }} }}"));
    until("the confirmation is under way", async || site.shop.auth.hashing_stats().running > 0).await;
    client.abort();
    assert!(client.await.unwrap_err().is_cancelled(), "it left before the answer");
    until("the account is active", async || site.shop.sign_in(PASSWORD).await.is_ok()).await;
}

/// Without a tokio runtime no task can be spawned: the change runs in the caller.
#[test]
fn a_change_needs_no_runtime() {
    use commerce_auth::{graphql::Admission, http::Caller};

    let shop = support::shop();
    pollster::block_on(async {
        let token = shop.reset_token().await;
        let query = format!(
            r#"mutation {{ resetPassword(email: "{EMAIL}", resetPasswordToken: "{token}", newPassword: "{NEW}") }}"#
        );
        let caller = Caller::from_headers(shop.auth.clone(), &http::HeaderMap::new()).unwrap();
        let admitted = Admission::default().admit(async_graphql::Request::new(query), caller).await.unwrap();
        let response = admitted.execute(&support::site::schema()).await;
        assert!(response.is_ok(), "{response:?}");
        assert!(shop.sign_in(NEW).await.is_ok());
    });
}
