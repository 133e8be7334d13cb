use serde::{Deserialize, Serialize};

/// The status of a customer or admin account, which decides if the account may sign in.
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
    /// ([`AuthConfig::confirmation`](crate::AuthConfig::confirmation)), the customer cannot sign
    /// in. The error of the sign-in names this reason only if the credential was right. On a
    /// website that does not require confirmation, an unconfirmed customer can sign in. An
    /// unconfirmed admin user cannot sign in.
    Unconfirmed,
    /// The account may not sign in. The caller gets the same error as for a wrong credential.
    ///
    /// If the host disables a customer, it must also call
    /// [`Auth::customer_changed`](crate::Auth::customer_changed), because this status alone does
    /// not end the customer's tokens. The tokens of a disabled admin user are refused at their next
    /// use.
    Disabled,
}
