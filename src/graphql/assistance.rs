use async_graphql::{Context, InputObject, Object, Result};

use super::{
    error::error,
    identity::{bearer, caller},
};
use crate::{
    error::{Error, Field, InputError},
    flow::SignedIn,
    http::trimmed,
};

/// The mutation `generateCustomerTokenAsAdmin`. A host merges it into its own mutations.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::exhaustive_structs)]
pub struct AssistanceMutation;

#[Object]
impl AssistanceMutation {
    /// Request a customer token so that an administrator can perform remote shopping assistance.
    async fn generate_customer_token_as_admin(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "An input object that defines the customer email address.")]
        input: GenerateCustomerTokenAsAdminInput,
    ) -> Result<Option<GenerateCustomerTokenAsAdminOutput>> {
        caller(ctx)?;
        // Checked before the token, as in Commerce.
        let email = trimmed(&input.customer_email);
        if email.is_empty() {
            return Err(error(Error::Input(InputError::Required(Field::CustomerEmail))));
        }
        let (caller, bearer) = bearer(ctx)?;
        let reason = input.reason.unwrap_or_default();
        let assisting = caller.auth().generate_customer_token_as_admin(bearer, email, &reason);
        Ok(Some(GenerateCustomerTokenAsAdminOutput(assisting.await.map_err(error)?)))
    }
}

/// Identifies which customer requires remote shopping assistance.
#[derive(InputObject)]
#[graphql(rename_fields = "snake_case")]
struct GenerateCustomerTokenAsAdminInput {
    /// The email address of the customer requesting remote shopping assistance.
    customer_email: String,
    /// The reason. It is stored with the token and in the audit trail.
    reason: Option<String>,
}

/// Contains the generated customer token.
struct GenerateCustomerTokenAsAdminOutput(SignedIn);

#[Object(rename_fields = "snake_case")]
impl GenerateCustomerTokenAsAdminOutput {
    /// The generated customer token.
    async fn customer_token(&self) -> &str {
        self.0.token().expose()
    }

    /// When the token ends (RFC 3339).
    async fn expires_at(&self) -> Result<String> {
        super::token::rfc3339(self.0.expires_at())
    }
}
