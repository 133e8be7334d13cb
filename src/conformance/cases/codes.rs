//! Cases of the store of one-time credentials.

use super::{assistance, at, customer, digest, ensure, just_before, odd_texts, website};
use crate::{
    account::Website,
    conformance::{Arena, Failure},
    store::{OneTimeCredential, OtcStore, Presented, Purpose, Purposes, Store, Take},
};

const BOTH: Purposes = Purposes { reset_token: true, one_time_code: true };

/// A reset token of customer 1 that lives from 0 to 60.
fn reset_token(name: &str) -> OneTimeCredential {
    OneTimeCredential::reset_token(digest(name), Website::default(), customer(1), at(0), at(60))
}

/// A one-time code of customer 1 that lives from 0 to 30.
fn code(name: &str) -> OneTimeCredential {
    OneTimeCredential::one_time_code(
        digest(name),
        Website::default(),
        customer(1),
        assistance("why"),
        at(0),
        at(30),
    )
}

fn presented(credential: &OneTimeCredential) -> Presented {
    Presented {
        website: credential.website.clone(),
        customer: credential.customer.clone(),
        digest: credential.digest,
        purposes: BOTH,
    }
}

/// Takes at 1, for the grant "bought".
async fn take<S: OtcStore>(store: &S, presented: &Presented) -> Result<Take, Failure> {
    Ok(store.take(presented, Some(&digest("bought")), at(1)).await?)
}

async fn put<S: OtcStore>(store: &S, credential: &OneTimeCredential) -> Result<(), Failure> {
    ensure!(store.put(credential, 10, credential.issued_at).await?, "a new credential was not stored");
    Ok(())
}

/// Credentials of both purposes come back as they went in.
pub(in crate::conformance) fn a_credential_is_taken_as_it_was_put<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    let other_website = website("outlet_fr")?;
    arena.run(async {
        let store = arena.store();
        let mut elsewhere = code("elsewhere");
        elsewhere.website = other_website;
        for credential in [reset_token("reset"), code("code"), elsewhere] {
            put(store, &credential).await?;
            let taken = take(store, &presented(&credential)).await?;
            ensure!(taken == Take::Taken(credential.clone()), "put {credential:?}, took {taken:?}");
        }
        Ok(())
    })?
}

/// A peek shows a live, unspent credential of exactly this tuple, and changes nothing.
pub(in crate::conformance) fn a_peek_shows_what_would_be_taken<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    let other_website = website("outlet_fr")?;
    arena.run(async {
        let store = arena.store();
        for credential in [reset_token("reset"), code("code")] {
            put(store, &credential).await?;
            let right = presented(&credential);
            let neither = Purposes { reset_token: false, one_time_code: false };
            for wrong in [
                Presented { website: other_website.clone(), ..right.clone() },
                Presented { customer: customer(2), ..right.clone() },
                Presented { digest: digest("another"), ..right.clone() },
                Presented { purposes: neither, ..right.clone() },
            ] {
                let shown = store.peek(&wrong, at(1)).await?;
                ensure!(shown.is_none(), "{wrong:?} was shown {shown:?}");
            }
            for now in [at(1), just_before(credential.expires_at)] {
                let shown = store.peek(&right, now).await?;
                ensure!(shown.as_ref() == Some(&credential), "put {credential:?}, was shown {shown:?}");
            }
            let shown = store.peek(&right, credential.expires_at).await?;
            ensure!(shown.is_none(), "an expired credential was shown: {shown:?}");
            let taken = take(store, &right).await?;
            ensure!(taken == Take::Taken(credential.clone()), "after a look a credential was {taken:?}");
            let shown = store.peek(&right, at(1)).await?;
            ensure!(shown.is_none(), "a spent credential was shown: {shown:?}");
        }
        Ok(())
    })?
}

/// Of 100 callers at once exactly one is handed the credential; the others learn that it is spent.
pub(in crate::conformance) fn a_credential_is_taken_once<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    for credential in [reset_token("reset"), code("code")] {
        arena.run(put(arena.store(), &credential))??;
        let answers = arena.race(100, |_| async { take(arena.store(), &presented(&credential)).await })?;
        let mut taken = 0;
        for answer in answers {
            match answer? {
                Take::Taken(_) => taken += 1,
                Take::Spent { .. } => {}
                Take::Nothing => return Err(Failure::new("a spent credential was not there")),
            }
        }
        ensure!(taken == 1, "100 parallel callers were handed one credential {taken} times");
    }
    Ok(())
}

/// A credential lives until just before its end, and not at it; nor is its mark kept beyond it.
pub(in crate::conformance) fn a_credential_expires_at_the_instant<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        for name in ["early", "late"] {
            put(store, &code(name)).await?;
        }
        let early = store.take(&presented(&code("early")), None, just_before(at(30))).await?;
        ensure!(
            matches!(early, Take::Taken(_)),
            "a credential that lives until 30 was {early:?} just before"
        );
        let late = store.take(&presented(&code("late")), None, at(30)).await?;
        ensure!(late == Take::Nothing, "a credential that lives until 30 was {late:?} at 30");
        let spent = store.take(&presented(&code("early")), None, at(30)).await?;
        ensure!(spent == Take::Nothing, "an expired credential that had been spent was {spent:?}");
        Ok(())
    })?
}

/// Another website, customer, digest or purpose takes nothing and spends nothing.
pub(in crate::conformance) fn a_wrong_tuple_takes_nothing<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    let other_website = website("outlet_fr")?;
    arena.run(async {
        let store = arena.store();
        for credential in [reset_token("reset"), code("code")] {
            put(store, &credential).await?;
            let right = presented(&credential);
            let is_code = credential.purpose == Purpose::OneTimeCode;
            let wrong = [
                Presented { website: other_website.clone(), ..right.clone() },
                Presented { customer: customer(2), ..right.clone() },
                Presented { digest: digest("another"), ..right.clone() },
                Presented {
                    purposes: Purposes { reset_token: is_code, one_time_code: !is_code },
                    ..right.clone()
                },
                Presented {
                    purposes: Purposes { reset_token: false, one_time_code: false },
                    ..right.clone()
                },
            ];
            for wrong in &wrong {
                let taken = take(store, wrong).await?;
                ensure!(taken == Take::Nothing, "{wrong:?} was {taken:?} for {credential:?}");
            }
            let taken = take(store, &right).await?;
            ensure!(
                taken == Take::Taken(credential.clone()),
                "after wrong tuples the right one was {taken:?}"
            );
            for wrong in &wrong {
                let taken = take(store, wrong).await?;
                ensure!(taken == Take::Nothing, "{wrong:?} was {taken:?} for a spent credential");
            }
        }
        Ok(())
    })?
}

/// A spent credential presented again is named with the grant it was first taken for, every time.
pub(in crate::conformance) fn a_spent_credential_names_what_it_bought<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        for (credential, buys) in [(code("code"), Some(digest("bought"))), (reset_token("reset"), None)] {
            put(store, &credential).await?;
            let taken = store.take(&presented(&credential), buys.as_ref(), at(1)).await?;
            ensure!(matches!(taken, Take::Taken(_)), "a live credential was {taken:?}");
            for later in [2, 3] {
                let again = store.take(&presented(&credential), Some(&digest("again")), at(later)).await?;
                let expected = Take::Spent { purpose: credential.purpose, bought: buys };
                ensure!(again == expected, "a spent credential was {again:?} instead of {expected:?}");
            }
        }
        Ok(())
    })?
}

/// Putting a digest again changes nothing, least of all a spent one's mark.
pub(in crate::conformance) fn a_spent_credential_is_not_revived<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        let credential = code("code");
        put(store, &credential).await?;
        ensure!(!store.put(&credential, 10, at(0)).await?, "a credential was put twice");
        let taken = take(store, &presented(&credential)).await?;
        ensure!(matches!(taken, Take::Taken(_)), "a live credential was {taken:?}");
        ensure!(!store.put(&credential, 10, at(1)).await?, "a spent credential was put again");
        let again = take(store, &presented(&credential)).await?;
        ensure!(matches!(again, Take::Spent { .. }), "a spent credential that was put again was {again:?}");
        Ok(())
    })?
}

/// Of a customer's outstanding credentials of one purpose only the newest stay; spent ones, other purposes
/// and other customers do not count.
pub(in crate::conformance) fn only_the_newest_are_kept<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        let mut others = reset_token("another customer's");
        others.customer = customer(2);
        put(store, &others).await?;
        put(store, &code("a code")).await?;
        put(store, &reset_token("spent")).await?;
        let spent = take(store, &presented(&reset_token("spent"))).await?;
        ensure!(matches!(spent, Take::Taken(_)), "a live credential was {spent:?}");
        for (second, name) in (2..).zip(["oldest", "old", "new", "newest"]) {
            let mut credential = reset_token(name);
            credential.issued_at = at(second);
            ensure!(store.put(&credential, 3, at(second)).await?, "a new credential was not stored");
        }
        let replayed = take(store, &presented(&reset_token("spent"))).await?;
        ensure!(
            matches!(replayed, Take::Spent { .. }),
            "the mark of a spent credential was lost: {replayed:?}"
        );
        let oldest = take(store, &presented(&reset_token("oldest"))).await?;
        ensure!(oldest == Take::Nothing, "the fourth newest of three kept was {oldest:?}");
        for credential in
            [reset_token("old"), reset_token("new"), reset_token("newest"), code("a code"), others]
        {
            let taken = take(store, &presented(&credential)).await?;
            ensure!(matches!(taken, Take::Taken(_)), "{credential:?} was {taken:?}");
        }
        Ok(())
    })?
}

/// Credentials put in parallel do not outnumber what is kept.
pub(in crate::conformance) fn parallel_puts_keep_no_more<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    let puts = arena.race(50, |caller| async move {
        arena.store().put(&reset_token(&format!("raced {caller}")), 3, at(0)).await
    })?;
    for put in puts {
        ensure!(put?, "a new credential was not stored");
    }
    arena.run(async {
        let mut live = 0;
        for caller in 0..50 {
            let taken = take(arena.store(), &presented(&reset_token(&format!("raced {caller}")))).await?;
            live += u32::from(matches!(taken, Take::Taken(_)));
        }
        ensure!(live == 3, "of 50 parallel credentials {live} were kept where 3 are the most");
        Ok(())
    })?
}

/// Discarding ends all of a customer's outstanding credentials, on all websites, and nobody else's.
pub(in crate::conformance) fn discarding_ends_all<S: Store>(arena: &Arena<'_, S>) -> Result<(), Failure> {
    let other_website = website("outlet_fr")?;
    arena.run(async {
        let store = arena.store();
        let mut elsewhere = reset_token("elsewhere");
        elsewhere.website = other_website;
        let mut others = reset_token("another customer's");
        others.customer = customer(2);
        for credential in
            [reset_token("reset"), code("code"), elsewhere.clone(), others.clone(), code("spent")]
        {
            put(store, &credential).await?;
        }
        let spent = take(store, &presented(&code("spent"))).await?;
        ensure!(matches!(spent, Take::Taken(_)), "a live credential was {spent:?}");
        store.discard(&customer(1)).await?;
        for credential in [reset_token("reset"), code("code"), elsewhere] {
            let taken = take(store, &presented(&credential)).await?;
            ensure!(taken == Take::Nothing, "a discarded credential was {taken:?}");
        }
        let taken = take(store, &presented(&others)).await?;
        ensure!(matches!(taken, Take::Taken(_)), "another customer's credential was {taken:?}");
        let spent = take(store, &presented(&code("spent"))).await?;
        ensure!(
            matches!(spent, Take::Spent { .. }),
            "discarding lost the mark of a spent credential: {spent:?}"
        );
        store.discard(&customer(3)).await?;
        Ok(())
    })?
}

/// Purging removes expired credentials, at most as many as asked for, and neither live ones nor the marks of
/// spent ones.
pub(in crate::conformance) fn purging_spares_live_and_spent_credentials<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        for number in 0..9 {
            put(store, &code(&format!("{number}"))).await?;
        }
        put(store, &reset_token("live")).await?;
        put(store, &reset_token("spent")).await?;
        let spent = take(store, &presented(&reset_token("spent"))).await?;
        ensure!(matches!(spent, Take::Taken(_)), "a live credential was {spent:?}");
        let mut removed = 0;
        for _ in 0..20 {
            let some = store.purge_codes(at(30), 2).await?;
            ensure!(some <= 2, "a purge of at most 2 removed {some}");
            removed += some;
        }
        ensure!(removed <= 9, "{removed} records were removed where 9 had expired");
        let spent = take(store, &presented(&reset_token("spent"))).await?;
        ensure!(matches!(spent, Take::Spent { .. }), "after a purge a spent credential was {spent:?}");
        let live = take(store, &presented(&reset_token("live"))).await?;
        ensure!(matches!(live, Take::Taken(_)), "after a purge a live credential was {live:?}");
        Ok(())
    })?
}

/// Keys and reasons of any text are kept as they are and apart from each other.
pub(in crate::conformance) fn credentials_of_odd_input_are_kept_apart<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        let mut all = Vec::new();
        for (number, text) in odd_texts().into_iter().chain([String::new(), "\0".repeat(1 << 20)]).enumerate()
        {
            let mut credential = code(&format!("odd {number}"));
            credential.customer = text.parse().unwrap_or_else(|_| customer(i32::MAX));
            credential.assistance = Some(assistance(&text).into());
            put(store, &credential).await?;
            all.push(credential);
        }
        for credential in all {
            let taken = take(store, &presented(&credential)).await?;
            ensure!(taken == Take::Taken(credential.clone()), "put {credential:?}, took {taken:?}");
        }
        Ok(())
    })?
}
