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
    /// A sign-in on the default website with the `email` argument, and the `password` or `otp` argument, as they came:
    /// neither is trimmed.
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

    /// The text that the client kept of an earlier sign-in: [`SignedIn::device`]. Any other text counts as none.
    pub fn device(self, presented: &str) -> Self {
        Self { device: DeviceSecret::parse(presented), ..self }
    }

    setters!(website, origin, challenge);

    /// Refuses what is malformed before any work is done on it.
    pub(in crate::flow) fn check(&self, credential: Field) -> Result<Address, Error> {
        if self.email.is_empty() {
            return Err(Error::Input(InputError::Required(Field::Email)));
        }
        self.credential.check_bounds(credential)?;
        let email = self.email.parse().map_err(|_| InputError::Email)?;
        Ok(Address { website: self.website.clone(), email })
    }
}

/// A customer's token that was issued.
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

    /// The new bearer token, for the client alone.
    #[must_use]
    pub const fn token(&self) -> &BearerToken {
        &self.token
    }

    /// The customer it speaks for.
    #[must_use]
    pub const fn customer_id(&self) -> &CustomerId {
        &self.customer
    }

    /// How it was obtained.
    #[must_use]
    pub const fn obtained(&self) -> Obtained {
        self.obtained
    }

    /// A new secret for the client's device, if it presented none that the account knows. The client keeps it, apart
    /// from the token, and presents it at its next sign-ins: [`SignIn::device`]. A token born of assistance comes
    /// without one.
    #[must_use]
    pub const fn device(&self) -> Option<&DeviceSecret> {
        self.device.as_ref()
    }

    /// The rule of the [policy](crate::PasswordPolicy) that the password of this sign-in breaks: it was set before the
    /// rule was. The host may ask the customer for a new password. None after a sign-in by another credential.
    /// [`BreachedPasswords`](crate::BreachedPasswords) are not asked.
    #[must_use]
    pub const fn password_violation(&self) -> Option<PolicyViolation> {
        self.password_violation
    }

    /// The end of the token: at this instant it is expired.
    #[must_use]
    pub const fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }
}
