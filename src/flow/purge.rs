use crate::{error::Error, service::Services, token::Origin};

/// The result of [`Auth::purge`](crate::Auth::purge): how many records it removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Purged {
    /// Number of removed grants, which were expired or revoked.
    ///
    /// SQLite, PostgreSQL and Redis also count the bars that they removed. A bar is a record of the
    /// id of a revoked grant: until the bar ends, the store refuses to insert a grant with this id.
    pub tokens: usize,
    /// Number of removed documents. Each had expired more than an hour before.
    ///
    /// These documents are, for example:
    ///
    /// - attempt budgets that no longer count a failure,
    /// - expired one-time credentials and enrolments of second factors,
    /// - assistances that ended longer ago than
    ///   [`AssistanceRules::history`](crate::config::AssistanceRules::history).
    pub documents: usize,
}

pub(crate) async fn purge(services: &Services, limit: usize) -> Result<Purged, Error> {
    services.assistance.settle_open(limit, &Origin::default()).await?;
    Ok(Purged {
        tokens: services.tokens.purge(limit).await?,
        documents: services.documents.sweep(limit).await?,
    })
}
