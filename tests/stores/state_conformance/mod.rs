//! The cases for a state store, and the proof that they notice faults: for each case there is a
//! faulty store that only this case detects.

#[macro_use]
mod faulty;
mod racing;

use faulty::{Fault, Faulty};

support::each_fault! {
    state:
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
    DropsTheEntryThatIsPutAgain => lists::an_entry_that_is_put_again_stays,
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
