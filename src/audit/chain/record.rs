use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    audit::{AuditEvent, Outcome, event::PersonalData},
    clock::micros,
    error::StoreError,
    keyring::KeyId,
    random::SecureRandom,
    token::{Digest, Subject},
};

/// A record of the audit trail in the form in which a database stores the record.
///
/// Records implement serde's traits, so that you can copy a trail and [verify](super::Verifier) it
/// on another machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AuditRecord {
    /// The position of the record: 1, 2, 3 and so on, without a gap.
    pub position: u64,
    /// The public part, as JSON: the event without personal data, and the SHA-256 of the personal
    /// part. These bytes were signed.
    pub event: String,
    /// The personal part with a random salt, as JSON. None if the event has no personal part, or if
    /// the personal part was erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub personal: Option<String>,
    /// The id of the secret key that signed the record. None if the record is not signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
    /// The signature: HMAC-SHA-256 of the record's position, the public part, and the link of the
    /// previous record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Digest>,
    /// The proof that the personal part was erased by a holder of a secret key. None if there is no
    /// such proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased: Option<Erasure>,
    /// The values of some fields of the event, in columns by which an operator can search.
    pub columns: RecordColumns,
}

/// The proof that the personal part of a record was erased by a holder of a secret key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs)] // Backends make it from their columns.
pub struct Erasure {
    /// The id of the secret key that signed the erasure.
    pub key: KeyId,
    /// HMAC-SHA-256 of the record's position and link.
    pub mac: Digest,
}

/// The searchable columns of a record. They have the values of some fields of the event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordColumns {
    /// The id of the event.
    pub id: String,
    /// The time of the event, in microseconds since 1970.
    pub at: i64,
    /// The word for the action that was done or tried.
    pub action: String,
    /// The outcome of the action.
    pub outcome: String,
    /// The reason for a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The kind of the account that the action concerns: `customer` or `admin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_kind: Option<String>,
    /// The id of the customer or admin user that the action concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_id: Option<String>,
    /// The admin user who acts for the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The account key of the name that the caller presented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

/// The error if a stored record cannot be read. No release of this crate writes such content, so
/// somebody has changed the record, or the record is damaged.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a record of the audit trail cannot be read")]
pub(crate) struct UnreadableRecord;

/// The field of the public part that holds the digest of the personal part.
const PERSONAL: &str = "personal";
/// The field of the personal part that holds the salt.
const SALT: &str = "salt";

/// The public part of a record, which is signed: an event without personal data.
#[derive(Serialize)]
struct PublicPart<'a> {
    #[serde(flatten)]
    event: &'a AuditEvent,
    /// The SHA-256 of the personal part.
    #[serde(skip_serializing_if = "Option::is_none")]
    personal: Option<Digest>,
}

/// The personal part of a record, which can be erased.
#[derive(Serialize)]
struct PersonalPart {
    #[serde(flatten)]
    data: PersonalData,
    /// A random text (salt). Because of the salt, nobody can guess the personal data, compute the
    /// digest and compare it with the stored digest.
    salt: String,
}

/// The two parts of a new record, which has no position in the trail yet.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) event: String,
    pub(crate) personal: Option<String>,
    pub(crate) columns: RecordColumns,
}

impl Entry {
    pub(crate) fn of(event: &AuditEvent, random: &dyn SecureRandom) -> Result<Self, StoreError> {
        let columns = RecordColumns::of(event)?;
        let mut event = event.clone();
        let personal = match event.take_personal() {
            Some(data) => {
                let mut salt = [0; 16];
                random.fill(&mut salt).map_err(StoreError::new)?;
                let salt = base16ct::lower::encode_string(&salt);
                Some(json(&PersonalPart { data, salt })?.to_string())
            }
            None => None,
        };
        let digest = personal.as_ref().map(|personal| Digest::of(personal.as_bytes()));
        let public = PublicPart { event: &event, personal: digest };
        Ok(Self { event: json(&public)?.to_string(), personal, columns })
    }
}

impl RecordColumns {
    fn of(event: &AuditEvent) -> Result<Self, StoreError> {
        let (outcome, why) = match event.outcome {
            Outcome::Begun => ("begun", None),
            Outcome::Succeeded => ("succeeded", None),
            Outcome::Refused(why) => ("refused", Some(word(why)?)),
            Outcome::Failed => ("failed", None),
        };
        let subject = event.subject.as_ref().map(Subject::parts);
        Ok(Self {
            id: event.id.to_string(),
            at: micros::from_time(event.at),
            action: word(event.action)?,
            outcome: outcome.to_owned(),
            why,
            subject_kind: subject.map(|(kind, _)| kind.to_owned()),
            subject_id: subject.map(|(_, id)| id.to_string()),
            actor: event.actor.as_ref().map(ToString::to_string),
            account: event.account.as_ref().map(ToString::to_string),
        })
    }

    /// Returns the searchable columns of a stored record, from the record's JSON. Actions and
    /// refusals are returned as text, because a later release can have written a word that this
    /// release does not know.
    fn fitting(fields: &Map<String, Value>) -> Option<Self> {
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
    /// Returns the event of the record. If the personal part was erased, then the event has no
    /// personal data.
    ///
    /// # Errors
    ///
    /// If the record cannot be read, because somebody has changed the record or because the record
    /// is damaged. This method does not detect a change that leaves the record readable. To detect
    /// changes of signed records, use a [`Verifier`](super::Verifier).
    pub fn read(&self) -> Result<AuditEvent, StoreError> {
        let parts = self.parts().ok_or_else(unreadable)?;
        serde_json::from_value(Value::Object(parts.whole)).map_err(|_| unreadable())
    }

    /// Returns the state of the personal part. Returns none if the parts of the record contradict
    /// each other. The method does not verify the record's link.
    pub(super) fn agrees(&self) -> Option<Personal> {
        let Parts { whole, promised } = self.parts()?;
        if RecordColumns::fitting(&whole)? != self.columns {
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

/// The event of a record, put together from the record's two parts.
struct Parts {
    whole: Map<String, Value>,
    /// The digest of the personal part, from the public part.
    promised: Option<Digest>,
}

/// The state of the personal part of a record.
pub(super) enum Personal {
    /// The personal part is complete, or the event never had one.
    Whole,
    Gone(Option<Erasure>),
}

/// Serialises a value to JSON. The fields are in the order of their names.
fn json(part: &impl Serialize) -> Result<Value, StoreError> {
    serde_json::to_value(part).map_err(StoreError::new)
}

/// Returns the serialised word for an action or a refusal.
fn word(value: impl Serialize) -> Result<String, StoreError> {
    match json(&value)? {
        Value::String(word) => Ok(word),
        _ => Err(unreadable()),
    }
}

fn unreadable() -> StoreError {
    StoreError::new(UnreadableRecord)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::RandomError;

    /// A random source whose bytes count up: 0, 1, 2 and so on.
    #[derive(Debug)]
    struct Counting;

    impl SecureRandom for Counting {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
            bytes.iter_mut().zip(0..).for_each(|(byte, next)| *byte = next);
            Ok(())
        }
    }

    fn entry(event: &str) -> Entry {
        Entry::of(&serde_json::from_str(event).unwrap(), &Counting).unwrap()
    }

    #[test]
    fn a_customers_event_is_stored_in_two_parts() {
        let entry = entry(
            r#"{"version": 1, "id": "b5d1fcbe-9d2f-4a2e-8a86-000000000001", "at": "2026-01-01T12:00:00.000001Z",
                "action": "assistance_use", "outcome": "refused", "why": "no_consent", "website": "base",
                "account": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                "subject": {"customer": "1"}, "actor": "7",
                "grant": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
                "parent": "e2a79e60dd5563d598f0e6c0c40f0a1ba88886024b1a77292af50c2f233b13bf",
                "obtained": "as_admin", "reason": "ticket 1", "expires_at": "2026-01-01T13:00:00Z",
                "source": "192.0.2.1", "user_agent": "curl", "correlation_id": "7f3a9c"}"#,
        );
        let personal = concat!(
            r#"{"account":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08","#,
            r#""correlation_id":"7f3a9c","reason":"ticket 1","salt":"000102030405060708090a0b0c0d0e0f","#,
            r#""source":"192.0.2.1","subject":{"customer":"1"},"user_agent":"curl"}"#,
        );
        let public = concat!(
            r#"{"action":"assistance_use","actor":"7","at":"2026-01-01T12:00:00.000001Z","#,
            r#""expires_at":"2026-01-01T13:00:00Z","#,
            r#""grant":"2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae","#,
            r#""id":"b5d1fcbe-9d2f-4a2e-8a86-000000000001","obtained":"as_admin","outcome":"refused","#,
            r#""parent":"e2a79e60dd5563d598f0e6c0c40f0a1ba88886024b1a77292af50c2f233b13bf","#,
            r#""personal":"294e2f20211f2840fdca52b7db56aac4549477c5934bab485504efb62a5c68bd","#,
            r#""version":1,"website":"base","why":"no_consent"}"#,
        );
        assert_eq!((entry.event.as_str(), entry.personal.as_deref()), (public, Some(personal)));
        let columns = RecordColumns {
            id: "b5d1fcbe-9d2f-4a2e-8a86-000000000001".into(),
            at: 1_767_268_800_000_001,
            action: "assistance_use".into(),
            outcome: "refused".into(),
            why: Some("no_consent".into()),
            subject_kind: Some("customer".into()),
            subject_id: Some("1".into()),
            actor: Some("7".into()),
            account: Some("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into()),
        };
        assert_eq!(entry.columns, columns);
    }

    #[test]
    fn an_admin_users_name_is_public() {
        let entry = entry(
            r#"{"version": 1, "id": "b5d1fcbe-9d2f-4a2e-8a86-000000000002", "at": "2026-01-01T12:00:01Z",
                "action": "admin_use", "outcome": "failed", "subject": {"admin": "7"}}"#,
        );
        let public = concat!(
            r#"{"action":"admin_use","at":"2026-01-01T12:00:01Z","id":"b5d1fcbe-9d2f-4a2e-8a86-000000000002","#,
            r#""outcome":"failed","subject":{"admin":"7"},"version":1}"#,
        );
        assert_eq!((entry.event.as_str(), entry.personal), (public, None));
        assert_eq!(entry.columns.subject_kind.as_deref(), Some("admin"));
    }
}
