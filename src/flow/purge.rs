use crate::{auth::Auth, error::Error};

/// How many records [`Auth::purge`] removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Purged {
    /// Expired or revoked grants.
    pub tokens: usize,
    /// Expired one-time credentials.
    pub codes: usize,
    /// Accounts on which no failure is counted any more.
    pub attempts: usize,
}

impl Auth {
    /// Removes what is over, at most `limit` records of each kind: for a host's timer. Nothing depends on it
    /// but space.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`]: some of it may be done.
    pub async fn purge(&self, limit: usize) -> Result<Purged, Error> {
        let now = self.parts.clock.now();
        Ok(Purged {
            tokens: self.parts.tokens.purge_tokens(now, limit).await?,
            codes: self.parts.codes.purge_codes(now, limit).await?,
            attempts: self.parts.throttle.purge_attempts(now, limit).await?,
        })
    }
}
