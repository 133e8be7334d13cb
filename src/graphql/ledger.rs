//! The query and the mutation by which a customer reads the own entries of the ledger and ends an
//! assistance.

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};

use super::{
    error::{Category, error},
    identity::{RequireSelf, bearer},
    page::Page,
    token::{CustomerTokenActor, rfc3339},
};
use crate::token::{AssistanceEnd, AssistanceEntry};

/// The query `customerAssistance`, which Commerce does not have. A host merges it into its own
/// queries.
///
/// The complexity of the query is 1 plus `pageSize` times the complexity of the fields of one
/// entry. `pageSize` is 100 by default.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::exhaustive_structs)]
pub struct CustomerAssistanceQuery;

#[Object]
impl CustomerAssistanceQuery {
    /// The customer's past and present assistances, the newest first.
    #[graphql(guard = "RequireSelf", complexity = "Page::complexity(page_size, child_complexity)")]
    async fn customer_assistance(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "The maximum number of entries in the answer, from 1 to 100.",
            default_with = "Page::MAX_SIZE"
        )]
        page_size: i32,
        #[graphql(desc = "The number of the page. The first is 1.", default = 1)] current_page: i32,
    ) -> Result<Vec<CustomerAssistanceEntry>> {
        let page = Page::of(page_size, current_page)?;
        let (caller, bearer) = bearer(ctx)?;
        let entries = caller.auth().list_assistance(bearer).await.map_err(error)?;
        page.of_list(entries).map(CustomerAssistanceEntry::try_from).collect()
    }
}

/// The mutation `endCustomerAssistance`, which Commerce does not have. A host merges it into its
/// own mutations.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::exhaustive_structs)]
pub struct CustomerAssistanceMutation;

#[Object]
impl CustomerAssistanceMutation {
    /// End an assistance by its id from customerAssistance. False if the assistance was not active.
    #[graphql(guard = "RequireSelf")]
    async fn end_customer_assistance(
        &self,
        ctx: &Context<'_>,
        id: ID,
    ) -> Result<Option<EndCustomerAssistanceOutput>> {
        let (caller, bearer) = bearer(ctx)?;
        let grant =
            id.parse().map_err(|_| Category::Input.error("The assistance id has an invalid format."))?;
        let result = caller.auth().end_assistance(bearer, &grant).await.map_err(error)?;
        Ok(Some(EndCustomerAssistanceOutput { result }))
    }
}

/// Contains the result of a request to end an assistance.
#[derive(SimpleObject)]
struct EndCustomerAssistanceOutput {
    /// True if the assistance was active until now.
    result: bool,
}

/// An assistance of the customer.
#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
struct CustomerAssistanceEntry {
    /// The id of the assistance, which is also the id of its token.
    id: ID,
    /// The admin user who acts or acted for the customer, and the reason.
    actor: CustomerTokenActor,
    /// When it began (RFC 3339).
    began_at: String,
    /// When it ends at the latest (RFC 3339).
    expires_at: String,
    /// When it ended (RFC 3339). Null while it is active.
    ended_at: Option<String>,
    /// How it ended. Null while it is active.
    end: Option<CustomerAssistanceEnd>,
}

impl TryFrom<AssistanceEntry> for CustomerAssistanceEntry {
    type Error = async_graphql::Error;

    fn try_from(entry: AssistanceEntry) -> Result<Self> {
        Ok(Self {
            id: entry.grant.to_string().into(),
            actor: entry.assistance.as_ref().into(),
            began_at: rfc3339(entry.began_at)?,
            expires_at: rfc3339(entry.expires_at)?,
            ended_at: entry.ended_at.map(rfc3339).transpose()?,
            end: entry.end.map(Into::into),
        })
    }
}

/// How an assistance ended.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
enum CustomerAssistanceEnd {
    /// The assistance reached its time limit.
    Expired,
    /// The admin user ended the assistance.
    SignedOut,
    /// The customer ended it.
    EndedByCustomer,
    /// The customer withdrew the consent.
    ConsentWithdrawn,
    /// The admin user signed out or may no longer assist, or the customer's tokens were revoked.
    Withdrawn,
}

impl From<AssistanceEnd> for CustomerAssistanceEnd {
    fn from(end: AssistanceEnd) -> Self {
        match end {
            AssistanceEnd::Expired => Self::Expired,
            AssistanceEnd::SignedOut => Self::SignedOut,
            AssistanceEnd::EndedByCustomer => Self::EndedByCustomer,
            AssistanceEnd::ConsentWithdrawn => Self::ConsentWithdrawn,
            // An assistance whose token was never issued is not in the list.
            AssistanceEnd::Withdrawn | AssistanceEnd::NotIssued => Self::Withdrawn,
        }
    }
}
