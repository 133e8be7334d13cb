//! What a store answers whose server cannot be reached.

use std::error::Error;

use super::{at, digest, ensure, factors};
use crate::{
    account::AdminId,
    conformance::{Arena, Failure},
    error::StoreError,
    keyring::KeyId,
    store::Store,
};

/// Every verb but those of the token store answers an error, and the error carries its source.
pub(in crate::conformance) fn every_error_has_a_source<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    let (admin, factor) = (AdminId::from(1), digest("factor"));
    let enrolment = factors::enrolment("factor", 1);
    let secret = &enrolment.secret;
    arena.run(async {
        let store = arena.store();
        answered("factor", store.factor(&admin).await)?;
        answered("begin_enrolment", store.begin_enrolment(&enrolment, at(0)).await)?;
        answered("enrolment", store.enrolment(&factor, at(0)).await)?;
        answered("activate", store.activate(&factor, 1, &[digest("code")], at(0)).await)?;
        answered("use_step", store.use_step(&admin, &factor, 1).await)?;
        answered("lower_step", store.lower_step(&admin, &factor, 2, 1).await)?;
        answered("use_recovery_code", store.use_recovery_code(&admin, &factor, &digest("code")).await)?;
        answered("replace_recovery_codes", store.replace_recovery_codes(&admin, &factor, &[]).await)?;
        answered("reseal", store.reseal(&admin, &factor, secret, secret).await)?;
        answered("sealed_by_others", store.sealed_by_others(KeyId(1), 1).await)?;
        answered("remove_factor", store.remove_factor(&admin).await)?;
        answered("purge_enrolments", store.purge_enrolments(at(0), 1).await)
    })?
}

fn answered<T>(verb: &str, answer: Result<T, StoreError>) -> Result<(), Failure> {
    let Err(error) = answer else {
        return Err(Failure::new(format!("{verb} answered without a server")));
    };
    ensure!(error.source().is_some(), "the error of {verb} has no source");
    Ok(())
}
