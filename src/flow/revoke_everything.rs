use crate::{
    audit::{Action, AuditEvent},
    auth::Auth,
    error::Error,
    token::Origin,
};

impl Auth {
    /// Ends every token of everybody, in one write: for the day a database leaked or a backup was restored.
    ///
    /// Outstanding reset tokens and one-time codes stay good until they expire. A restored backup revives those that were
    /// spent since: keep customers out for [`AuthConfig::reset_token_lifetime`](crate::AuthConfig::reset_token_lifetime)
    /// after the time of the backup, or leave its one-time credentials behind.
    ///
    /// # Errors
    ///
    /// - [`Error::Unavailable`]: it may be done; call it again.
    /// - [`Error::Random`]: nothing was ended.
    pub async fn revoke_everything(&self) -> Result<(), Error> {
        let event = AuditEvent::about(Action::EverythingRevoke, &Origin::default());
        let fresh = self.draw_generation()?;
        let ended = self.parts.tokens.revoke_everything(fresh, self.parts.clock.now()).await;
        self.conclude(&event, ended.map(drop).map_err(Into::into)).await
    }
}
