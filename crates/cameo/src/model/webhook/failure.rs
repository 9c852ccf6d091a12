//! Why a webhook cannot be, or could not be sent to, in Korean: what `webhooks/address.rs` and `webhooks/courier.rs` say in English.

use crate::model::cause;

/// What a failure begins or ends with or holds, and its Korean, with `{}` for what stands between the two.
const FAILURES: [(&str, &str, &str); 19] = [
    ("no answer within ", "", "받는 쪽이 {} 안에 응답하지 않았습니다"),
    (
        "the answer is ",
        "; redirects are not followed",
        "받는 쪽이 {} (다른 주소로 이동)로 응답했습니다. 이동은 따라가지 않으니 최종 주소를 적어 주세요",
    ),
    ("the answer is ", "", "받는 쪽이 {} (으)로 응답했습니다"),
    (
        "",
        " is a private address",
        "{} 은(는) 내부망 주소여서 보낼 수 없습니다. 꼭 필요하면 엔지니어에게 webhooks.allow_networks 설정을 요청해 주세요",
    ),
    ("", " is an address that nothing can be sent to", "{} 은(는) 아무것도 보낼 수 없는 주소입니다"),
    ("", " is a public address, and plain HTTP", "{} 은(는) 공개 주소입니다. https:// 로 시작하는 주소를 적어 주세요"),
    ("plain HTTP would show", "", "암호화되지 않은 주소입니다. https:// 로 시작하는 주소를 적어 주세요"),
    ("the URL begins with", "", "https:// 로 시작하는 주소를 적어 주세요"),
    (
        "the URL has a user",
        "",
        "주소에 사용자 이름이나 비밀번호를 넣을 수 없습니다. 메시지는 서명되므로 필요하지 않습니다",
    ),
    ("the URL has a fragment", "", "주소에 # 과 그 뒤를 넣을 수 없습니다"),
    ("the URL has a space", "", "주소에 빈칸이나 쓸 수 없는 문자가 있습니다"),
    ("the URL has ", "", "주소가 너무 깁니다. 2,048바이트까지 쓸 수 있습니다"),
    ("the URL names no host", "", "주소에 서버 이름이 없거나 포트가 0입니다"),
    ("", " is not a URL", "주소로 읽을 수 없습니다. https:// 로 시작하는 주소를 적어 주세요"),
    ("the description has", "", "설명은 500자까지이며 줄바꿈 같은 제어 문자는 쓸 수 없습니다"),
    ("an empty list of events", "", "보낼 알림을 하나 이상 선택해 주세요"),
    ("the endpoint's secret", "", "비밀 값을 읽을 수 없습니다. 새 비밀 값을 만들어 주세요"),
    ("the HTTP client", "", "서버가 전송을 준비하지 못했습니다. 엔지니어에게 알려 주세요"),
    ("the request failed", "", "보내지 못했습니다"),
];

/// A failure in Korean. What nobody has listed stays as it is, in brackets, for an engineer.
pub fn failure_in_korean(failure: &str) -> String {
    let known = FAILURES.iter().find_map(|(start, end, korean)| {
        // A cause may stand behind what was tried.
        let rest = if start.is_empty() { failure.rsplit(": ").find(|part| part.contains(end))? } else { failure };
        let rest = rest.strip_prefix(start)?;
        let kept = if end.is_empty() { rest } else { rest.split_once(end)?.0 };
        Some(korean.replacen("{}", kept, 1))
    });
    let usual = || cause::of_text(failure).map(str::to_owned);
    known.or_else(usual).unwrap_or_else(|| format!("보내지 못했습니다 [{failure}]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_in_korean() {
        for (english, korean) in [
            ("no answer within 20s", "20s 안에 응답하지 않았습니다"),
            ("the answer is 500 Internal Server Error", "500 Internal Server Error (으)로 응답했습니다"),
            (
                "the answer is 302 Found; redirects are not followed: give the URL that it leads to",
                "받는 쪽이 302 Found (다른 주소로 이동)",
            ),
            (
                "client error (Connect): dns error: 127.0.0.1 is a private address, which webhooks do not reach",
                "127.0.0.1 은(는) 내부망",
            ),
            ("error trying to connect: tcp connect error: Connection refused (os error 111)", "연결이 거부됨"),
            ("\"x\" is not a URL: relative URL without a base", "주소로 읽을 수 없습니다"),
            ("something that nobody listed", "[something that nobody listed]"),
        ] {
            let text = failure_in_korean(english);
            assert!(text.contains(korean), "{english}: {text}");
        }
    }
}
