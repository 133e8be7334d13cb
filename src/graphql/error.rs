use async_graphql::{ErrorExtensionValues, ErrorExtensions, Name, Pos, Response, ServerError, Value};
use http::StatusCode;

use crate::{
    account::UpsertError,
    error::{Error, ErrorKind, SecondFactorError, StoreError},
    http::log_fault,
};

/// The category of an error, in the field `extensions.category`. Commerce's clients distinguish
/// errors by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Category {
    /// `graphql-input`, status 200.
    Input,
    /// `graphql-authentication`, status 401.
    Authentication,
    /// `graphql-authorization`, status 403.
    Authorization,
    /// `graphql-no-such-entity`, status 200.
    NoSuchEntity,
    /// `graphql-already-exists`, status 200.
    AlreadyExists,
}

impl Category {
    /// Returns the text of the category, as a client sees it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Input => "graphql-input",
            Self::Authentication => "graphql-authentication",
            Self::Authorization => "graphql-authorization",
            Self::NoSuchEntity => "graphql-no-such-entity",
            Self::AlreadyExists => "graphql-already-exists",
        }
    }

    /// Creates an error of this category, for a field of the host.
    ///
    /// ```
    /// use commerce_auth::graphql::Category;
    ///
    /// let error = Category::NoSuchEntity.error("There is no such order.");
    /// # let _ = error;
    /// ```
    #[must_use]
    pub fn error(self, message: impl Into<String>) -> async_graphql::Error {
        with_category(async_graphql::Error::new(message), self.as_str())
    }
}

fn with_category(error: async_graphql::Error, category: &'static str) -> async_graphql::Error {
    error.extend_with(|_, extensions| extensions.set("category", category))
}

/// Converts an error of the crate to a GraphQL error with the same message and with a category. The
/// error of the crate becomes the [`source`](async_graphql::ServerError::source) of the GraphQL
/// error, which is not sent to the client.
///
/// The message of most errors has a category in Commerce. For four kinds of error, Commerce has
/// none, so the crate chooses the category:
///
/// - A limit is reached: `graphql-too-many-requests`.
/// - The service is busy or down: `graphql-unavailable`.
/// - The host has made a mistake: `internal`.
/// - An admin user must sign in again or step up: `graphql-authentication`. The field
///   `extensions.step_up.max_age` is the maximum age of the sign-in, in seconds.
///
/// If the error is of the kind [`Internal`](ErrorKind::Internal),
/// [`Unavailable`](ErrorKind::Unavailable) or [`Overloaded`](ErrorKind::Overloaded), this function
/// logs it through `tracing`, with the errors that caused it. The client does not see the causes.
/// Each call of this function logs the error, so convert an error only once.
#[must_use]
pub fn error(error: Error) -> async_graphql::Error {
    log_fault(&error);
    let mut told = ErrorExtensionValues::default();
    extensions(&error, &mut told);
    async_graphql::Error { extensions: Some(told), ..async_graphql::Error::new_with_source(error) }
}

/// Sets the extensions of an error: its category and, for a step-up, the maximum age of the
/// sign-in.
pub(super) fn extensions(error: &Error, told: &mut ErrorExtensionValues) {
    told.set("category", category_of(error));
    if let Error::SecondFactor(SecondFactorError::StepUpRequired(limit)) = error {
        let max_age = [(Name::new("max_age"), limit.as_secs().into())];
        told.set("step_up", Value::Object(max_age.into_iter().collect()));
    }
}

const fn category_of(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::Input => Category::Input.as_str(),
        ErrorKind::Authentication => Category::Authentication.as_str(),
        ErrorKind::Authorization => Category::Authorization.as_str(),
        ErrorKind::NotFound => Category::NoSuchEntity.as_str(),
        ErrorKind::TooManyRequests => TOO_MANY_REQUESTS,
        ErrorKind::Overloaded | ErrorKind::Unavailable => UNAVAILABLE,
        ErrorKind::Internal => INTERNAL,
    }
}

/// Creates the response to a request that is refused before anything is executed.
pub(super) fn refusal(error: async_graphql::Error) -> Response {
    // The error belongs to no line and column of the document.
    let refused = ServerError { locations: Vec::new(), ..error.into_server_error(Pos::default()) };
    Response::from_errors(vec![refused])
}

const TOO_MANY_REQUESTS: &str = "graphql-too-many-requests";
const UNAVAILABLE: &str = "graphql-unavailable";
const INTERNAL: &str = "internal";

/// Returns Commerce's HTTP status for a response. It depends on the category of the first error
/// that has a category.
///
/// If a resolver has returned a [`StoreError`] or an [`Error`] with `?`, the GraphQL error has no
/// category. It then counts as if [`error`] had converted it. Commerce has no status for three
/// cases, so the crate adds these statuses:
///
/// - 429: a limit is reached;
/// - 503: the service is busy or down;
/// - 500: a mistake of the host.
#[must_use]
pub fn status(response: &Response) -> StatusCode {
    match response.errors.iter().find_map(category) {
        Some("graphql-authentication") => StatusCode::UNAUTHORIZED,
        Some("graphql-authorization") => StatusCode::FORBIDDEN,
        Some(TOO_MANY_REQUESTS) => StatusCode::TOO_MANY_REQUESTS,
        Some(UNAVAILABLE) => StatusCode::SERVICE_UNAVAILABLE,
        Some(INTERNAL) => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::OK,
    }
}

/// Returns the category of a GraphQL error. If a resolver has returned an error of the crate with
/// `?`, the GraphQL error has no category yet. Then the category of the crate's error is returned.
pub(super) fn category(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref().and_then(|extensions| extensions.get("category")) {
        Some(Value::String(category)) => Some(category),
        _ if error.source::<StoreError>().is_some() => Some(UNAVAILABLE),
        _ if matches!(error.source(), Some(UpsertError::Unavailable(_))) => Some(UNAVAILABLE),
        _ => error.source().map(category_of),
    }
}
