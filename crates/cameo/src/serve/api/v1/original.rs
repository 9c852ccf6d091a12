//! The original of a photo as it was handed over, with whatever metadata it carries: for whoever is let in, and to be saved.
//!
//! What is in the upload bucket is anybody's bytes under the name of a JPEG. It is sent as an attachment, under a type that nothing sniffs away,
//! in a sandbox: opened by mistake, it runs nothing.

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::IntoResponse,
};

use super::{
    super::{input::Path, rights::Viewer},
    problems::Problems,
};
use crate::{
    model::key::PhotoId,
    serve::{
        policy::SANDBOX,
        problem::{Answer, Problem},
        site::Site,
    },
    store::Reading,
};

/// The original of a photo, as it stands in the upload bucket.
#[utoipa::path(
    get,
    path = "/api/v1/verticals/{vertical}/entities/{cd_idx}/photos/{sequence}/original",
    operation_id = "original",
    tag = "photos",
    params(
        ("vertical" = String, Path, description = "The vertical."),
        ("cd_idx" = u64, Path, description = "The entity."),
        ("sequence" = u16, Path, description = "The photo's place among the entity's."),
    ),
    responses((status = 200, description = "The file.", body = Vec<u8>, content_type = "image/jpeg"), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn download(
    State(site): State<Site>,
    Viewer(caller): Viewer,
    Path((vertical, cd_idx, sequence)): Path<(String, u64, u16)>,
) -> Answer<impl IntoResponse> {
    let vertical = caller.vertical(&vertical)?;
    let none = || Problem::not_found("such original");
    let photo = PhotoId::parse(&vertical, &format!("{cd_idx}_{sequence}.jpg")).map_err(|_| none())?;
    let bucket = &site.flow.settings.upload_bucket;
    let Reading { info, pieces } = site.flow.store.read(bucket, &photo.origin_key(), None).await?.ok_or_else(none)?;
    let text = |text: String| HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("image/jpeg")),
        (header::CONTENT_LENGTH, HeaderValue::from(info.size)),
        (header::CONTENT_DISPOSITION, text(format!("attachment; filename=\"{}\"", photo.file_name()))),
        (header::ETAG, text(format!("\"{}\"", info.etag))),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX)),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-store")),
    ];
    Ok((headers, Body::from_stream(pieces)))
}
