use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Serialize};

/// The origin of a request. It is stored with the grant, so that a customer can recognise the
/// device, and in the audit trail.
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
    /// The source address, if the transport supplied it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<IpAddr>,
    /// The user agent, if the transport supplied it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The host's own id of the request, which its logs contain.
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

    /// Adds the host's own id of the request. Control characters become spaces, and the text is cut
    /// after 128 bytes.
    #[must_use]
    pub fn correlation_id(self, id: &str) -> Self {
        Self { correlation_id: Some(bounded(id, Self::MAX_CORRELATION_ID_BYTES)), ..self }
    }
}

/// Creates an origin from the client's address. Pass the client's own address and not a proxy's,
/// because failures are counted by it. An IPv4-mapped IPv6 address becomes an IPv4 address.
impl From<IpAddr> for Origin {
    fn from(source: IpAddr) -> Self {
        Self { source: Some(source.to_canonical()), ..Self::default() }
    }
}

/// Creates an origin from the address without its port.
impl From<SocketAddr> for Origin {
    fn from(source: SocketAddr) -> Self {
        Self::from(source.ip())
    }
}

/// Returns the network that counts as one source: an IPv4 address, or an IPv6 /64, which is the
/// smallest network of a subscriber.
pub(crate) fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

/// Makes untrusted text safe to store and show: no control characters, at most `max` bytes.
pub(super) fn bounded(text: &str, max: usize) -> String {
    let end = (0..=max.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.get(..end)
        .unwrap_or_default()
        .chars()
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect()
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
