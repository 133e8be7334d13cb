use std::{borrow::Cow, fmt};

use async_graphql::{InputType, InputValueError, InputValueResult, Value, registry::Registry};
use secrecy::{ExposeSecret, SecretString};

use crate::credential::Credential;

/// A `String` argument that is a secret: wiped from memory when dropped, and never shown. Mark the argument
/// `#[graphql(secret)]` besides, which keeps it out of async-graphql's own log of the query.
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

/// To clients it is a `String`.
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
            // Without the value, which may be a secret of another type.
            _ => Err(InputValueError::custom("A string is expected.")),
        }
    }

    /// Never the secret: this is for default values, of which there are none.
    fn to_value(&self) -> Value {
        Value::Null
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}
