use std::borrow::Cow;

use async_graphql::{
    Executor, Request, Response, Value as ConstValue,
    parser::types::{BaseType, DocumentOperations, ExecutableDocument, OperationType},
};

use super::{
    error::{Category, error, refusal},
    identity::Visit,
    reading::{TOO_MUCH, read},
    response::presentable,
    weight::{MAX_HEIGHT, Scales, length_of},
};
use crate::{
    error::{Error, TokenError},
    http::Caller,
};

/// Checks GraphQL requests before a schema validates and executes them. There are three checks:
///
/// 1. The bearer token. If the token is not valid, the whole request is refused, as in Commerce. If
///    the token belongs to a customer of another website than that of the request, the request
///    counts as anonymous.
/// 2. The size of the document: how many lexical tokens it has, and how deeply its brackets are
///    nested. The size is checked before the document is parsed.
/// 3. The amount of work that the document asks for. If a fragment is spread twice, its fields
///    count twice. All operations of the document count, also those that the request does not
///    execute.
///
/// | bound | value |
/// |---|---|
/// | nesting of `[`, `{` and `(` together | 64 |
/// | nesting of selection sets, through fragments | 64 |
/// | tokens | 20 for each of [`max_selections`](Self::max_selections) |
/// | length of a name | 100 bytes |
/// | length of all names | 16 KiB, or 32 bytes for each of [`max_selections`](Self::max_selections) if that is more |
/// | fields, inline fragments, spreads and arguments | [`max_selections`](Self::max_selections), 500 by default |
/// | arguments of one field or directive | 64 |
/// | fields that take a credential or send a mail, at any depth, in an operation | 3 |
/// | lists of the crate's own (`customerTokens`, `customerAssistance`), at any depth, in an operation | 3 |
/// | fields, inline fragments, spreads and arguments of these lists and in them, in an operation | 64 |
/// | length of all arguments, with the values of their variables | 64 KiB plus twice the length of the request |
/// | introspection: fields `__schema` and `__type` | 10 |
/// | introspection: `types`, `fields`, `interfaces`, `possibleTypes` and `inputFields` nested in each other | 2 |
/// | introspection: the same field in one selection set, also by fragments and aliases | once (`__typename`: 4) |
///
/// If a document has a field that takes a credential or sends a mail, the default values of the
/// document's variables must not be texts, lists or objects. Such a default value may be a secret,
/// and async-graphql would write it to its log.
#[derive(Clone, Debug)]
#[must_use]
pub struct Admission {
    costly_fields: Vec<Cow<'static, str>>,
    max_selections: usize,
}

impl Default for Admission {
    /// Returns an admission with the default limits: 500 selections, and in an operation at most
    /// three of the crate's own fields that take a credential or send a mail.
    fn default() -> Self {
        let own = [
            "generateCustomerToken",
            "exchangeOtpForCustomerToken",
            "requestPasswordResetEmail",
            "resetPassword",
            "changeCustomerPassword",
            "confirmEmail",
            "resendConfirmationEmail",
        ];
        Self { costly_fields: own.map(Cow::Borrowed).into(), max_selections: MAX_SELECTIONS }
    }
}

/// A request that has passed the checks of an [`Admission`] and may be executed.
#[derive(Debug)]
#[must_use]
pub struct Admitted {
    /// The request. Its data contains the caller.
    request: Request,
    is_mutation: bool,
}

impl Admitted {
    /// Executes the request, and prepares the response for the client.
    ///
    /// The method changes the response as follows, because a client must not see everything:
    ///
    /// - If a resolver has returned a [`StoreError`](crate::error::StoreError) or an [`Error`] with
    ///   `?`, the GraphQL error gets the category of that error. For a `StoreError`, the message is
    ///   that of [`Error::Unavailable`].
    /// - Messages of async-graphql are cut to 512 bytes, and values of arguments are removed from
    ///   them. If nothing was executed, the response has at most 16 errors.
    /// - If the resolver of a root field has failed, the field is null.
    pub async fn execute<E: Executor>(self, executor: &E) -> Response {
        presentable(executor.execute(self.request).await)
    }

    /// Returns the request, for a schema to execute. If possible, call [`execute`](Self::execute)
    /// instead, which also prepares the response for the client.
    #[must_use]
    pub fn into_request(self) -> Request {
        self.request
    }

    /// True if the requested operation is a mutation, which a GET must not execute.
    #[must_use]
    pub const fn is_mutation(&self) -> bool {
        self.is_mutation
    }
}

impl Admission {
    /// Adds names of the host's own fields to the costly fields, of which an operation can have at
    /// most three. A field is costly if it takes a credential, hashes a password or sends a mail,
    /// such as `createCustomerV2`. A field with such a name counts in every type of the schema.
    pub fn costly<F: Into<Cow<'static, str>>>(mut self, fields: impl IntoIterator<Item = F>) -> Self {
        self.costly_fields.extend(fields.into_iter().map(Into::into));
        self
    }

    /// Sets the maximum number of selections of a document: fields, inline fragments, spreads and
    /// arguments together. If a fragment is spread twice, its selections count twice. The default
    /// is 500. The largest introspection query of usual clients has about 300.
    ///
    /// # Security
    ///
    /// A thread validates all selections of a request without a pause. If the maximum is about
    /// 10,000, a request of one kilobyte can block a thread of the async runtime for a second or
    /// more.
    pub const fn max_selections(mut self, selections: usize) -> Self {
        self.max_selections = selections;
        self
    }

    /// Checks a request. If the request passes all checks, returns it with the caller in its data.
    ///
    /// # Errors
    ///
    /// If a check fails, the error is the response for the client. [`status`](super::status)
    /// returns the HTTP status for it: 401 if the token is not valid, and 503 if a storage backend
    /// request failed. If the document cannot be parsed or asks for too much, the host sends the
    /// response with status 400 instead.
    pub async fn admit(&self, mut request: Request, caller: Caller) -> Result<Admitted, Box<Response>> {
        let identity = match caller.identity().await {
            // A customer of another website counts as anonymous on this website.
            Err(Error::Token(TokenError::NotAuthorized)) => None,
            identity => identity.map_err(|refused| refusal(error(refused)))?,
        };
        let unread = |unread| Response::from_errors(vec![unread]);
        let mut document = read(&mut request, self.max_tokens(), self.max_names()).map_err(unread)?;
        self.judge(&document, &request).map_err(|refused| refusal(Category::Input.error(refused)))?;
        let named = request.operation_name.as_ref();
        let is_mutation = document.operations.iter().any(|(name, operation)| {
            let asked_for = named.is_none_or(|named| name.is_some_and(|name| name == named));
            asked_for && operation.node.ty == OperationType::Mutation
        });
        settle_defaults(&mut document, &mut request);
        request.set_parsed_query(document);
        Ok(Admitted { request: request.data(Visit { caller, identity }), is_mutation })
    }

    const fn max_tokens(&self) -> usize {
        self.max_selections.saturating_mul(TOKENS_A_SELECTION)
    }

    /// Maximum length of all names of a document together, in bytes.
    fn max_names(&self) -> usize {
        self.max_selections.saturating_mul(NAMES_A_SELECTION).max(FREE_NAMES)
    }

    /// Refuses a document that asks for too much, or that would reveal a secret in a log.
    fn judge(&self, document: &ExecutableDocument, request: &Request) -> Result<(), String> {
        let too_much = |bound: usize, of: &str| Err(format!("{TOO_MUCH}at most {bound} {of} are allowed."));
        let Ok(weight) = Scales::weigh(document, &request.variables, &self.costly_fields) else {
            return too_much(MAX_HEIGHT, "selection sets nested in each other");
        };
        if weight.costly > MAX_COSTLY {
            return Err("Too many fields that take a credential in one operation.".into());
        }
        if weight.own_lists > MAX_LISTS {
            return too_much(MAX_LISTS, "lists of tokens or assistance");
        }
        if weight.listed > MAX_LISTED {
            return too_much(MAX_LISTED, "fields, fragments and arguments in lists of tokens or assistance");
        }
        if weight.selections > self.max_selections {
            return too_much(self.max_selections, "fields, inline fragments, spreads and arguments");
        }
        if weight.widest > MAX_ARGUMENTS {
            return too_much(MAX_ARGUMENTS, "arguments of a field or a directive");
        }
        if weight.introspections > MAX_INTROSPECTIONS {
            return too_much(MAX_INTROSPECTIONS, "fields of introspection");
        }
        if weight.introspected > MAX_INTROSPECTED {
            return too_much(MAX_INTROSPECTED, "lists of introspection nested in each other");
        }
        if weight.introspects_twice {
            return Err(format!("{TOO_MUCH}a field of introspection is allowed once in a selection set."));
        }
        let request_length = request.query.len().saturating_add(length_of(&request.variables));
        let max_arguments = request_length.saturating_mul(2).saturating_add(FREE_ARGUMENTS);
        if weight.arguments > max_arguments {
            return too_much(max_arguments, "bytes of arguments, each use of a variable counted,");
        }
        if weight.costly > 0 && has_text_for_default(document) {
            return Err("An operation that takes a credential has no texts for default values.".into());
        }
        Ok(())
    }
}

/// Default of [`Admission::max_selections`].
const MAX_SELECTIONS: usize = 500;
/// Maximum number of lexical tokens for each selection that is allowed. Usual documents have two or
/// three tokens per selection, and documents with many arguments have ten.
const TOKENS_A_SELECTION: usize = 20;
/// Maximum length of all names for each selection that is allowed, in bytes. A selection has an
/// alias and a field name, or the name of an argument.
const NAMES_A_SELECTION: usize = 32;
/// Length of all names that is allowed in every document, in bytes. The introspection query of
/// graphql-js needs about 1 KiB. The length of names is limited because validation compares each
/// unknown name with all known names, to suggest similar ones.
const FREE_NAMES: usize = 16 * 1024;
/// Maximum number of arguments of one field or directive. If a field occurs twice in a document,
/// the validation compares each argument of the first occurrence with all arguments of the second
/// one. It repeats this for each selection set that contains both. So the work grows with the
/// square of the number of arguments.
const MAX_ARGUMENTS: usize = 64;
/// Maximum number of costly fields in an operation. A usual client does not need more than three
/// sign-ins in one request.
const MAX_COSTLY: usize = 3;
/// Maximum number of lists (`customerTokens`, `customerAssistance`) in an operation. For each list,
/// all entries are read from the store.
const MAX_LISTS: usize = 3;
/// Maximum number of selections in the lists `customerTokens` and `customerAssistance` of an
/// operation. For a page of 100 entries, each selection is executed 100 times. The two lists with
/// all their fields have 20 selections.
const MAX_LISTED: usize = 64;
/// Maximum number of introspection fields. Each may return the whole schema.
const MAX_INTROSPECTIONS: usize = 10;
/// Maximum nesting of lists in an introspection query. Each level multiplies the size of the
/// response. The introspection query of graphql-js has two levels.
const MAX_INTROSPECTED: usize = 2;
/// Length of all arguments that is allowed in every request, in bytes, even in a short one.
const FREE_ARGUMENTS: usize = 64 * 1024;

/// True if the default value of a variable is a text, a list or an object. Such a value may be a
/// secret, and async-graphql would write it to its log.
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

/// If a list variable has a default value, moves this value into the variables of the request.
/// Otherwise, if the type of the list is unknown, async-graphql 7.2 panics on the default value.
/// The type of the variable becomes non-null, because async-graphql treats a variable with a
/// default value as non-null.
fn settle_defaults(document: &mut ExecutableDocument, request: &mut Request) {
    let operations: Vec<_> = match &mut document.operations {
        DocumentOperations::Single(operation) => vec![(None, operation)],
        DocumentOperations::Multiple(operations) => {
            operations.iter_mut().map(|(name, operation)| (Some(name), operation)).collect()
        }
    };
    let is_alone = operations.len() == 1;
    for (name, operation) in operations {
        let is_run = match &request.operation_name {
            Some(named) => name.is_some_and(|name| name == named),
            None => is_alone,
        };
        for definition in &mut operation.node.variable_definitions {
            let definition = &mut definition.node;
            let ty = &mut definition.var_type.node;
            if !matches!(ty.base, BaseType::List(_)) {
                continue;
            }
            let Some(default) = definition.default_value.take() else { continue };
            ty.nullable = false;
            if is_run {
                request.variables.entry(definition.name.node.clone()).or_insert(default.node);
            }
        }
    }
}
