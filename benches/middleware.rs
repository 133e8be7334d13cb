//! The CPU time that the layer and the extractor of the customer add to a request of an axum
//! server. Prints one line of JSON for each row.
//!
//! The server has one thread, and only the CPU time of this thread counts. The client has another
//! thread. It keeps its connections over loopback open.

use std::{
    cell::Cell,
    hint::black_box,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use axum::{
    Router,
    extract::FromRequestParts,
    http::{
        HeaderName, HeaderValue, Request, StatusCode,
        header::{ACCEPT, ACCEPT_ENCODING, ACCEPT_LANGUAGE, AUTHORIZATION, COOKIE, HOST, USER_AGENT},
        request::Parts,
    },
    routing::get,
};
use commerce_auth::{Auth, CustomerIdentity, http::AuthLayer};
use commerce_auth_benches::{Bar, Claims, Jwt, Row, Sessions, Shop, Turns, USER_AGENT as BROWSER, sizes};
use http_body_util::{BodyExt as _, Empty};
use hyper::{
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use rustix::time::{ClockId, clock_gettime};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::{Builder, Handle, Runtime},
    task::JoinSet,
};
use tower_layer::Identity;
use tower_sessions::{Session, SessionManagerLayer};

/// The number of connections, and of requests at once.
const CONNECTIONS: usize = 32;
/// The number of credentials that are presented, of all live ones.
const PRESENTED: usize = 20_000;
const BODY: &str = "Hello, World!";

fn main() {
    let [.., (live, name)] = sizes() else { panic!("there are sizes") };
    let (shop, jwt, sessions) = (Shop::with_tokens(*live), Arc::new(Jwt::hs256()), Sessions::with(*live));
    let layer = AuthLayer::new(shop.auth.clone());
    let router = Router::new()
        .route("/plain", get(async || BODY))
        .route("/nothing", get(async || BODY).layer(Identity::new()))
        .route("/verification", get(hello_verified).with_state(shop.auth.clone()))
        .route("/layer", get(async || BODY).layer(layer.clone()))
        .route("/customer", get(hello_customer).layer(layer))
        .route("/jwt", get(hello_claims).with_state(Arc::clone(&jwt)))
        .route("/session", get(hello_session).layer(SessionManagerLayer::new(sessions.store())));
    let client = Client::connect(&Server::start(router));

    let presented = (0..*live).step_by((live / PRESENTED).max(1));
    let tokens = presented.clone().map(|index| format!("Bearer {}", shop.tokens.get(index)));
    let tokens = Credentials::new(AUTHORIZATION, tokens);
    let turns = client.compare("/customer", &tokens);
    let what = format!("axum hello-world with AuthLayer and CustomerIdentity, {name} live tokens : without");
    Row::comparing(&what, &turns, Some(Bar::Maximum(1.05))).print();

    let jwts = Credentials::new(AUTHORIZATION, jwt.tokens.iter().map(|token| format!("Bearer {token}")));
    let ids = Credentials::new(COOKIE, presented.map(|index| format!("id={}", sessions.id(index))));
    for (what, path, credentials) in [
        ("AuthLayer alone", "/layer", &tokens),
        ("a layer that does nothing", "/nothing", &tokens),
        ("a verification in an extractor, no layer", "/verification", &tokens),
        ("a jsonwebtoken HS256 extractor", "/jwt", &jwts),
        ("tower-sessions and a value of the session", "/session", &ids),
    ] {
        let turns = client.compare(path, credentials);
        let what = format!("axum hello-world with {what} : without");
        let [with, without] = [0, 1].map(|way: usize| Some(turns.median(|times| times[way])));
        let result = turns.median(|[with, without]| with / without);
        Row { what: &what, ours: with, peer: without, result, bar: None }.print();
    }
}

async fn hello_customer(customer: CustomerIdentity) -> &'static str {
    black_box(customer);
    BODY
}

async fn hello_claims(JwtCustomer(claims): JwtCustomer) -> &'static str {
    black_box(claims);
    BODY
}

async fn hello_session(session: Session) -> Result<&'static str, StatusCode> {
    let customer: Option<u64> = session.get("customer_id").await.map_err(|_| StatusCode::UNAUTHORIZED)?;
    black_box(customer.ok_or(StatusCode::UNAUTHORIZED)?);
    Ok(BODY)
}

async fn hello_verified(Verified(customer): Verified) -> &'static str {
    black_box(customer);
    BODY
}

/// A customer whose token is verified without [`AuthLayer`].
struct Verified(CustomerIdentity);

impl FromRequestParts<Auth> for Verified {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, auth: &Auth) -> Result<Self, StatusCode> {
        let verified = auth.verify_customer(presented(parts)).await;
        verified.map(Self).map_err(|_| StatusCode::UNAUTHORIZED)
    }
}

/// Returns the token of a request.
fn presented(parts: &Parts) -> &str {
    let header = parts.headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok());
    header.and_then(|header| header.strip_prefix("Bearer ")).unwrap_or_default()
}

/// The customer of a JWT.
struct JwtCustomer(Claims);

impl FromRequestParts<Arc<Jwt>> for JwtCustomer {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, jwt: &Arc<Jwt>) -> Result<Self, StatusCode> {
        let token = jwt.verify(presented(parts)).map_err(|_| StatusCode::UNAUTHORIZED)?;
        Ok(Self(token.claims))
    }
}

/// A server on a separate thread.
struct Server {
    address: SocketAddr,
    runtime: Handle,
}

impl Server {
    fn start(router: Router) -> Self {
        let runtime = one_thread();
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a free port");
        let address = listener.local_addr().expect("the listener is bound");
        let server = Self { address, runtime: runtime.handle().clone() };
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        thread::spawn(move || runtime.block_on(async { axum::serve(listener, service).await }));
        server
    }
}

/// The values of a header that proves who the customer is.
struct Credentials {
    header: HeaderName,
    values: Vec<HeaderValue>,
    presented: AtomicUsize,
}

impl Credentials {
    fn new(header: HeaderName, values: impl Iterator<Item = String>) -> Arc<Self> {
        let values = values.map(|value| HeaderValue::try_from(value).expect("visible ASCII")).collect();
        Arc::new(Self { header, values, presented: AtomicUsize::new(0) })
    }

    /// Returns a request with the headers that browsers send, and the next credential.
    fn request(&self, path: &str) -> Request<Empty<Bytes>> {
        let next = self.presented.fetch_add(1, Ordering::Relaxed) % self.values.len();
        let request = Request::get(path)
            .header(HOST, "shop.example.com")
            .header(USER_AGENT, BROWSER)
            .header(ACCEPT, "application/json")
            .header(ACCEPT_LANGUAGE, "en-US,en;q=0.5")
            .header(ACCEPT_ENCODING, "gzip, deflate, br, zstd")
            .header(&self.header, &self.values[next]);
        request.body(Empty::new()).expect("a request")
    }
}

/// The connections to a server.
struct Client {
    runtime: Runtime,
    server: Handle,
    connections: Cell<Vec<SendRequest<Empty<Bytes>>>>,
}

impl Client {
    fn connect(server: &Server) -> Self {
        let runtime = one_thread();
        let connect = async || {
            let stream = TcpStream::connect(server.address).await.expect("the server listens");
            let (connection, io) = handshake(TokioIo::new(stream)).await.expect("the server speaks HTTP");
            tokio::spawn(io);
            connection
        };
        let connections = (0..CONNECTIONS).map(|_| runtime.block_on(connect())).collect();
        Self { runtime, server: server.runtime.clone(), connections: Cell::new(connections) }
    }

    /// Compares a route with the plain one. Their requests have the same headers.
    fn compare(&self, path: &'static str, credentials: &Arc<Credentials>) -> Turns<2> {
        let way = |path| move |steps| self.request(path, credentials, steps);
        Turns::take(CONNECTIONS, [&mut way(path), &mut way("/plain")])
    }

    /// Returns the CPU time that the server takes for this many requests, at least one on each
    /// connection.
    fn request(&self, path: &'static str, credentials: &Arc<Credentials>, steps: usize) -> Duration {
        self.runtime.block_on(async {
            let before = self.cpu_time().await;
            let mut running = JoinSet::new();
            for mut connection in self.connections.take() {
                let credentials = Arc::clone(credentials);
                running.spawn(async move {
                    for _ in 0..steps / CONNECTIONS {
                        connection.ready().await.expect("the server keeps the connection");
                        let answer = connection.send_request(credentials.request(path)).await;
                        let answer = answer.expect("the server answers");
                        assert_eq!(answer.status(), StatusCode::OK);
                        let body = answer.into_body().collect().await.expect("the answer is whole");
                        assert_eq!(body.to_bytes(), BODY);
                    }
                    connection
                });
            }
            self.connections.set(running.join_all().await);
            self.cpu_time().await - before
        })
    }

    /// Returns the CPU time of the server's thread since its start.
    async fn cpu_time(&self) -> Duration {
        let read = self.server.spawn(async { clock_gettime(ClockId::ThreadCPUTime) });
        read.await.expect("the server runs").try_into().expect("no negative time")
    }
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("tokio starts")
}
