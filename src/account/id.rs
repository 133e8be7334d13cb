use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text is not a valid account id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an account id must be 1 to {} bytes of text without control characters", AccountId::MAX_BYTES)]
#[non_exhaustive]
pub struct IdError;

/// The id of an account. It is an integer, a UUID or a text, because hosts use any of them in their
/// tables.
///
/// In memory, an integer or a UUID is only a compact form of its text. Two ids are equal if their
/// texts are equal, however the ids were created. So if a host stores an id in a text column and
/// reads it again, the result equals the original id.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum AccountId {
    Int(i64),
    /// The high and the low half of the UUID. A byte array would not be aligned, so every copy of
    /// an id would be slow.
    Uuid(u64, u64),
    Text(Arc<str>),
}

impl AccountId {
    const MAX_BYTES: usize = 128;

    fn parse(text: &str) -> Result<Self, IdError> {
        if text.is_empty() || text.len() > Self::MAX_BYTES || text.chars().any(char::is_control) {
            return Err(IdError);
        }
        if let Ok(int) = text.parse::<i64>()
            && int.to_string() == text
        {
            return Ok(Self::Int(int));
        }
        if let Ok(uuid) = Uuid::try_parse(text)
            && uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text
        {
            return Ok(Self::from(uuid));
        }
        Ok(Self::Text(text.into()))
    }
}

impl From<Uuid> for AccountId {
    fn from(uuid: Uuid) -> Self {
        let (high, low) = uuid.as_u64_pair();
        Self::Uuid(high, low)
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(int) => fmt::Display::fmt(int, f),
            Self::Uuid(high, low) => fmt::Display::fmt(&Uuid::from_u64_pair(*high, *low), f),
            Self::Text(text) => fmt::Display::fmt(text, f),
        }
    }
}

macro_rules! account_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// An id is created from an integer, a UUID or a text of 1 to 128 bytes without control
        /// characters. Two ids are equal if their texts are equal, however the ids were created.
        ///
        /// ```
        #[doc = concat!("use commerce_auth::", stringify!($name), ";")]
        ///
        #[doc = concat!("let id = ", stringify!($name), "::from(42);")]
        /// assert_eq!(id, "42".parse()?);
        /// assert_eq!(id.as_int(), Some(42));
        /// assert_eq!(id.to_string(), "42");
        /// # Ok::<(), commerce_auth::account::IdError>(())
        /// ```
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(AccountId);

        impl $name {
            /// Returns the id without the kind of its account.
            pub(crate) const fn form(&self) -> &AccountId {
                &self.0
            }

            /// Returns the id as an integer, if it is a signed 64-bit integer or the decimal text
            /// of one.
            #[must_use]
            pub fn as_int(&self) -> Option<i64> {
                match self.0 {
                    AccountId::Int(int) => Some(int),
                    _ => None,
                }
            }

            /// Returns the id as a UUID, if it is a UUID or the canonical text of one.
            #[must_use]
            pub fn as_uuid(&self) -> Option<Uuid> {
                match self.0 {
                    AccountId::Uuid(high, low) => Some(Uuid::from_u64_pair(high, low)),
                    _ => None,
                }
            }
        }

        impl From<AccountId> for $name {
            fn from(id: AccountId) -> Self {
                Self(id)
            }
        }

        impl From<i64> for $name {
            fn from(int: i64) -> Self {
                Self(AccountId::Int(int))
            }
        }

        impl From<i32> for $name {
            fn from(int: i32) -> Self {
                Self(AccountId::Int(int.into()))
            }
        }

        impl From<u32> for $name {
            fn from(int: u32) -> Self {
                Self(AccountId::Int(int.into()))
            }
        }

        impl From<u64> for $name {
            fn from(int: u64) -> Self {
                Self(i64::try_from(int).map_or_else(|_| AccountId::Text(int.to_string().into()), AccountId::Int))
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(AccountId::from(uuid))
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                AccountId::parse(text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

account_id! {
    /// The id of a customer account in the host's table. The host must never change it, and never
    /// give it to another customer.
    CustomerId
}
account_id! {
    /// The id of an admin user in the host's table. The host must never change it, and never give
    /// it to another admin user.
    AdminId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_equal_ids() {
        let uuid = Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        assert_eq!(uuid.to_string().parse::<CustomerId>().unwrap(), CustomerId::from(uuid));
        assert_eq!("-7".parse::<CustomerId>().unwrap(), CustomerId::from(-7));
        for int in [0, 7, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX] {
            assert_eq!(int.to_string().parse::<CustomerId>().unwrap(), CustomerId::from(int));
        }
        for text in ["007", "+7", "7 ", "0123456789ABCDEF0123456789ABCDEF", "customer:7", "ключ"] {
            let id: CustomerId = text.parse().unwrap();
            assert_eq!((id.as_int(), id.as_uuid()), (None, None));
            assert_eq!(id.to_string(), text);
        }
    }

    #[test]
    fn texts_are_bounded() {
        for text in ["", "a\0b", "a\nb", &"x".repeat(129)] {
            assert_eq!(text.parse::<AdminId>(), Err(IdError));
        }
        assert!("x".repeat(128).parse::<AdminId>().is_ok());
    }
}
