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

/// The arguments of a customer's sign-in, as a client sent them.
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
    /// Creates a customer's sign-in on the default website. Pass the `email` argument and the
    /// `password` or `otp` argument unchanged, as the client sent them. The library does not remove
    /// white space around these values.
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

    /// Sets the device secret that the client got at an earlier sign-in ([`SignedIn::device`]) and
    /// has stored. The library ignores a text that is not a device secret.
    pub fn device(self, presented: &str) -> Self {
        Self { device: DeviceSecret::parse(presented), ..self }
    }

    setters!(website, origin, challenge);

    /// Returns the account's website and e-mail address. Refuses malformed arguments before any
    /// costly work begins.
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
            expires_at: grant.expires_at(),
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

    /// Returns the new bearer token. Send it only to the client that signed in.
    #[must_use]
    pub const fn token(&self) -> &BearerToken {
        &self.token
    }

    /// Returns the customer whose account the token opens.
    #[must_use]
    pub const fn customer_id(&self) -> &CustomerId {
        &self.customer
    }

    /// Returns the kind of credential with which the client signed in.
    #[must_use]
    pub const fn obtained(&self) -> Obtained {
        self.obtained
    }

    /// Returns a new device secret, if the client did not present a device secret that the account
    /// knows.
    ///
    /// The client stores the device secret separately from the token, and presents the device
    /// secret at later sign-ins ([`SignIn::device`]). Returns none for an assistance token.
    #[must_use]
    pub const fn device(&self) -> Option<&DeviceSecret> {
        self.device.as_ref()
    }

    /// Returns the rule of the [policy](crate::credential::PasswordPolicy) that the password of
    /// this sign-in breaks, if any.
    ///
    /// A password can break a rule if, for example, the customer set the password before the rule
    /// existed. The sign-in still succeeds, and the host can ask the customer for a new password.
    ///
    /// Returns none after a sign-in by reset token or one-time code. This check does not call
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
