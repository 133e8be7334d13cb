use std::{fmt, marker::PhantomData};

use async_graphql::{Context, InputObject, Object, Result};

use super::{
    customer::{CustomerObject, CustomerOutput},
    error::{Category, error},
    identity::caller,
    secret::SecretArgument,
};
use crate::{
    error::{ConfirmationError, Error, Field, InputError},
    flow::{ConfirmationRequest, EmailConfirmation},
    http::{to_its_end, trimmed},
};

/// The mutations `confirmEmail` and `resendConfirmationEmail`. A host merges them into its own
/// mutations.
///
/// In a tokio runtime, `confirmEmail` completes even if the client disconnects. In another runtime,
/// the host must run the mutation to completion. A confirmation that stops before its end could
/// leave the customer's earlier bearer tokens valid.
pub struct ConfirmationMutation<C>(PhantomData<fn() -> C>);

impl<C> Default for ConfirmationMutation<C> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<C> fmt::Debug for ConfirmationMutation<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConfirmationMutation")
    }
}

#[Object]
impl<C: CustomerObject> ConfirmationMutation<C> {
    /// Confirms the email address for a customer.
    async fn confirm_email(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "An input object to identify the customer to confirm the email.")]
        input: ConfirmEmailInput,
    ) -> Result<Option<CustomerOutput<C>>> {
        let caller = caller(ctx)?.clone();
        let mut confirmation = EmailConfirmation::new(trimmed(&input.email), input.confirmation_key)
            .website(caller.website().clone())
            .origin(caller.origin().clone())
            .challenge(caller.challenge().clone());
        if let Some(password) = input.password {
            confirmation = confirmation.password(password);
        }
        let confirmed = to_its_end(async move { caller.auth().confirm_email(confirmation).await });
        let confirmed = confirmed.await.map_err(|refused| match refused {
            // Commerce returns the same error for an empty and for a wrong confirmation key.
            Error::Input(InputError::Required(Field::ConfirmationToken)) => {
                error(Error::Confirmation(ConfirmationError::InvalidToken))
            }
            refused => told(refused, "Email is invalid"),
        })?;
        Ok(Some(CustomerOutput { customer: C::load(ctx, &confirmed.customer).await? }))
    }

    /// Resends the confirmation email to a customer.
    async fn resend_confirmation_email(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The email address to send the confirmation email to.")] email: String,
    ) -> Result<Option<bool>> {
        let caller = caller(ctx)?;
        let request = ConfirmationRequest::new(trimmed(&email))
            .website(caller.website().clone())
            .origin(caller.origin().clone())
            .challenge(caller.challenge().clone());
        let asked = caller.auth().request_confirmation(request).await;
        asked.map_err(|refused| told(refused, "Email address is not valid"))?;
        Ok(Some(true))
    }
}

/// Maps an error of a confirmation. For a malformed e-mail address, the message is the argument
/// `not_an_address`, because Commerce has one message in `confirmEmail` and another in
/// `resendConfirmationEmail`.
fn told(refused: Error, not_an_address: &'static str) -> async_graphql::Error {
    match refused {
        Error::Input(InputError::Email | InputError::Required(Field::Email)) => {
            Category::Input.error(not_an_address)
        }
        refused => error(refused),
    }
}

/// Contains details about a customer email address to confirm.
#[derive(InputObject)]
#[graphql(rename_fields = "snake_case")]
struct ConfirmEmailInput {
    /// The key to confirm the email address.
    #[graphql(secret)]
    confirmation_key: SecretArgument,
    /// The email address to be confirmed.
    email: String,
    /// The new account's password. If it is sent, only a person who knows it confirms the account.
    #[graphql(secret)]
    password: Option<SecretArgument>,
}
