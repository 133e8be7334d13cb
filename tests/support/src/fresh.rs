//! Values that the library passes to a token store.

use std::num::NonZero;

use commerce_auth::{random::ChaChaRandom, store::GenerationId};

/// The largest cap that a host can set, so that no grant of a test ends another one.
pub const CAP: NonZero<usize> = NonZero::<usize>::MIN.saturating_add(9_999);

/// Returns a generation that no other call gets.
pub fn fresh() -> GenerationId {
    GenerationId::draw(&ChaChaRandom::new()).expect("random bytes")
}
