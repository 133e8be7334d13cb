//! The suite for a [`TokenStore`] alone.

use super::{
    Arena, Failure,
    arena::{self, BoxFuture},
    cases,
};
use crate::store::TokenStore;

/// The one list of cases: hands it to the macro named.
#[doc(hidden)]
#[macro_export]
macro_rules! __with_token_cases {
    ([$($then:tt)+] $($arguments:tt)*) => {
        $($then)+! {
            [
                lives::what_is_inserted_is_found,
                lives::a_digest_is_inserted_once,
                lives::a_grant_expires_at_the_instant,
                lives::a_revoked_grant_is_gone,
                lives::a_revoke_bars_a_later_insert,
                lives::grants_of_odd_input_are_kept_apart,
                generations::a_shop_begins_with_what_it_is_handed,
                generations::an_insertion_begins_no_shop,
                generations::one_generation_begins_a_shop,
                generations::revokes_answer_the_new_generation,
                generations::purging_keeps_generations,
                revokes::revoke_all_stops_a_sign_in_in_flight,
                revokes::revoke_all_spares_a_later_sign_in,
                revokes::revoke_all_keeps_one,
                revokes::revoke_all_keeps_only_its_own,
                revokes::revoke_everything_ends_all,
                caps::the_oldest_goes_beyond_the_cap,
                caps::of_one_time_the_smallest_digest_goes,
                caps::the_inserted_grant_stays,
                caps::a_refused_insertion_ends_nothing,
                caps::only_live_grants_count,
                caps::a_cap_is_the_subjects_own,
                lists::grants_are_the_subjects_own,
                lists::the_newest_grants_come_first,
                lists::a_thousand_grants_are_like_one,
                lists::purging_spares_live_grants,
                lists::purging_keeps_bars,
                races::no_find_after_a_revoke,
                races::one_insertion_of_a_digest_wins,
                races::a_revoke_wins_over_its_insertion,
                races::revoke_all_races_sign_ins,
                races::revoke_everything_races_sign_ins,
                races::the_cap_is_exact_under_races,
                races::a_purge_spares_a_bar_that_is_lengthened,
            ]
            $($arguments)*
        }
    };
}

type Case<S> = fn(&Arena<'_, S>) -> Result<(), Failure>;

macro_rules! token_case_table {
    ([$($module:ident::$case:ident,)*] $store:ident) => {
        vec![$((
            concat!(stringify!($module), "::", stringify!($case)),
            cases::tokens::$module::$case::<$store> as Case<$store>,
        ),)*]
    };
}

macro_rules! token_case_names {
    ([$($module:ident::$case:ident,)*]) => {
        &[$(concat!(stringify!($module), "::", stringify!($case)),)*]
    };
}

/// The name of every case for a [`TokenStore`].
pub const TOKEN_CASES: &[&str] = crate::__with_token_cases!([token_case_names]);

/// Runs the named case on a fresh store. [`token_conformance!`](crate::token_conformance) calls it for each.
///
/// # Errors
///
/// [`Failure`] says what the store did wrong.
pub fn run_tokens<S: TokenStore, F: Future<Output = S> + Send>(
    runtime: impl for<'f> Fn(BoxFuture<'f>) + Sync,
    store: impl Fn() -> F,
    name: &str,
) -> Result<(), Failure> {
    let table: Vec<(&str, Case<S>)> = crate::__with_token_cases!([token_case_table] S);
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
pub fn run_tokens_broken<S: TokenStore, F: Future<Output = S> + Send>(
    runtime: impl for<'f> Fn(BoxFuture<'f>) + Sync,
    broken: impl Fn() -> F,
) -> Result<(), Failure> {
    let store = arena::drive(&runtime, broken())?;
    cases::tokens::broken::every_error_has_a_source(&Arena::new(store, &runtime))
}

/// Expands to a module of `#[test]`s, one for each case that a [`TokenStore`] must pass. Its parts are those
/// of [`store_conformance!`](crate::store_conformance).
///
/// The races start callers on threads of one process together, for 2,000 rounds or 2 s. They find a comparison
/// and a change in two steps if another caller can come between the two. They cannot find what only a second
/// process, another node, a lost reply or a restart would show: test those apart.
///
/// ```
/// commerce_auth::token_conformance! {
///     mod memory;
///     runtime: |future| pollster::block_on(future);
///     store: || async { commerce_auth::MemoryStore::new() };
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! token_conformance {
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

            $crate::__with_token_cases!([$crate::__conformance_tests] (run_tokens) ($runtime) ($store));

            $(
                #[test]
                fn every_error_has_a_source() {
                    if let Err(failure) = $crate::conformance::run_tokens_broken($runtime, $broken) {
                        panic!("{failure}");
                    }
                }
            )?
        }
    };
}
