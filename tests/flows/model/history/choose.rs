//! Resolves a step: which account, token and secret it means.

use std::net::IpAddr;

use time::{Duration, OffsetDateTime as Time};

use super::{
    ADDRESSES, PASSWORDS, STRANGERS,
    names::{source, source_called},
    op::{At, EndOf, From, Kind, Pick, With},
    world::World,
};
use crate::model::shop::{Caller, Counted, Door, Presented, Scope, Shop, Who};

impl World {
    pub(super) fn secret_of(&self, with: With) -> Option<usize> {
        let (code, back) = match with {
            With::Code(back) => (true, back),
            With::Mailed(back) => (false, back),
            _ => return None,
        };
        let is_code = |secret: &usize| self.shop.secrets[*secret].assist.is_some() == code;
        (0..self.secrets.len()).rev().filter(is_code).nth(back)
    }

    /// Returns the model's name for a credential at an account, and the text of the credential.
    pub(super) fn present(&self, with: With, customer: Option<usize>) -> (Presented, String) {
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

    /// Returns a token, and its text.
    pub(super) fn pick(&self, Pick { kind, back }: Pick) -> (Option<usize>, String) {
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

    pub(super) fn door(&self, at: At, with: With) -> Door {
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

    pub(super) fn spelled(&self, at: At, with: With) -> String {
        let address = ADDRESSES[self.door(at, with).1];
        if matches!(at, At::Door { shouted: true, .. }) { address.to_uppercase() } else { address.to_owned() }
    }

    pub(super) fn from(&mut self, from: From) -> (Option<IpAddr>, Caller) {
        let (address, source) = match (from, self.shop.last_failure) {
            (From::Source(place) | From::Device(place, _), _) => source(place),
            (From::LastFailure, Some((_, Scope::Source(name)))) => source_called(name),
            (From::LastFailure, _) => source(0),
            (From::Stranger, _) => {
                self.strangers += 1;
                source_called(STRANGERS + self.strangers)
            }
        };
        let device = match from {
            From::Device(_, back) => (0..self.devices.len()).rev().nth(back),
            _ => None,
        };
        (address, Caller { source, device })
    }

    pub(super) fn end(&self, of: EndOf) -> Option<Time> {
        match of {
            EndOf::Secret(back) => self.shop.secrets.iter().rev().nth(back).map(|secret| secret.expires),
            EndOf::Token(pick) => self.pick(pick).0.map(|token| self.shop.tokens[token].expires),
            EndOf::Failures { account } => self.shop.last_failure.and_then(|(counted, scope)| {
                self.shop.reopens(counted, if account { Scope::AllSources } else { scope })
            }),
            EndOf::Total => self.shop.last_failure.and_then(|(_, scope)| match scope {
                Scope::Source(source) => {
                    Shop::totals(source).find_map(|total| self.shop.reopens(total, Scope::AllAccounts))
                }
                _ => None,
            }),
            EndOf::Memory => self.shop.last_failure.and_then(|(counted, _)| self.shop.forgets(counted)),
        }
    }

    pub(super) fn wait_until(&mut self, at: Time, early: bool) {
        // One microsecond is the finest unit that every store keeps.
        let at = if early { at - Duration::microseconds(1) } else { at };
        if at > self.shop.now {
            self.shop.now = at;
            self.clock.set(at);
        }
    }
}
