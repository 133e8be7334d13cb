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
}
