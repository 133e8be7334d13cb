//! The codes of a second factor. At a sign-in or a step-up, the flow first verifies the code, then
//! spends it, and only then issues a token. At an enrolment, the first code only activates the
//! second factor.

use super::Factors;
use crate::{
    account::AdminId,
    audit::Refusal,
    credential::{Credential, TotpSecret, TypedCode, Work},
    error::SecondFactorError,
    service::stop::{Denied, Judged},
    state::{
        budgets::AttemptOutcome,
        factor::{Enrolment, Factor},
    },
    token::{Digest, Obtained},
};

/// A right code that is not spent yet.
pub(crate) struct RightCode {
    factor: Factor,
    code: Code,
}

#[derive(Clone, Copy)]
enum Code {
    Totp { step: u64 },
    Recovery(Digest),
}

impl RightCode {
    /// Returns the kind of credentials that a grant records after a sign-in with a password and
    /// this code.
    pub(crate) const fn obtained(&self) -> Obtained {
        match self.code {
            Code::Totp { .. } => Obtained::PasswordAndTotp,
            Code::Recovery(_) => Obtained::PasswordAndRecoveryCode,
        }
    }

    /// Returns the second factor to which the code belongs.
    pub(crate) const fn factor(&self) -> &Factor {
        &self.factor
    }

    /// Returns the number of recovery codes that are left after this code is spent. Returns none if
    /// this code is not a recovery code.
    pub(crate) fn recovery_codes_left(&self) -> Option<usize> {
        match self.code {
            Code::Totp { .. } => None,
            Code::Recovery(_) => Some(self.factor.recovery_codes.len().saturating_sub(1)),
        }
    }
}

impl Factors {
    /// Verifies an admin user's code without spending it.
    pub(crate) async fn judge(&self, admin: &AdminId, code: &TypedCode, work: &Work) -> Judged<RightCode> {
        let judged = self.find_code(admin, code, work).await;
        Judged::of(judged.map(|right| (right, AttemptOutcome::Succeeded)), work)
    }

    /// Verifies the code that activates an enrolment, and returns the time step of the code (RFC
    /// 6238).
    pub(crate) fn judge_first(&self, enrolment: &Enrolment, code: &Credential, work: &Work) -> Judged<u64> {
        let wrong = || Refusal::WrongCredential.failed(SecondFactorError::InvalidCode);
        let opened = self.open(&enrolment.admin, enrolment.id.factor(), &enrolment.secret);
        let step = opened.map(|secret| secret.step_of(&TypedCode::of(code), self.clock.now()));
        let judged = step.map_err(Denied::from).and_then(|step| step.ok_or_else(wrong));
        Judged::of(judged.map(|step| (step, AttemptOutcome::Succeeded)), work)
    }

    /// Spends a right code. If several callers spend the same code, at most one of them succeeds.
    pub(crate) async fn spend(&self, right: &RightCode, work: &Work) -> Judged<()> {
        let Factor { admin, id, .. } = &right.factor;
        let spent = match &right.code {
            Code::Totp { step } => {
                let newest = TotpSecret::newest_step(self.clock.now());
                self.use_step(admin, *id, *step, newest).await
            }
            Code::Recovery(digest) => self.use_recovery_code(admin, *id, digest).await,
        };
        let judged = match spent {
            Ok(true) => Ok(((), AttemptOutcome::Succeeded)),
            Ok(false) => Err(Refusal::SpentCode.failed(SecondFactorError::InvalidCode)),
            // The store has possibly spent the code although the request failed. The code was
            // right, so the attempt does not count as a failure.
            Err(error) => Err(Denied::from(error).behind_right_credential()),
        };
        Judged::of(judged, work)
    }

    async fn find_code(&self, admin: &AdminId, code: &TypedCode, work: &Work) -> Result<RightCode, Denied> {
        let Some(factor) = self.factor(admin).await? else {
            return Err(Refusal::NotEnrolled.excused(SecondFactorError::NotEnrolled));
        };
        let found = match code.recovery_code() {
            // The store has only digests of recovery codes, so this check needs no secret key. It
            // also works if the keyring has lost the secret key of the second factor.
            Some(digest) if factor.recovery_codes.contains(&digest) => Some(Code::Recovery(digest)),
            Some(_) => None,
            None => {
                let secret = self.open(admin, factor.id, &factor.secret)?;
                secret.step_of(code, self.clock.now()).map(|step| Code::Totp { step })
            }
        };
        // If the caller disconnects after this point, the attempt counts as a failure. Otherwise an
        // attacker could guess codes without a charge.
        work.start();
        match found {
            Some(code) => Ok(RightCode { factor, code }),
            None => Err(Refusal::WrongCredential.failed(SecondFactorError::InvalidCode)),
        }
    }
}
