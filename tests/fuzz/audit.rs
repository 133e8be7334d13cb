//! Audit records as they are in a copy of a trail or in the rows of its table, and checkpoints.

use std::{cell::OnceCell, time::Duration};

use bolero::{TypeGenerator, check};
use commerce_auth::{
    audit::{AuditEvent, AuditRecord, AuditSink, Checkpoint, Report, Verifier},
    keyring::{KeyId, Keyring},
    store::sqlite::{SqliteAudit, SqliteOptions},
};
use rusqlite::{Connection, OptionalExtension, params_from_iter, types::Value as Column};
use serde_json::{Value, json};
use support::keyring;
use tempfile::TempDir;

use crate::{
    json::Json,
    text::{Text, boundary, pick},
};

#[derive(Clone, Debug, TypeGenerator)]
enum Input {
    Copy { record: u8, edits: [Option<Edit>; 3] },
    Row { record: u8, column: u8, to: To },
    Checkpoint(bool, [Option<(u8, Text)>; 3]),
}

/// One change to the text of a record.
#[derive(Clone, Debug, TypeGenerator)]
enum Edit {
    Byte {
        at: u16,
        by: u8,
    },
    Insert {
        at: u16,
        text: Text,
    },
    Cut {
        at: u16,
        bytes: u8,
    },
    Field {
        name: u8,
        value: Json,
    },
    Drop {
        name: u8,
    },
    /// The value of the same field in another record.
    From {
        name: u8,
        record: u8,
    },
}

/// A new value for a column.
#[derive(Clone, Debug, TypeGenerator)]
enum To {
    Null,
    Int(i64),
    Near(i8),
    Text(Text),
    Blob(Vec<u8>),
    Other(u8),
    Flip(u16, u8),
}

const FIELDS: [&str; 7] = ["position", "event", "personal", "key", "link", "erased", "columns"];
const COLUMNS: [&str; 15] = [
    "position",
    "event",
    "personal",
    "key_id",
    "link",
    "erased",
    "id",
    "at",
    "action",
    "outcome",
    "why",
    "subject_kind",
    "subject_id",
    "actor",
    "account",
];
const RECORDS: u8 = 12;

/// A trail in a file, a copy of it as it was recorded, and another connection to the file.
struct Trail {
    audit: SqliteAudit,
    records: Vec<AuditRecord>,
    lines: Vec<String>,
    anchor: Checkpoint,
    hand: Connection,
    _folder: TempDir,
}

#[test]
fn a_changed_record_never_verifies() {
    // One trail for the thread, which runs only this test.
    thread_local!(static TRAIL: OnceCell<Trail> = const { OnceCell::new() });
    check!().with_type::<Input>().with_test_time(Duration::from_secs(1)).for_each(|input| {
        TRAIL.with(|trail| {
            let trail = trail.get_or_init(|| pollster::block_on(Trail::new()));
            match input {
                Input::Copy { record, edits } => trail.judge_copy(record % RECORDS, edits),
                Input::Row { record, column, to } => {
                    trail.judge_row(record % RECORDS, pick(&COLUMNS, *column), to);
                }
                Input::Checkpoint(is_near, texts) => trail.judge_checkpoint(*is_near, texts),
            }
        });
    });
}

impl Trail {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("auth.db");
        let keyring = keyring();
        let audit = SqliteOptions::new(&path).open().unwrap().audit(Some(&keyring));
        for number in 0..RECORDS {
            if number == RECORDS / 2 {
                keyring.accept(KeyId(2), [8; 32]).and_then(|()| keyring.make_current(KeyId(2))).unwrap();
            }
            audit.record(&event(number)).await.unwrap();
        }
        assert!(audit.erase(&event(3).subject.unwrap()).await.unwrap() > 0);
        let records = audit.records(0, usize::MAX).await.unwrap();
        let lines = records.iter().map(|record| serde_json::to_string(record).unwrap()).collect();
        let anchor = audit.checkpoint().await.unwrap().unwrap();
        let hand = Connection::open(path).unwrap();
        hand.pragma_update(None, "synchronous", "OFF").unwrap();
        let trail = Self { audit, records, lines, anchor, hand, _folder: folder };
        assert!(trail.verified(&trail.records).is_clean());
        trail
    }

    fn verifier(&self) -> Verifier {
        let keyring = both_keys();
        Verifier::new(&keyring, &[self.anchor])
    }

    fn verified(&self, records: &[AuditRecord]) -> Report {
        let mut verifier = self.verifier();
        records.iter().for_each(|record| verifier.feed(record));
        verifier.finish()
    }

    fn judge_copy(&self, number: u8, edits: &[Option<Edit>]) {
        let number = usize::from(number);
        let mut line = self.lines[number].clone();
        for edit in edits.iter().flatten() {
            line = edit.apply(&line, &self.lines);
        }
        let Ok(record) = serde_json::from_str::<AuditRecord>(&line) else { return };
        let _ = record.read();
        let is_same = record == self.records[number];
        let mut records = self.records.clone();
        records[number] = record;
        let report = self.verified(&records);
        assert_eq!(report.is_clean(), is_same, "{line}");
    }

    fn judge_row(&self, number: u8, column: &str, to: &To) {
        let position = i64::from(number) + 1;
        let before = self.row(position).unwrap();
        let other = self.row(i64::from(to.other() % RECORDS) + 1).unwrap();
        let at = COLUMNS.iter().position(|name| *name == column).unwrap();
        let value = to.of(&before[at], &other[at]);
        let change = format!("UPDATE audit_events SET {column} = ?1 WHERE position = ?2");
        // The table's own constraints refuse some changes.
        let Ok(1) = self.hand.execute(&change, (&value, position)) else { return };
        // SQLite may have stored the same value for another input, such as 1 for "1".
        let is_same = self.row(position).as_ref() == Some(&before);
        let report = pollster::block_on(async {
            let _ = self.audit.events(usize::MAX).await;
            let _ = self.audit.records(0, usize::MAX).await;
            let _ = self.audit.checkpoint().await;
            self.audit.verify(self.verifier()).await.expect("a fault of the trail is in the report")
        });
        let moved_to = if column == "position" { &value } else { &before[0] };
        self.hand.execute("DELETE FROM audit_events WHERE position = ?1", [moved_to]).unwrap();
        let marks = ["?"; COLUMNS.len()].join(", ");
        let again = format!("INSERT INTO audit_events ({}) VALUES ({marks})", COLUMNS.join(", "));
        self.hand.execute(&again, params_from_iter(&before)).unwrap();
        assert_eq!(report.is_clean(), is_same, "{column} of {position}: {value:?}");
    }

    fn row(&self, position: i64) -> Option<Vec<Column>> {
        let select = format!("SELECT {} FROM audit_events WHERE position = ?1", COLUMNS.join(", "));
        let columns = |row: &rusqlite::Row<'_>| (0..COLUMNS.len()).map(|column| row.get(column)).collect();
        self.hand.query_row(&select, [position], columns).optional().unwrap()
    }

    fn judge_checkpoint(&self, is_near: bool, texts: &[Option<(u8, Text)>]) {
        let mut line = if is_near { self.anchor.to_string() } else { String::new() };
        for (place, text) in texts.iter().flatten() {
            // Half of the changes are in the number, which is the first part.
            let parts = if place % 2 == 0 { 4 } else { line.len() + 1 };
            line.insert_str(boundary(&line, usize::from(place / 2) % parts), &text.text());
        }
        let Ok(checkpoint) = line.parse::<Checkpoint>() else { return };
        assert_eq!(checkpoint.to_string(), line, "one text for one checkpoint");
        let mut verifier = Verifier::new(&both_keys(), &[checkpoint]);
        self.records.iter().for_each(|record| verifier.feed(record));
        let is_right = (checkpoint.position, checkpoint.link) == (self.anchor.position, self.anchor.link);
        assert_eq!(verifier.finish().is_clean(), is_right, "{line}");
    }
}

impl Edit {
    fn apply(&self, line: &str, lines: &[String]) -> String {
        let place_in = |at: u16| boundary(line, usize::from(at) % (line.len() + 1));
        match self {
            Self::Byte { at, by } => {
                let mut bytes = line.as_bytes().to_vec();
                let at = usize::from(*at) % bytes.len().max(1);
                bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = byte.wrapping_add(*by));
                String::from_utf8_lossy(&bytes).into_owned()
            }
            Self::Insert { at, text } => {
                let mut line = line.to_owned();
                line.insert_str(place_in(*at), &text.text());
                line
            }
            Self::Cut { at, bytes } => {
                let mut line = line.to_owned();
                let (from, to) = (place_in(*at), place_in(at.saturating_add((*bytes).into())));
                line.replace_range(from..to.max(from), "");
                line
            }
            Self::Field { name, value } => {
                let value = serde_json::from_str(&value.text()).unwrap_or_default();
                with_field(line, pick(&FIELDS, *name), Some(value))
            }
            Self::Drop { name } => with_field(line, pick(&FIELDS, *name), None),
            Self::From { name, record } => {
                let other: Value = serde_json::from_str(&lines[usize::from(*record) % lines.len()]).unwrap();
                let name = pick(&FIELDS, *name);
                with_field(line, name, other.get(name).cloned())
            }
        }
    }
}

/// Returns the line with another value of a field, or without the field.
fn with_field(line: &str, name: &str, value: Option<Value>) -> String {
    let Ok(Value::Object(mut record)) = serde_json::from_str(line) else { return line.to_owned() };
    match value {
        Some(value) => drop(record.insert(name.to_owned(), value)),
        None => drop(record.remove(name)),
    }
    Value::Object(record).to_string()
}

impl To {
    const fn other(&self) -> u8 {
        match self {
            Self::Other(number) => *number,
            _ => 0,
        }
    }

    fn of(&self, before: &Column, other: &Column) -> Column {
        match (self, before) {
            (Self::Null, _) => Column::Null,
            (Self::Int(value), _) => Column::Integer(*value),
            (Self::Near(by), Column::Integer(value)) => Column::Integer(value.wrapping_add(i64::from(*by))),
            (Self::Text(text), _) => Column::Text(text.text()),
            (Self::Blob(bytes), _) => Column::Blob(bytes.clone()),
            (Self::Other(_), _) => other.clone(),
            (Self::Flip(at, by), Column::Text(text)) => {
                Column::Text(Edit::Byte { at: *at, by: *by }.apply(text, &[]))
            }
            (Self::Flip(at, by), Column::Blob(bytes)) => {
                let mut bytes = bytes.clone();
                let at = usize::from(*at) % bytes.len().max(1);
                bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = byte.wrapping_add(*by));
                Column::Blob(bytes)
            }
            (Self::Near(_) | Self::Flip(..), _) => before.clone(),
        }
    }
}

fn both_keys() -> Keyring {
    let keyring = keyring();
    keyring.accept(KeyId(2), [8; 32]).expect("another name");
    keyring
}

/// Returns an event of one of several kinds, with or without a personal part.
fn event(number: u8) -> AuditEvent {
    let mut event = json!({
        "version": 1,
        "id": format!("b5d1fcbe-9d2f-4a2e-8a86-{number:012x}"),
        "at": format!("2026-01-01T12:00:{number:02}.000001Z"),
    });
    let more = match number % 3 {
        0 => json!({
            "action": "sign_in", "outcome": "succeeded", "subject": {"customer": "3"}, "source": "192.0.2.1",
            "user_agent": "it's \"me\" 🦀", "obtained": "password", "expires_at": "2026-01-01T13:00:00Z",
        }),
        1 => json!({
            "action": "assistance_token", "outcome": "begun", "subject": {"customer": "4"}, "actor": "7",
            "source": "2001:db8::1", "reason": "cannot find the voucher field",
        }),
        _ => json!({"action": "everything_revoke", "outcome": "succeeded"}),
    };
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(event).expect("an event")
}
