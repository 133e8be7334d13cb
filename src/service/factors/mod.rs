//! The second factors of admin users: the documents, the encrypted secrets, and the verification of
//! codes.

mod codes;
mod records;
mod secrets;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub(crate) use codes::RightCode;

use super::Documents;
use crate::{
    account::AdminId,
    clock::Clock,
    keyring::Keyring,
    random::SecureRandom,
    state::factor::{Enrolment, Factor},
    store::Generation,
};

/// The second factors of admin users, and their enrolments.
#[derive(Debug)]
pub(crate) struct Factors {
    documents: Arc<Documents>,
    keyring: Option<Keyring>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn SecureRandom>,
}

/// The live enrolment of a presented enrolment token, and the present second factor of the admin
/// user who enrols, if there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) struct FoundEnrolment {
    enrolment: Enrolment,
    present: Option<Factor>,
}

impl Factors {
    pub(crate) fn new(
        documents: Arc<Documents>,
        keyring: Option<Keyring>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn SecureRandom>,
    ) -> Self {
        Self { documents, keyring, clock, random }
    }
}

impl FoundEnrolment {
    pub(crate) const fn admin(&self) -> &AdminId {
        &self.enrolment.admin
    }

    /// Returns the enrolment and the present second factor. Returns none if the admin user's
    /// generation has changed since the enrolment was begun.
    pub(crate) fn under(self, generation: Generation) -> Option<(Enrolment, Option<Factor>)> {
        (self.enrolment.generation == generation).then_some((self.enrolment, self.present))
    }
}
