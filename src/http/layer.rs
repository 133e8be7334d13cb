use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::extract::{ConnectInfo, connect_info::MockConnectInfo};
use http::{
    Extensions, HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode,
    header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use ipnet::IpNet;
use tower_layer::Layer;
use tower_service::Service;

use super::{
    Caller, HeaderError, OneWebsite, Websites,
    caller::{DEVICE, RECAPTCHA},
    client_address::{FORWARDED_FOR, client_address, is_trusted},
};
use crate::{
    auth::Auth,
    error::{Error, InternalError, Part, SecondFactorError, TokenError},
    state::budgets::Budget,
};

/// A layer around a host's router. It adds a [`Caller`] to each request, and headers to each
/// response.
///
/// Without proxies, the client's IP address is the address of the peer: the other side of the
/// connection. So that the layer can read it, serve the router with
/// [`into_make_service_with_connect_info::<SocketAddr>()`](axum::Router::into_make_service_with_connect_info).
/// Behind proxies, the client's IP address comes from the header `X-Forwarded-For`. The host must
/// name the [trusted proxies](Self::trusted_proxies).
///
/// If the peer address is unknown, the layer refuses the request with status 500. Without IP
/// addresses, all clients would share one budget of failed attempts for each account, so an
/// attacker could lock an account for all of them. If a host cannot know peer addresses, for
/// example on a Unix socket, it calls [`without_addresses`](Self::without_addresses). A test that
/// has no connection adds the layer [`MockConnectInfo`].
///
/// A layer logs two mistakes in a host's setup through `tracing`: a missing peer address, and an
/// `X-Forwarded-For` header from a peer that is not a trusted proxy. It logs each of the two at the
/// first request only.
///
/// The layer marks the request headers `Authorization`, `X-ReCaptcha` and `X-Device-Secret` as
/// sensitive, so that `Debug` does not show them. If the headers of a request are malformed or name
/// an unknown store ([`HeaderError`]), the layer refuses the request with status 400. The layer
/// adds these headers to a response of the router that does not have them yet:
///
/// - `Cache-Control: no-store` (RFC 6750 section 5.3);
/// - `WWW-Authenticate: Bearer`, if the status is 401 (RFC 6750 section 3). If the presented token
///   is not valid, the header has `error="invalid_token"`. If an admin user must [step
///   up](Auth::step_up), the header has `error="insufficient_user_authentication"` and a `max_age`
///   in seconds (RFC 9470 section 3);
/// - `Retry-After` in seconds, if the status is 429 or 503;
/// - `X-Device-Secret`, after a sign-in from a device that the account does not know.
#[derive(Clone)]
#[must_use]
pub struct AuthLayer {
    shared: Arc<Shared>,
}

/// The header for a store code.
const STORE: HeaderName = HeaderName::from_static("store");

/// The request headers that contain secrets.
static SECRETS: [HeaderName; 3] = [AUTHORIZATION, RECAPTCHA, DEVICE];

#[derive(Clone)]
struct Shared {
    auth: Auth,
    websites: Arc<dyn Websites>,
    trusted_proxies: Vec<IpNet>,
    without_addresses: bool,
    told: Arc<Told>,
}

/// The mistakes of the host that have already been logged.
#[derive(Default)]
struct Told {
    no_address: AtomicBool,
    untrusted_proxy: AtomicBool,
}

impl AuthLayer {
    /// Creates a layer for a shop with one website and without proxies.
    pub fn new(auth: Auth) -> Self {
        let shared = Shared {
            auth,
            websites: Arc::new(OneWebsite),
            trusted_proxies: Vec::new(),
            without_addresses: false,
            told: Arc::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Sets the mapping from store codes and Commerce's website numbers to websites. The default is
    /// [`OneWebsite`].
    pub fn websites<W: Websites>(self, websites: W) -> Self {
        self.with(|shared| shared.websites = Arc::new(websites))
    }

    /// Sets the networks of the proxies whose `X-Forwarded-For` entries are trusted. The entries
    /// are read from right to left, up to the first IP address that is not a trusted proxy. This is
    /// the client's IP address.
    ///
    /// # Security
    ///
    /// A client in a trusted network can claim to have any IP address. Such a client can avoid its
    /// own budget of failed attempts, and spend the budgets of other clients. So name only networks
    /// that contain proxies and no clients. Each proxy must append the client's IP address to the
    /// header `X-Forwarded-For`, or replace the header.
    pub fn trusted_proxies(self, networks: impl IntoIterator<Item = IpNet>) -> Self {
        self.with(|shared| shared.trusted_proxies = networks.into_iter().collect())
    }

    /// Serves requests whose peer address is unknown, for example over a Unix socket.
    ///
    /// # Security
    ///
    /// All clients whose IP address is unknown share one budget for each account. By default, after
    /// six wrong passwords from any of these clients, none of them can sign in to the account for
    /// 30 minutes. Only clients on known devices can still sign in. So limit the attempts of each
    /// client in front of this service.
    pub fn without_addresses(self) -> Self {
        self.with(|shared| shared.without_addresses = true)
    }

    fn with(self, change: impl FnOnce(&mut Shared)) -> Self {
        let mut shared = Arc::unwrap_or_clone(self.shared);
        change(&mut shared);
        Self { shared: Arc::new(shared) }
    }
}

impl fmt::Debug for AuthLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proxies = &self.shared.trusted_proxies;
        f.debug_struct("AuthLayer").field("trusted_proxies", proxies).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> AuthService<S> {
        AuthService { inner, shared: Arc::clone(&self.shared) }
    }
}

/// The service that [`AuthLayer`] makes from another service.
#[derive(Clone)]
pub struct AuthService<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> fmt::Debug for AuthService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthService(..)")
    }
}

impl<S, B, R> Service<Request<B>> for AuthService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
    R: From<String> + Send + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        for (name, value) in request.headers_mut() {
            if SECRETS.contains(name) {
                value.set_sensitive(true);
            }
        }
        let caller = match self.shared.caller(&request) {
            Ok(caller) => caller,
            Err(refusal) => {
                let refused = refusal.answer();
                return Box::pin(async { Ok(refused) });
            }
        };
        request.extensions_mut().insert(caller.clone());
        let (answer, shared) = (self.inner.call(request), Arc::clone(&self.shared));
        Box::pin(async move {
            let mut response = answer.await?;
            shared.finish(&mut response, &caller);
            Ok(response)
        })
    }
}

impl Shared {
    fn caller<B>(&self, request: &Request<B>) -> Result<Caller, LayerRefusal> {
        let headers = request.headers();
        let mut caller = Caller::of_websites(Arc::clone(&self.websites), self.auth.clone(), headers)?;
        if let Some(client) = self.client(request.extensions(), headers)? {
            caller = caller.with_source(client);
        }
        match headers.get(STORE) {
            // Store codes are ASCII, so a value that is not ASCII counts as the empty store code.
            Some(code) => Ok(caller.with_store(code.to_str().unwrap_or_default())?),
            None => Ok(caller),
        }
    }

    /// Returns the client's IP address. Returns `None` if the address is unknown and the host has
    /// called [`AuthLayer::without_addresses`].
    fn client(&self, extensions: &Extensions, headers: &HeaderMap) -> Result<Option<IpAddr>, LayerRefusal> {
        let connected = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer);
        let mocked = || extensions.get::<MockConnectInfo<SocketAddr>>().map(|MockConnectInfo(peer)| peer);
        let Some(peer) = connected.or_else(mocked).map(SocketAddr::ip) else {
            if self.without_addresses {
                return Ok(None);
            }
            if !self.told.no_address.swap(true, Ordering::Relaxed) {
                tracing::error!(
                    "requests have no peer address: serve the router with \
                     into_make_service_with_connect_info::<SocketAddr>(), or call AuthLayer::without_addresses() if \
                     all clients may share one budget of failed attempts"
                );
            }
            return Err(LayerRefusal::NoAddress);
        };
        if !is_trusted(peer, &self.trusted_proxies)
            && headers.contains_key(FORWARDED_FOR)
            && !self.told.untrusted_proxy.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                %peer,
                "ignored X-Forwarded-For from a peer that is not a trusted proxy: name your proxies with \
                 AuthLayer::trusted_proxies, or all their clients share one budget of failed attempts"
            );
        }
        Ok(Some(client_address(peer, headers, &self.trusted_proxies)))
    }

    fn finish<R>(&self, response: &mut Response<R>, caller: &Caller) {
        let status = response.status();
        let challenge = match response.extensions().get::<Arc<Error>>().map(AsRef::as_ref) {
            Some(Error::Token(TokenError::Invalid)) => {
                HeaderValue::from_static("Bearer error=\"invalid_token\"")
            }
            Some(error @ Error::SecondFactor(SecondFactorError::StepUpRequired(limit))) => {
                step_up(error, *limit)
            }
            // The error is not about the validity of a token. So the header must not say
            // `invalid_token`, because a client would then discard a token that may be valid.
            _ => HeaderValue::from_static("Bearer"),
        };
        let mut say = |name: HeaderName, value: HeaderValue| {
            response.headers_mut().entry(name).or_insert(value);
        };
        say(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(device) = caller.new_device()
            && let Ok(mut secret) = HeaderValue::from_str(device.expose())
        {
            secret.set_sensitive(true);
            say(DEVICE, secret);
        }
        match status {
            StatusCode::UNAUTHORIZED => say(WWW_AUTHENTICATE, challenge),
            StatusCode::SERVICE_UNAVAILABLE => say(RETRY_AFTER, self.pause().into()),
            StatusCode::TOO_MANY_REQUESTS => say(RETRY_AFTER, self.longest_limit().into()),
            _ => {}
        }
    }

    /// Returns the `Retry-After` of a response with status 503, in seconds. This is the estimated
    /// waiting time of a new password hash, but at least 5 s and at most 60 s. The minimum of 5 s
    /// is for a service that is restarting.
    fn pause(&self) -> u64 {
        self.auth.hashing_stats().wait.as_secs().clamp(5, 60)
    }

    /// Returns the `Retry-After` of a response with status 429, in seconds. This is the longest
    /// lock of all budgets whose refusal has status 429. The remaining time of the actual lock is
    /// not used, because it would reveal to the client when the lock began.
    fn longest_limit(&self) -> u64 {
        let config = self.auth.config();
        let budgets = [
            config.budgets.reset_account,
            config.budgets.reset_source,
            config.budgets.registration,
            config.budgets.source,
            config.budgets.source_total,
            config.budgets.network,
            config.budgets.second_factor,
        ];
        let longest = budgets.iter().filter_map(Budget::longest_lock).max();
        longest.map_or(3600, |longest| longest.as_secs())
    }
}

/// Returns the `WWW-Authenticate` header for a step-up: the token is valid, but the sign-in is too
/// old or was made without a second factor (RFC 9470).
fn step_up(error: &Error, limit: Duration) -> HeaderValue {
    let max_age = limit.as_secs();
    let challenge = format!(
        "Bearer error=\"insufficient_user_authentication\", error_description=\"{error}\", max_age=\"{max_age}\""
    );
    // The text has only printable ASCII characters, so it is a valid header value.
    HeaderValue::from_str(&challenge).unwrap_or(HeaderValue::from_static("Bearer"))
}

/// The reason why the layer refuses a request, so that no route handles it.
enum LayerRefusal {
    Header(HeaderError),
    NoAddress,
}

impl From<HeaderError> for LayerRefusal {
    fn from(error: HeaderError) -> Self {
        Self::Header(error)
    }
}

impl LayerRefusal {
    /// Returns the response to a refused request. Its body suits both APIs: REST clients read the
    /// field `message`, and GraphQL clients read the field `errors`.
    fn answer<R: From<String>>(self) -> Response<R> {
        let (status, message, category) = match &self {
            Self::Header(error) => (StatusCode::BAD_REQUEST, error.to_string(), "graphql-input"),
            Self::NoAddress => (StatusCode::INTERNAL_SERVER_ERROR, "Internal Error.".into(), "internal"),
        };
        let body = serde_json::json!({
            "message": &message,
            "errors": [{"message": &message, "extensions": {"category": category}}],
        });
        let mut response = Response::new(R::from(body.to_string()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self {
            Self::Header(HeaderError::UnknownStore) => {}
            Self::Header(_) => {
                let challenge = HeaderValue::from_static("Bearer error=\"invalid_request\"");
                headers.insert(WWW_AUTHENTICATE, challenge);
            }
            Self::NoAddress => {
                response
                    .extensions_mut()
                    .insert(Arc::new(Error::Internal(InternalError::NotConfigured(Part::PeerAddress))));
            }
        }
        response
    }
}
