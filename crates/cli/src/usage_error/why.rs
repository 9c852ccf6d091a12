//! Why a value is none for its argument, in Korean. The readers of values say it in English: those of numbers and times are of libraries.

/// What a reader says, or a part of it, and its Korean. The first that fits counts.
const WHYS: [(&str, &str); 23] = [
    ("is not a reason code", "없는 사유 코드입니다. `cameo explain` 으로 목록을 볼 수 있습니다"),
    ("is not a language", "ko 나 en 을 적어 주세요"),
    ("is not a role", "viewer, operator, admin 중 하나를 적어 주세요"),
    ("is not the id of a delivery", "전달 번호는 20261126-k3f9 와 같은 형식입니다"),
    (
        "is not a type of event",
        "없는 이벤트 종류입니다. delivery.completed 나 image.replaced 와 같은 형식이며, 목록은 도움말에 있습니다",
    ),
    ("an id has ASCII letters", "번호는 영문자, 숫자, _ 로만 되어 있습니다"),
    ("the vertical is empty", "버티컬이 비어 있습니다"),
    ("the vertical is longer", "버티컬은 64자까지입니다"),
    ("the vertical starts with '-'", "버티컬은 - 로 시작할 수 없습니다"),
    ("decomposed Hangul", "버티컬의 한글이 자모로 분해되어 있습니다"),
    ("the vertical contains", "버티컬에는 영문자, 숫자, _, -, 한글만 쓸 수 있습니다"),
    ("write a time with its zone", "시간대까지 적어 주세요. 예: 2026-11-26T09:00+09:00"),
    ("invalid digit found", "숫자가 아닙니다"),
    ("integer from empty string", "숫자를 적어 주세요"),
    ("number too large", "너무 큰 수입니다"),
    ("number is too large", "너무 큰 수입니다"),
    ("number too small", "너무 작은 수입니다"),
    ("a value is required", "값을 적어 주세요"),
    ("time unit", TIME),
    ("socket address", "주소와 포트를 127.0.0.1:9000 처럼 적어 주세요"),
    ("a prefix ends with a slash", "앞부분은 / 로 끝나야 합니다"),
    ("couldn't parse", "크기를 10GiB 처럼 적어 주세요"),
    ("is neither ADDR:PORT", "주소와 포트를 127.0.0.1:9000 처럼 적거나 `off` 를 적어 주세요"),
];
const TIME: &str = "기간은 90d 나 12h 처럼 숫자와 단위로 적어 주세요";

/// Why, in Korean; none of what no reader is known to say.
pub(super) fn korean(why: &str) -> Option<String> {
    let known = WHYS.iter().find(|(part, _)| why.contains(part)).map(|(_, korean)| *korean);
    // Of a time it is said too, which month is none.
    if let (None, Some((_, range))) = (known, why.split_once(" is not in ")) {
        return Some(of_range(range));
    }
    // What the reader of periods says is of many kinds, and always that.
    let of_time = ["expected number", "value was empty", "overflow", "invalid character"];
    known.or_else(|| of_time.iter().any(|part| why.contains(part)).then_some(TIME)).map(str::to_owned)
}

/// `1..=1000`, `1..1001` or `1..`.
fn of_range(range: &str) -> String {
    match range.split_once("..") {
        Some((first, last)) if !last.is_empty() => {
            format!("{first} 부터 {} 까지의 숫자를 적어 주세요", last.trim_start_matches('='))
        }
        Some((first, _)) => format!("{first} 이상의 숫자를 적어 주세요"),
        None => format!("{range} 안의 숫자를 적어 주세요"),
    }
}
