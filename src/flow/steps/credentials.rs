//! The end of what an account's owner holds: tokens, one-time credentials, assistance.

use crate::{
    account::PasswordHash,
    audit::Refusal,
    error::{Error, TokenError},
    service::{
        Services,
        accounts::{Account, Accounts},
        stop::Stop,
    },
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

/// Ends the tokens and one-time credentials from before a new password, once `new` was written.
///
/// If somebody else has ended the account's tokens since `generation` was read, the new password must not
/// stand: the row's hash is put back, unless the password was changed again, and those from after it end, too.
pub(in crate::flow) async fn end_earlier_credentials<A: Account>(
    services: &Services,
    accounts: &Accounts<A>,
    (row, new): (&A, &PasswordHash),
    generation: Generation,
    keep: Option<&Digest>,
    origin: &Origin,
) -> Result<(), Stop> {
    let subject = A::subject_of(row.id());
    if services.tokens.generation(&subject).await? == generation {
        return Ok(end_credentials(services, &subject, keep, origin).await?);
    }
    let restored = accounts.restore_hash(row, new).await;
    // Whether or not it could be put back.
    end_credentials(services, &subject, None, origin).await?;
    restored?;
    Err(Refusal::RevokedMeanwhile.told(TokenError::Invalid))
}
