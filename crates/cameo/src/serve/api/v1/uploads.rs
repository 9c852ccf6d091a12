//! Uploads: for each file whether it must be sent, and an address to which it can be, so that a client needs no keys of the store.

use std::time::Duration;

use axum::{
    extract::State,
    http::{HeaderMap, header},
};
use jiff::Timestamp;

use super::{
    super::{
        input::Json,
        rights::{Caller, Operator},
    },
    names,
    problems::Problems,
};
use crate::{
    client::wire::{self, FileToUpload, KEYS_MAX, Page, Upload, UploadBucket, UploadState},
    model::key::Vertical,
    presign::HOLDS_MAX,
    proof::deliveries::state::{self, ItemState},
    serve::{
        problem::{Answer, Problem},
        site::Site,
        uploads::Service,
    },
    store::ObjectInfo,
};

/// How long an address holds: long enough for a thousand files over a slow line, short enough to be of no use tomorrow.
const HOLDS: Duration = HOLDS_MAX;
/// Objects that the store is asked for at a time.
const HEADS_AT_ONCE: usize = 50;

/// A file with its name read: an original's.
struct Wanted {
    at: usize,
    key: String,
    size: u64,
    md5: Vec<u8>,
}

/// Says of each file whether it is in the store already, and where to send it where it is not.
#[utoipa::path(
    post,
    path = "/api/v1/uploads",
    operation_id = "prepare_uploads",
    tag = "uploads",
    request_body = wire::Uploads,
    responses((status = 200, description = "The files in their order.", body = Page<Upload>), Problems),
    security(("token" = ["operator"]))
)]
pub(super) async fn prepare(
    State(site): State<Site>,
    Operator(caller): Operator,
    headers: HeaderMap,
    Json(asked): Json<wire::Uploads>,
) -> Answer<axum::Json<Page<Upload>>> {
    let vertical = caller.vertical(&asked.vertical)?;
    if asked.files.len() > KEYS_MAX {
        return Err(Problem::invalid(format!("at most {KEYS_MAX} files at a time")));
    }
    let (mut items, wanted) = read(&vertical, asked.files)?;
    let absent = absent_of(&site, &mut items, &wanted).await?;
    mark_accepted(&site, &vertical, &mut items, &wanted).await?;
    if asked.addresses {
        sign(&site, &caller, &headers, &mut items, &absent).await?;
    }
    Ok(axum::Json(Page { items, next: None }))
}

/// Where originals are uploaded to, for clients that have keys of the store.
#[utoipa::path(
    get,
    path = "/api/v1/uploads",
    operation_id = "upload_bucket",
    tag = "uploads",
    responses((status = 200, description = "The bucket.", body = UploadBucket), Problems),
    security(("token" = ["operator"]))
)]
pub(super) async fn bucket(
    State(site): State<Site>,
    Operator(caller): Operator,
    headers: HeaderMap,
) -> Answer<axum::Json<UploadBucket>> {
    let service = site.uploads.service(host_of(&headers, &caller))?;
    let Service { endpoint, region } = service;
    Ok(axum::Json(UploadBucket { bucket: site.flow.settings.upload_bucket.clone(), endpoint, region }))
}

/// What a client of another machine calls this one.
fn host_of<'h>(headers: &'h HeaderMap, caller: &Caller) -> Option<&'h str> {
    headers.get(header::HOST).and_then(|host| host.to_str().ok()).filter(|_| caller.name != "local")
}

/// What the names say: files that cannot be originals are refused.
fn read(vertical: &Vertical, files: Vec<FileToUpload>) -> Answer<(Vec<Upload>, Vec<Wanted>)> {
    let (mut items, mut wanted) = (Vec::with_capacity(files.len()), Vec::new());
    for (at, FileToUpload { name, size, md5 }) in files.into_iter().enumerate() {
        let digest = hex::decode(&md5).ok().filter(|digest| digest.len() == 16);
        let digest = digest.ok_or_else(|| Problem::invalid(format!("files[{at}].md5 is not 32 hexadecimal digits")))?;
        let checked = names::checked(vertical, name);
        let (hint, hint_korean) = if let Some(key) = &checked.key {
            wanted.push(Wanted { at, key: key.clone(), size, md5: digest });
            (None, None)
        } else {
            let litter = || "a file that operating systems leave in folders".to_owned();
            let of_litter = || "운영체제가 폴더에 남긴 파일입니다".to_owned();
            (Some(checked.hint.unwrap_or_else(litter)), Some(checked.hint_korean.unwrap_or_else(of_litter)))
        };
        items.push(Upload {
            name: checked.name,
            state: if hint.is_some() { UploadState::Refused } else { UploadState::Present },
            accepted: false,
            replaces: false,
            url: None,
            headers: std::collections::BTreeMap::new(),
            expires: None,
            hint,
            hint_korean,
        });
    }
    Ok((items, wanted))
}

/// The files that the store does not have as they are.
async fn absent_of<'w>(site: &Site, items: &mut [Upload], wanted: &'w [Wanted]) -> Answer<Vec<&'w Wanted>> {
    let (store, bucket) = (&site.flow.store, &site.flow.settings.upload_bucket);
    let mut found = Vec::with_capacity(wanted.len());
    for some in wanted.chunks(HEADS_AT_ONCE) {
        let keys: Vec<&str> = some.iter().map(|file| file.key.as_str()).collect();
        found.extend(store.head_all(bucket, &keys).await?);
    }
    for (file, found) in wanted.iter().zip(&found) {
        items[file.at].replaces = found.as_ref().is_some_and(|found| !is_same(file, Some(found)));
    }
    let absent = wanted.iter().zip(found).filter(|(file, found)| !is_same(file, found.as_ref()));
    let absent: Vec<_> = absent.map(|(file, _)| file).collect();
    for file in &absent {
        items[file.at].state = UploadState::Upload;
    }
    Ok(absent)
}

/// Says which of the files that are present are registered as they are.
async fn mark_accepted(site: &Site, vertical: &Vertical, items: &mut [Upload], wanted: &[Wanted]) -> Answer<()> {
    let present: Vec<&Wanted> = wanted.iter().filter(|file| items[file.at].state == UploadState::Present).collect();
    let asked: Vec<state::Wanted> = present
        .iter()
        .map(|file| state::Wanted {
            key: file.key.clone(),
            file: items[file.at].name.clone(),
            size: Some(file.size),
            md5: hex::encode(&file.md5),
            since: Timestamp::MAX,
        })
        .collect();
    // Without a look at the queues: what waits there is not registered.
    let places = state::Places { queues: None, ..site.deliveries() };
    let found = state::items(places, vertical, &asked).await?;
    for (file, item) in present.iter().zip(found) {
        items[file.at].accepted = item.state == ItemState::Registered;
    }
    Ok(())
}

/// By length and MD5, as the `ETag` of an object has it that was uploaded in one piece.
fn is_same(file: &Wanted, found: Option<&ObjectInfo>) -> bool {
    found.is_some_and(|info| info.size == file.size && info.etag.eq_ignore_ascii_case(&hex::encode(&file.md5)))
}

async fn sign(
    site: &Site,
    caller: &Caller,
    headers: &HeaderMap,
    items: &mut [Upload],
    absent: &[&Wanted],
) -> Answer<()> {
    if absent.is_empty() {
        return Ok(());
    }
    let now = site.clock.now();
    let holds = match caller.expires() {
        Some(expires) => Duration::try_from(expires.duration_since(now)).unwrap_or_default().min(HOLDS),
        None => HOLDS,
    };
    let keys: Vec<(&str, &[u8])> = absent.iter().map(|file| (file.key.as_str(), file.md5.as_slice())).collect();
    let signed = site.uploads.sign(&site.flow, caller.token.as_ref(), host_of(headers, caller), &keys, holds).await?;
    let expires: Option<Timestamp> = now.checked_add(holds).ok();
    for (file, signed) in absent.iter().zip(signed) {
        let item = &mut items[file.at];
        (item.url, item.headers, item.expires) = (Some(signed.url), signed.headers, expires);
    }
    Ok(())
}
