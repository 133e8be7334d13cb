use tokio::runtime::Handle;
use tracing::Instrument;

use crate::error::{Error, InternalError};

/// Runs a change in a separate task, so that the change completes even if the client disconnects. A
/// change that stops before its end could leave earlier tokens valid.
///
/// The task belongs to the `tracing` span of the request. Outside a tokio runtime there is no
/// separate task: the change runs within the returned future, and the host must poll this future to
/// completion.
pub(crate) async fn to_its_end<T: Send + 'static>(
    change: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    let Ok(runtime) = Handle::try_current() else { return change.await };
    match runtime.spawn(change.in_current_span()).await {
        Ok(changed) => changed,
        // The task panicked, or the tokio runtime is shutting down.
        Err(_) => Err(InternalError::Interrupted.into()),
    }
}

#[cfg(test)]
mod tests {
    use tracing::{Span, info_span};

    use super::*;
    use crate::error::ErrorKind;

    #[tokio::test]
    async fn a_panic_is_an_internal_error() {
        let error = to_its_end::<()>(async { panic!("as a host's store may") }).await.unwrap_err();
        assert!(matches!(error, Error::Internal(InternalError::Interrupted)), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::Internal);
    }

    #[tokio::test]
    async fn a_change_is_in_the_span_of_its_request() {
        let subscriber = tracing_subscriber::fmt().with_writer(std::io::sink).finish();
        let _default = tracing::subscriber::set_default(subscriber);
        let span = info_span!("request");
        assert!(span.id().is_some());
        let changed = to_its_end(async { Ok(Span::current().id()) }).instrument(span.clone()).await;
        assert_eq!(changed.ok(), Some(span.id()));
    }
}
