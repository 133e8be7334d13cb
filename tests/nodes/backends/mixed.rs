//! Tokens, codes and attempt budgets in one backend, accounts and audit trail in another. This
//! takes one more line in the builder.

use std::sync::Arc;

use commerce_auth::{
    Auth, SignIn,
    audit::{Action, Outcome},
};

use crate::backends::{
    Result,
    database::keyring,
    engine::Engine,
    shop::{EMAIL, PASSWORD, Shop, WRONG},
};

#[tokio::test(flavor = "multi_thread")]
async fn tokens_in_redis_and_the_rest_in_postgres() -> Result {
    let (Some(postgres), Some(redis)) = (Engine::postgres(), Engine::redis()) else { return Ok(()) };
    let shop = Shop::open(&postgres).await?;
    let tokens = redis.node().await?.store;
    let database = postgres.node().await?;
    let auth = Auth::builder(database.store)
        .tokens(Arc::clone(&tokens))
        .customers(database.customers)
        .admins(database.admins)
        .audit(database.audit)
        .without_notifier()
        .keyring(keyring())
        .build()?;

    let token = auth.generate_customer_token(SignIn::new(EMAIL, PASSWORD)).await?.token().clone();
    assert!(auth.verify_customer(&token).await.is_ok());
    assert!(shop.node(0).verify_customer(&token).await.is_err(), "the token is not in PostgreSQL");
    for _ in 0..6 {
        auth.generate_customer_token(SignIn::new(EMAIL, WRONG)).await.unwrap_err();
    }
    auth.generate_customer_token(SignIn::new(EMAIL, PASSWORD)).await.unwrap_err();
    shop.sign_in(0, PASSWORD).await.expect_err("the failed requests are errors");
    auth.flush_audit().await;
    let trail = shop.databases[1].trail.newest().await?;
    let locked =
        trail.iter().any(|event| (event.action, event.outcome) == (Action::Lock, Outcome::Succeeded));
    assert!(locked, "and so is the audit trail");

    let only_tokens = Auth::builder(commerce_auth::store::memory::MemoryStore::new())
        .tokens(tokens)
        .customers(shop.databases[0].customers.clone())
        .without_notifier()
        .keyring(keyring())
        .build()?;
    assert!(only_tokens.verify_customer(&token).await.is_ok(), "the token is in Redis");
    Ok(())
}
