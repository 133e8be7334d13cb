//! The case of a token store whose server cannot be reached.

use std::error::Error;

use super::{Generation, Origin, TokenStore, UNCAPPED, at, ensure, fresh, grant, id, subject};
use crate::{conformance::Failure, error::StoreError};

/// Each verb of a store whose server cannot be reached returns an error that has the driver's error
/// as its source.
pub(in crate::conformance) async fn every_error_has_a_source<S: TokenStore>(
    store: &S,
) -> Result<(), Failure> {
    let (fresh, own) = (fresh()?, grant("a", 1));
    let known = Generation { shop: fresh, subject: None };
    let answers = [
        ("generation", failure(store.generation(&subject(1), fresh).await)),
        ("insert", failure(store.insert(&own, &Origin::default(), known, UNCAPPED, at(0)).await)),
        ("find", failure(store.find(&id("a"), at(0)).await)),
        ("revoke", failure(store.revoke(&id("a"), at(0), at(1)).await)),
        ("revoke_all", failure(store.revoke_all(&subject(1), None, fresh, at(0)).await)),
        ("revoke_everything", failure(store.revoke_everything(fresh, at(0)).await)),
        ("grants", failure(store.grants(&subject(1), 10, at(0)).await)),
        ("purge_tokens", failure(store.purge_tokens(at(0), 1).await)),
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
