use std::{any::Any, mem, sync::Arc};

use async_graphql::{Name, PathSegment, Response, ServerError, Value};

use super::error::{category, extensions};
use crate::{
    account::UpsertError,
    error::{Error, StoreError},
    http::log_fault,
};

/// Maximum length of a message of async-graphql that is passed on, in bytes.
const MAX_MESSAGE: usize = 512;
/// Maximum number of validation errors that are passed on.
const MAX_ERRORS: usize = 16;

/// Returns a response as a client may see it.
pub(super) fn presentable(mut response: Response) -> Response {
    let errors = mem::take(&mut response.errors);
    let most = match errors.iter().all(|error| error.path.is_empty()) {
        true => MAX_ERRORS,
        // Each error explains why a field is null, so none is dropped.
        false => usize::MAX,
    };
    response.errors = errors.into_iter().take(most).map(categorised).map(bounded).collect();
    with_nulls(response)
}

/// Adds the category to an error of the crate that a resolver passed on by `?`.
fn categorised(mut told: ServerError) -> ServerError {
    if told.extensions.as_ref().is_some_and(|extensions| extensions.get("category").is_some()) {
        return told;
    }
    let Some(source) = told.source.take() else { return told };
    let is_an_error = source.is::<Error>();
    match cause(source) {
        Ok(cause) => {
            // The error was not converted by `error`, so it has not been logged yet.
            log_fault(&cause);
            // A store's own message belongs only in the log.
            if !is_an_error {
                told.message = cause.to_string();
            }
            extensions(&cause, told.extensions.get_or_insert_default());
            told.source = Some(cause);
        }
        Err(source) => told.source = Some(source),
    }
    told
}

type Source = Arc<dyn Any + Send + Sync>;

/// Returns the crate's error in a source. A failure of a store becomes [`Error::Unavailable`].
fn cause(source: Source) -> Result<Arc<Error>, Source> {
    let unavailable = |failed| Ok(Arc::new(Error::Unavailable(failed)));
    let source = match source.downcast::<Error>() {
        Ok(error) => return Ok(error),
        Err(source) => source,
    };
    let source = match source.downcast::<StoreError>() {
        Ok(failed) => return unavailable(Arc::try_unwrap(failed).unwrap_or_else(StoreError::new)),
        Err(source) => source,
    };
    match source.downcast::<UpsertError>()? {
        refused if matches!(*refused, UpsertError::Unavailable(_)) => unavailable(StoreError::new(refused)),
        refused => Err(refused),
    }
}

/// Shortens a message of async-graphql, because it repeats names and values of any length.
fn bounded(mut told: ServerError) -> ServerError {
    if told.source.is_none() && category(&told).is_none() {
        told.message = shortened(without_value(told.message));
    }
    told
}

/// Cuts off a value that async-graphql's message repeats, because it may be a secret in the wrong
/// field. The patterns are the messages for an enum and of `InputValueError::expected_type`.
fn without_value(message: String) -> String {
    for of_enum in [" does not contain the value", " does not contain value"] {
        if let Some((before, _)) = message.split_once(&format!("{of_enum} \"")) {
            return format!("{before}{of_enum}.");
        }
    }
    match message.split_once(", found ") {
        Some((expected, _)) if message.starts_with("Expected input type \"") => format!("{expected}."),
        _ => message,
    }
}

/// Cuts a message to [`MAX_MESSAGE`] bytes.
pub(super) fn shortened(mut message: String) -> String {
    const MARK: char = '…';
    if message.len() > MAX_MESSAGE {
        let mut ends = (0..=MAX_MESSAGE - MARK.len_utf8()).rev();
        message.truncate(ends.find(|end| message.is_char_boundary(*end)).unwrap_or_default());
        message.push(MARK);
    }
    message
}

/// Adds null for each root field whose resolver failed, because async-graphql leaves out such a
/// field. A client expects null, by the specification and from Commerce, where all fields are
/// nullable.
fn with_nulls(mut response: Response) -> Response {
    // If every field is skipped, async-graphql returns null instead of an empty object.
    if response.errors.is_empty() && response.data == Value::Null {
        response.data = Value::Object(Default::default());
    }
    for error in &response.errors {
        let [PathSegment::Field(name)] = error.path.as_slice() else { continue };
        if response.data == Value::Null {
            response.data = Value::Object(Default::default());
        }
        if let Value::Object(data) = &mut response.data {
            data.entry(Name::new(name)).or_insert(Value::Null);
        }
    }
    response
}
