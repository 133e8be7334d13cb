use async_graphql::{Object, Result, SimpleObject};
use commerce_auth::{Email, graphql::Category};

use crate::mailbox::reachable;

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
struct IsEmailAvailableOutput {
    is_email_available: Option<bool>,
}

#[derive(Default)]
pub(super) struct EmailQuery;

#[Object]
impl EmailQuery {
    /// True if an account can be made with the address. It is always true, as in Commerce by default: another
    /// answer would tell strangers who has an account.
    async fn is_email_available(&self, email: String) -> Result<Option<IsEmailAvailableOutput>> {
        if email.trim_ascii().is_empty() {
            return Err(Category::Input.error("Email must be specified"));
        }
        if reachable(&email).is_none() {
            return Err(Category::Input.error("Email is invalid"));
        }
        Ok(Some(IsEmailAvailableOutput { is_email_available: Some(true) }))
    }
}

/// Reads the address of an account that is made or changed.
pub(super) fn parse(text: &str) -> Result<Email> {
    let invalid = || format!("\"{}\" is not a valid email address.", text.trim_ascii());
    reachable(text).ok_or_else(|| Category::Input.error(invalid()))
}
