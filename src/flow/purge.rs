use std::time::Duration;

use crate::{auth::Auth, clock::before, error::Error, token::Origin};

/// A document is swept this long after the time that it was kept for: the clocks of nodes differ.
const SWEEP_SLACK: Duration = Duration::from_secs(60 * 60);

/// How many records [`Auth::purge`] removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Purged {
    /// Expired or revoked grants.
    pub tokens: usize,
    /// Documents that are over: attempt budgets that count nothing any more, expired one-time credentials and
    /// enrolments of second factors, and assistance that ended longer ago than
    /// [`AuthConfig::assistance_history`](crate::AuthConfig::assistance_history). Each goes an hour later.
    pub documents: usize,
}

impl Auth {
    /// Removes what is over, at most `limit` records of each kind, and closes what is over in the ledger of assistance, so
    /// that its customers are told: for a host's timer, once a minute. Nothing else depends on it but space.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`]: some of it may be done.
    pub async fn purge(&self, limit: usize) -> Result<Purged, Error> {
        let now = self.parts.clock.now();
        if self.parts.admins.is_some() {
            let page = self.parts.ledger.open(None, limit).await?;
            self.settle_ledger(page.entries, &Origin::default()).await?;
        }
        Ok(Purged {
            tokens: self.parts.tokens.purge_tokens(now, limit).await?,
            documents: self.parts.state.sweep(before(now, SWEEP_SLACK), limit).await?,
        })
    }
}
