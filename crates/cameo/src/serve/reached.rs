//! How a request reached the console: over TLS or not, under which name, and from whom, also through proxies that are trusted.
//!
//! `X-Forwarded-*` of a proxy in `console.trusted_proxies` is believed, and of nobody else: then it says nothing at all. What is believed and
//! cannot be read is refused, since a proxy that is set up wrongly must not look like one that works.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, Uri, header};

use super::http::{Peer, authority};
use crate::admission::{ClientNetwork, ConsoleAccess};

const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_PROTO: &str = "x-forwarded-proto";
const FORWARDED_HOST: &str = "x-forwarded-host";
/// Proxies that one request came through, at most.
const PROXIES_MAX: usize = 32;

/// How a request reached us: an extension of every request of the operator's listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// Whether the browser speaks TLS, with us or with a proxy that is trusted.
    pub is_tls: bool,
    /// The host that the browser asked for, with its port where it names one; in lower case.
    pub authority: String,
}

impl Reached {
    /// Whether this is the origin of our pages, as a browser writes it.
    pub fn is_origin(&self, origin: &str) -> bool {
        let scheme = if self.is_tls { "https" } else { "http" };
        !self.authority.is_empty() && origin.to_ascii_lowercase() == format!("{scheme}://{}", self.authority)
    }

    /// The host without its port.
    pub(super) fn host(&self) -> String {
        authority(&self.authority).map(|authority| authority.host().to_owned()).unwrap_or_default()
    }

    /// Whether its host may be named: an address, `localhost`, or a name that is configured. Any other can be made to lead here by somebody
    /// else (DNS rebinding).
    pub(super) fn names_us(&self, hosts: &[String]) -> bool {
        let host = self.host();
        let name = host.trim_matches(['[', ']']);
        name == "localhost" || name.parse::<IpAddr>().is_ok() || hosts.iter().any(|known| known == name)
    }
}

/// How a request of this peer reached us, and who asks where a proxy says it. An error names what cannot be read of a proxy's.
pub(super) fn of(
    access: &ConsoleAccess,
    (peer, is_tls): (Option<Peer>, bool),
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<(Reached, Option<SocketAddr>), &'static str> {
    let named = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let named = named.or_else(|| uri.authority().map(axum::http::uri::Authority::as_str)).unwrap_or_default();
    let mut reached = Reached { is_tls, authority: named.to_ascii_lowercase() };
    let Some(Peer::Tcp(address)) = peer else { return Ok((reached, None)) };
    if !is_trusted(&access.trusted_proxies, address.ip()) {
        return Ok((reached, None));
    }
    match last(headers, FORWARDED_PROTO)? {
        None => {}
        // The proxy speaks TLS with us, and its browser does not.
        Some("http") => reached.is_tls = false,
        Some("https") => reached.is_tls = true,
        Some(_) => return Err("an X-Forwarded-Proto"),
    }
    if let Some(host) = last(headers, FORWARDED_HOST)? {
        reached.authority = authority(host).ok_or("an X-Forwarded-Host")?.as_str().to_ascii_lowercase();
    }
    let client = client(&access.trusted_proxies, headers)?;
    Ok((reached, Some(client.map_or(address, |client| SocketAddr::new(client, 0)))))
}

fn is_trusted(proxies: &[ClientNetwork], address: IpAddr) -> bool {
    proxies.iter().any(|network| network.contains(address))
}

/// The last value of a header that proxies add to: that of the proxy which is nearest.
fn last<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<Option<&'h str>, &'static str> {
    let Some(value) = headers.get_all(name).iter().next_back() else { return Ok(None) };
    let text = value.to_str().map_err(|_| "a header")?;
    Ok(text.rsplit(',').next().map(str::trim))
}

/// Who asks: read from the end, the first address that is no proxy of ours. What stands before it anybody may have written.
fn client(proxies: &[ClientNetwork], headers: &HeaderMap) -> Result<Option<IpAddr>, &'static str> {
    let mut client = None;
    let mut values: Vec<&str> = Vec::new();
    for value in headers.get_all(FORWARDED_FOR) {
        values.extend(value.to_str().map_err(|_| "an X-Forwarded-For")?.split(','));
    }
    for text in values.into_iter().rev().take(PROXIES_MAX) {
        let text = text.trim();
        let address = text.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
        let address = address.map_err(|_| "an X-Forwarded-For")?;
        client = Some(address);
        if !is_trusted(proxies, address) {
            break;
        }
    }
    Ok(client)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn found(
        peer: &str,
        headers: &[(&'static str, &'static str)],
    ) -> Result<(Reached, Option<SocketAddr>), &'static str> {
        let access = ConsoleAccess {
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()],
            ..ConsoleAccess::default()
        };
        let mut map = HeaderMap::new();
        map.insert("host", HeaderValue::from_static("cameo.example:9002"));
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        of(&access, (Some(Peer::Tcp(peer.parse().unwrap())), false), &Uri::from_static("/"), &map)
    }

    /// What a proxy in front says of its browser goes over what it speaks with us.
    #[test]
    fn tls_is_the_browsers() {
        let access = ConsoleAccess { trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()], ..ConsoleAccess::default() };
        let is_tls = |peer: &str, proto: Option<&'static str>| {
            let headers: HeaderMap = proto
                .into_iter()
                .map(|proto| (HeaderName::from_static(FORWARDED_PROTO), HeaderValue::from_static(proto)))
                .collect();
            of(&access, (Some(Peer::Tcp(peer.parse().unwrap())), true), &Uri::from_static("/"), &headers)
                .unwrap()
                .0
                .is_tls
        };
        assert!(is_tls("192.0.2.1:5", None) && is_tls("192.0.2.1:5", Some("http")), "nobody else is believed");
        assert!(
            is_tls("10.0.0.1:5", None) && is_tls("10.0.0.1:5", Some("https")) && !is_tls("10.0.0.1:5", Some("http"))
        );
    }

    #[test]
    fn a_trusted_proxy_is_believed_and_nobody_else() {
        let headers =
            [("x-forwarded-proto", "https"), ("x-forwarded-host", "Photos.Example"), ("x-forwarded-for", "192.0.2.9")];
        let (reached, client) = found("192.0.2.1:5", &headers).unwrap();
        assert_eq!((reached.is_tls, reached.authority.as_str(), client), (false, "cameo.example:9002", None));
        let (reached, client) = found("10.1.2.3:5", &headers).unwrap();
        assert_eq!((reached.is_tls, reached.authority.as_str()), (true, "photos.example"));
        assert_eq!(client.unwrap().ip(), IpAddr::from([192, 0, 2, 9]));
        assert!(reached.is_origin("https://photos.example") && !reached.is_origin("http://photos.example"));
        let (reached, client) = found("10.1.2.3:5", &[]).unwrap();
        assert_eq!((reached.is_tls, client.unwrap().ip()), (false, IpAddr::from([10, 1, 2, 3])));
    }

    /// What a client writes itself stands before what a proxy adds.
    #[test]
    fn a_client_cannot_write_itself_another_address() {
        let ip = |headers: &[(&'static str, &'static str)]| {
            found("10.0.0.1:5", headers).unwrap().1.unwrap().ip().to_string()
        };
        assert_eq!(ip(&[("x-forwarded-for", "127.0.0.1, 192.0.2.9")]), "192.0.2.9");
        assert_eq!(ip(&[("x-forwarded-for", "127.0.0.1"), ("x-forwarded-for", "192.0.2.9, 10.9.9.9")]), "192.0.2.9");
        assert_eq!(ip(&[("x-forwarded-for", "10.7.7.7")]), "10.7.7.7");
        assert_eq!(ip(&[("x-forwarded-for", "junk, [2001:db8::1]:443")]), "2001:db8::1");
        let (reached, _) = found("10.0.0.1:5", &[("x-forwarded-proto", "https, http")]).unwrap();
        assert!(!reached.is_tls);
        for wrong in [("x-forwarded-for", "junk"), ("x-forwarded-proto", "ftp"), ("x-forwarded-host", "a/b")] {
            assert!(found("10.0.0.1:5", &[wrong]).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn names_that_are_not_configured_are_not_ours() {
        let names_us = |authority: &str| {
            Reached { is_tls: false, authority: authority.to_owned() }.names_us(&["cameo.example".to_owned()])
        };
        for good in ["localhost", "127.0.0.1:9002", "[::1]:1", "cameo.example", "cameo.example:9002"] {
            assert!(names_us(good), "{good}");
        }
        for bad in ["", "evil.example", "cameo.example.evil.example", "x.cameo.example"] {
            assert!(!names_us(bad), "{bad}");
        }
    }
}
