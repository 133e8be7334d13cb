use super::{Put, committed, content, document, ensure, key, load, partition, put, version};
use crate::{
    conformance::Failure,
    store::{Change, Changes, Document, Key, Name, StateStore},
};

/// The bytes of a document are stored unchanged: NUL, invalid UTF-8, line ends, and an empty
/// document.
pub(in crate::conformance) async fn a_document_comes_back_byte_for_byte<S: StateStore>(
    store: &S,
) -> Result<(), Failure> {
    let partition = partition("a");
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let contents = [
        &every_byte,
        &b"a\0b"[..],
        b"\0",
        b"",
        b" a \r\n",
        b"{\"b\": 1,  \"a\": 1.0}",
        "\u{fffd}ключ".as_bytes(),
    ];
    for (number, bytes) in (0..).zip(contents) {
        let key = key(number);
        let change = Change::Put(Put { bytes: bytes.to_vec(), ..put(key.clone(), None, number) });
        committed(store, &partition, vec![change]).await?;
        let found = load(store, &partition, &key).await?;
        let expected = Document { version: version(number), bytes: bytes.to_vec() };
        ensure!(found.as_ref() == Some(&expected), "stored {bytes:?}, loaded {found:?}");
    }
    Ok(())
}

/// A commit can store a document of the maximum size together with other documents.
pub(in crate::conformance) async fn a_document_of_64_kib_comes_back<S: StateStore>(
    store: &S,
) -> Result<(), Failure> {
    let partition = partition("a");
    let bytes: Vec<u8> = (b'a'..=b'z').cycle().take(Changes::MAX_BYTES).collect();
    let large = |number| Put { bytes: bytes.clone(), ..put(key(number), None, number) };
    committed(store, &partition, vec![Change::Put(large(0)), Change::Put(large(1))]).await?;
    for number in 0..2 {
        let found = load(store, &partition, &key(number)).await?;
        let whole = found.is_some_and(|found| found.bytes == bytes);
        ensure!(whole, "a document of {} bytes was not loaded unchanged", bytes.len());
    }
    Ok(())
}

/// A load returns one entry for each document key, in the order of the keys. The entry of an absent
/// document is none.
pub(in crate::conformance) async fn a_load_answers_each_key_in_order<S: StateStore>(
    store: &S,
) -> Result<(), Failure> {
    let partition = partition("a");
    let none = store.load(&partition, &[]).await?;
    ensure!(none.is_empty(), "a load of no keys returned {none:?}");
    committed(store, &partition, (0..3).map(|number| Change::Put(put(key(number), None, number))).collect())
        .await?;
    let order = [2, 7, 0, 1, 6];
    let found = store.load(&partition, &order.map(key)).await?;
    let expected = order.map(|number| (number < 3).then(|| document(number)));
    ensure!(found == expected, "loaded {found:?} for the keys {order:?}");
    let many: Vec<_> = (0..Changes::MAX as u64).map(key).collect();
    let found = store.load(&partition, &many).await?;
    ensure!(found.len() == many.len(), "a load of {} keys returned {} documents", many.len(), found.len());
    Ok(())
}

/// Two documents are different if the partition, the kind or the id differs, even if the other two
/// are equal.
pub(in crate::conformance) async fn partitions_kinds_and_ids_are_apart<S: StateStore>(
    store: &S,
) -> Result<(), Failure> {
    let of_kind = |kind, number| Key { kind: Name::of(kind), ..key(number) };
    let places = [
        (partition("a"), key(0)),
        (partition("b"), key(0)),
        (partition("a"), of_kind("document-2", 0)),
        (partition("a"), of_kind("documen", 0)),
        (partition("a"), key(1)),
    ];
    for (number, (partition, key)) in (0..).zip(&places) {
        committed(store, partition, vec![Change::Put(put(key.clone(), None, number))]).await?;
    }
    for (number, (partition, key)) in (0..).zip(&places) {
        let found = load(store, partition, key).await?;
        let right = found.is_some_and(|found| found.bytes == content(number));
        ensure!(right, "a load of {key:?} returned the document of another key");
    }
    Ok(())
}
