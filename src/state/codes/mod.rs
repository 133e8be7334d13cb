//! The one-time credentials of a customer: reset tokens, one-time codes and confirmation tokens.
//!
//! One document holds the outstanding credentials and the marks of spent credentials. The mark
//! distinguishes a replay from a wrong secret: the digest of a replayed credential equals that of a
//! mark. A mark counts until the credential would have expired. If there are more than 128 marks,
//! the mark that expires first is removed.
//!
//! A revocation of all tokens of the customer does not change the document of the one-time
//! credentials. The revocation gives the customer a new generation. This ends all outstanding
//! credentials, because the service accepts a credential only under the generation in which the
//! credential was made.
//!
//! A confirmation token is presented without the customer's id. So a [pointer](super::pointer)
//! document names the customer. The pointer is in a partition that belongs to the token's digest,
//! and is written before the token's record. The pointer is not trusted: the record must be in the
//! customer's document.

mod commands;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

pub(crate) use commands::{ErasingCodes, Peeking, Putting, Taking};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{format::Stored, stored};
use crate::{
    account::{CustomerId, Website},
    clock::{after, micros},
    store::{Generation, OneTimeCredential, Presented, Purpose, Spent, Take},
    token::{Assistance, Digest},
};

/// The document with the one-time credentials of a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Codes {
    customer: CustomerId,
    /// The outstanding credentials, in the order of their creation.
    outstanding: Vec<Outstanding>,
    spent: Vec<Mark>,
}

impl Stored for Codes {
    const FORMAT: u32 = 1;
}

/// A credential that is not spent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Outstanding {
    digest: Digest,
    purpose: Purpose,
    website: Website,
    #[serde(with = "stored::generation")]
    generation: Generation,
    #[serde(with = "stored::any_assistance")]
    assistance: Option<Arc<Assistance>>,
    #[serde(deserialize_with = "Option::deserialize")]
    confirms: Option<Digest>,
    #[serde(with = "micros")]
    issued_at: OffsetDateTime,
    #[serde(with = "micros")]
    expires_at: OffsetDateTime,
}

/// The mark of a spent credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mark {
    digest: Digest,
    purpose: Purpose,
    website: Website,
    #[serde(with = "stored::generation")]
    generation: Generation,
    #[serde(deserialize_with = "Option::deserialize")]
    bought: Option<Digest>,
    #[serde(with = "micros")]
    expires_at: OffsetDateTime,
}

/// The result of a look-up of a presented credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Live(OneTimeCredential),
    Spent(Spent),
    Nothing,
}

impl Codes {
    /// Maximum number of marks, which bounds the size of the document. If there are more marks, the
    /// mark that expires first is removed.
    const MAX_MARKS: usize = 128;
    /// Time for which a mark stays after its expiry: 1 h. A sweep keeps an expired document for the
    /// same time. So a node whose clock is ahead does not remove a mark that a node with a right
    /// clock still needs.
    const SLACK: Duration = Duration::from_secs(60 * 60);

    fn new(customer: CustomerId) -> Self {
        Self { customer, outstanding: Vec::new(), spent: Vec::new() }
    }

    /// Adds a credential. Returns false and adds nothing if the customer already has a credential
    /// with this digest. Of the live credentials of the same purpose, only the newest `keep` stay.
    fn put(&mut self, credential: &OneTimeCredential, keep: usize, now: OffsetDateTime) -> bool {
        self.outstanding.retain(|own| now < own.expires_at);
        self.spent.retain(|mark| now < after(mark.expires_at, Self::SLACK));
        let mut digests = self.digests();
        if digests.any(|digest| *digest == credential.digest) {
            return false;
        }
        drop(digests);
        self.outstanding.push(Outstanding::of(credential));
        let same = |own: &Outstanding| own.purpose == credential.purpose;
        let mut surplus = self.outstanding.iter().filter(|own| same(own)).count().saturating_sub(keep);
        self.outstanding.retain(|own| {
            let goes = surplus > 0 && same(own);
            surplus -= usize::from(goes);
            !goes
        });
        true
    }

    fn digests(&self) -> impl Iterator<Item = &Digest> {
        let outstanding = self.outstanding.iter().map(|own| &own.digest);
        outstanding.chain(self.spent.iter().map(|mark| &mark.digest))
    }

    fn find(&self, presented: &Presented, now: OffsetDateTime) -> Found {
        let credentials = self.outstanding.iter().map(|own| own.credential(&self.customer));
        if let Some(credential) = credentials.into_iter().find(|own| own.fits(presented, now)) {
            return Found::Live(credential);
        }
        let fits = |mark: &&Mark| {
            let Mark { digest, purpose, website, generation: _, bought: _, expires_at } = mark;
            *digest == presented.digest
                && *website == presented.website
                && self.customer == presented.customer
                && presented.purposes.contains(*purpose)
                && now < *expires_at
        };
        match self.spent.iter().find(fits) {
            Some(Mark { purpose, generation, bought, .. }) => {
                Found::Spent(Spent { purpose: *purpose, generation: *generation, bought: *bought })
            }
            None => Found::Nothing,
        }
    }

    /// Spends a live credential.
    fn take(&mut self, presented: &Presented, bought: Option<&Digest>, now: OffsetDateTime) -> Take {
        let credential = match self.find(presented, now) {
            Found::Live(credential) => credential,
            Found::Spent(spent) => return Take::Spent(spent),
            Found::Nothing => return Take::Nothing,
        };
        let OneTimeCredential { digest, purpose, website, generation, expires_at, .. } = credential;
        self.outstanding.retain(|own| own.digest != digest);
        let bought = bought.copied();
        self.spent.push(Mark { digest, purpose, website, generation, bought, expires_at });
        if self.spent.len() > Self::MAX_MARKS {
            let first = self.spent.iter().enumerate().min_by_key(|(_, mark)| mark.expires_at);
            first.map(|(place, _)| place).map(|place| self.spent.remove(place));
        }
        Take::Taken
    }

    /// Returns the latest expiry of all credentials and marks. None if there are no credentials and
    /// no marks.
    fn keep_until(&self) -> Option<OffsetDateTime> {
        let outstanding = self.outstanding.iter().map(|own| own.expires_at);
        outstanding.chain(self.spent.iter().map(|mark| mark.expires_at)).max()
    }
}

impl Outstanding {
    fn of(credential: &OneTimeCredential) -> Self {
        let OneTimeCredential {
            digest,
            purpose,
            website,
            generation,
            assistance,
            confirms,
            issued_at,
            expires_at,
            ..
        } = credential.clone();
        Self { digest, purpose, website, generation, assistance, confirms, issued_at, expires_at }
    }

    fn credential(&self, customer: &CustomerId) -> OneTimeCredential {
        let Self { digest, purpose, website, generation, assistance, confirms, issued_at, expires_at } =
            self.clone();
        let customer = customer.clone();
        OneTimeCredential {
            digest,
            purpose,
            website,
            customer,
            generation,
            assistance,
            confirms,
            issued_at,
            expires_at,
        }
    }
}
