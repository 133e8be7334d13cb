//! Cases of the token store.

pub(in crate::conformance) mod broken;
pub(in crate::conformance) mod caps;
pub(in crate::conformance) mod generations;
pub(in crate::conformance) mod lists;
pub(in crate::conformance) mod lives;
pub(in crate::conformance) mod races;
pub(in crate::conformance) mod revokes;

use std::num::NonZero;

use time::OffsetDateTime;

use super::{assistance, at, ensure, grant, id, just_before, odd_texts, subject, website};
use crate::{
    account::AdminId,
    conformance::Failure,
    random::ChaChaRandom,
    store::{Generation, GenerationId, Insert, TokenStore},
    token::{Grant, GrantId, Obtained, Origin, Subject},
};

/// A maximum number of live grants that no case reaches.
const UNCAPPED: NonZero<usize> = NonZero::<usize>::MAX;

/// Returns a generation id that no other call returns.
fn fresh() -> Result<GenerationId, Failure> {
    GenerationId::draw(&ChaChaRandom::new()).map_err(|error| Failure::new(error.to_string()))
}

async fn generation<S: TokenStore>(store: &S, subject: &Subject) -> Result<Generation, Failure> {
    Ok(store.generation(subject, fresh()?).await?)
}

/// Signs in: reads the generation, and then inserts the grant.
async fn insert<S: TokenStore>(store: &S, grant: &Grant) -> Result<Insert, Failure> {
    insert_within(store, grant, UNCAPPED).await
}

async fn insert_within<S: TokenStore>(
    store: &S,
    grant: &Grant,
    cap: NonZero<usize>,
) -> Result<Insert, Failure> {
    let generation = generation(store, &grant.subject).await?;
    insert_under(store, grant, generation, cap).await
}

async fn insert_under<S: TokenStore>(
    store: &S,
    grant: &Grant,
    generation: Generation,
    cap: NonZero<usize>,
) -> Result<Insert, Failure> {
    Ok(store.insert(grant, &Origin::default(), generation, cap, grant.issued_at()).await?)
}

/// Signs in. The case fails if the grant is not stored.
async fn stored<S: TokenStore>(store: &S, grant: &Grant) -> Result<(), Failure> {
    let answer = insert(store, grant).await?;
    ensure!(answer == Insert::Stored, "an insertion of a new grant returned {answer:?}");
    Ok(())
}

/// Revokes all grants of a subject. The time of the revoke is one microsecond before second 0, at
/// which the cases sign in.
async fn revoke_all<S: TokenStore>(
    store: &S,
    subject: &Subject,
    keep: Option<&GrantId>,
) -> Result<Generation, Failure> {
    Ok(store.revoke_all(subject, keep, fresh()?, just_before(at(0))).await?)
}

async fn is_live<S: TokenStore>(store: &S, id: &GrantId) -> Result<bool, Failure> {
    is_live_at(store, id, at(1)).await
}

async fn is_live_at<S: TokenStore>(store: &S, id: &GrantId, now: OffsetDateTime) -> Result<bool, Failure> {
    Ok(store.find(id, now).await?.is_some())
}

/// Returns the number of listed grants of a subject.
async fn listed<S: TokenStore>(store: &S, subject: &Subject, now: OffsetDateTime) -> Result<usize, Failure> {
    Ok(store.grants(subject, 10_000, now).await?.len())
}

/// Returns a customer's grant that is issued at `second` and expires at second 60.
fn issued(name: &str, number: i32, second: u64) -> Grant {
    grant(name, number).issued(at(second))
}

/// Returns an admin user's grant that is live from second 0 to 60.
fn admins(name: &str, number: i32) -> Grant {
    Grant::admin(id(name), AdminId::from(number), Obtained::Password, at(0), at(60))
}
