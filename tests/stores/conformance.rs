//! The suite for every store, run on the memory store under three runtimes, and on one with little
//! room.

use std::io;

use commerce_auth::{error::StoreError, state_conformance, store::memory::MemoryStore, store_conformance};
use support::hooked::Hooked;

store_conformance! {
    mod memory;
    runtime: |future| pollster::block_on(future);
    store: || async { MemoryStore::new() };
    broken: || async { Hooked::new(|_| Err(StoreError::new(io::Error::from(io::ErrorKind::ConnectionRefused)))) };
}

store_conformance! {
    mod memory_under_tokio;
    runtime: {
        let tokio = tokio::runtime::Runtime::new().expect("tokio starts");
        move |future| tokio.block_on(future)
    };
    store: || async { MemoryStore::new() };
}

store_conformance! {
    mod memory_under_smol;
    runtime: |future| smol::block_on(future);
    store: || async { MemoryStore::new() };
}

state_conformance! {
    mod small_memory;
    runtime: |future| pollster::block_on(future);
    store: || async { MemoryStore::with_attempt_capacity(64) };
}
