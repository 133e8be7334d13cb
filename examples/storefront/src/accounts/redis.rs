use std::{error::Error, sync::Arc};

use commerce_auth::{TokenStore, store::redis::RedisStore};

/// Connects to the store of bearer tokens.
pub(super) async fn open(url: &str) -> Result<Arc<dyn TokenStore>, Box<dyn Error>> {
    Ok(Arc::new(RedisStore::connect(url).await?))
}
