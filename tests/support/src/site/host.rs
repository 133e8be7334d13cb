//! A host's own fields: arguments of every type, errors that it passes on by `?`, and the crate's
//! mutations below a field.

use std::io;

use async_graphql::{Enum, ID, InputObject, Object, Result};
use commerce_auth::{
    Error,
    error::{StoreError, TokenError},
    graphql::CustomerTokenMutation,
};

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
enum Colour {
    Red,
}

#[derive(InputObject)]
struct EchoInput {
    name: String,
}

/// Returns a driver's error, with details that no client may get.
fn row() -> Result<String, StoreError> {
    Err(StoreError::new(io::Error::other("Canary: the table of orders is locked")))
}

#[derive(Default)]
pub struct HostQuery;

#[Object]
impl HostQuery {
    #[allow(clippy::too_many_arguments)]
    async fn echo(
        &self,
        text: Option<String>,
        number: Option<i32>,
        fraction: Option<f64>,
        flag: Option<bool>,
        id: Option<ID>,
        colour: Option<Colour>,
        list: Option<Vec<i32>>,
        input: Option<EchoInput>,
    ) -> Option<String> {
        let given = [text.is_some(), number.is_some(), fraction.is_some(), flag.is_some(), id.is_some()];
        let more = [colour.is_some(), list.is_some(), input.is_some_and(|input| !input.name.is_empty())];
        Some(format!("{given:?} {more:?}"))
    }

    /// Reads a row by `?`.
    async fn row(&self) -> Result<Option<String>> {
        Ok(Some(row()?))
    }

    /// As above, below an object.
    async fn shelf(&self) -> Option<Shelf> {
        Some(Shelf)
    }

    /// Calls a flow of the crate by `?`.
    async fn busy(&self) -> Result<Option<String>> {
        Err(Error::Overloaded)?
    }

    async fn refused(&self) -> Result<Option<String>> {
        Err(Error::Token(TokenError::NotAuthorized))?
    }

    /// Returns an error in the host's own words.
    async fn own(&self) -> Result<Option<String>> {
        Err("The shop is closed on Sundays.")?
    }
}

struct Shelf;

#[Object]
impl Shelf {
    async fn label(&self) -> &str {
        "Gloves"
    }

    async fn row(&self) -> Result<Option<String>> {
        Ok(Some(row()?))
    }
}

#[derive(Default)]
pub struct HostMutation;

#[Object]
impl HostMutation {
    /// The crate's mutations below a field, as some hosts group them.
    async fn auth(&self) -> CustomerTokenMutation {
        CustomerTokenMutation
    }
}
