//! The sizes of floods, histories and other bulk tests.

use std::env;

/// If this is 1, every test runs at its whole size, as in `.ci/run heavy`.
const HEAVY: &str = "COMMERCE_AUTH_HEAVY";

/// Returns the size of a test: `small` in `cargo test`, where it must still be able to fail, and
/// `whole` in `.ci/run heavy`.
pub fn size<N>(small: N, whole: N) -> N {
    if env::var(HEAVY).is_ok_and(|value| value == "1") { whole } else { small }
}
