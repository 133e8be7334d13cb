//! Random verbs of [`StateStore`].

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use commerce_auth::{
    StateStore, Store,
    store::{
        Change, Changes, CommitOutcome, Document, DocumentId, Index, IndexEntry, Key, Partition, Position,
        Put, Version,
    },
};
use proptest::{
    collection::{btree_map, btree_set, vec},
    prelude::*,
};
use time::OffsetDateTime;

use super::ALL;
use crate::backends::Result;

/// The number of documents in a partition, of two kinds.
const DOCUMENTS: u8 = 6;

/// One sweep of Redis reads 1,000 keys of a database, which has fewer than 20,000.
const SWEEPS: usize = 20;

/// A verb with numbers in place of keys and versions.
#[derive(Clone, Debug)]
pub(super) enum Verb {
    Load { partition: u8, keys: BTreeSet<u8> },
    Commit { partition: u8, changes: BTreeMap<u8, (Expected, Made)> },
    List { partition: Option<u8>, index: u8, after: Option<(i64, u8, u8)>, limit: usize },
    Sweep { ago: u64, limit: usize },
}

/// The version that a change expects.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expected {
    /// The version of the present document, or absence.
    Present,
    /// The version of a commit: the last one, an earlier one, or one of another document.
    Of(u8),
    Absence,
}

#[derive(Clone, Debug)]
pub(super) enum Made {
    Put { lives: Option<i64>, expendable: bool, entries: BTreeMap<(bool, u8), i64>, bytes: Vec<u8> },
    Delete,
    Check,
}

pub(super) fn verb() -> impl Strategy<Value = Verb> {
    let (partition, key, rank) = (0..3_u8, 0..DOCUMENTS, -2..3_i64);
    let expected = prop_oneof![
        8 => Just(Expected::Present),
        1 => any::<u8>().prop_map(Expected::Of),
        1 => Just(Expected::Absence),
    ];
    let entries = btree_map((any::<bool>(), 0..3_u8), rank.clone(), 0..4);
    let put = (prop::option::of(-20..60_i64), any::<bool>(), entries, vec(any::<u8>(), 0..20));
    let made = prop_oneof![
        6 => put.prop_map(|(lives, expendable, entries, bytes)| Made::Put { lives, expendable, entries, bytes }),
        2 => Just(Made::Delete),
        2 => Just(Made::Check),
    ];
    let after = prop::option::of((rank, partition.clone(), key.clone()));
    prop_oneof![
        2 => (partition.clone(), btree_set(key.clone(), 0..5))
            .prop_map(|(partition, keys)| Verb::Load { partition, keys }),
        8 => (partition.clone(), btree_map(key, (expected, made), 0..5))
            .prop_map(|(partition, changes)| Verb::Commit { partition, changes }),
        3 => (prop::option::weighted(0.8, partition), 0..3_u8, after, 0..8_usize)
            .prop_map(|(partition, index, after, limit)| Verb::List { partition, index, after, limit }),
        1 => (0..30_u64, 1..9_usize).prop_map(|(ago, limit)| Verb::Sweep { ago, limit }),
    ]
}

/// The names of the documents of one history.
#[derive(Clone, Copy)]
pub(super) struct Names {
    pub(super) history: u32,
    /// The number of the verb, which is also the version of the documents it puts.
    pub(super) step: u32,
}

impl Names {
    fn partition(self, number: u8) -> Partition {
        Partition::of(&[&[number], &self.history.to_be_bytes()])
    }

    fn version(self, step: u32) -> Version {
        Version::from_bytes((u128::from(self.history) << 64 | u128::from(step)).to_be_bytes())
    }

    fn index(self, number: u8) -> commerce_auth::store::Name {
        format!("index-{number}-of-{}", self.history).parse().expect("a name")
    }

    pub(super) async fn answer(self, verb: &Verb, store: &dyn Store, now: OffsetDateTime) -> Result<String> {
        Ok(match verb {
            Verb::Load { partition, keys } => {
                let keys: Vec<_> = keys.iter().copied().map(key).collect();
                shown(&store.load(&self.partition(*partition), &keys).await?)
            }
            Verb::Commit { partition, changes } => {
                let partition = self.partition(*partition);
                let keys: Vec<_> = changes.keys().copied().map(key).collect();
                let present = store.load(&partition, &keys).await?;
                let changes = changes.iter().zip(present);
                let changes = changes.map(|((number, (expected, made)), present)| {
                    self.change(key(*number), *expected, made, present, now)
                });
                match store.commit(&partition, &Changes::new(changes.collect())?, now).await? {
                    CommitOutcome::Conflict(current) => format!("Conflict {}", shown(&current)),
                    outcome => format!("{outcome:?}"),
                }
            }
            Verb::List { partition, index, after, limit } => {
                let partition = partition.map(|number| self.partition(number));
                let index = Index { partition, name: self.index(*index) };
                let after = after.map(|(rank, partition, number)| Position {
                    rank,
                    partition: self.partition(partition),
                    key: key(number),
                });
                let listed = StateStore::list(store, &index, after.as_ref(), *limit).await?;
                let listed = listed.into_iter().map(|listed| (listed.position, Some(listed.document)));
                let (positions, documents): (Vec<_>, Vec<_>) = listed.unzip();
                format!("{positions:?} {}", shown(&documents))
            }
            Verb::Sweep { ago, limit } => {
                let until = now - Duration::from_secs(*ago);
                let first = store.sweep(until, *limit).await?;
                assert!(first <= *limit, "{first} were swept of at most {limit}");
                let mut removed = first;
                for _ in 0..SWEEPS {
                    removed += store.sweep(until, ALL).await?;
                }
                removed.to_string()
            }
        })
    }

    fn change(
        self,
        key: Key,
        expected: Expected,
        made: &Made,
        present: Option<Document>,
        now: OffsetDateTime,
    ) -> Change {
        let expects = match expected {
            Expected::Present => present.map(|document| document.version),
            Expected::Of(step) => Some(self.version(u32::from(step) % self.step.max(1))),
            Expected::Absence => None,
        };
        match (made, expects) {
            (Made::Put { lives, expendable, entries, bytes }, _) => {
                let entry = |(&(shop_wide, index), &rank): (&(bool, u8), &i64)| IndexEntry {
                    shop_wide,
                    name: self.index(index),
                    rank,
                };
                Change::Put(Put {
                    key,
                    expects,
                    version: self.version(self.step),
                    keep_until: lives.map(|lives| now + time::Duration::seconds(lives)),
                    expendable: *expendable,
                    index: entries.iter().map(entry).collect(),
                    bytes: bytes.clone(),
                })
            }
            (Made::Delete, Some(expects)) => Change::Delete { key, expects },
            (Made::Delete | Made::Check, expects) => Change::Check { key, expects },
        }
    }
}

fn key(number: u8) -> Key {
    let kind = if number < DOCUMENTS / 2 { "kind" } else { "another-kind" };
    Key { kind: kind.parse().expect("a name"), id: DocumentId::from_bytes([number % 4; 32]) }
}

/// Returns the documents with all bytes. The `Debug` output of a document omits them.
fn shown(documents: &[Option<Document>]) -> String {
    let shown = |document: &Document| (document.version, document.bytes.clone());
    format!("{:?}", documents.iter().map(|document| document.as_ref().map(shown)).collect::<Vec<_>>())
}
