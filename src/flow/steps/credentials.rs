//! The end of a subject's tokens, one-time credentials and assistances. A subject is a customer or
//! an admin user.

use crate::{
    audit::Refusal,
    error::{Error, StoreError, TokenError},
    service::{Services, stop::Stop},
    store::Generation,
    token::{GrantId, Origin, Subject},
};

/// Ends all tokens of a subject except `keep`, and all one-time credentials of the subject.
///
/// A one-time credential is valid only under the generation in which it was made. This function
/// changes the subject's generation, so the one-time credentials end, too.
pub(in crate::flow) async fn end_credentials(
    services: &Services,
    subject: &Subject,
    keep: Option<&GrantId>,
    origin: &Origin,
) -> Result<(), Error> {
    let ended = services.tokens.revoke_all(subject, keep).await;
    settle_ledger(services, subject, origin).await;
    ended
}

/// Closes the ledger entries of the subject's ended assistances. If an entry cannot be closed now,
/// a later listing of the ledger closes the entry.
pub(in crate::flow) async fn settle_ledger(services: &Services, subject: &Subject, origin: &Origin) {
    match subject {
        Subject::Customer(customer) => drop(services.assistance.settle_of(customer, origin).await),
        Subject::Admin(admin) => services.assistance.settle_by(admin, origin).await,
    }
}

/// The tokens that end when a credential is written.
#[derive(Clone, Copy)]
pub(in crate::flow) enum Ends<'a> {
    Nothing,
    /// All tokens except the presented one, which must still be live.
    AllBut(&'a GrantId),
    All,
}

/// Lets a credential that was just written stay, and ends the earlier tokens that `ends` names. If
/// `ends` names any tokens, all one-time credentials of the subject end as well.
///
/// A flow calls this function after it has written a credential, for example a password. The flow
/// must have read `generation` before it checked its caller. If another request has ended the
/// subject's tokens since `generation` was read, or if the tokens cannot be ended now, the new
/// credential must not stay. The function then does the following:
///
/// - `undo` restores the previous credential by compare-and-set. If another request has already
///   replaced the new credential by a later one, the later credential stays.
/// - All tokens of the subject end, including those obtained with the new credential.
/// - The caller is refused.
pub(in crate::flow) async fn let_stand(
    services: &Services,
    subject: &Subject,
    generation: Generation,
    ends: Ends<'_>,
    origin: &Origin,
    undo: impl Future<Output = Result<bool, StoreError>>,
) -> Result<(), Stop> {
    let Err(stop) = end_earlier(services, subject, generation, ends, origin).await else { return Ok(()) };
    let undone = undo.await;
    // All tokens end after the undo, even if the undo failed, so that tokens obtained with the new
    // credential no longer work.
    end_credentials(services, subject, None, origin).await?;
    undone?;
    Err(stop)
}

async fn end_earlier(
    services: &Services,
    subject: &Subject,
    generation: Generation,
    ends: Ends<'_>,
    origin: &Origin,
) -> Result<(), Stop> {
    let mut stands = services.tokens.generation(subject).await? == generation;
    match ends {
        Ends::AllBut(keep) if stands => {
            end_credentials(services, subject, Some(keep), origin).await?;
            // If another request ended all tokens after the generation was compared above, it has
            // also ended `keep`.
            stands = services.tokens.find(keep).await?.is_some();
        }
        Ends::All if stands => end_credentials(services, subject, None, origin).await?,
        Ends::Nothing | Ends::AllBut(_) | Ends::All => {}
    }
    if stands { Ok(()) } else { Err(Refusal::RevokedMeanwhile.told(TokenError::Invalid)) }
}
