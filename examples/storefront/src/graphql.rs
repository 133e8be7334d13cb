//! `/graphql`: GraphQL over HTTP, and for a browser a page to try it.

use axum::{
    extract::Request,
    http::{Method, header},
    middleware::{self, Next},
    response::{Html, IntoResponse, Response},
    routing::MethodRouter,
};

use commerce_auth::graphql::Admission;

use crate::{schema::schema, shop::Shop};

/// The shop's own fields that hash a password or send a mail.
const COSTLY: [&str; 5] =
    ["createCustomer", "createCustomerV2", "updateCustomer", "updateCustomerV2", "updateCustomerEmail"];

/// The page loads its scripts from elsewhere, which could read the tokens that the shop's pages keep: for a demo alone.
pub(crate) fn endpoint(shop: Shop, demo: bool) -> MethodRouter<Shop> {
    let admission = Admission::default().costly(COSTLY);
    let endpoint = commerce_auth::graphql::endpoint(schema(shop), admission);
    if demo { endpoint.layer(middleware::from_fn(graphiql_for_browsers)) } else { endpoint }
}

async fn graphiql_for_browsers(request: Request, next: Next) -> Response {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let is_browser = accept.is_some_and(|accept| accept.contains("text/html"));
    if request.method() == Method::GET && is_browser && request.uri().query().is_none() {
        return Html(include_str!("../pages/graphiql.html")).into_response();
    }
    next.run(request).await
}
