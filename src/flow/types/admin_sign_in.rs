use time::OffsetDateTime;

use super::setters;
use crate::{
    account::AdminId,
    challenge::ChallengeResponse,
    credential::Credential,
    error::PolicyViolation,
    token::{BearerToken, DeviceSecret, Grant, Obtained, Origin},
};

/// The arguments of an admin user's sign-in, as a client sent them.
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
    /// Creates an admin user's sign-in. Pass the `username` and `password` arguments unchanged, as
    /// the client sent them. The library does not remove white space around these values.
    pub fn new(username: impl Into<String>, password: impl Into<Credential>) -> Self {
        let (username, password) = (username.into(), password.into());
        let (origin, challenge) = (Origin::default(), ChallengeResponse::default());
        Self { username, password, otp: None, device: None, origin, challenge }
    }

    /// Sets the second factor, the `otp` argument: a code of the authenticator, or a recovery code.
    ///
    /// In the code, the library ignores white space, hyphens and invisible characters. It also
    /// accepts digits of other scripts, for example Arabic digits.
    pub fn otp(self, code: impl Into<Credential>) -> Self {
        Self { otp: Some(code.into()), ..self }
    }

    /// Sets the device secret that the client got at an earlier sign-in ([`AdminSignedIn::device`])
    /// and has stored. The library ignores a text that is not a device secret.
    pub fn device(self, presented: &str) -> Self {
        Self { device: DeviceSecret::parse(presented), ..self }
    }

    setters!(origin, challenge);
}

/// The result of an admin user's sign-in: the token and its properties.
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

    /// Returns the admin user of the token.
    #[must_use]
    pub const fn admin_id(&self) -> &AdminId {
        &self.admin
    }

    /// Returns the kind of credentials with which the admin user signed in.
    #[must_use]
    pub const fn obtained(&self) -> Obtained {
        self.obtained
    }

    /// Returns a new device secret for the client to store, like
    /// [`SignedIn::device`](crate::SignedIn::device).
    ///
    /// Returns none for a token from [`Auth::step_up`](crate::Auth::step_up).
    #[must_use]
    pub const fn device(&self) -> Option<&DeviceSecret> {
        self.device.as_ref()
    }

    /// Returns the password rule that the password of this sign-in breaks, like
    /// [`SignedIn::password_violation`](crate::SignedIn::password_violation).
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
