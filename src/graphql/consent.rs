use async_graphql::{Context, InputObject, Result};

use super::{error::error, identity::bearer};

/// The consent field of Commerce's customer inputs. A host flattens it into its own input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, InputObject)]
#[graphql(rename_fields = "snake_case")]
#[allow(clippy::exhaustive_structs)]
pub struct AssistanceConsentInput {
    /// Indicates whether the customer has enabled remote shopping assistance.
    pub allow_remote_shopping_assistance: Option<bool>,
}

/// Sets the signed-in customer's consent to remote shopping assistance. The host writes the
/// mutation `updateCustomerV2` and calls this function in it.
///
/// ```
/// use async_graphql::{Context, InputObject, Object, Result};
/// use commerce_auth::graphql::{self, AssistanceConsentInput};
///
/// #[derive(InputObject)]
/// #[graphql(rename_fields = "snake_case")]
/// struct CustomerUpdateInput {
///     firstname: Option<String>, // and what else your customers have
///     #[graphql(flatten)]
///     consent: AssistanceConsentInput,
/// }
///
/// #[derive(Default)]
/// struct UpdateMutation;
///
/// #[Object]
/// impl UpdateMutation {
///     #[graphql(name = "updateCustomerV2")]
///     async fn update_customer(&self, ctx: &Context<'_>, input: CustomerUpdateInput) -> Result<bool> {
///         if let Some(allowed) = input.consent.allow_remote_shopping_assistance {
///             graphql::set_assistance_consent(ctx, allowed).await?;
///         }
///         // The rest goes to your own table.
///         Ok(true)
///     }
/// }
/// # let _ = UpdateMutation;
/// ```
///
/// # Errors
///
/// - `The current customer isn't authorized.` (`graphql-authorization`): the caller is anonymous,
///   an admin user, or an admin user who acts for the customer. Only the customer can give or
///   withdraw consent.
/// - `graphql-unavailable`: a storage backend request failed.
pub async fn set_assistance_consent(ctx: &Context<'_>, allowed: bool) -> Result<()> {
    let (caller, bearer) = bearer(ctx)?;
    caller.auth().set_remote_shopping_assistance(bearer, allowed).await.map_err(error)
}
