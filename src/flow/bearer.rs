use std::fmt;

use crate::{account::Website, token::BearerToken};

/// A bearer token as a request presents it, and the website the request is for.
///
/// Every flow that takes a token takes `impl Into<Bearer>`: a `&str` or a `&BearerToken` is for the default
/// website, another is named with [`on`](Self::on).
///
/// ```
/// use commerce_auth::{Bearer, Website};
///
/// # fn request() -> (&'static str, Website) { ("", Website::default()) }
/// let (token, website) = request();
/// let bearer = Bearer::from(token).on(website);
/// ```
#[derive(Clone)]
#[must_use]
pub struct Bearer<'a> {
    pub(super) token: &'a str,
    pub(super) website: Website,
}

impl Bearer<'_> {
    /// The website the request is for.
    pub fn on(self, website: Website) -> Self {
        Self { website, ..self }
    }
}

impl<'a> From<&'a str> for Bearer<'a> {
    fn from(token: &'a str) -> Self {
        Self { token, website: Website::default() }
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
