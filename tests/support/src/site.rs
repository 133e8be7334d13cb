//! A shop's router, as a host mounts it.

mod host;

use std::{net::SocketAddr, sync::Arc};

use async_graphql::{
    Context, EmptySubscription, MergedObject, Object, Result, Schema, SimpleObject, extensions::Logger,
};
use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    routing::{get, put},
};
use commerce_auth::{
    AdminIdentity, Auth, CustomerId, CustomerIdentity, Error, ErrorKind, Store, Website,
    account::Permission,
    graphql::{
        self, Admission, AssistanceMutation, Category, ConfirmationMutation, CustomerAssistanceMutation,
        CustomerAssistanceQuery, CustomerTokenMutation, CustomerTokenQuery, PasswordMutation,
        RequireCustomer, RequirePermission, RequireSelf,
    },
    http::{AuthLayer, Caller, Websites, commerce_paths, rest},
};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use host::{HostMutation, HostQuery};

use crate::{EMAIL, PASSWORD, Shop, shop};

#[derive(SimpleObject)]
pub struct Customer {
    id: String,
}

impl graphql::CustomerObject for Customer {
    async fn load(_: &Context<'_>, id: &CustomerId) -> Result<Self> {
        Ok(Self { id: id.to_string() })
    }
}

#[derive(Default)]
pub struct OwnQuery;

#[Object]
impl OwnQuery {
    async fn shop_name(&self) -> &str {
        "Main Website Store"
    }

    #[graphql(guard = "RequireCustomer")]
    async fn customer(&self, ctx: &Context<'_>) -> Result<Option<Customer>> {
        Ok(Some(
            <Customer as graphql::CustomerObject>::load(ctx, graphql::customer(ctx)?.customer_id()).await?,
        ))
    }

    #[graphql(guard = "RequireSelf")]
    async fn payment_data(&self) -> Option<&str> {
        Some("4111")
    }

    #[graphql(guard = "RequirePermission(Permission::Login)")]
    async fn ledger(&self) -> Option<&str> {
        Some("ledger")
    }

    async fn website(&self, ctx: &Context<'_>) -> Result<String> {
        Ok(graphql::caller(ctx)?.website().to_string())
    }

    async fn order(&self) -> Result<Option<String>> {
        Err(Category::NoSuchEntity.error("There is no such order."))
    }
}

#[derive(MergedObject, Default)]
pub struct Query(OwnQuery, HostQuery, CustomerTokenQuery, CustomerAssistanceQuery);

#[derive(MergedObject, Default)]
pub struct Mutation(
    HostMutation,
    CustomerTokenMutation,
    AssistanceMutation,
    CustomerAssistanceMutation,
    PasswordMutation<Customer>,
    ConfirmationMutation<Customer>,
);

pub type ShopSchema = Schema<Query, Mutation, EmptySubscription>;

pub fn schema() -> ShopSchema {
    Schema::build(Query::default(), Mutation::default(), EmptySubscription)
        .extension(Logger)
        .limit_depth(20)
        .limit_complexity(2_500)
        .finish()
}

/// The main website, and a second one.
pub struct TwoWebsites;

impl Websites for TwoWebsites {
    fn by_store(&self, code: &str) -> Option<Website> {
        match code {
            "default" => Some(Website::default()),
            "fr" => "outlet".parse().ok(),
            _ => None,
        }
    }

    fn by_id(&self, id: u32) -> Option<Website> {
        match id {
            1 => Some(Website::default()),
            2 => "outlet".parse().ok(),
            _ => None,
        }
    }
}

/// A field of the host, which only the demo customer may use.
async fn activate(
    who: CustomerIdentity,
    caller: Caller,
    rest::Body(activation): rest::Body<rest::Activation>,
) -> Result<String, rest::RestError> {
    rest::activate(&caller, &who, EMAIL, activation).await?;
    Ok(who.customer_id().to_string())
}

pub fn router(auth: Auth) -> Router {
    let own = Router::new()
        .route("/V1/customers/me", get(|who: CustomerIdentity| async move { who.customer_id().to_string() }))
        .route("/V1/customers/me/activate", put(activate))
        .route("/V1/admins/me", get(|who: AdminIdentity| async move { who.admin_id().to_string() }))
        .route(
            "/V1/greeting",
            get(|who: Option<CustomerIdentity>| async move {
                who.map_or("guest".to_owned(), |who| who.customer_id().to_string())
            }),
        )
        .route("/V1/caller", get(|caller: Caller| async move { format!("{caller:?}") }));
    let router = Router::new()
        .route("/graphql", graphql::endpoint(schema(), Admission::default()))
        .nest("/rest", rest::by_store(rest::routes().merge(own)))
        .layer(AuthLayer::new(auth).websites(TwoWebsites).trusted_proxies(["10.0.0.0/8".parse().unwrap()]));
    commerce_paths(router)
}

/// A shop and its router.
pub struct Site<S = commerce_auth::store::memory::MemoryStore> {
    pub shop: Shop<S>,
    pub router: Router,
}

pub fn site() -> Site {
    Site::of(shop())
}

/// An answer with its body.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    /// The kind of the crate's error behind the answer.
    pub cause: Option<ErrorKind>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("JSON, not {}", self.text))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the message and the category of the only error, and the status.
    pub fn graphql_error(&self) -> (String, String, u16) {
        let json = self.json();
        let errors = json["errors"].as_array().unwrap_or_else(|| panic!("an error, not {json}"));
        assert_eq!(errors.len(), 1, "{json}");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&errors[0]["message"]), text(&errors[0]["extensions"]["category"]), self.status.as_u16())
    }
}

pub async fn read(response: Response<Body>) -> Answer {
    let (parts, body) = response.into_parts();
    let cause = parts.extensions.get::<Arc<Error>>().map(|error| error.kind());
    let bytes = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    Answer { status: parts.status, headers: parts.headers, text, cause }
}

impl<S: Store> Site<S> {
    pub fn of(shop: Shop<S>) -> Self {
        Self { router: router(shop.auth.clone()), shop }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        self.send_from("192.0.2.1:4711", request).await
    }

    pub async fn send_from(&self, peer: &str, mut request: Request<Body>) -> Answer {
        let peer: SocketAddr = peer.parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        read(self.router.clone().oneshot(request).await.unwrap()).await
    }

    pub async fn graphql(&self, token: Option<&str>, query: &str) -> Answer {
        self.graphql_with(token, &[], json!({ "query": query })).await
    }

    pub async fn graphql_with(&self, token: Option<&str>, headers: &[(&str, &str)], body: Value) -> Answer {
        let mut request =
            Request::post("/graphql").header("content-type", "application/json").body(Body::empty()).unwrap();
        add(&mut request, token, headers);
        *request.body_mut() = body.to_string().into();
        self.send(request).await
    }

    /// Sends a REST request. A body of `null` means no body.
    pub async fn rest(&self, token: Option<&str>, method: &str, path: &str, body: Value) -> Answer {
        let mut request =
            Request::builder().method(method).uri(format!("/rest{path}")).body(Body::empty()).unwrap();
        add(&mut request, token, &[]);
        if body != Value::Null {
            request.headers_mut().insert("content-type", "application/json".parse().unwrap());
            *request.body_mut() = body.to_string().into();
        }
        self.send(request).await
    }

    /// Returns a new token of the customer.
    pub async fn customer_token(&self) -> String {
        let signed_in = self.shop.sign_in(PASSWORD).await.unwrap();
        signed_in.token().expose().to_owned()
    }
}

fn add(request: &mut Request<Body>, token: Option<&str>, headers: &[(&str, &str)]) {
    if let Some(token) = token {
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    for (name, value) in headers {
        request
            .headers_mut()
            .insert(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
}
