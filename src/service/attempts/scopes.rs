//! The partitions and scopes of the attempt budgets.

use std::net::IpAddr;

use crate::{
    account::{AdminId, Username},
    service::accounts::Address,
    store::{DocumentId, Partition},
    token::network,
};

pub(super) const CUSTOMER: &str = "customer";
pub(super) const ADMIN: &str = "admin";
pub(super) const SECOND_FACTOR: &str = "second factor";
pub(super) const RECOVERY_CODE: &str = "recovery code";

/// Returns the partition with the budgets of a customer's address: a website and an e-mail address.
/// An account with this address need not exist, because attempts at unknown addresses are charged,
/// too.
pub(crate) fn account_partition(address: &Address) -> Partition {
    partition(CUSTOMER, &[address.website.as_str().as_bytes(), address.email.as_str().as_bytes()])
}

/// Returns the partition with the budgets of an admin user's user name. An account with this name
/// need not exist, because attempts at unknown names are charged, too.
pub(crate) fn admin_partition(username: &Username) -> Partition {
    partition(ADMIN, &[username.as_str().as_bytes()])
}

/// Returns the partition with the budgets of an admin user's second factor.
pub(crate) fn second_factor_partition(admin: &AdminId) -> Partition {
    partition(SECOND_FACTOR, &[admin.to_string().as_bytes()])
}

/// Returns the partition with the budgets of an admin user's recovery codes.
pub(crate) fn recovery_code_partition(admin: &AdminId) -> Partition {
    partition(RECOVERY_CODE, &[admin.to_string().as_bytes()])
}

pub(super) fn partition(kind: &str, names: &[&[u8]]) -> Partition {
    Partition::of(&[&[kind.as_bytes()], names].concat())
}

/// Returns the narrow scope of a source. All callers without an IP address share one scope.
pub(super) fn source_scope(source: Option<IpAddr>) -> DocumentId {
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
