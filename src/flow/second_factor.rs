//! The second factor of an admin user: judged before anything is spent, spent before anything is issued.

use std::sync::atomic::Ordering;

use super::ending::Stop;
use crate::{
    account::{AdminId, AdminRecord},
    audit::{Action, Draft, Outcome as Told, Refusal},
    auth::Auth,
    config::SecondFactorPolicy,
    credential::{Credential, TotpSecret, TypedCode},
    error::{Error, Part, StoreError},
    keyring::{Keyring, Sealed},
    notifier::{AdminNotice, AdminNotification},
    service::attempts::{Attempted, Charged, recovery_code_partition, second_factor_partition},
    state::{budgets::Outcome, factor::Factor},
    token::{Digest, Obtained, Origin},
};

/// A right code that is yet to be spent.
pub(super) struct RightCode<'auth> {
    factor: Factor,
    code: Code,
    charged: Charged<'auth>,
}

enum Code {
    Totp { step: u64 },
    Recovery(Digest),
}

impl RightCode<'_> {
    /// How a grant is obtained with it.
    pub(super) const fn obtained(&self) -> Obtained {
        match self.code {
            Code::Totp { .. } => Obtained::PasswordAndTotp,
            Code::Recovery(_) => Obtained::PasswordAndRecoveryCode,
        }
    }

    /// Gives the charge back: what failed was not the code.
    pub(super) async fn withdraw(self) {
        // If it cannot be now, it lapses.
        let _ = self.charged.settle(Outcome::Withdrawn).await;
    }
}

#[derive(Debug, thiserror::Error)]
#[error("a second factor is sealed by a key that this node does not accept, or was changed")]
struct Unopened;

impl Auth {
    /// Whether this admin user must have a second factor.
    pub(super) fn must_have_factor(&self, admin: &AdminRecord) -> bool {
        match self.config().admin_second_factor {
            SecondFactorPolicy::Required => true,
            SecondFactorPolicy::Optional => false,
            SecondFactorPolicy::PerAdmin => admin.requires_second_factor,
        }
    }

    /// Judges a code within its budget. Nothing is spent.
    pub(super) async fn judge_code(
        &self,
        admin: &AdminId,
        code: &Credential,
        event: &Draft,
    ) -> Result<RightCode<'_>, Stop> {
        let code = TypedCode::of(code);
        let recovery = code.recovery_code();
        let attempted = match recovery {
            // Nobody guesses one: whoever locks the authenticator must not lock its owner out.
            Some(_) => Attempted::recovery_code(admin, event.origin.source, self.config()),
            None => Attempted::second_factor(admin, self.config()),
        };
        let charged = self.parts.attempts.reserve(attempted).await?;
        let charged = charged.ok_or(Refusal::BudgetSpent.told(Error::SignInRefused))?;
        // Read now: the wait for a turn may have been long.
        let Some(factor) = self.parts.factors.factor(admin).await? else {
            charged.settle(Outcome::Withdrawn).await?;
            return Err(Refusal::NotEnrolled.told(Error::NotEnrolled));
        };
        // No key is needed for a recovery code.
        let secret = match recovery {
            Some(_) => None,
            None => Some(self.open_secret(admin, &factor.name, &factor.secret)?),
        };
        // From here on whoever goes away has guessed.
        charged.begun().store(true, Ordering::Release);
        let recovered = recovery.filter(|digest| factor.recovery_codes.contains(digest)).map(Code::Recovery);
        let found = recovered.or_else(|| {
            let step = secret?.step_of(&code, self.parts.clock.now())?;
            Some(Code::Totp { step })
        });
        match found {
            Some(code) => Ok(RightCode { factor, code, charged }),
            None => {
                self.settle(charged, Outcome::Failed, event).await?;
                Err(Refusal::WrongCredential.told(Error::InvalidCode))
            }
        }
    }

    /// Spends a right code: only one caller does.
    pub(super) async fn spend_code(
        &self,
        admin: &AdminRecord,
        right: RightCode<'_>,
        event: &Draft,
    ) -> Result<(), Stop> {
        let RightCode { factor, code, charged } = right;
        let factors = &self.parts.factors;
        let spent = match &code {
            Code::Totp { step } => {
                let newest = TotpSecret::newest_step(self.parts.clock.now());
                factors.use_step(&admin.id, &factor.name, *step, newest).await
            }
            Code::Recovery(digest) => factors.use_recovery_code(&admin.id, &factor.name, digest).await,
        };
        match spent {
            Ok(true) => {}
            Ok(false) => {
                self.settle(charged, Outcome::Failed, event).await?;
                return Err(Refusal::SpentCode.told(Error::InvalidCode));
            }
            Err(error) => {
                // It may be spent. It was no guess all the same.
                let _ = charged.settle(Outcome::Withdrawn).await;
                return Err(error.into());
            }
        }
        self.settle(charged, Outcome::Succeeded, event).await?;
        if let Code::Recovery(_) = code {
            let left = factor.recovery_codes.len().saturating_sub(1);
            self.notify_admin(admin, AdminNotice::RecoveryCodeUsed { left }, &event.origin);
        }
        // If it cannot be done now, the next sign-in does it, or the host's timer.
        let _ = self.reseal(&admin.id, &factor).await;
        Ok(())
    }

    /// Seals the secret with the current key, if another one did. Answers whether it was done.
    pub(super) async fn reseal(&self, admin: &AdminId, factor: &Factor) -> Result<bool, Error> {
        if factor.secret.key == self.keyring()?.current() {
            return Ok(false);
        }
        let secret = self.open_secret(admin, &factor.name, &factor.secret)?;
        let sealed = self.seal_secret(admin, &factor.name, &secret)?;
        Ok(self.parts.factors.reseal(admin, &factor.name, &factor.secret, &sealed).await?)
    }

    pub(super) fn seal_secret(
        &self,
        admin: &AdminId,
        name: &Digest,
        secret: &TotpSecret,
    ) -> Result<Sealed, Error> {
        let context = context(admin, name);
        Ok(self.keyring()?.seal(secret.bytes(), &context, self.parts.random.as_ref())?)
    }

    /// A secret that cannot be opened is neither a right nor a wrong code: the node lacks a key.
    pub(super) fn open_secret(
        &self,
        admin: &AdminId,
        name: &Digest,
        sealed: &Sealed,
    ) -> Result<TotpSecret, Error> {
        let opened = self.keyring()?.open(sealed, &context(admin, name)).and_then(TotpSecret::from_bytes);
        opened.ok_or_else(|| StoreError::new(Unopened).into())
    }

    pub(super) fn keyring(&self) -> Result<&Keyring, Error> {
        self.parts.keyring.as_ref().ok_or(Error::NotConfigured(Part::Keyring))
    }

    /// Forgets wrong codes, of both kinds.
    pub(super) async fn clear_code_budgets(&self, admin: &AdminId) -> Result<(), Error> {
        for budgets in [second_factor_partition(admin), recovery_code_partition(admin)] {
            self.parts.attempts.clear(&budgets).await?;
        }
        Ok(())
    }

    /// Tells an admin user something; answers whether it was queued. What cannot be is only told to the trail.
    pub(super) fn notify_admin(&self, admin: &AdminRecord, notice: AdminNotice, origin: &Origin) -> bool {
        let notification = AdminNotification {
            admin: admin.id.clone(),
            username: admin.username.clone(),
            notice,
            origin: origin.clone(),
        };
        let Some(notifier) = &self.parts.notifier else { return false };
        let is_queued = notifier.notify_admin(notification).is_ok();
        if !is_queued {
            let event = Draft::about(Action::Notification, origin).of_admin(&admin.id);
            self.parts.trail.note(&event, Told::Failed);
        }
        is_queued
    }
}

/// What a secret is sealed for: this admin user, this factor. Under another name it does not open.
pub(super) fn context(admin: &AdminId, name: &Digest) -> Vec<u8> {
    [b"totp", name.as_bytes().as_slice(), admin.to_string().as_bytes()].concat()
}
