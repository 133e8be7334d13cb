use crate::{auth::Auth, error::Error};

impl Auth {
    /// Ends every token of everybody, in one write: for the day a database leaked or a backup was restored.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`]: it may be done; call it again.
    pub async fn revoke_everything(&self) -> Result<(), Error> {
        Ok(self.parts.tokens.revoke_everything(self.parts.clock.now()).await?)
    }
}
