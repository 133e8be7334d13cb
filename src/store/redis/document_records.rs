//! The stored form of documents and index entries. The script `documents.lua` also reads this form,
//! so change this file and the script together.

use super::{failure::Failure, records::Reader};
use crate::{
    clock::micros,
    store::{Document, DocumentId, Index, IndexEntry, Key, Listed, Partition, Position, Put, Version},
};

const CORRUPT: Failure = Failure::Corrupt("a document");

/// The stored `keep_until` of a document without a `keep_until`. These bytes encode no valid time.
const FOR_GOOD: [u8; 8] = [u8::MAX; 8];
/// The byte after a kind. It is less than each byte that a kind can contain. If a longer kind
/// begins with a shorter kind, then the shorter kind therefore sorts first.
const END_OF_KIND: u8 = 0;

/// Encodes a document in this order: the version, `keep_until`, the index entries, the content.
pub(super) fn write_document(partition: &Partition, put: &Put) -> Vec<u8> {
    let mut record = Vec::with_capacity(25 + put.bytes.len());
    record.extend(put.version.as_bytes());
    record.extend(put.keep_until.map_or(FOR_GOOD, |at| in_order(micros::from_time(at))));
    record.push(u8::try_from(put.index.len()).unwrap_or(u8::MAX));
    for IndexEntry { shop_wide: _, name: _, rank } in &put.index {
        record.extend(in_order(*rank));
    }
    for entry in &put.index {
        let index = index_name(&entry.index(partition));
        record.push(u8::try_from(index.len()).unwrap_or(u8::MAX));
        record.extend(index);
    }
    record.extend(&put.bytes);
    record
}

pub(super) fn read_document(record: &[u8]) -> Result<Document, Failure> {
    Reader(record).document().ok_or(CORRUPT)
}

/// Returns the name of a document, which is unique in the shop: the partition, the kind and the id.
/// The byte order of the names is the order of [`Position`] among documents of equal rank.
pub(super) fn document_name(partition: &Partition, key: &Key) -> Vec<u8> {
    [partition.as_bytes(), key.kind.as_str().as_bytes(), &[END_OF_KIND], key.id.as_bytes()].concat()
}

/// Returns the name of an index, which is unique in the shop. The name for an index of a partition
/// has more than 32 bytes, because it begins with the 32 bytes of the partition. The name for an
/// index of the whole shop has at most 32 bytes. So an index of a partition and an index of the
/// shop have different names.
pub(super) fn index_name(index: &Index) -> Vec<u8> {
    let partition = index.partition.as_ref().map_or(&[][..], |partition| partition.as_bytes());
    [partition, index.name.as_str().as_bytes()].concat()
}

/// Encodes an entry of an index as a member of a Redis sorted set: the rank, then the document's
/// name. The server orders the members by their bytes.
pub(super) fn write_position(position: &Position) -> Vec<u8> {
    [&in_order(position.rank)[..], &document_name(&position.partition, &position.key)].concat()
}

pub(super) fn read_listed(member: &[u8], record: &[u8]) -> Result<Listed, Failure> {
    let position = Reader(member).position().ok_or(Failure::Corrupt("an index"))?;
    Ok(Listed { position, document: read_document(record)? })
}

/// Encodes an integer in eight bytes whose byte order is the order of the integers. Scripts compare
/// these bytes, because Lua cannot represent large integers exactly.
pub(super) const fn in_order(number: i64) -> [u8; 8] {
    (number ^ i64::MIN).to_be_bytes()
}

impl Reader<'_> {
    fn document(&mut self) -> Option<Document> {
        let version = Version::from_bytes(self.take(16)?.try_into().ok()?);
        let _keep_until = self.int()?;
        let entries = self.byte()?;
        let _ranks = self.take(8 * usize::from(entries))?;
        for _ in 0..entries {
            let length = self.byte()?;
            self.take(length.into())?;
        }
        Some(Document { version, bytes: self.0.to_vec() })
    }

    fn position(&mut self) -> Option<Position> {
        let rank = i64::from_be_bytes(self.int()?) ^ i64::MIN;
        let partition = Partition::from_bytes(self.digest_bytes()?);
        let kind = self.take(self.0.iter().position(|&byte| byte == END_OF_KIND)?)?;
        let kind = str::from_utf8(kind).ok()?.parse().ok()?;
        let _end = self.byte()?;
        let id = DocumentId::from_bytes(self.digest_bytes()?);
        Some(Position { rank, partition, key: Key { kind, id } })
    }

    fn digest_bytes(&mut self) -> Option<[u8; 32]> {
        self.take(32)?.try_into().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_in_the_order_of_positions() {
        let mut positions = Vec::new();
        for rank in [i64::MIN, -(1 << 53) - 1, -(1 << 53), -1, 0, 1, 1 << 53, (1 << 53) + 1, i64::MAX] {
            for partition in [[0; 32], [1; 32], [255; 32]] {
                for kind in ["doc", "doc-2", "docs", "0"] {
                    for id in [[0; 32], [255; 32]] {
                        let key = Key { kind: kind.parse().unwrap(), id: DocumentId::from_bytes(id) };
                        let partition = Partition::from_bytes(partition);
                        positions.push(Position { rank, partition, key });
                    }
                }
            }
        }
        positions.sort();
        let members: Vec<_> = positions.iter().map(write_position).collect();
        assert!(members.is_sorted());
        for (position, member) in positions.iter().zip(members) {
            assert_eq!(Reader(&member).position().as_ref(), Some(position));
        }
    }
}
