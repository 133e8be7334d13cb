use std::{fmt, mem};

use http::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::RestError;
use crate::{credential::Credential, http::trimmed};

/// The fields of a request body, under the names that the client sent. A route takes the fields
/// that it knows and ignores the others.
///
/// The fields are read as Commerce's `ServiceInputProcessor` reads them:
///
/// - A field has two names: `websiteId` is also `website_id`. If the route takes a field, the
///   client must not send the field twice, under one name or under both. A client can repeat a
///   field that the route ignores.
/// - A number is accepted as a text, and a text of digits as a number. Other types are not
///   converted.
/// - `null` counts as missing.
///
/// All values are wiped from memory when dropped, because a client may send a secret in any field
/// by mistake.
#[derive(Default)]
pub(super) struct Fields(Vec<(String, Scalar)>);

impl Fields {
    /// Takes a text without changing it. A missing field counts as an empty text.
    pub(super) fn text(&mut self, field: &'static str) -> Result<Given, RestError> {
        Given::of(field, self.take(field)?)
    }

    /// Takes a text that is required but may be empty.
    pub(super) fn given(&mut self, field: &'static str) -> Result<Given, RestError> {
        match self.take(field)? {
            Scalar::Null => Err(RestError::required(&[field])),
            value => Given::of(field, value),
        }
    }

    /// Takes an e-mail address or a user name, without the white space and invisible characters
    /// before and after it.
    pub(super) fn name(&mut self, field: &'static str) -> Result<Given, RestError> {
        let given = self.text(field)?;
        Ok(Given { text: trimmed(given.as_str()).into(), ..given })
    }

    /// Takes a second-factor code. JSON numbers have no leading zeros, so the number `12345`
    /// becomes the code `012345`. A text such as `"12345"` stays as it is.
    pub(super) fn code(&mut self, field: &'static str) -> Result<Given, RestError> {
        let value = match self.take(field)? {
            Scalar::Number(number) => Scalar::Text(format!("{:0>6}", number.expose_secret()).into()),
            value => value,
        };
        Given::of(field, value)
    }

    /// Takes a whole number from 0. Returns `None` if the field is missing.
    pub(super) fn number(&mut self, field: &'static str) -> Result<Option<u32>, RestError> {
        match self.take(field)? {
            Scalar::Null => Ok(None),
            Scalar::Text(text) | Scalar::Number(text) => {
                let number = trimmed(text.expose_secret()).parse();
                number.map(Some).map_err(|_| wrong_type(field, "int"))
            }
            Scalar::Other => Err(wrong_type(field, "int")),
        }
    }

    fn take(&mut self, field: &'static str) -> Result<Scalar, RestError> {
        let mut named = self.0.iter_mut().filter(|(name, _)| names(name, field));
        let value = named.next().map_or(Scalar::Null, |(_, value)| mem::replace(value, Scalar::Null));
        if named.next().is_some() {
            let message = r#""%fieldName" is given more than once."#;
            return Err(RestError::new(StatusCode::BAD_REQUEST, message).with("fieldName", field));
        }
        Ok(value)
    }
}

/// True if `name` is the field's name or its snake_case form.
fn names(name: &str, field: &str) -> bool {
    let mut rest = name.chars();
    let is_snake_case = field.chars().all(|char| match char.is_ascii_uppercase() {
        true => rest.next() == Some('_') && rest.next() == Some(char.to_ascii_lowercase()),
        false => rest.next() == Some(char),
    });
    name == field || is_snake_case && rest.next().is_none()
}

/// Creates the error for a value of the wrong type. The error names the field but not the value,
/// which may be a secret.
fn wrong_type(field: &'static str, expected: &'static str) -> RestError {
    RestError::new(StatusCode::BAD_REQUEST, r#"Invalid type for "%fieldName". Expected type: "%type"."#)
        .with("fieldName", field)
        .with("type", expected)
}

/// The value of a field that a route took from the body. The value may be empty.
pub(super) struct Given {
    field: &'static str,
    text: SecretString,
}

impl Given {
    fn of(field: &'static str, value: Scalar) -> Result<Self, RestError> {
        match value {
            Scalar::Null => Ok(Self { field, text: "".into() }),
            Scalar::Text(text) | Scalar::Number(text) => Ok(Self { field, text }),
            Scalar::Other => Err(wrong_type(field, "string")),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        self.text.expose_secret()
    }
}

impl From<Given> for Credential {
    fn from(given: Given) -> Self {
        Self::from(given.as_str())
    }
}

/// Refuses empty values. The error names the fields of all empty values.
pub(super) fn require(given: &[&Given]) -> Result<(), RestError> {
    let empty = given.iter().filter(|given| given.as_str().is_empty());
    let missing: Vec<&str> = empty.map(|given| given.field).collect();
    if missing.is_empty() { Ok(()) } else { Err(RestError::required(&missing)) }
}

enum Scalar {
    Null,
    Text(SecretString),
    /// A number in decimal notation.
    Number(SecretString),
    /// A boolean, a list, an object, or a number whose value cannot be written exactly as a text.
    Other,
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar::Text(text.into()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
                Ok(Scalar::Number(number.to_string().into()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
                Ok(Scalar::Number(number.to_string().into()))
            }

            /// From 10^15 on, the text of a float can differ from the number in the body.
            fn visit_f64<E>(self, number: f64) -> Result<Scalar, E> {
                Ok(match number.abs() < 1e15 {
                    true => Scalar::Number(number.to_string().into()),
                    false => Scalar::Other,
                })
            }

            fn visit_bool<E>(self, _: bool) -> Result<Scalar, E> {
                Ok(Scalar::Other)
            }

            fn visit_unit<E>(self) -> Result<Scalar, E> {
                Ok(Scalar::Null)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Scalar, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Scalar, A::Error> {
                while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other)
            }
        }

        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_has_two_names() {
        for (name, field, expected) in [
            ("websiteId", "websiteId", true),
            ("website_id", "websiteId", true),
            ("tfa_token", "tfaToken", true),
            ("otp", "otp", true),
            ("websiteid", "websiteId", false),
            ("website_Id", "websiteId", false),
            ("website_", "websiteId", false),
            ("website_id_", "websiteId", false),
            ("WebsiteId", "websiteId", false),
            ("", "websiteId", false),
        ] {
            assert_eq!(names(name, field), expected, "{name}");
        }
    }

    #[test]
    fn a_number_stands_for_its_text() {
        for (number, text) in [
            ("0", "0"),
            ("18446744073709551615", "18446744073709551615"),
            ("-5", "-5"),
            ("1.50", "1.5"),
            ("1e3", "1000"),
            ("7.0", "7"),
        ] {
            let mut fields: Fields = serde_json::from_str(&format!(r#"{{"a": {number}}}"#)).unwrap();
            assert_eq!(fields.text("a").unwrap().as_str(), text);
        }
        for number in ["18446744073709551616", "1e15", "-1e300"] {
            let mut fields: Fields = serde_json::from_str(&format!(r#"{{"a": {number}}}"#)).unwrap();
            assert!(fields.text("a").is_err(), "{number}");
        }
    }
}
