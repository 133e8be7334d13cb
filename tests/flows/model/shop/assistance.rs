//! Assistance: both roads to it, and the conditions of an existing one.

use commerce_auth::{
    Error,
    account::AccountStatus,
    audit::{Action, Refusal},
    error::{AssistanceError, Field, InputError, SignInError, TokenError},
    token::Obtained,
};
use time::Duration;

use super::{
    Answer, Assist, Counted, Door, Ended, Shop, Told, Who,
    trail::{Name, refused},
};

/// The reason that replaces a blank one, unless the shop demands a reason.
pub(crate) const NO_REASON: &str = "No reason given";

impl Shop {
    /// True if at this moment the customer consents, the admin user is signed in, active and
    /// permitted, and the shop offers assistance.
    pub(super) fn assists(&self, assist: Assist, customer: usize) -> Ended<()> {
        self.consents(customer)?;
        if !self.is_live(assist.parent) {
            return refused(Refusal::AdminSignedOut, Error::Token(TokenError::Invalid));
        }
        self.is_permitted(assist.actor)
    }

    fn consents(&self, customer: usize) -> Ended<()> {
        let Some(row) = self.customers.get(customer) else {
            return refused(Refusal::UnknownAccount, Error::Assistance(AssistanceError::NoSuchCustomer));
        };
        match row.status {
            AccountStatus::Active if row.consents => Ok(()),
            AccountStatus::Active => {
                refused(Refusal::NoConsent, Error::Assistance(AssistanceError::NoConsent))
            }
            AccountStatus::Unconfirmed => {
                refused(Refusal::AccountUnconfirmed, Error::SignIn(SignInError::NotConfirmed))
            }
            _ => refused(Refusal::AccountDisabled, Error::Assistance(AssistanceError::CustomerDisabled)),
        }
    }

    fn is_permitted(&self, admin: usize) -> Ended<()> {
        let row = &self.admins[admin];
        if !row.active {
            refused(Refusal::AdminDisabled, Error::Token(TokenError::Invalid))
        } else if !self.setup.assistance {
            refused(Refusal::AssistanceOff, Error::Assistance(AssistanceError::Disabled))
        } else if !row.permissions[0] {
            refused(Refusal::NoPermission, Error::Assistance(AssistanceError::Disabled))
        } else if !row.permissions[1] {
            refused(Refusal::NoPermission, Error::Assistance(AssistanceError::NotPermitted))
        } else {
            Ok(())
        }
    }

    /// Returns the assistance that the holder of a token may give, before any customer is read.
    fn assistance_by(&self, token: usize, reason: &'static str, event: &mut Told) -> Ended<Assist> {
        let Who::Admin(actor) = self.tokens[token].owner else {
            self.about_token(event, token);
            return refused(Refusal::NotAnAdmin, Error::Token(TokenError::NotAuthorized));
        };
        (event.actor, event.parent) = (Some(actor), Some(token));
        self.is_permitted(actor)?;
        let reason = match (reason.trim(), self.setup.demands_reason) {
            ("", true) => {
                return refused(Refusal::NoReason, Error::Input(InputError::Required(Field::Reason)));
            }
            ("", false) => NO_REASON,
            _ => reason,
        };
        event.reason = Some(reason);
        Ok(Assist { actor, parent: token, reason })
    }

    pub(crate) fn token_as_admin(
        &mut self,
        bearer: Option<usize>,
        door: Door,
        reason: &'static str,
    ) -> Result<Answer, Error> {
        let bearer = self.live(bearer)?;
        let mut event = Told::about(Action::AssistanceToken).on(door.0).at(Counted::Customer(door));
        let ended = self.assist(bearer, door, reason, &mut event);
        self.conclude(&event, ended)
    }

    fn assist(&mut self, bearer: usize, door: Door, reason: &'static str, event: &mut Told) -> Ended<Answer> {
        let assist = self.assistance_by(bearer, reason, event)?;
        let Some(customer) = self.find(door) else {
            return refused(Refusal::UnknownAccount, Error::Assistance(AssistanceError::NoSuchEmail));
        };
        event.subject = Some(Who::Customer(customer));
        self.consents(customer)?;
        let until = Some(self.tokens[bearer].expires);
        let owner = (Who::Customer(customer), Some(door.0));
        let answer = self.issue(owner, Obtained::AsAdmin, Some(assist), until);
        self.about_token(event, self.tokens.len() - 1);
        self.begin(event);
        self.enter(self.tokens.len() - 1);
        Ok(answer)
    }

    pub(crate) fn one_time_code(
        &mut self,
        bearer: Option<usize>,
        customer: usize,
        reason: &'static str,
    ) -> Result<Answer, Error> {
        let bearer = self.live(bearer)?;
        let mut event = Told::about(Action::CodeMint).of(Who::Customer(customer));
        let ended = self.mint(bearer, customer, reason, &mut event);
        self.conclude(&event, ended)
    }

    fn mint(
        &mut self,
        bearer: usize,
        customer: usize,
        reason: &'static str,
        event: &mut Told,
    ) -> Ended<Answer> {
        let assist = self.assistance_by(bearer, reason, event)?;
        self.consents(customer)?;
        let site = self.customers[customer].site;
        let expires = self.tokens[bearer].expires.min(self.now + Duration::seconds(30));
        let code = self.put(customer, site, Some(assist), expires);
        (event.site, event.grant) = (Some(site), Some(Name::Secret(code)));
        self.begin(event);
        Ok(Answer::Code(code, customer, site, expires))
    }
}
