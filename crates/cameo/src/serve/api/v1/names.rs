//! Names of files, checked before anything is sent.

use axum::extract::State;

use super::{
    super::{input::Json, rights::Viewer},
    problems::Problems,
};
use crate::{
    client::wire::{CheckedName, KEYS_MAX, NameState, NamesToCheck, Page},
    model::{
        key::{UploadKey, Vertical, evident},
        lang::Lang,
        plain,
        reason::ReasonCode,
    },
    serve::{
        problem::{Answer, Problem},
        site::Site,
    },
};

/// Bytes of a name that is looked at: an object's key has 1,024 at most.
const NAME_MAX_BYTES: usize = 1024;

/// Says of each name what the server would make of a file that has it.
#[utoipa::path(
    post,
    path = "/api/v1/names/check",
    operation_id = "check_names",
    tag = "uploads",
    request_body = NamesToCheck,
    responses((status = 200, description = "The names in their order.", body = Page<CheckedName>), Problems),
    security(("token" = ["viewer"]))
)]
pub(super) async fn check(
    State(_): State<Site>,
    Viewer(caller): Viewer,
    Json(asked): Json<NamesToCheck>,
) -> Answer<axum::Json<Page<CheckedName>>> {
    let vertical = caller.vertical(&asked.vertical)?;
    if asked.names.len() > KEYS_MAX {
        return Err(Problem::invalid(format!("at most {KEYS_MAX} names at a time")));
    }
    let items = asked.names.into_iter().map(|name| checked(&vertical, name)).collect();
    Ok(axum::Json(Page { items, next: None }))
}

/// What a name is.
pub(super) fn checked(vertical: &Vertical, name: String) -> CheckedName {
    let none = CheckedName {
        state: NameState::Unparseable,
        cd_idx: None,
        sequence: None,
        key: None,
        hint: None,
        hint_korean: None,
        name,
    };
    if none.name.len() > NAME_MAX_BYTES {
        return CheckedName {
            hint: Some(format!("the name is longer than {NAME_MAX_BYTES} bytes")),
            hint_korean: Some(format!("이름이 {NAME_MAX_BYTES}바이트보다 깁니다")),
            ..none
        };
    }
    match UploadKey::of_file(vertical, &none.name) {
        UploadKey::Photo(photo) => CheckedName {
            state: NameState::Photo,
            cd_idx: Some(photo.entity.cd_idx),
            sequence: Some(photo.sequence),
            key: Some(photo.origin_key()),
            ..none
        },
        UploadKey::Ignored => CheckedName { state: NameState::Ignored, ..none },
        UploadKey::Unparseable { hint } => {
            let (cd_idx, sequence) = evident(&none.name);
            let korean = plain::found_in(ReasonCode::NameUnparseable, &hint, Lang::Ko);
            CheckedName { cd_idx, sequence, hint: Some(hint), hint_korean: Some(korean), ..none }
        }
        // Under the folder of originals nothing is plain.
        UploadKey::Plain => none,
    }
}
