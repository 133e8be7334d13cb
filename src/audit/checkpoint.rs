use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::token::Digest;

/// Why a text is no checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a checkpoint is a number, a colon and 64 lower-case hexadecimal digits")]
#[non_exhaustive]
pub struct CheckpointError;

/// Where a trail stood: the place and the link of its newest signed record. It vouches for everything before it.
///
/// Kept outside the database, where whoever can write there cannot, it is an anchor: a trail that was cut off before it, or
/// written anew, is found out by [`Verifier`](super::Verifier). It is one line of text, and no secret.
///
/// ```
/// use commerce_auth::audit::Checkpoint;
///
/// let line = "12345:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
/// let checkpoint: Checkpoint = line.parse()?;
/// assert_eq!(checkpoint.position, 12345);
/// assert_eq!(checkpoint.to_string(), line);
/// # Ok::<(), commerce_auth::audit::CheckpointError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[allow(clippy::exhaustive_structs)] // Backends make it from their columns.
pub struct Checkpoint {
    /// The place of the record.
    pub position: u64,
    /// The link of the record.
    pub link: Digest,
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.position, self.link)
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let (position, link) = text.split_once(':').ok_or(CheckpointError)?;
        // One text for one checkpoint: `parse` alone takes a plus sign.
        if position.is_empty() || !position.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(CheckpointError);
        }
        let position = position.parse().map_err(|_| CheckpointError)?;
        Ok(Self { position, link: link.parse().map_err(|_| CheckpointError)? })
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
