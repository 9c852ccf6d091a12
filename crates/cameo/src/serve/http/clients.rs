//! Who connects: the address of a request, and whom it counts for.
//!
//! Limits, patience and the audit trail count by client, not by address, so that nobody gets more for having a whole network.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The address that a request came from: an extension of every request. Behind a proxy it is the proxy's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub SocketAddr);

/// Clients that are told apart for limits: one IPv4 address, or one /64 of IPv6, which is what one customer has at least.
pub(in crate::serve) fn client_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(text: &str) -> IpAddr {
        client_of(text.parse().unwrap())
    }

    #[test]
    fn one_customer_of_ipv6_is_one_client() {
        assert_eq!(client("2001:db8:1:2:3:4:5:6"), client("2001:db8:1:2::1"));
        assert_ne!(client("2001:db8:1:2::1"), client("2001:db8:1:3::1"));
        assert_eq!(client("::ffff:10.0.0.7"), client("10.0.0.7"));
        assert_ne!(client("10.0.0.7"), client("10.0.0.8"));
    }
}
