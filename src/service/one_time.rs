//! The one-time credentials of customers.

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

/// The one-time credentials, in the store that the host has configured.
///
/// A credential is accepted only under the generation that it was made under. A new generation
/// therefore ends all credentials of a customer at once. This service compares the generations, so
/// that no store can forget the comparison.
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
    /// Maximum number of live credentials of a customer and purpose. Beyond it, the oldest are
    /// removed.
    pub(crate) const OUTSTANDING: usize = 3;

    /// Creates the service. Credentials are kept in documents, unless the host has a separate store
    /// for them.
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

    /// Returns the customer that a confirmation token may belong to. The result is not trusted: the
    /// token is looked up in the customer's own document.
    pub(crate) async fn owner(&self, token: &Digest) -> Result<Option<CustomerId>, StoreError> {
        Ok(match self.documents.follow(token).await? {
            Some(Subject::Customer(customer)) => Some(customer),
            Some(Subject::Admin(_)) | None => None,
        })
    }

    /// Stores a new credential. Its generation was read before the customer's row. If the host has
    /// ended the customer's credentials since then, the generation has changed and the credential
    /// is not valid.
    pub(crate) async fn put(&self, credential: &OneTimeCredential) -> Result<(), Error> {
        if credential.purpose == Purpose::Confirmation {
            let owner = Subject::Customer(credential.customer.clone());
            self.documents.point(&credential.digest, &owner, credential.expires_at).await?;
        }
        let stored = self.store.put(credential, Self::OUTSTANDING, credential.issued_at).await?;
        // If the digest exists already, then the random source has returned the same 128 bits twice
        // and cannot be trusted.
        if stored { Ok(()) } else { Err(InternalError::RepeatedSecret.into()) }
    }

    /// Verifies a credential under the customer's present generation, and spends nothing. It makes
    /// one store call, whether the credential is valid or not.
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

    /// Spends a credential that [`peek`](Self::peek) found valid, and records what the credential
    /// `bought`. It makes one store call. If the call fails, then the credential may be spent, and
    /// the call is not repeated.
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

    /// Removes the document of a customer who is erased. In a host's own store, the records stay
    /// until they expire.
    pub(crate) async fn erase(&self, customer: &CustomerId) -> Result<(), StoreError> {
        self.documents.change(&of_customer(customer), &ErasingCodes).await?.kept()
    }
}

/// One-time credentials in documents.
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
