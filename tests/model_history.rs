//! Random histories of a shop against a model of it: customers, admin users, assistance, recovery and time. Every answer
//! is foretold, every hash, every line of the audit trail and every notice; after every step every token and every
//! one-time credential ever issued is looked at again.
//!
//! A failure tells its whole history. `PROPTEST_CASES` raises the number of histories.

#[path = "model/history/mod.rs"]
mod history;
#[path = "support/outbox.rs"]
mod outbox;
#[path = "model/shop/mod.rs"]
mod shop;

use proptest::prelude::*;

/// Unless the environment asks for more.
const CASES: u32 = 300;

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES)
}

proptest! {
    #![proptest_config(ProptestConfig {
        max_shrink_time: 30_000,
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases())
    })]

    #[test]
    fn every_step_is_the_models(history in history::history()) {
        history::World::new().live_through(&history)?;
    }
}
