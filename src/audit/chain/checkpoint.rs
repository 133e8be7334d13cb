use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{AuditRecord, link::START};
use crate::token::Digest;

/// The error of a text that is not a valid checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a checkpoint is a number and one or two times 64 lower-case hexadecimal digits, with colons in between"
)]
#[non_exhaustive]
pub struct CheckpointError;

/// A checkpoint of a signed audit trail: the position and the link of the newest signed record, and
/// the link of the signed record before it. A link is the signature of a record.
///
/// With a checkpoint, a verifier detects a change or removal of a signed record up to the
/// checkpoint's position. A checkpoint proves nothing about records without a signature. Such
/// records are from the time before the trail was signed, or from a node without a keyring.
///
/// Keep checkpoints where an attacker with write access to the database cannot change them. A
/// [`Verifier`](super::Verifier) that gets a checkpoint reports if the record of the checkpoint was
/// removed, or if the whole trail was replaced by a different trail. A checkpoint is one line of
/// text and not a secret.
///
/// ```
/// use commerce_auth::audit::Checkpoint;
///
/// let line = "12345:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08:\
///     2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
/// let checkpoint: Checkpoint = line.parse()?;
/// assert_eq!(checkpoint.position, 12345);
/// assert_eq!(checkpoint.to_string(), line);
/// # Ok::<(), commerce_auth::audit::CheckpointError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[allow(clippy::exhaustive_structs)] // Backends make it from their columns.
pub struct Checkpoint {
    /// The position of the checkpoint's record in the trail.
    pub position: u64,
    /// The link of the checkpoint's record.
    pub link: Digest,
    /// The link of the previous signed record. None if this link was not known.
    ///
    /// A verification that [begins with this checkpoint](super::Verifier::since) needs this link to
    /// verify the checkpoint's own record. The verifier cannot take this link from the previous
    /// record, because that record may have been pruned. Without this link, the verifier still
    /// compares the checkpoint's record with the checkpoint, and reports the record as
    /// [`Unproven`](super::FindingKind::Unproven).
    pub previous: Option<Digest>,
}

impl Checkpoint {
    /// Returns the checkpoint of the newest signed record.
    ///
    /// `newest` holds the two newest signed records, with the newest one first. `is_whole` is true
    /// if the trail still has its first record, so nothing was pruned.
    pub(crate) fn of_newest<'a>(
        newest: impl IntoIterator<Item = &'a AuditRecord>,
        is_whole: bool,
    ) -> Option<Self> {
        let mut newest = newest.into_iter().filter_map(|record| Some((record.position, record.link?)));
        let (position, link) = newest.next()?;
        // If nothing was pruned and the trail has only one signed record, then no signed record
        // came before it.
        let start = is_whole.then_some(START);
        Some(Self { position, link, previous: newest.next().map(|(_, link)| link).or(start) })
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.position, self.link)?;
        self.previous.map_or(Ok(()), |previous| write!(f, ":{previous}"))
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let (position, link) = text.split_once(':').ok_or(CheckpointError)?;
        let (text, position) = (position, position.parse::<u64>().map_err(|_| CheckpointError)?);
        // `parse` alone accepts a plus sign and leading zeros. A checkpoint has only one text form.
        if position.to_string() != text {
            return Err(CheckpointError);
        }
        let (link, previous) = match link.split_once(':') {
            Some((link, previous)) => (link, Some(previous)),
            None => (link, None),
        };
        let digest = |text: &str| text.parse().map_err(|_| CheckpointError);
        Ok(Self { position, link: digest(link)?, previous: previous.map(digest).transpose()? })
    }
}

impl TryFrom<String> for Checkpoint {
    type Error = CheckpointError;

    fn try_from(text: String) -> Result<Self, CheckpointError> {
        text.parse()
    }
}

impl From<Checkpoint> for String {
    fn from(checkpoint: Checkpoint) -> Self {
        checkpoint.to_string()
    }
}
