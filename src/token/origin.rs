use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Serialize};

/// The origin of a request: the client's IP address, its user agent and the host's id of the
/// request. The library stores the origin of a sign-in beside the grant, so that a customer can
/// recognise the device in the list of tokens. The audit trail and the notices to customers contain
/// the origin of an operation.
///
/// ```
/// # fn peer() -> std::net::SocketAddr { ([192, 0, 2, 1], 4711).into() }
/// use commerce_auth::Origin;
///
/// let origin = Origin::from(peer()).user_agent("Mozilla/5.0").correlation_id("7f3a9c");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Origin {
    /// The client's IP address, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<IpAddr>,
    /// The client's `User-Agent`, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The host's id of the request, by which an audit event can be found in the host's logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
}

impl Origin {
    /// Maximum length of a stored user agent, in bytes.
    const MAX_USER_AGENT_BYTES: usize = 512;
    /// Maximum length of a stored correlation id, in bytes.
    const MAX_CORRELATION_ID_BYTES: usize = 128;

    /// Adds the client's `User-Agent`. Control characters become spaces, and the text is cut after
    /// 512 bytes.
    #[must_use]
    pub fn user_agent(self, user_agent: &str) -> Self {
        Self { user_agent: Some(bounded(user_agent, Self::MAX_USER_AGENT_BYTES)), ..self }
    }

    /// Adds the host's id of the request. Control characters become spaces, and the text is cut
    /// after 128 bytes.
    #[must_use]
    pub fn correlation_id(self, id: &str) -> Self {
        Self { correlation_id: Some(bounded(id, Self::MAX_CORRELATION_ID_BYTES)), ..self }
    }
}

/// Creates an origin from the client's IP address. Pass the IP address of the client, not of a
/// proxy, because failed attempts are counted for it. An IPv4-mapped IPv6 address becomes an IPv4
/// address.
impl From<IpAddr> for Origin {
    fn from(source: IpAddr) -> Self {
        Self { source: Some(source.to_canonical()), ..Self::default() }
    }
}

/// Creates an origin from the client's IP address. The port is ignored.
impl From<SocketAddr> for Origin {
    fn from(source: SocketAddr) -> Self {
        Self::from(source.ip())
    }
}

/// Returns the source of a request: the IPv4 address, or the IPv6 /64 network. A /64 network is
/// usually the smallest network that a provider gives to a subscriber, who can use all of its
/// addresses.
pub(crate) fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

/// Makes a text from a client safe to store and show: replaces control characters by spaces, and
/// cuts the text after `max` bytes.
pub(super) fn bounded(text: &str, max: usize) -> String {
    let end = (0..=max.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    let text = text.get(..end).unwrap_or_default();
    // Almost every text has only printable ASCII characters. The loop has no early exit, so that the
    // processor checks many bytes at once.
    if text.bytes().fold(true, |all, byte| all & matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_text_is_bounded() {
        let huge = format!("a\0b\x1b[31m\r\n{}", "é".repeat(1 << 20));
        let origin = Origin::default().user_agent(&huge).correlation_id(&huge);
        for (kept, most) in [(origin.user_agent.unwrap(), 512), (origin.correlation_id.unwrap(), 128)] {
            assert!(kept.starts_with("a b [31m  é"));
            assert!(kept.len() <= most && kept.len() > most - 2);
        }
    }

    #[test]
    fn a_mapped_address_is_the_ipv4_address_it_is() {
        let mapped = Origin::from("::ffff:192.0.2.1".parse::<IpAddr>().unwrap());
        assert_eq!(mapped.source, Some("192.0.2.1".parse().unwrap()));
    }
}
