use crate::{error::Error, service::Services, token::Origin};

/// Numbers of records that [`Auth::purge`](crate::Auth::purge) removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Purged {
    /// Expired or revoked grants.
    pub tokens: usize,
    /// Expired documents, each an hour after its end.
    ///
    /// These are attempt budgets that no longer count a failure, expired one-time credentials and
    /// enrolments of second factors, and assistances that ended longer ago than
    /// [`AssistanceRules::history`](crate::config::AssistanceRules::history).
    pub documents: usize,
}

pub(crate) async fn purge(services: &Services, limit: usize) -> Result<Purged, Error> {
    services.assistance.settle_open(limit, &Origin::default()).await?;
    Ok(Purged {
        tokens: services.tokens.purge(limit).await?,
        documents: services.documents.sweep(limit).await?,
    })
}
