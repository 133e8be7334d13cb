use std::{
    fmt,
    net::IpAddr,
    sync::{Arc, OnceLock},
};

use http::{HeaderMap, HeaderName, HeaderValue, header::USER_AGENT};
use secrecy::{ExposeSecret, SecretString};

use super::{HeaderError, OneWebsite, Websites, bearer::bearer_token};
use crate::{
    account::Website,
    auth::Auth,
    challenge::ChallengeResponse,
    error::Error,
    token::{Bearer, DeviceSecret, Identity, Origin},
};

/// Who calls: the bearer token a request presents, if it does, from where, and on which website.
///
/// It stands in the extensions of a request that went through [`AuthLayer`](super::AuthLayer), and in the data of a GraphQL request that
/// was [admitted](crate::graphql::Admission). A handler of axum takes it as an argument. Its `Debug` shows no token.
#[derive(Clone)]
#[must_use]
pub struct Caller {
    auth: Auth,
    token: Option<SecretString>,
    websites: Arc<dyn Websites>,
    website: Website,
    origin: Origin,
    challenge: ChallengeResponse,
    device: Option<DeviceSecret>,
    /// The secret that a sign-in of this request hands out, for the answer.
    new_device: Arc<OnceLock<DeviceSecret>>,
}

/// The header of a device secret, in a request and in the answer to a first sign-in.
pub(super) const DEVICE: HeaderName = HeaderName::from_static("x-device-secret");

/// Commerce's header of a response to a challenge.
pub(super) const RECAPTCHA: HeaderName = HeaderName::from_static("x-recaptcha");

impl Caller {
    /// The caller of a request with these headers: `Authorization`, `User-Agent`, `X-ReCaptcha`, `X-Device-Secret`, and
    /// `X-Request-Id` as the correlation id. On the [default](Website::default) website, from an unknown address, until [`with_store`](Self::with_store),
    /// [`with_website`](Self::with_website) and [`with_source`](Self::with_source) say more.
    ///
    /// # Errors
    ///
    /// [`HeaderError`]: the request is malformed; answer it with status 400.
    pub fn from_headers(auth: Auth, headers: &HeaderMap) -> Result<Self, HeaderError> {
        let text = |name: &str| headers.get(name).map(HeaderValue::as_bytes).map(String::from_utf8_lossy);
        let mut origin = Origin::default();
        if let Some(user_agent) = text(USER_AGENT.as_str()) {
            origin = origin.user_agent(&user_agent);
        }
        if let Some(id) = text("x-request-id") {
            origin = origin.correlation_id(&id);
        }
        let token = bearer_token(headers)?.map(SecretString::from);
        Ok(Self {
            auth,
            token,
            websites: Arc::new(OneWebsite),
            website: Website::default(),
            origin,
            challenge: only(headers, RECAPTCHA).map(Into::into).unwrap_or_default(),
            device: only(headers, DEVICE).and_then(DeviceSecret::parse),
            new_device: Arc::default(),
        })
    }

    /// The client's own address, not a proxy's: failures are counted by it.
    pub fn with_source(mut self, source: IpAddr) -> Self {
        self.origin.source = Origin::from(source).source;
        self
    }

    /// The website the request is for.
    pub fn with_website(self, website: Website) -> Self {
        Self { website, ..self }
    }

    /// The website of a store code, as the `Store` header or a path holds it.
    ///
    /// # Errors
    ///
    /// [`HeaderError::UnknownStore`].
    pub fn with_store(self, code: &str) -> Result<Self, HeaderError> {
        match self.websites.by_store(code) {
            Some(website) => Ok(self.with_website(website)),
            None => Err(HeaderError::UnknownStore),
        }
    }

    /// Sets the meaning of store codes and website numbers. The default is [`OneWebsite`].
    pub fn with_websites(self, websites: Arc<dyn Websites>) -> Self {
        Self { websites, ..self }
    }

    /// The facade, whose flows the caller asks for.
    #[must_use]
    pub const fn auth(&self) -> &Auth {
        &self.auth
    }

    /// The website the request is for.
    #[must_use]
    pub const fn website(&self) -> &Website {
        &self.website
    }

    /// Returns the meaning of store codes and website numbers.
    #[must_use]
    pub fn websites(&self) -> &dyn Websites {
        self.websites.as_ref()
    }

    /// Origin of the request.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The response to the host's [`Challenge`](crate::challenge::Challenge), from the header `X-ReCaptcha`. There is none if the header
    /// is missing, repeated, or longer than [`ChallengeResponse::MAX_BYTES`].
    #[must_use]
    pub const fn challenge(&self) -> &ChallengeResponse {
        &self.challenge
    }

    /// The device secret that the request presents in the header `X-Device-Secret`, for
    /// [`SignIn::device`](crate::SignIn::device). Empty if there is none.
    #[must_use]
    pub fn device(&self) -> &str {
        self.device.as_ref().map_or("", DeviceSecret::expose)
    }

    /// Keeps the device secret that a sign-in has handed out ([`SignedIn::device`](crate::SignedIn::device)), for the answer.
    /// The adapters of this crate do so. If a request signs in more than once, the first stays.
    pub fn hand_out(&self, device: Option<&DeviceSecret>) {
        if let Some(device) = device {
            // The first stays.
            let _ = self.new_device.set(device.clone());
        }
    }

    /// The device secret for the answer, in the header `X-Device-Secret`. [`AuthLayer`](super::AuthLayer) adds it; a
    /// host without the layer does.
    #[must_use]
    pub fn new_device(&self) -> Option<&DeviceSecret> {
        self.new_device.get()
    }

    /// The bearer token as the flows take it; none is a guest's.
    #[must_use]
    pub fn bearer(&self) -> Option<Bearer<'_>> {
        let token = self.token.as_ref()?;
        Some(Bearer::from(token.expose_secret()).website(self.website.clone()).origin(&self.origin))
    }

    /// Who the bearer token is: none is a guest. It is asked for anew at each call.
    ///
    /// # Errors
    ///
    /// As [`Auth::verify`].
    pub async fn identity(&self) -> Result<Option<Identity>, Error> {
        match self.bearer() {
            Some(bearer) => self.auth.verify(bearer).await.map(Some),
            None => Ok(None),
        }
    }
}

/// The value of a header that stands once.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("presents_token", &self.token.is_some())
            .field("website", &self.website)
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}
