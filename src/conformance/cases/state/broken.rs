//! The case of a state store whose server cannot be reached.

use std::error::Error;

use super::{KIND, at, ensure, key, partition, put};
use crate::{
    conformance::Failure,
    error::StoreError,
    store::{Change, Changes, Index, StateStore},
};

/// Each verb of a store whose server cannot be reached returns an error that has the driver's error
/// as its source.
pub(in crate::conformance) async fn every_error_has_a_source<S: StateStore>(
    store: &S,
) -> Result<(), Failure> {
    let partition = partition("a");
    let changes = Changes::new(vec![Change::Put(put(key(0), None, 1))]);
    let changes = changes.map_err(|error| Failure::new(error.to_string()))?;
    let index = Index { partition: Some(partition), name: KIND };
    let answers = [
        ("load", failure(store.load(&partition, &[key(0)]).await)),
        ("commit", failure(store.commit(&partition, &changes, at(0)).await)),
        ("list", failure(store.list(&index, None, 10).await)),
        ("sweep", failure(store.sweep(at(0), 10).await)),
    ];
    for (verb, answer) in answers {
        let error = answer.ok_or_else(|| Failure::new(format!("{verb} returned no error")))?;
        ensure!(error.source().is_some(), "the error of {verb} has no source");
    }
    Ok(())
}

fn failure<T>(answer: Result<T, StoreError>) -> Option<StoreError> {
    answer.err()
}
