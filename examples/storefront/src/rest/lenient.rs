//! Scalars as Commerce reads them from a JSON body: a number where a text is meant, and a text where another type is.

use serde::Deserialize;

/// A text. A number is taken as its digits.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Text {
    Text(String),
    Number(serde_json::Number),
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        match text {
            Text::Text(text) => text,
            Text::Number(number) => number.to_string(),
        }
    }
}

/// A whole number, or a text of its digits.
#[derive(Deserialize)]
#[serde(try_from = "Text")]
pub(super) struct Number(pub(super) i32);

impl TryFrom<Text> for Number {
    type Error = std::num::ParseIntError;

    fn try_from(text: Text) -> Result<Self, Self::Error> {
        String::from(text).trim_ascii().parse().map(Self)
    }
}

/// A truth value, or 1 or 0 for it, or a text of it.
#[derive(Deserialize)]
#[serde(try_from = "AnyFlag")]
pub(super) struct Flag(pub(super) bool);

#[derive(Deserialize)]
#[serde(untagged)]
enum AnyFlag {
    Flag(bool),
    Text(Text),
}

impl TryFrom<AnyFlag> for Flag {
    type Error = &'static str;

    fn try_from(flag: AnyFlag) -> Result<Self, Self::Error> {
        let text = match flag {
            AnyFlag::Flag(flag) => return Ok(Self(flag)),
            AnyFlag::Text(text) => String::from(text),
        };
        match text.as_str() {
            "1" | "true" => Ok(Self(true)),
            "0" | "false" | "" => Ok(Self(false)),
            _ => Err("neither true nor false"),
        }
    }
}
