//! Cases of the ledger of assistance.

use std::net::{IpAddr, Ipv6Addr};

use super::{assistance, at, customer, digest, ensure, grant, just_before, odd_texts, website};
use crate::{
    conformance::{Arena, Failure},
    store::{AssistanceEnd, AssistanceEntry, LedgerStore, Store},
    token::{Obtained, Origin},
};

const ENDS: [AssistanceEnd; 6] = [
    AssistanceEnd::Expired,
    AssistanceEnd::SignedOut,
    AssistanceEnd::EndedByCustomer,
    AssistanceEnd::ConsentWithdrawn,
    AssistanceEnd::Withdrawn,
    AssistanceEnd::NotIssued,
];

/// An assistance to customer `number` that begins at `second` and lives for a minute.
pub(super) fn entry(name: &str, number: i32, second: u64) -> Result<AssistanceEntry, Failure> {
    let mut grant = grant(name, number).assisted(assistance("cannot add to the cart"));
    grant.issued_at = at(second);
    grant.expires_at = at(second + 60);
    AssistanceEntry::of(&grant, &Origin::default()).ok_or_else(|| Failure::new("no entry of assistance"))
}

/// The same, ended.
fn ended(entry: &AssistanceEntry, end: AssistanceEnd, second: u64) -> AssistanceEntry {
    AssistanceEntry { ended_at: Some(at(second)), end: Some(end), ..entry.clone() }
}

async fn begin<S: LedgerStore>(store: &S, name: &str, number: i32, second: u64) -> Result<(), Failure> {
    Ok(store.begin_assistance(&entry(name, number, second)?).await?)
}

/// Ends it for the first time.
async fn end<S: LedgerStore>(store: &S, name: &str, second: u64) -> Result<(), Failure> {
    let answer = store.end_assistance(&digest(name), AssistanceEnd::SignedOut, at(second)).await?;
    ensure!(answer.is_some(), "an open assistance was not there to end: {name:?}");
    Ok(())
}

async fn of_customer<S: LedgerStore>(store: &S, number: i32) -> Result<Vec<AssistanceEntry>, Failure> {
    Ok(store.assistance_of(&customer(number), 100).await?)
}

fn has_names(found: &[AssistanceEntry], names: &[&str]) -> Result<(), Failure> {
    ensure!(
        found.iter().map(|entry| entry.grant).eq(names.iter().map(|name| digest(name))),
        "for {names:?} there came {found:?}"
    );
    Ok(())
}

/// Entries of every shape come back as they went in, open and ended.
pub(in crate::conformance) fn an_entry_comes_back_as_it_was_begun<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    let other_website = website("outlet_fr")?;
    arena.run(async {
        let store = arena.store();
        let mut elsewhere = entry("elsewhere", 1, 1)?;
        elsewhere.website = other_website;
        elsewhere.obtained = Obtained::OneTimeCode;
        elsewhere.origin = Origin::from(IpAddr::V6(Ipv6Addr::LOCALHOST))
            .user_agent("Mozilla/5.0 (it's \"me\")")
            .correlation_id("7f3a9c");
        let mut direct = entry("direct", 1, 0)?;
        direct.obtained = Obtained::AsAdmin;
        let begun = [direct, elsewhere];
        for entry in &begun {
            store.begin_assistance(entry).await?;
        }
        let open = store.open_assistance(10).await?;
        ensure!(open == begun, "began {begun:?}, open is {open:?}");
        for entry in &begun {
            let found = store.find_assistance(&entry.grant).await?;
            ensure!(found.as_ref() == Some(entry), "began {entry:?}, found {found:?}");
        }
        let never = store.find_assistance(&digest("never")).await?;
        ensure!(never.is_none(), "an assistance was found that never began: {never:?}");
        let listed = of_customer(store, 1).await?;
        ensure!(listed.iter().eq(begun.iter().rev()), "began {begun:?}, listed {listed:?}");
        for (second, entry) in (2..).zip(&begun) {
            let expected = ended(entry, AssistanceEnd::EndedByCustomer, second);
            let answer =
                store.end_assistance(&entry.grant, AssistanceEnd::EndedByCustomer, at(second)).await?;
            ensure!(answer.as_ref() == Some(&expected), "{answer:?} was ended instead of {expected:?}");
            let listed = of_customer(store, 1).await?;
            ensure!(listed.contains(&expected), "{listed:?} was listed without {expected:?}");
            let found = store.find_assistance(&entry.grant).await?;
            ensure!(found.as_ref() == Some(&expected), "ended {expected:?}, found {found:?}");
        }
        Ok(())
    })?
}

/// An entry that is there stays as it is, open or ended; of 100 that begin in parallel there is one.
pub(in crate::conformance) fn beginning_twice_keeps_the_first<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        let first = entry("same", 1, 0)?;
        store.begin_assistance(&first).await?;
        begin(store, "same", 2, 9).await?;
        let open = store.open_assistance(10).await?;
        ensure!(open == [first.clone()], "an entry that was there became {open:?}");
        ensure!(of_customer(store, 2).await?.is_empty(), "an entry moved to another customer");
        end(store, "same", 3).await?;
        store.begin_assistance(&first).await?;
        let open = store.open_assistance(10).await?;
        ensure!(open.is_empty(), "an entry that had ended was opened again: {open:?}");
        let listed = of_customer(store, 1).await?;
        ensure!(listed == [ended(&first, AssistanceEnd::SignedOut, 3)], "an ended entry became {listed:?}");
        Ok(())
    })??;
    let begun = arena.race(100, |_| async { begin(arena.store(), "raced", 3, 0).await })?;
    begun.into_iter().collect::<Result<Vec<_>, _>>()?;
    arena.run(async { has_names(&of_customer(arena.store(), 3).await?, &["raced"]) })?
}

/// Of 100 callers at once exactly one gets the entry that ends, and what it gets is what is kept.
pub(in crate::conformance) fn an_assistance_ends_once<S: Store>(arena: &Arena<'_, S>) -> Result<(), Failure> {
    arena.run(begin(arena.store(), "raced", 1, 0))??;
    let answers = arena.race(100, |caller| async move {
        let end = ENDS.into_iter().cycle().nth(caller).unwrap_or(AssistanceEnd::Expired);
        arena.store().end_assistance(&digest("raced"), end, at(1)).await
    })?;
    let answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    let got: Vec<_> = answers.into_iter().flatten().collect();
    ensure!(got.len() == 1, "100 parallel callers were handed one end {} times", got.len());
    let listed = arena.run(of_customer(arena.store(), 1))??;
    ensure!(listed == got, "one was handed {got:?}, and {listed:?} is kept");
    Ok(())
}

/// Each end is kept as it was noted first; an assistance that never began does not end.
pub(in crate::conformance) fn an_end_is_not_written_over<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        let never = store.end_assistance(&digest("never"), AssistanceEnd::Expired, at(1)).await?;
        ensure!(never.is_none(), "an assistance ended that never began: {never:?}");
        for (number, end) in (1..).zip(ENDS) {
            let name = format!("{end:?}");
            let entry = entry(&name, number, 0)?;
            store.begin_assistance(&entry).await?;
            let expected = ended(&entry, end, 5);
            let answer = store.end_assistance(&entry.grant, end, at(5)).await?;
            ensure!(answer.as_ref() == Some(&expected), "{answer:?} was ended instead of {expected:?}");
            for other in ENDS {
                let again = store.end_assistance(&entry.grant, other, at(6)).await?;
                ensure!(again.is_none(), "an assistance ended twice: {again:?}");
            }
            let listed = of_customer(store, number).await?;
            ensure!(listed == [expected], "the end {end:?} was written over: {listed:?}");
        }
        Ok(())
    })?
}

/// Open entries come oldest first, whatever order they began in, and no more than is asked for.
pub(in crate::conformance) fn open_entries_come_oldest_first<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        for (name, number, second) in
            [("third", 1, 3), ("first", 2, 1), ("fifth", 1, 5), ("second", 3, 2), ("ended", 1, 0)]
        {
            begin(store, name, number, second).await?;
        }
        let mut close = entry("fourth", 1, 4)?;
        close.began_at = just_before(at(5));
        store.begin_assistance(&close).await?;
        end(store, "ended", 6).await?;
        has_names(&store.open_assistance(10).await?, &["first", "second", "third", "fourth", "fifth"])?;
        has_names(&store.open_assistance(2).await?, &["first", "second"])?;
        end(store, "second", 7).await?;
        has_names(&store.open_assistance(3).await?, &["first", "third", "fourth"])?;
        has_names(&store.open_assistance(0).await?, &[])
    })?
}

/// A customer's entries come newest first, open or ended, no more than is asked for, and nobody else's.
pub(in crate::conformance) fn a_customers_entries_come_newest_first<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        for (name, number, second) in
            [("second", 1, 2), ("fourth", 1, 4), ("another's", 2, 3), ("first", 1, 1), ("third", 1, 3)]
        {
            begin(store, name, number, second).await?;
        }
        end(store, "third", 9).await?;
        end(store, "first", 9).await?;
        has_names(&of_customer(store, 1).await?, &["fourth", "third", "second", "first"])?;
        has_names(&store.assistance_of(&customer(1), 2).await?, &["fourth", "third"])?;
        has_names(&of_customer(store, 2).await?, &["another's"])?;
        has_names(&of_customer(store, 3).await?, &[])?;
        has_names(&store.assistance_of(&customer(1), 0).await?, &[])
    })?
}

/// Erasing takes all of a customer's entries that have ended, and neither open ones nor anybody else's.
pub(in crate::conformance) fn erasing_takes_what_has_ended<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        for (name, number, second) in [("one", 1, 1), ("two", 1, 2), ("open", 1, 3), ("another's", 2, 4)] {
            begin(store, name, number, second).await?;
        }
        for name in ["one", "two", "another's"] {
            end(store, name, 5).await?;
        }
        let none = store.erase_assistance(&customer(3)).await?;
        ensure!(none == 0, "{none} entries were erased of a customer without any");
        let erased = store.erase_assistance(&customer(1)).await?;
        ensure!(erased == 2, "{erased} entries were erased where 2 had ended");
        has_names(&of_customer(store, 1).await?, &["open"])?;
        has_names(&of_customer(store, 2).await?, &["another's"])?;
        has_names(&store.open_assistance(10).await?, &["open"])?;
        end(store, "open", 6).await?;
        let erased = store.erase_assistance(&customer(1)).await?;
        ensure!(erased == 1, "{erased} entries were erased where 1 had ended since");
        has_names(&of_customer(store, 1).await?, &[])
    })?
}

/// Purging removes what ended until an instant, at most as many as asked for, and neither open nor later ones.
pub(in crate::conformance) fn purging_spares_open_and_later_entries<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        for number in 0..8 {
            let name = format!("{number}");
            begin(store, &name, 1, number).await?;
            end(store, &name, 10 + number % 2).await?;
        }
        for (name, second) in [("open", 9), ("just later", 20), ("later", 21)] {
            begin(store, name, 1, second).await?;
        }
        let later = at(11) + std::time::Duration::from_micros(1);
        let answer = store.end_assistance(&digest("just later"), AssistanceEnd::Expired, later).await?;
        ensure!(answer.is_some(), "an open assistance was not there to end");
        end(store, "later", 30).await?;
        let mut removed = 0;
        for _ in 0..8 {
            let some = store.purge_assistance(at(11), 3).await?;
            ensure!(some <= 3, "a purge of at most 3 removed {some}");
            removed += some;
        }
        ensure!(removed == 8, "{removed} entries were removed where 8 had ended");
        has_names(&of_customer(store, 1).await?, &["later", "just later", "open"])?;
        has_names(&store.open_assistance(10).await?, &["open"])
    })?
}

/// Customers of any key are kept apart, with reasons and user agents of any text.
pub(in crate::conformance) fn entries_of_odd_input_are_kept_apart<S: Store>(
    arena: &Arena<'_, S>,
) -> Result<(), Failure> {
    arena.run(async {
        let store = arena.store();
        let mut all = Vec::new();
        for (number, text) in (0..).zip(odd_texts().into_iter().chain(["\0'é".repeat(1 << 18)])) {
            let name = format!("odd {number}");
            let mut odd = entry(&name, 1, number)?;
            odd.customer = text.parse().unwrap_or_else(|_| customer(i32::MAX));
            odd.assistance = assistance(&text).into();
            odd.origin = Origin::default().user_agent(&text).correlation_id(&text);
            store.begin_assistance(&odd).await?;
            all.push(odd);
        }
        let open = store.open_assistance(100).await?;
        ensure!(open == all, "began {all:?}, open is {open:?}");
        for odd in all {
            let listed = store.assistance_of(&odd.customer, 10).await?;
            ensure!(listed == [odd.clone()], "{:?} has {listed:?}", odd.customer);
            let answer = store.end_assistance(&odd.grant, AssistanceEnd::Expired, at(99)).await?;
            ensure!(answer.is_some(), "{odd:?} was not there to end");
            let erased = store.erase_assistance(&odd.customer).await?;
            ensure!(erased == 1, "{erased} entries were erased of {:?}", odd.customer);
        }
        Ok(())
    })?
}
