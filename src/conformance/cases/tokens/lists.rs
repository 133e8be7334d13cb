//! Cases of the list of a subject's grants, and of the purge.

use std::{
    cmp::Reverse,
    net::{IpAddr, Ipv6Addr},
};

use super::{
    Insert, Origin, TokenStore, UNCAPPED, admins, at, ensure, generation, grant, id, insert, insert_under,
    is_live_at, issued, listed, revoke_all, stored, subject,
};
use crate::conformance::Failure;

/// The list holds a subject's live grants, each with its origin.
pub(in crate::conformance) async fn grants_are_the_subjects_own<S: TokenStore>(
    store: &S,
) -> Result<(), Failure> {
    let origin = Origin::from(IpAddr::V6(Ipv6Addr::LOCALHOST))
        .user_agent("Mozilla/5.0 (it's \"me\")")
        .correlation_id("7f3a9c");
    let own = grant("own", 1);
    let generation = generation(store, &own.subject).await?;
    let answer = store.insert(&own, &origin, generation, UNCAPPED, at(0)).await?;
    ensure!(answer == Insert::Stored, "an insertion of a new grant returned {answer:?}");
    // A customer and an admin user with the same id are two subjects.
    for grant in [grant("another's", 2), admins("admin", 1)] {
        stored(store, &grant).await?;
    }
    let listed = store.grants(&subject(1), 10, at(4)).await?;
    ensure!(listed == [(own.clone(), origin)], "listed {listed:?} for {own:?}");
    Ok(())
}

/// A list of grants begins with the newest grant. Among grants with the same time of issue, the
/// largest id comes first. The list has at most as many grants as the caller requested.
pub(in crate::conformance) async fn the_newest_grants_come_first<S: TokenStore>(
    store: &S,
) -> Result<(), Failure> {
    let seconds = [("b", 2), ("a", 1), ("d", 4), ("c", 2), ("e", 2), ("f", 0)];
    let mut expected: Vec<_> = seconds.map(|(name, second)| issued(name, 1, second)).into();
    for grant in &expected {
        stored(store, grant).await?;
    }
    expected.sort_by_key(|grant| Reverse((grant.issued_at(), *grant.id.as_bytes())));
    for limit in [0, 1, 3, 5, 6, 100] {
        let listed = store.grants(&subject(1), limit, at(5)).await?;
        let listed: Vec<_> = listed.into_iter().map(|(grant, _)| grant).collect();
        let first: Vec<_> = expected.iter().take(limit).cloned().collect();
        ensure!(listed == first, "a list of at most {limit} grants returned {listed:?}");
    }
    Ok(())
}

/// A subject with a thousand grants can be listed, purged and revoked like a subject with one
/// grant.
pub(in crate::conformance) async fn a_thousand_grants_are_like_one<S: TokenStore>(
    store: &S,
) -> Result<(), Failure> {
    let expiry = |number| if number % 2 == 0 { at(30) } else { at(60) };
    let of = |number| issued(&format!("{number}"), 1, 0).expiring(expiry(number));
    let grants: Vec<_> = (0..1_000).map(of).collect();
    let generation = generation(store, &subject(1)).await?;
    for grant in &grants {
        let answer = insert_under(store, grant, generation, UNCAPPED).await?;
        ensure!(answer == Insert::Stored, "an insertion of a new grant returned {answer:?}");
    }
    let seen = listed(store, &subject(1), at(1)).await?;
    ensure!(seen == 1_000, "{seen} of 1,000 grants are listed");
    for _ in 0..20 {
        store.purge_tokens(at(40), 100).await?;
    }
    let left = listed(store, &subject(1), at(40)).await?;
    ensure!(left == 500, "{left} of 500 live grants are listed after a purge");
    revoke_all(store, &subject(1), None).await?;
    for grant in &grants {
        ensure!(!is_live_at(store, &grant.id, at(1)).await?, "a grant outlived a revoke-all");
    }
    let left = listed(store, &subject(1), at(1)).await?;
    ensure!(left == 0, "{left} grants are listed after a revoke-all");
    Ok(())
}

/// A purge removes only expired grants, and at most as many as the caller requested.
pub(in crate::conformance) async fn purging_spares_live_grants<S: TokenStore>(
    store: &S,
) -> Result<(), Failure> {
    for number in 0..20 {
        let expiry = if number % 2 == 0 { at(10) } else { at(30) };
        let grant = grant(&format!("{number}"), 1).expiring(expiry);
        stored(store, &grant).await?;
    }
    let mut removed = 0;
    for _ in 0..100 {
        let some = store.purge_tokens(at(20), 3).await?;
        ensure!(some <= 3, "a purge of at most 3 removed {some}");
        removed += some;
    }
    ensure!(removed <= 10, "purges removed {removed} records, and 10 had expired");
    let live = listed(store, &subject(1), at(20)).await?;
    ensure!(live == 10, "{live} of 10 live grants outlived a purge");
    Ok(())
}

/// A purge does not remove a bar before its `bar_until`.
pub(in crate::conformance) async fn purging_keeps_bars<S: TokenStore>(store: &S) -> Result<(), Failure> {
    let barred = issued("barred", 1, 20);
    store.revoke(&barred.id, at(0), at(30)).await?;
    store.revoke(&id("over"), at(0), at(5)).await?;
    for _ in 0..10 {
        store.purge_tokens(at(10), 1_000).await?;
    }
    let answer = insert(store, &barred).await?;
    ensure!(answer == Insert::Barred, "after a purge, an insertion of a barred id returned {answer:?}");
    Ok(())
}
