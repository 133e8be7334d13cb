//! One step: what is asked of the crate, and of its model.

use std::{fmt::Write, net::IpAddr};

use commerce_auth::{
    AdminSignIn, Bearer, Error, Keep, Origin, PasswordReset, PasswordResetRequest, SignIn, SignedIn,
};
use pollster::block_on;
use proptest::{prelude::*, test_runner::TestCaseError};
use time::{Duration, OffsetDateTime as Time};

use super::{
    ADDRESSES, FLOOD, NOWHERE, PASSWORDS, REASON, USERNAMES,
    names::{admin_id, customer_id, digest, source, source_called, website},
    op::{At, EndOf, Filed, From, History, Kind, Op, Pick, Why, With},
    world::{Checked, START, World, password_hash, presented},
};
use crate::shop::{Answer, Counted, Door, Name, New, Presented, Scope, Who};

/// What a token may not do that was born of assistance: all but to be verified and to end itself.
const fn is_the_customers_own(op: &Op) -> bool {
    matches!(
        op,
        Op::Confirm { .. }
            | Op::Change { .. }
            | Op::Consent { .. }
            | Op::List { .. }
            | Op::RevokeAll { .. }
            | Op::RevokeListed { .. }
            | Op::TokenAsAdmin { .. }
            | Op::OneTimeCode { .. }
    )
}

impl World {
    /// Takes the steps one by one; what went wrong is told as the whole story.
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
            Op::Flood { site, address, times } => (0..times).try_for_each(|_| {
                self.floods += 1;
                let source = source_called(FLOOD + self.floods);
                self.sign_in((site, address), ADDRESSES[address], source, With::Wrong, true)
            }),
            Op::AdminSignIn { name, from, with, times } => {
                let from = self.from(from);
                (0..times).try_for_each(|_| self.admin_sign_in(name, from, with))
            }
            Op::RequestReset { at, from, times } => {
                let (door, spelled) = (self.door(at, With::Wrong), self.spelled(at, With::Wrong));
                let (address, name) = self.from(from);
                self.origin = origin(address);
                (0..times).try_for_each(|_| {
                    let request = PasswordResetRequest::new(spelled.as_str()).on(website(door.0));
                    let got = block_on(self.auth.request_password_reset(request.from(self.origin.clone())));
                    let expected = self.shop.request_reset(door, (name != NOWHERE).then_some(name));
                    self.compare(&got.map(|()| Answer::Done), &expected)
                })
            }
            Op::Reset { at, from, with, new, times } => {
                let (door, spelled, from) = (self.door(at, with), self.spelled(at, with), self.from(from));
                (0..times).try_for_each(|_| self.reset(door, &spelled, from, with, new))
            }
            Op::TokenAsAdmin { by, site, address, why } => {
                let (token, text) = self.pick(by);
                let bearer = Bearer::from(&text).on(website(site)).sent_from(&self.origin);
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
                let bearer = Bearer::from(&text).sent_from(&self.origin);
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
                let expected = self.shop.admin_changed(admin);
                self.compare(&got.map(|()| Answer::Done), &expected)
            }
            Op::CustomerChanged { customer, change } => {
                let got = block_on(self.auth.customer_changed(&customer_id(customer), change));
                let expected = self.shop.customer_changed(customer);
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
            _ => {
                self.happen(op);
                Ok(())
            }
        }
    }

    /// What the crate is not told of.
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
            Op::Purge => {
                block_on(self.auth.purge(usize::MAX)).unwrap();
                self.shop.sweep();
            }
            _ => unreachable!("{op:?}"),
        }
    }

    fn sign_in(
        &mut self,
        door: Door,
        spelled: &str,
        (address, source): (Option<IpAddr>, u32),
        with: With,
        chain: bool,
    ) -> Checked {
        let (credential, text) = self.present(with, self.shop.find(door));
        self.origin = origin(address);
        let sign_in = SignIn::new(spelled, text.as_str()).on(website(door.0)).from(self.origin.clone());
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
            true => self.shop.sign_in(door, source, credential),
            false => self.shop.exchange(door, source, credential),
        };
        self.compare(&got, &expected)
    }

    fn admin_sign_in(
        &mut self,
        name: usize,
        (address, source): (Option<IpAddr>, u32),
        with: With,
    ) -> Checked {
        let (credential, text) = match with {
            With::Own => (Presented::Password(name), PASSWORDS[name].to_owned()),
            other => self.present(other, None),
        };
        self.origin = origin(address);
        let sign_in = AdminSignIn::new(USERNAMES[name].to_uppercase(), text).from(self.origin.clone());
        let got = match block_on(self.auth.generate_admin_token(sign_in)) {
            Ok(signed_in) => {
                let (place, token) = self.issued(signed_in.token().expose())?;
                prop_assert_eq!(signed_in.expires_at(), token.expires);
                let owner = token.owner == Who::Admin(name);
                prop_assert!(owner && *signed_in.admin_id() == admin_id(name), "whose token it is");
                Ok(Answer::Issued(place, token))
            }
            Err(error) => Err(error),
        };
        let expected = self.shop.admin_sign_in(name, source, credential);
        self.compare(&got, &expected)
    }

    fn reset(
        &mut self,
        door: Door,
        spelled: &str,
        (address, source): (Option<IpAddr>, u32),
        with: With,
        new: New,
    ) -> Checked {
        let customer = self.shop.find(door);
        let (credential, text) = self.present(with, customer);
        self.origin = origin(address);
        let reset = PasswordReset::new(spelled, text, new_password(new, door.1));
        let reset = reset.on(website(door.0)).from(self.origin.clone());
        let got = block_on(self.auth.reset_password(reset)).map(|()| Answer::Done);
        let expected = self.shop.reset(door, source, credential, new);
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

    /// What somebody does who presents a token.
    fn act(&mut self, op: &Op) -> Checked {
        let (by, on) = match *op {
            Op::Confirm { by, on, .. }
            | Op::Change { by, on, .. }
            | Op::Consent { by, on, .. }
            | Op::List { by, on }
            | Op::Revoke { by, on }
            | Op::RevokeAll { by, on, .. } => (by, on),
            Op::RevokeListed { by, .. } | Op::RevokeAdmin { by } => (by, Filed::Right),
            _ => unreachable!("{op:?}"),
        };
        let (token, text) = self.pick(by);
        let row = token.map(|token| self.shop.tokens[token]);
        let site = on.site(row.and_then(|row| row.site).unwrap_or(0));
        let customer = row.and_then(|row| match row.owner {
            Who::Customer(customer) => Some(customer),
            Who::Admin(_) => None,
        });
        self.origin = Origin::default().correlation_id("an act").user_agent("a browser");
        let origin = self.origin.clone();
        let bearer = Bearer::from(&text).on(website(site)).sent_from(&origin);
        let done = |got: Result<(), Error>| got.map(|()| Answer::Done);
        let (got, expected) = match *op {
            Op::Confirm { with, .. } => {
                let (credential, text) = self.present(with, customer);
                let got = done(block_on(self.auth.confirm_password(bearer, text)));
                (got, self.shop.confirm(token, site, credential))
            }
            Op::Change { with, new, .. } => {
                let (credential, text) = self.present(with, customer);
                let address = customer.map_or(0, |customer| self.shop.customers[customer].address);
                let changed = self.auth.change_password(bearer, text, new_password(new, address));
                (done(block_on(changed)), self.shop.change(token, site, credential, new))
            }
            Op::Consent { allowed, .. } => {
                let got = done(block_on(self.auth.set_remote_shopping_assistance(bearer, allowed)));
                (got, self.shop.consent(token, site, allowed))
            }
            Op::List { .. } => {
                let listed = block_on(self.auth.list_customer_tokens(bearer));
                let got = listed.map(|listed| {
                    let newest_first = listed.is_sorted_by_key(|one| std::cmp::Reverse(one.grant.issued_at));
                    let named = listed.iter().map(|one| match self.names.of(&one.grant.digest) {
                        Name::Token(token) if newest_first => (token, one.presented),
                        _ => (usize::MAX, one.presented),
                    });
                    Answer::Listed(named.collect())
                });
                (got, self.shop.list(token, site))
            }
            Op::Revoke { .. } => {
                let got = done(block_on(self.auth.revoke_customer_token(bearer)));
                (got, self.shop.revoke(token, site))
            }
            Op::RevokeAll { keep, .. } => {
                let kept = if keep { Keep::Presented } else { Keep::Nothing };
                let got = done(block_on(self.auth.revoke_all_customer_tokens(bearer, kept)));
                (got, self.shop.revoke_all(token, site, keep))
            }
            Op::RevokeListed { other, .. } => {
                let named = digest(&self.pick(other).1);
                let got = block_on(self.auth.revoke_listed_customer_token(bearer, &named));
                let expected = self.shop.revoke_listed(token, site, self.names.of(&named));
                (got.map(Answer::Had), expected)
            }
            _ => {
                let got = done(block_on(self.auth.revoke_admin_token(bearer)));
                (got, self.shop.revoke_admin(token))
            }
        };
        self.compare(&got, &expected)?;
        self.not_by_assistance(op, token, &got)
    }

    fn not_by_assistance(&self, op: &Op, token: Option<usize>, got: &Result<Answer, Error>) -> Checked {
        let assisted = token.is_some_and(|token| self.shop.tokens[token].assist.is_some());
        prop_assert!(!(assisted && is_the_customers_own(op) && got.is_ok()), "done by assistance");
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
        prop_assert!(is_owners, "whose token it is");
        Ok(Ok(Answer::Issued(place, token)))
    }

    fn secret_of(&self, with: With) -> Option<usize> {
        let (code, back) = match with {
            With::Code(back) => (true, back),
            With::Mailed(back) => (false, back),
            _ => return None,
        };
        let is_code = |secret: &usize| self.shop.secrets[*secret].assist.is_some() == code;
        (0..self.secrets.len()).rev().filter(is_code).nth(back)
    }

    /// The model's name for a credential at an account, and its text.
    fn present(&self, with: With, customer: Option<usize>) -> (Presented, String) {
        match with {
            With::Own => match customer.and_then(|customer| self.shop.customers[customer].password) {
                Some(n) => (Presented::Password(n), PASSWORDS[n].into()),
                None => (Presented::Wrong, "none".into()),
            },
            With::Password(n) => (Presented::Password(n), PASSWORDS[n].into()),
            With::Code(_) | With::Mailed(_) => match self.secret_of(with) {
                Some(secret) => (Presented::Secret(secret), self.secrets[secret].clone()),
                None => (Presented::Wrong, "0".repeat(32)),
            },
            With::Bearer(pick) => (Presented::Wrong, self.pick(pick).1),
            With::Wrong => (Presented::Wrong, "wrong".into()),
            With::Zero => (Presented::Wrong, "0".into()),
            With::Empty => (Presented::Empty, String::new()),
            With::TooLong => (Presented::TooLong, "x".repeat(1025)),
        }
    }

    /// A token, and its text.
    fn pick(&self, Pick { kind, back }: Pick) -> (Option<usize>, String) {
        let nobodys = || (None, "0".repeat(32));
        let is_of_kind = |token: &usize| {
            let token = &self.shop.tokens[*token];
            match kind {
                Kind::Own => matches!(token.owner, Who::Customer(_)) && token.assist.is_none(),
                Kind::Assisted => token.assist.is_some(),
                Kind::Admin => matches!(token.owner, Who::Admin(_)),
                Kind::Any => true,
                Kind::Secret | Kind::Nobodys => false,
            }
        };
        if let (Kind::Secret, Some(secret)) = (kind, self.secrets.iter().rev().nth(back)) {
            return (None, secret.clone());
        }
        let token = (0..self.tokens.len()).rev().filter(is_of_kind).nth(back);
        token.map_or_else(nobodys, |token| (Some(token), self.tokens[token].clone()))
    }

    fn door(&self, at: At, with: With) -> Door {
        let of = |customer: usize| {
            let row = &self.shop.customers[customer];
            (row.site, row.address)
        };
        match at {
            At::Door { site, address, .. } => (site, address),
            At::Owner => of(self.secret_of(with).map_or(0, |secret| self.shop.secrets[secret].customer)),
            At::LastFailure => match self.shop.last_failure {
                Some((Counted::Customer(door) | Counted::Exchange(door) | Counted::Reset(door), _)) => door,
                _ => of(0),
            },
        }
    }

    fn spelled(&self, at: At, with: With) -> String {
        let address = ADDRESSES[self.door(at, with).1];
        if matches!(at, At::Door { shouted: true, .. }) { address.to_uppercase() } else { address.to_owned() }
    }

    fn from(&self, from: From) -> (Option<IpAddr>, u32) {
        match (from, self.shop.last_failure) {
            (From::Source(place), _) => source(place),
            (From::LastFailure, Some((_, Scope::Source(name)))) => source_called(name),
            (From::LastFailure, _) => source(0),
        }
    }

    fn end(&self, of: EndOf) -> Option<Time> {
        match of {
            EndOf::Secret(back) => self.shop.secrets.iter().rev().nth(back).map(|secret| secret.expires),
            EndOf::Token(pick) => self.pick(pick).0.map(|token| self.shop.tokens[token].expires),
            EndOf::Failures { account } => self.shop.last_failure.and_then(|(counted, scope)| {
                self.shop.reopens(counted, if account { Scope::AllSources } else { scope })
            }),
        }
    }

    fn wait_until(&mut self, at: Time, early: bool) {
        // In microseconds, the finest grain that every store keeps.
        let at = if early { at - Duration::microseconds(1) } else { at };
        if at > self.shop.now {
            self.shop.now = at;
            self.clock.set(at);
        }
    }
}

fn origin(address: Option<IpAddr>) -> Origin {
    address
        .map_or_else(Origin::default, <Origin as std::convert::From<IpAddr>>::from)
        .correlation_id("a form")
}

const fn reason(why: Why) -> &'static str {
    match why {
        Why::Given => REASON,
        Why::Blank => " ",
    }
}

fn new_password(new: New, address: usize) -> String {
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
