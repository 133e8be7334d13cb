//! The use of a token, and its end.

use commerce_auth::{
    Error,
    audit::{Action, Outcome, Refusal},
    error::TokenError,
    flow::{AdminChange, CustomerChange},
    token::AssistanceEnd,
};

use super::{
    Answer, Notified, Shop, Told, ToldAdmin, Who,
    trail::{Name, refused},
};

impl Shop {
    /// None stands for a text that is no token. Uses of an ended token are not recorded.
    pub(super) fn live(&self, bearer: Option<usize>) -> Result<usize, Error> {
        let token = bearer.ok_or(Error::Token(TokenError::Invalid))?;
        if self.is_live(token) { Ok(token) } else { Err(Error::Token(TokenError::Invalid)) }
    }

    pub(crate) fn verify(&mut self, bearer: Option<usize>, site: usize) -> Result<usize, Error> {
        let token = self.live(bearer)?;
        match self.tokens[token].owner {
            Who::Customer(_) => self.customers_token(token, site),
            Who::Admin(_) => self.admins_token(token),
        }
    }

    pub(crate) fn verify_customer(&mut self, bearer: Option<usize>, site: usize) -> Result<usize, Error> {
        let token = self.live(bearer)?;
        self.customers_token(token, site)
    }

    pub(crate) fn verify_admin(&mut self, bearer: Option<usize>) -> Result<usize, Error> {
        let token = self.live(bearer)?;
        self.admins_token(token)
    }

    fn customers_token(&mut self, token: usize, site: usize) -> Result<usize, Error> {
        let row = self.tokens[token];
        let Who::Customer(customer) = row.owner else { return Err(Error::Token(TokenError::NotAuthorized)) };
        if row.site != Some(site) {
            return Err(Error::Token(TokenError::NotAuthorized));
        }
        if let Some(assist) = row.assist
            && let Err((Outcome::Refused(why), _)) = self.assists(assist, customer)
        {
            let event = self.by_customer(Action::AssistanceUse, token);
            self.note(event, why);
            return Err(Error::Token(TokenError::Invalid));
        }
        Ok(token)
    }

    fn admins_token(&mut self, token: usize) -> Result<usize, Error> {
        let Who::Admin(admin) = self.tokens[token].owner else {
            return Err(Error::Token(TokenError::NotAuthorized));
        };
        if !self.admins[admin].active {
            let event = self.by_customer(Action::AdminUse, token);
            self.note(event, Refusal::AdminDisabled);
            return Err(Error::Token(TokenError::Invalid));
        }
        Ok(token)
    }

    /// For operations that a token of assistance may not do: returns the token and its customer.
    pub(super) fn own(
        &mut self,
        bearer: Option<usize>,
        site: usize,
        action: Action,
    ) -> Result<(usize, usize), Error> {
        let token = self.verify_customer(bearer, site)?;
        if self.tokens[token].assist.is_some() {
            let event = self.by_customer(action, token);
            let ended = refused(Refusal::Assisting, Error::Token(TokenError::NotAuthorized));
            self.conclude(&event, ended)?;
        }
        match self.tokens[token].owner {
            Who::Customer(customer) => Ok((token, customer)),
            Who::Admin(_) => Err(Error::Token(TokenError::NotAuthorized)),
        }
    }

    /// Returns the customer's live tokens, including those of assistance.
    pub(crate) fn list(&mut self, bearer: Option<usize>, site: usize) -> Result<Answer, Error> {
        let (token, customer) = self.own(bearer, site, Action::TokenList)?;
        Ok(Answer::Listed(self.live_of(customer).map(|other| (other, other == token)).collect()))
    }

    pub(crate) fn live_of(&self, customer: usize) -> impl Iterator<Item = usize> {
        let owner = Who::Customer(customer);
        (0..self.tokens.len()).filter(move |token| self.tokens[*token].owner == owner && self.is_live(*token))
    }

    pub(crate) fn revoke(&mut self, bearer: Option<usize>, site: usize) -> Result<Answer, Error> {
        let token = self.verify_customer(bearer, site)?;
        let all = self.setup.revokes_all && self.tokens[token].assist.is_none();
        let event = self.by_customer(if all { Action::AllTokensRevoke } else { Action::TokenRevoke }, token);
        self.tokens[token].revoked = true;
        if all {
            match self.tokens[token].owner {
                Who::Customer(customer) => self.end_credentials(customer, None),
                owner @ Who::Admin(_) => self.end_tokens(owner, None),
            }
        } else {
            self.close(token, AssistanceEnd::SignedOut);
        }
        self.conclude(&event, Ok(Answer::Done))
    }

    pub(crate) fn revoke_all(
        &mut self,
        bearer: Option<usize>,
        site: usize,
        keep: bool,
    ) -> Result<Answer, Error> {
        let (token, customer) = self.own(bearer, site, Action::AllTokensRevoke)?;
        self.end_credentials(customer, keep.then_some(token));
        let event = self.by_customer(Action::AllTokensRevoke, token);
        self.conclude(&event, Ok(Answer::Done))
    }

    pub(crate) fn revoke_listed(
        &mut self,
        bearer: Option<usize>,
        site: usize,
        other: Name,
    ) -> Result<Answer, Error> {
        let (token, customer) = self.own(bearer, site, Action::TokenRevoke)?;
        let Name::Token(other) = other else { return Ok(Answer::Had(false)) };
        if !self.live_of(customer).any(|live| live == other) {
            return Ok(Answer::Had(false));
        }
        self.tokens[other].revoked = true;
        self.close(other, AssistanceEnd::EndedByCustomer);
        let event = Told { grant: Some(Name::Token(other)), ..self.by_customer(Action::TokenRevoke, token) };
        self.conclude(&event, Ok(Answer::Had(true)))
    }

    /// Tokens of assistance end with it. They are checked at every use.
    pub(crate) fn revoke_admin(&mut self, bearer: Option<usize>) -> Result<Answer, Error> {
        let token = self.verify_admin(bearer)?;
        self.tokens[token].revoked = true;
        if let Who::Admin(admin) = self.tokens[token].owner {
            self.settle_by(admin);
        }
        let event = self.by_customer(Action::TokenRevoke, token);
        self.conclude(&event, Ok(Answer::Done))
    }

    pub(crate) fn admin_changed(&mut self, admin: usize, change: AdminChange) -> Result<Answer, Error> {
        self.end_tokens(Who::Admin(admin), None);
        self.settle_by(admin);
        self.forget_devices(Who::Admin(admin));
        if change == AdminChange::PasswordChanged {
            self.led_to.admin_notices.push((admin, ToldAdmin::PasswordSetByHost));
        }
        self.conclude(&Told::about(Action::AccountChange).of(Who::Admin(admin)), Ok(Answer::Done))
    }

    /// `before` is the place of the address before the change.
    pub(crate) fn customer_changed(
        &mut self,
        customer: usize,
        change: &CustomerChange,
        before: Option<usize>,
    ) -> Result<Answer, Error> {
        self.end_credentials(customer, None);
        self.forget_devices(Who::Customer(customer));
        match change {
            CustomerChange::PasswordChanged => {
                self.led_to.notices.push((customer, Notified::PasswordSetByHost));
            }
            CustomerChange::EmailChanged { .. } => {
                let stored = self.customers[customer].address;
                let told = before.filter(|before| *before != stored).into_iter().chain([stored]);
                self.led_to.notices.extend(told.map(|address| (customer, Notified::EmailChanged(address))));
            }
            _ => {}
        }
        self.conclude(&Told::about(Action::AccountChange).of(Who::Customer(customer)), Ok(Answer::Done))
    }

    /// Ends all tokens and one-time credentials of all accounts.
    pub(crate) fn revoke_everything(&mut self) -> Result<Answer, Error> {
        self.end_secrets(|_| true);
        self.tokens.iter_mut().for_each(|token| token.revoked = true);
        self.conclude(&Told::about(Action::EverythingRevoke), Ok(Answer::Done))
    }
}
