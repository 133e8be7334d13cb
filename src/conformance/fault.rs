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
}
