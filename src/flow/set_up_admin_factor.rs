use secrecy::{ExposeSecret, SecretString};
use time::OffsetDateTime;

use super::steps::{
    ending::{conclude, settle},
    enrolment::live_enrolment,
};
use crate::{
    audit::{Action, Draft, Refusal},
    credential::{Credential, TotpSecret},
    error::{Error, InternalError, SecondFactorError, SignInError},
    service::{Services, attempts::Attempted, stop::Stop},
    state::budgets::Outcome,
    token::Origin,
};

/// What an authenticator app is set up with. Its `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct FactorSetup {
    secret: TotpSecret,
    uri: SecretString,
    expires_at: OffsetDateTime,
}

impl FactorSetup {
    /// The secret, for an authenticator that is typed into.
    #[must_use]
    pub const fn secret(&self) -> &TotpSecret {
        &self.secret
    }

    /// The `otpauth` URI, for a link or a QR code.
    ///
    /// # Security
    ///
    /// It holds the secret. It belongs on one page, and in no log.
    #[must_use]
    pub fn uri(&self) -> &str {
        self.uri.expose_secret()
    }

    /// The `otpauth` URI as a QR code, an SVG picture of black and white squares. None if the shop's and the admin user's
    /// name together do not fit into one.
    ///
    /// # Security
    ///
    /// As [`uri`](Self::uri).
    #[cfg(feature = "qr")]
    #[must_use]
    pub fn qr_svg(&self) -> Option<SecretString> {
        crate::credential::qr_svg(&self.uri)
    }

    /// The same as a PNG picture in base64, as Commerce answers it.
    ///
    /// # Security
    ///
    /// As [`uri`](Self::uri).
    #[cfg(feature = "qr")]
    #[must_use]
    pub fn qr_png_base64(&self) -> Option<SecretString> {
        crate::credential::qr_png_base64(&self.uri)
    }

    /// Until when its first code is awaited.
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
    let charged = services.attempts.reserve(Attempted::showing(&enrolment.token, &services.config)).await?;
    let charged = charged.ok_or(Refusal::BudgetSpent.told(SignInError::TooManyRequests))?;
    // Each showing counts, whatever comes of it: it is a write.
    settle(services, charged, Outcome::Failed, event).await?;
    services.trail.begin(event).await?;
    let secret = services.factors.draw_again(&enrolment).await?;
    let secret = secret.ok_or(Refusal::RevokedMeanwhile.told(SecondFactorError::InvalidEnrolmentToken))?;
    let uri = secret.uri(&services.config.issuer, &admin.username).ok_or(InternalError::NoEnrolmentUri)?;
    Ok(FactorSetup { secret, uri, expires_at: enrolment.expires_at })
}
