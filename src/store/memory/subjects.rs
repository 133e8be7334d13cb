use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::Arc,
};

use super::{
    row::Key,
    user_agents::{UserAgent, UserAgents},
};
use crate::{
    store::GenerationId,
    token::{Assistance, Grant, GrantId, Origin, Subject},
};

/// A shard of the index of subjects: which grants each subject has, and the fields of a grant that
/// a look-up reads seldom or never.
#[derive(Default)]
pub(super) struct Subjects {
    /// The epoch of all entries. If it is not the epoch of the tables, then no entry leads to a
    /// live grant.
    epoch: u64,
    /// The hashes of the subjects, each with the id of one of the subject's grants. Two subjects
    /// can have the same hash by a rare coincidence. So the reader of an entry must compare the
    /// subject in the grant's row.
    grants: BTreeMap<(u64, GrantId), Option<Box<Details>>>,
    /// The subjects' own generations. A generation is never removed. A sign-in that read an earlier
    /// generation may still be in progress, and the store must refuse its grant.
    pub(super) generations: HashMap<Subject, GenerationId>,
}

/// The details of a grant that has an origin or an assistance.
pub(super) struct Details {
    source: Option<IpAddr>,
    user_agent: Option<UserAgent>,
    rare: Option<Box<Rare>>,
}

/// The details that most grants do not have.
struct Rare {
    correlation_id: Option<String>,
    assistance: Option<Arc<Assistance>>,
}

impl Subjects {
    /// Removes all entries of an earlier epoch.
    pub(super) fn renew(&mut self, epoch: u64) {
        if self.epoch < epoch {
            self.epoch = epoch;
            self.grants = BTreeMap::new();
        }
    }

    pub(super) fn insert(&mut self, hash: u64, id: GrantId, details: Option<Box<Details>>) {
        self.grants.insert((hash, id), details);
    }

    pub(super) fn remove(&mut self, hash: u64, key: Key) {
        let (first, last) = key.ids().into_inner();
        let entry = self.grants.range((hash, first)..=(hash, last)).next().map(|(entry, _)| *entry);
        entry.and_then(|entry| self.grants.remove(&entry));
    }

    /// Returns the grants of the subjects with this hash.
    pub(super) fn of(&self, hash: u64) -> impl Iterator<Item = (&GrantId, Option<&Details>)> {
        let all = (hash, GrantId::from_bytes([0; 32]))..=(hash, GrantId::from_bytes([0xff; 32]));
        self.grants.range(all).map(|((_, id), details)| (id, details.as_deref()))
    }

    pub(super) fn details(&self, hash: u64, id: GrantId) -> Option<&Details> {
        self.grants.get(&(hash, id))?.as_deref()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.grants.len()
    }
}

impl Details {
    pub(super) fn of(grant: &Grant, origin: &Origin, user_agents: &UserAgents) -> Option<Box<Self>> {
        let rare =
            Rare { correlation_id: origin.correlation_id.clone(), assistance: grant.assistance.clone() };
        let has_rare = rare.correlation_id.is_some() || rare.assistance.is_some();
        let details = Self {
            source: origin.source,
            user_agent: origin.user_agent.as_deref().map(|text| user_agents.shared(text)),
            rare: has_rare.then(|| Box::new(rare)),
        };
        let has_any = has_rare || details.source.is_some() || details.user_agent.is_some();
        has_any.then(|| Box::new(details))
    }

    pub(super) fn origin(&self) -> Origin {
        Origin {
            source: self.source,
            user_agent: self.user_agent.as_ref().map(ToString::to_string),
            correlation_id: self.rare.as_ref().and_then(|rare| rare.correlation_id.clone()),
        }
    }

    pub(super) fn assistance(&self) -> Option<Arc<Assistance>> {
        self.rare.as_ref()?.assistance.clone()
    }
}
