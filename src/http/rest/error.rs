use std::{borrow::Cow, fmt, sync::Arc};

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    error::{
        Error, ErrorKind, InputError, InternalError, Part, PolicyViolation, SecondFactorError, TokenError,
    },
    http::log_fault,
};

/// The error of a REST route in Commerce's format: a message with placeholders such as
/// `%fieldName`, and the values of the placeholders. If several inputs are wrong, the error
/// contains a further message for each of them.
///
/// If an [`Error`] of the crate is the cause, the extensions of the response contain an
/// `Arc<`[`Error`]`>`, for the host's metrics. An [`Error`] of the kind
/// [`Internal`](ErrorKind::Internal), [`Unavailable`](ErrorKind::Unavailable) or
/// [`Overloaded`](ErrorKind::Overloaded) is logged through `tracing` when the response is made. The
/// log also has the errors that caused this error, which the client does not see.
#[derive(Clone, Serialize)]
#[must_use]
pub struct RestError {
    #[serde(skip)]
    status: StatusCode,
    message: Cow<'static, str>,
    #[serde(skip_serializing_if = "Value::is_null")]
    parameters: Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Self>,
    #[serde(skip)]
    cause: Option<Arc<Error>>,
}

impl RestError {
    /// Creates an error for a route of the host. The message may contain placeholders such as
    /// `%fieldName`. [`with`](Self::with) sets their values.
    pub const fn new(status: StatusCode, message: &'static str) -> Self {
        Self {
            status,
            message: Cow::Borrowed(message),
            parameters: Value::Null,
            errors: Vec::new(),
            cause: None,
        }
    }

    /// Sets the value of the placeholder `%name` in the message. The value may be a text, a number
    /// or a list. A value that JSON cannot represent becomes `null`.
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        let mut parameters = match self.parameters {
            Value::Object(parameters) => parameters,
            _ => Map::new(),
        };
        parameters.insert(name.to_owned(), serde_json::to_value(value).unwrap_or_default());
        self.parameters = Value::Object(parameters);
        self
    }

    /// Sets the crate's [`Error`] that caused this error, for the log and the host's metrics.
    pub(super) fn caused_by(self, cause: Error) -> Self {
        Self { cause: Some(Arc::new(cause)), ..self }
    }

    /// Creates the error for required fields that are missing or empty.
    ///
    /// ```
    /// use commerce_auth::http::rest::RestError;
    ///
    /// let error = serde_json::to_value(RestError::required(&["username", "password"]))?;
    /// assert_eq!(error["message"], "One or more input exceptions have occurred.");
    /// assert_eq!(error["errors"][1]["parameters"]["fieldName"], "password");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn required(fields: &[&str]) -> Self {
        let required = |field: &&str| {
            let message = r#""%fieldName" is required. Enter and try again."#;
            Self::new(StatusCode::BAD_REQUEST, message).with("fieldName", *field)
        };
        let mut errors: Vec<Self> = fields.iter().map(required).collect();
        match errors.len() {
            1 => errors.remove(0),
            _ => Self {
                errors,
                ..Self::new(StatusCode::BAD_REQUEST, "One or more input exceptions have occurred.")
            },
        }
    }

    /// Creates the error for a caller who may not use a route. `resource` names the caller that the
    /// route requires: `self` for a customer, or an access-control resource of Commerce (a
    /// permission) for an admin user.
    pub fn not_authorized(resource: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "The consumer isn't authorized to access %resources.")
            .with("resources", resource)
    }

    /// Maps the error of an operation. If the operation refused the bearer token, the result is the
    /// error of a caller who is not authorized for `resource`.
    pub(crate) fn refused(error: Error, resource: &'static str) -> Self {
        match error {
            Error::Token(TokenError::Invalid) | Error::Token(TokenError::NotAuthorized) => {
                Self { cause: Some(Arc::new(error)), ..Self::not_authorized(resource) }
            }
            error => error.into(),
        }
    }

    pub(super) const fn no_route() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Request does not match any route.")
    }

    pub(super) const fn no_store() -> Self {
        let message = "The store that was requested wasn't found. Verify the store and try again.";
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// Creates the error for a host that has not put [`AuthLayer`](crate::http::AuthLayer) around
    /// the route.
    pub(crate) fn no_layer() -> Self {
        Error::Internal(InternalError::NotConfigured(Part::Layer)).into()
    }

    /// Returns the status of the response.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }
}

/// Maps an error of the crate to Commerce's REST status. For a missing permission, Commerce's REST
/// API returns status 401, not 403.
impl From<Error> for RestError {
    fn from(error: Error) -> Self {
        let status = match error.kind() {
            ErrorKind::Input => StatusCode::BAD_REQUEST,
            ErrorKind::Authentication | ErrorKind::Authorization => StatusCode::UNAUTHORIZED,
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            ErrorKind::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            ErrorKind::Overloaded | ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorKind::Internal => {
                return Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal Error.").caused_by(error);
            }
        };
        let (message, parameters) = template(&error);
        Self { status, message, parameters, errors: Vec::new(), cause: Some(Arc::new(error)) }
    }
}

/// Returns Commerce's message for an error, with its placeholders and their values. If the message
/// contains a number, Commerce replaces the number by `%1` and sends it as a text value.
fn template(error: &Error) -> (Cow<'static, str>, Value) {
    let numbered = |message: &'static str, value: &usize| (message.into(), json!([value.to_string()]));
    match error {
        Error::Input(InputError::Policy(PolicyViolation::TooShort(least))) => {
            numbered("The password needs at least %1 characters. Create a new password and try again.", least)
        }
        Error::Input(InputError::Policy(PolicyViolation::TooFewClasses(least))) => numbered(
            "Minimum of different classes of characters in password is %1. Classes of characters: Lower Case, Upper \
             Case, Digits, Special Characters.",
            least,
        ),
        Error::SecondFactor(SecondFactorError::StepUpRequired(limit)) => {
            (error.to_string().into(), json!({"max_age": limit.as_secs()}))
        }
        _ => (error.to_string().into(), Value::Null),
    }
}

impl fmt::Debug for RestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RestError");
        shown.field("status", &self.status).field("message", &self.message).field("cause", &self.cause);
        shown.finish_non_exhaustive()
    }
}

impl IntoResponse for RestError {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(&self)).into_response();
        if let Some(cause) = self.cause {
            log_fault(&cause);
            response.extensions_mut().insert(cause);
        }
        response
    }
}
