//! The guides in `docs` that no module includes. `cargo test --doc` compiles and runs their
//! examples.

#[cfg(all(feature = "axum", feature = "postgres"))]
#[doc = include_str!("../docs/go-live.md")]
mod go_live {}

#[doc = include_str!("../docs/operations.md")]
mod operations {}

#[cfg(feature = "axum")]
#[doc = include_str!("../docs/proxies-and-cors.md")]
mod proxies_and_cors {}
