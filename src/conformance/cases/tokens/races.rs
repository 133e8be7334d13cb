//! Cases of the token store that are races. Callers on separate threads start each round at the
//! same moment. A race has up to 2,000 rounds.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{
    Grant, GrantId, Insert, NonZero, TokenStore, UNCAPPED, at, ensure, fresh, generation, grant, insert,
    insert_under, insert_within, is_live, is_live_at, issued, revoke_all, stored, subject,
};
use crate::{
    conformance::{Arena, Failure, arena::Results},
    store::Generation,
};

/// If several callers create a shop's generation at once, then all of them get the same generation.
pub(in crate::conformance) fn one_generation_begins_a_shop<S: TokenStore>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    let answers = arena.race(100, |_| async { generation(arena.store(), &subject(1)).await })?;
    let answers = answers.into_iter().collect::<Result<Vec<_>, Failure>>()?;
    let kept = arena.run(generation(arena.store(), &subject(1)))??;
    let others = answers.iter().filter(|answer| **answer != kept).count();
    ensure!(others == 0, "{others} of 100 callers got a generation that is not the stored one");
    Ok(())
}

/// After a revoke has returned, a find that starts later does not return the grant.
pub(in crate::conformance) fn no_find_after_a_revoke<S: TokenStore>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    let (store, revoked) = (arena.store(), AtomicBool::new(false));
    let raced = |round: u64| grant(&format!("{round}"), 1);
    let prepare = |round| {
        revoked.store(false, Ordering::SeqCst);
        async move { stored(store, &raced(round)).await }
    };
    arena.rounds(4, prepare, |caller, round| {
        let revoked = &revoked;
        async move {
            let id = raced(round).id;
            if caller == 0 {
                store.revoke(&id, at(1), at(60)).await?;
                revoked.store(true, Ordering::SeqCst);
            }
            for _ in 0..5 {
                let before = revoked.load(Ordering::SeqCst);
                let lives = is_live(store, &id).await?;
                ensure!(!(lives && before), "a grant was found after its revoke had returned");
            }
            Ok(())
        }
    })
}

/// If four callers insert grants with the same id at once, then exactly one grant is stored.
pub(in crate::conformance) fn one_insertion_of_an_id_wins<S: TokenStore>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    let (store, answers) = (arena.store(), Results::new());
    let prepare = |round| {
        let answers = answers.take();
        async move {
            let stored = answers.iter().filter(|answer| **answer == Insert::Stored).count();
            ensure!(round == 0 || stored == 1, "{stored} of four insertions of one id were stored");
            Ok(())
        }
    };
    arena.rounds(4, prepare, |_, round| {
        let answers = &answers;
        async move {
            let answer = insert(store, &grant(&format!("{round}"), 1)).await;
            answer.map(|answer| answers.push(answer))
        }
    })
}

/// If a grant is revoked while it is inserted, then the grant is not live after both calls. This
/// holds whichever of the two calls takes effect first.
pub(in crate::conformance) fn a_revoke_wins_over_its_insertion<S: TokenStore>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    let store = arena.store();
    let raced = |round: u64| grant(&format!("{round}"), 1);
    let prepare = |round: u64| async move {
        let Some(before) = round.checked_sub(1) else { return Ok(()) };
        let lives = is_live(store, &raced(before).id).await?;
        ensure!(!lives, "a grant that was revoked during its insertion is live");
        Ok(())
    };
    arena.rounds(2, prepare, |caller, round| async move {
        if caller == 0 {
            store.revoke(&raced(round).id, at(0), at(60)).await?;
        } else {
            let _ = insert(store, &raced(round)).await?;
        }
        Ok(())
    })
}

/// The grants that were stored in a round, each with the generation under which it was stored.
type Signed = Results<(GrantId, Generation)>;

/// Runs rounds in which three callers sign in while a fourth caller runs `revoke`, which replaces
/// the generation.
fn sign_ins_while<S: TokenStore, R: Future<Output = Result<(), Failure>> + Send>(
    arena: &Arena<'_, S>,
    revoke: impl Fn() -> R + Sync,
    begun: impl Future<Output = Result<(), Failure>> + Send,
) -> Result<(), Failure> {
    let (store, signed) = (arena.store(), Signed::new());
    arena.run(begun)??;
    let prepare = |_| {
        let signed = signed.take();
        async move {
            let current = generation(store, &subject(1)).await?;
            for (id, under) in signed {
                let lives = is_live(store, &id).await?;
                let expected = under == current;
                ensure!(
                    lives == expected,
                    "a grant stored under {under:?} is live under {current:?}: {lives}"
                );
            }
            Ok(())
        }
    };
    arena.rounds(4, prepare, |caller, round| {
        let (signed, revoke) = (&signed, &revoke);
        async move {
            if caller == 0 {
                return revoke().await;
            }
            let grant = grant(&format!("{caller} {round}"), 1);
            let under = generation(store, &grant.subject).await?;
            if insert_under(store, &grant, under, UNCAPPED).await? == Insert::Stored {
                signed.push((grant.id, under));
            }
            Ok(())
        }
    })
}

/// A grant that is live after a revoke-all was inserted under the new generation.
pub(in crate::conformance) fn revoke_all_races_sign_ins<S: TokenStore>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    let revoke = || async { revoke_all(arena.store(), &subject(1), None).await.map(drop) };
    sign_ins_while(arena, revoke, revoke())
}

/// A grant that is live after a revoke-everything was inserted under the new generation.
pub(in crate::conformance) fn revoke_everything_races_sign_ins<S: TokenStore>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    let revoke = || async {
        arena.store().revoke_everything(fresh()?, at(0)).await?;
        Ok(())
    };
    sign_ins_while(arena, revoke, async { Ok(()) })
}

/// Four callers insert grants for a subject that has reached its cap. Each list of the subject's
/// grants has exactly as many grants as the cap allows.
pub(in crate::conformance) fn the_cap_is_exact_under_races<S: TokenStore>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    const CAP: NonZero<usize> = NonZero::<usize>::MIN.saturating_add(2);
    let store = arena.store();
    let raced = |caller: usize, round: u64| -> Grant {
        // Each time of issue is before the grant's expiry. The order of the times of issue differs
        // from the order of the insertions.
        issued(&format!("{caller} {round}"), 1, (round * 7 + u64::try_from(caller).unwrap_or(0)) % 40)
    };
    let now = at(50);
    let is_at_its_cap = || async move {
        let listed = store.grants(&subject(1), 100, now).await?;
        let number = listed.len();
        ensure!(number == CAP.get(), "a subject whose cap is {CAP} has {number} grants");
        for (grant, _) in listed {
            ensure!(is_live_at(store, &grant.id, now).await?, "a listed grant is not found");
        }
        Ok(())
    };
    arena.run(async {
        for caller in 10..13 {
            stored(store, &raced(caller, 0)).await?;
        }
        Ok::<_, Failure>(())
    })??;
    arena.rounds(
        5,
        |_| is_at_its_cap(),
        |caller, round| async move {
            if caller == 4 {
                let number = store.grants(&subject(1), 100, now).await?.len();
                ensure!(
                    number == CAP.get(),
                    "during insertions, a subject whose cap is {CAP} has {number} grants"
                );
                return Ok(());
            }
            let answer = insert_within(store, &raced(caller, round), CAP).await?;
            ensure!(answer == Insert::Stored, "an insertion for a subject at its cap returned {answer:?}");
            Ok(())
        },
    )
}

/// If a revoke extends an ended bar while a purge runs, then the purge does not remove this bar.
pub(in crate::conformance) fn a_purge_spares_a_bar_that_is_lengthened<S: TokenStore>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    let store = arena.store();
    let barred = |round: u64| issued(&format!("{round}"), 1, 20);
    let prepare = |round: u64| async move {
        if let Some(before) = round.checked_sub(1) {
            let answer = insert(store, &barred(before)).await?;
            ensure!(
                answer == Insert::Barred,
                "an insertion of an id whose bar was extended returned {answer:?}"
            );
        }
        store.revoke(&barred(round).id, at(0), at(10)).await?;
        Ok(())
    };
    arena.rounds(2, prepare, |caller, round| async move {
        if caller == 0 {
            store.purge_tokens(at(15), 1_000).await?;
        } else {
            store.revoke(&barred(round).id, at(0), at(40)).await?;
        }
        Ok(())
    })
}
