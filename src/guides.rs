//! The guides in `docs` that no module includes. `cargo test --doc` compiles and runs their
//! examples.

#[cfg(all(feature = "axum", feature = "postgres"))]
#[doc = include_str!("../docs/go-live.md")]
mod go_live {}

#[doc = include_str!("../docs/operations.md")]
mod operations {}
