//! Refusals in place of the stores that this build leaves out.

#[cfg(not(feature = "postgres"))]
pub(super) mod postgres {
    use std::error::Error;

    use commerce_auth::keyring::Keyring;

    use crate::accounts::Database;

    pub(in crate::accounts) async fn open(_url: &str, _keyring: Keyring) -> Result<Database, Box<dyn Error>> {
        Err("this build has no PostgreSQL: build with --features postgres".into())
    }
}

#[cfg(not(feature = "redis"))]
pub(super) mod redis {
    use std::{error::Error, sync::Arc};

    use commerce_auth::TokenStore;

    pub(in crate::accounts) async fn open(_url: &str) -> Result<Arc<dyn TokenStore>, Box<dyn Error>> {
        Err("this build has no Redis: build with --features redis".into())
    }
}
