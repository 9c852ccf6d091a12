//! Style, script and icon: in the binary, each at an address that names its content, so that browsers keep it for good.

use std::sync::LazyLock;

use axum::{
    Router,
    extract::Path,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use cameo::serve::Api;
use sha2::{Digest, Sha256};

use crate::failure::Failure;

/// A file that pages need.
pub(crate) struct Asset {
    /// Where it is.
    pub(crate) path: String,
    kind: &'static str,
    content: &'static str,
}

impl Asset {
    fn new(name: &str, end: &str, kind: &'static str, content: &'static str) -> Self {
        let digest = hex::encode(&Sha256::digest(content.as_bytes())[..8]);
        Self { path: format!("/static/{name}-{digest}.{end}"), kind, content }
    }
}

/// The style.
pub(crate) static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("console", "css", "text/css; charset=utf-8", include_str!("../static/console.css")));
/// The script.
pub(crate) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("console", "js", "text/javascript; charset=utf-8", include_str!("../static/console.js"))
});
/// The script of the pages that send files.
pub(crate) static UPLOAD_SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("upload", "js", "text/javascript; charset=utf-8", include_str!("../static/upload.js")));
/// The icon.
pub(crate) static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_str!("../static/icon.svg")));

/// The routes of the files.
pub(crate) fn routes() -> Router<Api> {
    // Browsers ask for `/favicon.ico` unbidden, and a 404 would be an error in their consoles.
    Router::new().route("/static/{name}", get(file)).route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }))
}

async fn file(Path(name): Path<String>) -> Response {
    let all = [&STYLE, &SCRIPT, &UPLOAD_SCRIPT, &ICON];
    let found = all.into_iter().find(|asset| asset.path.strip_prefix("/static/") == Some(&name));
    let Some(asset) = found else { return Failure::NotFound.into_response() };
    let kept = HeaderValue::from_static("public, max-age=31536000, immutable");
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind)), (header::CACHE_CONTROL, kept)];
    (headers, asset.content).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a page loads besides its images, bytes: an old laptop and a slow line must not wait for it.
    const LOADED_MAX_BYTES: usize = 60_000;

    #[test]
    fn script_and_style_are_light() {
        let all = [&STYLE, &SCRIPT, &UPLOAD_SCRIPT, &ICON].map(|asset| asset.content.len());
        assert!(all.iter().sum::<usize>() <= LOADED_MAX_BYTES, "{all:?}");
        assert!(all.iter().all(|length| *length > 0));
    }
}
