//! What a store answers whose server cannot be reached.

use std::error::Error;

use super::{at, customer, digest, ensure, ledger};
use crate::{
    account::Website,
    conformance::{Arena, Failure},
    error::StoreError,
    store::{AssistanceEnd, OneTimeCredential, Presented, Purposes, Store},
};

/// Every verb but those of the token store answers an error, and the error carries its source.
pub(in crate::conformance) fn every_error_has_a_source<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    let code =
        OneTimeCredential::reset_token(digest("reset"), Website::default(), customer(1), at(0), at(60));
    let presented = Presented {
        website: Website::default(),
        customer: customer(1),
        digest: digest("reset"),
        purposes: Purposes { reset_token: true, one_time_code: true },
    };
    let entry = ledger::entry("a", 1, 0)?;
    arena.run(async {
        let store = arena.store();
        answered("put", store.put(&code, 3, at(0)).await)?;
        answered("peek", store.peek(&presented, at(0)).await)?;
        answered("take", store.take(&presented, None, at(0)).await)?;
        answered("discard", store.discard(&customer(1)).await)?;
        answered("purge_codes", store.purge_codes(at(0), 1).await)?;
        answered("begin_assistance", store.begin_assistance(&entry).await)?;
        let end = store.end_assistance(&entry.grant, AssistanceEnd::Expired, at(1)).await;
        answered("end_assistance", end)?;
        answered("find_assistance", store.find_assistance(&entry.grant).await)?;
        answered("open_assistance", store.open_assistance(1).await)?;
        answered("assistance_of", store.assistance_of(&entry.customer, 1).await)?;
        answered("erase_assistance", store.erase_assistance(&entry.customer).await)?;
        answered("purge_assistance", store.purge_assistance(at(0), 1).await)
    })?
}

fn answered<T>(verb: &str, answer: Result<T, StoreError>) -> Result<(), Failure> {
    let Err(error) = answer else {
        return Err(Failure::new(format!("{verb} answered without a server")));
    };
    ensure!(error.source().is_some(), "the error of {verb} has no source");
    Ok(())
}
