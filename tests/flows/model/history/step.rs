//! One step of a history: the call to the crate, and the same call to the model.

use std::{fmt::Write, net::IpAddr};

use commerce_auth::{
    AdminSignIn, Error, Origin, OtcStore, SignIn, SignedIn,
    flow::{CustomerChange, PasswordReset, PasswordResetRequest},
    store::OneTimeCredential,
    token::{Assistance, Bearer, Digest},
};
use pollster::block_on;
use proptest::{prelude::*, test_runner::TestCaseError};
use time::Duration;

use super::{
    ADDRESSES, NOWHERE, PASSWORDS, REASON, SITES, USERNAMES,
    compare::presented,
    names::{admin_id, customer_id, grant_id, website},
    op::{Filed, Flooded, From, History, Op, Pick, Why, With},
    world::{Checked, START, World, password_hash},
};
use crate::model::shop::{Answer, Assist, Caller, Counted, Door, Name, New, Presented, Who};

impl World {
    /// Applies the steps one by one. A failure prints the whole history.
    pub(crate) fn live_through(&mut self, history: &History) -> Checked {
        for (place, op) in history.0.iter().enumerate() {
            let elapsed = self.shop.now - START;
            let _ = writeln!(self.story, "step {place}, after {elapsed}: {op:?}");
            if let Err(TestCaseError::Fail(why) | TestCaseError::Reject(why)) =
                self.step(op).and_then(|()| self.look_around())
            {
                let story = &self.story;
                return Err(TestCaseError::fail(format!("{why}\nThe history up to then:\n{story}")));
            }
        }
        Ok(())
    }

    #[allow(clippy::too_many_lines)] // One arm for each step.
    fn step(&mut self, op: &Op) -> Checked {
        self.origin = Origin::default();
        match *op {
            Op::SignIn { at, from, with, times } => {
                let (door, spelled, from) = (self.door(at, with), self.spelled(at, with), self.from(from));
                (0..times).try_for_each(|_| self.sign_in(door, &spelled, from, with, true))
            }
            Op::Exchange { at, from, with, times } => {
                let (door, spelled, from) = (self.door(at, with), self.spelled(at, with), self.from(from));
                (0..times).try_for_each(|_| self.sign_in(door, &spelled, from, with, false))
            }
            Op::Flood { of, times } => (0..times).try_for_each(|_| self.flood(of)),
            Op::Spray { from, times } => {
                let from = self.from(from);
                (0..times).try_for_each(|turn| self.spray(turn, from))
            }
            Op::AdminSignIn { name, from, with, times } => {
                let from = self.from(from);
                (0..times).try_for_each(|_| self.admin_sign_in(name, from, with))
            }
            Op::RequestReset { at, from, times } => {
                let (door, spelled) = (self.door(at, With::Wrong), self.spelled(at, With::Wrong));
                let (address, Caller { source, .. }) = self.from(from);
                self.origin = origin(address);
                (0..times).try_for_each(|_| {
                    let request = PasswordResetRequest::new(spelled.as_str()).website(website(door.0));
                    let got = block_on(self.auth.request_password_reset(request.origin(self.origin.clone())));
                    let expected = self.shop.request_reset(door, (source != NOWHERE).then_some(source));
                    self.compare(&got.map(|()| Answer::Done), &expected)
                })
            }
            Op::Reset { at, from, with, new, times } => {
                let (door, spelled, from) = (self.door(at, with), self.spelled(at, with), self.from(from));
                (0..times).try_for_each(|_| self.reset(door, &spelled, from, with, new))
            }
            Op::TokenAsAdmin { by, site, address, why } => {
                let (token, text) = self.pick(by);
                let bearer = Bearer::from(&text).website(website(site)).origin(&self.origin);
                let assist =
                    self.auth.generate_customer_token_as_admin(bearer, ADDRESSES[address], reason(why));
                let got = block_on(assist);
                let got = self.signed_in(got)?;
                let expected = self.shop.token_as_admin(token, (site, address), reason(why));
                self.compare(&got, &expected)?;
                self.not_by_assistance(op, token, &got)
            }
            Op::OneTimeCode { by, customer, why } => {
                let (token, text) = self.pick(by);
                let bearer = Bearer::from(&text).origin(&self.origin);
                let id = customer_id(customer);
                let got = match block_on(self.auth.generate_one_time_code(bearer, &id, reason(why))) {
                    Ok(code) => {
                        let place = self.made(code.code().expose())?;
                        let customer = (0..8).find(|customer| customer_id(*customer) == *code.customer_id());
                        let site = (0..2).find(|site| website(*site) == *code.website());
                        let (customer, site) = (customer.unwrap_or(99), site.unwrap_or(99));
                        Ok(Answer::Code(place, customer, site, code.expires_at()))
                    }
                    Err(error) => Err(error),
                };
                let expected = self.shop.one_time_code(token, customer, reason(why));
                self.compare(&got, &expected)?;
                self.not_by_assistance(op, token, &got)
            }
            Op::Confirm { times, .. } => (0..times).try_for_each(|_| self.act(op)),
            Op::Change { .. }
            | Op::Consent { .. }
            | Op::List { .. }
            | Op::Revoke { .. }
            | Op::RevokeAll { .. }
            | Op::RevokeListed { .. }
            | Op::RevokeAdmin { .. } => self.act(op),
            Op::AdminChanged { admin, change } => {
                let got = block_on(self.auth.admin_changed(&admin_id(admin), change));
                let expected = self.shop.admin_changed(admin, change);
                self.compare(&got.map(|()| Answer::Done), &expected)
            }
            Op::CustomerChanged { customer, ref change } => {
                let got = block_on(self.auth.customer_changed(&customer_id(customer), change.clone()));
                let before = match change {
                    CustomerChange::EmailChanged { from } => {
                        ADDRESSES.iter().position(|address| address == from)
                    }
                    _ => None,
                };
                let expected = self.shop.customer_changed(customer, change, before);
                self.compare(&got.map(|()| Answer::Done), &expected)
            }
            Op::RevokeEverything => {
                let got = block_on(self.auth.revoke_everything());
                let expected = self.shop.revoke_everything();
                self.compare(&got.map(|()| Answer::Done), &expected)
            }
            Op::UnlockCustomer { at } => {
                let (door, spelled) = (self.door(at, With::Wrong), self.spelled(at, With::Wrong));
                let got = block_on(self.auth.unlock_customer(&website(door.0), &spelled));
                let expected = self.shop.unlock(Counted::Customer(door));
                self.compare(&got.map(|()| Answer::Done), &expected)
            }
            Op::UnlockAdmin { name } => {
                let got = block_on(self.auth.unlock_admin(USERNAMES[name]));
                let expected = self.shop.unlock(Counted::Admin(name));
                self.compare(&got.map(|()| Answer::Done), &expected)
            }
            Op::UnlockByLink { name, from, back } => {
                let (address, Caller { source, .. }) = self.from(from);
                self.origin = origin(address);
                let link = (0..self.links.len()).rev().nth(back);
                let text = link.map_or_else(|| "0".repeat(32), |link| self.links[link].clone());
                let got = block_on(self.auth.unlock_admin_by_link(USERNAMES[name], text, &self.origin));
                let expected = self.shop.unlock_by_link(name, source, link);
                self.compare(&got.map(|()| Answer::Done), &expected)
            }
            Op::Purge => {
                let got = block_on(self.auth.purge(usize::MAX)).map(|_| Answer::Done);
                let expected = Ok(self.shop.purge());
                self.compare(&got, &expected)
            }
            _ => {
                self.happen(op);
                Ok(())
            }
        }
    }

    fn flood(&mut self, of: Flooded) -> Checked {
        let from = self.from(From::Stranger);
        let (spelled, with) = (|(_, address): Door| ADDRESSES[address], With::Wrong);
        match of {
            Flooded::SignIn(door) => self.sign_in(door, spelled(door), from, with, true),
            Flooded::RightSignIn(door) => self.sign_in(door, spelled(door), from, With::Own, true),
            Flooded::AdminSignIn(name) => self.admin_sign_in(name, from, with),
            Flooded::Exchange(door) => self.sign_in(door, spelled(door), from, with, false),
            Flooded::Reset(door) => self.reset(door, spelled(door), from, with, New::Good(0)),
        }
    }

    fn spray(&mut self, turn: usize, from: (Option<IpAddr>, Caller)) -> Checked {
        let door = (turn % SITES.len(), turn / SITES.len() % ADDRESSES.len());
        let (spelled, with) = (ADDRESSES[door.1], With::Wrong);
        match turn / 10 % 4 {
            0 => self.sign_in(door, spelled, from, with, true),
            1 => self.sign_in(door, spelled, from, with, false),
            2 => self.reset(door, spelled, from, with, New::Good(0)),
            _ => self.admin_sign_in(turn % USERNAMES.len(), from, with),
        }
    }

    /// Changes that the crate is not notified of.
    fn happen(&mut self, op: &Op) {
        match *op {
            Op::Wait(span) => self.wait_until(self.shop.now + span, false),
            Op::WaitFor { of, early } => {
                if let Some(at) = self.end(of) {
                    self.wait_until(at, early);
                }
            }
            Op::HostStatus { customer, status } => {
                self.shop.customers[customer].status = status;
                self.host_changes(customer, |row| row.status = status);
            }
            Op::HostConsent { customer, given } => {
                self.shop.customers[customer].consents = given;
                self.host_changes(customer, |row| row.allows_assistance = given);
            }
            Op::HostPassword { customer, password } => {
                self.shop.customers[customer].password = password;
                self.host_changes(customer, |row| row.password_hash = password.map(password_hash));
            }
            Op::HostMoves { customer, site, address } => {
                if self.shop.find((site, address)).is_none() {
                    let row = &mut self.shop.customers[customer];
                    (row.site, row.address) = (site, address);
                    self.host_changes(customer, |row| {
                        (row.website, row.email) = (website(site), ADDRESSES[address].into());
                    });
                }
            }
            Op::HostAdmin { admin, active } => {
                self.shop.admins[admin].active = active;
                self.host_changes_admin(admin);
            }
            Op::HostPermission { admin, permission, has } => {
                self.shop.admins[admin].permissions[permission] = has;
                self.host_changes_admin(admin);
            }
            Op::Restart(setup) => self.restart(setup),
            Op::Stored { customer, on, by } => self.store_credential(customer, on, by),
            _ => unreachable!("{op:?}"),
        }
    }

    /// Stores a credential that no flow made, and that lives for ten minutes.
    fn store_credential(&mut self, customer: usize, on: Filed, by: Option<Pick>) {
        let Some(codes) = self.codes.clone() else { return };
        let (now, id, under) = (self.shop.now, customer_id(customer), self.generation(customer));
        let expires = now + Duration::minutes(10);
        let site = on.site(self.shop.customers[customer].site);
        let text = format!("feed{:028x}", self.secrets.len());
        let digest = Digest::of(text.as_bytes());
        let (credential, assist) = match by {
            None => (OneTimeCredential::reset_token(digest, website(site), id, under, now, expires), None),
            Some(by) => {
                let Some(parent) = self.pick(by).0 else { return };
                let Who::Admin(actor) = self.shop.tokens[parent].owner else { return };
                let by = Assistance::new(admin_id(actor), grant_id(&self.tokens[parent]), REASON);
                let code =
                    OneTimeCredential::one_time_code(digest, website(site), id, under, by, now, expires);
                (code, Some(Assist { actor, parent, reason: REASON }))
            }
        };
        assert!(block_on(codes.put(&credential, 3, now)).unwrap());
        self.names.grants.insert(grant_id(&text), Name::Secret(self.secrets.len()));
        self.secrets.push(text);
        self.shop.put(customer, site, assist, expires);
    }

    fn sign_in(
        &mut self,
        door: Door,
        spelled: &str,
        (address, caller): (Option<IpAddr>, Caller),
        with: With,
        chain: bool,
    ) -> Checked {
        let (credential, text) = self.present(with, self.shop.find(door));
        self.origin = origin(address);
        let mut sign_in =
            SignIn::new(spelled, text.as_str()).website(website(door.0)).origin(self.origin.clone());
        if let Some(device) = caller.device {
            sign_in = sign_in.device(&self.devices[device]);
        }
        let code = self.shop.find(door).map(|customer| presented(&text, customer, door.0));
        *self.sink.presented.lock().unwrap() = code;
        let secret_was_spent =
            matches!(credential, Presented::Secret(secret) if self.shop.secrets[secret].spent);
        let got = match chain {
            true => block_on(self.auth.generate_customer_token(sign_in)),
            false => block_on(self.auth.exchange_one_time_code(sign_in)),
        };
        let got = self.signed_in(got)?;
        prop_assert!(!(got.is_ok() && secret_was_spent), "a one-time credential worked twice");
        let expected = match chain {
            true => self.shop.sign_in(door, caller, credential),
            false => self.shop.exchange(door, caller, credential),
        };
        self.compare(&got, &expected)
    }

    fn admin_sign_in(
        &mut self,
        name: usize,
        (address, caller): (Option<IpAddr>, Caller),
        with: With,
    ) -> Checked {
        let (credential, text) = match with {
            With::Own => (Presented::Password(name), PASSWORDS[name].to_owned()),
            other => self.present(other, None),
        };
        self.origin = origin(address);
        let mut sign_in = AdminSignIn::new(USERNAMES[name].to_uppercase(), text).origin(self.origin.clone());
        if let Some(device) = caller.device {
            sign_in = sign_in.device(&self.devices[device]);
        }
        let got = match block_on(self.auth.generate_admin_token(sign_in)) {
            Ok(signed_in) => {
                let (place, token) = self.issued(signed_in.token().expose())?;
                prop_assert_eq!(signed_in.expires_at(), token.expires);
                let owner = token.owner == Who::Admin(name);
                prop_assert!(owner && *signed_in.admin_id() == admin_id(name), "the owner of the token");
                Ok(Answer::Issued(place, token, self.handed_out(signed_in.device())?))
            }
            Err(error) => Err(error),
        };
        let expected = self.shop.admin_sign_in(name, caller, credential);
        self.compare(&got, &expected)
    }

    fn reset(
        &mut self,
        door: Door,
        spelled: &str,
        (address, caller): (Option<IpAddr>, Caller),
        with: With,
        new: New,
    ) -> Checked {
        let customer = self.shop.find(door);
        let (credential, text) = self.present(with, customer);
        self.origin = origin(address);
        let reset = PasswordReset::new(spelled, text, new_password(new, door.1));
        let reset = reset.website(website(door.0)).origin(self.origin.clone());
        let got = block_on(self.auth.reset_password(reset)).map(|()| Answer::Done);
        let expected = self.shop.reset(door, caller, credential, new);
        self.compare(&got, &expected)?;
        if let (Ok(_), Some(customer)) = (&got, customer) {
            let left = self.shop.live_of(customer).count();
            prop_assert_eq!(left, 0, "a reset ends all tokens");
            let outstanding = (0..self.secrets.len()).filter(|secret| {
                self.shop.secrets[*secret].customer == customer && self.shop.is_outstanding(*secret)
            });
            prop_assert_eq!(outstanding.count(), 0, "a reset ends all one-time credentials");
        }
        Ok(())
    }

    fn signed_in(&mut self, got: Result<SignedIn, Error>) -> Result<Result<Answer, Error>, TestCaseError> {
        let signed_in = match got {
            Ok(signed_in) => signed_in,
            Err(error) => return Ok(Err(error)),
        };
        let (place, token) = self.issued(signed_in.token().expose())?;
        prop_assert_eq!(signed_in.expires_at(), token.expires);
        prop_assert_eq!(signed_in.obtained(), token.obtained);
        let is_owners = matches!(token.owner, Who::Customer(owner)
            if customer_id(owner) == *signed_in.customer_id());
        prop_assert!(is_owners, "the owner of the token");
        Ok(Ok(Answer::Issued(place, token, self.handed_out(signed_in.device())?)))
    }
}

fn origin(address: Option<IpAddr>) -> Origin {
    address.map_or_else(Origin::default, Origin::from).correlation_id("a form")
}

const fn reason(why: Why) -> &'static str {
    match why {
        Why::Given => REASON,
        Why::Blank => " ",
    }
}

pub(super) fn new_password(new: New, address: usize) -> String {
    match new {
        New::Good(password) => PASSWORDS[password].into(),
        New::Empty => String::new(),
        New::Short => "Passw0r".into(),
        New::Long => "aB3".repeat(86)[..257].into(),
        New::Huge => "aB3".repeat(400),
        New::Edge => " Passw0rd".into(),
        New::TwoClasses => "passw0rd".into(),
        New::Address => ADDRESSES[address].to_uppercase(),
    }
}
