//! Reason codes: why an original was rejected, or why it waits, in words for the person who must act.
//!
//! The codes are stable: scripts match on them. They may be added to, never changed.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Declares the codes once: variant, code, what it means and what to do, in English and in Korean.
macro_rules! reason_codes {
    ($($variant:ident $code:literal $kind:ident $english:literal $do_english:literal $korean:literal $do_korean:literal)*) => {
        /// A reason code, `family.detail`.
        #[expect(clippy::doc_markdown, reason = "the texts are shown to people, where backticks would be seen")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "&'static str")]
        pub enum ReasonCode {
            $(#[doc = $english] $variant,)*
        }

        impl ReasonCode {
            /// Every reason code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// Whether it ends an original or makes it wait.
            pub const fn kind(self) -> ReasonKind {
                match self { $(Self::$variant => ReasonKind::$kind,)* }
            }

            /// What it means, in English.
            pub const fn english(self) -> &'static str {
                match self { $(Self::$variant => $english,)* }
            }

            /// What to do about it and who does it, in English.
            pub const fn action_english(self) -> &'static str {
                match self { $(Self::$variant => $do_english,)* }
            }

            /// What it means, in Korean.
            pub const fn korean(self) -> &'static str {
                match self { $(Self::$variant => $korean,)* }
            }

            /// What to do about it and who does it, in Korean.
            pub const fn action_korean(self) -> &'static str {
                match self { $(Self::$variant => $do_korean,)* }
            }
        }
    };
}

/// Whether a reason ends an original or makes it wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReasonKind {
    /// The original stands rejected until it is replaced.
    Rejected,
    /// Nothing is wrong with the original; it is tried again by itself.
    Waiting,
}

reason_codes! {
    NameUnparseable "name.unparseable" Rejected
        "The object's name is not {cd_idx}_{sequence}.jpg directly in the folder of its vertical."
        "Whoever named the file: rename it, for example 1234_0.jpg, and upload it again."
        "파일 이름이 {cd_idx}_{sequence}.jpg 형식이 아니거나 버티컬 폴더 바로 아래에 있지 않습니다."
        "파일을 만든 담당자: 이름을 1234_0.jpg 처럼 바꾸어 다시 올려 주세요."
    NameSequenceGap "name.sequence_gap" Rejected
        "The entity's sequences do not run from 0 without a gap."
        "Whoever named the files: number the photos of the entity 0, 1, 2 … or hand over the missing one."
        "한 엔티티의 순번(sequence)이 0부터 빠짐없이 이어지지 않습니다."
        "파일을 만든 담당자: 순번을 0, 1, 2 … 로 다시 매기거나 빠진 사진을 전달해 주세요."
    NameDuplicate "name.duplicate" Rejected
        "Two files have the name of the same photo."
        "Whoever handed them over: decide which one is meant and remove the other."
        "같은 사진 자리에 해당하는 파일이 두 개 있습니다."
        "전달한 담당자: 어느 파일이 맞는지 정하고 나머지는 지워 주세요."
    FileEmpty "file.empty" Rejected
        "The file has no bytes."
        "Whoever handed it over: export or copy the photo again; the copy was cut off."
        "파일이 비어 있습니다(0바이트)."
        "전달한 담당자: 복사가 중간에 끊긴 것입니다. 사진을 다시 내보내거나 복사해 주세요."
    FileNotJpeg "file.not_jpeg" Rejected
        "The file is not a JPEG, whatever its name says."
        "Whoever made the file: save it as JPEG (renaming a PNG or HEIC does not convert it)."
        "이름과 달리 JPEG 파일이 아닙니다."
        "파일을 만든 담당자: JPEG로 다시 저장해 주세요. PNG나 HEIC의 이름만 바꾸면 변환되지 않습니다."
    FileTruncated "file.truncated" Rejected
        "The file ends before the picture does."
        "Whoever handed it over: send the photo again; it was cut off while copying or downloading."
        "파일이 중간에 잘려 사진의 일부가 없습니다."
        "전달한 담당자: 복사나 내려받기 중에 끊긴 것입니다. 사진을 다시 보내 주세요."
    FileCorrupt "file.corrupt" Rejected
        "The file is damaged: its headers or its data contradict themselves."
        "Whoever handed it over: export the photo again from the original."
        "파일이 손상되어 읽을 수 없습니다."
        "전달한 담당자: 원본에서 사진을 다시 내보내 주세요."
    FileTooManyPixels "file.too_many_pixels" Rejected
        "The picture has more pixels, or a longer side, than is allowed."
        "Whoever made the file: export it smaller (at most 100 megapixels and 20,000 pixels a side, unless configured otherwise)."
        "사진의 화소 수 또는 한 변의 길이가 허용 범위를 넘습니다."
        "파일을 만든 담당자: 더 작게 내보내 주세요(기본값: 1억 화소, 한 변 20,000픽셀 이하)."
    FileTooManyScans "file.too_many_scans" Rejected
        "The progressive JPEG has more scans than any normal encoder writes."
        "Whoever made the file: export it again with an ordinary program."
        "프로그레시브 JPEG의 스캔 수가 비정상적으로 많습니다."
        "파일을 만든 담당자: 일반적인 프로그램으로 다시 저장해 주세요."
    FileUnsupportedProcess "file.unsupported_process" Rejected
        "The JPEG uses a coding that browsers cannot show (arithmetic, lossless, hierarchical or JPEG-LS)."
        "Whoever made the file: save it as an ordinary baseline or progressive JPEG."
        "브라우저가 표시할 수 없는 방식(산술·무손실·계층 부호화, JPEG-LS)의 JPEG입니다."
        "파일을 만든 담당자: 일반(베이스라인 또는 프로그레시브) JPEG로 저장해 주세요."
    FileUnsupportedPrecision "file.unsupported_precision" Rejected
        "The JPEG's samples are not of 8 bits."
        "Whoever made the file: save it with 8 bits per channel."
        "채널당 8비트가 아닌 JPEG입니다."
        "파일을 만든 담당자: 채널당 8비트로 저장해 주세요."
    FileUnsupportedComponents "file.unsupported_components" Rejected
        "The JPEG has a number of colour components that has no meaning (not 1, 3 or 4)."
        "Whoever made the file: save it as an RGB JPEG."
        "색 성분의 수가 1, 3, 4가 아닌 JPEG입니다."
        "파일을 만든 담당자: RGB JPEG로 저장해 주세요."
    FileTooLarge "file.too_large" Rejected
        "The file has more bytes than is allowed."
        "Whoever made the file: export it at a lower quality or size (at most 64 MiB, unless configured otherwise)."
        "파일 크기가 허용 범위를 넘습니다."
        "파일을 만든 담당자: 더 작게 내보내 주세요(기본값: 64MiB 이하)."
    RenderTimeout "render.timeout" Rejected
        "Making the renditions took longer than is allowed."
        "The engineer on call: look at the file; if it is legitimate, raise limits.render_cpu and retry."
        "이미지 생성 시간이 허용 범위를 넘었습니다."
        "당직 엔지니어: 파일을 확인하고 정상이면 limits.render_cpu 값을 올린 뒤 다시 시도하세요."
    RenderMemory "render.memory" Rejected
        "Making the renditions took more memory than is allowed."
        "The engineer on call: look at the file; if it is legitimate, raise limits.render_memory and retry."
        "이미지 생성에 필요한 메모리가 허용 범위를 넘었습니다."
        "당직 엔지니어: 파일을 확인하고 정상이면 limits.render_memory 값을 올린 뒤 다시 시도하세요."
    RenderCrashed "render.crashed" Rejected
        "The rendition engine crashed on this file, three times."
        "The engineer on call: report it with the file; this is a fault of Cameo."
        "이 파일을 처리하던 중 이미지 엔진이 세 번 비정상 종료되었습니다."
        "당직 엔지니어: 파일과 함께 신고해 주세요. Cameo의 결함입니다."
    Superseded "superseded" Rejected
        "A newer upload of the same name took its place before it was rendered."
        "Nobody: the newer one counts."
        "처리되기 전에 같은 이름의 새 파일이 올라와 대체되었습니다."
        "조치할 것이 없습니다. 새 파일이 적용됩니다."
    StoreDenied "store.denied" Waiting
        "The store refuses access; nothing is lost and nothing is rejected."
        "The engineer on call: fix the credentials or permissions of the buckets; processing then continues automatically."
        "저장소 접근 권한이 없어 기다리는 중입니다. 잃어버린 것은 없습니다."
        "당직 엔지니어: 버킷의 인증 정보나 권한을 고치면 자동으로 계속됩니다."
    StoreUnavailable "store.unavailable" Waiting
        "The store or queue cannot be reached; nothing is lost and nothing is rejected."
        "The engineer on call: bring it back; processing then continues automatically."
        "저장소나 큐에 연결할 수 없어 기다리는 중입니다. 잃어버린 것은 없습니다."
        "당직 엔지니어: 복구되면 자동으로 계속됩니다."
    CatalogUnavailable "catalog.unavailable" Waiting
        "The database cannot be reached; nothing is lost and nothing is rejected."
        "The engineer on call: bring it back; processing then continues automatically."
        "데이터베이스에 연결할 수 없어 기다리는 중입니다. 잃어버린 것은 없습니다."
        "당직 엔지니어: 복구되면 자동으로 계속됩니다."
    CatalogConflict "catalog.conflict" Waiting
        "Another writer changed the same rows; it is tried again at once."
        "Nobody, unless it lasts: then the engineer on call looks for a second program that writes the table."
        "다른 프로그램이 같은 행을 바꾸어 다시 시도하는 중입니다."
        "계속되면 당직 엔지니어가 같은 테이블에 쓰는 다른 프로그램을 확인해 주세요."
    SystemDeadLetter "system.dead_letter" Rejected
        "The message about this photo could not be processed and was moved to the dead-letter queue, with the cause."
        "Whoever runs the server: fix the cause that is named, then run: cameo retry --reason system.dead_letter"
        "이 사진의 메시지를 처리할 수 없어 데드레터 대기열로 옮겼습니다. 원인은 함께 표시됩니다."
        "서버 운영자: 표시된 원인을 해결한 뒤 cameo retry --reason system.dead_letter 를 실행하세요."
    SystemUnknownReason "system.unknown_reason" Rejected
        "The ledger names a reason that this version of Cameo does not know; it is in the detail."
        "Whoever runs the server: ask the version that wrote it, or have the photo tried again: cameo retry --reason system.unknown_reason"
        "이 버전의 Cameo가 모르는 사유가 기록되어 있습니다. 사유는 상세 내용에 있습니다."
        "서버 운영자: 기록한 버전에서 확인하거나 cameo retry --reason system.unknown_reason 으로 다시 시도하세요."
    WindowClosed "window.closed" Waiting
        "Registration is configured to run at certain hours, and it is not one of them."
        "Nobody: it registers when the window opens."
        "등록 시간이 아니어서 기다리는 중입니다."
        "조치할 것이 없습니다. 등록 시간이 되면 자동으로 등록됩니다."
}

impl From<cameo_image::Reason> for ReasonCode {
    fn from(reason: cameo_image::Reason) -> Self {
        use cameo_image::Reason;
        match reason {
            Reason::Empty => Self::FileEmpty,
            Reason::NotJpeg => Self::FileNotJpeg,
            Reason::Truncated => Self::FileTruncated,
            Reason::Corrupt => Self::FileCorrupt,
            Reason::TooManyPixels => Self::FileTooManyPixels,
            Reason::TooManyScans => Self::FileTooManyScans,
            Reason::UnsupportedProcess => Self::FileUnsupportedProcess,
            Reason::UnsupportedPrecision => Self::FileUnsupportedPrecision,
            Reason::UnsupportedComponents => Self::FileUnsupportedComponents,
            Reason::TooLarge => Self::FileTooLarge,
        }
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl From<ReasonCode> for &'static str {
    fn from(reason: ReasonCode) -> Self {
        reason.code()
    }
}

/// A text that is no reason code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a reason code; `cameo explain` lists them")]
pub struct UnknownReason(String);

impl FromStr for ReasonCode {
    type Err = UnknownReason;

    fn from_str(code: &str) -> Result<Self, UnknownReason> {
        Self::ALL.iter().copied().find(|reason| reason.code() == code).ok_or_else(|| UnknownReason(code.to_owned()))
    }
}

impl TryFrom<String> for ReasonCode {
    type Error = UnknownReason;

    fn try_from(code: String) -> Result<Self, UnknownReason> {
        code.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_parse_back() {
        for reason in ReasonCode::ALL {
            assert_eq!(reason.code().parse(), Ok(*reason));
        }
        assert!("file.nonsense".parse::<ReasonCode>().is_err());
    }
}
