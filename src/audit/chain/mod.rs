//! The chain of signed records in which the SQL backends keep an audit trail.
//!
//! A record has a position and two parts, both JSON. The public part is the event without personal
//! data. The personal part holds the personal data and a random salt. The public part names the
//! SHA-256 of the personal part. If the personal part is erased, the public part therefore stays as
//! it was signed.
//!
//! With a keyring, a record also has a link: HMAC-SHA-256 over its position, its public part and
//! the link of the record before it. Without the key, nobody can change, insert or move a signed
//! record unnoticed, or remove one before the last. An erasure has a separate MAC over the position
//! and the link.
//!
//! - `record` splits an event into the two parts, and reads them back.
//! - `link` computes links and the MACs of erasures.
//! - `checkpoint` names the end of a trail, to be kept outside the database.
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
