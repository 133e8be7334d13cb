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
        codes::{Erasing, Found, Peeking, Putting, Taking},
        of_customer,
    },
    store::{Generation, Offer, OneTimeCredential, OtcStore, Peek, Presented, Purpose, Spent, Take},
    token::{Digest, Subject},
};

/// The one-time credentials, in whichever store the host keeps them.
///
/// It accepts a credential only under the generation that it was made under: that is how all of a
/// customer's end at once. A store cannot forget to compare it.
#[derive(Debug)]
pub(crate) struct OneTimeCredentials {
    store: Arc<dyn OtcStore>,
    documents: Arc<Documents>,
    random: Arc<dyn SecureRandom>,
}

/// A presented credential.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Verdict<T> {
    /// It is good.
    Good(T),
    /// It was spent before.
    Replayed(Spent),
    /// It is not good.
    Refused,
}

impl OneTimeCredentials {
    /// The number of a customer's live credentials of one purpose that stay; the oldest go.
    pub(crate) const OUTSTANDING: usize = 3;

    /// Keeps them in documents, unless the host has a store of its own for them.
    pub(crate) fn new(
        documents: Arc<Documents>,
        native: Option<Arc<dyn OtcStore>>,
        random: Arc<dyn SecureRandom>,
    ) -> Self {
        let store = native.unwrap_or_else(|| Arc::new(Codes(Arc::clone(&documents))));
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

    /// Returns the customer that a confirmation token may be of. Nothing rests on it: a token is looked up in the
    /// customer's own document.
    pub(crate) async fn owner(&self, token: &Digest) -> Result<Option<CustomerId>, StoreError> {
        Ok(match self.documents.follow(token).await? {
            Some(Subject::Customer(customer)) => Some(customer),
            Some(Subject::Admin(_)) | None => None,
        })
    }

    /// Stores a credential that was made now. Its generation was read before the row that it is made for: a
    /// change of the row since then moves the generation, and the credential is good for nothing.
    pub(crate) async fn put(&self, credential: &OneTimeCredential) -> Result<(), Error> {
        if credential.purpose == Purpose::Confirmation {
            let owner = Subject::Customer(credential.customer.clone());
            self.documents.point(&credential.digest, &owner, credential.expires_at).await?;
        }
        let stored = self.store.put(credential, Self::OUTSTANDING, credential.issued_at).await?;
        // If one of its digest is there, of 2^128 secrets one was drawn twice: the source of randomness
        // repeats itself.
        if stored { Ok(()) } else { Err(InternalError::RepeatedSecret.into()) }
    }

    /// Judges a presented credential under the customer's present generation, and spends nothing. One call,
    /// whether it is good or not.
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

    /// Spends a credential that [`peek`](Self::peek) found good, for what it `bought`. One call;
    /// if it fails, the credential may be spent, and it is not sent again.
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

    /// Removes the document of a customer who is to be forgotten. In a host's own store, the records stay
    /// until they expire.
    pub(crate) async fn erase(&self, customer: &CustomerId) -> Result<(), StoreError> {
        self.documents.change(&of_customer(customer), &Erasing).await?.kept()
    }
}

/// One-time credentials in documents.
#[derive(Debug)]
struct Codes(Arc<Documents>);

#[async_trait]
impl OtcStore for Codes {
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
