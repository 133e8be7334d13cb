//! Values of the command line that need more than to be parsed by their type.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use ipnet::IpNet;
use tokio::net::lookup_host;

/// Where to listen: a host, by name or address, and a port.
#[derive(Clone, Debug)]
pub(crate) struct ListenAddress(String);

impl ListenAddress {
    /// Looks the host up.
    pub(crate) async fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        Ok(lookup_host(&self.0).await?.collect())
    }
}

impl FromStr for ListenAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.parse::<SocketAddr>().is_ok() {
            return Ok(Self(text.into()));
        }
        if text.contains('/') {
            return Err("it is a host and a port, such as localhost:8080, and no URL");
        }
        let (host, port) = text.rsplit_once(':').ok_or("it has no port, such as localhost:8080")?;
        if host.contains(':') {
            return Err("an IPv6 address stands in brackets before its port, such as [::1]:8080");
        }
        if host.is_empty() {
            return Err("it has no host, such as localhost:8080");
        }
        match port.parse::<u16>() {
            Ok(_) => Ok(Self(text.into())),
            Err(_) => Err("its port is no number from 0 to 65535"),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of an admin user that customers read.
#[derive(Clone, Debug)]
pub(crate) struct DisplayName(String);

impl DisplayName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DisplayName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.is_empty() {
            return Err("it is empty");
        }
        if text.chars().any(char::is_control) || text.chars().count() > 64 {
            return Err("it has at most 64 characters, and no control character");
        }
        Ok(Self(text.into()))
    }
}

/// Reads a network of proxies. An address by itself is a network of one.
pub(crate) fn network(text: &str) -> Result<IpNet, &'static str> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse()
        .or_else(|_| address())
        .map_err(|_| "it is neither an address, such as 127.0.0.1, nor a network, such as 10.0.0.0/8")
}

/// The shop's public address: the beginning of every link in a mail, without a slash at its end.
#[derive(Clone, Debug)]
pub(crate) struct PublicUrl(String);

impl PublicUrl {
    /// The longest one, in bytes. A line of a mail has at most 998 (RFC 5322 section 2.1.1), and a link has a path and a
    /// token besides.
    const MAX_BYTES: usize = 900;

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PublicUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        if rest.is_none_or(|rest| rest.is_empty() || rest.starts_with('/')) {
            return Err("it is no URL that begins with https:// or http:// and names a host");
        }
        if text.contains(|char: char| char.is_whitespace() || char.is_control() || "?#".contains(char)) {
            return Err("a link is made by adding to it, so it has no blank, no query and no fragment");
        }
        if text.len() > Self::MAX_BYTES {
            return Err("it is longer than 900 bytes, and its links would not fit into a line of a mail");
        }
        Ok(Self(text.trim_end_matches('/').into()))
    }
}
