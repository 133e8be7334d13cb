use std::sync::{Arc, atomic::AtomicBool};

use super::{Credential, HashingPool, password::Verified};
use crate::{
    account::{CustomerId, PasswordHash, Website},
    clock::{Clock, is_from_ahead},
    error::Error,
    store::{OneTimeCredential, OtcStore, Presented, Purpose, Purposes, Take},
    token::{Assistance, Digest},
};

/// Judges a credential by the ordered chain.
///
/// The order is fixed: password, then one-time credentials, of which a digest names at most one, so that
/// reset tokens and one-time codes are taken in a single atomic verb. The same steps run for every account
/// that there is or is not.
#[derive(Debug)]
pub(crate) struct Evaluator {
    pool: HashingPool,
    codes: Arc<dyn OtcStore>,
    clock: Arc<dyn Clock>,
}

/// Which steps of the chain are taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps {
    pub(crate) password: bool,
    pub(crate) one_time: Purposes,
}

/// Whose credential it would be: a decoy's, where there is no such account.
pub(crate) struct Candidate<'a> {
    pub(crate) website: &'a Website,
    pub(crate) customer: &'a CustomerId,
    pub(crate) password_hash: Option<&'a PasswordHash>,
}

pub(crate) enum Verdict {
    Matched(Match),
    /// A one-time code that was spent before, on this grant.
    Replayed(Digest),
    Refused,
}

pub(crate) enum Match {
    Password { outdated: bool },
    ResetToken,
    OneTimeCode(Arc<Assistance>),
}

impl Evaluator {
    pub(crate) fn new(pool: HashingPool, codes: Arc<dyn OtcStore>, clock: Arc<dyn Clock>) -> Self {
        Self { pool, codes, clock }
    }

    pub(crate) const fn pool(&self) -> &HashingPool {
        &self.pool
    }

    /// Runs the chain. A one-time credential that matches is spent, for the grant `buys`; before a one-time code is
    /// spent, `announce` must let it be.
    pub(crate) async fn evaluate<F: Future<Output = Result<(), Error>>>(
        &self,
        credential: &Credential,
        candidate: Candidate<'_>,
        steps: Steps,
        buys: &Digest,
        begun: &Arc<AtomicBool>,
        announce: impl FnOnce(Arc<Assistance>) -> F,
    ) -> Result<Verdict, Error> {
        if steps.password {
            match self.pool.verify(credential, candidate.password_hash, begun).await? {
                Verified::Current => return Ok(Verdict::Matched(Match::Password { outdated: false })),
                Verified::Outdated => return Ok(Verdict::Matched(Match::Password { outdated: true })),
                Verified::Wrong => {}
            }
        }
        if !steps.one_time.reset_token && !steps.one_time.one_time_code {
            return Ok(Verdict::Refused);
        }
        let presented = Presented {
            website: candidate.website.clone(),
            customer: candidate.customer.clone(),
            digest: Digest::of(credential.bytes()),
            purposes: steps.one_time,
        };
        let now = self.clock.now();
        let mut announce = Some(announce);
        // One that was issued by a clock that was ahead would live until then.
        let offered = self.codes.peek(&presented, now).await?;
        let offered = offered.filter(|credential| !is_from_ahead(credential.issued_at, now));
        if let Some(OneTimeCredential { assistance: Some(assistance), .. }) = offered
            && let Some(announce) = announce.take()
        {
            announce(assistance).await?;
        }
        Ok(match self.codes.take(&presented, Some(buys), now).await? {
            Take::Taken(credential) if is_from_ahead(credential.issued_at, now) => Verdict::Refused,
            Take::Taken(OneTimeCredential { purpose: Purpose::ResetToken, .. }) => {
                Verdict::Matched(Match::ResetToken)
            }
            Take::Taken(OneTimeCredential { assistance: Some(assistance), .. }) => {
                // A store that did not show it, as it should have: better spent in vain than used unannounced.
                if let Some(announce) = announce.take() {
                    announce(Arc::clone(&assistance)).await?;
                }
                Verdict::Matched(Match::OneTimeCode(assistance))
            }
            Take::Spent { purpose: Purpose::OneTimeCode, bought: Some(bought) } => Verdict::Replayed(bought),
            Take::Taken(_) | Take::Spent { .. } | Take::Nothing => Verdict::Refused,
        })
    }

    /// Runs the first step alone.
    pub(crate) async fn is_password(
        &self,
        credential: &Credential,
        password_hash: Option<&PasswordHash>,
        begun: &Arc<AtomicBool>,
    ) -> Result<bool, Error> {
        Ok(self.pool.verify(credential, password_hash, begun).await? != Verified::Wrong)
    }
}
