//! Cases of a single grant: the insertion, the expiry and the revoke.

use super::{
    AdminId, Grant, GrantId, Insert, Obtained, Origin, Subject, TokenStore, UNCAPPED, assistance, at, ensure,
    generation, grant, id, insert, is_live, is_live_at, just_before, listed, odd_texts, revoke_all, stored,
    subject, website,
};
use crate::conformance::Failure;

/// Grants with every combination of fields are returned as they were inserted.
pub(in crate::conformance) async fn what_is_inserted_is_found<S: TokenStore>(
    store: &S,
) -> Result<(), Failure> {
    let other_website = website("outlet_fr")?;
    let mut elsewhere = grant("elsewhere", 1);
    elsewhere.website = Some(other_website);
    elsewhere.obtained = Obtained::ResetToken;
    let mut assisted = grant("assisted", 2).assisted(assistance("cannot add to the cart"));
    assisted.obtained = Obtained::OneTimeCode;
    let uuid = uuid::Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
    let admin = Grant::admin(id("admin"), AdminId::from(uuid), Obtained::Password, at(0), at(60));
    for grant in [grant("plain", 1), elsewhere, assisted, admin] {
        stored(store, &grant).await?;
        let found = store.find(&grant.id, at(1)).await?;
        ensure!(found.as_ref() == Some(&grant), "inserted {grant:?}, found {found:?}");
    }
    ensure!(!is_live(store, &id("never")).await?, "found a grant that was never inserted");
    Ok(())
}

/// If a grant with the same id exists, then an insertion returns a collision and changes nothing.
pub(in crate::conformance) async fn an_id_is_inserted_once<S: TokenStore>(store: &S) -> Result<(), Failure> {
    let (first, second) = (grant("same", 1), grant("same", 2));
    stored(store, &first).await?;
    let again = insert(store, &second).await?;
    ensure!(again == Insert::Collision, "a second insertion of the same id returned {again:?}");
    let found = store.find(&first.id, at(1)).await?;
    ensure!(found.as_ref() == Some(&first), "the first grant was overwritten by {found:?}");
    Ok(())
}

/// A grant is live until one microsecond before its expiry. At its expiry, it is not live.
pub(in crate::conformance) async fn a_grant_expires_at_the_instant<S: TokenStore>(
    store: &S,
) -> Result<(), Failure> {
    let grant = grant("brief", 1);
    stored(store, &grant).await?;
    for (now, lives) in [(just_before(at(60)), true), (at(60), false), (at(61), false)] {
        let found = is_live_at(store, &grant.id, now).await?;
        let listed = listed(store, &grant.subject, now).await? == 1;
        ensure!(found == lives, "a grant that expires at {} is found at {now}: {found}", grant.expires_at());
        ensure!(
            listed == lives,
            "a grant that expires at {} is listed at {now}: {listed}",
            grant.expires_at()
        );
    }
    ensure!(!store.revoke(&grant.id, at(60), at(70)).await?, "a revoke of an expired grant returned true");
    Ok(())
}

/// A revoke ends one grant and no other grant. A second revoke returns false.
pub(in crate::conformance) async fn a_revoked_grant_is_gone<S: TokenStore>(store: &S) -> Result<(), Failure> {
    for name in ["one", "other"] {
        stored(store, &grant(name, 1)).await?;
    }
    ensure!(store.revoke(&id("one"), at(1), at(60)).await?, "a revoke of a live grant returned false");
    ensure!(!is_live(store, &id("one")).await?, "a revoked grant was found");
    ensure!(!store.revoke(&id("one"), at(1), at(60)).await?, "a second revoke of a grant returned true");
    ensure!(is_live(store, &id("other")).await?, "a revoke also ended another grant");
    ensure!(listed(store, &subject(1), at(1)).await? == 1, "a revoked grant was listed");
    Ok(())
}

/// If a grant's id is revoked before the grant is inserted, then the store has a bar for the id.
/// The insertion is refused until the bar ends. A later revoke does not shorten the bar.
pub(in crate::conformance) async fn a_revoke_bars_a_later_insert<S: TokenStore>(
    store: &S,
) -> Result<(), Failure> {
    let grant = grant("overtaken", 1);
    for until in [at(10), at(5)] {
        let revoked = store.revoke(&grant.id, at(0), until).await?;
        ensure!(!revoked, "a revoke of an unknown grant returned true");
    }
    let grant = grant.issued(just_before(at(10)));
    let barred = insert(store, &grant).await?;
    ensure!(barred == Insert::Barred, "an insertion of an id that was revoked before returned {barred:?}");
    ensure!(store.find(&grant.id, at(10)).await?.is_none(), "a barred grant was found");
    let grant = grant.issued(at(10));
    let free = insert(store, &grant).await?;
    ensure!(free == Insert::Stored, "an insertion of an id whose bar has ended returned {free:?}");
    Ok(())
}

/// Any text is stored unchanged as a subject's id, a reason or a user agent. Subjects with
/// different ids stay separate.
pub(in crate::conformance) async fn grants_of_odd_input_are_kept_apart<S: TokenStore>(
    store: &S,
) -> Result<(), Failure> {
    let mut kept = Vec::new();
    for (number, text) in odd_texts().iter().enumerate() {
        let Ok(id) = text.parse() else { return Err(Failure::new("not an id")) };
        let mut grant = grant(&format!("odd {number}"), 1).assisted(assistance(text));
        grant.subject = Subject::Customer(id);
        kept.push((grant, Origin::default().user_agent(text)));
    }
    for (number, huge) in (1..).zip([String::new(), "\0".repeat(1 << 20), "é\0'".repeat(1 << 18)]) {
        let mut grant = grant(&format!("huge {number}"), 1).assisted(assistance(&huge));
        grant.subject = Subject::Admin(AdminId::from(number));
        grant.website = None;
        kept.push((grant, Origin::default().user_agent(&huge)));
    }
    for (grant, origin) in &kept {
        let generation = generation(store, &grant.subject).await?;
        ensure!(
            generation.subject.is_none(),
            "{:?} has a generation before the first revoke-all",
            grant.subject
        );
        let answer = store.insert(grant, origin, generation, UNCAPPED, at(0)).await?;
        ensure!(answer == Insert::Stored, "an insertion for {:?} returned {answer:?}", grant.subject);
    }
    for (grant, origin) in kept {
        let listed = store.grants(&grant.subject, 10, at(1)).await?;
        ensure!(listed == [(grant.clone(), origin)], "the list of {:?} is {listed:?}", grant.subject);
        revoke_all(store, &grant.subject, None).await?;
        let id: &GrantId = &grant.id;
        ensure!(!is_live(store, id).await?, "{:?} cannot be revoked", grant.subject);
    }
    Ok(())
}
