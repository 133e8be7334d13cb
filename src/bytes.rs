//! Newtypes of bytes: digests, ids and versions.

/// The error of a text that is not a valid digest or id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a digest or an id must be 64 lower-case hexadecimal digits")]
#[non_exhaustive]
pub struct HexError;

/// Defines a newtype of a fixed number of bytes, which a backend stores in one column. `Debug`
/// shows the bytes as hexadecimal digits.
macro_rules! byte_newtype {
    ($(#[$attribute:meta])* $vis:vis struct $name:ident([u8; $length:literal]);) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Eq, Hash, PartialOrd, Ord)]
        $vis struct $name([u8; $length]);

        impl $name {
            /// Creates the value from the bytes of a backend's column.
            #[must_use]
            $vis const fn from_bytes(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }

            /// Returns the bytes for a backend's column.
            #[must_use]
            $vis const fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(f, concat!(stringify!($name), "({:x})"), ::base16ct::HexDisplay(&self.0))
            }
        }
    };
}

/// Implements the text form of a newtype of 32 bytes: 64 lower-case hexadecimal digits. Messages,
/// clients and documents use this form.
macro_rules! hex_text {
    ($name:ident) => {
        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::LowerHex::fmt(&::base16ct::HexDisplay(&self.0), f)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::bytes::HexError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::bytes::from_hex(text).map(Self)
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as ::serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(::serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use {byte_newtype, hex_text};

pub(crate) fn from_hex(text: &str) -> Result<[u8; 32], HexError> {
    let mut bytes = [0; 32];
    match base16ct::lower::decode(text, &mut bytes) {
        Ok(decoded) if decoded.len() == 32 => Ok(bytes),
        _ => Err(HexError),
    }
}
