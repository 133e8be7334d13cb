//! The suite for a [`StateStore`] alone.

use super::{
    Arena, Failure,
    arena::{self, BoxFuture},
    cases,
};
use crate::store::StateStore;

/// The one list of cases: hands it to the macro named.
#[doc(hidden)]
#[macro_export]
macro_rules! __with_state_cases {
    ([$($then:tt)+] $($arguments:tt)*) => {
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

type Case<S> = fn(&Arena<'_, S>) -> Result<(), Failure>;

macro_rules! state_case_table {
    ([$($module:ident::$case:ident,)*] $store:ident) => {
        vec![$((
            concat!(stringify!($module), "::", stringify!($case)),
            cases::state::$module::$case::<$store> as Case<$store>,
        ),)*]
    };
}

macro_rules! state_case_names {
    ([$($module:ident::$case:ident,)*]) => {
        &[$(concat!(stringify!($module), "::", stringify!($case)),)*]
    };
}

/// The name of every case for a [`StateStore`].
pub const STATE_CASES: &[&str] = crate::__with_state_cases!([state_case_names]);

/// Runs the named case on a fresh store. [`state_conformance!`](crate::state_conformance) calls it for each.
///
/// # Errors
///
/// [`Failure`] says what the store did wrong.
pub fn run_state<S: StateStore, F: Future<Output = S> + Send>(
    runtime: impl for<'f> Fn(BoxFuture<'f>) + Sync,
    store: impl Fn() -> F,
    name: &str,
) -> Result<(), Failure> {
    let table: Vec<(&str, Case<S>)> = crate::__with_state_cases!([state_case_table] S);
    let Some((_, case)) = table.into_iter().find(|(other, _)| *other == name) else {
        return Err(Failure::new(format!("there is no case {name}")));
    };
    case(&Arena::new(arena::drive(&runtime, store())?, &runtime))
}

/// Every verb of a store whose server cannot be reached must answer an error, and the error must carry its
/// source.
///
/// # Errors
///
/// [`Failure`] names the verb that did not.
pub fn run_state_broken<S: StateStore, F: Future<Output = S> + Send>(
    runtime: impl for<'f> Fn(BoxFuture<'f>) + Sync,
    broken: impl Fn() -> F,
) -> Result<(), Failure> {
    let store = arena::drive(&runtime, broken())?;
    cases::state::broken::every_error_has_a_source(&Arena::new(store, &runtime))
}

/// Expands to a module of `#[test]`s, one for each case that a [`StateStore`] must pass. Its parts are those
/// of [`store_conformance!`](crate::store_conformance).
///
/// Some cases race callers on threads of one process for thousands of rounds. They find a comparison and a
/// change in two steps if another caller can come between the two. They cannot find what only a second
/// process, another node, a lost reply or a restart would show: test those apart.
///
/// ```
/// commerce_auth::state_conformance! {
///     mod memory;
///     runtime: |future| pollster::block_on(future);
///     store: || async { commerce_auth::MemoryStore::new() };
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! state_conformance {
    (
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

            $crate::__with_state_cases!([$crate::__conformance_tests] (run_state) ($runtime) ($store));

            $(
                #[test]
                fn every_error_has_a_source() {
                    if let Err(failure) = $crate::conformance::run_state_broken($runtime, $broken) {
                        panic!("{failure}");
                    }
                }
            )?
        }
    };
}
