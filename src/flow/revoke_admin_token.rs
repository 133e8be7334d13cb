use super::Bearer;
use crate::{
    audit::{Action, Draft},
    auth::Auth,
    error::Error,
};

impl Auth {
    /// Ends an admin user's token, and with it every token of a customer that it gave rise to.
    ///
    /// # Errors
    ///
    /// As [`verify_admin`](Self::verify_admin).
    pub async fn revoke_admin_token(&self, bearer: impl Into<Bearer<'_>>) -> Result<(), Error> {
        let bearer = bearer.into();
        let who = self.verify_admin(bearer.clone()).await?;
        let mut event = Draft::about(Action::TokenRevoke, bearer.origin()).of_admin(who.admin_id());
        event.grant = Some(*who.grant());
        let ended = self.revoke(who.grant()).await.map(drop);
        self.settle_ledger_by(who.admin_id(), bearer.origin()).await;
        self.conclude(&event, ended.map_err(Into::into)).await
    }
}
