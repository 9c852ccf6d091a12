//! Where messages may be sent: an address that somebody typed must not reach into the network that the server stands in.
//!
//! What a name leads to is judged when it is connected to, and exactly the judged address is: a name that leads elsewhere a moment
//! later gains nothing. The lists are IANA's registries of special-purpose addresses (RFC 6890), and the IPv4 address within an IPv6
//! one counts wherever one can be in it.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use ipnet::IpNet;
use reqwest::{
    Url,
    dns::{Addrs, Name, Resolve, Resolving},
};

/// Bytes of a URL, at most.
pub const URL_MAX_BYTES: usize = 2048;

/// Which addresses may be connected to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Whether private ones may be, all of them.
    pub allow_private: bool,
    /// The private ones that may be in any case.
    pub networks: Vec<IpNet>,
    /// Whether plain HTTP may go over public networks.
    pub allow_http: bool,
}

/// What kind of address it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One of the Internet.
    Public,
    /// One of a machine, a link, a site or a document.
    Private,
    /// Nobody's: nothing can be sent there.
    Nobodys,
}

/// An address that must not be connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

impl Reach {
    /// Whether any private address may be connected to.
    fn is_private_somewhere(&self) -> bool {
        self.allow_private || !self.networks.is_empty()
    }

    /// Refuses a URL that nothing may be sent to, as far as it shows without asking anybody. Returns it as it will be used.
    pub fn check_url(&self, text: &str) -> Result<Url, String> {
        if text.len() > URL_MAX_BYTES {
            return Err(format!("the URL has {} bytes: at most {URL_MAX_BYTES}", text.len()));
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err("the URL has a space or a control character in it".to_owned());
        }
        let url = Url::parse(text).map_err(|error| format!("{text:?} is not a URL: {error}"))?;
        // What is not ASCII is written in more of it.
        if url.as_str().len() > URL_MAX_BYTES {
            return Err(format!("the URL has {} bytes as it is sent: at most {URL_MAX_BYTES}", url.as_str().len()));
        }
        let is_tls = match url.scheme() {
            "https" => true,
            "http" => false,
            scheme => return Err(format!("the URL begins with {scheme:?}: write one that begins with https://")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err("the URL has a user or a password in it: messages are signed, so none is needed".to_owned());
        }
        if url.fragment().is_some() {
            return Err("the URL has a fragment (#…), which is never sent".to_owned());
        }
        if url.host_str().is_none_or(str::is_empty) || url.port() == Some(0) {
            return Err("the URL names no host, or the port 0".to_owned());
        }
        if !is_tls && !self.allow_http && !self.is_private_somewhere() {
            let detail = "plain HTTP would show every message to the network: write https://, or let an engineer set webhooks.allow_http";
            return Err(detail.to_owned());
        }
        self.check_literal(&url).map_err(|refused| refused.to_string())?;
        Ok(url)
    }

    /// Refuses a URL that has an address in place of a name. No resolver is asked of such a one.
    pub(super) fn check_literal(&self, url: &Url) -> Result<(), Refused> {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        match IpAddr::from_str(host) {
            Ok(address) => self.check(address, url.scheme() == "https"),
            Err(_) => Ok(()),
        }
    }

    /// Refuses an address that must not be connected to.
    pub fn check(&self, address: IpAddr, is_tls: bool) -> Result<(), Refused> {
        let meant = meant(address);
        let is_allowed =
            self.allow_private || self.networks.iter().any(|net| net.contains(&meant) || net.contains(&address));
        match kind_of(meant) {
            Kind::Nobodys => Err(Refused(format!("{address} is an address that nothing can be sent to"))),
            Kind::Private if is_allowed => Ok(()),
            Kind::Private => Err(Refused(format!(
                "{address} is a private address, which webhooks do not reach: let an engineer set webhooks.allow_networks"
            ))),
            Kind::Public if is_tls || self.allow_http => Ok(()),
            Kind::Public => Err(Refused(format!(
                "{address} is a public address, and plain HTTP would show every message to the network: write https://"
            ))),
        }
    }
}

/// The address that one leads to: an IPv6 one may have an IPv4 one in it, which a gateway or the system takes out.
fn meant(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let bytes = v6.octets();
    let v4_at = |at: usize| IpAddr::V4(Ipv4Addr::new(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]));
    let segments = v6.segments();
    match segments {
        // Mapped (RFC 4291), translated (RFC 2765), and the well-known prefix of NAT64 (RFC 6052).
        [0, 0, 0, 0, 0, 0xffff, _, _] | [0, 0, 0, 0, 0xffff, 0, _, _] | [0x64, 0xff9b, 0, 0, 0, 0, _, _] => v4_at(12),
        // 6to4 (RFC 3056).
        [0x2002, ..] => v4_at(2),
        // ISATAP (RFC 5214), within whatever prefix.
        [_, _, _, _, 0 | 0x0200, 0x5efe, _, _] if segments[0] & 0xe000 == 0x2000 => v4_at(12),
        _ => address,
    }
}

fn kind_of(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(v4) => kind_of_v4(v4),
        IpAddr::V6(v6) => kind_of_v6(v6),
    }
}

fn kind_of_v4(address: Ipv4Addr) -> Kind {
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        // "This network": on Linux 0.0.0.0 is this machine. Multicast, and what is reserved, with broadcast.
        (0 | 224..=255, ..) => Kind::Nobodys,
        // This machine, private, link-local and shared networks; then protocol assignments, documents, old relays of 6to4, and tests of
        // performance.
        (10 | 127, ..)
        | (172, 16..=31, _)
        | (192, 168, _)
        | (169, 254, _)
        | (100, 64..=127, _)
        | (192, 0, 0 | 2)
        | (192, 88, 99)
        | (198, 18..=19, _)
        | (198, 51, 100)
        | (203, 0, 113) => Kind::Private,
        _ => Kind::Public,
    }
}

fn kind_of_v6(address: Ipv6Addr) -> Kind {
    let segments = address.segments();
    if address.is_unspecified() || address.is_multicast() {
        return Kind::Nobodys;
    }
    // Only this eighth is given out as addresses of the Internet; but for protocol assignments with Teredo and ORCHID (2001::/23), and documents.
    let is_given_out = matches!(segments, [0x2000..=0x3fff, ..]);
    let is_special = matches!(segments, [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..]);
    if is_given_out && !is_special { Kind::Public } else { Kind::Private }
}

/// Looks names up, and returns only addresses that may be connected to.
#[derive(Debug)]
pub(super) struct CheckedNames {
    pub(super) reach: Reach,
    pub(super) is_tls: bool,
}

impl Resolve for CheckedNames {
    fn resolve(&self, name: Name) -> Resolving {
        let (reach, is_tls) = (self.reach.clone(), self.is_tls);
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let (mut allowed, mut refused) = (Vec::new(), None);
            for address in found {
                match reach.check(address.ip(), is_tls) {
                    Ok(()) => allowed.push(address),
                    Err(why) => refused = Some(why),
                }
            }
            match refused.filter(|_| allowed.is_empty()) {
                Some(refused) => Err(Box::new(refused).into()),
                None => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::webhook::failure_in_korean;

    /// Each of them was a way into somebody's network once.
    const PRIVATE: &[&str] = &[
        "http://127.0.0.1/",
        "http://127.255.255.254:8080/x",
        "http://localhost.:80/",
        "http://0.0.0.0/",
        "http://0/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://0x7f.1/",
        "http://１２７.０.０.１/",
        "http://10.0.0.1/",
        "http://172.16.0.1/",
        "http://172.31.255.255/",
        "http://192.168.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://100.64.0.1/",
        "http://100.127.255.255/",
        "http://192.0.0.1/",
        "http://192.0.2.1/",
        "http://192.88.99.1/",
        "http://198.18.0.1/",
        "http://198.19.255.255/",
        "http://198.51.100.1/",
        "http://203.0.113.1/",
        "http://224.0.0.1/",
        "http://239.255.255.255/",
        "http://240.0.0.1/",
        "http://255.255.255.255/",
        "http://[::]/",
        "http://[::1]/",
        "http://[0:0:0:0:0:0:0:1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[::ffff:0:127.0.0.1]/",
        "http://[::127.0.0.1]/",
        "http://[::10.0.0.1]/",
        "http://[64:ff9b::127.0.0.1]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[64:ff9b:1::1]/",
        "http://[2002:7f00:1::]/",
        "http://[2002:a9fe:a9fe::1]/",
        "http://[2002:c0a8:1::1]/",
        "http://[2001:db8::1]/",
        "http://[3fff::1]/",
        "http://[2001::1]/",
        "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
        "http://[2a00::5efe:10.0.0.1]/",
        "http://[2a00::200:5efe:127.0.0.1]/",
        "http://[fc00::1]/",
        "http://[fd12:3456:789a::1]/",
        "http://[fe80::1]/",
        "http://[fec0::1]/",
        "http://[ff02::1]/",
        "http://[100::1]/",
        "http://[5f00::1]/",
        "http://[4000::1]/",
    ];

    fn literal(url: &str) -> IpAddr {
        let url = Url::parse(url).unwrap();
        let host = url.host_str().unwrap().trim_matches(['[', ']']);
        // A name is looked up, so it is one that must lead here.
        host.parse().unwrap_or_else(|_| "127.0.0.1".parse().unwrap())
    }

    #[test]
    fn no_private_address_is_reached_however_it_is_written() {
        let reach = Reach { allow_http: true, ..Reach::default() };
        for url in PRIVATE {
            let secure = url.replacen("http:", "https:", 1);
            for url in [*url, &secure] {
                assert!(reach.check(literal(url), true).is_err() && reach.check(literal(url), false).is_err(), "{url}");
                if !url.contains("localhost") {
                    assert!(reach.check_url(url).is_err(), "{url}");
                }
            }
        }
        for public in ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8"] {
            assert_eq!(reach.check(public.parse().unwrap(), true), Ok(()), "{public}");
        }
        for public in ["64:ff9b::8.8.8.8", "2002:808:808::1", "2001:200::1"] {
            assert_eq!(reach.check(public.parse().unwrap(), true), Ok(()), "{public}");
        }
    }

    #[test]
    fn only_what_is_allowed_is_allowed() {
        let networks = vec!["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let reach = Reach { networks, ..Reach::default() };
        for good in ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "fd00::1"] {
            assert_eq!(reach.check(good.parse().unwrap(), false), Ok(()), "{good}");
        }
        for bad in ["10.2.0.1", "127.0.0.1", "::ffff:10.2.0.1", "fc00::1", "0.0.0.0"] {
            assert!(reach.check(bad.parse().unwrap(), false).is_err(), "{bad}");
        }
        let all = Reach { allow_private: true, ..Reach::default() };
        for good in ["127.0.0.1", "10.0.0.1", "::1", "fe80::1", "169.254.169.254"] {
            assert_eq!(all.check(good.parse().unwrap(), false), Ok(()), "{good}");
        }
        for nobodys in ["0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::1", "::ffff:0.0.0.0"] {
            assert!(all.check(nobodys.parse().unwrap(), true).is_err(), "{nobodys}");
        }
    }

    #[test]
    fn plain_http_needs_leave() {
        let of = |allow_private, allow_http| Reach { allow_private, allow_http, networks: Vec::new() };
        let url = "http://receiver.example/in";
        assert!(of(false, false).check_url(url).unwrap_err().contains("https://"));
        assert!(of(false, true).check_url(url).is_ok());
        // What the name leads to decides.
        let private = of(true, false);
        assert!(private.check_url(url).is_ok());
        assert_eq!(private.check("10.0.0.1".parse().unwrap(), false), Ok(()));
        assert!(private.check("8.8.8.8".parse().unwrap(), false).is_err());
        assert_eq!(private.check("8.8.8.8".parse().unwrap(), true), Ok(()));
    }

    #[test]
    fn what_is_no_url_of_a_receiver_is_refused() {
        let reach = Reach { allow_private: true, allow_http: true, networks: Vec::new() };
        let long = format!("https://h/{}", "x".repeat(URL_MAX_BYTES));
        for wrong in [
            "",
            "receiver.example",
            "//receiver.example/",
            "ftp://receiver.example/",
            "file:///etc/passwd",
            "gopher://127.0.0.1:25/",
            "javascript:alert(1)",
            "https://",
            "https://user@receiver.example/",
            "https://user:password@receiver.example/",
            "https://receiver.example/#part",
            "https://receiver.example:0/",
            "https://receiver.example:99999/",
            "https://receiver.example/a b",
            "https://receiver.example/\r\nx: y",
            "https://[fe80::1%25eth0]/",
            long.as_str(),
        ] {
            let why = reach.check_url(wrong).expect_err(wrong);
            let korean = failure_in_korean(&why);
            assert!(!korean.contains('['), "{wrong:?}: {why} has no Korean in model/webhook/failure.rs: {korean}");
        }
        for good in ["https://receiver.example/in?key=a", "http://127.0.0.1:8080/", "https://수신.example/"] {
            assert!(reach.check_url(good).is_ok(), "{good}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_to_a_private_address_is_refused_where_it_is_connected_to() {
        let names = |allow_private| CheckedNames { reach: Reach { allow_private, ..Reach::default() }, is_tls: true };
        let refused = names(false).resolve("localhost".parse().unwrap()).await.err().expect("a refusal");
        assert!(refused.to_string().contains("private address"), "{refused}");
        let found: Vec<_> = names(true).resolve("localhost".parse().unwrap()).await.unwrap().collect();
        assert!(!found.is_empty() && found.iter().all(|address| address.ip().is_loopback()), "{found:?}");
    }
}
