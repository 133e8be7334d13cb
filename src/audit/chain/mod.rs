//! The chain of signed records in which the SQL backends keep an audit trail.
//!
//! A record has a position and two parts, both JSON. The personal part holds the personal data of
//! the event and a random salt. The public part holds the rest of the event, and the SHA-256 of the
//! personal part. So if the personal part is erased, the public part and its signature stay
//! unchanged.
//!
//! With a keyring, a record also has a link: HMAC-SHA-256 over the record's position, the public
//! part and the link of the previous record. Without the secret key, nobody can change, insert or
//! move a signed record unnoticed. The removal of a record is also noticed if a later record
//! remains. An erasure has a separate MAC over the position and the link of the record.
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
