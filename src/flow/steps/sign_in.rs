//! A customer's sign-in. The presented credential is compared with the account's password, then
//! with the reset tokens and one-time codes of the account. The first match wins. A flow can leave
//! out some of these steps of the chain.

use std::sync::Arc;

use futures_lite::future;
use time::OffsetDateTime;

use super::{
    challenge::{Challenged, require_answer},
    ending::{conclude, settle},
    lock::tell_of_locks,
    password::{check_again, read_again},
    replay::end_replayed,
    seek::{Sought, reserve_beside},
};
use crate::{
    account::{AccountStatus, CustomerRecord},
    audit::{Action, Draft, Refusal},
    challenge::ChallengeAction,
    credential::{Verified, Work},
    error::{Error, SignInError},
    flow::types::{SignIn, SignedIn},
    notifier::Notice,
    service::{
        Services,
        accounts::{Account, Address},
        attempts::{Attempted, Opened, SignedInDevice, account_partition},
        one_time::Verdict,
        stop::{Denied, Judged, Stop},
        tokens::Drawn,
    },
    state::budgets::AttemptOutcome,
    store::{Generation, OneTimeCredential, Presented, Purpose, Purposes, Spent},
    token::{Assistance, Digest, Grant, GrantId, Obtained, Subject},
};

/// The steps of the chain that a sign-in tries.
#[derive(Clone, Copy, Debug)]
pub(in crate::flow) struct Chain {
    pub(in crate::flow) password: bool,
    pub(in crate::flow) one_time: Purposes,
}

/// The step of the chain that a credential matched.
enum Match {
    Password { hash_is_outdated: bool },
    ResetToken,
    OneTimeCode(Arc<Assistance>),
}

/// An account that may sign in, and the right credential that matched.
struct AdmittedCustomer {
    row: CustomerRecord,
    matched: Match,
    /// The account's generation. It was read before the credential was checked.
    generation: Generation,
    /// The latest possible expiry of the new token. For assistance, this is the expiry of the token
    /// with which the admin user is signed in.
    until: Option<OffsetDateTime>,
}

/// A running sign-in: the data that all its steps share.
struct Attempt<'a> {
    services: &'a Services,
    asked: &'a SignIn,
    address: &'a Address,
    chain: Chain,
}

/// Signs a client in by the steps of `chain`, within the budgets of `attempted`. Returns the error
/// `spent` if one of the account's budgets is spent.
pub(in crate::flow) async fn sign_in(
    services: &Services,
    asked: &SignIn,
    address: &Address,
    chain: Chain,
    attempted: Attempted,
    spent: Error,
) -> Result<SignedIn, Error> {
    let action = if chain.password { Action::SignIn } else { Action::CodeRedemption };
    let mut event = Draft::anonymous(action, &asked.origin)
        .website(&address.website)
        .at_account(account_partition(address).account_key());
    let attempt = Attempt { services, asked, address, chain };
    let ended = match services.attempts.open(attempted).await {
        Ok(Some(opened)) => attempt.within_budget(opened, &mut event).await,
        Ok(None) => Ok(None),
        Err(stop) => Err(stop),
    };
    let ended = ended.and_then(|signed_in| signed_in.ok_or(Refusal::BudgetSpent.told(spent)));
    conclude(services, &event, ended).await
}

impl Attempt<'_> {
    /// Runs the sign-in. Returns none if a budget is spent.
    async fn within_budget(&self, opened: Opened<'_>, event: &mut Draft) -> Result<Option<SignedIn>, Stop> {
        let Self { services, asked, address, .. } = *self;
        require_answer(services, Some(&opened), self.challenged()).await?;
        let drawn = services.tokens.draw()?;
        let sought = reserve_beside(opened, &services.customers, &services.tokens, address);
        let (charged, sought) = sought.await?;
        let Some(mut charged) = charged else { return Ok(None) };
        let owner = sought.row.clone();
        let Judged { outcome, answer } = self.judge(&drawn.id, sought, charged.work(), event).await;
        let admitted = match answer {
            Ok(admitted) => admitted,
            Err(stop) => {
                // If the charge cannot be settled now, the caller still gets the error of the
                // sign-in.
                if let Ok(locks) = settle(services, charged, outcome, event).await {
                    tell_of_locks(services, locks, address, owner.as_ref(), &asked.origin).await;
                }
                return Err(stop);
            }
        };
        event.is_customers();
        let device = match &admitted.matched {
            // An admin user redeems the one-time code. So the device is the admin user's, and must
            // not become a known device of the customer.
            Match::OneTimeCode(_) => SignedInDevice::default(),
            Match::Password { .. } | Match::ResetToken => {
                // If no device secret can be drawn now, the device gets one at the next sign-in.
                // The sign-in must not fail for this reason, because a presented reset token is
                // already spent.
                charged.remember(&Subject::Customer(admitted.row.id.clone())).unwrap_or_default()
            }
        };
        // The attempt is settled at the same time as the token is issued. This is possible because
        // the outcome of the attempt depends only on the credential, and not on the issue of the
        // token.
        let issue = self.issue(&admitted, drawn, event);
        let (settled, signed_in) = future::zip(charged.settle(outcome), issue).await;
        // The credential is right, so the sign-in does not fail if the charge cannot be settled
        // now. A later attempt then settles the charge.
        drop(settled);
        let signed_in = signed_in?;
        self.tell_of_sign_in(&admitted, device.is_new);
        let signed_in = signed_in.with_device(device.secret);
        let Match::Password { hash_is_outdated } = admitted.matched else { return Ok(Some(signed_in)) };
        if hash_is_outdated {
            services.passwords.rehash(&services.customers, &admitted.row, &asked.credential).await;
        }
        let violation = services.passwords.violation(&address.email, &asked.credential);
        Ok(Some(signed_in.with_password_violation(violation)))
    }

    /// Notifies the customer of a sign-in by reset token, or by password from a new device. For a
    /// sign-in by one-time code, `assistance.begin` has already sent the notice.
    fn tell_of_sign_in(&self, admitted: &AdmittedCustomer, device_is_new: bool) {
        let notice = match admitted.matched {
            Match::ResetToken => Notice::SignedInByResetToken,
            Match::Password { .. } if device_is_new => Notice::NewDevice,
            Match::Password { .. } | Match::OneTimeCode(_) => return,
        };
        self.services.notices.tell_customer(&admitted.row, notice, &self.asked.origin);
    }

    fn challenged(&self) -> Challenged<'_> {
        let Self { asked, address, chain, .. } = self;
        let action = match chain.password {
            true => ChallengeAction::CustomerSignIn,
            false => ChallengeAction::CodeExchange,
        };
        let (website, account) = (Some(&address.website), &asked.email);
        Challenged { action, website, account, response: &asked.challenge, origin: &asked.origin }
    }

    /// Checks the presented credential and the account. If no credential of the account matches,
    /// the function does the same work as for an unknown account.
    async fn judge(
        &self,
        bought: &GrantId,
        sought: Sought<CustomerRecord>,
        work: &Work,
        event: &mut Draft,
    ) -> Judged<AdmittedCustomer> {
        event.subject = sought.row.as_ref().map(|row| Subject::Customer(row.id.clone()));
        let judged = match self.match_password(&sought, work).await {
            Ok(Some(verified)) => self.admit_password(sought, verified, work).await,
            Ok(None) => self.redeem(bought, sought, event).await,
            Err(denied) => Err(denied),
        };
        Judged::of(judged, work)
    }

    /// Checks the account's password, the first step of the chain. Returns none if this sign-in
    /// leaves out the step, or if the password is wrong.
    async fn match_password(
        &self,
        sought: &Sought<CustomerRecord>,
        work: &Work,
    ) -> Result<Option<Verified>, Denied> {
        if !self.chain.password {
            return Ok(None);
        }
        // A disabled account is treated as an account without a password. So the refusal of a
        // disabled account takes the same time as the refusal of a wrong password.
        let enabled = sought.row.as_ref().filter(|row| row.status != AccountStatus::Disabled);
        let hash = enabled.and_then(|row| row.password_hash.as_ref());
        let verified = self.services.passwords.verify(&self.asked.credential, hash, work).await?;
        Ok((verified != Verified::Wrong).then_some(verified))
    }

    /// Admits an account whose password is right.
    async fn admit_password(
        &self,
        sought: Sought<CustomerRecord>,
        verified: Verified,
        work: &Work,
    ) -> Result<(AdmittedCustomer, AttemptOutcome), Denied> {
        let Sought { row, generation, .. } = sought;
        let seen = row.ok_or(Refusal::UnknownAccount.failed(SignInError::Refused))?;
        let row = read_again(&self.services.customers, self.address, &seen).await?;
        let password = &self.asked.credential;
        let hash_is_outdated =
            check_again(&self.services.passwords, password, (&seen, verified), &row, work).await?;
        self.require_active(&row)?;
        let matched = Match::Password { hash_is_outdated };
        Ok((AdmittedCustomer { row, matched, generation, until: None }, AttemptOutcome::Succeeded))
    }

    /// Looks up the presented credential among the account's one-time credentials, the later steps
    /// of the chain, and spends it. `bought` is the id of the grant that the sign-in issues for the
    /// credential. A credential that matches nothing costs at most one call of the store.
    async fn redeem(
        &self,
        bought: &GrantId,
        sought: Sought<CustomerRecord>,
        event: &mut Draft,
    ) -> Result<(AdmittedCustomer, AttemptOutcome), Denied> {
        let Sought { row, id, generation } = sought;
        let refused = unmatched(row.as_ref());
        if !self.chain.one_time.reset_token && !self.chain.one_time.one_time_code {
            return Err(refused);
        }
        let presented = Presented {
            website: self.address.website.clone(),
            customer: id,
            digest: Digest::of(self.asked.credential.bytes()),
            purposes: self.chain.one_time,
        };
        let offer = match self.services.one_time.peek(&presented, generation).await? {
            Verdict::Good(offer) => offer,
            Verdict::Replayed(spent) => return Err(self.end_replayed(row.as_ref(), spent, event).await),
            Verdict::Refused => return Err(refused),
        };
        let OneTimeCredential { purpose, assistance, .. } = &offer.credential;
        let matched = match (purpose, assistance) {
            (Purpose::ResetToken, None) => Match::ResetToken,
            (Purpose::OneTimeCode, Some(assistance)) => Match::OneTimeCode(Arc::clone(assistance)),
            // Only a faulty store of the host returns such a record.
            (Purpose::ResetToken, Some(_)) | (Purpose::OneTimeCode, None) | (Purpose::Confirmation, _) => {
                return Err(refused);
            }
        };
        if let Match::OneTimeCode(assistance) = &matched {
            // The audit trail records the redemption before the one-time code is spent, because an
            // admin user acts for a customer with this code.
            event.is_admins();
            event.action = Action::CodeRedemption;
            event.grant = Some(*bought);
            event.about_assistance(assistance);
            let begun = self.services.trail.begin(event).await;
            begun.map_err(|error| Denied::from(error).behind_right_credential())?;
        }
        let taken = self.services.one_time.spend(offer, Some(&bought.digest())).await;
        match taken.map_err(|error| Denied::from(error).behind_right_credential())? {
            Verdict::Good(()) => {}
            Verdict::Replayed(spent) => return Err(self.end_replayed(row.as_ref(), spent, event).await),
            Verdict::Refused => return Err(refused),
        }
        let row = row.ok_or(Refusal::UnknownAccount.failed(SignInError::Refused))?;
        let admitted = self.admit_redeemed(row, matched, generation).await;
        let admitted = admitted.map_err(Denied::behind_right_credential)?;
        Ok((admitted, AttemptOutcome::Withdrawn))
    }

    /// Admits the account after its one-time credential was spent.
    async fn admit_redeemed(
        &self,
        seen: CustomerRecord,
        matched: Match,
        generation: Generation,
    ) -> Result<AdmittedCustomer, Denied> {
        let row = read_again(&self.services.customers, self.address, &seen).await?;
        self.require_active(&row)?;
        let until = match &matched {
            Match::OneTimeCode(_) if !row.allows_assistance => {
                return Err(Refusal::NoConsent.failed(SignInError::Refused));
            }
            Match::OneTimeCode(assistance) => {
                let stands = self.services.assistance.stands_until(assistance).await;
                Some(stands.map_err(|stop| stop.refused_as(SignInError::Refused).failed())?)
            }
            Match::Password { .. } | Match::ResetToken => None,
        };
        Ok(AdmittedCustomer { row, matched, generation, until })
    }

    async fn end_replayed(&self, row: Option<&CustomerRecord>, spent: Spent, event: &mut Draft) -> Denied {
        end_replayed(self.services, row, spent, SignInError::Refused, event).await
    }

    fn require_active(&self, row: &CustomerRecord) -> Result<(), Denied> {
        match row.standing(&self.services.config) {
            AccountStatus::Active => Ok(()),
            // Only a caller with a right credential gets this error.
            AccountStatus::Unconfirmed => Err(Refusal::AccountUnconfirmed.excused(SignInError::NotConfirmed)),
            AccountStatus::Disabled => Err(Refusal::AccountDisabled.failed(SignInError::Refused)),
        }
    }

    /// Stores the grant and returns its token.
    async fn issue(
        &self,
        admitted: &AdmittedCustomer,
        drawn: Drawn,
        event: &mut Draft,
    ) -> Result<SignedIn, Stop> {
        let Services { tokens, assistance, config, .. } = self.services;
        let (obtained, lifetime) = match admitted.matched {
            Match::Password { .. } => (Obtained::Password, config.lifetimes.customer_token),
            Match::ResetToken => (Obtained::ResetToken, config.lifetimes.customer_token),
            Match::OneTimeCode(_) => (Obtained::OneTimeCode, config.lifetimes.assistance_token),
        };
        let (now, end) = tokens.lifespan(lifetime, admitted.until);
        let (customer, website) = (admitted.row.id.clone(), self.address.website.clone());
        let mut grant = Grant::customer(drawn.id, customer.clone(), website, obtained, now, end);
        if let Match::OneTimeCode(assistance) = &admitted.matched {
            grant.assistance = Some(Arc::clone(assistance));
        }
        event.about_grant(&grant);
        let origin = &self.asked.origin;
        if grant.assistance.is_some() {
            assistance.begin(&admitted.row, &grant, origin, admitted.generation).await?;
        } else {
            tokens.insert(&grant, origin, admitted.generation).await?;
        }
        Ok(SignedIn::new(drawn.token, customer, &grant))
    }
}

/// Returns the refusal of a credential that matched nothing.
fn unmatched(row: Option<&CustomerRecord>) -> Denied {
    let why = match row.map(|row| row.status) {
        None => Refusal::UnknownAccount,
        Some(AccountStatus::Disabled) => Refusal::AccountDisabled,
        Some(_) => Refusal::WrongCredential,
    };
    why.failed(SignInError::Refused)
}
