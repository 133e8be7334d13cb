use time::OffsetDateTime;

use crate::credential::EnrolmentToken;

/// A new enrolment: the admin user can now set up an authenticator.
#[derive(Clone, Debug)]
pub struct BegunEnrolment {
    token: EnrolmentToken,
    expires_at: OffsetDateTime,
}

impl BegunEnrolment {
    pub(in crate::flow) const fn new(token: EnrolmentToken, expires_at: OffsetDateTime) -> Self {
        Self { token, expires_at }
    }

    /// Returns the enrolment token, with which the admin user sets up and activates the
    /// authenticator.
    #[must_use]
    pub const fn token(&self) -> &EnrolmentToken {
        &self.token
    }

    /// Returns the time at which the enrolment token expires.
    #[must_use]
    pub const fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }
}
