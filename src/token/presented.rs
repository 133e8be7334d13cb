use std::fmt;

use super::{BearerToken, Origin};
use crate::account::Website;

/// A bearer token as a request presents it, with the website and the origin of the request.
///
/// Every operation that takes a token accepts `impl Into<Bearer>`. If a host passes a `&str` or a
/// `&BearerToken`, the website of the request is the default website. To set another website, call
/// [`website`](Self::website). To set the origin, which the audit trail records, call
/// [`origin`](Self::origin).
///
/// ```
/// use commerce_auth::{Origin, Website, token::Bearer};
///
/// # fn request() -> (&'static str, Website, Origin) { ("", Website::default(), Origin::default()) }
/// let (token, website, origin) = request();
/// let bearer = Bearer::from(token).website(website).origin(&origin);
/// ```
#[derive(Clone)]
#[must_use]
pub struct Bearer<'a> {
    pub(crate) token: &'a str,
    pub(crate) website: Website,
    pub(crate) origin: &'a Origin,
}

/// The origin that is used if the host sets none.
static UNKNOWN: Origin = Origin { source: None, user_agent: None, correlation_id: None };

impl<'a> Bearer<'a> {
    /// Sets the website of the request.
    pub fn website(self, website: Website) -> Self {
        Self { website, ..self }
    }

    /// Sets the origin of the request.
    pub fn origin(self, origin: &'a Origin) -> Self {
        Self { origin, ..self }
    }
}

impl<'a> From<&'a str> for Bearer<'a> {
    fn from(token: &'a str) -> Self {
        Self { token, website: Website::default(), origin: &UNKNOWN }
    }
}

impl<'a> From<&'a String> for Bearer<'a> {
    fn from(token: &'a String) -> Self {
        Self::from(token.as_str())
    }
}

impl<'a> From<&'a BearerToken> for Bearer<'a> {
    fn from(token: &'a BearerToken) -> Self {
        Self::from(token.expose())
    }
}

impl fmt::Debug for Bearer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bearer").field("website", &self.website).finish_non_exhaustive()
    }
}
