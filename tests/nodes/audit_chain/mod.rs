//! The audit chain: every change to a trail by someone without a key is found.
#![cfg(all(feature = "postgres", feature = "sqlite"))]

mod appending;
mod cancelled;
mod database;
mod erasure;
mod events;
mod example;
mod findings;
mod flooded;

mod format;
mod keys;
mod long;
mod mutation;
mod pruning;
mod random;
mod writers;

use commerce_auth::keyring::{KeyId, Keyring};

/// Returns a keyring with key 1, which is current, and key 2.
fn keyring() -> Keyring {
    let keyring = Keyring::new(KeyId(1), [7; 32]).expect("enough bytes");
    keyring.accept(KeyId(2), [8; 32]).expect("another name");
    keyring
}

/// Runs tests on both backends.
macro_rules! on_both {
    ($($test:ident,)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                super::$test(&crate::audit_chain::database::Database::sqlite()).await;
            })*
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                if let Some(database) = crate::audit_chain::database::Database::postgres() {
                    super::$test(&database).await;
                }
            })*
        }
    };
}
use on_both;
