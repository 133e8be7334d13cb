use std::fmt;

use super::Checkpoint;
use crate::keyring::KeyId;

/// The result of a [`Verifier`](super::Verifier).
///
/// If there are no findings, then the records from the first signed one to [`head`](Self::head) are
/// complete, unchanged and in order. If there are at most 1,000 findings, then each signed record
/// that no finding names is unchanged.
///
/// The report says nothing about the records before the first signed one: look at
/// [`signed`](Self::signed). Records after the head may have been removed. The verifier reports
/// such a removal only if a later checkpoint was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Number of records that were read.
    pub records: u64,
    /// Number of records that have a signature, valid or not.
    pub signed: u64,
    /// Number of records, signed or not, whose personal part was erased.
    pub erased: u64,
    /// The first 1,000 findings, in the order in which the verifier found them.
    pub findings: Vec<Finding>,
    /// Number of findings, including those that were not kept.
    pub found: u64,
    /// The checkpoint of the newest signed record. Keep it outside the database if there are no
    /// findings.
    pub head: Option<Checkpoint>,
}

impl Report {
    /// Maximum number of findings that are kept.
    const FINDINGS: usize = 1000;

    /// True if there are no findings.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.found == 0
    }

    pub(super) fn find(&mut self, position: u64, kind: FindingKind) {
        self.found = self.found.saturating_add(1);
        if self.findings.len() < Self::FINDINGS {
            self.findings.push(Finding { position, kind });
        }
    }
}

/// A defect of an audit trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The position of the record.
    pub position: u64,
    /// The kind of defect.
    pub kind: FindingKind,
}

/// The kind of a defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FindingKind {
    /// The record differs from what was signed, does not follow the record before it, or
    /// contradicts itself.
    Changed,
    /// The record before this one is missing, so this record cannot be verified. Once the missing
    /// record is restored, the verifier can tell whether this one was changed.
    Unproven,
    /// There are no records from this position up to the position `to`.
    Missing {
        /// The last position of the gap.
        to: u64,
    },
    /// The record is repeated, or comes after a record with a higher position.
    OutOfOrder,
    /// The record is not signed, but an earlier one is.
    Unsigned,
    /// The record names a key that the verifier does not have.
    UnknownKey(KeyId),
    /// The personal part is missing, and no valid MAC proves that the holder of a key erased it.
    ErasedWithoutRight,
    /// The record differs from the checkpoint of this position.
    AnchorDiffers,
    /// A checkpoint has this position, and the trail ends before it.
    CutOff,
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed => f.write_str("changed, or does not follow the record before it"),
            Self::Unproven => f.write_str("cannot be verified, because the record before it is missing"),
            Self::Missing { to } => write!(f, "missing, up to and including record {to}"),
            Self::OutOfOrder => f.write_str("repeated, or out of order"),
            Self::Unsigned => f.write_str("not signed, although an earlier record is"),
            Self::UnknownKey(KeyId(key)) => write!(f, "signed with the unknown key {key}"),
            Self::ErasedWithoutRight => {
                f.write_str("its personal part is missing, without a valid proof of its erasure")
            }
            Self::AnchorDiffers => f.write_str("differs from the checkpoint of this position"),
            Self::CutOff => f.write_str("missing, because the trail ends before this checkpoint"),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record {}: {}", self.position, self.kind)
    }
}
