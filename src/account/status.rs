use serde::{Deserialize, Serialize};

/// Standing of an account, which says whether it may sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AccountStatus {
    /// The account may sign in.
    Active,
    /// A customer who has not yet confirmed the e-mail address ([`Auth::confirm_email`](crate::Auth::confirm_email)). On a
    /// website that demands it ([`AuthConfig::confirmation`](crate::AuthConfig::confirmation)) the account may not sign in,
    /// and is named as such only to someone who presents a right credential. On others it is as good as active.
    Unconfirmed,
    /// The account may not sign in. Outwardly the same as a wrong credential. The status alone ends no token of a customer:
    /// call [`Auth::customer_changed`](crate::Auth::customer_changed). An admin user's tokens are refused at their next use.
    Disabled,
}
