/// The kind of an error, which a transport maps to a category and a status.
///
/// The categories and statuses are those of Commerce 2.4.8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input is not valid: `graphql-input` with status 200, REST 400.
    Input,
    /// The credential or the token is not accepted: `graphql-authentication`, 401.
    Authentication,
    /// The token is valid, but not for this operation: `graphql-authorization` with 403, REST 401.
    Authorization,
    /// The requested account does not exist: `graphql-no-such-entity` with status 200, REST 404.
    NotFound,
    /// Try again much later: 429.
    TooManyRequests,
    /// Try again in a moment: 503 with `Retry-After`.
    Overloaded,
    /// A store failed: 503. The request was not denied and not allowed.
    Unavailable,
    /// An error of the host or of this crate: 500.
    Internal,
}
