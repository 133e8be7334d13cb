//! The examples, over every backend: an example fails if a result differs from its text.

use std::{path::PathBuf, process::Command};

use crate::backends::{Result, engine::Engine};

const EXAMPLES: [&str; 10] = [
    "admin_token",
    "bring_your_own_store",
    "change_password",
    "exchange_one_time_code",
    "generate_customer_token",
    "generate_customer_token_as_admin",
    "login_as_customer_with_one_time_code",
    "password_reset",
    "remote_shopping_assistance",
    "revoke_customer_token",
];

/// Cargo builds the examples together with the tests, in a folder beside theirs.
fn program(example: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this program has a path");
    let built = test.parent().and_then(|deps| deps.parent()).expect("a separate folder").join("examples");
    let program = built.join(example);
    assert!(program.is_file(), "not built: cargo build --all-features --examples");
    program
}

/// Runs the examples one after the other in the same database, and then again. Data that one leaves
/// does not disturb the next one.
pub(crate) async fn every_example_goes_as_it_says(engine: &Engine) -> Result {
    for example in EXAMPLES.iter().chain(&EXAMPLES[..5]) {
        let ran = Command::new(program(example)).arg(engine.address()).output()?;
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{example} {}: {said}", engine.address());
    }
    Ok(())
}
