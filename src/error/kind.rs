/// The kind of an error, from which an adapter chooses the GraphQL category and the HTTP status.
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
    /// A limit is reached, and the client should try again much later: 429.
    TooManyRequests,
    /// The service is busy, and the client should try again in a moment: 503 with `Retry-After`.
    Overloaded,
    /// A request to a store or to a host's table failed, or there were no random bytes: 503. So the
    /// library could not decide if the operation is allowed, or could not complete it.
    Unavailable,
    /// An error of the host or of this crate: 500.
    Internal,
}
