//! The chain of signed records in which the SQLite and PostgreSQL backends keep an audit trail.
//!
//! A record has a position and two parts, both JSON. The personal part holds the personal data of
//! the event and a random salt. The public part holds the rest of the event, and the SHA-256 of the
//! personal part. The public part is signed. If the personal part is erased, then the public part
//! and its signature stay unchanged.
//!
//! With a keyring, a record also has a link: HMAC-SHA-256 over the record's position, the public
//! part and the link of the previous record. A verifier detects if a person without the secret key
//! changes, inserts or moves a signed record. It also detects the removal of a signed record if a
//! later signed record remains. The erasure of a personal part has a separate MAC over the position
//! and the link of the record.
//!
//! - `record` splits an event into the two parts, and reads them back.
//! - `link` computes links and the MACs of erasures.
//! - `checkpoint` defines a copy of the newest signature, which is kept outside the database.
//! - `verify` detects changes, and `report` describes them.

mod checkpoint;
mod link;
mod record;
mod report;
mod verify;

pub use checkpoint::{Checkpoint, CheckpointError};
pub(crate) use link::{COMPARED, compare, sign, sign_erasure};
pub(crate) use record::Entry;
pub use record::{AuditRecord, Erasure, RecordColumns};
pub use report::{Finding, FindingKind, Report};
pub use verify::Verifier;
