//! How large floods, histories and other bulk are.

use std::env;

/// Set to 1, everything runs at its whole size: `.ci/run heavy` does.
const HEAVY: &str = "COMMERCE_AUTH_HEAVY";

/// The size of a test: `small` in `cargo test`, where it must still be able to fail, and `whole` in `.ci/run heavy`.
pub fn size<N>(small: N, whole: N) -> N {
    if env::var(HEAVY).is_ok_and(|value| value == "1") { whole } else { small }
}
