use std::{borrow::Cow, collections::HashMap};

use async_graphql::{
    Name, Positioned, Request, Response, Value as ConstValue,
    parser::types::{ExecutableDocument, FragmentDefinition, OperationType, Selection, SelectionSet},
};

use super::{
    error::{Category, error, refusal},
    identity::Visit,
};
use crate::{error::Error, http::Caller};

/// The way into a schema: what is checked before anything of a request runs.
///
/// The bearer token, which if it is none that is live refuses the whole request, as in Commerce; that the document can be
/// parsed; that no operation asks for more than a few of those fields that cost a password hash or a mail; and that none of
/// those that do has a text for a variable's default value, which async-graphql would log.
#[derive(Clone, Debug)]
#[must_use]
pub struct Admission {
    costly_fields: Vec<Cow<'static, str>>,
}

impl Default for Admission {
    /// At most three of the crate's own fields that take a credential.
    fn default() -> Self {
        let own = [
            "generateCustomerToken",
            "exchangeOtpForCustomerToken",
            "requestPasswordResetEmail",
            "resetPassword",
            "changeCustomerPassword",
        ];
        Self { costly_fields: own.map(Cow::Borrowed).into() }
    }
}

/// A request that may run.
#[derive(Debug)]
#[must_use]
pub struct Admitted {
    /// The request, with who calls in its data.
    request: Request,
    is_mutation: bool,
    sets_password: bool,
}

impl Admitted {
    /// The request, for the schema to execute.
    #[must_use]
    pub fn into_request(self) -> Request {
        self.request
    }

    /// Whether the operation that is asked for is a mutation, which a GET must not run.
    #[must_use]
    pub const fn is_mutation(&self) -> bool {
        self.is_mutation
    }

    /// Whether the document sets a password. Run it to its end even if the client goes away, in a task of its own: a
    /// change that stops midway may leave earlier tokens alive.
    #[must_use]
    pub const fn sets_password(&self) -> bool {
        self.sets_password
    }
}

impl Admission {
    /// Fields of the host's own that take a credential, hash a password or send a mail, such as `createCustomerV2`: they
    /// count as the crate's own do.
    pub fn costly<F: Into<Cow<'static, str>>>(mut self, fields: impl IntoIterator<Item = F>) -> Self {
        self.costly_fields.extend(fields.into_iter().map(Into::into));
        self
    }

    /// Admits a request.
    ///
    /// # Errors
    ///
    /// The response to give instead, and its [status](super::status): 401 for a token that is not live, 503 where the store is
    /// down; for a document that cannot be parsed or asks for too much the caller answers 400.
    pub async fn admit(&self, mut request: Request, caller: Caller) -> Result<Admitted, Box<Response>> {
        let identity = match caller.identity().await {
            // Somebody of another website is a guest here.
            Err(Error::NotAuthorized) => None,
            identity => identity.map_err(|refused| refusal(error(refused)))?,
        };
        let named = request.operation_name.clone();
        let document = request.parsed_query().map_err(|unread| Response::from_errors(vec![unread]))?;
        let most = |fields: &[_]| Asked { fields, fragments: &document.fragments }.most(document);
        if most(&self.costly_fields) > MOST_COSTLY {
            let message = "Too many fields that take a credential in one operation.";
            return Err(refusal(Category::Input.error(message)).into());
        }
        if most(&self.costly_fields) > 0 && has_text_for_default(document) {
            let message = "An operation that takes a credential has no texts for default values.";
            return Err(refusal(Category::Input.error(message)).into());
        }
        let sets_password = most(&["resetPassword", "changeCustomerPassword"].map(Cow::Borrowed)) > 0;
        let is_mutation = document.operations.iter().any(|(name, operation)| {
            let asked_for = named.as_ref().is_none_or(|named| name.is_some_and(|name| name == named));
            asked_for && operation.node.ty == OperationType::Mutation
        });
        Ok(Admitted { request: request.data(Visit { caller, identity }), is_mutation, sets_password })
    }
}

/// Whether a variable has a text for its default, which may be a secret: async-graphql's log would show it.
fn has_text_for_default(document: &ExecutableDocument) -> bool {
    let operations = document.operations.iter();
    let mut variables = operations.flat_map(|(_, operation)| &operation.node.variable_definitions);
    variables.any(|variable| match &variable.node.default_value {
        Some(default) => matches!(
            default.node,
            ConstValue::String(_) | ConstValue::Binary(_) | ConstValue::List(_) | ConstValue::Object(_)
        ),
        None => false,
    })
}

/// So many costly fields an operation may ask for: no client signs in more often at once.
const MOST_COSTLY: usize = 3;
/// Deepest nesting of fragments that is followed.
const MAX_DEPTH: usize = 32;

/// Counts fields of operations' roots, through fragments, whatever their aliases.
struct Asked<'a> {
    fields: &'a [Cow<'static, str>],
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
}

impl<'a> Asked<'a> {
    /// How many the operation that asks for most of them does.
    fn most(&self, document: &'a ExecutableDocument) -> usize {
        let mut counted = HashMap::new();
        let operations = document.operations.iter();
        let counts = operations
            .map(|(_, operation)| self.count(&operation.node.selection_set.node, MAX_DEPTH, &mut counted));
        counts.max().unwrap_or_default()
    }

    /// Each fragment is counted once, since fragments that spread fragments multiply. One that spreads itself counts as
    /// none: the schema refuses it. What is nested too deeply counts as too much.
    fn count(
        &self,
        selected: &'a SelectionSet,
        depth: usize,
        counted: &mut HashMap<&'a str, usize>,
    ) -> usize {
        let Some(depth) = depth.checked_sub(1) else { return usize::MAX };
        let counts = selected.items.iter().map(|selection| match &selection.node {
            Selection::Field(field) => {
                usize::from(self.fields.iter().any(|name| *name == field.node.name.node.as_str()))
            }
            Selection::InlineFragment(fragment) => {
                self.count(&fragment.node.selection_set.node, depth, counted)
            }
            Selection::FragmentSpread(spread) => {
                let name = spread.node.fragment_name.node.as_str();
                if let Some(count) = counted.get(name) {
                    return *count;
                }
                counted.insert(name, 0);
                let count = self
                    .fragments
                    .get(name)
                    .map_or(0, |fragment| self.count(&fragment.node.selection_set.node, depth, counted));
                counted.insert(name, count);
                count
            }
        });
        counts.fold(0, usize::saturating_add)
    }
}
