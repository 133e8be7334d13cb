//! The cases for a token store, and the proof that they notice faults: for each case there is a
//! faulty store that only this case detects.

#[macro_use]
mod fault;
mod faulty;

use fault::Fault;
use faulty::Faulty;

support::each_fault! {
    tokens:
    FindsOnTheDefaultWebsite => lives::what_is_inserted_is_found,
    Overwrites => lives::an_id_is_inserted_once,
    ExpiresLate => lives::a_grant_expires_at_the_instant,
    RevokesTheSubjectsOthers => lives::a_revoked_grant_is_gone,
    ShortensBars => lives::a_revoke_bars_a_later_insert,
    TakesPercentForAll => lives::grants_of_odd_input_are_kept_apart,
    DrawsItsOwn => generations::a_shop_begins_with_what_it_is_handed,
    InsertsIntoNoShop => generations::an_insertion_begins_no_shop,
    BeginsInTwoSteps => races::one_generation_begins_a_shop,
    AnswersTheEarlierGeneration => generations::revokes_answer_the_new_generation,
    LeavesTheShopWithout => generations::revokes_answer_the_new_generation,
    PurgesGenerations => generations::purging_keeps_generations,
    TakesNoneForAny => revokes::revoke_all_stops_a_sign_in_in_flight,
    RefusesTheSameInstant => revokes::revoke_all_spares_a_later_sign_in,
    SharesTheGeneration => revokes::revoke_all_spares_a_later_sign_in,
    RevokesTheLiveAlone => revokes::revoke_all_ends_what_its_clock_takes_for_expired,
    KeepsNone => revokes::revoke_all_keeps_one,
    KeepsAllForAnother => revokes::revoke_all_keeps_only_its_own,
    SparesAdmins => revokes::revoke_everything_ends_all,
    EvictsByArrival => caps::the_oldest_goes_beyond_the_cap,
    EndsTiesByArrival => caps::of_one_time_the_smallest_id_goes,
    EvictsTheLargestId => caps::of_one_time_the_smallest_id_goes,
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
    InsertsInTwoSteps => races::one_insertion_of_an_id_wins,
    RevokesInTwoSteps => races::a_revoke_wins_over_its_insertion,
    ComparesInTwoSteps => races::revoke_all_races_sign_ins,
    RevokesAllInTwoSteps => races::revoke_all_races_sign_ins,
    ClearsThenRaises => races::revoke_everything_races_sign_ins,
    RaisesThenClears => races::revoke_everything_races_sign_ins,
    EvictsInTwoSteps => races::the_cap_is_exact_under_races,
    PurgesInTwoSteps => races::a_purge_spares_a_bar_that_is_lengthened,
}

/// This fault affects two cases.
#[test]
fn a_purge_of_every_bar_is_caught() {
    let cases = ["lists::purging_keeps_bars", "races::a_purge_spares_a_bar_that_is_lengthened"];
    assert_eq!(caught_by(Fault::PurgesEveryBar, &cases), cases);
}
