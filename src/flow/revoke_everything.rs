use crate::{
    audit::{Action, Draft},
    auth::Auth,
    error::Error,
    token::Origin,
};

impl Auth {
    /// Ends every token, reset token and one-time code of everybody, in one write: for the day a database leaked
    /// or a backup was restored.
    ///
    /// # Errors
    ///
    /// - [`Error::Unavailable`]: it may be done; call it again.
    /// - [`Error::Random`]: nothing was ended.
    pub async fn revoke_everything(&self) -> Result<(), Error> {
        let event = Draft::about(Action::EverythingRevoke, &Origin::default());
        let fresh = self.draw_generation()?;
        let ended = self.parts.tokens.revoke_everything(fresh, self.parts.clock.now()).await;
        self.conclude(&event, ended.map(drop).map_err(Into::into)).await
    }
}
