use std::{any::Any, mem, sync::Arc};

use async_graphql::{Name, PathSegment, Response, ServerError, Value};

use super::error::{category, extensions};
use crate::{
    account::UpsertError,
    error::{Error, StoreError},
    http::log_fault,
};

/// Longest message of async-graphql's own that is passed on, in bytes.
const MAX_MESSAGE: usize = 512;
/// Maximum number of validation errors that are passed on.
const MAX_ERRORS: usize = 16;

/// Returns a response as a client may see it.
pub(super) fn presentable(mut response: Response) -> Response {
    let errors = mem::take(&mut response.errors);
    let most = match errors.iter().all(|error| error.path.is_empty()) {
        true => MAX_ERRORS,
        // Each says why a field is null.
        false => usize::MAX,
    };
    response.errors = errors.into_iter().take(most).map(categorised).map(bounded).collect();
    with_nulls(response)
}

/// Gives an error of the crate's its category, where a resolver passed it on by `?` alone.
fn categorised(mut told: ServerError) -> ServerError {
    if told.extensions.as_ref().is_some_and(|extensions| extensions.get("category").is_some()) {
        return told;
    }
    let Some(source) = told.source.take() else { return told };
    let is_an_error = source.is::<Error>();
    match cause(source) {
        Ok(cause) => {
            // `error` would have logged it.
            log_fault(&cause);
            // A store's own message is for a log.
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

/// The crate's error that a source is, or that a store's failure stands for.
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

/// Cuts what async-graphql says of a request: it repeats names and values of any length.
fn bounded(mut told: ServerError) -> ServerError {
    if told.source.is_none() && category(&told).is_none() {
        told.message = shortened(without_value(told.message));
    }
    told
}

/// async-graphql's `InputValueError::expected_type` repeats the value, which may be a secret in the wrong place.
fn without_value(message: String) -> String {
    match message.split_once(", found ") {
        Some((expected, _)) if message.starts_with("Expected input type \"") => format!("{expected}."),
        _ => message,
    }
}

/// The beginning of a message.
pub(super) fn shortened(mut message: String) -> String {
    const MARK: char = '…';
    if message.len() > MAX_MESSAGE {
        let mut ends = (0..=MAX_MESSAGE - MARK.len_utf8()).rev();
        message.truncate(ends.find(|end| message.is_char_boundary(*end)).unwrap_or_default());
        message.push(MARK);
    }
    message
}

/// async-graphql leaves a field out whose resolver failed. To a client it is null, by the specification and in Commerce,
/// whose fields are all nullable.
fn with_nulls(mut response: Response) -> Response {
    // Where every field is skipped, async-graphql has null for the empty object.
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
