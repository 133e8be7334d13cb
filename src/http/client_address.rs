use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

pub(super) const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Returns the IP address of the client, if the request came through proxies that the host trusts.
///
/// The search begins at the peer. If the peer is a trusted proxy, the right-most entry of
/// `X-Forwarded-For` is the IP address from which the peer got the request. If this is a trusted
/// proxy too, the next entry to the left is the one that this proxy wrote, and so on. The first IP
/// address that does not belong to a trusted proxy is the client's. The entries further left are
/// ignored, because the client may have written them. If there are no more entries, or an entry is
/// not an IP address, the last proxy that was found counts as the client.
pub(super) fn client_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut client = peer;
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    let mut entries = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    while is_trusted(client, trusted) {
        match entries.next().and_then(address) {
            Some(next) => client = next,
            None => break,
        }
    }
    client.to_canonical()
}

/// True if this IP address belongs to a proxy that the host trusts.
pub(super) fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|net| net.contains(&address.to_canonical()))
}

/// Parses an entry of `X-Forwarded-For`: an IP address with or without a port.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let entry = str::from_utf8(entry).ok()?.trim();
    let bare = entry.strip_prefix('[').and_then(|entry| entry.strip_suffix(']')).unwrap_or(entry);
    bare.parse().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        client_address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn a_stranger_is_not_believed() {
        assert_eq!(client("192.0.2.1", &["198.51.100.7"], &[]), "192.0.2.1");
        assert_eq!(client("192.0.2.1", &["198.51.100.7"], &["10.0.0.0/8"]), "192.0.2.1");
    }

    #[test]
    fn proxies_are_read_from_the_right() {
        let proxies = ["10.0.0.0/8", "2001:db8::/32"];
        for (forwarded, expected) in [
            (&["198.51.100.7"][..], "198.51.100.7"),
            // The client wrote the first entry itself.
            (&["1.1.1.1, 198.51.100.7"], "198.51.100.7"),
            (&["1.1.1.1, 198.51.100.7, 10.0.0.9"], "198.51.100.7"),
            (&["1.1.1.1", "198.51.100.7,10.0.0.9"], "198.51.100.7"),
            (&["1.1.1.1, 2001:db8::9"], "1.1.1.1"),
            (&["198.51.100.7:4711"], "198.51.100.7"),
            (&["[2001:4860::1]:4711"], "2001:4860::1"),
            (&["[2001:4860::1]"], "2001:4860::1"),
            (&["::ffff:198.51.100.7"], "198.51.100.7"),
            // No trusted proxy knows the address before this entry.
            (&["1.1.1.1, unknown"], "10.0.0.1"),
            (&["1.1.1.1, unknown, 10.0.0.9"], "10.0.0.9"),
            (&["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            (&[""], "10.0.0.1"),
            (&[], "10.0.0.1"),
        ] {
            assert_eq!(client("10.0.0.1", forwarded, &proxies), expected, "{forwarded:?}");
            assert_eq!(client("::ffff:10.0.0.1", forwarded, &proxies), expected, "{forwarded:?}");
        }
    }
}
