use std::net::IpAddr;

use crate::{
    account::{AdminId, Username},
    config::AuthConfig,
    credential::{Lane, Line},
    service::accounts::Address,
    state::budgets::Budget,
    store::{DocumentId, Partition, Purpose},
    token::network,
};

const CUSTOMER: &str = "customer";
const ADMIN: &str = "admin";
const SECOND_FACTOR: &str = "second factor";
const RECOVERY_CODE: &str = "recovery code";

/// An attempt at an account, known or not, and the budgets that it draws on.
pub(crate) struct Attempted {
    /// The kind of account. In a full store, accounts of one kind share slots.
    pub(super) kind: &'static str,
    pub(super) account: Partition,
    /// The account's budget over all sources.
    pub(super) wide: Option<Budget>,
    /// A narrow scope at the account, and its budget.
    pub(super) narrow: Option<(DocumentId, Budget)>,
    /// True if a spent budget locks the account's password or second factor, and does not only slow down
    /// somebody who asks for something.
    pub(super) locks: bool,
    /// The line in which its hash waits.
    pub(super) line: Line,
}

impl Attempted {
    /// A sign-in: the budget of this source at this account, and the account's wider one over all sources.
    pub(crate) fn sign_in(address: &Address, source: Option<IpAddr>, config: &AuthConfig) -> Self {
        Self::of(CUSTOMER, account_partition(address), source_scope(source), config)
            .in_line(Lane::Strangers, source)
    }

    /// A check of the current password by a signed-in customer: a budget of its own, and the account's wider
    /// one.
    pub(crate) fn confirmation(address: &Address, config: &AuthConfig) -> Self {
        Self::of(CUSTOMER, account_partition(address), DocumentId::of(&[b"confirmation"]), config)
            .in_line(Lane::Known, None)
    }

    /// An admin user's sign-in: budgets of the same size, of its own.
    pub(crate) fn admin_sign_in(username: &Username, source: Option<IpAddr>, config: &AuthConfig) -> Self {
        Self::of(ADMIN, admin_partition(username), source_scope(source), config).in_line(Lane::Admins, source)
    }

    /// A code of an admin user's second factor, from anywhere: only a caller who knows the password or holds
    /// a token gets to try.
    pub(crate) fn second_factor(admin: &AdminId, config: &AuthConfig) -> Self {
        let narrow = Some((DocumentId::of(&[b"second factor"]), config.second_factor_budget));
        let (account, wide) = (second_factor_partition(admin), Some(config.account_budget));
        Self { kind: SECOND_FACTOR, account, wide, narrow, locks: true, line: Line::default() }
    }

    /// A recovery code: a budget for each source, as of a one-time credential.
    pub(crate) fn recovery_code(admin: &AdminId, source: Option<IpAddr>, config: &AuthConfig) -> Self {
        let narrow = Some((source_scope(source), config.second_factor_budget));
        let account = recovery_code_partition(admin);
        Self { kind: RECOVERY_CODE, account, wide: None, narrow, locks: false, line: Line::default() }
    }

    /// A first code of an enrolment. The holder of the token knows its secret, so the budget is one of
    /// requests.
    pub(crate) fn activation(admin: &AdminId, config: &AuthConfig) -> Self {
        Self::request("activation", &[admin.to_string().as_bytes()], config.second_factor_budget)
    }

    /// A mail about an enrolment, asked for by someone with the right password.
    pub(crate) fn enrolment_request(admin: &AdminId, config: &AuthConfig) -> Self {
        Self::request("enrolment request", &[admin.to_string().as_bytes()], config.reset_account_budget)
    }

    /// A check of the current password by a signed-in admin user.
    pub(crate) fn admin_confirmation(username: &Username, config: &AuthConfig) -> Self {
        Self::of(ADMIN, admin_partition(username), DocumentId::of(&[b"confirmation"]), config)
            .in_line(Lane::Admins, None)
    }

    /// A one-time credential presented by itself: a budget of its own for each source, which no password lock
    /// stops. Nobody guesses such a secret, so there is no wider budget for a flood to spend. Each source has a
    /// partition of its own, so that sources do not wait for each other.
    pub(crate) fn redemption(
        purpose: Purpose,
        address: &Address,
        source: Option<IpAddr>,
        config: &AuthConfig,
    ) -> Self {
        let kind = match purpose {
            Purpose::ResetToken => "password reset",
            Purpose::OneTimeCode => "code exchange",
        };
        let source = source_scope(source);
        let names =
            [address.website.as_str().as_bytes(), address.email.as_str().as_bytes(), source.as_bytes()];
        let (account, narrow) = (partition(kind, &names), Some((source, config.source_budget)));
        Self { kind, account, wide: None, narrow, locks: false, line: Line::default() }
    }

    /// A reset asked for an address, from anywhere.
    pub(crate) fn reset_request(address: &Address, config: &AuthConfig) -> Self {
        let names = [address.website.as_str().as_bytes(), address.email.as_str().as_bytes()];
        Self::request("reset request", &names, config.reset_account_budget)
    }

    /// A reset asked for by a source, for any address.
    pub(crate) fn reset_request_from(source: IpAddr, config: &AuthConfig) -> Self {
        let source = source_scope(Some(source));
        Self::request("reset requests", &[source.as_bytes()], config.reset_source_budget)
    }

    fn of(kind: &'static str, account: Partition, narrow: DocumentId, config: &AuthConfig) -> Self {
        let (wide, narrow) = (Some(config.account_budget), Some((narrow, config.source_budget)));
        Self { kind, account, wide, narrow, locks: true, line: Line::default() }
    }

    fn in_line(self, lane: Lane, source: Option<IpAddr>) -> Self {
        Self { line: Line::new(lane, source), ..self }
    }

    fn request(kind: &'static str, names: &[&[u8]], budget: Budget) -> Self {
        Self {
            kind,
            account: partition(kind, names),
            wide: Some(budget),
            narrow: None,
            locks: false,
            line: Line::default(),
        }
    }
}

/// The account of this name, known or not.
pub(crate) fn account_partition(address: &Address) -> Partition {
    partition(CUSTOMER, &[address.website.as_str().as_bytes(), address.email.as_str().as_bytes()])
}

/// The admin user of this name, known or not.
pub(crate) fn admin_partition(username: &Username) -> Partition {
    partition(ADMIN, &[username.as_str().as_bytes()])
}

/// The budgets of an admin user's second factor.
pub(crate) fn second_factor_partition(admin: &AdminId) -> Partition {
    partition(SECOND_FACTOR, &[admin.to_string().as_bytes()])
}

/// The budgets of an admin user's recovery codes.
pub(crate) fn recovery_code_partition(admin: &AdminId) -> Partition {
    partition(RECOVERY_CODE, &[admin.to_string().as_bytes()])
}

fn partition(kind: &str, names: &[&[u8]]) -> Partition {
    Partition::of(&[&[kind.as_bytes()], names].concat())
}

/// The scope of a source's network. All callers without an address are one source.
fn source_scope(source: Option<IpAddr>) -> DocumentId {
    match source.map(network) {
        None => DocumentId::of(&[b"source"]),
        Some(IpAddr::V4(address)) => DocumentId::of(&[b"source", &address.octets()]),
        Some(IpAddr::V6(address)) => DocumentId::of(&[b"source", &address.octets()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_an_ipv4_address_or_an_ipv6_network() {
        let scope = |address: &str| source_scope(Some(address.parse().unwrap()));
        assert_eq!(scope("2001:db8::1"), scope("2001:db8::ffff:0:0:1"));
        assert_ne!(scope("2001:db8::1"), scope("2001:db8:0:1::1"));
        assert_eq!(scope("192.0.2.1"), scope("::ffff:192.0.2.1"));
        assert_ne!(scope("192.0.2.1"), scope("192.0.2.2"));
        assert_ne!(scope("192.0.2.1"), source_scope(None));
    }
}
