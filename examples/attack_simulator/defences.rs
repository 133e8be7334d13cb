//! The shop's defences beside budgets: devices that it remembers, challenges, and alarms.

use std::sync::Arc;

use commerce_auth::{
    AdminSignIn, AdminSignedIn, AuthBuilder, Error, SignIn, SignedIn, async_trait,
    audit::{Action, AuditEvent},
    challenge::{Challenge, ChallengeAnswer, Pressure},
    error::{SignInError, StoreError},
};

use crate::flag::Flag;

/// The secret of a device, which the shop handed out at the first sign-in there.
pub type Device = String;

/// The answer that only humans find.
const ANSWER: &str = "seven traffic lights";

/// A captcha, asked for when the crate suggests it.
#[derive(Debug)]
struct Captcha {
    flag: Arc<Flag>,
}

#[async_trait]
impl Challenge for Captcha {
    async fn verify(&self, answer: &ChallengeAnswer<'_>) -> Result<bool, StoreError> {
        Ok(answer.response == ANSWER)
    }

    fn is_asked(&self, pressure: &Pressure) -> bool {
        if pressure.is_suspicious {
            self.flag.raise();
        }
        pressure.is_high()
    }
}

/// Gives a node the shop's challenge, which raises the node's flag at the first suspicious sign-in.
pub fn with_challenge(builder: AuthBuilder, flag: &Arc<Flag>) -> AuthBuilder {
    builder.challenge(Captcha { flag: Arc::clone(flag) })
}

/// Adds the right answer to the shop's challenge.
pub fn answer_challenge(sign_in: SignIn) -> SignIn {
    sign_in.challenge(ANSWER)
}

/// True if a sign-in was refused because it needs the answer to a challenge.
pub fn needs_challenge(error: &Error) -> bool {
    matches!(error, Error::SignIn(SignInError::ChallengeRequired))
}

/// Adds a device's secret.
pub fn at_device(sign_in: SignIn, device: Option<&Device>) -> SignIn {
    sign_in.device(device.map_or("", String::as_str))
}

/// Returns the secret that a sign-in hands out, if it is the first one at its device.
pub fn device_of(signed_in: &SignedIn) -> Option<Device> {
    signed_in.device().map(|device| device.expose().to_owned())
}

/// As [`at_device`], for an admin user.
pub fn at_admin_device(sign_in: AdminSignIn, device: Option<&Device>) -> AdminSignIn {
    sign_in.device(device.map_or("", String::as_str))
}

/// As [`device_of`], for an admin user.
pub fn admin_device_of(signed_in: &AdminSignedIn) -> Option<Device> {
    signed_in.device().map(|device| device.expose().to_owned())
}

/// True if an event is the alarm of an attack.
pub fn is_alarm(event: &AuditEvent) -> bool {
    event.action == Action::AttackSuspected
}
