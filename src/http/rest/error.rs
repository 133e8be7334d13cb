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

/// The error of a REST route, in Commerce's shape: a template, and the values of its `%names`. If
/// several inputs are wrong, it has an error for each.
///
/// The crate's error behind it, if there is one, is in the extensions of the response as an
/// `Arc<`[`Error`]`>`, for the host's metrics. If its kind is [`Internal`](ErrorKind::Internal),
/// [`Unavailable`](ErrorKind::Unavailable) or [`Overloaded`](ErrorKind::Overloaded), the response logs
/// the error with its causes through `tracing`. The client does not see the causes.
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
    /// An error of a host's own route: the message may hold `%names`, which [`with`](Self::with) explains.
    pub const fn new(status: StatusCode, message: &'static str) -> Self {
        Self {
            status,
            message: Cow::Borrowed(message),
            parameters: Value::Null,
            errors: Vec::new(),
            cause: None,
        }
    }

    /// Sets the value of a name in the message, such as a text, a number or a list. A value that
    /// JSON cannot hold becomes `null`.
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        let mut parameters = match self.parameters {
            Value::Object(parameters) => parameters,
            _ => Map::new(),
        };
        parameters.insert(name.to_owned(), serde_json::to_value(value).unwrap_or_default());
        self.parameters = Value::Object(parameters);
        self
    }

    /// The crate's error behind it, for the log and the host's metrics.
    pub(super) fn caused_by(self, cause: Error) -> Self {
        Self { cause: Some(Arc::new(cause)), ..self }
    }

    /// Fields that are missing or empty.
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

    /// The caller is not who the route is for: `resource` is `self`, or the access-control resource it needs.
    pub fn not_authorized(resource: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "The consumer isn't authorized to access %resources.")
            .with("resources", resource)
    }

    /// The answer of a route for `resource` if a flow did not accept the bearer token.
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

    /// The host's mistake: [`AuthLayer`](crate::http::AuthLayer) is not around the route.
    pub(crate) fn no_layer() -> Self {
        Error::Internal(InternalError::NotConfigured(Part::Layer)).into()
    }

    /// The status of the answer.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }
}

/// Commerce's statuses: what is not permitted is a 401 here, not a 403.
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

/// The message with numbered places for what it holds, as Commerce translates it; what it holds is text there.
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
