use std::sync::{Arc, atomic::AtomicBool};

use super::{Credential, HashingPool, password::Verified};
use crate::{account::PasswordHash, error::Error, store::Purposes, token::Assistance};

/// Judges the first step of the ordered chain: the account's password.
///
/// One-time credentials come next. A digest names at most one of them, so that reset tokens and one-time codes
/// are looked up in a single call.
#[derive(Debug)]
pub(crate) struct Evaluator {
    pool: HashingPool,
}

/// Which steps of the chain are taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps {
    pub(crate) password: bool,
    pub(crate) one_time: Purposes,
}

/// The step of the chain that a credential matched.
pub(crate) enum Match {
    Password { outdated: bool },
    ResetToken,
    OneTimeCode(Arc<Assistance>),
}

impl Evaluator {
    pub(crate) fn new(pool: HashingPool) -> Self {
        Self { pool }
    }

    pub(crate) const fn pool(&self) -> &HashingPool {
        &self.pool
    }

    /// Takes the first step. None if the password is wrong.
    pub(crate) async fn match_password(
        &self,
        credential: &Credential,
        password_hash: Option<&PasswordHash>,
        begun: &Arc<AtomicBool>,
    ) -> Result<Option<Match>, Error> {
        Ok(match self.pool.verify(credential, password_hash, begun).await? {
            Verified::Current => Some(Match::Password { outdated: false }),
            Verified::Outdated => Some(Match::Password { outdated: true }),
            Verified::Wrong => None,
        })
    }

    /// True if the password is right.
    pub(crate) async fn is_password(
        &self,
        credential: &Credential,
        password_hash: Option<&PasswordHash>,
        begun: &Arc<AtomicBool>,
    ) -> Result<bool, Error> {
        Ok(self.match_password(credential, password_hash, begun).await?.is_some())
    }
}
