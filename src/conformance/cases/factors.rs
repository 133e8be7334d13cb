//! Cases of the store of second factors.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{at, digest, ensure, just_before, odd_texts};
use crate::{
    account::AdminId,
    conformance::{Arena, Failure},
    keyring::{KeyId, Sealed},
    store::{Enrolment, Factor, FactorStore, Store},
    token::Digest,
};

const KEY: KeyId = KeyId(1);
/// The step whose code activates.
const FIRST: u64 = 84_150_000;

fn admin(number: i32) -> AdminId {
    AdminId::from(number)
}

/// Bytes that a text column would lose, and the name.
fn sealed(name: &str) -> Sealed {
    Sealed { key: KEY, bytes: [b"\0\xff'\\\n", name.as_bytes()].concat() }
}

/// An enrolment of admin user `number`, who has no factor, that lives until 60. Its token has the same name.
pub(super) fn enrolment(name: &str, number: i32) -> Enrolment {
    Enrolment {
        token: digest(name),
        admin: admin(number),
        secret: sealed(name),
        replaces: None,
        begun_with: None,
        expires_at: at(60),
    }
}

/// Such an enrolment that is to replace the factor of this name.
fn replacement(name: &str, number: i32, factor: &str) -> Enrolment {
    let begun_with = Some(digest("a grant"));
    Enrolment { replaces: Some(digest(factor)), begun_with, ..enrolment(name, number) }
}

fn codes(name: &str) -> Vec<Digest> {
    (0..10).map(|number| digest(&format!("{name} {number}"))).collect()
}

/// Enrols and activates, with the recovery codes of the enrolment's name.
async fn activated<S: FactorStore>(store: &S, name: &str, enrolment: &Enrolment) -> Result<(), Failure> {
    store.begin_enrolment(enrolment, at(0)).await?;
    let done = store.activate(&enrolment.token, FIRST, &codes(name), at(1)).await?;
    ensure!(done, "a live enrolment was not activated: {enrolment:?}");
    Ok(())
}

/// Gives admin user `number` a factor of this name.
async fn enrolled<S: FactorStore>(store: &S, name: &str, number: i32) -> Result<(), Failure> {
    activated(store, name, &enrolment(name, number)).await
}

/// The admin user's factor, its recovery codes in order.
async fn factor<S: FactorStore>(store: &S, admin: &AdminId) -> Result<Option<Factor>, Failure> {
    Ok(store.factor(admin).await?.map(in_order))
}

fn in_order(mut factor: Factor) -> Factor {
    factor.recovery_codes.sort_unstable();
    factor
}

/// The factor that [`enrolled`] makes.
fn fresh(name: &str) -> Factor {
    in_order(Factor {
        name: digest(name),
        secret: sealed(name),
        activated_at: at(1),
        last_step: FIRST,
        recovery_codes: codes(name),
    })
}

async fn is_still<S: FactorStore>(store: &S, number: i32, expected: &Factor) -> Result<(), Failure> {
    let found = factor(store, &admin(number)).await?;
    ensure!(found.as_ref() == Some(expected), "admin user {number} has {found:?} instead of {expected:?}");
    Ok(())
}

/// An enrolment comes back as it went in, and gives no factor yet.
pub(in crate::conformance) fn an_enrolment_is_found_as_it_was_begun<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        let mut empty = enrolment("empty", 3);
        empty.secret = Sealed { key: KeyId(u32::MAX), bytes: Vec::new() };
        let begun = [enrolment("first", 1), replacement("other", 2, "another factor"), empty];
        for enrolment in &begun {
            store.begin_enrolment(enrolment, at(0)).await?;
        }
        for enrolment in &begun {
            let found = store.enrolment(&enrolment.token, at(1)).await?;
            ensure!(found.as_ref() == Some(enrolment), "began {enrolment:?}, found {found:?}");
            let factor = store.factor(&enrolment.admin).await?;
            ensure!(factor.is_none(), "an enrolment that was only begun gave {factor:?}");
        }
        let never = store.enrolment(&digest("never"), at(1)).await?;
        ensure!(never.is_none(), "{never:?} was found, which nobody began");
        Ok(())
    })?
}

/// An enrolment lives until just before its end, and not at it: neither to be found nor to be activated.
pub(in crate::conformance) fn an_enrolment_expires_at_the_instant<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        for (name, number) in [("early", 1), ("late", 2)] {
            store.begin_enrolment(&enrolment(name, number), at(0)).await?;
        }
        for (now, lives) in [(just_before(at(60)), true), (at(60), false), (at(61), false)] {
            let found = store.enrolment(&digest("early"), now).await?.is_some();
            ensure!(found == lives, "at {now} of a life until {}: found is {found}", at(60));
        }
        let late = store.activate(&digest("late"), FIRST, &codes("late"), at(60)).await?;
        ensure!(!late, "an enrolment that lives until 60 was activated at 60");
        ensure!(store.factor(&admin(2)).await?.is_none(), "an expired enrolment gave a factor");
        let early = store.activate(&digest("early"), FIRST, &codes("early"), just_before(at(60))).await?;
        ensure!(early, "an enrolment that lives until 60 was not activated just before");
        Ok(())
    })?
}

/// A later enrolment of the same admin user ends the earlier one; the factor and other admin users notice nothing.
pub(in crate::conformance) fn a_later_enrolment_replaces_the_earlier<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        enrolled(store, "factor", 1).await?;
        store.begin_enrolment(&enrolment("another's", 2), at(0)).await?;
        for name in ["earlier", "later"] {
            store.begin_enrolment(&replacement(name, 1, "factor"), at(0)).await?;
        }
        let found = store.enrolment(&digest("earlier"), at(1)).await?;
        ensure!(found.is_none(), "an enrolment was found that another replaced: {found:?}");
        let done = store.activate(&digest("earlier"), FIRST, &codes("earlier"), at(1)).await?;
        ensure!(!done, "an enrolment was activated that another replaced");
        is_still(store, 1, &fresh("factor")).await?;
        for name in ["later", "another's"] {
            let found = store.enrolment(&digest(name), at(1)).await?;
            ensure!(found.is_some(), "the enrolment {name:?} went with one that was replaced");
        }
        let done = store.activate(&digest("later"), FIRST, &codes("later"), at(1)).await?;
        ensure!(done, "the enrolment that replaced another was not activated");
        is_still(store, 1, &fresh("later")).await
    })?
}

/// Of 100 callers at once exactly one activates an enrolment. It is a factor then, as it was enrolled, and no enrolment
/// any more.
pub(in crate::conformance) fn an_enrolment_is_activated_once<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(arena.store().begin_enrolment(&enrolment("raced", 1), at(0)))??;
    let answers = arena.race(100, |_| async {
        arena.store().activate(&digest("raced"), FIRST, &codes("raced"), at(1)).await
    })?;
    let mut done = 0;
    for answer in answers {
        done += u32::from(answer?);
    }
    ensure!(done == 1, "100 parallel callers activated one enrolment {done} times");
    arena.run(async {
        let store = arena.store();
        is_still(store, 1, &fresh("raced")).await?;
        let found = store.enrolment(&digest("raced"), at(1)).await?;
        ensure!(found.is_none(), "an activated enrolment was found: {found:?}");
        let again = store.activate(&digest("raced"), FIRST + 9, &codes("again"), at(2)).await?;
        ensure!(!again, "an enrolment was activated again");
        is_still(store, 1, &fresh("raced")).await
    })?
}

/// An enrolment replaces the factor that it names and no other, and then ends its recovery codes.
pub(in crate::conformance) fn an_enrolment_replaces_only_what_it_names<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        let admin = admin(1);
        let unfounded = replacement("unfounded", 1, "never");
        store.begin_enrolment(&unfounded, at(0)).await?;
        let done = store.activate(&unfounded.token, FIRST, &codes("unfounded"), at(1)).await?;
        ensure!(!done, "an enrolment replaced a factor that the admin user does not have");
        enrolled(store, "first", 1).await?;
        activated(store, "second", &replacement("second", 1, "first")).await?;
        is_still(store, 1, &fresh("second")).await?;
        for code in codes("first") {
            for name in ["first", "second"] {
                let spent = store.use_recovery_code(&admin, &digest(name), &code).await?;
                ensure!(!spent, "a recovery code of a factor that was replaced is good for {name:?}");
            }
        }
        let used = store.use_step(&admin, &digest("first"), FIRST + 1).await?;
        ensure!(!used, "a step was used of a factor that was replaced");
        for stale in [enrolment("for nobody", 1), replacement("too late", 1, "first")] {
            store.begin_enrolment(&stale, at(0)).await?;
            let done = store.activate(&stale.token, FIRST, &codes("stale"), at(1)).await?;
            ensure!(!done, "{stale:?} replaced another factor");
            is_still(store, 1, &fresh("second")).await?;
        }
        Ok(())
    })?
}

/// Of enrolments in parallel that are to replace the same factor exactly one does.
pub(in crate::conformance) fn one_factor_is_replaced_once<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(enrolled(arena.store(), "replaced", 1))??;
    let answers = arena.race(100, |caller| async move {
        let name = format!("raced {caller}");
        let enrolment = replacement(&name, 1, "replaced");
        arena.store().begin_enrolment(&enrolment, at(0)).await?;
        let done = arena.store().activate(&enrolment.token, FIRST, &codes(&name), at(1)).await?;
        Ok::<_, Failure>(done.then_some(name))
    })?;
    let answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    let done: Vec<_> = answers.into_iter().flatten().collect();
    let [name] = &done[..] else {
        return Err(Failure::new(format!("100 parallel enrolments replaced one factor by {done:?}")));
    };
    arena.run(is_still(arena.store(), 1, &fresh(name)))?
}

/// Of 100 callers at once exactly one uses a step; the one that activated is used.
pub(in crate::conformance) fn a_step_is_used_once<S: Store>(arena: &Arena<'_, S>) -> Result<(), Failure> {
    arena.run(enrolled(arena.store(), "factor", 1))??;
    for (step, times) in [(FIRST, 0), (FIRST + 1, 1), (FIRST + 2, 1)] {
        let answers = arena
            .race(100, |_| async move { arena.store().use_step(&admin(1), &digest("factor"), step).await })?;
        let mut used = 0;
        for answer in answers {
            used += u32::from(answer?);
        }
        ensure!(used == times, "100 parallel callers used one step {used} times, of {times}");
    }
    arena.run(is_still(arena.store(), 1, &Factor { last_step: FIRST + 2, ..fresh("factor") }))?
}

/// Neighbouring steps in parallel: each is used once at most, and none once a newer one was.
pub(in crate::conformance) fn no_step_is_used_after_a_newer_one<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    const STEPS: [u64; 3] = [FIRST + 1, FIRST + 2, FIRST + 3];
    arena.run(enrolled(arena.store(), "factor", 1))??;
    let newest_is_used = AtomicBool::new(false);
    let answers = arena.race(100, |caller| {
        let newest_is_used = &newest_is_used;
        async move {
            let late = newest_is_used.load(Ordering::SeqCst);
            let step = STEPS.into_iter().cycle().nth(caller).unwrap_or(FIRST);
            let used = arena.store().use_step(&admin(1), &digest("factor"), step).await?;
            if used && STEPS.last() == Some(&step) {
                newest_is_used.store(true, Ordering::SeqCst);
            }
            ensure!(!(used && late), "step {step} was used after a newer one");
            Ok::<_, Failure>(used.then_some(step))
        }
    })?;
    let answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    for step in STEPS {
        let used = answers.iter().filter(|used| **used == Some(step)).count();
        ensure!(used <= 1, "step {step} was used {used} times");
    }
    arena.run(async {
        for step in STEPS.into_iter().chain([FIRST, 0]) {
            let used = arena.store().use_step(&admin(1), &digest("factor"), step).await?;
            ensure!(!used, "step {step} was used after all of {STEPS:?} had been");
        }
        is_still(arena.store(), 1, &Factor { last_step: FIRST + 3, ..fresh("factor") }).await
    })?
}

/// A last step is lowered from what the caller took it for, and to a lower one only. Codes of the steps between are good
/// then, and none of an earlier one.
pub(in crate::conformance) fn a_step_is_lowered_from_what_it_was<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    const AHEAD: u64 = FIRST + 1_000_000;
    arena.run(async {
        let store = arena.store();
        let (admin, name) = (admin(1), digest("factor"));
        enrolled(store, "factor", 1).await?;
        ensure!(store.use_step(&admin, &name, AHEAD).await?, "a new step was not used");
        for (from, to) in [(AHEAD - 1, FIRST), (AHEAD, AHEAD), (AHEAD, AHEAD + 1), (FIRST, FIRST)] {
            let done = store.lower_step(&admin, &name, from, to).await?;
            ensure!(!done, "a last step was lowered from {from} to {to}, and was {AHEAD}");
        }
        ensure!(!store.lower_step(&admin, &digest("never"), AHEAD, FIRST).await?, "of a factor nobody has");
        is_still(store, 1, &Factor { last_step: AHEAD, ..fresh("factor") }).await?;
        ensure!(store.lower_step(&admin, &name, AHEAD, FIRST + 5).await?, "a last step was not lowered");
        ensure!(!store.lower_step(&admin, &name, AHEAD, FIRST).await?, "a last step was lowered twice");
        is_still(store, 1, &Factor { last_step: FIRST + 5, ..fresh("factor") }).await?;
        for (step, used) in [(FIRST + 4, false), (FIRST + 5, false), (FIRST + 6, true), (FIRST + 6, false)] {
            let found = store.use_step(&admin, &name, step).await?;
            ensure!(found == used, "step {step} after a last step of {}: {found}", FIRST + 5);
        }
        Ok(())
    })?
}

/// Two admin users use the same step; nobody uses another's factor, or one that is not there.
pub(in crate::conformance) fn factors_of_admin_users_are_apart<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        enrolled(store, "one", 1).await?;
        enrolled(store, "two", 2).await?;
        for (number, name) in [(1, "two"), (2, "one"), (1, "never"), (3, "one")] {
            let (admin, name) = (admin(number), digest(name));
            let used = store.use_step(&admin, &name, FIRST + 1).await?;
            ensure!(!used, "admin user {number} used a step of a factor of somebody else's");
            for code in codes("one").iter().chain(&codes("two")) {
                let spent = store.use_recovery_code(&admin, &name, code).await?;
                ensure!(!spent, "admin user {number} spent a recovery code of somebody else's");
            }
            let replaced = store.replace_recovery_codes(&admin, &name, &codes("new")).await?;
            ensure!(!replaced, "admin user {number} replaced the recovery codes of somebody else");
            for secret in [sealed("one"), sealed("two")] {
                let resealed = store.reseal(&admin, &name, &secret, &sealed("new")).await?;
                ensure!(!resealed, "admin user {number} resealed the secret of somebody else");
            }
        }
        is_still(store, 1, &fresh("one")).await?;
        is_still(store, 2, &fresh("two")).await?;
        for (number, name) in [(1, "one"), (2, "two")] {
            let used = store.use_step(&admin(number), &digest(name), FIRST + 1).await?;
            ensure!(used, "admin user {number} could not use a step that another had used");
        }
        Ok(())
    })?
}

/// Of 100 callers at once exactly one spends a recovery code; the others stay good.
pub(in crate::conformance) fn a_recovery_code_is_spent_once<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(enrolled(arena.store(), "factor", 1))??;
    let code = digest("factor 3");
    let answers = arena.race(100, |_| async move {
        arena.store().use_recovery_code(&admin(1), &digest("factor"), &code).await
    })?;
    let mut spent = 0;
    for answer in answers {
        spent += u32::from(answer?);
    }
    ensure!(spent == 1, "100 parallel callers spent one recovery code {spent} times");
    arena.run(async {
        let store = arena.store();
        let mut left = fresh("factor");
        left.recovery_codes.retain(|other| *other != code);
        is_still(store, 1, &left).await?;
        for other in left.recovery_codes {
            let spent = store.use_recovery_code(&admin(1), &digest("factor"), &other).await?;
            ensure!(spent, "a recovery code went with another");
        }
        let never = store.use_recovery_code(&admin(1), &digest("factor"), &digest("never")).await?;
        ensure!(!never, "a recovery code was good that nobody was given");
        Ok(())
    })?
}

/// Recovery codes are replaced as a set, while the earlier ones are being spent: none of these is good afterwards.
pub(in crate::conformance) fn recovery_codes_are_replaced_as_a_set<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(enrolled(arena.store(), "factor", 1))??;
    let earlier = codes("factor");
    let answers = arena.race(100, |caller| {
        let code = earlier.iter().cycle().nth(caller);
        async move {
            let (store, admin, factor) = (arena.store(), admin(1), digest("factor"));
            if caller == 50 {
                let replaced = store.replace_recovery_codes(&admin, &factor, &codes("new")).await?;
                ensure!(replaced, "the recovery codes of a factor were not replaced");
                return Ok(None);
            }
            let Some(code) = code else { return Ok(None) };
            let spent = store.use_recovery_code(&admin, &factor, code).await?;
            Ok::<_, Failure>(spent.then_some(*code))
        }
    })?;
    let answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    for code in &earlier {
        let spent = answers.iter().filter(|spent| **spent == Some(*code)).count();
        ensure!(spent <= 1, "one recovery code was spent {spent} times");
    }
    arena.run(async {
        let store = arena.store();
        let mut replaced = Factor { recovery_codes: codes("new"), ..fresh("factor") };
        replaced.recovery_codes.sort_unstable();
        is_still(store, 1, &replaced).await?;
        for code in &earlier {
            let spent = store.use_recovery_code(&admin(1), &digest("factor"), code).await?;
            ensure!(!spent, "a recovery code is good that was replaced");
        }
        let emptied = store.replace_recovery_codes(&admin(1), &digest("factor"), &[]).await?;
        ensure!(emptied, "the recovery codes of a factor were not taken away");
        is_still(store, 1, &Factor { recovery_codes: Vec::new(), ..replaced }).await
    })?
}

/// Resealing compares and sets, and keeps all but the secret.
pub(in crate::conformance) fn resealing_compares_and_keeps_the_rest<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        enrolled(store, "factor", 1).await?;
        let (admin, name) = (admin(1), digest("factor"));
        ensure!(store.use_step(&admin, &name, FIRST + 7).await?, "a new step was not used");
        ensure!(store.use_recovery_code(&admin, &name, &digest("factor 0")).await?, "a code was not spent");
        let mut expected = Factor { last_step: FIRST + 7, ..fresh("factor") };
        expected.recovery_codes.retain(|code| *code != digest("factor 0"));
        let new = Sealed { key: KeyId(2), bytes: b"\0new".to_vec() };
        let other_key = Sealed { key: KeyId(2), ..sealed("factor") };
        for wrong in [sealed("another"), other_key, new.clone()] {
            let resealed = store.reseal(&admin, &name, &wrong, &new).await?;
            ensure!(!resealed, "a secret was resealed that is not the expected one");
            is_still(store, 1, &expected).await?;
        }
        let resealed = store.reseal(&admin, &name, &sealed("factor"), &new).await?;
        ensure!(resealed, "the expected secret was not resealed");
        is_still(store, 1, &Factor { secret: new, ..expected }).await
    })??;
    let answers = arena.race(100, |caller| async move {
        let old = Sealed { key: KeyId(2), bytes: b"\0new".to_vec() };
        let new = sealed(&format!("raced {caller}"));
        arena.store().reseal(&admin(1), &digest("factor"), &old, &new).await
    })?;
    let mut resealed = 0;
    for answer in answers {
        resealed += u32::from(answer?);
    }
    ensure!(resealed == 1, "100 parallel callers resealed one secret {resealed} times");
    Ok(())
}

/// What other keys sealed is found until it is resealed, with whose it is, and no more than is asked for.
pub(in crate::conformance) fn what_other_keys_sealed_is_found<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        let names = ["a", "b", "c", "d", "e"];
        for (number, name) in (1..).zip(names) {
            enrolled(store, name, number).await?;
        }
        // What is not activated is resealed by nobody: it ends soon.
        store.begin_enrolment(&enrolment("begun", 9), at(0)).await?;
        let own = store.sealed_by_others(KEY, 10).await?;
        ensure!(own.is_empty(), "the key itself sealed {own:?}");
        let some = store.sealed_by_others(KeyId(2), 2).await?;
        ensure!(some.len() == 2, "of 5 factors of another key, 2 were asked for and {} answered", some.len());
        for round in 0..3 {
            for (admin, factor) in store.sealed_by_others(KeyId(2), 2).await? {
                let new = Sealed { key: KeyId(2), bytes: factor.secret.bytes.clone() };
                let name = names.into_iter().find(|name| digest(name) == factor.name).unwrap_or_default();
                ensure!(in_order(factor.clone()) == fresh(name), "{factor:?} was found for {name:?}");
                let resealed = store.reseal(&admin, &factor.name, &factor.secret, &new).await?;
                ensure!(resealed, "in round {round} the factor {name:?} is not of the admin user named");
            }
        }
        let left = store.sealed_by_others(KeyId(2), 10).await?;
        ensure!(left.is_empty(), "after all were resealed, {left:?} is left");
        Ok(())
    })?
}

/// Removing ends the factor, its recovery codes and the enrolment; another admin user keeps all.
pub(in crate::conformance) fn removing_ends_all<S: Store>(arena: &Arena<'_, S>) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        enrolled(store, "removed", 1).await?;
        enrolled(store, "kept", 2).await?;
        store.begin_enrolment(&replacement("next", 1, "removed"), at(0)).await?;
        store.begin_enrolment(&enrolment("without a factor", 3), at(0)).await?;
        ensure!(store.remove_factor(&admin(1)).await?, "a factor was not there to remove");
        let found = store.factor(&admin(1)).await?;
        ensure!(found.is_none(), "a factor was found that was removed: {found:?}");
        let used = store.use_step(&admin(1), &digest("removed"), FIRST + 1).await?;
        ensure!(!used, "a step was used of a factor that was removed");
        let spent = store.use_recovery_code(&admin(1), &digest("removed"), &digest("removed 0")).await?;
        ensure!(!spent, "a recovery code was spent of a factor that was removed");
        ensure!(!store.remove_factor(&admin(1)).await?, "a factor was removed twice");
        ensure!(!store.remove_factor(&admin(3)).await?, "a factor was removed that was only begun");
        for name in ["next", "without a factor"] {
            let found = store.enrolment(&digest(name), at(1)).await?;
            ensure!(found.is_none(), "an enrolment outlived its admin user's factor: {found:?}");
            let done = store.activate(&digest(name), FIRST, &codes(name), at(1)).await?;
            ensure!(!done, "the enrolment {name:?} was activated after a removal");
        }
        is_still(store, 2, &fresh("kept")).await?;
        enrolled(store, "anew", 1).await?;
        is_still(store, 1, &fresh("anew")).await
    })?
}

/// Purging removes expired enrolments, at most as many as asked for, and neither live ones nor factors.
pub(in crate::conformance) fn purging_spares_live_enrolments<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        enrolled(store, "factor", 1).await?;
        store.begin_enrolment(&replacement("expired too", 1, "factor"), at(0)).await?;
        for number in 2..10 {
            store.begin_enrolment(&enrolment(&format!("expired {number}"), number), at(0)).await?;
        }
        let live = Enrolment { expires_at: at(61), ..enrolment("live", 10) };
        store.begin_enrolment(&live, at(0)).await?;
        // It was begun again: what it replaced has expired, and it has not.
        store.begin_enrolment(&enrolment("earlier", 11), at(0)).await?;
        let again = Enrolment { admin: admin(11), token: digest("again"), ..live.clone() };
        store.begin_enrolment(&again, at(0)).await?;
        let mut removed = 0;
        for _ in 0..20 {
            let some = store.purge_enrolments(at(60), 2).await?;
            ensure!(some <= 2, "a purge of at most 2 removed {some}");
            removed += some;
        }
        ensure!(removed <= 10, "{removed} records were removed where 10 had expired");
        for live in [live, again] {
            let found = store.enrolment(&live.token, at(60)).await?;
            ensure!(found.as_ref() == Some(&live), "after a purge a live enrolment was {found:?}");
        }
        is_still(store, 1, &fresh("factor")).await
    })?
}

/// Admin users of any key are kept apart, with secrets of any bytes.
pub(in crate::conformance) fn factors_of_odd_input_are_kept_apart<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        let mut all = Vec::new();
        for (number, text) in odd_texts().iter().enumerate() {
            let Ok(admin) = text.parse::<AdminId>() else { return Err(Failure::new("not an id")) };
            let name = format!("odd {number}");
            let mut odd = enrolment(&name, 1);
            odd.admin = admin;
            odd.secret.bytes = text.bytes().chain(0..=u8::MAX).collect();
            activated(store, &name, &odd).await?;
            all.push((odd, Factor { secret: sealed(""), ..fresh(&name) }));
        }
        for (odd, expected) in all {
            let found = factor(store, &odd.admin).await?;
            let expected = Factor { secret: odd.secret, ..expected };
            ensure!(found.as_ref() == Some(&expected), "{:?} has {found:?}", odd.admin);
            ensure!(store.remove_factor(&odd.admin).await?, "{:?} has no factor to remove", odd.admin);
        }
        Ok(())
    })?
}
