use std::{fmt, net::IpAddr, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue, header::USER_AGENT};
use secrecy::{ExposeSecret, SecretString};

use super::{HeaderError, OneWebsite, Websites, bearer::bearer_token};
use crate::{
    account::Website,
    auth::Auth,
    challenge::ChallengeResponse,
    error::Error,
    token::{Bearer, Identity, Origin},
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
}

/// Commerce's header of a response to a challenge.
pub(super) const RECAPTCHA: HeaderName = HeaderName::from_static("x-recaptcha");

impl Caller {
    /// The caller of a request with these headers: `Authorization`, `User-Agent`, `X-ReCaptcha`, and `X-Request-Id` as the
    /// correlation id. On the [default](Website::default) website, from an unknown address, until [`on_store`](Self::on_store),
    /// [`on`](Self::on) and [`at`](Self::at) say more.
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
            challenge: challenge_response(headers),
        })
    }

    /// The client's own address, not a proxy's: failures are counted by it.
    pub fn at(mut self, source: IpAddr) -> Self {
        self.origin.source = Origin::from(source).source;
        self
    }

    /// The website the request is for.
    pub fn on(self, website: Website) -> Self {
        Self { website, ..self }
    }

    /// The website of a store code, as the `Store` header or a path holds it.
    ///
    /// # Errors
    ///
    /// [`HeaderError::UnknownStore`].
    pub fn on_store(self, code: &str) -> Result<Self, HeaderError> {
        match self.websites.by_store(code) {
            Some(website) => Ok(self.on(website)),
            None => Err(HeaderError::UnknownStore),
        }
    }

    /// What store codes and website numbers stand for; [`OneWebsite`] unless told otherwise.
    pub fn in_shop(self, websites: Arc<dyn Websites>) -> Self {
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

    /// What store codes and website numbers stand for.
    #[must_use]
    pub fn websites(&self) -> &dyn Websites {
        self.websites.as_ref()
    }

    /// Origin of the request.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The response to the host's [`Challenge`](crate::Challenge), from the header `X-ReCaptcha`. There is none if the header
    /// is missing, repeated, or longer than [`ChallengeResponse::MAX_BYTES`].
    #[must_use]
    pub const fn challenge(&self) -> &ChallengeResponse {
        &self.challenge
    }

    /// The bearer token as the flows take it; none is a guest's.
    #[must_use]
    pub fn bearer(&self) -> Option<Bearer<'_>> {
        let token = self.token.as_ref()?;
        Some(Bearer::from(token.expose_secret()).on(self.website.clone()).sent_from(&self.origin))
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

fn challenge_response(headers: &HeaderMap) -> ChallengeResponse {
    let mut values = headers.get_all(RECAPTCHA).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().map(Into::into).unwrap_or_default(),
        _ => ChallengeResponse::default(),
    }
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
