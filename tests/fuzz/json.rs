//! JSON as text. A map of JSON values could not contain a duplicate key, a malformed number or
//! great depth.

use bolero::TypeGenerator;

use crate::text::{Depth, Secret, Text, pick};

/// A value of any type.
#[derive(Clone, Debug, TypeGenerator)]
pub enum Json {
    Secret(Secret),
    Text(Text),
    Null,
    Bool(bool),
    Int(i64),
    /// A number that no type of the crate can hold.
    Odd(u8),
    List(Vec<Text>),
    Object(Vec<(Text, Secret)>),
    Nested(Depth, bool),
}

const ODD_NUMBERS: [&str; 7] = ["1e400", "-0", "0.1", "18446744073709551616", "1E5", "01", "NaN"];

impl Json {
    pub fn text(&self) -> String {
        match self {
            Self::Secret(secret) => quoted(&secret.text()),
            Self::Text(text) => quoted(&text.text()),
            Self::Null => "null".into(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Odd(number) => pick(&ODD_NUMBERS, *number).to_owned(),
            Self::List(texts) => {
                let items: Vec<_> = texts.iter().map(|text| quoted(&text.text())).collect();
                format!("[{}]", items.join(","))
            }
            Self::Object(fields) => {
                object(fields.iter().map(|(key, value)| (key.text(), quoted(&value.text()))))
            }
            Self::Nested(depth, true) => nested(depth.levels(), "{\"a\":", "}"),
            Self::Nested(depth, false) => nested(depth.levels(), "[", "]"),
        }
    }
}

pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Returns an object with these keys and with values that are JSON already.
pub fn object(fields: impl Iterator<Item = (String, String)>) -> String {
    let fields: Vec<_> = fields.map(|(key, value)| format!("{}:{value}", quoted(&key))).collect();
    format!("{{{}}}", fields.join(","))
}

fn nested(levels: usize, open: &str, close: &str) -> String {
    format!("{}null{}", open.repeat(levels), close.repeat(levels))
}
