//! The suite every store must pass: ours, and a backend of your own.
//!
//! One line in your tests runs every case on a fresh store, with real threads that start at a barrier:
//!
//! ```
//! commerce_auth::store_conformance! {
//!     mod memory;
//!     runtime: |future| pollster::block_on(future);
//!     store: || async { commerce_auth::MemoryStore::new() };
//! }
//! # fn main() {}
//! ```
//!
//! - `runtime` drives a future to its end on the calling thread; it is called from many threads at once. For
//!   tokio: `{ let tokio = tokio::runtime::Runtime::new().unwrap(); move |future| tokio.block_on(future) }`.
//! - `store` makes an empty store for one case. A backend with a server makes a schema or a prefix of its own
//!   here.
//! - `skip_unless`, if given before `runtime`, says whether there is a server to test with. It should be loud where there
//!   is none.
//! - `broken`, if given, makes a store whose server cannot be reached; every verb must answer an error with
//!   its source.
//!
//! [`token_conformance!`](crate::token_conformance) does the same for a [`TokenStore`](crate::store::TokenStore)
//! alone, and [`state_conformance!`](crate::state_conformance) for a [`StateStore`](crate::store::StateStore).
//!
//! A suite that passes everything proves nothing: the macro also wraps your store with one [`Fault`] at a
//! time, and fails if the suite does not notice.

mod arena;
mod cases;
mod fault;
mod faulty;
mod state;
mod tokens;

pub use arena::{BoxFuture, Failure};
pub use fault::Fault;
pub use state::{STATE_CASES, run_state, run_state_broken};
pub use tokens::{TOKEN_CASES, run_tokens, run_tokens_broken};

use crate::store::Store;
use arena::Arena;
use faulty::Faulty;

type Case<S> = fn(&Arena<'_, S>) -> Result<(), Failure>;

/// Runs the named case on a fresh store. [`store_conformance!`](crate::store_conformance) calls it for each.
///
/// # Errors
///
/// [`Failure`] says what the store did wrong.
pub fn run<S: Store, F: Future<Output = S> + Send>(
    runtime: impl for<'f> Fn(BoxFuture<'f>) + Sync,
    store: impl Fn() -> F,
    name: &str,
) -> Result<(), Failure> {
    let store = arena::drive(&runtime, store())?;
    case(name)?(&Arena::new(store, &runtime))
}

/// Runs the suite on a store with each fault in turn; answers the faults that their case does not notice, of
/// which there should be none.
///
/// # Errors
///
/// [`Failure`] if the runtime did not run.
pub fn faults_missed<S: Store, F: Future<Output = S> + Send>(
    runtime: impl for<'f> Fn(BoxFuture<'f>) + Sync,
    store: impl Fn() -> F,
) -> Result<Vec<Fault>, Failure> {
    let mut missed = Vec::new();
    for &fault in Fault::ALL {
        let store = Faulty::new(arena::drive(&runtime, store())?, fault);
        if case(fault.caught_by())?(&Arena::new(store, &runtime)).is_ok() {
            missed.push(fault);
        }
    }
    Ok(missed)
}

/// Every verb of a store whose server cannot be reached must answer an error, and the error must carry its
/// source.
///
/// # Errors
///
/// [`Failure`] names the verb that did not.
pub fn run_broken<S: Store, F: Future<Output = S> + Send>(
    runtime: impl for<'f> Fn(BoxFuture<'f>) + Sync,
    broken: impl Fn() -> F,
) -> Result<(), Failure> {
    let arena = Arena::new(arena::drive(&runtime, broken())?, &runtime);
    cases::tokens::broken::every_error_has_a_source(&arena)?;
    cases::broken::every_error_has_a_source(&arena)
}

/// The one list of cases: hands it to the macro named.
#[doc(hidden)]
#[macro_export]
macro_rules! __with_conformance_cases {
    ([$($then:tt)+] $($arguments:tt)*) => {
        $($then)+! {
            [
                    ]
            $($arguments)*
        }
    };
}

macro_rules! case_table {
    ([$($module:ident::$case:ident,)*] $store:ident) => {
        vec![$((concat!(stringify!($module), "::", stringify!($case)), cases::$module::$case::<$store> as Case<$store>),)*]
    };
}

fn case<S: Store>(name: &str) -> Result<Case<S>, Failure> {
    let cases: Vec<(&str, Case<S>)> = crate::__with_conformance_cases!([case_table] S);
    let found = cases.into_iter().find(|(other, _)| *other == name);
    found.map(|(_, case)| case).ok_or_else(|| Failure::new(format!("there is no case {name}")))
}

/// Expands to a module of `#[test]`s, one for each case of the suite. See the [module
/// documentation](crate::conformance).
#[macro_export]
macro_rules! store_conformance {
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
            $crate::__with_conformance_cases!([$crate::__conformance_tests] (run) ($runtime) ($store));

            /// The suite notices every fault, on this store and with this runtime.
            #[test]
            fn every_fault_is_noticed() {
                if is_skipped() {
                    return;
                }
                match $crate::conformance::faults_missed($runtime, $store) {
                    Ok(missed) => assert!(missed.is_empty(), "faults nobody noticed: {missed:?}"),
                    Err(failure) => panic!("{failure}"),
                }
            }

            $(
                #[test]
                fn every_error_has_a_source() {
                    if let Err(failure) = $crate::conformance::run_broken($runtime, $broken) {
                        panic!("{failure}");
                    }
                }
            )?
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ([$($module:ident::$case:ident,)*] ($run:ident) ($runtime:expr) ($store:expr)) => {
        $(
            #[test]
            fn $case() {
                if is_skipped() {
                    return;
                }
                let outcome = $crate::conformance::$run(
                    $runtime,
                    $store,
                    concat!(stringify!($module), "::", stringify!($case)),
                );
                if let Err(failure) = outcome {
                    panic!("{failure}");
                }
            }
        )*
    };
}
