//! The test suite that every store must pass, including your own backend.
//!
//! One macro call in your tests runs each case on a new, empty store. Cases that test concurrent
//! calls use several threads. This example tests the memory store:
//!
//! ```
//! commerce_auth::store_conformance! {
//!     mod memory;
//!     runtime: |future| pollster::block_on(future);
//!     store: || async { commerce_auth::store::memory::MemoryStore::new() };
//! }
//! # fn main() {}
//! ```
//!
//! The macro `store_conformance!` has these arguments:
//!
//! - `runtime` runs a future on the calling thread until the future has completed. The suite calls
//!   it from many threads at once. For tokio: `{ let tokio =
//!   tokio::runtime::Runtime::new().unwrap(); move |future| tokio.block_on(future) }`.
//! - `store` creates an empty store for one case. For a backend with a server, create a separate
//!   schema or prefix for each case. To test two nodes, combine two handles on one database by
//!   [`Alternating`].
//! - `skip_unless` is optional and comes before `runtime`. It must return false if there is no
//!   server to test with. The cases are then skipped, so let `skip_unless` print a message.
//! - `broken` is optional and comes last. It creates a store whose server cannot be reached. The
//!   suite checks that each verb of this store returns an error that has the driver's error as its
//!   source.
//!
//! For `store_conformance!`, the store must implement [`TokenStore`](crate::store::TokenStore) and
//! [`StateStore`](crate::store::StateStore). [`token_conformance!`](crate::token_conformance) and
//! [`state_conformance!`](crate::state_conformance) run the cases for a store that implements only
//! one of these traits. The functions in [`tokens`] and [`state`] run a single case.
#![doc = concat!("\n", include_str!("../../docs/writing-a-backend.md"))]

mod alternating;
mod arena;
mod cases;

pub use alternating::Alternating;
use arena::Arena;
pub use arena::{BoxFuture, Failure};

type Case<S> = fn(&Arena<'_, S>) -> Result<(), Failure>;

/// Lists all cases of both traits, and passes the cases of the requested trait to the named macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_cases {
    (tokens [$($then:tt)+] $($arguments:tt)*) => {
        $($then)+! {
            [
                lives::what_is_inserted_is_found,
                lives::an_id_is_inserted_once,
                lives::a_grant_expires_at_the_instant,
                lives::a_revoked_grant_is_gone,
                lives::a_revoke_bars_a_later_insert,
                lives::grants_of_odd_input_are_kept_apart,
                generations::a_shop_begins_with_what_it_is_handed,
                generations::an_insertion_begins_no_shop,
                generations::revokes_answer_the_new_generation,
                generations::purging_keeps_generations,
                revokes::revoke_all_stops_a_sign_in_in_flight,
                revokes::revoke_all_spares_a_later_sign_in,
                revokes::revoke_all_ends_what_its_clock_takes_for_expired,
                revokes::revoke_all_keeps_one,
                revokes::revoke_all_keeps_only_its_own,
                revokes::revoke_everything_ends_all,
                caps::the_oldest_goes_beyond_the_cap,
                caps::of_one_time_the_smallest_id_goes,
                caps::the_inserted_grant_stays,
                caps::a_refused_insertion_ends_nothing,
                caps::only_live_grants_count,
                caps::a_cap_is_the_subjects_own,
                lists::grants_are_the_subjects_own,
                lists::the_newest_grants_come_first,
                lists::a_thousand_grants_are_like_one,
                lists::purging_spares_live_grants,
                lists::purging_keeps_bars,
                races::one_generation_begins_a_shop,
                races::no_find_after_a_revoke,
                races::one_insertion_of_an_id_wins,
                races::a_revoke_wins_over_its_insertion,
                races::revoke_all_races_sign_ins,
                races::revoke_everything_races_sign_ins,
                races::the_cap_is_exact_under_races,
                races::a_purge_spares_a_bar_that_is_lengthened,
            ]
            $($arguments)*
        }
    };
    (state [$($then:tt)+] $($arguments:tt)*) => {
        $($then)+! {
            [
                documents::a_document_comes_back_byte_for_byte,
                documents::a_document_of_64_kib_comes_back,
                documents::a_load_answers_each_key_in_order,
                documents::partitions_kinds_and_ids_are_apart,
                commits::a_put_names_the_version_it_replaces,
                commits::a_creation_expects_absence,
                commits::a_deletion_names_its_version,
                commits::a_check_is_compared,
                commits::all_changes_are_made_or_none,
                commits::a_conflict_answers_the_document_of_each_change,
                commits::a_document_created_again_has_no_earlier_version,
                commits::only_expendable_creations_find_no_room,
                commits::a_dropped_commit_is_made_whole_or_not_at_all,
                times::an_expired_document_is_committed_again,
                times::an_engine_removes_nothing_within_an_hour,
                times::a_sweep_removes_what_is_over,
                times::a_sweep_goes_by_the_last_put,
                lists::a_list_is_in_order_of_rank,
                lists::a_list_goes_on_behind_a_position,
                lists::a_list_is_not_cut_short,
                lists::an_entry_that_is_put_again_stays,
                lists::a_list_leaves_out_entries_that_are_gone,
                lists::indexes_are_apart,
                races::no_update_is_lost,
                races::one_creation_wins,
                races::a_check_holds_until_the_commit,
                races::a_load_is_of_one_moment,
                races::a_conflict_is_of_one_moment,
                races::a_list_is_of_one_moment,
                races::a_sweep_spares_what_is_committed_meanwhile,
            ]
            $($arguments)*
        }
    };
}

macro_rules! case_names {
    ([$($module:ident::$case:ident,)*]) => {
        &[$(concat!(stringify!($module), "::", stringify!($case)),)*]
    };
}

macro_rules! case_table {
    ([$($module:ident::$case:ident,)*] $store:ident) => {
        [$((concat!(stringify!($module), "::", stringify!($case)), case!($module::$case $store)),)*]
    };
}

/// Runs a case. A case that is a race calls the store from several threads. A case that is not a
/// race is a single future.
macro_rules! case {
    (races::$case:ident $store:ident) => {
        cases::races::$case::<$store> as Case<$store>
    };
    ($module:ident::$case:ident $store:ident) => {
        (|arena| arena.run(cases::$module::$case(arena.store()))?) as Case<$store>
    };
}

/// Creates the module of the cases for one trait.
macro_rules! suite {
    ($(#[$doc:meta])* $suite:ident: $store:ident) => {
        $(#[$doc])*
        pub mod $suite {
            use super::{
                Arena, Case, Failure,
                arena::{self, BoxFuture},
                cases::$suite as cases,
            };
            use crate::store::$store;

            /// The names of all cases, for [`run`].
            pub const CASES: &[&str] = crate::__conformance_cases!($suite [case_names]);

            /// Runs the named case on a new, empty store. The macros call it for each case.
            ///
            /// # Errors
            ///
            /// [`Failure`] if the store broke a rule. Its message names the rule.
            pub fn run<S: $store, F: Future<Output = S> + Send>(
                runtime: impl for<'f> Fn(BoxFuture<'f>) + Sync,
                store: impl Fn() -> F,
                name: &str,
            ) -> Result<(), Failure> {
                let table: &[(&str, Case<S>)] = &crate::__conformance_cases!($suite [case_table] S);
                let Some((_, case)) = table.iter().find(|(other, _)| *other == name) else {
                    return Err(Failure::new(format!("there is no case {name}")));
                };
                case(&Arena::new(arena::drive(&runtime, store())?, &runtime))
            }

            /// Calls every verb of a store whose server cannot be reached. Each verb must return an
            /// error that has the driver's error as its source.
            ///
            /// # Errors
            ///
            /// [`Failure`] names the verb that did not return such an error.
            pub fn run_broken<S: $store, F: Future<Output = S> + Send>(
                runtime: impl for<'f> Fn(BoxFuture<'f>) + Sync,
                broken: impl Fn() -> F,
            ) -> Result<(), Failure> {
                let store = arena::drive(&runtime, broken())?;
                arena::drive(&runtime, cases::broken::every_error_has_a_source(&store))?
            }
        }
    };
}

suite! {
    /// The cases for a [`TokenStore`](crate::store::TokenStore).
    tokens: TokenStore
}

suite! {
    /// The cases for a [`StateStore`](crate::store::StateStore).
    state: StateStore
}

/// Expands to a module of `#[test]`s for a store that implements both storage traits, one for each
/// case of the suite.
///
/// See the [module documentation](crate::conformance).
#[macro_export]
macro_rules! store_conformance {
    ($($parts:tt)*) => {
        $crate::__conformance! { [tokens state] $($parts)* }
    };
}

/// Expands to a module of `#[test]`s for a [`TokenStore`](crate::store::TokenStore), one for each
/// case.
///
/// Its arguments are those of [`store_conformance!`](crate::store_conformance).
///
/// ```
/// commerce_auth::token_conformance! {
///     mod memory;
///     runtime: |future| pollster::block_on(future);
///     store: || async { commerce_auth::store::memory::MemoryStore::new() };
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! token_conformance {
    ($($parts:tt)*) => {
        $crate::__conformance! { [tokens] $($parts)* }
    };
}

/// Expands to a module of `#[test]`s for a [`StateStore`](crate::store::StateStore), one for each
/// case.
///
/// Its arguments are those of [`store_conformance!`](crate::store_conformance).
///
/// ```
/// commerce_auth::state_conformance! {
///     mod memory;
///     runtime: |future| pollster::block_on(future);
///     store: || async { commerce_auth::store::memory::MemoryStore::new() };
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! state_conformance {
    ($($parts:tt)*) => {
        $crate::__conformance! { [state] $($parts)* }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance {
    (
        $suites:tt
        mod $name:ident;
        $(skip_unless: $available:expr;)?
        runtime: $runtime:expr;
        store: $store:expr;
        $(broken: $broken:expr;)?
    ) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            fn is_skipped() -> bool {
                false $(|| !$available)?
            }

            $crate::__conformance_tests!($suites ($runtime) ($store));

            $(
                #[test]
                fn every_error_has_a_source() {
                    if !is_skipped() {
                        $crate::__conformance_broken!($suites ($runtime) ($broken));
                    }
                }
            )?
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ([$($suite:ident)+] ($runtime:expr) ($store:expr)) => {
        $($crate::__conformance_cases!($suite [$crate::__conformance_tests] $suite ($runtime) ($store));)+
    };
    ([$($module:ident::$case:ident,)*] $suite:ident ($runtime:expr) ($store:expr)) => {
        $(
            #[test]
            fn $case() {
                if is_skipped() {
                    return;
                }
                let name = concat!(stringify!($module), "::", stringify!($case));
                if let Err(failure) = $crate::conformance::$suite::run($runtime, $store, name) {
                    panic!("{failure}");
                }
            }
        )*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_broken {
    ([$($suite:ident)+] ($runtime:expr) ($broken:expr)) => {
        $(
            if let Err(failure) = $crate::conformance::$suite::run_broken($runtime, $broken) {
                panic!("{failure}");
            }
        )+
    };
}
