use std::time::Duration;

use commerce_auth::Auth;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{debug, warn};

/// So much of each kind is removed at once.
const BATCH: usize = 1000;

/// Removes what is over, every minute. It never ends: drop or abort it.
pub(crate) async fn sweep(auth: Auth) {
    let mut minutes = interval(Duration::from_secs(60));
    minutes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        minutes.tick().await;
        match auth.purge(BATCH).await {
            Ok(purged) => debug!(?purged, "what was over is removed"),
            // The next minute tries again.
            Err(error) => warn!(%error, "what is over could not be removed"),
        }
    }
}
