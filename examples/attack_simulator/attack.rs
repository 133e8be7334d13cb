//! The attacks, and their attempts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use commerce_auth::SignIn;

use crate::site::{CUSTOMERS, VICTIM, customer};

/// A password of no account.
const WRONG: &str = "Wr0ng-password";
/// The number of addresses of the attacker's machines.
const SOURCES: u64 = 1_000;

/// An attack. None of its tries has a right password, and none answers a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attack {
    /// Credential stuffing: three tries at each of 10,000 accounts, from 1,000 sources.
    StuffingThrice,
    /// Credential stuffing: one try at each of 10,000 accounts, from 1,000 sources.
    StuffingOnce,
    /// 10,000 tries at the account of the customer on a known device, from 1,000 sources.
    OneAccount,
    /// A try from each of the 65,536 /64s of one IPv6 /48, at an invented address each.
    RotatingSubnets,
    /// 10,000 tries from one source: every second one at the account of the customer on a known
    /// device, the others at invented addresses.
    OneSource,
}

impl Attack {
    pub const ALL: [Self; 5] =
        [Self::StuffingThrice, Self::StuffingOnce, Self::OneAccount, Self::RotatingSubnets, Self::OneSource];

    /// Returns the attack with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|attack| attack.name() == name)
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::StuffingThrice => "stuffing-thrice",
            Self::StuffingOnce => "stuffing-once",
            Self::OneAccount => "one-account",
            Self::RotatingSubnets => "rotating-subnets",
            Self::OneSource => "one-source",
        }
    }

    /// Returns the number of tries.
    pub const fn tries(self) -> u64 {
        match self {
            Self::StuffingThrice => 3 * CUSTOMERS,
            Self::StuffingOnce | Self::OneAccount | Self::OneSource => 10_000,
            Self::RotatingSubnets => 65_536,
        }
    }

    /// Returns the try with this number.
    pub fn sign_in(self, number: u64) -> SignIn {
        let (email, source) = match self {
            // The next round begins at another source, so that an account's three tries come from
            // three.
            Self::StuffingThrice => (customer(number), machine(number + number / CUSTOMERS)),
            Self::StuffingOnce => (customer(number), machine(number)),
            Self::OneAccount => (VICTIM.to_owned(), machine(number)),
            Self::RotatingSubnets => (invented(number), subnet(number)),
            Self::OneSource if number.is_multiple_of(2) => (VICTIM.to_owned(), machine(0)),
            Self::OneSource => (invented(number), machine(0)),
        };
        SignIn::new(email, WRONG).origin(source)
    }
}

/// Returns an e-mail address that no customer has.
fn invented(number: u64) -> String {
    format!("nobody-{number}@example.com")
}

/// Returns the address of one of the attacker's machines.
fn machine(number: u64) -> IpAddr {
    let [.., high, low] = (number % SOURCES).to_be_bytes();
    Ipv4Addr::new(198, 18, high, low).into()
}

/// Returns an address in a /64 of 2001:db8:7::/48.
fn subnet(number: u64) -> IpAddr {
    let [.., high, low] = number.to_be_bytes();
    Ipv6Addr::new(0x2001, 0x0db8, 7, u16::from_be_bytes([high, low]), 0, 0, 0, 1).into()
}
