use time::OffsetDateTime;

use crate::credential::EnrolmentToken;

/// An enrolment that was begun.
#[derive(Clone, Debug)]
pub struct BegunEnrolment {
    token: EnrolmentToken,
    expires_at: OffsetDateTime,
}

impl BegunEnrolment {
    pub(in crate::flow) const fn new(token: EnrolmentToken, expires_at: OffsetDateTime) -> Self {
        Self { token, expires_at }
    }

    /// The token that the authenticator is set up and activated with.
    #[must_use]
    pub const fn token(&self) -> &EnrolmentToken {
        &self.token
    }

    /// The end: at this instant it is expired.
    #[must_use]
    pub const fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }
}
