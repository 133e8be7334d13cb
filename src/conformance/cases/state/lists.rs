use super::{KIND, Put, committed, content, document, ensure, key, partition, put, version};
use crate::{
    conformance::Failure,
    store::{Change, Index, IndexEntry, Listed, Name, Partition, Position, StateStore},
};

const NAME: Name = Name::of("index");

fn entry(name: Name, shop_wide: bool, rank: i64) -> IndexEntry {
    IndexEntry { shop_wide, name, rank }
}

fn own_index(partition: Partition) -> Index {
    Index { partition: Some(partition), name: NAME }
}

const fn shop_index() -> Index {
    Index { partition: None, name: NAME }
}

fn listed(partition: Partition, rank: i64, number: u64) -> Listed {
    Listed { position: Position { rank, partition, key: key(number) }, document: document(number) }
}

/// Puts the document with this number into the store, with these index entries.
async fn put_listed<S: StateStore>(
    store: &S,
    partition: &Partition,
    number: u64,
    index: Vec<IndexEntry>,
) -> Result<(), Failure> {
    committed(store, partition, vec![Change::Put(Put { index, ..put(key(number), None, number) })]).await
}

/// A list of an index is in ascending order of rank, so negative ranks come first. The list has the
/// content of each document.
pub(in crate::conformance) async fn a_list_is_in_order_of_rank<S: StateStore>(
    store: &S,
) -> Result<(), Failure> {
    let ranks = [5, -1, i64::MAX, 0, i64::MIN, 10, -10];
    for (shop_wide, name) in [(false, "a"), (true, "b")] {
        let partition = partition(name);
        let index = if shop_wide { shop_index() } else { own_index(partition) };
        let none = store.list(&index, None, 10).await?;
        ensure!(none.is_empty(), "an empty index listed {none:?}");
        let mut expected = Vec::new();
        for (number, rank) in (0..).zip(ranks) {
            put_listed(store, &partition, number, vec![entry(NAME, shop_wide, rank)]).await?;
            expected.push(listed(partition, rank, number));
        }
        expected.sort_by_key(|listed| listed.position.rank);
        let found = store.list(&index, None, 10).await?;
        ensure!(found == expected, "listed {found:?} in place of {expected:?}");
    }
    Ok(())
}

/// A list that begins after a position has exactly the documents that come after that position in
/// the index. This also holds if several documents have the same rank, and if the document at the
/// position was removed.
pub(in crate::conformance) async fn a_list_goes_on_behind_a_position<S: StateStore>(
    store: &S,
) -> Result<(), Failure> {
    let mut expected = Vec::new();
    for number in 0..20 {
        let partition = partition(if number % 2 == 0 { "a" } else { "b" });
        let rank = if number < 3 { 1 } else { 2 };
        put_listed(store, &partition, number, vec![entry(NAME, true, rank)]).await?;
        expected.push(listed(partition, rank, number));
    }
    expected.sort_by_key(|listed| listed.position.clone());
    for limit in [1, 3, 19, 20] {
        let mut found: Vec<Listed> = Vec::new();
        loop {
            let after = found.last().map(|last| last.position.clone());
            let page = store.list(&shop_index(), after.as_ref(), limit).await?;
            ensure!(page.len() <= limit, "a list of at most {limit} returned {}", page.len());
            if page.is_empty() || found.len() > expected.len() {
                break;
            }
            found.extend(page);
        }
        ensure!(found == expected, "pages of {limit} listed {found:?} in place of {expected:?}");
    }
    let Some(Listed { position, .. }) = expected.get(5) else { return Ok(()) };
    let gone = Change::Delete { key: position.key.clone(), expects: document_version(&expected, 5) };
    committed(store, &position.partition, vec![gone]).await?;
    let found = store.list(&shop_index(), Some(position), 100).await?;
    ensure!(Some(&*found) == expected.get(6..), "after a removed position, listed {found:?}");
    Ok(())
}

fn document_version(listed: &[Listed], place: usize) -> crate::store::Version {
    listed.get(place).map_or(version(0), |listed| listed.document.version)
}

/// A list returns as many documents as the caller requested, if the index has at least that many.
pub(in crate::conformance) async fn a_list_is_not_cut_short<S: StateStore>(store: &S) -> Result<(), Failure> {
    let partition = partition("a");
    let other = Name::of("index-2");
    for first in (0..1_000).step_by(20) {
        let changes = (first..first + 20).map(|number| {
            let rank = i64::try_from(number).unwrap_or_default();
            let index = vec![entry(NAME, false, rank), entry(other.clone(), true, rank)];
            Change::Put(Put { index, ..put(key(number), None, number) })
        });
        committed(store, &partition, changes.collect()).await?;
    }
    for index in [own_index(partition), Index { partition: None, name: other.clone() }] {
        for limit in [999, 1_000, 5_000] {
            let found = store.list(&index, None, limit).await?.len();
            let expected = limit.min(1_000);
            ensure!(found == expected, "a list of at most {limit} returned {found} of 1000");
        }
    }
    Ok(())
}

/// A document that is put again with the same index entries stays in the list, with its new
/// content.
pub(in crate::conformance) async fn an_entry_that_is_put_again_stays<S: StateStore>(
    store: &S,
) -> Result<(), Failure> {
    let partition = partition("a");
    let own = Name::of("index-2");
    let index = vec![entry(NAME, true, 1), entry(own.clone(), false, 2)];
    put_listed(store, &partition, 0, index.clone()).await?;
    for next in 1..4 {
        let again = Put { index: index.clone(), ..put(key(0), Some(version(next - 1)), next) };
        committed(store, &partition, vec![Change::Put(again)]).await?;
        for (of, rank) in [(shop_index(), 1), (Index { name: own.clone(), ..own_index(partition) }, 2)] {
            let position = Position { rank, partition, key: key(0) };
            let expected = [Listed { position, document: document(next) }];
            let found = store.list(&of, None, 10).await?;
            ensure!(
                found == expected,
                "after a second put, {of:?} listed {found:?} in place of {expected:?}"
            );
        }
    }
    Ok(())
}

/// A list leaves out deleted documents, and documents whose entry in the index was removed. If an
/// index entry of a document gets a new rank, then the list has the document only at the new
/// position.
pub(in crate::conformance) async fn a_list_leaves_out_entries_that_are_gone<S: StateStore>(
    store: &S,
) -> Result<(), Failure> {
    for (shop_wide, name) in [(false, "a"), (true, "b")] {
        let partition = partition(name);
        let index = if shop_wide { shop_index() } else { own_index(partition) };
        for number in 0..4 {
            put_listed(store, &partition, number, vec![entry(NAME, shop_wide, 1)]).await?;
        }
        let replace = |number, index| {
            Change::Put(Put { index, ..put(key(number), Some(version(number)), 10 + number) })
        };
        committed(
            store,
            &partition,
            vec![
                Change::Delete { key: key(0), expects: version(0) },
                replace(1, Vec::new()),
                replace(2, vec![entry(NAME, shop_wide, 7)]),
            ],
        )
        .await?;
        let found = store.list(&index, None, 10).await?;
        let moved = Listed { position: Position { rank: 7, partition, key: key(2) }, document: document(12) };
        let expected = [listed(partition, 1, 3), moved];
        ensure!(found == expected, "listed {found:?} in place of {expected:?}");
    }
    Ok(())
}

/// Indexes of partitions and indexes of the whole shop are separate. Indexes with different names
/// are also separate. This holds even if the same documents have entries in several indexes.
pub(in crate::conformance) async fn indexes_are_apart<S: StateStore>(store: &S) -> Result<(), Failure> {
    let other = Name::of("index-2");
    let [a, b] = ["a", "b"].map(partition);
    put_listed(store, &a, 0, vec![entry(NAME, false, 0)]).await?;
    put_listed(store, &a, 1, vec![entry(NAME, true, 1)]).await?;
    put_listed(store, &b, 2, vec![entry(NAME, false, 2)]).await?;
    put_listed(store, &b, 3, vec![entry(other.clone(), true, 3), entry(other.clone(), false, 4)]).await?;
    put_listed(store, &b, 4, vec![entry(NAME, false, 5), entry(NAME, true, 6)]).await?;
    let of = |partition, name: &Name| Index { partition, name: name.clone() };
    for (index, expected) in [
        (of(Some(a), &NAME), vec![listed(a, 0, 0)]),
        (of(Some(b), &NAME), vec![listed(b, 2, 2), listed(b, 5, 4)]),
        (of(None, &NAME), vec![listed(a, 1, 1), listed(b, 6, 4)]),
        (of(Some(a), &other), vec![]),
        (of(Some(b), &other), vec![listed(b, 4, 3)]),
        (of(None, &other), vec![listed(b, 3, 3)]),
        (of(None, &KIND), vec![]),
    ] {
        let found = store.list(&index, None, 10).await?;
        ensure!(found == expected, "{index:?} listed {found:?} in place of {expected:?}");
    }
    let bytes = store.list(&of(None, &NAME), None, 1).await?;
    let bytes = bytes.first().map(|listed| &listed.document.bytes);
    ensure!(bytes == Some(&content(1)), "a list returned other bytes: {bytes:?}");
    Ok(())
}
