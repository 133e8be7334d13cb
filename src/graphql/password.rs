use std::{fmt, marker::PhantomData};

use async_graphql::{Context, Object, Result};

use super::{
    customer::CustomerObject,
    error::error,
    identity::{bearer, caller, customer},
    secret::SecretArgument,
};
use crate::{
    error::{Error, Field, InputError, TokenError},
    flow::{PasswordReset, PasswordResetRequest},
    http::{to_its_end, trimmed},
};

/// The mutations `requestPasswordResetEmail`, `resetPassword` and `changeCustomerPassword`. A host
/// merges them into its own mutations.
///
/// In a tokio runtime, `resetPassword` and `changeCustomerPassword` complete even if the client
/// disconnects. In another runtime, the host must run the two mutations to completion. A change
/// that stops before its end could leave the customer's earlier tokens valid.
pub struct PasswordMutation<C>(PhantomData<fn() -> C>);

impl<C> Default for PasswordMutation<C> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<C> fmt::Debug for PasswordMutation<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordMutation")
    }
}

#[Object]
impl<C: CustomerObject> PasswordMutation<C> {
    /// Request an email with a reset password token for the registered customer identified by the specified email.
    async fn request_password_reset_email(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer's email address.")] email: String,
    ) -> Result<Option<bool>> {
        let caller = caller(ctx)?;
        let request = PasswordResetRequest::new(trimmed(&email))
            .website(caller.website().clone())
            .origin(caller.origin().clone())
            .challenge(caller.challenge().clone());
        caller.auth().request_password_reset(request).await.map_err(error)?;
        Ok(Some(true))
    }

    /// Reset a customer's password using the reset password token that the customer received in an email.
    async fn reset_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer's email address.")] email: String,
        #[graphql(desc = "The reset token that the email holds.", secret)]
        reset_password_token: SecretArgument,
        #[graphql(desc = "The new password for the customer.", secret)] new_password: SecretArgument,
    ) -> Result<Option<bool>> {
        let caller = caller(ctx)?.clone();
        let reset = PasswordReset::new(trimmed(&email), reset_password_token, new_password);
        let reset = reset
            .website(caller.website().clone())
            .origin(caller.origin().clone())
            .challenge(caller.challenge().clone());
        to_its_end(async move { caller.auth().reset_password(reset).await }).await.map_err(error)?;
        Ok(Some(true))
    }

    /// Change the password for the logged-in customer.
    async fn change_customer_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer's original password.", secret)] current_password: SecretArgument,
        #[graphql(desc = "The customer's updated password.", secret)] new_password: SecretArgument,
    ) -> Result<Option<C>> {
        let who = customer(ctx)?;
        let (caller, _) = bearer(ctx)?;
        // Commerce trims the passwords before it checks if they are empty.
        for (argument, field) in
            [(&current_password, Field::CurrentPassword), (&new_password, Field::NewPassword)]
        {
            if argument.is_blank() {
                return Err(error(Error::Input(InputError::Required(field))));
            }
        }
        let caller = caller.clone();
        let changed = to_its_end(async move {
            let bearer = caller.bearer().ok_or(TokenError::NotAuthorized)?;
            caller.auth().change_password(bearer, current_password, new_password).await
        });
        changed.await.map_err(error)?;
        C::load(ctx, who.customer_id()).await.map(Some)
    }
}
