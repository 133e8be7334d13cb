use std::time::Duration;

use commerce_auth::{Auth, Error, flow::Purged};
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

use crate::errors::in_full;

/// So much of each kind is removed at once.
const BATCH: usize = 1000;

/// Removes what is over, every minute, and closes it in the ledger, which tells the customers. It never ends: drop or abort it.
pub(crate) async fn sweep(auth: Auth) {
    let mut minutes = interval(Duration::from_secs(60));
    minutes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        minutes.tick().await;
        // The next minute tries again.
        if let Err(error) = purge_all(&auth).await {
            warn!(cause = in_full(&error), "what is over could not be removed");
        }
    }
}

async fn purge_all(auth: &Auth) -> Result<(), Error> {
    loop {
        let purged = auth.purge(BATCH).await?;
        let Purged { tokens, documents, .. } = purged;
        if [tokens, documents].iter().all(|removed| *removed < BATCH) {
            return Ok(());
        }
    }
}
