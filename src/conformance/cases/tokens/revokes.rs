//! Sequential cases of revoking all grants of a subject, and all grants of the shop.

use super::{
    Insert, TokenStore, UNCAPPED, admins, at, ensure, fresh, generation, grant, id, insert, insert_under,
    is_live, is_live_at, listed, revoke_all, stored, subject,
};
use crate::conformance::Failure;

/// If a sign-in has read the generation before a revoke-all, and inserts its grant after the
/// revoke-all, then the grant is not live.
pub(in crate::conformance) async fn revoke_all_stops_a_sign_in_in_flight<S: TokenStore>(
    store: &S,
) -> Result<(), Failure> {
    let (settled, in_flight) = (grant("settled", 1), grant("in flight", 1));
    stored(store, &settled).await?;
    let generation = generation(store, &in_flight.subject).await?;
    revoke_all(store, &in_flight.subject, None).await?;
    ensure!(!is_live(store, &settled.id).await?, "a grant outlived a revoke-all");
    let late = insert_under(store, &in_flight, generation, UNCAPPED).await?;
    ensure!(late == Insert::Revoked, "a sign-in from before a revoke-all returned {late:?}");
    ensure!(!is_live(store, &in_flight.id).await?, "a sign-in from before a revoke-all has a live grant");
    ensure!(listed(store, &in_flight.subject, at(1)).await? == 0, "a revoked subject has grants");
    Ok(())
}

/// A sign-in that starts after a revoke-all gets a live grant, even if the sign-in and the
/// revoke-all have the same time. A revoke-all does not affect other subjects.
pub(in crate::conformance) async fn revoke_all_spares_a_later_sign_in<S: TokenStore>(
    store: &S,
) -> Result<(), Failure> {
    let other = grant("other", 2);
    stored(store, &other).await?;
    let others = generation(store, &other.subject).await?;
    for round in 0..3 {
        store.revoke_all(&subject(1), None, fresh()?, at(0)).await?;
        let later = grant(&format!("later {round}"), 1);
        let answer = insert(store, &later).await?;
        ensure!(answer == Insert::Stored, "a sign-in after a revoke-all returned {answer:?}");
        ensure!(is_live(store, &later.id).await?, "the grant of a sign-in after a revoke-all is not live");
    }
    ensure!(is_live(store, &other.id).await?, "another subject's grant was revoked");
    let now = generation(store, &other.subject).await?;
    ensure!(now == others, "a revoke-all changed another subject's generation");
    Ok(())
}

/// A node whose clock is ahead revokes all grants of a subject. One grant has already expired by
/// this node's clock. The revoke also ends this grant, so a node with a right clock no longer finds
/// it.
pub(in crate::conformance) async fn revoke_all_ends_what_its_clock_takes_for_expired<S: TokenStore>(
    store: &S,
) -> Result<(), Failure> {
    let grant = grant("late", 1);
    stored(store, &grant).await?;
    store.revoke_all(&subject(1), None, fresh()?, at(75)).await?;
    let lives = is_live_at(store, &grant.id, at(45)).await?;
    ensure!(!lives, "a grant is live after a revoke-all whose clock was ahead");
    Ok(())
}

/// A revoke-all keeps the grant that its argument `keep` names. It still refuses sign-ins that are
/// in progress.
pub(in crate::conformance) async fn revoke_all_keeps_one<S: TokenStore>(store: &S) -> Result<(), Failure> {
    revoke_all(store, &subject(1), None).await?;
    for name in ["kept", "gone", "gone too"] {
        stored(store, &grant(name, 1)).await?;
    }
    let generation = generation(store, &subject(1)).await?;
    revoke_all(store, &subject(1), Some(&id("kept"))).await?;
    ensure!(is_live(store, &id("kept")).await?, "the grant to keep is not live");
    for name in ["gone", "gone too"] {
        ensure!(
            !is_live(store, &id(name)).await?,
            "a grant is live after a revoke-all that kept another one"
        );
    }
    let late = insert_under(store, &grant("late", 1), generation, UNCAPPED).await?;
    ensure!(
        late == Insert::Revoked,
        "a sign-in from before a revoke-all that kept a grant returned {late:?}"
    );
    let listed = listed(store, &subject(1), at(1)).await?;
    ensure!(listed == 1, "after a revoke-all that kept one grant, {listed} grants are listed");
    revoke_all(store, &subject(1), None).await?;
    ensure!(!is_live(store, &id("kept")).await?, "the next revoke-all did not end a grant that was kept");
    Ok(())
}

/// The id to keep may belong to another subject, to a revoked grant, or to no grant. The revoke-all
/// then keeps no grant of this subject, and makes no revoked grant live again.
pub(in crate::conformance) async fn revoke_all_keeps_only_its_own<S: TokenStore>(
    store: &S,
) -> Result<(), Failure> {
    for (name, number) in [("own", 1), ("revoked", 1), ("other's", 2)] {
        stored(store, &grant(name, number)).await?;
    }
    store.revoke(&id("revoked"), at(0), at(0)).await?;
    for keep in ["other's", "revoked", "unknown"] {
        revoke_all(store, &subject(1), Some(&id(keep))).await?;
        ensure!(!is_live(store, &id("own")).await?, "a revoke-all kept a grant that it did not name");
    }
    ensure!(!is_live(store, &id("revoked")).await?, "a revoke-all revived a revoked grant that it named");
    ensure!(is_live(store, &id("other's")).await?, "another subject's grant was revoked");
    Ok(())
}

/// A revoke-everything ends the grants of every subject, and refuses sign-ins in progress. It does
/// not refuse sign-ins that start later.
pub(in crate::conformance) async fn revoke_everything_ends_all<S: TokenStore>(
    store: &S,
) -> Result<(), Failure> {
    let all = [grant("a", 1), grant("b", 2), admins("admin", 1)];
    for grant in &all {
        stored(store, grant).await?;
    }
    let in_flight = grant("in flight", 3);
    let generation = generation(store, &in_flight.subject).await?;
    store.revoke_everything(fresh()?, at(0)).await?;
    for grant in &all {
        ensure!(!is_live(store, &grant.id).await?, "a grant outlived a revoke-everything");
        let listed = listed(store, &grant.subject, at(1)).await?;
        ensure!(listed == 0, "a grant is listed after a revoke-everything");
        ensure!(
            !store.revoke(&grant.id, at(1), at(1)).await?,
            "a revoke after a revoke-everything returned true"
        );
    }
    let late = insert_under(store, &in_flight, generation, UNCAPPED).await?;
    ensure!(late == Insert::Revoked, "a sign-in from before a revoke-everything returned {late:?}");
    let later = grant("later", 1);
    stored(store, &later).await?;
    ensure!(is_live(store, &later.id).await?, "the grant of a sign-in after a revoke-everything is not live");
    Ok(())
}
