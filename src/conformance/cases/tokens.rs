//! Cases of the token store.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::atomic::{AtomicBool, Ordering},
};

use super::{assistance, at, customer, digest, ensure, grant, just_before, odd_texts, subject, website};
use crate::{
    account::AdminId,
    conformance::{Arena, Failure},
    store::{Insert, Store, TokenStore},
    token::{Digest, Grant, Obtained, Origin, Subject},
};

/// Signs in: reads the generation and inserts.
async fn insert<S: TokenStore>(store: &S, grant: &Grant) -> Result<Insert, Failure> {
    let generation = store.generation(&grant.subject).await?;
    Ok(store.insert(grant, &Origin::default(), generation, grant.issued_at).await?)
}

async fn is_live<S: TokenStore>(store: &S, digest: &Digest) -> Result<bool, Failure> {
    Ok(store.find(digest, at(1)).await?.is_some())
}

/// Grants of every shape come back as they went in.
pub(in crate::conformance) fn what_is_inserted_is_found<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    let other_website = website("outlet_fr")?;
    arena.run(async {
        let store = arena.store();
        let mut elsewhere = grant("elsewhere", 1);
        elsewhere.website = Some(other_website);
        elsewhere.obtained = Obtained::ResetToken;
        let mut assisted = grant("assisted", 2).assisted(assistance("cannot add to the cart"));
        assisted.obtained = Obtained::OneTimeCode;
        let uuid = uuid::Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        let admin = Grant::admin(digest("admin"), AdminId::from(uuid), Obtained::Password, at(0), at(60));
        for grant in [grant("plain", 1), elsewhere, assisted, admin] {
            ensure!(insert(store, &grant).await? == Insert::Stored, "a new grant was not stored");
            let found = store.find(&grant.digest, at(1)).await?;
            ensure!(found.as_ref() == Some(&grant), "inserted {grant:?}, found {found:?}");
        }
        ensure!(!is_live(store, &digest("never")).await?, "a grant was found that nobody inserted");
        Ok(())
    })?
}

/// A second grant of the same digest is a collision and changes nothing, in parallel too.
pub(in crate::conformance) fn a_digest_is_inserted_once<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    let (first, second) = (grant("same", 1), grant("same", 2));
    arena.run(async {
        let store = arena.store();
        ensure!(insert(store, &first).await? == Insert::Stored, "a new grant was not stored");
        let again = insert(store, &second).await?;
        ensure!(again == Insert::Collision, "a second grant of the same digest was {again:?}");
        let found = store.find(&first.digest, at(1)).await?;
        ensure!(found.as_ref() == Some(&first), "the first grant was overwritten by {found:?}");
        Ok(())
    })??;
    let answers = arena.race(100, |_| async { insert(arena.store(), &grant("raced", 3)).await })?;
    let stored = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    let stored = stored.into_iter().filter(|answer| *answer == Insert::Stored).count();
    ensure!(stored == 1, "100 parallel insertions of one digest stored {stored}");
    Ok(())
}

/// A grant lives until just before its end, and not at it.
pub(in crate::conformance) fn a_grant_expires_at_the_instant<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        let grant = grant("brief", 1);
        ensure!(insert(store, &grant).await? == Insert::Stored, "a new grant was not stored");
        for (now, lives) in [(just_before(at(60)), true), (at(60), false), (at(61), false)] {
            let found = store.find(&grant.digest, now).await?.is_some();
            let listed = !store.list(&grant.subject, now).await?.is_empty();
            ensure!(found == lives, "at {now} of a life until {}: found is {found}", grant.expires_at);
            ensure!(listed == lives, "at {now} of a life until {}: listed is {listed}", grant.expires_at);
        }
        ensure!(!store.revoke(&grant.digest, at(60), at(70)).await?, "an expired grant was there to revoke");
        Ok(())
    })?
}

/// Revoking ends one grant, once, and no other.
pub(in crate::conformance) fn a_revoked_grant_is_gone<S: Store>(arena: &Arena<'_, S>) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        for name in ["one", "other"] {
            ensure!(insert(store, &grant(name, 1)).await? == Insert::Stored, "a new grant was not stored");
        }
        ensure!(store.revoke(&digest("one"), at(1), at(60)).await?, "a live grant was not there to revoke");
        ensure!(!is_live(store, &digest("one")).await?, "a revoked grant was found");
        ensure!(store.list(&subject(1), at(1)).await?.len() == 1, "a revoked grant was listed");
        ensure!(!store.revoke(&digest("one"), at(1), at(60)).await?, "a grant was revoked twice");
        ensure!(is_live(store, &digest("other")).await?, "another grant went with the revoked one");
        Ok(())
    })?
}

/// A revoke that overtakes the insertion it is meant for wins, until its bar ends.
pub(in crate::conformance) fn a_revoke_bars_a_later_insert<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        let mut grant = grant("overtaken", 1);
        for until in [at(10), at(5)] {
            ensure!(
                !store.revoke(&grant.digest, at(0), until).await?,
                "a grant was revoked that is not there"
            );
        }
        grant.issued_at = just_before(at(10));
        let barred = insert(store, &grant).await?;
        ensure!(barred == Insert::Barred, "a digest that was revoked before was {barred:?}");
        ensure!(store.find(&grant.digest, at(10)).await?.is_none(), "a barred grant was found");
        grant.issued_at = at(10);
        let free = insert(store, &grant).await?;
        ensure!(free == Insert::Stored, "a digest whose bar has ended was {free:?}");
        Ok(())
    })?
}

/// Once a revoke has returned, no find that starts later returns the grant.
pub(in crate::conformance) fn no_find_after_a_revoke<S: Store>(arena: &Arena<'_, S>) -> Result<(), Failure> {
    for round in 0..20 {
        let grant = grant(&format!("round {round}"), 1);
        let revoked = AtomicBool::new(false);
        let answer = arena.run(async { insert(arena.store(), &grant).await })??;
        ensure!(answer == Insert::Stored, "a new grant was not stored");
        let seen = arena.race(4, |caller| {
            let (grant, revoked) = (&grant, &revoked);
            async move {
                if caller == 0 {
                    arena.store().revoke(&grant.digest, at(1), at(60)).await?;
                    revoked.store(true, Ordering::SeqCst);
                }
                for _ in 0..25 {
                    let before = revoked.load(Ordering::SeqCst);
                    if is_live(arena.store(), &grant.digest).await? && before {
                        return Ok(true);
                    }
                }
                Ok::<_, Failure>(false)
            }
        })?;
        for seen in seen {
            ensure!(!seen?, "a grant was found after its revoke had returned");
        }
    }
    Ok(())
}

/// A sign-in that read its generation before a revoke-all does not survive it.
pub(in crate::conformance) fn revoke_all_stops_a_sign_in_in_flight<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        let (settled, in_flight) = (grant("settled", 1), grant("in flight", 1));
        ensure!(insert(store, &settled).await? == Insert::Stored, "a new grant was not stored");
        let generation = store.generation(&in_flight.subject).await?;
        store.revoke_all(&in_flight.subject, None, at(0)).await?;
        ensure!(!is_live(store, &settled.digest).await?, "a grant outlived a revoke-all");
        let late = store.insert(&in_flight, &Origin::default(), generation, at(0)).await?;
        ensure!(late == Insert::Revoked, "a sign-in from before a revoke-all was {late:?}");
        ensure!(
            !is_live(store, &in_flight.digest).await?,
            "a sign-in from before a revoke-all gave a live grant"
        );
        ensure!(store.list(&in_flight.subject, at(1)).await?.is_empty(), "a revoked subject has grants");
        Ok(())
    })?
}

/// A sign-in that starts after a revoke-all gives a live grant, at the same instant too; other subjects
/// notice nothing.
pub(in crate::conformance) fn revoke_all_spares_a_later_sign_in<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        let other = grant("other", 2);
        ensure!(insert(store, &other).await? == Insert::Stored, "a new grant was not stored");
        let others = store.generation(&other.subject).await?;
        for round in 0..3 {
            store.revoke_all(&subject(1), None, at(0)).await?;
            let later = grant(&format!("later {round}"), 1);
            let answer = insert(store, &later).await?;
            ensure!(answer == Insert::Stored, "a sign-in after a revoke-all was {answer:?}");
            ensure!(is_live(store, &later.digest).await?, "a sign-in after a revoke-all gave a dead grant");
        }
        ensure!(is_live(store, &other.digest).await?, "another subject's grant was revoked");
        ensure!(store.generation(&other.subject).await? == others, "another subject's generation moved");
        Ok(())
    })?
}

/// Sign-ins and revoke-alls in parallel: whatever lives afterwards was inserted under the generation that
/// holds.
pub(in crate::conformance) fn revoke_all_races_sign_ins<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    let signed_in = arena.race(100, |caller| async move {
        let store = arena.store();
        if caller % 10 == 0 {
            store.revoke_all(&subject(1), None, at(0)).await?;
            return Ok(None);
        }
        let grant = grant(&format!("raced {caller}"), 1);
        let generation = store.generation(&grant.subject).await?;
        store
            .insert(&grant, &Origin::default(), generation, at(0))
            .await
            .map(|answer| Some((grant, generation, answer)))
    })?;
    arena.run(async {
        let store = arena.store();
        let current = store.generation(&subject(1)).await?;
        ensure!(current.subject == 10, "ten revoke-alls raised the generation to {}", current.subject);
        for signed_in in signed_in {
            let Some((grant, generation, answer)) = signed_in? else { continue };
            let expected = answer == Insert::Stored && generation == current;
            let lives = is_live(store, &grant.digest).await?;
            ensure!(
                lives == expected,
                "inserted under {generation:?} ({answer:?}), now {current:?}: lives is {lives}"
            );
        }
        Ok(())
    })?
}

/// A revoke-all spares the grant it is told to keep, and still stops sign-ins in flight.
pub(in crate::conformance) fn revoke_all_keeps_one<S: Store>(arena: &Arena<'_, S>) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        for name in ["kept", "gone", "gone too"] {
            ensure!(insert(store, &grant(name, 1)).await? == Insert::Stored, "a new grant was not stored");
        }
        let generation = store.generation(&subject(1)).await?;
        store.revoke_all(&subject(1), Some(&digest("kept")), at(0)).await?;
        ensure!(is_live(store, &digest("kept")).await?, "the grant to keep was revoked");
        for name in ["gone", "gone too"] {
            ensure!(!is_live(store, &digest(name)).await?, "a grant outlived a revoke-all that kept another");
        }
        let late = store.insert(&grant("late", 1), &Origin::default(), generation, at(0)).await?;
        ensure!(late == Insert::Revoked, "a sign-in from before a revoke-all that kept another was {late:?}");
        let listed = store.list(&subject(1), at(1)).await?;
        ensure!(listed.len() == 1, "{} grants are listed where one was kept", listed.len());
        store.revoke_all(&subject(1), None, at(0)).await?;
        ensure!(!is_live(store, &digest("kept")).await?, "a grant that was kept once cannot be revoked");
        Ok(())
    })?
}

/// A digest to keep that is another subject's, revoked or unknown keeps nothing of this one's and revives
/// nothing.
pub(in crate::conformance) fn revoke_all_keeps_only_its_own<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        for (name, number) in [("own", 1), ("revoked", 1), ("other's", 2)] {
            ensure!(
                insert(store, &grant(name, number)).await? == Insert::Stored,
                "a new grant was not stored"
            );
        }
        store.revoke(&digest("revoked"), at(0), at(0)).await?;
        for keep in ["other's", "revoked", "unknown"] {
            store.revoke_all(&subject(1), Some(&digest(keep)), at(0)).await?;
            ensure!(!is_live(store, &digest("own")).await?, "a grant was kept that was not named");
        }
        ensure!(!is_live(store, &digest("revoked")).await?, "keeping a revoked grant revived it");
        ensure!(is_live(store, &digest("other's")).await?, "another subject's grant was revoked");
        Ok(())
    })?
}

/// Revoke-everything ends every subject's grants and sign-ins in flight, and spares later ones.
pub(in crate::conformance) fn revoke_everything_ends_all<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        let admin = Grant::admin(digest("admin"), AdminId::from(1), Obtained::Password, at(0), at(60));
        for grant in [grant("a", 1), grant("b", 2), admin.clone()] {
            ensure!(insert(store, &grant).await? == Insert::Stored, "a new grant was not stored");
        }
        let in_flight = grant("in flight", 3);
        let generation = store.generation(&in_flight.subject).await?;
        store.revoke_everything(at(0)).await?;
        for digest in [digest("a"), digest("b"), admin.digest] {
            ensure!(!is_live(store, &digest).await?, "a grant outlived a revoke-everything");
        }
        ensure!(
            store.list(&subject(1), at(1)).await?.is_empty(),
            "a grant is listed after a revoke-everything"
        );
        let late = store.insert(&in_flight, &Origin::default(), generation, at(0)).await?;
        ensure!(late == Insert::Revoked, "a sign-in from before a revoke-everything was {late:?}");
        let later = grant("later", 1);
        ensure!(
            insert(store, &later).await? == Insert::Stored,
            "a sign-in after a revoke-everything was refused"
        );
        ensure!(
            is_live(store, &later.digest).await?,
            "a sign-in after a revoke-everything gave a dead grant"
        );
        Ok(())
    })?
}

/// The list holds a subject's live grants, the newest first, each with where it came from.
pub(in crate::conformance) fn the_list_is_the_subjects_own<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        let origin = Origin::from(IpAddr::V6(Ipv6Addr::LOCALHOST))
            .user_agent("Mozilla/5.0 (it's \"me\")")
            .correlation_id("7f3a9c");
        let mut expected = Vec::new();
        for (name, issued) in [("second", 2), ("first", 1), ("third", 3)] {
            let mut grant = grant(name, 1);
            grant.issued_at = at(issued);
            let generation = store.generation(&grant.subject).await?;
            let answer = store.insert(&grant, &origin, generation, grant.issued_at).await?;
            ensure!(answer == Insert::Stored, "a new grant was not stored");
            expected.push((grant, origin.clone()));
        }
        expected.sort_by_key(|(grant, _)| std::cmp::Reverse(grant.issued_at));
        ensure!(insert(store, &grant("another's", 2)).await? == Insert::Stored, "a new grant was not stored");
        // A customer and an admin user of the same key are two subjects.
        let admin = Grant::admin(digest("admin"), AdminId::from(1), Obtained::Password, at(0), at(60));
        ensure!(insert(store, &admin).await? == Insert::Stored, "a new grant was not stored");
        let listed = store.list(&subject(1), at(4)).await?;
        ensure!(listed == expected, "listed {listed:?} for {expected:?}");
        Ok(())
    })?
}

/// Purging removes expired grants, at most as many as asked for, and nothing that lives; generations stay.
pub(in crate::conformance) fn purging_spares_live_grants<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        store.revoke_all(&subject(1), None, at(0)).await?;
        let generation = store.generation(&subject(1)).await?;
        for number in 0..20 {
            let mut grant = grant(&format!("{number}"), 1);
            grant.expires_at = if number % 2 == 0 { at(10) } else { at(20) };
            ensure!(insert(store, &grant).await? == Insert::Stored, "a new grant was not stored");
        }
        let mut removed = 0;
        for _ in 0..100 {
            let some = store.purge_tokens(at(10), 3).await?;
            ensure!(some <= 3, "a purge of at most 3 removed {some}");
            removed += some;
        }
        ensure!(removed <= 10, "{removed} records were removed where 10 had expired");
        let live = store.list(&subject(1), at(10)).await?.len();
        ensure!(live == 10, "{live} of 10 live grants outlived a purge");
        store.purge_tokens(at(20), usize::MAX >> 1).await?;
        let kept = store.generation(&subject(1)).await?;
        ensure!(kept == generation, "purging moved the generation from {generation:?} to {kept:?}");
        Ok(())
    })?
}

/// Keys, reasons and user agents of any text are kept as they are and apart from each other.
pub(in crate::conformance) fn grants_of_odd_input_are_kept_apart<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        let mut kept = Vec::new();
        for (number, text) in odd_texts().iter().enumerate() {
            let Ok(id) = text.parse() else { return Err(Failure::new("not an id")) };
            let mut grant = grant(&format!("odd {number}"), 1).assisted(assistance(text));
            grant.subject = Subject::Customer(id);
            let origin = Origin::default().user_agent(text);
            let generation = store.generation(&grant.subject).await?;
            let answer = store.insert(&grant, &origin, generation, at(0)).await?;
            ensure!(answer == Insert::Stored, "a grant for {text:?} was {answer:?}");
            kept.push((grant, origin));
        }
        for (number, huge) in (1..).zip([String::new(), "\0".repeat(1 << 20), "é\0'".repeat(1 << 18)]) {
            let mut grant = grant(&format!("huge {number}"), 1).assisted(assistance(&huge));
            grant.subject = Subject::Admin(AdminId::from(number));
            grant.website = None;
            let origin = Origin::default().user_agent(&huge);
            let generation = store.generation(&grant.subject).await?;
            let answer = store.insert(&grant, &origin, generation, at(0)).await?;
            ensure!(answer == Insert::Stored, "a grant with a text of {} bytes was {answer:?}", huge.len());
            kept.push((grant, origin));
        }
        for (grant, origin) in kept {
            let listed = store.list(&grant.subject, at(1)).await?;
            ensure!(listed == [(grant.clone(), origin)], "{:?} holds {listed:?}", grant.subject);
            store.revoke_all(&grant.subject, None, at(1)).await?;
            ensure!(!is_live(store, &grant.digest).await?, "{:?} cannot be revoked", grant.subject);
        }
        let other = store.generation(&Subject::Customer(customer(1))).await?;
        ensure!(other.subject == 0, "a subject that was never seen has the generation {}", other.subject);
        Ok(())
    })?
}
