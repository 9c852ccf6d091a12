//! Pages for what is refused before any page can be asked for: a name that is not ours, a request that cannot be read. Who asks for it, and in
//! which language, is not known then: the page says it in both.

use std::{fmt::Write, sync::LazyLock};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use sha2::{Digest, Sha256};

/// The look, in the page: the listener may have no pages whose style could be loaded.
const STYLE: &str = "body{font:16px/1.6 system-ui,\"Apple SD Gothic Neo\",\"Malgun Gothic\",\"Noto Sans KR\",sans-serif;max-width:34rem;\
    margin:4rem auto;padding:0 1rem;background:#f7f7f5;color:#1b1f23;word-break:keep-all;overflow-wrap:anywhere}\
    p{margin:.5rem 0}.code{font-size:2.6rem;color:#57606a}h1{font-size:1.3rem;line-height:1.4}.en{color:#57606a}\
    @media(prefers-color-scheme:dark){body{background:#111417;color:#e4e8ec}.code,.en{color:#9ba6b1}}";

/// What such a page may do: nothing but look like this.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!("default-src 'none'; style-src 'sha256-{hash}'; sandbox; frame-ancestors 'none'")
});

/// What happened, in both languages. Neither has signs that markup would have to escape.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words {
    pub(super) english: &'static str,
    pub(super) korean: &'static str,
}

/// A name that leads here and is none of ours.
pub(super) const FOREIGN_NAME: Words = Words {
    english: "The console answers at its address, at localhost, or at a name of console.hosts.",
    korean: "이 이름으로는 콘솔에 접속할 수 없습니다. 서버 주소나 localhost, 또는 console.hosts 에 적은 이름으로 접속해 주세요.",
};

/// What a proxy in front sent that cannot be read.
pub(super) const UNREADABLE_PROXY: Words = Words {
    english: "The proxy in front sends headers that cannot be read; see console.trusted_proxies.",
    korean: "앞단 프록시가 보낸 헤더를 읽을 수 없습니다. 관리자에게 console.trusted_proxies 설정을 확인해 달라고 요청해 주세요.",
};

/// A `Host` that has no reading, or more than one.
pub(super) const UNREADABLE_HOST: &str = "요청의 Host 헤더가 없거나 올바르지 않습니다.";

/// What cannot be read as a request at all, by the status that says so.
fn unreadable(status: StatusCode) -> Words {
    match status {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Words {
            english: "The request brings more headers than the server reads. Delete the cookies of this site, and load the page again.",
            korean: "요청 헤더가 너무 큽니다. 이 사이트의 쿠키를 지운 뒤 다시 열어 주세요.",
        },
        StatusCode::URI_TOO_LONG => {
            Words { english: "The address is longer than the server reads.", korean: "주소가 너무 깁니다." }
        }
        _ => Words {
            english: "The request cannot be read as HTTP.",
            korean: "HTTP 요청으로 읽을 수 없습니다. 주소를 확인한 뒤 다시 열어 주세요.",
        },
    }
}

fn text(status: StatusCode, words: Words) -> String {
    let (code, Words { english, korean }) = (status.as_u16(), words);
    format!(
        "<!doctype html>\n<html lang=\"ko\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{code} – Cameo</title><style>{STYLE}</style></head><body><main><p class=\"code\">{code}</p><h1>{korean}</h1>\
         <p class=\"en\" lang=\"en\">{english}</p></main></body></html>\n"
    )
}

/// The page.
pub(super) fn page(status: StatusCode, words: Words) -> Response {
    let mut response = (status, Html(text(status, words))).into_response();
    if let Ok(policy) = HeaderValue::from_str(&POLICY) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// The whole answer to what cannot be read as a request, with these headers besides.
pub(super) fn whole(status: StatusCode, headers: &[(&str, &str)]) -> Bytes {
    let body = text(status, unreadable(status));
    let mut answer = format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncache-control: no-store\r\nreferrer-policy: no-referrer\r\n"
    );
    let named = [("content-type", "text/html; charset=utf-8"), ("content-security-policy", POLICY.as_str())];
    for (name, value) in named.iter().chain(headers) {
        // Writing to a string cannot fail.
        let _ = write!(answer, "{name}: {value}\r\n");
    }
    let _ = write!(answer, "content-length: {}\r\n\r\n{body}", body.len());
    answer.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_answered_in_both_languages() {
        for status in [400, 414, 431, 505] {
            let status = StatusCode::from_u16(status).unwrap();
            let answer = String::from_utf8(whole(status, &[("x-test", "1")]).to_vec()).unwrap();
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with(&format!("HTTP/1.1 {status}\r\n")) && head.contains("x-test: 1"), "{head}");
            assert!(head.contains(&format!("content-length: {}", body.len())) && !head.contains("unsafe"), "{head}");
            assert!(body.contains("lang=\"ko\"") && body.contains("lang=\"en\""), "{body}");
        }
    }
}
