use time::OffsetDateTime;

use super::setters;
use crate::{
    account::AdminId,
    challenge::ChallengeResponse,
    credential::Credential,
    error::PolicyViolation,
    token::{BearerToken, DeviceSecret, Grant, Obtained, Origin},
};

/// An admin user's sign-in, as a client sent it.
#[derive(Clone, Debug)]
#[must_use]
pub struct AdminSignIn {
    pub(in crate::flow) username: String,
    pub(in crate::flow) password: Credential,
    pub(in crate::flow) otp: Option<Credential>,
    pub(in crate::flow) device: Option<DeviceSecret>,
    pub(in crate::flow) origin: Origin,
    pub(in crate::flow) challenge: ChallengeResponse,
}

impl AdminSignIn {
    /// A sign-in with the `username` and `password` arguments, as they came: neither is trimmed.
    pub fn new(username: impl Into<String>, password: impl Into<Credential>) -> Self {
        let (username, password) = (username.into(), password.into());
        let (origin, challenge) = (Origin::default(), ChallengeResponse::default());
        Self { username, password, otp: None, device: None, origin, challenge }
    }

    /// The second factor, the `otp` argument: the authenticator's code, or a recovery code. White
    /// space, hyphens and invisible characters in it do not count, and digits may be those of
    /// another script.
    pub fn otp(self, code: impl Into<Credential>) -> Self {
        Self { otp: Some(code.into()), ..self }
    }

    /// The text that the client kept of an earlier sign-in: [`AdminSignedIn::device`]. Any other text counts as none.
    pub fn device(self, presented: &str) -> Self {
        Self { device: DeviceSecret::parse(presented), ..self }
    }

    setters!(origin, challenge);
}

/// An admin user's token that was issued.
#[derive(Clone, Debug)]
pub struct AdminSignedIn {
    token: BearerToken,
    admin: AdminId,
    obtained: Obtained,
    expires_at: OffsetDateTime,
    device: Option<DeviceSecret>,
    password_violation: Option<PolicyViolation>,
}

impl AdminSignedIn {
    pub(in crate::flow) fn new(token: BearerToken, admin: AdminId, grant: &Grant) -> Self {
        Self {
            token,
            admin,
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

    /// The admin user it speaks for.
    #[must_use]
    pub const fn admin_id(&self) -> &AdminId {
        &self.admin
    }

    /// Which credentials the sign-in matched.
    #[must_use]
    pub const fn obtained(&self) -> Obtained {
        self.obtained
    }

    /// A new secret for the client's device; as [`SignedIn::device`](crate::SignedIn::device). A stepped-up token comes
    /// without one.
    #[must_use]
    pub const fn device(&self) -> Option<&DeviceSecret> {
        self.device.as_ref()
    }

    /// The rule that the password of this sign-in breaks; as
    /// [`SignedIn::password_violation`](crate::SignedIn::password_violation).
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
