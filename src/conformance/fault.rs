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
