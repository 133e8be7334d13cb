use std::{borrow::Cow, fmt};

use async_graphql::{InputType, InputValueError, InputValueResult, Value, registry::Registry};
use secrecy::{ExposeSecret, SecretString};

use crate::credential::Credential;

/// A `String` argument that contains a secret. The secret is wiped from memory when dropped, and
/// `Debug` does not show it. Also mark the argument with `#[graphql(secret)]`, so that
/// async-graphql's log of the query does not show the secret.
#[derive(Clone)]
pub(super) struct SecretArgument(SecretString);

impl SecretArgument {
    pub(super) fn is_blank(&self) -> bool {
        self.0.expose_secret().trim().is_empty()
    }
}

impl From<SecretArgument> for Credential {
    fn from(argument: SecretArgument) -> Self {
        Self::from(argument.0.expose_secret())
    }
}

impl fmt::Debug for SecretArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretArgument(..)")
    }
}

/// Appears as a `String` in the schema.
impl InputType for SecretArgument {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        String::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <String as InputType>::create_type_info(registry)
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        match value {
            Some(Value::String(text)) => Ok(Self(SecretString::from(text))),
            // The error does not show the value, because the client may have sent a secret that is
            // not a text, such as a number.
            _ => Err(InputValueError::custom("A string is expected.")),
        }
    }

    /// Never returns the secret. async-graphql calls this method only for default values, and a
    /// secret argument has none.
    fn to_value(&self) -> Value {
        Value::Null
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}
