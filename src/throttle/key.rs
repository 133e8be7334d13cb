use std::net::IpAddr;

use crate::{
    account::{Email, Website},
    config::AuthConfig,
    store::{Charge, ThrottleKey},
};

/// What is attempted: an account's name, known or not, and from where.
pub(crate) struct Attempted {
    pub(crate) account: ThrottleKey,
    pub(crate) charges: Vec<Charge>,
}

impl Attempted {
    /// A sign-in: the budget of this source at this account, and the account's wider one over all sources.
    pub(crate) fn sign_in(
        website: &Website,
        email: &Email,
        source: Option<IpAddr>,
        config: &AuthConfig,
    ) -> Self {
        Self::at(website, email, &source_scope(source), config)
    }

    /// A check of the current password by a signed-in customer: a budget of its own, and the account's wider
    /// one.
    pub(crate) fn confirmation(website: &Website, email: &Email, config: &AuthConfig) -> Self {
        Self::at(website, email, &ThrottleKey::of(&[b"confirmation"]), config)
    }

    fn at(website: &Website, email: &Email, narrow: &ThrottleKey, config: &AuthConfig) -> Self {
        let narrow = Charge { scope: *narrow, budget: config.source_budget };
        let wide = Charge { scope: ThrottleKey::of(&[b"all sources"]), budget: config.account_budget };
        Self { account: account_key(website, email), charges: vec![narrow, wide] }
    }
}

/// The account of this name, known or not.
pub(crate) fn account_key(website: &Website, email: &Email) -> ThrottleKey {
    ThrottleKey::of(&[b"customer", website.as_str().as_bytes(), email.as_str().as_bytes()])
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
