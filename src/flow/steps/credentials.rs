//! The end of what an account's owner holds: tokens, one-time credentials, assistance.

use crate::{
    audit::Refusal,
    error::{Error, StoreError, TokenError},
    service::{Services, stop::Stop},
    store::Generation,
    token::{Digest, Origin, Subject},
};

/// Ends all tokens of a subject but one, and its one-time credentials, which end with the generation that they
/// were made under.
pub(in crate::flow) async fn end_credentials(
    services: &Services,
    subject: &Subject,
    keep: Option<&Digest>,
    origin: &Origin,
) -> Result<(), Error> {
    let ended = services.tokens.revoke_all(subject, keep).await;
    settle_ledger(services, subject, origin).await;
    ended
}

/// Closes the assistances of a subject that are over. One that cannot be closed now is closed when the ledger
/// is read.
pub(in crate::flow) async fn settle_ledger(services: &Services, subject: &Subject, origin: &Origin) {
    match subject {
        Subject::Customer(customer) => drop(services.assistance.settle_of(customer, origin).await),
        Subject::Admin(admin) => services.assistance.settle_by(admin, origin).await,
    }
}

/// The tokens that end with the write of a credential.
#[derive(Clone, Copy)]
pub(in crate::flow) enum Ends<'a> {
    Nothing,
    /// All but the one that was presented, which must be live still.
    AllBut(&'a Digest),
    All,
}

/// Lets a credential stand that was just written, and ends the tokens and one-time credentials from before it.
/// Every flow that writes a credential ends with this.
///
/// `generation` was read before the flow judged its caller. If somebody else has ended the subject's tokens since
/// then, or the tokens cannot be ended now, the credential must not stand: `undo` takes it back by compare-and-set, which
/// leaves alone what was changed again; all tokens end, those that were had with the credential too; and the caller is
/// refused.
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
    // Whether or not it could be undone, and after it: the credential gives no token from here on.
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
            // Whoever ended all tokens between the look and this end has ended this one, too.
            stands = services.tokens.find(keep).await?.is_some();
        }
        Ends::All if stands => end_credentials(services, subject, None, origin).await?,
        Ends::Nothing | Ends::AllBut(_) | Ends::All => {}
    }
    if stands { Ok(()) } else { Err(Refusal::RevokedMeanwhile.told(TokenError::Invalid)) }
}
