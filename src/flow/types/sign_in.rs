use time::OffsetDateTime;

use super::setters;
use crate::{
    account::{CustomerId, Website},
    challenge::ChallengeResponse,
    credential::Credential,
    error::{Error, Field, InputError, PolicyViolation},
    service::accounts::Address,
    token::{BearerToken, DeviceSecret, Grant, Obtained, Origin},
};

/// A customer's sign-in, as a client sent it.
///
/// ```
/// # fn peer() -> std::net::SocketAddr { ([192, 0, 2, 1], 4711).into() }
/// use commerce_auth::{Origin, SignIn};
///
/// let sign_in = SignIn::new("bobloblaw@example.com", "b0bl0bl@w").origin(peer());
/// let sign_in = SignIn::new("bobloblaw@example.com", "b0bl0bl@w")
///     .origin(Origin::from(peer()).user_agent("Mozilla/5.0").correlation_id("7f3a9c"));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SignIn {
    pub(in crate::flow) email: String,
    pub(in crate::flow) credential: Credential,
    website: Website,
    pub(in crate::flow) device: Option<DeviceSecret>,
    pub(in crate::flow) origin: Origin,
    pub(in crate::flow) challenge: ChallengeResponse,
}

impl SignIn {
    /// Creates a sign-in on the default website, with the `email` argument and the `password` or
    /// `otp` argument as they arrived. Neither is trimmed.
    pub fn new(email: impl Into<String>, credential: impl Into<Credential>) -> Self {
        let (email, credential) = (email.into(), credential.into());
        Self {
            email,
            credential,
            website: Website::default(),
            device: None,
            origin: Origin::default(),
            challenge: ChallengeResponse::default(),
        }
    }

    /// Sets the device secret that the client kept from an earlier sign-in: [`SignedIn::device`].
    /// Any other text is ignored.
    pub fn device(self, presented: &str) -> Self {
        Self { device: DeviceSecret::parse(presented), ..self }
    }

    setters!(website, origin, challenge);

    /// Refuses malformed input before any work is done on it.
    pub(in crate::flow) fn check(&self, credential: Field) -> Result<Address, Error> {
        if self.email.is_empty() {
            return Err(Error::Input(InputError::Required(Field::Email)));
        }
        self.credential.check_bounds(credential)?;
        let email = self.email.parse().map_err(|_| InputError::Email)?;
        Ok(Address { website: self.website.clone(), email })
    }
}

/// The result of a customer's sign-in: the token and its properties.
#[derive(Clone, Debug)]
pub struct SignedIn {
    token: BearerToken,
    customer: CustomerId,
    obtained: Obtained,
    expires_at: OffsetDateTime,
    device: Option<DeviceSecret>,
    password_violation: Option<PolicyViolation>,
}

impl SignedIn {
    pub(in crate::flow) fn new(token: BearerToken, customer: CustomerId, grant: &Grant) -> Self {
        Self {
            token,
            customer,
            obtained: grant.obtained,
            expires_at: grant.expires_at,
            device: None,
            password_violation: None,
        }
    }

    pub(in crate::flow) fn with_device(self, device: Option<DeviceSecret>) -> Self {
        Self { device, ..self }
    }

    pub(in crate::flow) fn with_password_violation(
        self,
        password_violation: Option<PolicyViolation>,
    ) -> Self {
        Self { password_violation, ..self }
    }

    /// Returns the new bearer token, for the client only.
    #[must_use]
    pub const fn token(&self) -> &BearerToken {
        &self.token
    }

    /// Returns the customer of the token.
    #[must_use]
    pub const fn customer_id(&self) -> &CustomerId {
        &self.customer
    }

    /// Returns the kind of credential that the sign-in matched.
    #[must_use]
    pub const fn obtained(&self) -> Obtained {
        self.obtained
    }

    /// Returns a new secret for the client's device, if the client presented none that the account
    /// knows.
    ///
    /// The client stores the secret apart from the token, and presents it at its next sign-ins:
    /// [`SignIn::device`]. Returns none for an assistance token.
    #[must_use]
    pub const fn device(&self) -> Option<&DeviceSecret> {
        self.device.as_ref()
    }

    /// Returns the rule of the [policy](crate::credential::PasswordPolicy) that the password of this sign-in
    /// breaks.
    ///
    /// Such a password was set before the rule. The host may ask the customer for a new password.
    /// Returns none after a sign-in by another credential. This check does not ask
    /// [`BreachedPasswords`](crate::credential::BreachedPasswords).
    #[must_use]
    pub const fn password_violation(&self) -> Option<PolicyViolation> {
        self.password_violation
    }

    /// Returns the time at which the token expires.
    #[must_use]
    pub const fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }
}
