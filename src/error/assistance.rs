use super::ErrorKind;

/// Remote shopping assistance is not offered by the shop, not permitted to the admin user, or not
/// accepted by the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AssistanceError {
    /// The shop offers no assistance, or the admin user may not sign in as a customer. No customer
    /// was looked up.
    #[error("Login as Customer is disabled.")]
    Disabled,
    /// The admin user may not give remote shopping assistance. No customer was looked up.
    #[error("Allow remote shopping assistance is disabled.")]
    NotPermitted,
    /// The customer does not consent to remote shopping assistance. Only an admin user with
    /// permission for assistance gets this error.
    #[error("Login as Customer assistance is disabled for this Customer.")]
    NoConsent,
    /// No customer has this e-mail address. Only an admin user with permission for assistance gets
    /// this error.
    #[error("Customer email provided does not exist")]
    NoSuchEmail,
    /// No customer has this id. Only an admin user with permission for assistance gets this error.
    #[error("Customer with this ID no longer exists.")]
    NoSuchCustomer,
    /// The customer's account is disabled. Only an admin user with permission for assistance gets
    /// this error.
    #[error("The customer's account is disabled.")]
    CustomerDisabled,
}

impl AssistanceError {
    pub(super) const fn kind(self) -> ErrorKind {
        match self {
            Self::Disabled | Self::NotPermitted | Self::NoConsent | Self::CustomerDisabled => {
                ErrorKind::Authorization
            }
            Self::NoSuchEmail => ErrorKind::Input,
            Self::NoSuchCustomer => ErrorKind::NotFound,
        }
    }

    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Disabled => "assistance.disabled",
            Self::NotPermitted => "assistance.not_permitted",
            Self::NoConsent => "assistance.no_consent",
            Self::NoSuchEmail => "assistance.no_such_email",
            Self::NoSuchCustomer => "assistance.no_such_customer",
            Self::CustomerDisabled => "assistance.customer_disabled",
        }
    }
}
