//! The suite of a token store on the memory backend, and the proof that it notices faults: for each case there
//! is a faulty store that this case alone catches.

mod fault;
mod faulty;

use commerce_auth::{
    MemoryStore,
    conformance::{TOKEN_CASES, run_tokens, run_tokens_broken},
    token_conformance,
};
use fault::Fault;
use faulty::Faulty;

token_conformance! {
    mod memory;
    runtime: |future| pollster::block_on(future);
    store: || async { MemoryStore::new() };
    broken: || async { Faulty::new(Fault::IsUnreachable) };
}

token_conformance! {
    mod memory_under_tokio;
    runtime: {
        let tokio = tokio::runtime::Runtime::new().expect("tokio starts");
        move |future| tokio.block_on(future)
    };
    store: || async { MemoryStore::new() };
}

// A correct store that a reader of the documentation would write.
token_conformance! {
    mod plain;
    runtime: |future| pollster::block_on(future);
    store: || async { Faulty::new(Fault::None) };
}

/// The cases that fail on a store with this fault.
fn caught_by(fault: Fault) -> Vec<&'static str> {
    let fails = |case: &&&str| {
        let store = || async { Faulty::new(fault) };
        run_tokens(|future| pollster::block_on(future), store, case).is_err()
    };
    TOKEN_CASES.iter().filter(fails).copied().collect()
}

macro_rules! each_fault {
    ($($fault:ident => $module:ident::$case:ident,)*) => {
        mod each_fault_is_caught_by_its_case_alone {
            use super::*;

            $(
                #[test]
                #[allow(non_snake_case)]
                fn $fault() {
                    let case = concat!(stringify!($module), "::", stringify!($case));
                    assert_eq!(caught_by(Fault::$fault), [case]);
                }
            )*
        }

        #[test]
        fn every_case_has_a_fault_that_it_alone_catches() {
            let caught = [$(concat!(stringify!($module), "::", stringify!($case)),)*];
            let missing: Vec<_> = TOKEN_CASES.iter().filter(|case| !caught.contains(case)).collect();
            assert!(missing.is_empty(), "{missing:?}");
        }
    };
}

each_fault! {
    FindsOnTheDefaultWebsite => lives::what_is_inserted_is_found,
    Overwrites => lives::a_digest_is_inserted_once,
    ExpiresLate => lives::a_grant_expires_at_the_instant,
    RevokesTheSubjectsOthers => lives::a_revoked_grant_is_gone,
    ShortensBars => lives::a_revoke_bars_a_later_insert,
    TakesPercentForAll => lives::grants_of_odd_input_are_kept_apart,
    DrawsItsOwn => generations::a_shop_begins_with_what_it_is_handed,
    InsertsIntoNoShop => generations::an_insertion_begins_no_shop,
    BeginsInTwoSteps => generations::one_generation_begins_a_shop,
    AnswersTheEarlierGeneration => generations::revokes_answer_the_new_generation,
    LeavesTheShopWithout => generations::revokes_answer_the_new_generation,
    PurgesGenerations => generations::purging_keeps_generations,
    TakesNoneForAny => revokes::revoke_all_stops_a_sign_in_in_flight,
    RefusesTheSameInstant => revokes::revoke_all_spares_a_later_sign_in,
    SharesTheGeneration => revokes::revoke_all_spares_a_later_sign_in,
    KeepsNone => revokes::revoke_all_keeps_one,
    KeepsAllForAnother => revokes::revoke_all_keeps_only_its_own,
    SparesAdmins => revokes::revoke_everything_ends_all,
    EvictsByArrival => caps::the_oldest_goes_beyond_the_cap,
    EvictsTheLargestDigest => caps::of_one_time_the_smallest_digest_goes,
    EvictsTheInserted => caps::the_inserted_grant_stays,
    EvictsFirst => caps::a_refused_insertion_ends_nothing,
    CountsTheExpired => caps::only_live_grants_count,
    CountsEverybody => caps::a_cap_is_the_subjects_own,
    LosesTheCorrelationId => lists::grants_are_the_subjects_own,
    ListsTheOldest => lists::the_newest_grants_come_first,
    ListsAHundred => lists::a_thousand_grants_are_like_one,
    EndsAHundred => lists::a_thousand_grants_are_like_one,
    PurgesLiveGrants => lists::purging_spares_live_grants,
    PurgesWithoutLimit => lists::purging_spares_live_grants,
    PurgesBars => lists::purging_keeps_bars,
    FindsFromACache => races::no_find_after_a_revoke,
    InsertsInTwoSteps => races::one_insertion_of_a_digest_wins,
    RevokesInTwoSteps => races::a_revoke_wins_over_its_insertion,
    ComparesInTwoSteps => races::revoke_all_races_sign_ins,
    ClearsThenRaises => races::revoke_everything_races_sign_ins,
    EvictsInTwoSteps => races::the_cap_is_exact_under_races,
    PurgesInTwoSteps => races::a_purge_spares_a_bar_that_is_lengthened,
}

#[test]
fn a_store_that_is_not_broken_is_no_broken_one() {
    let store = || async { MemoryStore::new() };
    assert!(run_tokens_broken(|future| pollster::block_on(future), store).is_err());
}
