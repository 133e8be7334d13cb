use time::OffsetDateTime;

use super::steps::{
    ending::{conclude, settle},
    enrolment::live_enrolment,
};
use crate::{
    audit::{Action, Draft, Refusal},
    credential::{Credential, SecretText, TotpSecret},
    error::{Error, InternalError, SecondFactorError, SignInError},
    service::{Services, attempts::Attempted, stop::Stop},
    state::budgets::AttemptOutcome,
    token::Origin,
};

/// The data for setting up an authenticator app. Its `Debug` output shows no secret.
#[derive(Clone, Debug)]
pub struct FactorSetup {
    secret: TotpSecret,
    uri: SecretText,
    expires_at: OffsetDateTime,
}

impl FactorSetup {
    /// Returns the secret of the second factor as text that the admin user types into the
    /// authenticator app.
    #[must_use]
    pub const fn secret(&self) -> &TotpSecret {
        &self.secret
    }

    /// Returns the `otpauth` URI, for a link or a QR code.
    ///
    /// # Security
    ///
    /// The URI contains the secret of the second factor. Show the URI on one page only, and do not
    /// log it.
    #[must_use]
    pub const fn uri(&self) -> &SecretText {
        &self.uri
    }

    /// Returns the `otpauth` URI as a QR code, an SVG picture of black and white squares.
    ///
    /// Returns none if the shop's name and the admin user's name are together too long for a QR
    /// code.
    ///
    /// # Security
    ///
    /// See [`uri`](Self::uri).
    #[cfg(feature = "qr")]
    #[must_use]
    pub fn qr_svg(&self) -> Option<SecretText> {
        crate::credential::qr_svg(&self.uri)
    }

    /// Returns the QR code as a PNG picture in base64, as Commerce does.
    ///
    /// # Security
    ///
    /// See [`uri`](Self::uri).
    #[cfg(feature = "qr")]
    #[must_use]
    pub fn qr_png_base64(&self) -> Option<SecretText> {
        crate::credential::qr_png_base64(&self.uri)
    }

    /// Returns the time at which the enrolment expires.
    #[must_use]
    pub const fn expires_at(&self) -> OffsetDateTime {
        self.expires_at
    }
}

pub(crate) async fn set_up_admin_factor(
    services: &Services,
    token: Credential,
    origin: &Origin,
) -> Result<FactorSetup, Error> {
    let mut event = Draft::anonymous(Action::FactorSetup, origin);
    let ended = set_up(services, &token, &mut event).await;
    conclude(services, &event, ended).await
}

async fn set_up(services: &Services, token: &Credential, event: &mut Draft) -> Result<FactorSetup, Stop> {
    let (enrolment, admin) = live_enrolment(services, token, event).await?;
    let charged = services.attempts.reserve(Attempted::showing(enrolment.id, &services.config)).await?;
    let charged = charged.ok_or(Refusal::BudgetSpent.told(SignInError::TooManyRequests))?;
    // Every charged request uses up an attempt of the budget, even if the request fails later. The
    // budget limits these requests, because each one writes to the store.
    settle(services, charged, AttemptOutcome::Failed, event).await?;
    services.trail.begin(event).await?;
    let secret = services.factors.draw_again(&enrolment).await?;
    let secret = secret.ok_or(Refusal::RevokedMeanwhile.told(SecondFactorError::InvalidEnrolmentToken))?;
    let uri = secret.uri(&services.config.issuer, &admin.username).ok_or(InternalError::NoEnrolmentUri)?;
    Ok(FactorSetup { secret, uri, expires_at: enrolment.expires_at })
}
