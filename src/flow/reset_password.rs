use super::{ending::Stop, sign_in::Sought};
use crate::{
    account::{AccountStatus, CustomerId, Email, PasswordHash, Website},
    audit::{self, Action, Draft, Refusal},
    auth::Auth,
    credential::Credential,
    error::{Error, Field, StoreError},
    notifier::Notice,
    service::{
        attempts::{Attempted, account_partition},
        codes::Judged,
    },
    state::budgets::Outcome,
    store::{Generation, Presented, Purpose, Purposes},
    token::{Digest, Origin, Subject},
};

/// A new password by reset token, as a client sent it.
#[derive(Clone, Debug)]
#[must_use]
pub struct PasswordReset {
    email: String,
    token: Credential,
    new_password: Credential,
    website: Website,
    origin: Origin,
}

impl PasswordReset {
    /// A reset on the default website with the `email`, `resetPasswordToken` and `newPassword` arguments, as they came:
    /// none is trimmed.
    pub fn new(
        email: impl Into<String>,
        token: impl Into<Credential>,
        new_password: impl Into<Credential>,
    ) -> Self {
        Self {
            email: email.into(),
            token: token.into(),
            new_password: new_password.into(),
            website: Website::default(),
            origin: Origin::default(),
        }
    }

    /// The website of the account.
    pub fn on(self, website: Website) -> Self {
        Self { website, ..self }
    }

    /// Where the request came from.
    pub fn from(self, origin: impl Into<Origin>) -> Self {
        Self { origin: origin.into(), ..self }
    }
}

/// A reset token that was taken, and what for.
struct Redeemed {
    customer: CustomerId,
    hash: PasswordHash,
    /// Read before the token was looked at.
    generation: Generation,
}

impl Auth {
    /// Sets a new password by a reset token: Commerce's `resetPassword`.
    ///
    /// Success ends all the customer's tokens, reset tokens, one-time codes and locks. An unconfirmed account stays
    /// unconfirmed. A password that the policy refuses leaves the token good for another try. A lock on the old password
    /// does not stop it, as nobody guesses a reset token; it has a budget of its own for each source, of the size of
    /// [`AuthConfig::source_budget`](crate::AuthConfig::source_budget). Every refusal within it is the same work.
    ///
    /// # Errors
    ///
    /// - [`Error::Required`], [`Error::InvalidEmail`], [`Error::PasswordPolicy`]: nothing was looked up.
    /// - [`Error::ResetTokenMismatched`]: not the account's, expired, spent, ended meanwhile, no such account, or a
    ///   disabled one. If the customer's tokens were ended by somebody else while the password was being set, it does not
    ///   stand: the earlier one is back, or none that works, and all tokens end.
    /// - [`Error::TooManyRequests`]: the budget is spent.
    /// - [`Error::Overloaded`]: too many hashes are waiting; the token is still good.
    /// - [`Error::Unavailable`], [`Error::Random`]: the token may be spent, the password may be set, and earlier tokens
    ///   may live. Let the customer ask for another reset.
    ///
    /// The same holds for a call that is dropped midway, as some servers do when a client goes away: run it to its end
    /// (in a task of its own).
    pub async fn reset_password(&self, reset: PasswordReset) -> Result<(), Error> {
        if reset.email.is_empty() {
            return Err(Error::Required(Field::ResetEmail));
        }
        let email: Email = reset.email.parse().map_err(|_| Error::InvalidEmail)?;
        match reset.token.check_bounds(Field::ResetToken) {
            Err(Error::PasswordTooLong) => return Err(Error::ResetTokenMismatched),
            bounds => bounds?,
        }
        self.judge_new_password(&email, &reset.new_password, Field::ResetPassword)?;
        let mut event = Draft::about(Action::PasswordReset, &reset.origin)
            .on(&reset.website)
            .at_account(account_partition(&reset.website, &email).digest());
        let ended = self.reset_within_budget(&reset, &email, &mut event).await;
        self.conclude(&event, ended).await
    }

    async fn reset_within_budget(
        &self,
        reset: &PasswordReset,
        email: &Email,
        event: &mut Draft,
    ) -> Result<(), Stop> {
        let (website, source) = (&reset.website, reset.origin.source);
        let attempted = Attempted::redemption(Purpose::ResetToken, website, email, source, self.config());
        let spent = || Refusal::BudgetSpent.told(Error::TooManyRequests);
        let opened = self.parts.attempts.open(attempted).await?.ok_or_else(spent)?;
        let (charged, sought) = self.reserve_beside(opened, website, email).await?;
        let charged = charged.ok_or_else(spent)?;
        let redeemed = self.redeem_reset_token(reset, sought, event).await;
        let outcome = match &redeemed {
            Err(Stop { told: Error::ResetTokenMismatched, .. }) => Outcome::Failed,
            Ok(_) | Err(_) => Outcome::Withdrawn,
        };
        let settled = self.settle(charged, outcome, event).await;
        let redeemed = redeemed?;
        // The token is spent: a charge that could not be given back lapses, and must not cost the new password.
        drop(settled);
        // A caller that goes away from here on leaves this trace.
        self.parts.trail.note(event, audit::Outcome::Begun);
        self.set_reset_password(redeemed, website, email, event).await
    }

    /// What is to be set, once the token is spent.
    async fn redeem_reset_token(
        &self,
        reset: &PasswordReset,
        sought: Sought,
        event: &mut Draft,
    ) -> Result<Redeemed, Stop> {
        let Sought { row, customer, generation, .. } = sought;
        event.subject = row.as_ref().map(|row| Subject::Customer(row.id.clone()));
        let presented = Presented {
            website: reset.website.clone(),
            customer,
            digest: Digest::of(reset.token.bytes()),
            purposes: Purposes { reset_token: true, one_time_code: false },
        };
        let mismatched = |why: Refusal| why.told(Error::ResetTokenMismatched);
        let Judged::Good(offer) = self.parts.codes.peek(&presented, generation).await? else {
            let known = row.is_some();
            return Err(mismatched(if known { Refusal::WrongCredential } else { Refusal::UnknownAccount }));
        };
        let Some(row) = row else { return Err(mismatched(Refusal::UnknownAccount)) };
        if row.status == AccountStatus::Disabled {
            return Err(mismatched(Refusal::AccountDisabled));
        }
        // The hash is made before the token is spent: a full queue must not burn it.
        let hash = self.parts.evaluator.pool().hash(&reset.new_password, self.parts.random.as_ref()).await?;
        match self.parts.codes.take(offer, None).await? {
            Judged::Good(()) => Ok(Redeemed { customer: row.id, hash, generation }),
            Judged::Replayed(_) | Judged::Refused => Err(mismatched(Refusal::WrongCredential)),
        }
    }

    /// So often a new hash is offered for one that changes meanwhile.
    const REPLACEMENTS: usize = 8;

    async fn set_reset_password(
        &self,
        Redeemed { customer, hash, generation }: Redeemed,
        website: &Website,
        email: &Email,
        event: &Draft,
    ) -> Result<(), Stop> {
        let mismatched = |why: Refusal| why.told(Error::ResetTokenMismatched);
        let subject = Subject::Customer(customer.clone());
        // A sign-in may make the old hash anew at the same time: the new password wins. Whatever ends one-time
        // credentials moves the generation, and wins over a token that was taken before.
        for _ in 0..Self::REPLACEMENTS {
            let row = self.parts.customers.find_by_id(&customer).await?;
            let row = row.filter(|row| row.id == customer && row.is_of(website, email));
            let row = row.ok_or(mismatched(Refusal::UnknownAccount))?;
            if row.status == AccountStatus::Disabled {
                return Err(mismatched(Refusal::AccountDisabled));
            }
            if self.generation(&subject).await? != generation {
                return Err(mismatched(Refusal::RevokedMeanwhile));
            }
            let expected = row.password_hash.as_ref();
            if self.parts.customers.replace_password_hash(&customer, expected, &hash).await? {
                // First, so that a caller who goes away cannot keep it from the customer. If the password is undone
                // below, the notice was needless.
                self.notify(&row, Notice::PasswordReset, &event.origin);
                // An account that had no password gets one back that nothing matches.
                let none = PasswordHash::from("");
                let undo = self.parts.customers.replace_password_hash(
                    &customer,
                    Some(&hash),
                    expected.unwrap_or(&none),
                );
                let end = self.end_credentials(&customer, None, &event.origin);
                if !self.lets_stand(&subject, generation, undo, end).await? {
                    return Err(mismatched(Refusal::RevokedMeanwhile));
                }
                self.end_credentials(&customer, None, &event.origin).await?;
                return Ok(self.parts.attempts.clear(&account_partition(website, email)).await?);
            }
        }
        Err(StoreError::new("the stored hash is another one at every look").into())
    }
}
