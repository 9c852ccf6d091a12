//! Verifying: the proof that everything is there, of a scope, a delivery, or files that were handed over.

use std::collections::BTreeMap;

use axum::response::Response;

use super::{
    super::{
        input::Json,
        operate::{Asking, Question},
        rights::{Caller, Viewer},
        subject::Named,
    },
    problems::Problems,
};
use crate::{
    client::wire::{FILES_MAX, HandedOverFile, MisnamedFile, VerifyLine, VerifyRequest},
    ledger::State,
    model::{key::PhotoId, reason::ReasonCode},
    operate::verify::{About, Verify},
    proof::verify::{Delivery, HandedOver, SAMPLE_MAX, Sample, UnexpectedFile},
    serve::problem::{Answer, Problem},
};

/// Hexadecimal digits of an MD5.
const MD5_DIGITS: usize = 32;
/// Bytes of a name: an object's key has as many at most.
const NAME_MAX_BYTES: usize = 1024;

/// Proves that originals, renditions, rows and served images agree: a frame an entity that is not complete, then the counts.
#[utoipa::path(
    post,
    path = "/api/v1/verify",
    operation_id = "verify",
    tag = "operations",
    request_body = VerifyRequest,
    responses(
        (
            status = 200,
            description = "JSON objects, a line each; the schema is that of one line. The last one has the summary, or an error.",
            body = VerifyLine,
            content_type = "application/x-ndjson"
        ),
        Problems
    ),
    security(("token" = ["viewer"]))
)]
pub(super) async fn verify(
    Viewer(caller): Viewer,
    asking: Asking,
    Json(asked): Json<VerifyRequest>,
) -> Answer<Response> {
    let (all, deep, lang, sample) = (asked.all, asked.deep, asked.lang, sample(&asked)?);
    let hashes = asked.hashes;
    if hashes && asked.delivery.is_none() {
        return Err(Problem::invalid("hashes: name a delivery; nothing else has recorded SHA-256s"));
    }
    let about = about(asked, &caller)?;
    Ok(asking.answer(&caller, lang, Question::Verify(Verify { about, all, deep, sample, hashes })))
}

fn sample(asked: &VerifyRequest) -> Answer<Option<Sample>> {
    let wrong = || Problem::invalid(format!("sample must be from 1 to {SAMPLE_MAX}"));
    let Some(images) = asked.sample else {
        return if asked.seed.is_none() { Ok(None) } else { Err(Problem::invalid("seed is for a sample")) };
    };
    let images = usize::try_from(images).ok().filter(|images| (1..=SAMPLE_MAX).contains(images)).ok_or_else(wrong)?;
    let seed = asked.seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
    Ok(Some(Sample { images, seed }))
}

fn about(asked: VerifyRequest, caller: &Caller) -> Answer<About> {
    let VerifyRequest { vertical, ids, delivery, files, misnamed, ignored, .. } = asked;
    let Some(files) = files else {
        return Named { vertical, ids, delivery }.subject(caller).map(About::Subject);
    };
    let Some(vertical) = vertical else {
        return Err(Problem::invalid("files: name their vertical, which their names do not say"));
    };
    if ids.is_some() || delivery.is_some() {
        return Err(Problem::invalid("files: neither ids nor a delivery beside them"));
    }
    if files.len().max(misnamed.len()) > FILES_MAX {
        return Err(Problem::invalid(format!("at most {FILES_MAX} files at a time")));
    }
    let vertical = caller.vertical(&vertical)?;
    let (mut originals, mut unusable) = (BTreeMap::new(), Vec::new());
    for (at, HandedOverFile { name, size, md5 }) in files.into_iter().enumerate() {
        check_name(&name)?;
        if md5.len() != MD5_DIGITS || !md5.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(Problem::invalid(format!("files[{at}].md5 is not {MD5_DIGITS} hexadecimal digits")));
        }
        match PhotoId::parse(&vertical, &name) {
            Ok(photo) => {
                let md5 = md5.to_ascii_lowercase();
                originals.insert(photo, HandedOver { size, md5, sha256: None });
            }
            Err(hint) => unusable.push(rejected(name, hint.to_string())),
        }
    }
    for MisnamedFile { name, hint } in misnamed {
        check_name(&name)?;
        unusable.push(rejected(name, hint));
    }
    Ok(About::Files(vertical, Delivery { originals, misnamed: unusable, ignored }))
}

fn check_name(name: &str) -> Answer<()> {
    if name.len() <= NAME_MAX_BYTES {
        return Ok(());
    }
    Err(Problem::invalid(format!("files: a name is longer than {NAME_MAX_BYTES} bytes")))
}

fn rejected(key: String, detail: String) -> UnexpectedFile {
    UnexpectedFile { key, state: Some(State::Rejected { reason: ReasonCode::NameUnparseable, detail }), korean: None }
}
