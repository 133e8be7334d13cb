//! Documents of one partition, for the tests of the state machines.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};
use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};

use super::{
    Content, DocumentError, Transition, Write,
    factor::{EnrolmentId, FactorId},
};
use crate::{
    store::{Generation, GenerationId, IndexEntry, Key},
    token::{Digest, GrantId},
};

/// The documents of one partition as a store keeps them.
#[derive(Default)]
pub(crate) struct Kept(pub(crate) BTreeMap<Key, Content>);

impl Kept {
    pub(crate) fn run<T: Transition>(&mut self, transition: &T, now: OffsetDateTime) -> T::Answer {
        self.try_run(transition, now).unwrap()
    }

    pub(crate) fn try_run<T: Transition>(
        &mut self,
        transition: &T,
        now: OffsetDateTime,
    ) -> Result<T::Answer, DocumentError> {
        let keys = transition.keys();
        let documents: Vec<_> = keys.iter().map(|key| self.0.get(key).map(|own| &*own.bytes)).collect();
        let step = transition.apply(&documents, now)?;
        assert_eq!(step.writes.len(), keys.len());
        for (key, write) in keys.into_iter().zip(step.writes) {
            match write {
                Write::Keep => {}
                Write::Put(content) => {
                    assert!(!content.expendable && content.bytes.len() <= 64 * 1024);
                    self.0.insert(key, content);
                }
                Write::Delete => assert!(self.0.remove(&key).is_some()),
            }
        }
        Ok(step.answer)
    }

    pub(crate) fn sweep(&mut self, until: OffsetDateTime) {
        self.0.retain(|_, own| own.keep_until.is_none_or(|keep_until| until < keep_until));
    }

    pub(crate) fn texts(&self) -> Vec<String> {
        self.0.values().map(|own| String::from_utf8(own.bytes.clone()).unwrap()).collect()
    }

    pub(crate) fn only(&self) -> &Content {
        assert_eq!(self.0.len(), 1);
        self.0.values().next().unwrap()
    }

    pub(crate) fn entries(&self) -> Vec<&IndexEntry> {
        self.0.values().flat_map(|own| &own.index).collect()
    }
}

pub(crate) fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::seconds(1_764_000_000 + seconds)
}

pub(crate) fn digest(name: impl AsRef<str>) -> Digest {
    Digest::of(name.as_ref().as_bytes())
}

pub(crate) fn grant_id(name: impl AsRef<str>) -> GrantId {
    GrantId::of(name.as_ref().as_bytes())
}

pub(crate) fn enrolment_id(name: impl AsRef<str>) -> EnrolmentId {
    EnrolmentId::from_digest(digest(name))
}

pub(crate) fn factor_id(name: impl AsRef<str>) -> FactorId {
    enrolment_id(name).factor()
}

/// Returns the generation that a test calls by this number. Number 0 is the generation of a subject
/// whose tokens were never all revoked.
pub(crate) fn generation(number: u8) -> Generation {
    let id = |byte| GenerationId::from_bytes([byte; 16]);
    Generation { shop: id(1), subject: (number > 0).then(|| id(number)) }
}

/// Returns variants of a JSON text. In each variant, one field of one object is missing or added.
pub(crate) fn bent(text: &str) -> Vec<String> {
    fn go(value: &Value, found: &mut Vec<Value>) {
        match value {
            Value::Object(fields) => {
                let with = |change: &dyn Fn(&mut Map<String, Value>)| {
                    let mut fields = fields.clone();
                    change(&mut fields);
                    Value::Object(fields)
                };
                found.push(with(&|fields| drop(fields.insert("unknown".into(), Value::from(1)))));
                for (name, field) in fields {
                    found.push(with(&|fields| drop(fields.remove(name))));
                    let mut inner = Vec::new();
                    go(field, &mut inner);
                    found.extend(inner.into_iter().map(|inner| with(&|fields| fields[name] = inner.clone())));
                }
            }
            Value::Array(items) => {
                for (place, item) in items.iter().enumerate() {
                    let mut inner = Vec::new();
                    go(item, &mut inner);
                    found.extend(inner.into_iter().map(|inner| {
                        let mut items = items.clone();
                        items[place] = inner;
                        Value::Array(items)
                    }));
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    go(&serde_json::from_str(text).unwrap(), &mut found);
    found.iter().map(Value::to_string).collect()
}

/// Checks that a transition reads the given documents, which are JSON texts. Also checks that each
/// [`bent`] variant of a text and each newer format cause a typed error.
pub(crate) fn refuses_bent<T: Transition>(transition: &T, texts: &[&str], now: OffsetDateTime) {
    let read = |place: usize, bytes: &str| {
        let documents: Vec<_> = (0..texts.len())
            .map(|other| Some(if other == place { bytes } else { texts[other] }.as_bytes()))
            .collect();
        transition.apply(&documents, now).map(drop)
    };
    assert_eq!(transition.keys().len(), texts.len());
    for (place, text) in texts.iter().enumerate() {
        assert_eq!(read(place, text), Ok(()));
        let bent = bent(text);
        assert!(bent.len() > 4, "{bent:?}");
        for bent in bent {
            assert!(matches!(read(place, &bent), Err(DocumentError::Malformed { .. })), "{bent}");
        }
        let newer = r#"{"format":2,"document":{"other":[1]},"more":true}"#;
        assert_eq!(read(place, newer), Err(DocumentError::Newer { found: 2, known: 1 }));
    }
}

/// Generates random bytes, and the bytes of this text with some of them changed.
pub(crate) fn any_bytes(text: String) -> impl Strategy<Value = Vec<u8>> {
    let changes = vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    let changed = changes.prop_map(move |changes| {
        let mut bytes = text.clone().into_bytes();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        bytes
    });
    prop_oneof![vec(any::<u8>(), 0..200), changed]
}

/// Applies a transition to stored bytes. The transition must return an answer or an error for any
/// bytes, and must not panic.
pub(crate) fn survives<T: Transition>(transition: &T, bytes: &[u8], now: OffsetDateTime) {
    let documents = vec![Some(bytes); transition.keys().len()];
    let _ = transition.apply(&documents, now);
}
