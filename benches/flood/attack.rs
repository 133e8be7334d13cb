//! The attacker's floods.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use clap::ValueEnum;
use commerce_auth::{Auth, Error, SignIn, flow::PasswordReset};

/// A password of no account.
const WRONG: &str = "Wr0ng-password";
/// The real account that is attacked.
const VICTIM: &str = "customer-1@example.com";

/// A flood of requests that all fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Flood {
    /// Wrong passwords at invented addresses, from one IPv4 address
    InventedIpv4,
    /// Wrong passwords at invented addresses, each from the next /64 of one IPv6 /48
    InventedIpv6,
    /// Wrong reset tokens at one address, each from the next /64 of one IPv6 /48
    ResetTokens,
    /// Wrong passwords at one real account, each from another IPv4 address
    OneAccount,
}

impl Flood {
    /// Sends the request with this number.
    pub async fn send(self, auth: &Auth, number: u64) -> Result<(), Error> {
        let invented = || format!("nobody-{number}@example.com");
        match self {
            Self::InventedIpv4 => sign_in(auth, invented(), Ipv4Addr::new(203, 0, 113, 7).into()).await,
            Self::InventedIpv6 => sign_in(auth, invented(), subnet(number)).await,
            Self::ResetTokens => {
                let reset = PasswordReset::new(VICTIM, format!("{number:032x}"), "N3w-passw0rd");
                auth.reset_password(reset.origin(subnet(number))).await
            }
            Self::OneAccount => sign_in(auth, VICTIM.to_owned(), address(number)).await,
        }
    }
}

async fn sign_in(auth: &Auth, email: String, source: IpAddr) -> Result<(), Error> {
    auth.generate_customer_token(SignIn::new(email, WRONG).origin(source)).await.map(drop)
}

/// Returns an address in a /64 of 2001:db8:7::/48. After 65,536 of them the first one comes again.
fn subnet(number: u64) -> IpAddr {
    let [.., high, low] = number.to_be_bytes();
    Ipv6Addr::new(0x2001, 0x0db8, 7, u16::from_be_bytes([high, low]), 0, 0, 0, 1).into()
}

/// Returns an address of 11.0.0.0/8, where no honest customer is.
fn address(number: u64) -> IpAddr {
    let [.., a, b, c] = number.to_be_bytes();
    Ipv4Addr::new(11, a, b, c).into()
}
