//! A host's own store of one-time credentials, written with the public traits and types alone.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use commerce_auth::{
    OtcStore,
    error::StoreError,
    store::{Offer, OneTimeCredential, Peek, Presented, Spent, Take},
    token::Digest,
};
use time::OffsetDateTime;

/// The rows, in the order of their arrival.
#[derive(Clone, Debug, Default)]
pub struct NativeCodes(Arc<Mutex<Vec<Row>>>);

#[derive(Debug)]
struct Row {
    credential: OneTimeCredential,
    /// Set once the credential is spent: the grant that was issued for it, if there is one.
    spent: Option<Option<Digest>>,
}

impl Row {
    fn mark(&self) -> Option<Spent> {
        let OneTimeCredential { purpose, generation, .. } = self.credential;
        self.spent.map(|bought| Spent { purpose, generation, bought })
    }
}

#[async_trait]
impl OtcStore for NativeCodes {
    async fn put(
        &self,
        credential: &OneTimeCredential,
        keep: usize,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let mut rows = self.0.lock().unwrap();
        rows.retain(|row| now < row.credential.expires_at + Duration::from_secs(60 * 60));
        let is_same = |own: &OneTimeCredential| own.customer == credential.customer;
        if rows.iter().any(|row| is_same(&row.credential) && row.credential.digest == credential.digest) {
            return Ok(false);
        }
        rows.push(Row { credential: credential.clone(), spent: None });
        let counts = |row: &Row| {
            let own = &row.credential;
            is_same(own) && own.purpose == credential.purpose && row.spent.is_none() && now < own.expires_at
        };
        let mut surplus = rows.iter().filter(|row| counts(row)).count().saturating_sub(keep);
        rows.retain(|row| {
            let goes = surplus > 0 && counts(row);
            surplus -= usize::from(goes);
            !goes
        });
        Ok(true)
    }

    async fn peek(&self, presented: &Presented, now: OffsetDateTime) -> Result<Peek, StoreError> {
        let Presented { website, customer, digest, purposes } = presented;
        let rows = self.0.lock().unwrap();
        let found = rows.iter().find(|Row { credential: own, .. }| {
            (&own.website, &own.customer, &own.digest) == (website, customer, digest)
                && purposes.contains(own.purpose)
                && now < own.expires_at
        });
        Ok(match found {
            None => Peek::Nothing,
            Some(row) => match row.mark() {
                Some(spent) => Peek::Spent(spent),
                None => Peek::Live(Offer { credential: row.credential.clone(), found_in: None }),
            },
        })
    }

    async fn take(
        &self,
        offer: Offer,
        bought: Option<&Digest>,
        now: OffsetDateTime,
    ) -> Result<Take, StoreError> {
        let mut rows = self.0.lock().unwrap();
        let found = rows.iter_mut().find(|row| row.credential == offer.credential);
        Ok(match found {
            Some(row) if now < row.credential.expires_at => match row.mark() {
                Some(spent) => Take::Spent(spent),
                None => {
                    row.spent = Some(bought.copied());
                    Take::Taken
                }
            },
            _ => Take::Nothing,
        })
    }
}
