use serde::{Deserialize, Serialize, de::DeserializeOwned};
use time::OffsetDateTime;

use super::{Content, DocumentError, Write};
use crate::store::IndexEntry;

/// A type that is stored as a document: the JSON text `{"format":1,"document":{..}}`.
///
/// The types refuse unknown and missing fields, so a field is added or removed only with a new
/// format. During an upgrade, nodes of two releases can run at once. So a release that reads a new
/// format must be published before a release that writes this format.
pub(super) trait Stored: Serialize + DeserializeOwned {
    /// The format that the library writes. It is also the newest format that the library reads.
    const FORMAT: u32;
}

impl From<serde_json::Error> for DocumentError {
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed { line: error.line(), column: error.column() }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<T> {
    format: u32,
    document: T,
}

/// The envelope of a document without the content. This release can read the format number even if
/// it does not know the format of the content.
#[derive(Deserialize)]
struct Probe {
    format: u32,
}

pub(super) fn encode<T: Stored>(document: &T) -> Result<Vec<u8>, DocumentError> {
    let envelope = Envelope { format: T::FORMAT, document };
    serde_json::to_vec(&envelope).map_err(|_| DocumentError::Unencodable)
}

pub(super) fn decode<T: Stored>(bytes: &[u8]) -> Result<T, DocumentError> {
    let Probe { format } = serde_json::from_slice(bytes)?;
    if format > T::FORMAT {
        return Err(DocumentError::Newer { found: format, known: T::FORMAT });
    }
    let envelope: Envelope<T> = serde_json::from_slice(bytes)?;
    Ok(envelope.document)
}

/// Reads the document at this position in the documents of a transition.
pub(super) fn read<T: Stored>(documents: &[Option<&[u8]>], place: usize) -> Result<Option<T>, DocumentError> {
    documents.get(place).copied().flatten().map(decode).transpose()
}

/// Encodes a document that is in no index.
pub(super) fn content<T: Stored>(
    document: &T,
    keep_until: Option<OffsetDateTime>,
    expendable: bool,
) -> Result<Content, DocumentError> {
    Ok(Content { bytes: encode(document)?, keep_until, expendable, index: Vec::new() })
}

/// Encodes a document that even a full store must create. `index` has the entries of the document
/// in indexes.
pub(super) fn put<T: Stored>(
    document: &T,
    keep_until: Option<OffsetDateTime>,
    index: Vec<IndexEntry>,
) -> Result<Write, DocumentError> {
    Ok(Write::Put(Content { index, ..content(document, keep_until, false)? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Note {
        text: String,
    }

    impl Stored for Note {
        const FORMAT: u32 = 2;
    }

    #[test]
    fn a_document_is_text_and_comes_back() {
        let note = Note { text: "a\0\"b".into() };
        let bytes = encode(&note).unwrap();
        assert_eq!(std::str::from_utf8(&bytes), Ok(r#"{"format":2,"document":{"text":"a\u0000\"b"}}"#));
        assert_eq!(decode::<Note>(&bytes), Ok(note));
    }

    #[test]
    fn a_newer_format_is_told_from_a_malformed_document() {
        let read = |text: &str| decode::<Note>(text.as_bytes()).unwrap_err();
        let newer = r#"{"format":3,"document":{"words":[1]},"more":true}"#;
        assert_eq!(read(newer), DocumentError::Newer { found: 3, known: 2 });
        for malformed in [
            "",
            "{}",
            "null",
            r#"{"format":-1}"#,
            r#"{"format":2}"#,
            r#"{"format":2,"document":{"text":"a","more":1}}"#,
            r#"{"format":2,"document":{"text":"a"},"more":1}"#,
            r#"{"format":2,"document":{"text":"a"}} "#.trim_end_matches("} "),
        ] {
            assert!(matches!(read(malformed), DocumentError::Malformed { .. }), "{malformed}");
        }
    }

    #[test]
    fn an_error_repeats_nothing_of_the_document() {
        let error = decode::<Note>(br#"{"format":2,"document":{"text":["jane@example.com"]}}"#).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("jane"));
    }
}
