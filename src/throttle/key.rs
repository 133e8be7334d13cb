use std::net::IpAddr;

use crate::{
    account::{AdminId, Email, Username, Website},
    config::AuthConfig,
    store::{Charge, Purpose, ThrottleKey},
};

/// What is attempted: an account's name, known or not, and from where.
pub(crate) struct Attempted {
    pub(crate) account: ThrottleKey,
    pub(crate) charges: Vec<Charge>,
    /// Whether a spent budget locks the account's password or second factor, rather than slow down somebody who asks for
    /// something.
    pub(crate) locks: bool,
}

impl Attempted {
    /// A sign-in: the budget of this source at this account, and the account's wider one over all sources.
    pub(crate) fn sign_in(
        website: &Website,
        email: &Email,
        source: Option<IpAddr>,
        config: &AuthConfig,
    ) -> Self {
        Self::of(account_key(website, email), source_scope(source), config)
    }

    /// A check of the current password by a signed-in customer: a budget of its own, and the account's wider
    /// one.
    pub(crate) fn confirmation(website: &Website, email: &Email, config: &AuthConfig) -> Self {
        Self::of(account_key(website, email), ThrottleKey::of(&[b"confirmation"]), config)
    }

    /// An admin user's sign-in: budgets of the same size, of its own.
    pub(crate) fn admin_sign_in(username: &Username, source: Option<IpAddr>, config: &AuthConfig) -> Self {
        Self::of(admin_key(username), source_scope(source), config)
    }

    /// A code of an admin user's second factor, from anywhere: only who knows the password, or holds a token, gets to try.
    pub(crate) fn second_factor(admin: &AdminId, config: &AuthConfig) -> Self {
        let narrow =
            Charge { scope: ThrottleKey::of(&[b"second factor"]), budget: config.second_factor_budget };
        let wide = Charge { scope: all_sources(), budget: config.account_budget };
        Self { account: second_factor_key(admin), charges: vec![narrow, wide], locks: true }
    }

    /// A recovery code: a budget for each source, as of a one-time credential.
    pub(crate) fn recovery_code(admin: &AdminId, source: Option<IpAddr>, config: &AuthConfig) -> Self {
        let scope = ThrottleKey::of(&[b"recovery code", source_scope(source).as_bytes()]);
        let charge = Charge { scope, budget: config.second_factor_budget };
        Self { account: recovery_code_key(admin), charges: vec![charge], locks: false }
    }

    /// A first code of an enrolment. Its secret is known to whoever holds the token, so the budget is one of requests.
    pub(crate) fn activation(admin: &AdminId, config: &AuthConfig) -> Self {
        let account = ThrottleKey::of(&[b"activation", admin.to_string().as_bytes()]);
        let charge = Charge { scope: account, budget: config.second_factor_budget };
        Self { account, charges: vec![charge], locks: false }
    }

    /// A mail about an enrolment asked for, by someone with the right password.
    pub(crate) fn enrolment_request(admin: &AdminId, config: &AuthConfig) -> Self {
        let account = ThrottleKey::of(&[b"enrolment request", admin.to_string().as_bytes()]);
        let charge = Charge { scope: account, budget: config.reset_account_budget };
        Self { account, charges: vec![charge], locks: false }
    }

    /// A check of the current password by a signed-in admin user.
    pub(crate) fn admin_confirmation(username: &Username, config: &AuthConfig) -> Self {
        Self::of(admin_key(username), ThrottleKey::of(&[b"confirmation"]), config)
    }

    /// A one-time credential presented by itself: a budget of its own for each source, which no password lock stops.
    /// Nobody guesses such a secret, so there is no wider budget for a flood to spend.
    pub(crate) fn redemption(
        purpose: Purpose,
        website: &Website,
        email: &Email,
        source: Option<IpAddr>,
        config: &AuthConfig,
    ) -> Self {
        let purpose: &[u8] = match purpose {
            Purpose::ResetToken => b"password reset",
            Purpose::OneTimeCode => b"code exchange",
        };
        let account = ThrottleKey::of(&[purpose, website.as_str().as_bytes(), email.as_str().as_bytes()]);
        // Scopes of their own, since counters that accounts share know only the scope.
        let scope = ThrottleKey::of(&[purpose, source_scope(source).as_bytes()]);
        let charge = Charge { scope, budget: config.source_budget };
        Self { account, charges: vec![charge], locks: false }
    }

    /// A reset asked for an address, from anywhere.
    pub(crate) fn reset_request(website: &Website, email: &Email, config: &AuthConfig) -> Self {
        let names: [&[u8]; 3] = [b"reset request", website.as_str().as_bytes(), email.as_str().as_bytes()];
        let scope = ThrottleKey::of(&[b"reset request"]);
        let charge = Charge { scope, budget: config.reset_account_budget };
        Self { account: ThrottleKey::of(&names), charges: vec![charge], locks: false }
    }

    /// A reset asked for by a source, for any address.
    pub(crate) fn reset_request_from(source: IpAddr, config: &AuthConfig) -> Self {
        let account = ThrottleKey::of(&[b"reset requests", source_scope(Some(source)).as_bytes()]);
        let charge = Charge { scope: account, budget: config.reset_source_budget };
        Self { account, charges: vec![charge], locks: false }
    }

    fn of(account: ThrottleKey, narrow: ThrottleKey, config: &AuthConfig) -> Self {
        let narrow = Charge { scope: narrow, budget: config.source_budget };
        let wide = Charge { scope: all_sources(), budget: config.account_budget };
        Self { account, charges: vec![narrow, wide], locks: true }
    }
}

/// The account of this name, known or not.
pub(crate) fn account_key(website: &Website, email: &Email) -> ThrottleKey {
    ThrottleKey::of(&[b"customer", website.as_str().as_bytes(), email.as_str().as_bytes()])
}

/// The admin user of this name, known or not.
pub(crate) fn admin_key(username: &Username) -> ThrottleKey {
    ThrottleKey::of(&[b"admin", username.as_str().as_bytes()])
}

/// The admin user's second factor.
pub(crate) fn second_factor_key(admin: &AdminId) -> ThrottleKey {
    ThrottleKey::of(&[b"second factor", admin.to_string().as_bytes()])
}

/// The admin user's recovery codes.
pub(crate) fn recovery_code_key(admin: &AdminId) -> ThrottleKey {
    ThrottleKey::of(&[b"recovery code", admin.to_string().as_bytes()])
}

fn all_sources() -> ThrottleKey {
    ThrottleKey::of(&[b"all sources"])
}

/// IPv4 by address, IPv6 by /64: the least a subscriber is given. All callers without an address are one
/// source.
fn source_scope(source: Option<IpAddr>) -> ThrottleKey {
    match source.map(|address| address.to_canonical()) {
        None => ThrottleKey::of(&[b"source"]),
        Some(IpAddr::V4(address)) => ThrottleKey::of(&[b"source", &address.octets()]),
        Some(IpAddr::V6(address)) => {
            let network = address.to_bits() >> 64;
            ThrottleKey::of(&[b"source", &network.to_be_bytes()])
        }
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
