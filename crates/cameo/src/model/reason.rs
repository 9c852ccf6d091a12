//! Reason codes: why an original was rejected, or why it waits, in words for the person who must act.
//!
//! The codes are stable: scripts match on them. They may be added to, never changed.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::lang::Lang;

/// Declares the codes once: variant, code, kind, who must act, what it means and what to do, in English and in Korean.
macro_rules! reason_codes {
    ($($variant:ident $code:literal $kind:ident $owner:ident $english:literal $do_english:literal $korean:literal $do_korean:literal)*) => {
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

            /// Who must act.
            pub const fn owner(self) -> Owner {
                match self { $(Self::$variant => Owner::$owner,)* }
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

/// Whether a reason ends an original, makes it wait, or is found before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReasonKind {
    /// The original is rejected until it is replaced.
    Rejected,
    /// Nothing is wrong with the original; it is tried again by itself.
    Waiting,
    /// `cameo check` finds it in a folder; it never rejects an upload.
    Checked,
}

/// Who must act on a reason. The names are stable: scripts sort by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// Whoever named, made or handed over the photos.
    PersonInCharge,
    /// Whoever uploads them.
    Operator,
    /// Whoever runs the server.
    Engineer,
    /// It settles by itself.
    Nobody,
}

impl Owner {
    /// In the order in which a report lists them.
    pub const ALL: [Self; 4] = [Self::PersonInCharge, Self::Operator, Self::Engineer, Self::Nobody];

    /// Its stable name.
    pub const fn code(self) -> &'static str {
        match self {
            Self::PersonInCharge => "person_in_charge",
            Self::Operator => "operator",
            Self::Engineer => "engineer",
            Self::Nobody => "nobody",
        }
    }

    /// For people, in English.
    pub const fn english(self) -> &'static str {
        match self {
            Self::PersonInCharge => "Whoever handed the photos over",
            Self::Operator => "Whoever uploads the photos",
            Self::Engineer => "The engineer on call",
            Self::Nobody => "Nobody",
        }
    }

    /// For people, in Korean.
    pub const fn korean(self) -> &'static str {
        match self {
            Self::PersonInCharge => "사진을 전달한 담당자",
            Self::Operator => "업로드 담당자",
            Self::Engineer => "당직 엔지니어",
            Self::Nobody => "조치할 것이 없음",
        }
    }
}

reason_codes! {
    NameUnparseable "name.unparseable" Rejected PersonInCharge
        "The object's name is not {cd_idx}_{sequence}.jpg directly in the folder of its vertical."
        "Whoever named the file: rename it, for example 1234_0.jpg, and upload it again; a picture that is not a JPEG, such as a PNG, has to be saved as one."
        "파일 이름이 {cd_idx}_{sequence}.jpg 형식이 아니거나 버티컬 폴더 바로 아래에 있지 않습니다."
        "파일을 만든 담당자: 이름을 1234_0.jpg 처럼 바꾸어 다시 올려 주세요. PNG나 HEIC 등은 이름만 바꾸지 말고 JPEG로 다시 저장해 주세요."
    NameSequenceGap "name.sequence_gap" Checked PersonInCharge
        "The entity's sequences do not run from 0 without a gap."
        "Whoever named the files: number the photos of the entity 0, 1, 2 … or hand over the missing one."
        "한 엔티티의 순번(sequence)이 0부터 빠짐없이 이어지지 않습니다."
        "파일을 만든 담당자: 순번을 0, 1, 2 … 로 다시 매기거나 빠진 사진을 전달해 주세요."
    NameDuplicate "name.duplicate" Checked PersonInCharge
        "Two files have the name of the same photo."
        "Whoever handed them over: decide which one is meant and remove the other."
        "같은 사진 자리에 해당하는 파일이 두 개 있습니다."
        "전달한 담당자: 어느 파일이 맞는지 정하고 나머지는 지워 주세요."
    FileEmpty "file.empty" Rejected PersonInCharge
        "The file has no bytes."
        "Whoever handed it over: export or copy the photo again; the copy was cut off."
        "파일이 비어 있습니다(0바이트)."
        "전달한 담당자: 복사가 중간에 끊긴 것입니다. 사진을 다시 내보내거나 복사해 주세요."
    FileNotJpeg "file.not_jpeg" Rejected PersonInCharge
        "The file is not a JPEG, whatever its name says."
        "Whoever made the file: save it as JPEG (renaming a PNG or HEIC does not convert it)."
        "이름과 달리 JPEG 파일이 아닙니다."
        "파일을 만든 담당자: JPEG로 다시 저장해 주세요. PNG나 HEIC의 이름만 바꾸면 변환되지 않습니다."
    FileTruncated "file.truncated" Rejected PersonInCharge
        "The file ends before the picture does."
        "Whoever handed it over: send the photo again; it was cut off while copying or downloading."
        "파일이 중간에 잘려 사진의 일부가 없습니다."
        "전달한 담당자: 복사나 내려받기 중에 끊긴 것입니다. 사진을 다시 보내 주세요."
    FileCorrupt "file.corrupt" Rejected PersonInCharge
        "The file is damaged: its headers or its data contradict themselves."
        "Whoever handed it over: export the photo again from the original."
        "파일이 손상되어 읽을 수 없습니다."
        "전달한 담당자: 원본에서 사진을 다시 내보내 주세요."
    FileTooManyPixels "file.too_many_pixels" Rejected PersonInCharge
        "The picture has more pixels, or a longer side, than is allowed."
        "Whoever made the file: export it smaller (at most 100 megapixels and 65,500 pixels a side, unless configured otherwise)."
        "사진의 화소 수 또는 한 변의 길이가 허용 범위를 넘습니다."
        "파일을 만든 담당자: 더 작게 내보내 주세요(기본값: 1억 화소, 한 변 65,500픽셀 이하)."
    FileTooManyScans "file.too_many_scans" Rejected PersonInCharge
        "The progressive JPEG has more scans than any normal encoder writes."
        "Whoever made the file: export it again with an ordinary program."
        "프로그레시브 JPEG의 스캔 수가 비정상적으로 많습니다."
        "파일을 만든 담당자: 일반적인 프로그램으로 다시 저장해 주세요."
    FileUnsupportedProcess "file.unsupported_process" Rejected PersonInCharge
        "The JPEG uses a coding that browsers cannot show (arithmetic, lossless, hierarchical or JPEG-LS)."
        "Whoever made the file: save it as an ordinary baseline or progressive JPEG."
        "브라우저가 표시할 수 없는 방식(산술·무손실·계층 부호화, JPEG-LS)의 JPEG입니다."
        "파일을 만든 담당자: 일반(베이스라인 또는 프로그레시브) JPEG로 저장해 주세요."
    FileUnsupportedPrecision "file.unsupported_precision" Rejected PersonInCharge
        "The JPEG's samples are not of 8 bits."
        "Whoever made the file: save it with 8 bits per channel."
        "채널당 8비트가 아닌 JPEG입니다."
        "파일을 만든 담당자: 채널당 8비트로 저장해 주세요."
    FileUnsupportedComponents "file.unsupported_components" Rejected PersonInCharge
        "The JPEG has a number of colour components that has no meaning (not 1, 3 or 4)."
        "Whoever made the file: save it as an RGB JPEG."
        "색 성분의 수가 1, 3, 4가 아닌 JPEG입니다."
        "파일을 만든 담당자: RGB JPEG로 저장해 주세요."
    FileTooLarge "file.too_large" Rejected PersonInCharge
        "The file has more bytes than is allowed."
        "Whoever made the file: export it at a lower quality or size (at most 64 MiB, unless configured otherwise)."
        "파일 크기가 허용 범위를 넘습니다."
        "파일을 만든 담당자: 더 작게 내보내 주세요(기본값: 64MiB 이하)."
    NameExtension "name.extension" Checked PersonInCharge
        "The file's name ends in something other than .jpg in small letters, such as .JPG or .jpeg."
        "Whoever named the file: rename it to end in .jpg (cameo check --fix does it in a copy)."
        "파일 이름이 소문자 .jpg 로 끝나지 않습니다(.JPG, .jpeg 등)."
        "파일을 만든 담당자: 확장자를 .jpg 로 바꾸어 주세요(cameo check --fix 로 고친 사본을 만들 수 있습니다)."
    NameDigits "name.digits" Checked PersonInCharge
        "The numbers in the file's name are not plain: full-width digits, leading zeros, or a number out of range."
        "Whoever named the file: write the numbers in ordinary digits without leading zeros, such as 1234_0.jpg."
        "파일 이름의 숫자 표기가 잘못되었습니다(전각 숫자, 앞자리 0, 범위를 벗어난 수)."
        "파일을 만든 담당자: 1234_0.jpg 처럼 일반 숫자로, 앞에 0 없이 적어 주세요."
    NameNormalisation "name.normalisation" Checked PersonInCharge
        "The file's name holds characters in decomposed form (NFD), as macOS writes them, or invisible ones."
        "Whoever named the file: rename it to {cd_idx}_{sequence}.jpg with plain characters."
        "파일 이름에 분해된 글자(NFD, macOS 방식)나 보이지 않는 문자가 있습니다."
        "파일을 만든 담당자: 이름을 {cd_idx}_{sequence}.jpg 형식의 일반 문자로 바꾸어 주세요."
    NameSubfolder "name.subfolder" Checked PersonInCharge
        "The file is in a folder inside the delivery; only files directly in it are uploaded."
        "Whoever handed it over: move the photo into the folder itself, or deliver the inner folder on its own."
        "파일이 하위 폴더 안에 있습니다. 폴더 바로 아래의 파일만 올라갑니다."
        "전달한 담당자: 사진을 폴더 바로 아래로 옮기거나 하위 폴더를 따로 전달해 주세요."
    NameUnfinished "name.unfinished" Checked PersonInCharge
        "The file is a download or copy that was not finished, as the end of its name says."
        "Whoever handed it over: finish the download or copy, or send the photo again; renaming the file does not complete it."
        "내려받기나 복사가 끝나지 않은 파일입니다(.crdownload, .part, .tmp 등)."
        "전달한 담당자: 끝까지 받은 뒤 다시 넣거나 사진을 다시 보내 주세요. 이름만 바꾸면 사진이 완성되지 않습니다."
    ListMissing "list.missing" Checked PersonInCharge
        "The list of what was promised names it, and the folder does not hold it."
        "Whoever handed the photos over: send what is missing, or correct the list."
        "전달 목록에는 있으나 폴더에 없습니다."
        "전달한 담당자: 빠진 사진을 보내거나 목록을 고쳐 주세요."
    ListUnexpected "list.unexpected" Checked PersonInCharge
        "The folder holds it, and the list of what was promised does not name it."
        "Whoever handed the photos over: add it to the list, or say that it is not meant."
        "폴더에는 있으나 전달 목록에 없습니다."
        "전달한 담당자: 목록에 추가하거나 올리지 않을 사진인지 알려 주세요."
    ListUnreadable "list.unreadable" Checked PersonInCharge
        "A cell of the list of what was promised cannot be read as a cd_idx or a file name."
        "Whoever wrote the list: correct the cell."
        "전달 목록의 칸을 cd_idx 나 파일 이름으로 읽을 수 없습니다."
        "목록을 만든 담당자: 해당 칸을 고쳐 주세요."
    ListUnclear "list.unclear" Checked PersonInCharge
        "A place of the list of what was promised can be meant in two ways; the detail says how it was read."
        "Whoever wrote the list: look at the place; where it was read wrongly, write it unmistakably."
        "전달 목록에 두 가지로 읽을 수 있는 곳이 있습니다. 어떻게 읽었는지는 상세 내용에 있습니다."
        "목록을 만든 담당자: 그곳을 확인하고 잘못 읽었으면 분명하게 고쳐 적어 주세요."
    FileDuplicateContent "file.duplicate_content" Checked PersonInCharge
        "The same picture, byte for byte, is handed over under two names."
        "Whoever handed them over: look whether one of them is the wrong photo."
        "같은 사진(바이트까지 동일)이 두 이름으로 전달되었습니다."
        "전달한 담당자: 둘 중 하나가 잘못된 사진인지 확인해 주세요."
    FileSmallerThanSize "file.smaller_than_size" Checked PersonInCharge
        "The picture is smaller than an image size needs, so it will be enlarged and look soft."
        "Whoever made the file: hand over a larger picture if there is one."
        "사진이 이미지 규격보다 작아 확대되어 흐리게 보일 수 있습니다."
        "파일을 만든 담당자: 더 큰 사진이 있으면 전달해 주세요."
    FileExtremeShape "file.extreme_shape" Checked PersonInCharge
        "The picture is very long or very wide, so most of it is cropped away or it becomes a thin strip."
        "Whoever made the file: crop the picture to an ordinary shape."
        "사진이 지나치게 길거나 넓어 대부분이 잘리거나 가는 띠처럼 보입니다."
        "파일을 만든 담당자: 일반적인 비율로 잘라 주세요."
    FileCmyk "file.cmyk" Checked PersonInCharge
        "The picture is in CMYK, the colours of print; they can look different on a screen."
        "Whoever made the file: export it as RGB."
        "인쇄용 CMYK 색상의 사진이라 화면에서 색이 다르게 보일 수 있습니다."
        "파일을 만든 담당자: RGB로 다시 내보내 주세요."
    FileUnreadable "file.unreadable" Checked Operator
        "The file cannot be read: no right to read it, a link to nowhere, not a regular file, or packed in a way that is not supported."
        "Whoever uploads: look at the file and its rights; where it came in an archive, have it packed again without a password."
        "파일을 읽을 수 없습니다(권한 없음, 끊어진 링크, 일반 파일이 아님, 지원하지 않는 압축)."
        "업로드 담당자: 파일과 권한을 확인해 주세요. 압축 파일이면 암호 없이 다시 압축해 달라고 요청해 주세요."
    UploadFailed "upload.failed" Waiting Operator
        "The file was not sent: the connection or the server failed."
        "Whoever uploads: run the same cameo push again; it goes on where it stopped."
        "연결이나 서버 문제로 파일을 보내지 못했습니다."
        "업로드 담당자: 같은 cameo push 를 다시 실행하면 이어서 올립니다."
    UploadMissing "upload.missing" Waiting Operator
        "The delivery names the photo, and it is not in the upload bucket."
        "Whoever uploads: run cameo push again; it sends what is missing."
        "전달 목록에 있는 사진이 업로드 버킷에 없습니다."
        "업로드 담당자: cameo push 를 다시 실행하면 빠진 사진을 올립니다."
    UploadPending "upload.pending" Waiting Nobody
        "The photo arrived and is being processed."
        "Nobody: it is published and registered by itself."
        "사진이 도착하여 처리 중입니다."
        "조치할 것이 없습니다. 자동으로 게시되고 등록됩니다."
    UploadReplaced "upload.replaced" Waiting Nobody
        "A later upload of the same name took the place of the photo that was delivered."
        "Nobody: the later one counts; where it was rejected, the last good one stays. If that is not meant, whoever uploads sends the photo again."
        "전달된 사진이 나중에 올라온 같은 이름의 파일로 대체되었습니다."
        "조치할 것이 없습니다. 나중 파일이 적용되고, 나중 파일이 거부되었으면 이전의 정상 사진이 계속 게시됩니다. 의도한 것이 아니면 업로드 담당자가 다시 올려 주세요."
    UploadRemoved "upload.removed" Waiting Operator
        "The photo arrived and was deleted afterwards."
        "Whoever uploads: if that is not meant, run cameo push again; it sends what is missing. cameo restore brings the file back while it is kept."
        "사진이 도착한 뒤에 삭제되었습니다."
        "업로드 담당자: 의도한 삭제가 아니면 cameo push 를 다시 실행하면 빠진 사진을 올립니다. 보관 기간에는 cameo restore 로도 되돌릴 수 있습니다."
    UploadMoved "upload.moved" Waiting Nobody
        "The photo arrived, and somebody moved it to another vertical with cameo move."
        "Nobody: it is settled, and counts neither as live nor as failed. Do not push it again; cameo move --undo is the way back."
        "사진이 도착한 뒤 담당자가 cameo move 로 다른 버티컬로 옮겼습니다."
        "조치할 것이 없습니다. 정상에도 실패에도 넣지 않습니다. 다시 올리지 마세요. 되돌리려면 cameo move --undo 를 사용합니다."
    UploadUnpublished "upload.unpublished" Waiting Nobody
        "The photo arrived, and somebody took it down for a reason."
        "Nobody: it is settled, and counts neither as live nor as failed. Do not push it again; while it is kept, cameo restore brings it back."
        "사진이 도착한 뒤 담당자가 사유를 적고 게시를 중단했습니다."
        "조치할 것이 없습니다. 정상에도 실패에도 넣지 않습니다. 다시 올리지 마세요. 보관 기간에는 cameo restore 로 되돌릴 수 있습니다."
    UploadDismissed "upload.dismissed" Waiting Nobody
        "The photo was rejected, was left out or never came, and somebody settled that with cameo dismiss or on the delivery's page."
        "Nobody: it counts neither as live nor as failed. cameo restore brings a rejected file back for 30 days, unless configured otherwise."
        "거부되었거나 빠진 사진이며, 담당자가 cameo dismiss 또는 콘솔의 전달 화면에서 정리했습니다."
        "조치할 것이 없습니다. 정상에도 실패에도 넣지 않습니다. 거부된 파일은 설정을 바꾸지 않았다면 30일 동안 cameo restore 로 되돌릴 수 있습니다."
    RenderTimeout "render.timeout" Rejected Engineer
        "Making the renditions took longer than is allowed."
        "The engineer on call: look at the file; if it is legitimate, raise limits.render_cpu and retry."
        "이미지 생성 시간이 허용 범위를 넘었습니다."
        "당직 엔지니어: 파일을 확인하고 정상이면 limits.render_cpu 값을 올린 뒤 다시 시도하세요."
    RenderMemory "render.memory" Rejected Engineer
        "Making the renditions took more memory than is allowed."
        "The engineer on call: look at the file; if it is legitimate, raise limits.render_memory and retry."
        "이미지 생성에 필요한 메모리가 허용 범위를 넘었습니다."
        "당직 엔지니어: 파일을 확인하고 정상이면 limits.render_memory 값을 올린 뒤 다시 시도하세요."
    RenderCrashed "render.crashed" Rejected Engineer
        "The rendition engine crashed on this file, three times."
        "The engineer on call: report it with the file; this is a fault of Cameo."
        "이 파일을 처리하던 중 이미지 엔진이 세 번 비정상 종료되었습니다."
        "당직 엔지니어: 파일과 함께 신고해 주세요. Cameo의 결함입니다."
    Superseded "superseded" Rejected Nobody
        "A newer upload of the same name took its place before it was rendered."
        "Nobody: the newer one counts."
        "처리되기 전에 같은 이름의 새 파일이 올라와 대체되었습니다."
        "조치할 것이 없습니다. 새 파일이 적용됩니다."
    StoreDenied "store.denied" Waiting Engineer
        "The store refuses access; nothing is lost and nothing is rejected."
        "The engineer on call: fix the credentials or permissions of the buckets; processing then continues automatically."
        "저장소 접근 권한이 없어 기다리는 중입니다. 잃어버린 것은 없습니다."
        "당직 엔지니어: 버킷의 인증 정보나 권한을 고치면 자동으로 계속됩니다."
    StoreUnavailable "store.unavailable" Waiting Engineer
        "The store or queue cannot be reached; nothing is lost and nothing is rejected."
        "The engineer on call: bring it back; processing then continues automatically."
        "저장소나 큐에 연결할 수 없어 기다리는 중입니다. 잃어버린 것은 없습니다."
        "당직 엔지니어: 복구되면 자동으로 계속됩니다."
    CatalogUnavailable "catalog.unavailable" Waiting Engineer
        "The database cannot be reached; nothing is lost and nothing is rejected."
        "The engineer on call: bring it back; processing then continues automatically."
        "데이터베이스에 연결할 수 없어 기다리는 중입니다. 잃어버린 것은 없습니다."
        "당직 엔지니어: 복구되면 자동으로 계속됩니다."
    CatalogConflict "catalog.conflict" Waiting Nobody
        "Another writer changed the same rows; it is tried again at once."
        "Nobody, unless it lasts: then the engineer on call looks for a second program that writes the table."
        "다른 프로그램이 같은 행을 바꾸어 다시 시도하는 중입니다."
        "계속되면 당직 엔지니어가 같은 테이블에 쓰는 다른 프로그램을 확인해 주세요."
    SystemDeadLetter "system.dead_letter" Rejected Engineer
        "The message about this photo could not be processed and was moved to the dead-letter queue, with the cause."
        "Whoever runs the server: fix the cause that is named, then run: cameo retry --reason system.dead_letter"
        "이 사진의 메시지를 처리할 수 없어 데드레터 대기열로 옮겼습니다. 원인은 함께 표시됩니다."
        "서버 운영자: 표시된 원인을 해결한 뒤 cameo retry --reason system.dead_letter 를 실행하세요."
    SystemUnknownReason "system.unknown_reason" Rejected Engineer
        "The ledger names a reason that this version of Cameo does not know; it is in the detail."
        "Whoever runs the server: ask the version that wrote it, or have the photo tried again: cameo retry --reason system.unknown_reason"
        "이 버전의 Cameo가 모르는 사유가 기록되어 있습니다. 사유는 상세 내용에 있습니다."
        "서버 운영자: 기록한 버전에서 확인하거나 cameo retry --reason system.unknown_reason 으로 다시 시도하세요."
    WebhookFailing "webhook.failing" Waiting Engineer
        "A webhook cannot be delivered: its receiver does not answer or refuses, so it misses what happens. No photo is affected."
        "The engineer on call: look at the webhook and its receiver, send a test, and start sending again where it was stopped."
        "웹훅(외부 시스템 알림)을 받는 쪽이 응답하지 않거나 거절하여 알림이 전달되지 않고 있습니다. 사진에는 영향이 없습니다."
        "당직 엔지니어: 웹훅과 받는 쪽 서버를 확인하고 시험 전송을 해 주세요. 멈춘 웹훅은 다시 보내기를 시작해 주세요."
    WindowClosed "window.closed" Waiting Nobody
        "Registration is configured to run at certain hours, and it is not one of them."
        "Nobody: it registers when the window opens."
        "등록 시간이 아니어서 기다리는 중입니다."
        "조치할 것이 없습니다. 등록 시간이 되면 자동으로 등록됩니다."
}

impl ReasonCode {
    /// Whether the content of a file has it, so that no other name helps.
    pub const fn refuses_content(self) -> bool {
        matches!(self.kind(), ReasonKind::Rejected) && !matches!(self, Self::NameUnparseable | Self::Superseded)
            || matches!(self, Self::FileUnreadable)
    }

    /// What it means.
    pub const fn text(self, lang: Lang) -> &'static str {
        lang.pick(self.english(), self.korean())
    }

    /// What to do about it and who does it.
    pub const fn action(self, lang: Lang) -> &'static str {
        lang.pick(self.action_english(), self.action_korean())
    }
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
