//! What the shop sets against an attack beyond budgets: devices that it remembers, challenges, and
//! alarms.
//!
//! The crate offers none of the three. No device is remembered, no challenge is asked for, and no
//! alarm is raised, so every function here answers so.

use std::sync::Arc;

use commerce_auth::{AdminSignIn, AdminSignedIn, AuditEvent, AuthBuilder, Error, SignIn, SignedIn};

use crate::flag::Flag;

/// The secret of a device, which the shop handed out at the first sign-in there.
pub type Device = String;

/// Gives a node the shop's challenge, which raises the node's flag at the first suspicious sign-in.
pub fn with_challenge(builder: AuthBuilder, _: &Arc<Flag>) -> AuthBuilder {
    builder
}

/// Adds the right answer to the shop's challenge.
pub fn answer_challenge(sign_in: SignIn) -> SignIn {
    sign_in
}

/// True if a sign-in was refused because it needs the answer to a challenge.
pub fn needs_challenge(_: &Error) -> bool {
    false
}

/// Adds a device's secret.
pub fn at_device(sign_in: SignIn, _: Option<&Device>) -> SignIn {
    sign_in
}

/// Returns the secret that a sign-in hands out, if it is the first one at its device.
pub fn device_of(_: &SignedIn) -> Option<Device> {
    None
}

/// As [`at_device`], for an admin user.
pub fn at_admin_device(sign_in: AdminSignIn, _: Option<&Device>) -> AdminSignIn {
    sign_in
}

/// As [`device_of`], for an admin user.
pub fn admin_device_of(_: &AdminSignedIn) -> Option<Device> {
    None
}

/// True if an event is the alarm of an attack.
pub fn is_alarm(_: &AuditEvent) -> bool {
    false
}
