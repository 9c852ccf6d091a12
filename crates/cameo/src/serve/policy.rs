//! What browsers may load into pages of the console, and from where: `Content-Security-Policy`, made once from the site.
//!
//! Everything of ours comes from this origin, as files of their own: no script and no style in a page counts, so that no text which gets into
//! one does either. Images come from the images listener, and uploads go to where the API signs addresses for.

use axum::http::{HeaderValue, Uri};

use super::{
    reached::Reached,
    site::Site,
    uploads::{UploadAddresses, scheme_of},
};

/// The policy of what is no page: nothing is loaded, and nothing runs.
pub(super) const SANDBOX: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";

/// The policy but for the names that a request decides.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    /// Up to the place of uploads.
    text: String,
    uploads: Uploads,
}

#[derive(Debug, Clone)]
enum Uploads {
    /// Nobody knows, or there are none.
    Nowhere,
    At(String),
    /// Beside the console, with this scheme at this port.
    Beside(&'static str, u16),
}

impl Policy {
    /// That of a site.
    pub(super) fn of(site: &Site) -> Self {
        let images = origin_of(&site.public_images.base).map(|origin| format!(" {origin}")).unwrap_or_default();
        let text = format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'{images}; font-src 'self'; manifest-src 'self'; \
             base-uri 'none'; form-action 'self'; frame-ancestors 'none'; connect-src 'self'"
        );
        let uploads = match &site.uploads {
            UploadAddresses::Endpoint { public_url: Some(url), .. }
            | UploadAddresses::Store { public_url: Some(url), .. } => {
                origin_of(url).map_or(Uploads::Nowhere, Uploads::At)
            }
            UploadAddresses::Endpoint { local_url, port, .. } => Uploads::Beside(scheme_of(local_url), *port),
            UploadAddresses::Store { public_url: None, .. } | UploadAddresses::Off => Uploads::Nowhere,
        };
        Self { text, uploads }
    }

    /// That of the answer to a request.
    pub(super) fn header(&self, reached: Option<&Reached>) -> HeaderValue {
        let uploads = match (&self.uploads, reached) {
            (Uploads::At(origin), _) => format!(" {origin}"),
            (Uploads::Beside(scheme, port), Some(reached)) if !reached.host().is_empty() => {
                format!(" {scheme}://{}:{port}", reached.host())
            }
            _ => String::new(),
        };
        HeaderValue::try_from(format!("{}{uploads}", self.text))
            .unwrap_or(HeaderValue::from_static("default-src 'none'"))
    }
}

/// Scheme and host of an address.
fn origin_of(url: &str) -> Option<String> {
    let url: Uri = url.parse().ok()?;
    Some(format!("{}://{}", url.scheme_str()?, url.authority()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uploads_go_to_the_endpoint_beside_the_console_or_to_where_it_is_configured() {
        let reached = Reached { is_tls: false, authority: "10.0.0.7:9002".to_owned() };
        let header = |uploads: Uploads| {
            let policy = Policy { text: "connect-src 'self'".to_owned(), uploads };
            policy.header(Some(&reached)).to_str().unwrap().to_owned()
        };
        assert_eq!(header(Uploads::Beside("http", 9000)), "connect-src 'self' http://10.0.0.7:9000");
        assert_eq!(header(Uploads::Beside("https", 443)), "connect-src 'self' https://10.0.0.7:443");
        assert_eq!(header(Uploads::At("https://s3.example".to_owned())), "connect-src 'self' https://s3.example");
        assert_eq!(header(Uploads::Nowhere), "connect-src 'self'");
        assert_eq!(origin_of("https://image.example/a/b").as_deref(), Some("https://image.example"));
        assert_eq!(origin_of("/a"), None);
    }
}
