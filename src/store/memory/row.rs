//! The rows of grants, packed for fast look-ups and little memory.

use std::{num::NonZeroU16, ops::RangeInclusive, sync::Arc};

use crate::{
    account::{Website, id::AccountId},
    token::{Assistance, Grant, GrantId, Obtained, Subject},
};

/// The key of a row: the first half of the grant's id, 128 bits.
///
/// A bearer token has 129 random bits. So a second token with the same key is as hard to find as
/// the first token itself, and a look-up need not compare the second half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(u128);

impl Key {
    pub(super) fn of(id: &GrantId) -> Self {
        Self(id.as_bytes().first_chunk().map_or(0, |half| u128::from_be_bytes(*half)))
    }

    /// Returns the smallest and the largest id with this key.
    pub(super) fn ids(self) -> RangeInclusive<GrantId> {
        let id = |second_half| {
            let mut bytes = [second_half; 32];
            if let Some(first_half) = bytes.first_chunk_mut() {
                *first_half = self.0.to_be_bytes();
            }
            GrantId::from_bytes(bytes)
        };
        id(0)..=id(0xff)
    }

    /// Returns the index of the shard that holds the row: the first 8 bits. No hash function is
    /// needed, because the id is a digest of a random token, which an attacker cannot choose.
    pub(super) fn shard(self) -> u8 {
        u8::try_from(self.0 >> 120).unwrap_or_default()
    }

    /// Returns the 64 bits after the bits of the shard. They decide the place of the row within its
    /// shard.
    pub(super) fn within_shard(self) -> u64 {
        u64::try_from((self.0 << 8) >> 64).unwrap_or_default()
    }
}

/// A grant in 64 bytes: the size of a cache line. A million rows do not fit into the processor's
/// cache. So a look-up reads the row from main memory, and reads nothing else from there. Times are
/// in microseconds since 1970.
#[repr(align(64))]
pub(super) struct Row {
    pub(super) key: Key,
    account: AccountId,
    pub(super) issued_at: i64,
    pub(super) expires_at: i64,
    /// The index of the website in [`Websites`], plus one.
    website: Option<NonZeroU16>,
    obtained: Obtained,
    is_admin: bool,
    /// True if the grant has an assistance. The assistance is in the index of subjects, because
    /// most grants have none.
    pub(super) is_assisted: bool,
}

impl Row {
    pub(super) fn pack(grant: &Grant, websites: &mut Websites) -> Self {
        let (account, is_admin) = match &grant.subject {
            Subject::Customer(id) => (id.form().clone(), false),
            Subject::Admin(id) => (id.form().clone(), true),
        };
        Self {
            key: Key::of(&grant.id),
            account,
            issued_at: grant.issued_micros,
            expires_at: grant.expires_micros,
            website: grant.website.as_ref().and_then(|website| websites.index(website)),
            obtained: grant.obtained,
            is_admin,
            is_assisted: grant.assistance.is_some(),
        }
    }

    /// Builds the grant from its row. The caller knows the id and the assistance. The function is
    /// inlined, so that a look-up does not copy the grant in memory once more.
    #[inline(always)]
    pub(super) fn unpack(
        &self,
        id: GrantId,
        assistance: Option<Arc<Assistance>>,
        websites: &Websites,
    ) -> Grant {
        Grant {
            id,
            subject: self.subject(),
            website: self.website.and_then(|index| websites.get(index)),
            obtained: self.obtained,
            assistance,
            issued_micros: self.issued_at,
            expires_micros: self.expires_at,
        }
    }

    #[inline(always)]
    pub(super) fn subject(&self) -> Subject {
        let id = self.account.clone();
        if self.is_admin { Subject::Admin(id.into()) } else { Subject::Customer(id.into()) }
    }
}

/// The websites of the grants in a shard. A row holds an index into this list, plus one.
#[derive(Default)]
pub(super) struct Websites(Vec<Website>);

impl Websites {
    /// Returns the index of a website, plus one. A row has room for 65,535 websites of a shard. If
    /// the shard has more websites, then the row of a grant for a further website holds no website.
    /// No website accepts the token of this grant.
    fn index(&mut self, website: &Website) -> Option<NonZeroU16> {
        let place = self.0.iter().position(|other| other == website).unwrap_or_else(|| {
            self.0.push(website.clone());
            self.0.len() - 1
        });
        u16::try_from(place + 1).ok().and_then(NonZeroU16::new)
    }

    fn get(&self, index: NonZeroU16) -> Option<Website> {
        self.0.get(usize::from(index.get()) - 1).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_a_cache_line() {
        assert_eq!((size_of::<Option<Row>>(), align_of::<Row>()), (64, 64));
    }
}
