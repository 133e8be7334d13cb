//! Cases of the cap: the maximum number of live grants of a subject.

use super::{
    GrantId, Insert, NonZero, TokenStore, admins, at, ensure, fresh, id, insert_under, insert_within,
    is_live_at, issued, listed, stored, subject,
};
use crate::{conformance::Failure, token::Grant};

const TWO: NonZero<usize> = NonZero::<usize>::MIN.saturating_add(1);
const THREE: NonZero<usize> = TWO.saturating_add(1);

async fn fits<S: TokenStore>(store: &S, grant: &Grant, cap: NonZero<usize>) -> Result<(), Failure> {
    let answer = insert_within(store, grant, cap).await?;
    ensure!(answer == Insert::Stored, "an insertion for a subject at its cap returned {answer:?}");
    Ok(())
}

/// Checks that exactly the marked grants are live and listed.
async fn live<S: TokenStore>(store: &S, grants: &[(&Grant, bool)]) -> Result<(), Failure> {
    for (grant, expected) in grants {
        let lives = is_live_at(store, &grant.id, at(10)).await?;
        ensure!(lives == *expected, "the grant issued at {} is live: {lives}", grant.issued_at());
    }
    Ok(())
}

/// If an insertion would exceed the cap, then the subject's stored grant with the earliest time
/// of issue ends. It does not matter when that grant was inserted.
pub(in crate::conformance) async fn the_oldest_goes_beyond_the_cap<S: TokenStore>(
    store: &S,
) -> Result<(), Failure> {
    let [a, b, c, d] = [("a", 3), ("b", 1), ("c", 2), ("d", 4)].map(|(name, at)| issued(name, 1, at));
    for grant in [&a, &b, &c] {
        fits(store, grant, THREE).await?;
    }
    live(store, &[(&a, true), (&b, true), (&c, true)]).await?;
    fits(store, &d, THREE).await?;
    live(store, &[(&a, true), (&b, false), (&c, true), (&d, true)]).await?;
    // With a smaller cap, one insertion ends several grants.
    let e = issued("e", 1, 5);
    fits(store, &e, TWO).await?;
    live(store, &[(&a, false), (&c, false), (&d, true), (&e, true)]).await?;
    ensure!(listed(store, &subject(1), at(10)).await? == 2, "a grant beyond the cap is listed");
    Ok(())
}

/// If an insertion would exceed the cap, and several grants have the same time of issue, then the
/// grant with the smallest id ends first.
pub(in crate::conformance) async fn of_one_time_the_smallest_id_goes<S: TokenStore>(
    store: &S,
) -> Result<(), Failure> {
    // The ids include bytes above 127 and NUL.
    let mut same: Vec<_> = (0..8).map(|number| issued(&format!("tie {number}"), 1, 0)).collect();
    for (grant, last) in same.iter_mut().zip([0x7f, 0x80, 0x00, 0xff, 0x41, 0x61, 0xc3, 0x2d]) {
        let mut bytes = [7; 32];
        if let Some(byte) = bytes.get_mut(5) {
            *byte = last;
        }
        grant.id = GrantId::from_bytes(bytes);
    }
    same.sort_by_key(|grant| *grant.id.as_bytes());
    // The grant with the largest id is inserted first. A store that wrongly ends the grant that was
    // inserted first therefore fails this case.
    for grant in same.iter().rev() {
        stored(store, grant).await?;
    }
    let newer = issued("newer", 1, 1);
    let cap = NonZero::new(4).unwrap_or(TWO);
    fits(store, &newer, cap).await?;
    let (gone, kept) = same.split_at(5);
    live(store, &gone.iter().map(|grant| (grant, false)).collect::<Vec<_>>()).await?;
    live(store, &kept.iter().map(|grant| (grant, true)).collect::<Vec<_>>()).await
}

/// The inserted grant stays live even if it has the earliest time of issue. Otherwise nobody could
/// sign in on a node whose clock is behind.
pub(in crate::conformance) async fn the_inserted_grant_stays<S: TokenStore>(
    store: &S,
) -> Result<(), Failure> {
    let [a, b, early] = [("a", 5), ("b", 6), ("early", 1)].map(|(name, at)| issued(name, 1, at));
    for grant in [&a, &b, &early] {
        fits(store, grant, TWO).await?;
    }
    live(store, &[(&a, false), (&b, true), (&early, true)]).await?;
    let only = issued("only", 1, 0);
    fits(store, &only, NonZero::<usize>::MIN).await?;
    live(store, &[(&b, false), (&early, false), (&only, true)]).await
}

/// An insertion that is refused, and so stores no grant, ends no grant of the subject.
pub(in crate::conformance) async fn a_refused_insertion_ends_nothing<S: TokenStore>(
    store: &S,
) -> Result<(), Failure> {
    let [a, b, barred] = [("a", 1), ("b", 2), ("barred", 3)].map(|(name, at)| issued(name, 1, at));
    for grant in [&a, &b] {
        fits(store, grant, TWO).await?;
    }
    let collision = insert_within(store, &a.clone().issued(at(4)), TWO).await?;
    ensure!(collision == Insert::Collision, "a second insertion of an id returned {collision:?}");
    store.revoke(&barred.id, at(0), at(60)).await?;
    let answer = insert_within(store, &barred, TWO).await?;
    ensure!(answer == Insert::Barred, "an insertion of a barred id returned {answer:?}");
    let mut moved = store.generation(&subject(1), fresh()?).await?;
    moved.subject = Some(fresh()?);
    let answer = insert_under(store, &issued("late", 1, 5), moved, TWO).await?;
    ensure!(answer == Insert::Revoked, "an insertion under another generation returned {answer:?}");
    live(store, &[(&a, true), (&b, true)]).await
}

/// An expired or revoked grant does not count towards the cap.
pub(in crate::conformance) async fn only_live_grants_count<S: TokenStore>(store: &S) -> Result<(), Failure> {
    for name in ["everybody's", "everybody's too"] {
        fits(store, &issued(name, 1, 0), TWO).await?;
    }
    store.revoke_everything(fresh()?, at(0)).await?;
    let live_one = issued("live", 1, 1);
    let brief = issued("brief", 1, 2).expiring(at(4));
    for grant in [&live_one, &brief] {
        fits(store, grant, TWO).await?;
    }
    let later = issued("later", 1, 5);
    fits(store, &later, TWO).await?;
    live(store, &[(&live_one, true), (&later, true)]).await?;
    store.revoke(&later.id, at(5), at(5)).await?;
    let last = issued("last", 1, 6);
    fits(store, &last, TWO).await?;
    live(store, &[(&live_one, true), (&last, true)]).await
}

/// If a subject has reached its cap, then this does not affect other subjects. For example, a
/// customer does not affect the admin user with the same id.
pub(in crate::conformance) async fn a_cap_is_the_subjects_own<S: TokenStore>(
    store: &S,
) -> Result<(), Failure> {
    let others = [issued("other", 2, 0), admins("admin", 1)];
    for grant in &others {
        stored(store, grant).await?;
    }
    for second in 1..6 {
        fits(store, &issued(&format!("{second}"), 1, second), TWO).await?;
    }
    for grant in &others {
        live(store, &[(grant, true)]).await?;
    }
    let lives = is_live_at(store, &id("5"), at(10)).await?;
    ensure!(lives, "the newest grant of a subject at its cap is not live");
    Ok(())
}
