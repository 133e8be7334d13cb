use async_graphql::{ErrorExtensionValues, ErrorExtensions, Name, Pos, Response, ServerError, Value};
use http::StatusCode;

use crate::{
    account::UpsertError,
    error::{Error, ErrorKind, SecondFactorError, StoreError},
    http::log_fault,
};

/// The category of an error, by which Commerce's clients tell errors apart: `extensions.category`.
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
    /// The word a client sees.
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

    /// An error of a host's own field.
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

/// An error of the crate's as a client sees it: its message and its category. The error itself is the
/// [`source`](async_graphql::ServerError::source), which is not sent.
///
/// Commerce has no category for a limit that is reached, a service that is busy or down, and a host's mistake; here they are
/// `graphql-too-many-requests`, `graphql-unavailable` and `internal`. Nor has it a step-up: where an admin user must sign in
/// afresh, the category is `graphql-authentication`, and `extensions.step_up.max_age` is how old a sign-in may be, in seconds.
///
/// An error of kind [`Internal`](ErrorKind::Internal), [`Unavailable`](ErrorKind::Unavailable) or
/// [`Overloaded`](ErrorKind::Overloaded) is logged through `tracing` here, with its causes, which the client is not told: make
/// one GraphQL error of each.
#[must_use]
pub fn error(error: Error) -> async_graphql::Error {
    log_fault(&error);
    let mut told = ErrorExtensionValues::default();
    extensions(&error, &mut told);
    async_graphql::Error { extensions: Some(told), ..async_graphql::Error::new_with_source(error) }
}

/// Sets the extensions that a client gets beside the message of an error.
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

/// The response to a request of which nothing ran.
pub(super) fn refusal(error: async_graphql::Error) -> Response {
    // It is at no place of the document.
    let refused = ServerError { locations: Vec::new(), ..error.into_server_error(Pos::default()) };
    Response::from_errors(vec![refused])
}

const TOO_MANY_REQUESTS: &str = "graphql-too-many-requests";
const UNAVAILABLE: &str = "graphql-unavailable";
const INTERNAL: &str = "internal";

/// The status that Commerce gives a response: by the category of the first error that has one. A
/// [`StoreError`] or an [`Error`] that a resolver passed on by `?` alone counts as if [`error`] had made it.
///
/// Beyond Commerce, a limit that is reached is a 429, a service that is busy or down a 503, and a host's mistake a 500.
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

/// The category of an error: the one that it has, or else that of the crate's error behind it, which a resolver may have
/// passed on by `?` alone.
pub(super) fn category(error: &ServerError) -> Option<&str> {
    match error.extensions.as_ref().and_then(|extensions| extensions.get("category")) {
        Some(Value::String(category)) => Some(category),
        _ if error.source::<StoreError>().is_some() => Some(UNAVAILABLE),
        _ if matches!(error.source(), Some(UpsertError::Unavailable(_))) => Some(UNAVAILABLE),
        _ => error.source().map(category_of),
    }
}
