//! The ready-made parts for a host's own update of a customer.

use axum::{Json, Router, body::Body, extract::ConnectInfo, routing::put};
use commerce_auth::{
    CustomerId, CustomerStore,
    graphql::{self, Admission, AssistanceConsentInput},
    http::{
        AuthLayer, Caller,
        rest::{self, AssistanceAllowed, Body as JsonBody, RestError},
    },
};
use http::Request;
use serde::Deserialize;
use serde_json::{Value, json};
use support::{
    PASSWORD, Shop, shop,
    site::{Answer, OwnQuery, read},
};
use tower::ServiceExt;

use async_graphql::{Context, EmptySubscription, InputObject, Object, Result, Schema};

#[derive(InputObject)]
#[graphql(rename_fields = "snake_case")]
struct CustomerUpdateInput {
    firstname: Option<String>,
    #[graphql(flatten)]
    consent: AssistanceConsentInput,
}

struct UpdateMutation;

#[Object]
impl UpdateMutation {
    #[graphql(name = "updateCustomerV2")]
    async fn update_customer(&self, ctx: &Context<'_>, input: CustomerUpdateInput) -> Result<Option<String>> {
        if let Some(allowed) = input.consent.allow_remote_shopping_assistance {
            graphql::set_assistance_consent(ctx, allowed).await?;
        }
        Ok(input.firstname)
    }
}

#[derive(Deserialize)]
struct Update {
    customer: CustomerUpdate,
}

#[derive(Deserialize)]
struct CustomerUpdate {
    #[serde(default, alias = "extensionAttributes")]
    extension_attributes: Option<ExtensionAttributes>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ExtensionAttributes {
    #[serde(alias = "assistanceAllowed", deserialize_with = "AssistanceAllowed::optional")]
    assistance_allowed: Option<AssistanceAllowed>,
}

async fn update(
    caller: Caller,
    JsonBody(body): JsonBody<Update>,
) -> std::result::Result<Json<bool>, RestError> {
    let attributes = body.customer.extension_attributes.unwrap_or_default();
    if let Some(allowed) = attributes.assistance_allowed {
        rest::set_assistance_consent(&caller, allowed).await?;
    }
    Ok(Json(true))
}

struct Host {
    shop: Shop,
    router: Router,
}

impl Host {
    fn new() -> Self {
        let shop = shop();
        let schema = Schema::new(OwnQuery, UpdateMutation, EmptySubscription);
        let routes = Router::new().route("/V1/customers/me", put(update));
        let router = Router::new()
            .route("/graphql", graphql::endpoint(schema, Admission::default()))
            .nest("/rest", rest::by_store(routes))
            .layer(AuthLayer::new(shop.auth.clone()));
        Self { shop, router }
    }

    async fn send(&self, token: Option<&str>, mut request: Request<Body>) -> Answer {
        let peer: std::net::SocketAddr = "192.0.2.1:4711".parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        request.headers_mut().insert("content-type", "application/json".parse().unwrap());
        if let Some(token) = token {
            request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        read(self.router.clone().oneshot(request).await.unwrap()).await
    }

    async fn graphql(&self, token: Option<&str>, input: &str) -> Answer {
        let body = json!({"query": format!("mutation {{ updateCustomerV2(input: {input}) }}")});
        self.send(token, Request::post("/graphql").body(body.to_string().into()).unwrap()).await
    }

    async fn rest(&self, token: Option<&str>, assistance_allowed: Value) -> Answer {
        let body = json!({"customer": {"extension_attributes": {"assistance_allowed": assistance_allowed}}});
        self.send(token, Request::put("/rest/V1/customers/me").body(body.to_string().into()).unwrap()).await
    }

    async fn consents(&self) -> bool {
        let row = self.shop.customers.find_by_id(&CustomerId::from(1)).await.unwrap();
        row.unwrap().allows_assistance
    }
}

#[tokio::test]
async fn a_customer_sets_it_by_graphql() {
    let host = Host::new();
    let token = host.shop.sign_in(PASSWORD).await.unwrap().token().expose().to_owned();
    for (input, consents) in [
        ("{allow_remote_shopping_assistance: false}", false),
        ("{firstname: \"Bob\"}", false),
        ("{allow_remote_shopping_assistance: null}", false),
        ("{allow_remote_shopping_assistance: true, firstname: \"Bob\"}", true),
    ] {
        let answer = host.graphql(Some(&token), input).await;
        assert!(answer.json().get("errors").is_none(), "{}", answer.text);
        assert_eq!(host.consents().await, consents, "{input}");
    }
}

#[tokio::test]
async fn a_customer_sets_it_by_rest() {
    let host = Host::new();
    let token = host.shop.sign_in(PASSWORD).await.unwrap().token().expose().to_owned();
    for (value, consents) in [
        (json!(1), false),
        (Value::Null, false),
        (json!(2), true),
        (json!("1"), false),
        (json!("2"), true),
        (json!(3), false),
        (json!(0), false),
        (json!(2), true),
        (json!(0), true),
        (json!(""), true),
        (json!("0"), true),
        (json!(-1), false),
        (json!(2), true),
    ] {
        assert_eq!(host.rest(Some(&token), value.clone()).await.status, 200, "{value}");
        assert_eq!(host.consents().await, consents, "{value}");
    }
    for value in [json!(true), json!("allowed"), json!(1.5), json!([]), json!({})] {
        let answer = host.rest(Some(&token), value.clone()).await;
        assert_eq!(answer.status, 400, "{value}");
        assert!(host.consents().await, "{value}");
    }
    // The value is written as it is read.
    for (allowed, written) in [(false, 1), (true, 2)] {
        let value = AssistanceAllowed::from(allowed);
        assert_eq!((serde_json::to_value(value).unwrap(), bool::from(value)), (json!(written), allowed));
    }
}

#[tokio::test]
async fn nobody_else_sets_it() {
    let host = Host::new();
    let admin = host.shop.admin_token().await;
    let assisting = host.shop.assisting(&admin, 0).await.unwrap();
    let unauthorized = ("The current customer isn't authorized.", "graphql-authorization", 403);
    for token in [None, Some(admin.as_str()), Some(&assisting)] {
        for allowed in ["true", "false"] {
            let input = format!("{{allow_remote_shopping_assistance: {allowed}}}");
            let (message, category, status) = host.graphql(token, &input).await.graphql_error();
            assert_eq!((message.as_str(), category.as_str(), status), unauthorized);
        }
        let answer = host.rest(token, json!(1)).await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.json()["parameters"], json!({"resources": "self"}));
    }
    assert!(host.consents().await);
}

#[test]
fn the_field_is_the_hosts_own() {
    let sdl = Schema::new(OwnQuery, UpdateMutation, EmptySubscription).sdl();
    let input = sdl.split_once("input CustomerUpdateInput {").expect("the input").1;
    let (fields, rest) = input.split_once('}').unwrap();
    assert!(fields.contains("allow_remote_shopping_assistance: Boolean"), "{fields}");
    assert!(!rest.contains("AssistanceConsentInput"), "{rest}");
}
