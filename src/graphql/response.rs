use std::{any::Any, mem, sync::Arc};

use async_graphql::{Name, PathSegment, Response, ServerError, Value};

use super::error::{category, extensions};
use crate::{
    account::UpsertError,
    error::{Error, StoreError},
    http::log_fault,
};

/// Maximum length of a message of async-graphql in a response, in bytes. A longer message is cut.
const MAX_MESSAGE: usize = 512;
/// Maximum number of validation errors in a response.
const MAX_ERRORS: usize = 16;

/// Prepares a response for the client: adds categories, cuts messages and removes secret values.
pub(super) fn presentable(mut response: Response) -> Response {
    let errors = mem::take(&mut response.errors);
    let most = match errors.iter().all(|error| error.path.is_empty()) {
        true => MAX_ERRORS,
        // The request was executed, so each error explains why a field is null. No error is
        // removed.
        false => usize::MAX,
    };
    response.errors = errors.into_iter().take(most).map(categorised).map(bounded).collect();
    with_nulls(response)
}

/// Adds the category to an error of the crate that a resolver has returned with `?`.
fn categorised(mut told: ServerError) -> ServerError {
    if told.extensions.as_ref().is_some_and(|extensions| extensions.get("category").is_some()) {
        return told;
    }
    let Some(source) = told.source.take() else { return told };
    let is_an_error = source.is::<Error>();
    match cause(source) {
        Ok(cause) => {
            // The function `error` has not converted this error, so it has not been logged yet.
            log_fault(&cause);
            // The store's own message is only for the log, not for the client.
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

/// Returns the crate's error that caused a GraphQL error (its `source`). A [`StoreError`] becomes
/// [`Error::Unavailable`].
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

/// Shortens a message of async-graphql, because such a message repeats names and values of any
/// length.
fn bounded(mut told: ServerError) -> ServerError {
    if told.source.is_none() && category(&told).is_none() {
        told.message = shortened(without_value(told.message));
    }
    told
}

/// Removes the value of an argument from a message of async-graphql, because the client may have
/// sent a secret in the wrong argument. The patterns recognise two kinds of message: that for a
/// wrong value of an enum, and that of `InputValueError::expected_type`.
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

/// Adds null for each root field whose resolver has failed, because async-graphql leaves out such a
/// field. Clients expect null, because the specification demands it and Commerce returns it.
fn with_nulls(mut response: Response) -> Response {
    // If the request skips every field, async-graphql returns null instead of an empty object.
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
