use std::{
    borrow::Cow,
    fmt,
    net::IpAddr,
    sync::{Arc, OnceLock},
};

use http::{HeaderMap, HeaderName, header::USER_AGENT};
use secrecy::{ExposeSecret, SecretString};

use super::{HeaderError, OneWebsite, Websites, bearer::bearer_token};
use crate::{
    account::Website,
    auth::Auth,
    challenge::ChallengeResponse,
    error::Error,
    token::{Bearer, DeviceSecret, Identity, Origin},
};

/// The caller of a request: the bearer token, if there is one, the website and the origin.
///
/// [`AuthLayer`](super::AuthLayer) puts the caller into the extensions of a request.
/// [`Admission`](crate::graphql::Admission) puts the caller into the data of a GraphQL request. An
/// axum handler takes a `Caller` as an argument. A `Caller` is cheap to clone. `Debug` does not show
/// the token.
#[derive(Clone)]
#[must_use]
pub struct Caller {
    shared: Arc<Shared>,
}

#[derive(Clone)]
struct Shared {
    auth: Auth,
    token: Option<SecretString>,
    websites: Arc<dyn Websites>,
    website: Website,
    origin: Origin,
    challenge: ChallengeResponse,
    device: Option<DeviceSecret>,
    /// The device secret that a sign-in of this request issued. The response returns it.
    new_device: Arc<OnceLock<DeviceSecret>>,
}

/// The header for a device secret. A client sends it with a sign-in, and the response to a sign-in
/// from an unknown device has it.
pub(super) const DEVICE: HeaderName = HeaderName::from_static("x-device-secret");

/// Commerce's header for the client's response to a challenge.
pub(super) const RECAPTCHA: HeaderName = HeaderName::from_static("x-recaptcha");

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

impl Caller {
    /// Creates a caller from the headers of a request: `Authorization`, `User-Agent`,
    /// `X-ReCaptcha`, `X-Device-Secret`, and `X-Request-Id`, which becomes the correlation id.
    ///
    /// The website of the request is the [default](Website::default) website, and the client's IP
    /// address is unknown. To set the website, call [`with_store`](Self::with_store) or
    /// [`with_website`](Self::with_website). To set the IP address, call
    /// [`with_source`](Self::with_source).
    ///
    /// # Errors
    ///
    /// [`HeaderError`]: the request is malformed. Send a response with status 400.
    pub fn from_headers(auth: Auth, headers: &HeaderMap) -> Result<Self, HeaderError> {
        Self::of_websites(Arc::new(OneWebsite), auth, headers)
    }

    pub(super) fn of_websites(
        websites: Arc<dyn Websites>,
        auth: Auth,
        headers: &HeaderMap,
    ) -> Result<Self, HeaderError> {
        let token = bearer_token(headers)?.map(SecretString::from);
        let mut origin = Origin::default();
        if let Some(user_agent) = text(headers, USER_AGENT) {
            origin = origin.user_agent(&user_agent);
        }
        if let Some(id) = text(headers, REQUEST_ID) {
            origin = origin.correlation_id(&id);
        }
        let shared = Shared {
            auth,
            token,
            websites,
            website: Website::default(),
            origin,
            challenge: only(headers, RECAPTCHA).map(Into::into).unwrap_or_default(),
            device: only(headers, DEVICE).and_then(DeviceSecret::parse),
            new_device: Arc::default(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Sets the IP address of the client. Do not pass the IP address of a proxy, because failed
    /// attempts are counted for this address.
    pub fn with_source(self, source: IpAddr) -> Self {
        self.with(|shared| shared.origin.source = Origin::from(source).source)
    }

    /// Sets the website of the request.
    pub fn with_website(self, website: Website) -> Self {
        self.with(|shared| shared.website = website)
    }

    /// Sets the website of the request by a store code, which comes from the `Store` header or from
    /// a path.
    ///
    /// # Errors
    ///
    /// [`HeaderError::UnknownStore`]: no website has the code.
    pub fn with_store(self, code: &str) -> Result<Self, HeaderError> {
        match self.websites().by_store(code) {
            Some(website) => Ok(self.with_website(website)),
            None => Err(HeaderError::UnknownStore),
        }
    }

    /// Sets the mapping from store codes and Commerce's website numbers to websites. The default is
    /// [`OneWebsite`].
    pub fn with_websites(self, websites: Arc<dyn Websites>) -> Self {
        self.with(|shared| shared.websites = websites)
    }

    fn with(mut self, change: impl FnOnce(&mut Shared)) -> Self {
        change(Arc::make_mut(&mut self.shared));
        self
    }

    /// Returns the [`Auth`] whose operations the caller uses.
    #[must_use]
    pub fn auth(&self) -> &Auth {
        &self.shared.auth
    }

    /// Returns the website of the request.
    #[must_use]
    pub fn website(&self) -> &Website {
        &self.shared.website
    }

    /// Returns the mapping from store codes and Commerce's website numbers to websites.
    #[must_use]
    pub fn websites(&self) -> &dyn Websites {
        self.shared.websites.as_ref()
    }

    /// Returns the origin of the request.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.shared.origin
    }

    /// Returns the client's response to the host's [`Challenge`](crate::challenge::Challenge), from
    /// the header `X-ReCaptcha`. The response is empty if the header is missing or repeated, is not
    /// printable ASCII, or is longer than [`ChallengeResponse::MAX_BYTES`].
    #[must_use]
    pub fn challenge(&self) -> &ChallengeResponse {
        &self.shared.challenge
    }

    /// Returns the device secret from the header `X-Device-Secret`, for
    /// [`SignIn::device`](crate::SignIn::device). The text is empty if there is no such header.
    #[must_use]
    pub fn device(&self) -> &str {
        self.shared.device.as_ref().map_or("", DeviceSecret::expose)
    }

    /// Keeps the new device secret of a sign-in ([`SignedIn::device`](crate::SignedIn::device)), so
    /// that the response can return it. The adapters of this crate call this method. A GraphQL
    /// request can contain several sign-ins. Then only the first new device secret is kept.
    pub fn hand_out(&self, device: Option<&DeviceSecret>) {
        if let Some(device) = device {
            // The call fails if there is a device secret already, so the first one is kept.
            let _ = self.shared.new_device.set(device.clone());
        }
    }

    /// Returns the new device secret, for the response header `X-Device-Secret`.
    /// [`AuthLayer`](super::AuthLayer) adds this header. A host that does not use the layer must
    /// add the header itself.
    #[must_use]
    pub fn new_device(&self) -> Option<&DeviceSecret> {
        self.shared.new_device.get()
    }

    /// Returns the bearer token with the website and the origin, as an argument for the operations
    /// of [`Auth`]. `None` means an anonymous request.
    #[must_use]
    pub fn bearer(&self) -> Option<Bearer<'_>> {
        let token = self.shared.token.as_ref()?;
        Some(Bearer::from(token.expose_secret()).website(self.website().clone()).origin(self.origin()))
    }

    /// Verifies the bearer token and returns its customer or admin user. Returns `None` for an
    /// anonymous request. Each call of this method verifies the token again.
    ///
    /// # Errors
    ///
    /// The errors of [`Auth::verify`].
    pub async fn identity(&self) -> Result<Option<Identity>, Error> {
        match self.bearer() {
            Some(bearer) => self.auth().verify(bearer).await.map(Some),
            None => Ok(None),
        }
    }
}

/// Returns the first value of a header, with U+FFFD in place of bytes that are not UTF-8.
fn text(headers: &HeaderMap, name: HeaderName) -> Option<Cow<'_, str>> {
    let value = headers.get(name)?.as_bytes();
    // Almost every value is UTF-8, and `from_utf8` checks this faster than `from_utf8_lossy`.
    Some(str::from_utf8(value).map_or_else(|_| String::from_utf8_lossy(value), Cow::Borrowed))
}

/// Returns the value of a header. Returns `None` if the header is missing, repeated, or not printable
/// ASCII.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("presents_token", &self.shared.token.is_some())
            .field("website", self.website())
            .field("origin", self.origin())
            .finish_non_exhaustive()
    }
}
