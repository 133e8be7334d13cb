use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    error::{Category, error},
    identity::{RequireCustomer, RequireSelf, bearer, caller, customer},
    page::Page,
    secret::SecretArgument,
};
use crate::{
    error::{Error, InputError, SignInError},
    flow::{ListedToken, SignIn, SignedIn},
    http::{Caller, trimmed},
    token::{Assistance, Obtained},
};

/// The mutations `generateCustomerToken`, `exchangeOtpForCustomerToken` and `revokeCustomerToken`,
/// and `revokeCustomerTokenById`, which Commerce does not have. A host merges them into its own
/// mutations.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::exhaustive_structs)]
pub struct CustomerTokenMutation;

#[Object]
impl CustomerTokenMutation {
    /// Generate a token for specified customer.
    async fn generate_customer_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer's email address.")] email: String,
        #[graphql(
            desc = "The customer's password, a reset token, or a one-time code of an admin user.",
            secret
        )]
        password: SecretArgument,
    ) -> Result<Option<CustomerToken>> {
        let caller = caller(ctx)?;
        let sign_in = SignIn::new(trimmed(&email), password)
            .website(caller.website().clone())
            .origin(caller.origin().clone())
            .challenge(caller.challenge().clone())
            .device(caller.device());
        told(caller, caller.auth().generate_customer_token(sign_in).await)
    }

    /// Exchange a one-time code of an admin user for a customer token.
    async fn exchange_otp_for_customer_token(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The customer's email address.")] email: String,
        #[graphql(desc = "The one-time code.", secret)] otp: SecretArgument,
    ) -> Result<Option<CustomerToken>> {
        let caller = caller(ctx)?;
        let sign_in = SignIn::new(trimmed(&email), otp)
            .website(caller.website().clone())
            .origin(caller.origin().clone())
            .challenge(caller.challenge().clone());
        told(caller, caller.auth().exchange_one_time_code(sign_in).await)
    }

    /// Revoke the customer token.
    async fn revoke_customer_token(&self, ctx: &Context<'_>) -> Result<Option<RevokeCustomerTokenOutput>> {
        let (caller, bearer) = bearer(ctx)?;
        caller.auth().revoke_customer_token(bearer).await.map_err(error)?;
        Ok(Some(RevokeCustomerTokenOutput { result: true }))
    }

    /// Revoke a token by its id from customerTokens. False if the customer has no such token.
    #[graphql(guard = "RequireSelf")]
    async fn revoke_customer_token_by_id(
        &self,
        ctx: &Context<'_>,
        id: ID,
    ) -> Result<Option<RevokeCustomerTokenOutput>> {
        let (caller, bearer) = bearer(ctx)?;
        let grant = id.parse().map_err(|_| Category::Input.error("The token id has an invalid format."))?;
        let result = caller.auth().revoke_listed_customer_token(bearer, &grant).await.map_err(error)?;
        Ok(Some(RevokeCustomerTokenOutput { result }))
    }
}

/// Maps the result of a sign-in. A malformed e-mail address gets the same error as an unknown
/// account, as in Commerce.
fn told(caller: &Caller, signed_in: Result<SignedIn, Error>) -> Result<Option<CustomerToken>> {
    match signed_in {
        Ok(signed_in) => {
            caller.hand_out(signed_in.device());
            Ok(Some(CustomerToken(signed_in)))
        }
        Err(Error::Input(InputError::Email)) => Err(error(Error::SignIn(SignInError::Refused))),
        Err(refused) => Err(error(refused)),
    }
}

/// Contains a customer authorization token.
struct CustomerToken(SignedIn);

#[Object(rename_fields = "snake_case")]
impl CustomerToken {
    /// The customer authorization token.
    async fn token(&self) -> Option<&str> {
        Some(self.0.token().expose())
    }

    /// When the token ends (RFC 3339).
    async fn expires_at(&self) -> Result<String> {
        rfc3339(self.0.expires_at())
    }
}

/// Contains the result of a request to revoke a customer token.
#[derive(SimpleObject)]
struct RevokeCustomerTokenOutput {
    /// The result of a request to revoke a customer token.
    result: bool,
}

/// The queries `customerTokenIdentity` and `customerTokens`, which Commerce does not have. A host
/// merges them into its own queries.
///
/// The complexity of `customerTokens` is 1 plus `pageSize` times the complexity of the fields of
/// one entry. `pageSize` is 100 by default.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::exhaustive_structs)]
pub struct CustomerTokenQuery;

#[Object]
impl CustomerTokenQuery {
    /// The identity behind the token of this request.
    #[graphql(guard = "RequireCustomer")]
    async fn customer_token_identity(&self, ctx: &Context<'_>) -> Result<CustomerTokenIdentity> {
        let who = customer(ctx)?;
        Ok(CustomerTokenIdentity {
            issued_at: rfc3339(who.auth_time())?,
            expires_at: rfc3339(who.expires_at())?,
            obtained: who.obtained().into(),
            actor: who.assistance.as_deref().map(Into::into),
        })
    }

    /// The customer's live tokens, including assistance tokens, the newest first.
    #[graphql(guard = "RequireSelf", complexity = "Page::complexity(page_size, child_complexity)")]
    async fn customer_tokens(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "The maximum number of tokens in the answer, from 1 to 100.",
            default_with = "Page::MAX_SIZE"
        )]
        page_size: i32,
        #[graphql(desc = "The number of the page. The first is 1.", default = 1)] current_page: i32,
    ) -> Result<Vec<CustomerTokenEntry>> {
        let page = Page::of(page_size, current_page)?;
        let (caller, bearer) = bearer(ctx)?;
        let listed = caller.auth().list_customer_tokens(bearer).await.map_err(error)?;
        page.of_list(listed).map(CustomerTokenEntry::try_from).collect()
    }
}

/// The identity behind a customer's token.
#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
struct CustomerTokenIdentity {
    /// When it was issued (RFC 3339).
    issued_at: String,
    /// When it ends (RFC 3339).
    expires_at: String,
    /// How it was obtained.
    obtained: CustomerTokenObtained,
    /// The admin user who acts for the customer with this token, if there is one.
    actor: Option<CustomerTokenActor>,
}

/// How a customer token was obtained.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
enum CustomerTokenObtained {
    /// By the account's password.
    Password,
    /// By a one-time reset token.
    ResetToken,
    /// By an admin user's one-time code.
    OneTimeCode,
    /// By an admin user with generateCustomerTokenAsAdmin.
    AsAdmin,
}

impl From<Obtained> for CustomerTokenObtained {
    fn from(obtained: Obtained) -> Self {
        match obtained {
            // A customer's token cannot have the two values with a second factor, because only
            // admin users have a second factor.
            Obtained::Password | Obtained::PasswordAndTotp | Obtained::PasswordAndRecoveryCode => {
                Self::Password
            }
            Obtained::ResetToken => Self::ResetToken,
            Obtained::OneTimeCode => Self::OneTimeCode,
            Obtained::AsAdmin => Self::AsAdmin,
        }
    }
}

/// An admin user who acts for a customer.
#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
pub(super) struct CustomerTokenActor {
    /// The admin user's id.
    admin_id: ID,
    /// The reason, in the admin user's words.
    reason: String,
}

impl From<&Assistance> for CustomerTokenActor {
    fn from(assistance: &Assistance) -> Self {
        Self { admin_id: assistance.actor.to_string().into(), reason: assistance.reason.clone() }
    }
}

/// One of a customer's live tokens.
#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
struct CustomerTokenEntry {
    /// The id of the token. It is not the token itself.
    id: ID,
    /// When it was issued (RFC 3339).
    issued_at: String,
    /// When it ends (RFC 3339).
    expires_at: String,
    /// How it was obtained.
    obtained: CustomerTokenObtained,
    /// The IP address from which it was obtained.
    source: Option<String>,
    /// The user agent with which it was obtained.
    user_agent: Option<String>,
    /// True if it is the token of this request.
    current: bool,
    /// The admin user who acts for the customer with this token, if there is one.
    actor: Option<CustomerTokenActor>,
}

impl TryFrom<ListedToken> for CustomerTokenEntry {
    type Error = async_graphql::Error;

    fn try_from(listed: ListedToken) -> Result<Self> {
        let ListedToken { grant, origin, presented } = listed;
        Ok(Self {
            id: grant.id.to_string().into(),
            issued_at: rfc3339(grant.issued_at())?,
            expires_at: rfc3339(grant.expires_at())?,
            obtained: grant.obtained.into(),
            source: origin.source.map(|source| source.to_string()),
            user_agent: origin.user_agent,
            current: presented,
            actor: grant.assistance.as_deref().map(Into::into),
        })
    }
}

pub(super) fn rfc3339(time: OffsetDateTime) -> Result<String> {
    Ok(time.format(&Rfc3339)?)
}
