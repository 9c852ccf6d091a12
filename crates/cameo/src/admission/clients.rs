//! Networks of clients: who may have all connections of a listener, since many are behind one address.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// A network of clients, such as `10.0.0.0/8`, or the address of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientNetwork(IpNet);

impl ClientNetwork {
    /// Whether a client belongs to it.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for ClientNetwork {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let address = || text.parse::<IpAddr>().map(IpNet::from);
        text.parse::<IpNet>()
            .or_else(|_| address())
            .map(Self)
            .map_err(|_| format!("{text:?} is neither an address nor a network, such as 10.0.0.7 or 10.0.0.0/8"))
    }
}

impl TryFrom<String> for ClientNetwork {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ClientNetwork> for String {
    fn from(network: ClientNetwork) -> Self {
        network.to_string()
    }
}

impl fmt::Display for ClientNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_single_addresses_are_read() {
        let contains =
            |network: &str, address: &str| network.parse::<ClientNetwork>().unwrap().contains(address.parse().unwrap());
        assert!(contains("10.0.0.0/8", "10.200.3.4") && !contains("10.0.0.0/8", "11.0.0.1"));
        assert!(contains("10.0.0.7", "::ffff:10.0.0.7") && !contains("10.0.0.7", "10.0.0.8"));
        assert!("10.0.0.0/33".parse::<ClientNetwork>().unwrap_err().contains("10.0.0.0/8"));
    }
}
