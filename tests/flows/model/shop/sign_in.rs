//! Sign-in with each kind of credential.

use commerce_auth::{
    Error,
    account::AccountStatus,
    audit::{Action, Outcome, Refusal},
    error::{Field, SignInError},
    token::{AssistanceEnd, Obtained},
};

use super::{
    Answer, Assist, Caller, Counted, Door, Ended, Notified, Presented, Scope, Secret, Shop, Told, ToldAdmin,
    Who,
    budgets::{Attempt, Counts},
    trail::{Name, refused, told_as},
};

/// A right credential of an account that may sign in.
struct Admitted {
    customer: usize,
    obtained: Obtained,
    secret: Option<usize>,
    assist: Option<Assist>,
}

impl Shop {
    /// By password, reset token or one-time code.
    pub(crate) fn sign_in(&mut self, door: Door, caller: Caller, with: Presented) -> Result<Answer, Error> {
        with.check(Field::Password)?;
        let event = Told::about(Action::SignIn).on(door.0).at(Counted::Customer(door));
        let attempt = Attempt {
            counted: Counted::Customer(door),
            scopes: &[Scope::Source(caller.source), Scope::AllSources],
            spent: Error::SignIn(SignInError::Refused),
            caller: Some(caller),
        };
        self.sign_in_within(event, attempt, (door, caller), with, true)
    }

    /// By one-time code alone. A lock of the password does not stop it.
    pub(crate) fn exchange(&mut self, door: Door, caller: Caller, with: Presented) -> Result<Answer, Error> {
        with.check(Field::Otp)?;
        let event = Told::about(Action::CodeRedemption).on(door.0).at(Counted::Customer(door));
        let attempt = Attempt {
            counted: Counted::Exchange(door),
            scopes: &[Scope::Source(caller.source)],
            spent: Error::SignIn(SignInError::TooManyRequests),
            caller: Some(caller),
        };
        self.sign_in_within(event, attempt, (door, caller), with, false)
    }

    fn sign_in_within(
        &mut self,
        mut event: Told,
        attempt: Attempt<'_>,
        (door, caller): (Door, Caller),
        with: Presented,
        chain: bool,
    ) -> Result<Answer, Error> {
        let admit = |shop: &mut Self, event: &mut Told| {
            shop.led_to.hashes += u64::from(chain);
            shop.admit(door, with, chain, event)
        };
        let counts = |ended: &Ended<Admitted>| match ended {
            Ok(Admitted { obtained: Obtained::Password, .. }) => Counts::Success,
            // A one-time credential returns only its own charge.
            Ok(_) | Err((_, Error::SignIn(SignInError::NotConfirmed))) => Counts::Nothing,
            Err(_) => Counts::Failure,
        };
        let begun = self.led_to.kept.len();
        let admitted = self.within(attempt, &mut event, admit, counts);
        let ended = admitted.map(|Admitted { customer, obtained, secret, assist }| {
            let until = assist.map(|assist| self.tokens[assist.parent].expires);
            let owner = Who::Customer(customer);
            let mut answer = self.issue((owner, Some(door.0)), obtained, assist, until);
            // The admin user's device does not become the customer's.
            if let (Answer::Issued(_, _, device), None) = (&mut answer, assist) {
                let is_new = self.is_new(Counted::Customer(door), owner, caller);
                *device = self.remember(Counted::Customer(door), owner, caller);
                let notice = match obtained {
                    Obtained::ResetToken => Some(Notified::SignedInByResetToken),
                    _ => is_new.then_some(Notified::NewDevice),
                };
                self.led_to.notices.extend(notice.map(|notice| (customer, notice)));
            }
            let token = self.tokens.len() - 1;
            self.about_token(&mut event, token);
            // The `Begun` record of the redemption named the token before it was issued.
            self.led_to.kept[begun..].iter_mut().for_each(|event| event.grant = Some(Name::Token(token)));
            if assist.is_some() {
                self.enter(token);
            }
            if let Some(secret) = secret {
                self.secrets[secret].bought = Some(token);
            }
            answer
        });
        self.conclude(&event, ended)
    }

    /// Checks the password, then the one-time credential, then the status of the account, then the
    /// conditions of the assistance.
    fn admit(&mut self, door: Door, with: Presented, chain: bool, event: &mut Told) -> Ended<Admitted> {
        let Some(customer) = self.find(door) else {
            return refused(Refusal::UnknownAccount, Error::SignIn(SignInError::Refused));
        };
        event.subject = Some(Who::Customer(customer));
        let status = self.customers[customer].status;
        let (mut obtained, mut secret, mut assist) = (None, None, None);
        match with {
            Presented::Password(n) if chain && status != AccountStatus::Disabled => {
                let right = self.customers[customer].password == Some(n);
                obtained = right.then_some(Obtained::Password);
            }
            Presented::Secret(n) if self.fits(n, customer, door.0) => {
                let code = self.secrets[n].assist;
                let taken = match code {
                    Some(_) => !chain || self.setup.codes_in_chain,
                    None => chain,
                };
                if taken && self.secrets[n].spent {
                    return refused(self.replay(n, event), Error::SignIn(SignInError::Refused));
                }
                if taken {
                    if let Some(code) = code {
                        event.action = Action::CodeRedemption;
                        event.grant = Some(Name::Unissued);
                        event.by_assistance(code);
                        self.begin(event);
                    }
                    self.secrets[n].spent = true;
                    (secret, assist) = (Some(n), code);
                    obtained =
                        Some(if code.is_some() { Obtained::OneTimeCode } else { Obtained::ResetToken });
                }
            }
            _ => {}
        }
        let Some(obtained) = obtained else {
            let disabled = status == AccountStatus::Disabled;
            let why = if disabled { Refusal::AccountDisabled } else { Refusal::WrongCredential };
            return refused(why, Error::SignIn(SignInError::Refused));
        };
        match status {
            AccountStatus::Active => {}
            AccountStatus::Unconfirmed => {
                return refused(Refusal::AccountUnconfirmed, Error::SignIn(SignInError::NotConfirmed));
            }
            _ => return refused(Refusal::AccountDisabled, Error::SignIn(SignInError::Refused)),
        }
        if let Some(assist) = assist {
            told_as(self.assists(assist, customer), Error::SignIn(SignInError::Refused))?;
        }
        Ok(Admitted { customer, obtained, secret, assist })
    }

    /// If a spent credential is presented again, everything it led to ends: a token, or all tokens
    /// since the new password.
    pub(super) fn replay(&mut self, secret: usize, event: &mut Told) -> Refusal {
        event.action = Action::CodeReplay;
        let Secret { customer, by_reset, bought, assist, .. } = self.secrets[secret];
        let kind = if assist.is_some() { Obtained::OneTimeCode } else { Obtained::ResetToken };
        self.led_to.notices.push((customer, Notified::Replayed(kind)));
        if by_reset {
            self.end_credentials(customer, None);
            return Refusal::SpentCode;
        }
        event.grant = Some(bought.map_or(Name::Unissued, Name::Token));
        if let Some(bought) = bought {
            if self.is_live(bought) {
                self.about_token(event, bought);
            }
            self.tokens[bought].revoked = true;
            self.close(bought, AssistanceEnd::Withdrawn);
        }
        Refusal::SpentCode
    }

    /// Signs in an admin user by name. Names beyond the list have no account.
    pub(crate) fn admin_sign_in(
        &mut self,
        name: usize,
        caller: Caller,
        with: Presented,
    ) -> Result<Answer, Error> {
        with.check(Field::Password)?;
        let mut event = Told::about(Action::AdminSignIn).at(Counted::Admin(name));
        let admit = |shop: &mut Self, event: &mut Told| {
            shop.led_to.hashes += 1;
            let Some(admin) = shop.admins.get(name) else {
                return refused(Refusal::UnknownAccount, Error::SignIn(SignInError::Refused));
            };
            event.subject = Some(Who::Admin(name));
            if !admin.active {
                return refused(Refusal::AdminDisabled, Error::SignIn(SignInError::Refused));
            }
            match with {
                Presented::Password(n) if n == name => Ok(()),
                _ => refused(Refusal::WrongCredential, Error::SignIn(SignInError::Refused)),
            }
        };
        let counts = |ended: &Ended<()>| if ended.is_ok() { Counts::Success } else { Counts::Failure };
        let attempt = Attempt {
            counted: Counted::Admin(name),
            scopes: &[Scope::Source(caller.source), Scope::AllSources],
            spent: Error::SignIn(SignInError::Refused),
            caller: Some(caller),
        };
        let admitted = self.within(attempt, &mut event, admit, counts);
        let ended = admitted.map(|()| {
            let owner = Who::Admin(name);
            let mut answer = self.issue((owner, None), Obtained::Password, None, None);
            self.about_token(&mut event, self.tokens.len() - 1);
            self.begin(&event);
            if let Answer::Issued(_, _, device) = &mut answer {
                if self.is_new(Counted::Admin(name), owner, caller) {
                    self.led_to.admin_notices.push((name, ToldAdmin::NewDevice));
                }
                *device = self.remember(Counted::Admin(name), owner, caller);
            }
            answer
        });
        self.conclude(&event, ended)
    }

    /// A support desk clears failures and locks.
    pub(crate) fn unlock(&mut self, counted: Counted) -> Result<Answer, Error> {
        self.forget_failures(counted);
        let mut event = Told::about(Action::Unlock).at(counted);
        match counted {
            Counted::Customer(door) => event = event.on(door.0),
            Counted::Admin(name) if name < self.admins.len() => event = event.of(Who::Admin(name)),
            _ => {}
        }
        self.conclude(&event, Ok::<_, (Outcome, Error)>(Answer::Done))
    }
}
