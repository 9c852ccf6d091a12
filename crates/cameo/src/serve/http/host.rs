//! The host that a request names. Listeners, caches and signatures look at it, so it must have one reading.

use http::{Request, header, uri::Authority};

/// Why a request is refused for its `Host`: RFC 9112, section 3.2, demands exactly one, and that it agrees with a target that
/// names a host itself.
pub(super) fn check<B>(request: &Request<B>) -> Result<(), &'static str> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err("A request needs exactly one Host header.");
    };
    let host = host
        .to_str()
        .ok()
        .and_then(authority)
        .ok_or("The Host header must be a name or an address, with a port or without.")?;
    match request.uri().authority() {
        Some(target) if !target.as_str().eq_ignore_ascii_case(host.as_str()) => {
            Err("The Host header and the address in the request line must be the same.")
        }
        _ => Ok(()),
    }
}

/// The text as a host with a port or without; no user, no empty port, and none of the signs that RFC 3986 lets a name have and
/// no host has: a proxy makes `a,b` of two headers.
pub(in crate::serve) fn authority(text: &str) -> Option<Authority> {
    let authority: Authority = text.parse().ok()?;
    let rest = text.strip_prefix(authority.host())?;
    let is_whole = rest.is_empty() || authority.port_u16().is_some();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    (is_whole && !authority.host().is_empty() && text.chars().all(is_plain)).then_some(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: &str, hosts: &[&str]) -> Request<()> {
        let request = Request::get(target);
        hosts.iter().fold(request, |request, host| request.header("host", *host)).body(()).unwrap()
    }

    /// security.md A17.
    #[test]
    fn a_request_has_one_host_with_one_reading() {
        for good in ["localhost", "127.0.0.1:9002", "[::1]", "[::1]:9002", "images.example", "under_score.example:80"] {
            assert_eq!(check(&request("/", &[good])), Ok(()), "{good}");
        }
        for bad in [
            &[][..],
            &["a", "b"],
            &["a", "a"],
            &[""],
            &["user@a"],
            &["a:"],
            &["a:b"],
            &["a:99999"],
            &["a b"],
            &["a/b"],
            &["a,b"],
        ] {
            assert!(check(&request("/", bad)).is_err(), "{bad:?}");
        }
        assert_eq!(check(&request("http://a:1/k", &["A:1"])), Ok(()));
        assert!(check(&request("http://a/k", &["b"])).is_err());
    }
}
