use async_trait::async_trait;
use redis::{Value, cmd};
use time::OffsetDateTime;

use super::{
    PURGED_AT_ONCE, RedisStore, Shared,
    answer::{bytes, pairs, size},
    document_records::{
        document_name, in_order, index_name, read_document, read_listed, write_document, write_position,
    },
    failure::Failure,
    keys::kept_for,
    script::{COMMIT, COMMIT_IN_PLACE, CREATE, Call, LIST_DOCUMENTS, SWEEP_DOCUMENTS},
};
use crate::{
    clock::micros,
    error::StoreError,
    store::{Change, Changes, CommitOutcome, Document, Index, Key, Listed, Partition, Position, StateStore},
};

/// The argument of the script `commit.lua` for a [`Change::Check`], in place of a document.
const KEEP: &[u8] = b"";
/// The argument of the script `commit.lua` for a [`Change::Delete`], in place of a document. Every
/// document has more bytes than this argument.
const DELETE: &[u8] = b"-";

#[async_trait]
impl StateStore for RedisStore {
    async fn load(&self, partition: &Partition, keys: &[Key]) -> Result<Vec<Option<Document>>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut question = cmd("MGET");
        for key in keys {
            question.arg(self.0.keys.document(&document_name(partition, key)));
        }
        Ok(documents(&self.0.links.ask(&question).await?)?)
    }

    async fn commit(
        &self,
        partition: &Partition,
        changes: &Changes,
        now: OffsetDateTime,
    ) -> Result<CommitOutcome, StoreError> {
        if changes.is_empty() {
            return Ok(CommitOutcome::Committed);
        }
        let call = self.0.call_of(partition, changes, now);
        let links = &self.0.links;
        let answer = if is_ending(changes) { links.run_ending(call).await } else { links.run(call).await };
        match answer {
            Ok(Value::Int(_)) => Ok(CommitOutcome::Committed),
            Ok(answer) => Ok(CommitOutcome::Conflict(documents(&answer)?)),
            // The server did not run the script, because the shop's Redis keys have moved to a
            // different server of the cluster.
            Err(failure) if failure.is("MOVED") => {
                let keys: Vec<_> = changes.iter().map(|change| change.key().clone()).collect();
                Ok(CommitOutcome::Conflict(self.load(partition, &keys).await?))
            }
            Err(failure) => Err(failure.into()),
        }
    }

    async fn list(
        &self,
        index: &Index,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let (keys, index) = (&self.0.keys, index_name(index));
        let from = after.map_or_else(|| b"-".to_vec(), |after| [b"(", &*write_position(after)].concat());
        let call = LIST_DOCUMENTS
            .on([keys.index_of_documents(&index)])
            .arg(keys.kind("d"))
            .arg(index)
            .arg(from)
            .arg(limit);
        let answer = self.0.links.run(call).await?;
        pairs(&answer)?.into_iter().map(|(member, record)| Ok(read_listed(member, record)?)).collect()
    }

    async fn sweep(&self, until: OffsetDateTime, limit: usize) -> Result<usize, StoreError> {
        let keys = &self.0.keys;
        let call = SWEEP_DOCUMENTS
            .on([keys.cursor("d")])
            .arg(keys.pattern("d"))
            .arg(PURGED_AT_ONCE)
            .arg(keys.kind("i"))
            .arg(keys.kind("d"))
            .arg(&in_order(micros::from_time(until)))
            .arg(limit);
        Ok(size(&self.0.links.run(call).await?)?)
    }
}

impl Shared {
    /// Returns the call of the cheapest script that can make these changes.
    fn call_of(&self, partition: &Partition, changes: &Changes, now: OffsetDateTime) -> Call {
        let creation = |change: &Change| matches!(change, Change::Put(put) if put.expects.is_none());
        let indexed = |change: &Change| matches!(change, Change::Put(put) if !put.index.is_empty());
        let only_creates = changes.iter().all(|change| creation(change) && !indexed(change));
        let script = if only_creates {
            &CREATE
        } else if changes.iter().any(creation) {
            &COMMIT
        } else {
            &COMMIT_IN_PLACE
        };
        let name = |change: &Change| self.keys.document(&document_name(partition, change.key()));
        let mut call = script.on(changes.iter().map(name));
        for change in changes.iter() {
            if !only_creates {
                call = call.arg(change.expects().as_ref().map_or(&[][..], |version| version.as_bytes()));
            }
            call = match change {
                Change::Put(put) => call.arg(write_document(partition, put)).arg(
                    // The server gets no expiry for a document with index entries. Otherwise the
                    // server would remove the document, but not its entries.
                    put.keep_until
                        .filter(|_| put.index.is_empty())
                        .map_or_else(String::new, |keep_until| kept_for(keep_until, now).to_string()),
                ),
                Change::Delete { .. } => call.arg(DELETE).arg(""),
                Change::Check { .. } => call.arg(KEEP).arg(""),
            };
        }
        call
    }
}

/// True if the commit may end something, for example the validity of a one-time code. If a failover
/// lost such a commit, then the code would be valid again. So such a commit waits for replicas, if
/// the store is configured to wait. A commit that only counts failed attempts ends nothing, so it
/// does not wait.
fn is_ending(changes: &Changes) -> bool {
    changes.iter().any(|change| match change {
        Change::Put(put) => !put.expendable,
        Change::Delete { .. } => true,
        Change::Check { .. } => false,
    })
}

fn documents(answer: &Value) -> Result<Vec<Option<Document>>, Failure> {
    let Value::Array(records) = answer else { return Err(Failure::Corrupt("an answer")) };
    records.iter().map(|record| bytes(record)?.map(read_document).transpose()).collect()
}
