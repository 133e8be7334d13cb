use async_graphql::{Object, SimpleObject};
use commerce_auth::{Email, graphql::Category};

#[derive(SimpleObject)]
#[graphql(rename_fields = "snake_case")]
struct IsEmailAvailableOutput {
    is_email_available: Option<bool>,
}

#[derive(Default)]
pub(super) struct EmailQuery;

#[Object]
impl EmailQuery {
    /// Whether an account can be made with the address: always, as Commerce answers by default. Another answer would
    /// tell strangers who has an account.
    async fn is_email_available(
        &self,
        email: String,
    ) -> async_graphql::Result<Option<IsEmailAvailableOutput>> {
        if email.is_empty() {
            return Err(Category::Input.error("Email must be specified"));
        }
        if email.parse::<Email>().is_err() {
            return Err(Category::Input.error("Email is invalid"));
        }
        Ok(Some(IsEmailAvailableOutput { is_email_available: Some(true) }))
    }
}

/// The address of an account that is made or changed.
pub(super) fn parse(text: &str) -> async_graphql::Result<Email> {
    text.parse().map_err(|_| Category::Input.error(format!("\"{text}\" is not a valid email address.")))
}
