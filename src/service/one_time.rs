//! The one-time credentials of customers: reset tokens, one-time codes and confirmation tokens.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;

use super::{Documents, Held};
use crate::{
    account::CustomerId,
    credential::{ConfirmationToken, OneTimeCode, ResetToken},
    error::{Error, InternalError, StoreError},
    random::{RandomError, SecureRandom},
    state::{
        codes::{ErasingCodes, Found, Peeking, Putting, Taking},
        of_customer,
    },
    store::{Generation, Offer, OneTimeCredential, OtcStore, Peek, Presented, Purpose, Spent, Take},
    token::{Digest, Subject},
};

/// The service of one-time credentials, over the store that the host has configured.
///
/// A credential is valid only while the customer has the generation under which the credential was
/// made. So a new generation ends all one-time credentials of a customer at once. This service
/// compares the generations itself, so a store that the host has written need not do so.
#[derive(Debug)]
pub(crate) struct OneTimeCredentials {
    store: Arc<dyn OtcStore>,
    documents: Arc<Documents>,
    random: Arc<dyn SecureRandom>,
}

/// The verdict on a presented credential.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Verdict<T> {
    /// The credential is valid.
    Good(T),
    /// The credential was spent before.
    Replayed(Spent),
    /// The credential is not valid.
    Refused,
}

impl OneTimeCredentials {
    /// Maximum number of live credentials that a customer has of each purpose, for example of reset
    /// tokens. A further credential removes the oldest one of this purpose.
    pub(crate) const OUTSTANDING: usize = 3;

    /// Creates the service. If the host supplies a store for one-time credentials, `native` is that
    /// store. Otherwise the credentials are stored in documents.
    pub(crate) fn new(
        documents: Arc<Documents>,
        native: Option<Arc<dyn OtcStore>>,
        random: Arc<dyn SecureRandom>,
    ) -> Self {
        let store = native.unwrap_or_else(|| Arc::new(DocumentCodes(Arc::clone(&documents))));
        Self { store, documents, random }
    }

    pub(crate) fn draw_reset_token(&self) -> Result<ResetToken, RandomError> {
        ResetToken::generate(self.random.as_ref())
    }

    pub(crate) fn draw_one_time_code(&self) -> Result<OneTimeCode, RandomError> {
        OneTimeCode::generate(self.random.as_ref())
    }

    pub(crate) fn draw_confirmation_token(&self) -> Result<ConfirmationToken, RandomError> {
        ConfirmationToken::generate(self.random.as_ref())
    }

    /// Returns the customer to whom a confirmation token possibly belongs. The caller must not
    /// trust the result, and must look the token up among the one-time credentials of this
    /// customer.
    pub(crate) async fn owner(&self, token: &Digest) -> Result<Option<CustomerId>, StoreError> {
        Ok(match self.documents.follow(token).await? {
            Some(Subject::Customer(customer)) => Some(customer),
            Some(Subject::Admin(_)) | None => None,
        })
    }

    /// Stores a new credential. The caller must have read the generation of the credential before
    /// the customer's account row. If the customer's credentials were ended since then, the
    /// generation has changed, so the new credential is not valid.
    pub(crate) async fn put(&self, credential: &OneTimeCredential) -> Result<(), Error> {
        if credential.purpose == Purpose::Confirmation {
            let owner = Subject::Customer(credential.customer.clone());
            self.documents.point(&credential.digest, &owner, credential.expires_at).await?;
        }
        let stored = self.store.put(credential, Self::OUTSTANDING, credential.issued_at).await?;
        // If a credential with the same digest exists, the random source has returned the same bits
        // twice, so it cannot be trusted.
        if stored { Ok(()) } else { Err(InternalError::RepeatedSecret.into()) }
    }

    /// Verifies a credential under the customer's present generation, without spending the
    /// credential. A valid credential and an invalid one both cost one call of the store.
    pub(crate) async fn peek(
        &self,
        presented: &Presented,
        generation: Generation,
    ) -> Result<Verdict<Offer>, StoreError> {
        let now = self.documents.now();
        Ok(match self.store.peek(presented, now).await? {
            Peek::Live(offer) => {
                let Offer { credential, .. } = &offer;
                let is_good = credential.fits(presented, now) && credential.generation == generation;
                if is_good { Verdict::Good(offer) } else { Verdict::Refused }
            }
            Peek::Spent(spent) => Verdict::Replayed(spent),
            Peek::Nothing => Verdict::Refused,
        })
    }

    /// Spends a credential that [`peek`](Self::peek) found valid. The store records `bought`: the
    /// digest of the grant or e-mail address for which the credential was spent. If the call of the
    /// store fails, the store has possibly spent the credential, so the call is not repeated.
    pub(crate) async fn spend(
        &self,
        offer: Offer,
        bought: Option<&Digest>,
    ) -> Result<Verdict<()>, StoreError> {
        Ok(match self.store.take(offer, bought, self.documents.now()).await? {
            Take::Taken => Verdict::Good(()),
            Take::Spent(spent) => Verdict::Replayed(spent),
            Take::Nothing => Verdict::Refused,
        })
    }

    /// Removes the document with the one-time credentials of a customer who is erased. If the host
    /// supplies a store for one-time credentials, the records stay there until the credentials
    /// expire.
    pub(crate) async fn erase(&self, customer: &CustomerId) -> Result<(), StoreError> {
        self.documents.change(&of_customer(customer), &ErasingCodes).await?.kept()
    }
}

/// The store that keeps one-time credentials in documents.
#[derive(Debug)]
struct DocumentCodes(Arc<Documents>);

#[async_trait]
impl OtcStore for DocumentCodes {
    async fn put(
        &self,
        credential: &OneTimeCredential,
        keep: usize,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let putting = Putting { credential, keep, now };
        self.0.change(&of_customer(&credential.customer), &putting).await?.kept()
    }

    async fn peek(&self, presented: &Presented, now: OffsetDateTime) -> Result<Peek, StoreError> {
        let peeking = Peeking { presented, now };
        let held = self.0.load(&of_customer(&presented.customer), &peeking).await?;
        Ok(match self.0.propose(&held, &peeking)?.answer {
            Found::Live(credential) => {
                let found_in = held.into_documents().into_iter().next().flatten();
                Peek::Live(Offer { credential, found_in })
            }
            Found::Spent(spent) => Peek::Spent(spent),
            Found::Nothing => Peek::Nothing,
        })
    }

    async fn take(
        &self,
        offer: Offer,
        bought: Option<&Digest>,
        now: OffsetDateTime,
    ) -> Result<Take, StoreError> {
        let Offer { credential, found_in } = offer;
        let taking = Taking { credential: &credential, bought, now };
        let mut held = Held::of(&of_customer(&credential.customer), &taking, vec![found_in])?;
        self.0.change_held(&mut held, &taking).await?.kept()
    }
}
