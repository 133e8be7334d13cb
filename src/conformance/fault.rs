//! What a store can do wrong, and which case must notice.

macro_rules! faults {
    ($($(#[$doc:meta])* $fault:ident => $case:ident::$name:ident,)*) => {
        /// Something a store can do wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Fault {
            $($(#[$doc])* $fault,)*
        }

        impl Fault {
            /// Every fault.
            pub const ALL: &[Self] = &[$(Self::$fault,)*];

            /// The case that must notice it.
            #[must_use]
            pub const fn caught_by(self) -> &'static str {
                match self {
                    $(Self::$fault => concat!(stringify!($case), "::", stringify!($name)),)*
                }
            }
        }
    };
}

faults! {
    /// Overwrites a grant of the same digest.
    Overwrites => tokens::a_digest_is_inserted_once,
    /// Finds expired grants.
    FindsExpired => tokens::a_grant_expires_at_the_instant,
    /// Lists expired grants.
    ListsExpired => tokens::a_grant_expires_at_the_instant,
    /// Lets a grant live on at its last instant.
    ExpiresLate => tokens::a_grant_expires_at_the_instant,
    /// Answers that it revoked, and did not.
    ForgetsRevoke => tokens::a_revoked_grant_is_gone,
    /// Does not bar a digest that is revoked before it is inserted.
    ForgetsBar => tokens::a_revoke_bars_a_later_insert,
    /// Lets a later revoke shorten the bar of an earlier one.
    ShortensBar => tokens::a_revoke_bars_a_later_insert,
    /// Bars a digest for good.
    BarsForGood => tokens::a_revoke_bars_a_later_insert,
    /// Finds from a cache that a revoke does not reach at once.
    FindsFromACache => tokens::no_find_after_a_revoke,
    /// Inserts whatever the generation is.
    ForgetsTheGeneration => tokens::revoke_all_stops_a_sign_in_in_flight,
    /// Raises the generation on revoke-all, and leaves the grants.
    LeavesGrants => tokens::revoke_all_stops_a_sign_in_in_flight,
    /// Refuses a sign-in in the same instant as a revoke-all, as Commerce does.
    RefusesTheSameInstant => tokens::revoke_all_spares_a_later_sign_in,
    /// Keeps one generation for all subjects.
    SharesTheGeneration => tokens::revoke_all_spares_a_later_sign_in,
    /// Revokes the grant it is told to keep.
    KeepsNone => tokens::revoke_all_keeps_one,
    /// Keeps all if told to keep one.
    KeepsAll => tokens::revoke_all_keeps_one,
    /// Does nothing on revoke-everything.
    ForgetsEverything => tokens::revoke_everything_ends_all,
    /// Lists in no order.
    ListsUnsorted => tokens::the_list_is_the_subjects_own,
    /// Loses where a grant came from.
    LosesTheOrigin => tokens::the_list_is_the_subjects_own,
    /// Loses who acts.
    LosesTheAssistance => tokens::what_is_inserted_is_found,
    /// Purges a minute too early.
    PurgesLiveGrants => tokens::purging_spares_live_grants,
    /// Purges without a limit.
    PurgesWithoutLimit => tokens::purging_spares_live_grants,
    /// Shows no credential before it is taken.
    PeeksAtNothing => codes::a_peek_shows_what_would_be_taken,
    /// Shows spent and expired credentials, and those of a wrong tuple.
    PeeksAtTheSpent => codes::a_peek_shows_what_would_be_taken,
    /// Spends what it shows.
    SpendsOnPeek => codes::a_peek_shows_what_would_be_taken,
    /// Hands a credential to two callers.
    TakesTwice => codes::a_credential_is_taken_once,
    /// Hands out expired credentials.
    TakesExpired => codes::a_credential_expires_at_the_instant,
    /// Looks a credential up by its digest alone.
    WidensTheTuple => codes::a_wrong_tuple_takes_nothing,
    /// Ignores the purposes.
    IgnoresThePurposes => codes::a_wrong_tuple_takes_nothing,
    /// Spends a credential that is presented with a wrong tuple.
    SpendsOnAWrongTuple => codes::a_wrong_tuple_takes_nothing,
    /// Forgets what a spent credential bought.
    ForgetsTheMark => codes::a_spent_credential_names_what_it_bought,
    /// Names the latest grant instead of the first.
    MovesTheMark => codes::a_spent_credential_names_what_it_bought,
    /// Revives a spent credential that is put again.
    Revives => codes::a_spent_credential_is_not_revived,
    /// Keeps any number of credentials.
    KeepsTooMany => codes::only_the_newest_are_kept,
    /// Keeps one credential less.
    KeepsTooFew => codes::only_the_newest_are_kept,
    /// Does nothing on discard.
    ForgetsDiscard => codes::discarding_ends_all,
    /// Loses the marks of spent credentials on discard.
    DiscardsMarks => codes::discarding_ends_all,
    /// Purges the marks of spent credentials.
    PurgesMarks => codes::purging_spares_live_and_spent_credentials,
    /// Reserves what others have reserved.
    ReservesBeyondTheBudget => throttle::a_budget_holds_under_parallel_attempts,
    /// Keeps each source within its budget, and not the account.
    LosesTheSharedBudget => throttle::a_shared_budget_holds_under_parallel_attempts,
    /// Calls a reserved budget spent.
    CallsBusySpent => throttle::what_is_reserved_is_not_spent,
    /// Loses a lock.
    LosesALock => throttle::a_lock_ends_at_the_instant,
    /// Ends a lock that should last until cleared.
    EndsALastingLock => throttle::a_lock_may_last_until_cleared,
    /// Never forgets a failure.
    NeverForgets => throttle::failures_are_forgotten_with_their_window,
    /// Goes by the latest time it was ever told.
    KeepsALockFromAhead => throttle::a_clock_that_was_ahead_is_outlived,
    /// Forgets an account's failures once a clock that was ahead is set right.
    ForgetsALockFromAhead => throttle::a_clock_that_was_ahead_is_outlived,
    /// Forgets an account's failures whenever another node's clock is behind.
    ForgetsOnAStepBack => throttle::a_clock_a_little_ahead_forgets_nothing,
    /// Counts a success as a withdrawal.
    IgnoresSuccess => throttle::a_success_forgets_failures,
    /// Clears the whole account on success.
    ClearsTheAccountOnSuccess => throttle::a_success_clears_only_what_it_drew_on,
    /// Counts a withdrawal as a success.
    ClearsOnWithdrawal => throttle::a_withdrawal_gives_back_its_own_charge,
    /// Gives an unsettled reservation back.
    GivesBackUnsettled => throttle::an_unsettled_reservation_becomes_a_failure,
    /// Keeps an unsettled reservation for good.
    KeepsUnsettled => throttle::an_unsettled_reservation_becomes_a_failure,
    /// Counts a failure at every settlement.
    CountsTwice => throttle::settling_twice_counts_once,
    /// Does not tell that a lock begins.
    TellsNoLock => throttle::the_failure_that_locks_says_so,
    /// Tells of a lock with every failure.
    TellsEveryFailure => throttle::the_failure_that_locks_says_so,
    /// Charges one budget although another has no room.
    ChargesSome => throttle::all_budgets_are_charged_or_none,
    /// Charges only the first budget.
    ChargesTheFirst => throttle::sources_and_accounts_are_apart,
    /// Locks all sources with one.
    SharesScopes => throttle::sources_and_accounts_are_apart,
    /// Does nothing on clear.
    ForgetsClear => throttle::clearing_ends_locks_in_all_scopes,
    /// Purges locks.
    PurgesLocks => throttle::purging_spares_what_counts,
    /// Does not find a factor that is there.
    LosesFactors => factors::an_enrolment_is_activated_once,
    /// Finds an enrolment that another replaced.
    FindsReplacedEnrolments => factors::a_later_enrolment_replaces_the_earlier,
    /// Activates an enrolment that another replaced.
    ActivatesReplacedEnrolments => factors::a_later_enrolment_replaces_the_earlier,
    /// Finds an enrolment that is a factor by now.
    FindsActivatedEnrolments => factors::an_enrolment_is_activated_once,
    /// Finds an enrolment that has expired.
    FindsExpiredEnrolments => factors::an_enrolment_expires_at_the_instant,
    /// Activates an enrolment that has expired.
    ActivatesExpiredEnrolments => factors::an_enrolment_expires_at_the_instant,
    /// Tells two callers that they activated an enrolment.
    ActivatesTwice => factors::an_enrolment_is_activated_once,
    /// Replaces whatever factor there is.
    ReplacesAnotherFactor => factors::an_enrolment_replaces_only_what_it_names,
    /// Leaves the recovery codes of a replaced factor good.
    KeepsRecoveryCodes => factors::an_enrolment_replaces_only_what_it_names,
    /// Lets a step be used again.
    UsesAStepTwice => factors::a_step_is_used_once,
    /// Lets any step be used but the last used one.
    UsesOlderSteps => factors::no_step_is_used_after_a_newer_one,
    /// Answers that it lowered a last step, and did not.
    ForgetsALowerStep => factors::a_step_is_lowered_from_what_it_was,
    /// Lowers the last step, whatever it is.
    LowersAnyStep => factors::a_step_is_lowered_from_what_it_was,
    /// Keeps one last step for all admin users.
    SharesSteps => factors::factors_of_admin_users_are_apart,
    /// Uses the factor that is there, whichever is named.
    IgnoresTheFactorsName => factors::factors_of_admin_users_are_apart,
    /// Lets a recovery code be spent again.
    SpendsACodeTwice => factors::a_recovery_code_is_spent_once,
    /// Spends all recovery codes with one.
    SpendsAllCodes => factors::a_recovery_code_is_spent_once,
    /// Adds the new recovery codes to the earlier ones.
    AddsRecoveryCodes => factors::recovery_codes_are_replaced_as_a_set,
    /// Reseals whatever secret there is.
    ResealsAnySecret => factors::resealing_compares_and_keeps_the_rest,
    /// Forgets on resealing which step was used.
    ResealingForgetsTheStep => factors::resealing_compares_and_keeps_the_rest,
    /// Misses what other keys sealed.
    MissesOtherSeals => factors::what_other_keys_sealed_is_found,
    /// Finds what the key itself sealed.
    FindsOwnSeals => factors::what_other_keys_sealed_is_found,
    /// Answers that it removed a factor, and did not.
    ForgetsRemoval => factors::removing_ends_all,
    /// Removes the factor, and leaves the enrolment.
    LeavesTheEnrolment => factors::removing_ends_all,
    /// Purges enrolments a minute too early.
    PurgesLiveEnrolments => factors::purging_spares_live_enrolments,
    /// Purges enrolments without a limit.
    PurgesEnrolmentsWithoutLimit => factors::purging_spares_live_enrolments,
    /// Answers that it entered an assistance, and did not.
    LosesEntries => ledger::an_entry_comes_back_as_it_was_begun,
    /// Overwrites an entry of the same grant.
    OverwritesEntries => ledger::beginning_twice_keeps_the_first,
    /// Opens an entry again that has ended.
    ReopensEntries => ledger::beginning_twice_keeps_the_first,
    /// Hands an entry that ends to two callers.
    EndsTwice => ledger::an_assistance_ends_once,
    /// Writes a later end over the first.
    OverwritesEnds => ledger::an_end_is_not_written_over,
    /// Shows the newest open entry first.
    ShowsTheNewestOpenFirst => ledger::open_entries_come_oldest_first,
    /// Shows a customer the oldest entry first.
    ShowsTheOldestFirst => ledger::a_customers_entries_come_newest_first,
    /// Shows a customer the entries of others.
    ShowsEntriesOfOthers => ledger::a_customers_entries_come_newest_first,
    /// Answers that it erased entries, and did not.
    ForgetsErasure => ledger::erasing_takes_what_has_ended,
    /// Erases what has not ended.
    ErasesOpenEntries => ledger::erasing_takes_what_has_ended,
    /// Purges what has not ended.
    PurgesOpenEntries => ledger::purging_spares_open_and_later_entries,
    /// Purges what ended a microsecond later.
    PurgesLaterEntries => ledger::purging_spares_open_and_later_entries,
    /// Purges entries without a limit.
    PurgesEntriesWithoutLimit => ledger::purging_spares_open_and_later_entries,
}
