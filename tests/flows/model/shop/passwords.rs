//! Passwords: confirmed, changed and reset; and the customer's consent.

use commerce_auth::{
    Error,
    account::AccountStatus,
    audit::{Action, Outcome, Refusal},
    error::{Field, InputError, InternalError, SignInError},
};
use time::Duration;

use super::{
    Answer, Caller, Counted, Door, Ended, New, Notified, Presented, Scope, Shop, Told, Who,
    budgets::{Attempt, Counts},
    trail::refused,
};

impl Shop {
    pub(crate) fn confirm(
        &mut self,
        bearer: Option<usize>,
        site: usize,
        with: Presented,
    ) -> Result<Answer, Error> {
        with.check(Field::Password)?;
        let (token, customer) = self.own(bearer, site, Action::PasswordConfirmation)?;
        let mut event = self.by_customer(Action::PasswordConfirmation, token);
        let ended = self.own_row(customer, site).and_then(|()| self.ask_again(customer, with, &mut event));
        self.conclude(&event, ended.map(|()| Answer::Done))
    }

    pub(crate) fn change(
        &mut self,
        bearer: Option<usize>,
        site: usize,
        with: Presented,
        new: New,
    ) -> Result<Answer, Error> {
        with.check(Field::CurrentPassword)?;
        if matches!(new, New::Empty | New::Huge) {
            new.judge(Field::NewPassword)?;
        }
        let (token, customer) = self.own(bearer, site, Action::PasswordChange)?;
        let mut event = self.by_customer(Action::PasswordChange, token);
        let ended = self.own_row(customer, site).and_then(|()| {
            let policy = |error| (Outcome::Refused(Refusal::PasswordPolicy), error);
            let new = new.judge(Field::NewPassword).map_err(policy)?;
            self.ask_again(customer, with, &mut event)?;
            self.set_password(customer, new);
            self.led_to.notices.push((customer, Notified::PasswordChanged));
            self.end_credentials(customer, Some(token));
            Ok(Answer::Done)
        });
        self.conclude(&event, ended)
    }

    /// If the host has moved the customer to another website, a token of the earlier one is an
    /// error of the host.
    fn own_row(&self, customer: usize, site: usize) -> Ended<()> {
        let own = self.customers[customer].site == site;
        if own { Ok(()) } else { Err((Outcome::Failed, Error::Internal(InternalError::ForeignRow))) }
    }

    fn ask_again(&mut self, customer: usize, with: Presented, event: &mut Told) -> Ended<()> {
        let row = self.customers[customer];
        let check = |shop: &mut Self, _: &mut Told| {
            shop.led_to.hashes += 1;
            match (with, row.status) {
                (Presented::Password(n), status) if row.password == Some(n) => match status {
                    AccountStatus::Active => Ok(()),
                    AccountStatus::Unconfirmed => {
                        refused(Refusal::AccountUnconfirmed, Error::SignIn(SignInError::WrongPassword))
                    }
                    _ => refused(Refusal::AccountDisabled, Error::SignIn(SignInError::WrongPassword)),
                },
                _ => refused(Refusal::WrongCredential, Error::SignIn(SignInError::WrongPassword)),
            }
        };
        let counts = |ended: &Ended<()>| if ended.is_ok() { Counts::Success } else { Counts::Failure };
        let attempt = Attempt {
            counted: Counted::Customer((row.site, row.address)),
            // The holder of a live token is known to the account.
            scopes: &[Scope::Confirmation],
            spent: Error::SignIn(SignInError::Locked),
            caller: None,
        };
        self.within(attempt, event, check, counts)
    }

    fn set_password(&mut self, customer: usize, new: usize) {
        self.led_to.hashes += 1;
        let row = &mut self.customers[customer];
        row.password = Some(new);
        row.password_sets += 1;
    }

    /// The answer does not reveal whether the account exists. The trail does.
    pub(crate) fn request_reset(&mut self, door: Door, source: Option<u32>) -> Result<Answer, Error> {
        let mut event = Told::about(Action::ResetRequest).on(door.0).at(Counted::Customer(door));
        let by_source =
            source.map(|source| (Counted::ResetRequestsFrom(source), Scope::Source(source), None));
        let caller = source.map(|source| Caller { source, device: None });
        // If the source is refused over all accounts, nothing is charged. Its budget of requests
        // comes first.
        if let Some(from) = source
            && !self.is_spent(Counted::ResetRequestsFrom(from), Scope::Source(from))
            && self.is_total_spent(from)
        {
            let too_many = Error::SignIn(SignInError::TooManyRequests);
            return self.conclude(&event, refused(Refusal::SourceBudgetSpent, too_many));
        }
        let by_address = (Counted::ResetRequests(door), Scope::AllSources, caller);
        for (counted, scope, caller) in by_source.into_iter().chain([by_address]) {
            // Each request counts.
            let last_failure = self.last_failure;
            let nothing = |_: &mut Self, _: &mut Told| Ok(Answer::Done);
            let counts = |_: &Ended<Answer>| Counts::Failure;
            let spent = Error::SignIn(SignInError::TooManyRequests);
            let attempt = Attempt { counted, scopes: &[scope], spent, caller };
            let asked = self.within(attempt, &mut event, nothing, counts);
            self.last_failure = last_failure;
            if asked.is_err() {
                return self.conclude(&event, asked);
            }
        }
        let customer = self.find(door);
        event.subject = customer.map(Who::Customer);
        let ended = match customer {
            None => refused(Refusal::UnknownAccount, Error::SignIn(SignInError::Refused)),
            Some(customer) if self.customers[customer].status == AccountStatus::Disabled => {
                refused(Refusal::AccountDisabled, Error::SignIn(SignInError::Refused))
            }
            Some(customer) => {
                let token = self.put(customer, door.0, None, self.now + Duration::hours(2));
                self.led_to.notices.push((customer, Notified::ResetToken(token)));
                Ok(Answer::Done)
            }
        };
        let _ = self.conclude(&event, ended);
        Ok(Answer::Done)
    }

    pub(crate) fn reset(
        &mut self,
        door: Door,
        caller: Caller,
        with: Presented,
        new: New,
    ) -> Result<Answer, Error> {
        match with.check(Field::ResetToken) {
            Err(Error::Input(InputError::PasswordTooLong)) => {
                return Err(Error::SignIn(SignInError::ResetTokenMismatched));
            }
            bounds => bounds?,
        }
        let new = new.judge(Field::ResetPassword)?;
        let mut event = Told::about(Action::PasswordReset).on(door.0).at(Counted::Customer(door));
        let redeem = |shop: &mut Self, event: &mut Told| shop.redeem(door, with, event);
        let counts = |ended: &Ended<usize>| if ended.is_ok() { Counts::Nothing } else { Counts::Failure };
        let attempt = Attempt {
            counted: Counted::Reset(door),
            scopes: &[Scope::Source(caller.source)],
            spent: Error::SignIn(SignInError::TooManyRequests),
            caller: Some(caller),
        };
        let redeemed = self.within(attempt, &mut event, redeem, counts);
        let ended = redeemed.map(|customer| {
            // If the caller goes away after this point, this record stays.
            self.begin(&event);
            self.set_password(customer, new);
            self.led_to.notices.push((customer, Notified::PasswordReset));
            self.end_credentials(customer, None);
            self.forget_failures(Counted::Customer(door));
            Answer::Done
        });
        self.conclude(&event, ended)
    }

    /// Redeems a reset token. Returns its customer.
    fn redeem(&mut self, door: Door, with: Presented, event: &mut Told) -> Ended<usize> {
        let mismatched = |why| refused(why, Error::SignIn(SignInError::ResetTokenMismatched));
        let Some(customer) = self.find(door) else { return mismatched(Refusal::UnknownAccount) };
        event.subject = Some(Who::Customer(customer));
        let Presented::Secret(n) = with else { return mismatched(Refusal::WrongCredential) };
        if !self.fits(n, customer, door.0) || self.secrets[n].assist.is_some() {
            return mismatched(Refusal::WrongCredential);
        }
        if self.secrets[n].spent {
            return mismatched(self.replay(n, event));
        }
        if self.customers[customer].status == AccountStatus::Disabled {
            return mismatched(Refusal::AccountDisabled);
        }
        (self.secrets[n].spent, self.secrets[n].by_reset) = (true, true);
        Ok(customer)
    }

    pub(crate) fn consent(
        &mut self,
        bearer: Option<usize>,
        site: usize,
        allowed: bool,
    ) -> Result<Answer, Error> {
        let action = if allowed { Action::ConsentGiven } else { Action::ConsentWithdrawn };
        let (token, customer) = self.own(bearer, site, action)?;
        if allowed {
            // Closes the assistance that the host's own withdrawal left open.
            self.settle_of(customer);
        }
        self.customers[customer].consents = allowed;
        if !allowed {
            self.settle_of(customer);
        }
        self.led_to.notices.push((customer, Notified::Consent(allowed)));
        let event = self.by_customer(action, token);
        self.conclude(&event, Ok(Answer::Done))
    }
}
