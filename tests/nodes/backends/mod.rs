//! Properties of every backend, tested with whole shops: two nodes over one database, the answers
//! of every verb, and the content of a stolen database.
//!
//! The promises of single backends are tested in `stores`, their faults in `faults`.
#![cfg(all(feature = "postgres", feature = "redis", feature = "sqlite"))]

mod agreement;
mod attacked;
mod clock;
#[path = "../../../examples/demo/database.rs"]
mod database;
mod dump;
mod engine;
mod examples;
mod factors;
mod mixed;
mod nodes;
mod shop;
mod texts;

use engine::Engine;

/// As in the examples.
type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Makes a test of each function on each backend.
macro_rules! on_every_backend {
    ($($module:ident::$test:ident,)*) => {
        on_every_backend!(@ memory $($module::$test,)*);
        on_every_backend!(@ sqlite $($module::$test,)*);
        on_every_backend!(@ postgres $($module::$test,)*);
        on_every_backend!(@ redis $($module::$test,)*);
    };
    (@ $engine:ident $($module:ident::$test:ident,)*) => {
        mod $engine {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    if let Some(engine) = crate::backends::Engine::$engine() {
                        crate::backends::$module::$test(&engine).await.unwrap();
                    }
                }
            )*
        }
    };
}

on_every_backend! {
    agreement::every_verb_answers_as_in_memory,
    attacked::one_source_leaves_few_documents,
    attacked::one_network_leaves_few_documents,
    attacked::a_device_of_one_node_is_known_at_the_other,
    clock::a_lock_lasts_its_length_once_the_clock_is_right,
    clock::codes_are_right_again_once_the_clock_is,
    clock::a_node_that_is_behind_makes_no_code_good_again,
    clock::clocks_a_little_apart_refuse_nothing,
    examples::every_example_goes_as_it_says,
    nodes::a_code_is_redeemed_once,
    nodes::a_reset_token_that_a_thief_used_first_ends_what_it_bought,
    nodes::an_address_is_confirmed_once,
    nodes::a_changed_address_is_confirmed_once,
    nodes::a_budget_is_one_budget,
    nodes::right_sign_ins_wait_their_turn,
    nodes::what_one_node_revokes_the_other_refuses,
    nodes::a_revoke_all_outruns_sign_ins_in_flight,
    nodes::assistance_ends_on_both,
    factors::a_code_is_accepted_once,
    factors::a_factor_is_one_at_all_nodes,
    factors::a_keyring_is_compared_with_what_is_sealed,
    factors::the_ledger_is_one,
    nodes::a_new_password_ends_what_the_other_node_issued,
    texts::a_nul_is_kept_exactly_or_refused,
}
