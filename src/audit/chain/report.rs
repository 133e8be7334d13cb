use std::fmt;

use super::Checkpoint;
use crate::keyring::KeyId;

/// The result of the verification of an audit trail by a [`Verifier`](super::Verifier).
///
/// If there are no findings, then the records from the first signed record to the record of
/// [`head`](Self::head) are complete, unchanged and in order. If there are at most 1,000 findings,
/// then each signed record without a finding is unchanged. If there are more, then the report has
/// only the first 1,000.
///
/// The report does not prove that the records before the first signed record are unchanged. So
/// compare [`signed`](Self::signed) with the number of records that you expect to be signed.
/// Records after the head may have been removed. The verifier reports such a removal only if the
/// verifier got a checkpoint of a later record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Number of records that the verifier has read.
    pub records: u64,
    /// Number of records that have a signature, valid or not.
    pub signed: u64,
    /// Number of records, signed or not, whose personal part was erased.
    pub erased: u64,
    /// The first 1,000 findings, in the order in which the verifier found them.
    pub findings: Vec<Finding>,
    /// Number of all findings, including the findings after the first 1,000.
    pub found: u64,
    /// The checkpoint of the newest signed record. If there are no findings, keep this checkpoint
    /// outside the database.
    pub head: Option<Checkpoint>,
}

impl Report {
    /// Maximum number of findings that a report keeps.
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

/// A finding of a verifier: a defect at one position of an audit trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The position of the record.
    pub position: u64,
    /// The kind of defect.
    pub kind: FindingKind,
}

/// The kind of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FindingKind {
    /// The record differs from the record that was signed, does not follow the previous record, or
    /// has parts that contradict each other.
    Changed,
    /// The link of the previous record is not known, so this record cannot be verified. For
    /// example, the previous record is missing. If you restore the missing record, the verifier can
    /// find out if this record was changed.
    Unproven,
    /// The records from the finding's position up to the position `to` are missing.
    Missing {
        /// The last position of the gap.
        to: u64,
    },
    /// The verifier got the record twice, or after a record with a higher position.
    OutOfOrder,
    /// The record is not signed, but an earlier record of the trail is signed.
    Unsigned,
    /// The record was signed with a secret key that the verifier does not have.
    UnknownKey(KeyId),
    /// The personal part of the record is missing, and there is no valid proof that a holder of a
    /// secret key erased it.
    ErasedWithoutRight,
    /// The record's link differs from the link in the checkpoint of this position.
    AnchorDiffers,
    /// A checkpoint has this position, but the trail ends before this position. So the newest
    /// records of the trail are missing.
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
