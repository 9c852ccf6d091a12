//! The public images.

use serde::{Deserialize, Serialize};

use super::misconfigured;
use crate::model::error::Result;

/// What `images.public_url` looks like.
const EXAMPLE: &str = "https://image.mycelebs.com";

/// `[images]`: where the public fetches renditions, and how long they may be cached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Images {
    /// Base of the addresses in `image_url`; empty for the address of the images listener.
    pub public_url: String,
    /// `Cache-Control` of renditions and aliases. Addresses are stable, so never `immutable`.
    pub cache_control: String,
    /// Whether `{cd_idx}.jpg` is published for an entity's primary photo.
    pub alias: bool,
    /// Open connections of the images listener.
    pub connections_max: usize,
}

impl Default for Images {
    fn default() -> Self {
        Self {
            public_url: String::new(),
            cache_control: "public, max-age=60".to_owned(),
            alias: true,
            connections_max: 4096,
        }
    }
}

impl Images {
    /// Refuses a base under which no image could be served: it is written into every row, and read by people and programs elsewhere.
    pub fn check(&self) -> Result<()> {
        if http::HeaderValue::from_str(&self.cache_control).is_err() {
            return Err(misconfigured(format!(
                "read images.cache_control = {:?}: it is not a header value; write it as \"public, max-age=60\"",
                self.cache_control
            )));
        }
        match fault_of(&self.public_url) {
            Some(fault) if !self.public_url.is_empty() => Err(misconfigured(format!(
                "read images.public_url = {:?}: {fault}; write it as {EXAMPLE}, or leave it empty for the images listener",
                self.public_url
            ))),
            _ => Ok(()),
        }
    }
}

/// What is wrong with the base of addresses. Stricter than a browser, which repairs silently what every row would then hold.
fn fault_of(base: &str) -> Option<&'static str> {
    let rest = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://"));
    let Some(rest) = rest else { return Some("it does not begin with http:// or https://") };
    if !base.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some("it has a space or a character that a URL must encode");
    }
    if base.contains(['?', '#']) {
        return Some("it has a query or a fragment, and keys are put behind it");
    }
    if base.contains(['@', '\\', '"', '<', '>']) {
        return Some("it has a character that does not belong there");
    }
    if rest.trim_end_matches('/').contains("//") {
        return Some("it has an empty folder in its path");
    }
    if rest.starts_with('/') {
        return Some("it names no host");
    }
    match reqwest::Url::parse(base) {
        Err(_) => Some("it is not a URL"),
        Ok(url) if url.host_str().is_none_or(|host| host.is_empty() || host == "0.0.0.0") => Some("it names no host"),
        Ok(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(public_url: &str) -> Result<()> {
        Images { public_url: public_url.to_owned(), ..Images::default() }.check()
    }

    /// users.md 9.
    #[test]
    fn a_base_that_no_image_could_be_served_under_is_refused() {
        for good in [
            "",
            EXAMPLE,
            "http://10.0.0.7:9001",
            "https://cdn.example/images/",
            "http://[::1]:9001",
            "http://localhost",
        ] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in [
            "image.mycelebs.com",
            "htps://image.mycelebs.com",
            "https:/image.mycelebs.com",
            "https://",
            "https:///images",
            "//image.mycelebs.com",
            "ftp://image.mycelebs.com",
            "https://image.mycelebs.com?x=1",
            "https://image.mycelebs.com/#top",
            "https://image mycelebs.com",
            " https://image.mycelebs.com",
            "https://image.mycelebs.com\n",
            "https://user:secret@image.mycelebs.com",
            "https://https://image.mycelebs.com",
            "https://image.mycelebs.com:port",
            "https://image.mycelebs.com:99999",
            "http://0.0.0.0:9001",
            "https://이미지.example",
        ] {
            let error = check(bad).expect_err(bad).to_string();
            assert!(error.contains("images.public_url") && error.contains(EXAMPLE), "{error}");
        }
    }
}
