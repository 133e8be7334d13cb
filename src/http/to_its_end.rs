use tokio::runtime::Handle;

use crate::error::Error;

/// Runs a change in a task of its own: a client that goes away midway must not leave the earlier tokens alive. Outside of a
/// tokio runtime the caller runs it, and sees to that.
pub(crate) async fn to_its_end<T: Send + 'static>(
    change: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    match Handle::try_current() {
        // Without an answer it panicked, or the runtime ends.
        Ok(runtime) => runtime.spawn(change).await.unwrap_or(Err(Error::Overloaded)),
        Err(_) => change.await,
    }
}
