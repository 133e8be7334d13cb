//! The bare drivers: the same statements on the same rows, and nothing around them.

use std::path::Path;

use async_trait::async_trait;
use commerce_auth::{
    Digest, Grant,
    store::{Attempt, Presented},
};

/// One thing to do.
#[derive(Debug)]
pub enum Work {
    /// A bearer token, with its digest for those who look that up alone.
    Verify(Digest, String),
    Issue(Grant),
    Take(Presented),
    Reserve(Attempt),
}

/// What does the work.
#[async_trait]
pub trait Driver: Send + Sync + 'static {
    async fn run(&self, work: Work);
}
