//! The suite of a state store on the memory backend, and the proof that it notices faults: for each case
//! there is a faulty store that this case alone catches.

mod faulty;
mod racing;

use commerce_auth::{
    MemoryStore,
    conformance::{STATE_CASES, run_state, run_state_broken},
    state_conformance,
};
use faulty::{Fault, Faulty};

state_conformance! {
    mod memory;
    runtime: |future| pollster::block_on(future);
    store: || async { MemoryStore::new() };
    broken: || async { Faulty::new(Fault::IsUnreachable) };
}

state_conformance! {
    mod memory_under_tokio;
    runtime: {
        let tokio = tokio::runtime::Runtime::new().expect("tokio starts");
        move |future| tokio.block_on(future)
    };
    store: || async { MemoryStore::new() };
}

// A store that is soon full.
state_conformance! {
    mod small_memory;
    runtime: |future| pollster::block_on(future);
    store: || async { MemoryStore::with_attempt_capacity(64) };
}

/// The cases that fail on a store with this fault.
fn caught_by(fault: Fault) -> Vec<&'static str> {
    let fails = |case: &&&str| {
        let store = || async { Faulty::new(fault) };
        run_state(|future| pollster::block_on(future), store, case).is_err()
    };
    STATE_CASES.iter().filter(fails).copied().collect()
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
            let missing: Vec<_> = STATE_CASES.iter().filter(|case| !caught.contains(case)).collect();
            assert!(missing.is_empty(), "{missing:?}");
        }
    };
}

each_fault! {
    CutsAtNul => documents::a_document_comes_back_byte_for_byte,
    CutsAt65535Bytes => documents::a_document_of_64_kib_comes_back,
    LoadsInTheOrderOfKeys => documents::a_load_answers_each_key_in_order,
    MixesKinds => documents::partitions_kinds_and_ids_are_apart,
    AcceptsUnknownVersions => commits::a_put_names_the_version_it_replaces,
    TakesAnEmptyDocumentForNone => commits::a_creation_expects_absence,
    DeletesAnEarlierVersion => commits::a_deletion_names_its_version,
    IgnoresChecksOfAbsence => commits::a_check_is_compared,
    DeletesInSpiteOfAConflict => commits::all_changes_are_made_or_none,
    AnswersOnlyWhatConflicts => commits::a_conflict_answers_the_document_of_each_change,
    ComparesBytes => commits::a_document_created_again_has_no_earlier_version,
    IsFullForUpdates => commits::only_expendable_creations_find_no_room,
    HalvesADroppedCommit => commits::a_dropped_commit_is_made_whole_or_not_at_all,
    TakesAnExpiredDocumentForNone => times::an_expired_document_is_committed_again,
    RemovesAfterTenMinutes => times::an_engine_removes_nothing_within_an_hour,
    SweepsWithoutAnEnd => times::a_sweep_removes_what_is_over,
    SweepsAMicrosecondEarly => times::a_sweep_removes_what_is_over,
    SweepsBeyondItsLimit => times::a_sweep_removes_what_is_over,
    KeepsAnEndThatIsTakenAway => times::a_sweep_goes_by_the_last_put,
    OrdersRanksWithoutSign => lists::a_list_is_in_order_of_rank,
    GoesOnBehindTheRank => lists::a_list_goes_on_behind_a_position,
    ListsAHundred => lists::a_list_is_not_cut_short,
    ListsWhatIsGone => lists::a_list_leaves_out_entries_that_are_gone,
    MixesIndexes => lists::indexes_are_apart,
    PutsInTwoSteps => races::no_update_is_lost,
    CreatesInTwoSteps => races::one_creation_wins,
    ChecksInTwoSteps => races::a_check_holds_until_the_commit,
    LoadsInTwoSteps => races::a_load_is_of_one_moment,
    AnswersAConflictInTwoSteps => races::a_conflict_is_of_one_moment,
    ListsInTwoSteps => races::a_list_is_of_one_moment,
    SweepsInTwoSteps => races::a_sweep_spares_what_is_committed_meanwhile,
}

#[test]
fn a_store_that_is_not_broken_is_no_broken_one() {
    let store = || async { MemoryStore::new() };
    assert!(run_state_broken(|future| pollster::block_on(future), store).is_err());
}

#[test]
fn a_fault_that_is_none_is_caught_by_nothing() {
    assert_eq!(caught_by(Fault::None), [""; 0]);
}
