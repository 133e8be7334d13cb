//! The link that is mailed to an admin user whose account is locked. The link is stored as one
//! document in the partition of the account's budgets.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{
    DocumentError, Step, Transition, Write,
    budgets::Clearing,
    format::{Stored, put, read},
};
use crate::{
    clock::micros,
    store::{DocumentId, Key, Name},
    token::Digest,
};

const UNLOCK: Name = Name::of("unlock");

/// The document of the newest unlock link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Unlock {
    digest: Digest,
    #[serde(with = "micros")]
    expires_at: OffsetDateTime,
}

impl Stored for Unlock {
    const FORMAT: u32 = 1;
}

/// Stores a new unlock link. It replaces an earlier unlock link of the account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offering {
    pub(crate) digest: Digest,
    pub(crate) expires_at: OffsetDateTime,
}

/// Spends the unlock link whose token has this digest, and unlocks the account, in one commit.
/// Returns true if the link belonged to the account and had not expired. Otherwise returns false
/// and changes nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spending {
    pub(crate) digest: Digest,
    pub(crate) clearing: Clearing,
}

impl Transition for Offering {
    type Answer = ();

    fn keys(&self) -> Vec<Key> {
        vec![key()]
    }

    fn apply(&self, documents: &[Option<&[u8]>], _now: OffsetDateTime) -> Result<Step<()>, DocumentError> {
        // The document of the earlier link is decoded, although the new link does not depend on it.
        // If the document has a newer format, the decoding fails, so that the document is not
        // overwritten.
        read::<Unlock>(documents, 0)?;
        let Self { digest, expires_at } = *self;
        let write = put(&Unlock { digest, expires_at }, Some(expires_at), Vec::new())?;
        Ok(Step { answer: (), writes: vec![write] })
    }
}

impl Transition for Spending {
    type Answer = bool;

    fn keys(&self) -> Vec<Key> {
        [vec![key()], self.clearing.keys()].concat()
    }

    fn apply(&self, documents: &[Option<&[u8]>], now: OffsetDateTime) -> Result<Step<bool>, DocumentError> {
        let present = read::<Unlock>(documents, 0)?;
        let is_right = present.is_some_and(|link| link.digest == self.digest && now < link.expires_at);
        let mut writes: Vec<_> = documents.iter().map(|_| Write::Keep).collect();
        if is_right {
            let budgets = documents.get(1..).unwrap_or_default();
            writes = vec![Write::Delete];
            writes.extend(self.clearing.apply(budgets, now)?.writes);
        }
        Ok(Step { answer: is_right, writes })
    }
}

const fn key() -> Key {
    Key { kind: UNLOCK, id: DocumentId::ONLY }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_format_stays_untouched() {
        let digest = Digest::of(b"link");
        let newer = br#"{"format":2,"document":{"digest":"of another kind"}}"#.as_slice();
        let offering = Offering { digest, expires_at: OffsetDateTime::UNIX_EPOCH };
        let refused = offering.apply(&[Some(newer)], OffsetDateTime::UNIX_EPOCH);
        assert!(matches!(refused, Err(DocumentError::Newer { found: 2, known: 1 })));
    }
}
