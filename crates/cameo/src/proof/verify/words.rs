//! What verifying says of what it found, in both languages, and who must act on it.
//!
//! The English is what scripts read in `findings`: it is added to and never reworded. A finding is put together from what it is
//! about and what is wrong with it, so that the same fault is worded alike wherever it is found. In Korean the two are joined by a
//! colon: names and numbers come from outside, and no particle has to fit them.

use std::fmt::Display;

use crate::{
    ledger::State,
    model::{
        error::Error,
        generation::Generation,
        key::{EntityId, PhotoId, Vertical},
        lang::Text,
        plain,
        reason::ReasonCode,
    },
};

/// Of a size set that was changed without a new version.
pub(super) const AS_BEFORE: &str = " as it was before";
/// Of a size set that nobody noted.
pub(super) const UNKNOWN_SET: &str = "(unknown)";

/// Part of a cell, as findings name it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    Rendition,
    Row,
    Served,
}

impl Part {
    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Rendition => ("the rendition", "이미지"),
            Self::Row => ("the row", "테이블의 행"),
            Self::Served => ("the served image", "공개 주소의 이미지"),
        }
    }
}

/// A finding about a photo, or about anything else that has a name.
pub(super) fn about(what: &dyn Display, wrong: &Text) -> Text {
    let text = Text::each(|lang| format!("{what}: {}", wrong.of(lang)));
    Text { technical: wrong.technical.clone(), ..text }
}

pub(super) fn of_cell(photo: &PhotoId, image_size: &str, part: Part, wrong: &Text) -> Text {
    let (english, korean) = part.names();
    Text::new(
        format!("{photo} {image_size}: {english} {}", wrong.english),
        format!("{photo} {image_size}: {korean}: {}", wrong.korean),
    )
}

pub(super) fn of_original(photo: &PhotoId, wrong: &Text) -> Text {
    Text::new(format!("{photo}: the original {}", wrong.english), format!("{photo}: 원본: {}", wrong.korean))
}

pub(super) fn alias(key: &str, wrong: &Text) -> Text {
    Text::new(format!("{key}: the alias {}", wrong.english), format!("{key}: 대표 사진: {}", wrong.korean))
}

pub(super) fn pending(what: impl Display) -> Text {
    Text::new(format!("{what}: pending"), format!("{what}: 처리 중"))
}

// What is wrong with something that a place holds.

pub(super) fn not_found() -> Text {
    Text::new("is not found", "찾을 수 없습니다")
}

pub(super) fn not_found_because(why: &Text) -> Text {
    Text::new(format!("is not found ({})", why.english), format!("찾을 수 없습니다({})", why.korean))
}

pub(super) fn lost_content() -> Text {
    Text::new("has lost its content", "내용이 사라졌습니다")
}

pub(super) fn lost_content_or_part() -> Text {
    Text::new("has lost its content, or a part of it", "내용의 전부나 일부가 사라졌습니다")
}

pub(super) fn short(found: u64, expected: u64) -> Text {
    Text::new(
        format!("is damaged: {found} of {expected} bytes are left"),
        format!("손상되었습니다. {expected}바이트 중 {found}바이트만 남아 있습니다"),
    )
}

pub(super) fn damaged(error: &Error) -> Text {
    Text::new(format!("is damaged: {error}"), format!("손상되었습니다({error})"))
}

pub(super) fn other_content(etag: &str) -> Text {
    Text::new(
        format!("is damaged: its content is not that of its ETag {etag}"),
        format!("손상되었습니다. 내용이 기록된 ETag {etag} 와 다릅니다"),
    )
}

pub(super) fn other_generation(found: &Generation, expected: &Generation) -> Text {
    Text::new(
        format!("was made from generation {found} of the original, not {expected}"),
        format!("지금의 원본이 아니라 다른 세대의 원본으로 만들어졌습니다({found}, 지금은 {expected})"),
    )
}

pub(super) fn not_ours() -> Text {
    Text::new("was not written by Cameo", "Cameo가 만든 것이 아닙니다")
}

pub(super) fn not_registered() -> Text {
    Text::new("is not the one that was registered", "등록된 것과 다릅니다")
}

pub(super) fn media_type(found: &str, expected: &str) -> Text {
    Text::new(
        format!("has the media type {found:?}, not {expected}"),
        format!("미디어 타입이 {expected} 가 아니라 {found:?} 입니다"),
    )
}

pub(super) fn no_media_type() -> Text {
    Text::new("has no media type", "미디어 타입이 없습니다")
}

/// An image size cannot give a rendition of this width and height.
pub(super) fn unfit(found: (u32, u32), size: (u32, u32)) -> Text {
    let ((w, h), (width, height)) = (found, size);
    Text::new(
        format!("is {w}x{h}, which the image size of {width}x{height} cannot give"),
        format!("{w}x{h} 픽셀이라 {width}x{height} 규격에 맞지 않습니다"),
    )
}

pub(super) fn other_size(found: (u32, u32), expected: (u32, u32)) -> Text {
    let ((w, h), (width, height)) = (found, expected);
    Text::new(format!("is {w}x{h}, not {width}x{height}"), format!("{width}x{height} 가 아니라 {w}x{h} 픽셀입니다"))
}

pub(super) fn other_address(found: &str, expected: &str) -> Text {
    Text::new(
        format!("has the image_url {found:?}, not {expected:?}"),
        format!("image_url 값이 {found:?} 입니다(맞는 값: {expected:?})"),
    )
}

pub(super) fn other_column(column: &str, found: &str, expected: &str) -> Text {
    Text::new(
        format!("has the {column} {found:?}, and the rendition {expected:?}"),
        format!("{column} 값이 {found:?} 입니다(이미지의 값: {expected:?})"),
    )
}

pub(super) fn other_length(found: u64, expected: u64) -> Text {
    Text::new(
        format!("has {found} bytes, and the rendition {expected}"),
        format!("{found}바이트입니다(이미지는 {expected}바이트)"),
    )
}

pub(super) fn other_photo() -> Text {
    Text::new("does not show the photo of the lowest sequence", "순번이 가장 낮은 사진을 보여 주지 않습니다")
}

pub(super) fn not_the_rendition() -> Text {
    Text::new("is not the rendition", "만들어진 이미지와 다릅니다")
}

pub(super) fn from_cache() -> Text {
    Text::new(
        "is an earlier one, from a cache within its time",
        "캐시에 남은 이전 이미지입니다. 캐시의 유효 시간이 지나면 바뀝니다",
    )
}

/// What is wrong with what is served at an address; and whether the listener behind it serves the right image, where that is known.
pub(super) fn at_address(wrong: &Text, address: &str, behind: Option<bool>) -> Text {
    let behind = match behind {
        Some(true) => {
            ("; the image listener of the server serves the right one", ". 서버 자체는 맞는 이미지를 보냅니다")
        }
        Some(false) => {
            ("; the image listener of the server does not either", ". 서버 자체도 맞는 이미지를 보내지 않습니다")
        }
        None => ("", ""),
    };
    Text::new(format!("{} at {address}{}", wrong.english, behind.0), format!("{address}: {}{}", wrong.korean, behind.1))
}

// What is wrong with a photo as a whole.

pub(super) fn rejected(reason: ReasonCode, detail: &str, serves_older: bool) -> Text {
    let found = plain::found(reason, detail);
    let beside = if serves_older { plain::serves_older() } else { Text::default() };
    let text = Text::each(|lang| format!("{reason}: {}{}", found.of(lang), beside.of(lang)));
    Text { technical: found.technical, ..text }
}

pub(super) fn dead_letter(error: &str) -> Text {
    let reason = ReasonCode::SystemDeadLetter;
    Text::new(
        format!("{reason}: its message is a dead letter: {error}"),
        format!("{reason}: 메시지를 처리할 수 없어 데드레터로 옮겨졌습니다: {error}"),
    )
}

pub(super) fn never_arrived() -> Text {
    Text::new("handed over, but not found in the upload bucket", "전달되었지만 업로드 버킷에 없습니다")
}

pub(super) fn arrived_shorter(handed_over: u64, found: u64) -> Text {
    Text::new(
        format!("handed over with {handed_over} bytes, but the original has {found}"),
        format!("전달된 파일은 {handed_over}바이트인데 원본은 {found}바이트입니다"),
    )
}

pub(super) fn arrived_otherwise() -> Text {
    Text::new("the original's content is not that of the file handed over", "원본의 내용이 전달된 파일과 다릅니다")
}

pub(super) fn arrived_with_other_sha256() -> Text {
    Text::new(
        "the original's SHA-256 is not the one that was recorded when it was handed over, although its MD5 is",
        "원본의 SHA-256 값이 전달할 때 기록한 값과 다릅니다(MD5 값은 같음)",
    )
}

pub(super) fn event_lost() -> Text {
    Text::new(
        "the original is not processed, and no event of it is in the queue",
        "원본이 처리되지 않았고, 처리를 기다리는 이벤트도 큐에 없습니다",
    )
}

pub(super) fn original_lost() -> Text {
    Text::new(
        "the original is not found in the upload bucket, and no event says that it was deleted",
        "원본이 업로드 버킷에 없는데, 삭제했다는 이벤트도 없습니다",
    )
}

pub(super) fn other_original() -> Text {
    Text::new("the ledger knows another content of the original", "처리 기록에 있는 원본과 내용이 다릅니다")
}

pub(super) fn ledger_says(state: &State) -> Text {
    Text::new(
        format!("the original exists, and the ledger says {}", state.as_str()),
        format!("원본이 있는데 처리 기록의 상태가 다릅니다: {}", state.korean()),
    )
}

pub(super) fn misfiled() -> Text {
    Text::new(
        "vertical, cd_idx or sequence of its ledger entry are not those of its key",
        "처리 기록의 버티컬, cd_idx, 순번이 키와 다릅니다",
    )
}

/// A size set made it that is not the current one. What is noted of the older one may be none of its labels.
pub(super) fn outdated(made_by: &str, current: &str) -> Text {
    Text::new(
        format!("made by the size set {made_by}, and the current one is {current}"),
        format!("이미지 규격 {} 으로 만들어졌습니다(지금은 {current})", korean_label(made_by)),
    )
}

/// A label of a size set for a sentence in Korean.
pub(super) fn korean_label(label: &str) -> String {
    match label.strip_suffix(AS_BEFORE) {
        Some(same) => format!("{same}(바뀌기 전)"),
        None if label == UNKNOWN_SET => "(알 수 없음)".to_owned(),
        None => label.to_owned(),
    }
}

pub(super) fn size_dropped(image_size: &str) -> Text {
    Text::new(
        format!("size {image_size} is no longer in the size set"),
        format!("{image_size} 크기는 이제 이미지 규격에 없습니다"),
    )
}

pub(super) fn rows_of_rejected(image_sizes: &str) -> Text {
    Text::new(
        format!("rows of a rejected photo ({image_sizes})"),
        format!("거부된 사진의 행이 테이블에 있습니다({image_sizes})"),
    )
}

pub(super) fn rows_of_deleted() -> Text {
    Text::new("rows of a deleted photo", "삭제된 사진의 행이 테이블에 남아 있습니다")
}

pub(super) fn images_of_deleted() -> Text {
    Text::new(
        "images of a deleted photo are still served, and register.delete_unpublishes takes them down",
        "삭제된 사진의 이미지가 아직 공개되어 있습니다. 지금 설정(register.delete_unpublishes)에서는 내려가야 합니다",
    )
}

pub(super) fn rows_of_nobody() -> Text {
    Text::new("rows without an original and without a ledger entry", "원본도 처리 기록도 없는 행이 테이블에 있습니다")
}

// Why nobody owns an object of the image bucket.

pub(super) fn no_image_key(vertical: &Vertical) -> Text {
    Text::new(
        format!("the key is not of the grammar, in the folder of the vertical {vertical}"),
        format!("버티컬 {vertical} 폴더에 있지만 이미지의 이름이 아닙니다"),
    )
}

pub(super) fn original_deleted() -> Text {
    Text::new("its original is deleted", "원본이 삭제되었습니다")
}

pub(super) fn original_unknown() -> Text {
    Text::new(
        "neither the upload bucket nor the ledger knows its original",
        "원본이 업로드 버킷에도 처리 기록에도 없습니다",
    )
}

pub(super) fn original_rejected(reason: ReasonCode) -> Text {
    Text::new(format!("its original is rejected: {reason}"), format!("원본이 거부되었습니다: {reason}"))
}

pub(super) fn aliases_are_off() -> Text {
    Text::new("images.alias is off", "대표 사진 주소를 쓰지 않는 설정입니다(images.alias)")
}

pub(super) fn nothing_served(entity: &EntityId) -> Text {
    Text::new(format!("no photo of {entity} is served"), format!("{entity}: 게시된 사진이 없습니다"))
}

// Who must act, and how.

pub(super) fn upload_again(file: &str) -> Text {
    Text::new(
        format!("whoever handed it over: upload {file} again"),
        format!("전달한 담당자: {file} 파일을 다시 올려 주세요"),
    )
}

pub(super) fn upload_lost_again(file: &str) -> Text {
    Text::new(
        format!("whoever handed it over: upload {file} again; what is served was made from content that is gone"),
        format!("전달한 담당자: {file} 파일을 다시 올려 주세요. 게시된 이미지를 만든 원본이 이제 없습니다"),
    )
}

pub(super) fn upload_a_good_one(file: &str, reason: ReasonCode) -> Text {
    Text::new(
        format!("whoever handed it over: upload a good {file}; the one there is rejected ({reason})"),
        format!("전달한 담당자: 정상인 {file} 파일을 올려 주세요. 지금 있는 것은 거부되었습니다({reason})"),
    )
}

pub(super) fn restore_from_backup(key: &str) -> Text {
    Text::new(
        format!("whoever runs the server: restore {key} from a backup, or have it uploaded again"),
        format!("서버 운영자: {key} 파일을 백업에서 되살리거나 다시 올려 달라고 해 주세요"),
    )
}

pub(super) fn retry_dead_letters() -> Text {
    let reason = ReasonCode::SystemDeadLetter;
    Text::new(
        format!("whoever runs the server: look at the error, then `cameo retry --reason {reason}`"),
        format!("서버 운영자: 오류를 확인한 뒤 `cameo retry --reason {reason}` 를 실행하세요"),
    )
}

pub(super) fn who_runs_the_address() -> Text {
    Text::new(
        "whoever runs the public address: look at images.public_url and at what it leads to",
        "이미지 주소의 운영자: images.public_url 설정과 그 주소가 가리키는 곳을 확인하세요",
    )
}

pub(super) fn delete_rows() -> Text {
    Text::new(
        "whoever runs the database: delete the rows, which no photo of Cameo has",
        "데이터베이스 운영자: 행을 지워 주세요. Cameo의 어느 사진의 것도 아닙니다",
    )
}

pub(super) fn delete_rows_or_upload() -> Text {
    Text::new(
        "whoever runs the database: delete the rows, or upload the original",
        "데이터베이스 운영자: 행을 지우거나 원본을 올려 주세요",
    )
}
