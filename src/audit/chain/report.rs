use std::fmt;

use super::Checkpoint;
use crate::keyring::KeyId;

/// What a [`Verifier`](super::Verifier) has seen.
///
/// Without findings, the records from the first signed one to [`head`](Self::head) are those that were written, all of them,
/// in their order. With findings, and none left out, so is each signed record that none of them names. What comes before the
/// first signed record, and whether there was anything after the head that no anchor knows of, it cannot say: look at
/// [`signed`](Self::signed).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// Records that were looked at.
    pub records: u64,
    /// Of those, records that say they are signed.
    pub signed: u64,
    /// Of those, records whose personal part was erased.
    pub erased: u64,
    /// What is wrong, in the order of positions, the first thousand of it.
    pub findings: Vec<Finding>,
    /// How much is wrong.
    pub found: u64,
    /// The newest signed record: worth to be anchored if nothing is wrong.
    pub head: Option<Checkpoint>,
}

impl Report {
    /// Findings that are kept at most.
    const FINDINGS: usize = 1000;

    /// True if nothing is wrong.
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

/// Something is wrong with a trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// Where.
    pub position: u64,
    /// What.
    pub kind: FindingKind,
}

/// What is wrong at a place of a trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FindingKind {
    /// The record is not what was signed there, does not follow on the one before it, or contradicts itself.
    Changed,
    /// What the record follows on is not there, and without it nobody can tell whether it is what was signed. Once the record
    /// before it is put back, it is proved, or found to be changed.
    Unproven,
    /// There are no records from this place to that one.
    Missing {
        /// The last place of the gap.
        to: u64,
    },
    /// The record comes again, or after one that it should come before.
    OutOfOrder,
    /// The record is not signed, and comes after one that is.
    Unsigned,
    /// The record names a key that the verifier does not have.
    UnknownKey(KeyId),
    /// The personal part is gone, and nobody with a key says to have erased it.
    ErasedWithoutRight,
    /// The record is another one than the checkpoint of this place vouches for.
    AnchorDiffers,
    /// There was a record at this place, and the trail ends before it.
    CutOff,
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed => f.write_str("changed, or not what followed here"),
            Self::Unproven => f.write_str("cannot be proved without what came before it"),
            Self::Missing { to } => write!(f, "missing, up to and with {to}"),
            Self::OutOfOrder => f.write_str("again, or out of order"),
            Self::Unsigned => f.write_str("not signed, after one that is"),
            Self::UnknownKey(KeyId(key)) => write!(f, "signed with the unknown key {key}"),
            Self::ErasedWithoutRight => {
                f.write_str("its personal part was taken away by somebody without a key")
            }
            Self::AnchorDiffers => f.write_str("not what the checkpoint vouches for"),
            Self::CutOff => f.write_str("a checkpoint knows it, and the trail ends before it"),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record {}: {}", self.position, self.kind)
    }
}
