use serde::{Deserialize, Serialize};

/// The standing of an account, which decides whether the account may sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AccountStatus {
    /// The account may sign in.
    Active,
    /// The customer has not confirmed the e-mail address
    /// ([`Auth::confirm_email`](crate::Auth::confirm_email)).
    ///
    /// If the website requires confirmation
    /// ([`AuthConfig::confirmation`](crate::AuthConfig::confirmation)), then the customer cannot
    /// sign in. Only a caller with a right credential gets an error that names this reason. On
    /// other websites, the customer can sign in.
    Unconfirmed,
    /// The account may not sign in. The caller gets the same answer as for a wrong credential.
    ///
    /// The status alone does not end a customer's tokens: call
    /// [`Auth::customer_changed`](crate::Auth::customer_changed). An admin user's tokens are
    /// refused at their next use.
    Disabled,
}
