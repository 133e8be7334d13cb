use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::link;
use crate::{
    audit::AuditEvent,
    clock::micros,
    error::StoreError,
    keyring::{KeyId, Keyring},
    random::SecureRandom,
    token::Digest,
};

/// A record of the audit trail as a database keeps it.
///
/// Serialised by serde, so that a trail can be copied to where it is [verified](super::Verifier).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AuditRecord {
    /// Its place: 1, 2, 3 and so on, without a gap.
    pub position: u64,
    /// The event without what tells of a person, and the SHA-256 of that: JSON, byte for byte as it was signed.
    pub event: String,
    /// What tells of a person, and a random salt: JSON. None if there is nothing, or once it was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub personal: Option<String>,
    /// The key that signs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
    /// HMAC-SHA-256 of its place, its event and the link before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Digest>,
    /// That it was erased by somebody who has a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<Erasure>,
    /// What can be searched for.
    pub columns: RecordColumns,
}

/// Says that the personal part of a record was erased by somebody who has a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)] // Backends make it from their columns.
pub struct Erasure {
    /// The key that says so.
    pub key: KeyId,
    /// HMAC-SHA-256 of the record's place and link.
    pub mac: Digest,
}

/// The columns beside an event, for whoever searches. They say what the event says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordColumns {
    /// The event's own name.
    pub id: String,
    /// When, in microseconds since 1970.
    pub at: i64,
    /// What was done, or tried.
    pub action: String,
    /// How it went.
    pub outcome: String,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// `customer` or `admin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_kind: Option<String>,
    /// Whom it was done to, or for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_id: Option<String>,
    /// The admin user who acts for the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The account that was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// A record holds what no release has written: it was changed by another hand, or is damaged.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a record of the audit trail cannot be read")]
pub(crate) struct UnreadableRecord;

/// Where the event keeps the digest of its personal part.
const PERSONAL: &str = "personal";
/// Where the personal part keeps what its digest cannot be guessed back without.
const SALT: &str = "salt";

/// An event in two parts that has no place in the trail yet.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) event: String,
    pub(crate) personal: Option<String>,
    pub(crate) columns: RecordColumns,
}

impl Entry {
    pub(crate) fn of(event: &AuditEvent, random: &dyn SecureRandom) -> Result<Self, StoreError> {
        let mut personal = fields(event)?;
        let columns = RecordColumns::of(&personal).ok_or_else(unreadable)?;
        let mut bare = event.clone();
        bare.erase_personal();
        let mut open = fields(&bare)?;
        personal.retain(|name, _| !open.contains_key(name));
        if personal.is_empty() {
            return Ok(Self { event: Value::Object(open).to_string(), personal: None, columns });
        }
        let mut salt = [0; 16];
        random.fill(&mut salt).map_err(StoreError::new)?;
        personal.insert(SALT.into(), base16ct::lower::encode_string(&salt).into());
        let personal = Value::Object(personal).to_string();
        open.insert(PERSONAL.into(), Digest::of(personal.as_bytes()).to_string().into());
        Ok(Self { event: Value::Object(open).to_string(), personal: Some(personal), columns })
    }
}

impl RecordColumns {
    /// Taken from the event's serialised form, which names them.
    fn of(fields: &Map<String, Value>) -> Option<Self> {
        let word = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
        let at = OffsetDateTime::parse(fields.get("at")?.as_str()?, &Rfc3339).ok()?;
        let subject =
            fields.get("subject").and_then(Value::as_object).and_then(|subject| subject.iter().next());
        Some(Self {
            id: word("id")?,
            at: micros::from_time(at),
            action: word("action")?,
            outcome: word("outcome")?,
            why: word("why"),
            subject_kind: subject.map(|(kind, _)| kind.clone()),
            subject_id: subject.and_then(|(_, id)| id.as_str()).map(str::to_owned),
            actor: word("actor"),
            account: word("account"),
        })
    }
}

impl AuditRecord {
    /// The event, as far as it was not erased.
    ///
    /// # Errors
    ///
    /// When it was changed by another hand, or is damaged. That it can be read does not prove that it was not: see
    /// [`Verifier`](super::Verifier).
    pub fn read(&self) -> Result<AuditEvent, StoreError> {
        let parts = self.parts().ok_or_else(unreadable)?;
        serde_json::from_value(Value::Object(parts.whole)).map_err(|_| unreadable())
    }

    /// Whether it says everywhere the same, apart from what only its link can say.
    pub(super) fn agrees(&self) -> Option<Personal> {
        let Parts { whole, promised } = self.parts()?;
        if RecordColumns::of(&whole)? != self.columns {
            return None;
        }
        match (promised, &self.personal, self.erased) {
            (None, None, None) => Some(Personal::Whole),
            (Some(promised), Some(personal), None) if Digest::of(personal.as_bytes()) == promised => {
                Some(Personal::Whole)
            }
            (Some(_), None, erased) => Some(Personal::Gone(erased)),
            _ => None,
        }
    }

    fn parts(&self) -> Option<Parts> {
        let mut whole: Map<String, Value> = serde_json::from_str(&self.event).ok()?;
        let promised = match whole.remove(PERSONAL) {
            Some(promised) => Some(promised.as_str()?.parse().ok()?),
            None => None,
        };
        if let Some(personal) = &self.personal {
            whole.extend(serde_json::from_str::<Map<String, Value>>(personal).ok()?);
            whole.remove(SALT);
        }
        Some(Parts { whole, promised })
    }
}

/// A record's event put together again.
struct Parts {
    whole: Map<String, Value>,
    /// The digest of the personal part.
    promised: Option<Digest>,
}

/// What there is of the personal part of a record.
pub(super) enum Personal {
    /// All there ever was.
    Whole,
    Gone(Option<Erasure>),
}

/// What becomes of a record whose personal part is erased.
pub(crate) struct Erased {
    /// Another text of an event that was kept before there were two parts.
    pub(crate) event: Option<String>,
    /// Who says so, where the record is signed.
    pub(crate) erased: Option<Erasure>,
}

impl Erased {
    /// None if there is nothing to erase.
    pub(crate) fn of(record: &AuditRecord, keyring: Option<&Keyring>) -> Result<Option<Self>, StoreError> {
        if record.personal.is_some() {
            let erased = link::sign_erasure(keyring, record)?;
            return Ok(Some(Self { event: None, erased }));
        }
        if record.link.is_some() {
            return Ok(None);
        }
        let event = record.read()?;
        let mut bare = event.clone();
        bare.erase_personal();
        if bare == event {
            return Ok(None);
        }
        let event = Some(Value::Object(fields(&bare)?).to_string());
        Ok(Some(Self { event, erased: None }))
    }
}

fn fields(event: &AuditEvent) -> Result<Map<String, Value>, StoreError> {
    match serde_json::to_value(event) {
        Ok(Value::Object(fields)) => Ok(fields),
        _ => Err(unreadable()),
    }
}

fn unreadable() -> StoreError {
    StoreError::new(UnreadableRecord)
}
