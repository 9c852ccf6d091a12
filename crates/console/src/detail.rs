//! What the API says in English, in the language of a page: details of rejections, causes of failures, and why something was refused.
//!
//! Codes and the beginnings of details are the API's and stable. What nobody has listed stays as it is, in brackets, for an engineer.

use cameo::{
    client::wire::ProblemBody,
    model::{cause, lang::Lang, plain, reason::ReasonCode, webhook},
};

/// Details of refusals that say more than their code: what each begins with, and its Korean.
const DETAILS: [(&str, &str); 21] = [
    (
        "register.delete_unpublishes is off",
        "서버 설정(register.delete_unpublishes)이 꺼져 있어 게시를 내릴 수 없습니다. 엔지니어에게 알려 주세요",
    ),
    ("the entity has more than", "사진이 너무 많아 한 번에 내릴 수 없습니다. 사진을 하나씩 내려 주세요"),
    ("note: say why", "이유를 500자 이내로 적어 주세요"),
    ("entity: name its vertical, too", "cd_idx 로 거르려면 버티컬도 적어 주세요"),
    ("after is not the next of a page", "목록의 위치를 읽을 수 없습니다. 목록을 처음부터 다시 열어 주세요"),
    ("limit is", "한 번에 볼 수 있는 수를 넘었습니다"),
    ("q: at most", "찾는 말이 너무 깁니다"),
    ("text:", "붙여 넣은 내용을 읽을 수 없거나 번호가 너무 많습니다. 나누어 넣어 주세요"),
    ("ids", "번호가 올바르지 않거나 너무 많습니다"),
    ("keys:", "고른 것이 너무 많거나 비어 있는 것이 있습니다. 나누어 골라 주세요"),
    ("letters:", "고른 것이 너무 많거나 비어 있는 것이 있습니다. 나누어 골라 주세요"),
    ("reason:", "없는 사유 코드입니다"),
    ("owner:", "조치할 사람을 잘못 적었습니다"),
    ("expires is in the past", "만료 시각이 이미 지났습니다"),
    ("delivery:", "전달 이름이 올바르지 않습니다"),
    ("the delivery names no file", "전달할 파일이 없습니다"),
    ("record a delivery:", "전달 내용이 너무 많거나 올바르지 않습니다. 나누어 전달해 주세요"),
    ("at most", "한 번에 보낼 수 있는 수를 넘었습니다. 나누어 보내 주세요"),
    ("name what to try again", "다시 처리할 것을 골라 주세요"),
    ("name is missing", "사용할 이름을 적어 주세요"),
    ("files", "파일 정보가 올바르지 않습니다. 화면을 새로 고친 뒤 다시 해 주세요"),
];

/// What the codes of refusals mean to whoever looks at a page.
const CODES: [(&str, &str); 48] = [
    ("auth.required", "로그인이 필요합니다"),
    ("auth.unknown_token", "서버가 모르는 토큰입니다"),
    ("auth.revoked", "폐기된 토큰입니다"),
    ("auth.expired", "만료된 토큰입니다"),
    ("auth.throttled", "시도가 너무 많습니다. 1분 뒤에 다시 해 주세요"),
    ("auth.role", "이 계정의 역할로는 할 수 없는 작업입니다"),
    ("auth.vertical", "이 계정의 버티컬이 아니어서 할 수 없는 작업입니다"),
    ("auth.login", "이름이나 비밀번호가 맞지 않습니다"),
    ("auth.session", "로그인이 끝났습니다. 다시 로그인해 주세요"),
    ("auth.ambiguous", "로그인 정보가 두 가지 함께 왔습니다. 로그아웃한 뒤 다시 로그인해 주세요"),
    ("busy", "서버가 지금 처리 중인 일이 많습니다. 잠시 후 다시 시도해 주세요"),
    (
        "unavailable",
        "저장소나 데이터베이스가 지금 응답하지 않습니다. 잠시 후 다시 시도하고, 계속되면 엔지니어에게 알려 주세요",
    ),
    ("internal", "서버에 문제가 있습니다. 계속되면 엔지니어에게 알려 주세요"),
    ("conflict", "그 사이에 다른 사람이 바꾸었습니다. 화면을 새로 고친 뒤 다시 해 주세요"),
    ("not_found", "없거나 볼 수 없는 대상입니다"),
    ("method_not_allowed", "이 주소로는 보낼 수 없는 요청입니다"),
    ("request.malformed", "서버가 요청을 읽을 수 없습니다. 화면을 새로 고친 뒤 다시 해 주세요"),
    ("request.media_type", "서버가 요청의 형식을 모릅니다. 화면을 새로 고친 뒤 다시 해 주세요"),
    ("request.too_large", "한 번에 보내기에는 너무 많습니다. 나누어 보내 주세요"),
    ("request.invalid", "적은 내용이 올바르지 않습니다. 확인하고 다시 해 주세요"),
    ("request.host", "서버가 이 주소로 온 요청을 받지 않습니다. 관리자에게 주소를 확인해 주세요"),
    ("request.origin", "다른 사이트의 화면에서 온 요청이라 받지 않습니다"),
    ("request.refused", "서버가 요청을 받아들이지 않았습니다"),
    ("request.csrf", "이 화면에서 보낸 요청인지 확인할 수 없습니다. 화면을 새로 고친 뒤 다시 해 주세요"),
    ("token.name_taken", "같은 이름의 토큰이 이미 있습니다. 다른 이름을 쓰거나 먼저 폐기해 주세요"),
    ("account.name_confusable", "다른 계정과 헷갈리는 이름입니다. 구별되는 이름으로 정해 주세요"),
    ("account.exists", "계정이 이미 있습니다"),
    ("account.last_admin", "마지막 관리자입니다. 다른 관리자를 먼저 만들어 주세요"),
    ("account.name_taken", "이미 있는 이름입니다"),
    ("account.too_many", "계정이 너무 많습니다. 쓰지 않는 계정을 먼저 지워 주세요"),
    ("password.weak", "쓸 수 없는 비밀번호입니다. 12자 이상으로, 흔하지 않고 이름과 다른 것으로 정해 주세요"),
    ("password.wrong", "지금 비밀번호가 맞지 않습니다"),
    ("session.insecure", "암호화되지 않은 연결로는 로그인할 수 없습니다. https 주소로 접속해 주세요"),
    ("session.link", "이미 사용했거나 기한이 지난 링크입니다. 관리자에게 새 링크를 요청해 주세요"),
    ("session.none", "계정으로 로그인한 사람만 할 수 있습니다"),
    ("oidc.off", "이 서버는 회사 계정 로그인을 쓰지 않습니다"),
    ("oidc.state", "이 브라우저에서 시작한 로그인이 아니거나 시간이 지났거나 이미 끝났습니다"),
    ("oidc.refused", "로그인 제공자가 로그인을 허용하지 않았습니다"),
    ("oidc.unavailable", "로그인 제공자가 지금 응답하지 않습니다"),
    ("oidc.invalid", "로그인 제공자의 응답이 올바르지 않습니다"),
    ("oidc.disabled", "사용이 중지된 계정입니다"),
    ("oidc.no_role", "로그인은 되었지만 이곳에서 쓸 수 있는 권한이 없습니다"),
    ("oidc.domain", "허용된 도메인의 확인된 이메일이 있는 사람만 들어올 수 있습니다"),
    ("changes.forgotten", "변경 기록 일부가 보관 기간이 지나 없습니다"),
    ("changes.unknown_position", "이 서버의 변경 기록에 없는 위치입니다"),
    ("webhook.invalid", "웹훅으로 쓸 수 없는 값입니다"),
    ("webhook.too_many", "웹훅이 너무 많습니다. 쓰지 않는 웹훅을 먼저 지워 주세요"),
    ("uploads.off", "이 서버로는 업로드할 수 없습니다. 엔지니어에게 서버 설정을 확인해 달라고 해 주세요"),
];

/// What was found of a photo that was rejected for a reason; of what has no reason what was noted.
pub(crate) fn found(code: Option<&str>, detail: &str, lang: Lang) -> String {
    let Some(code) = code else { return detail.to_owned() };
    plain::found_in(code.parse().unwrap_or(ReasonCode::SystemUnknownReason), detail, lang)
}

/// At what sending to a webhook failed, or why it cannot be.
pub(crate) fn of_webhook(failure: &str, lang: Lang) -> String {
    match lang {
        Lang::En => failure.to_owned(),
        Lang::Ko => webhook::failure_in_korean(failure),
    }
}

/// At what the server itself failed.
pub(crate) fn of_server(cause: &str, lang: Lang) -> String {
    match lang {
        Lang::En => cause.to_owned(),
        Lang::Ko => match cause::of_text(cause) {
            Some(known) => known.to_owned(),
            None => format!("엔지니어에게 알려 주세요 [{cause}]"),
        },
    }
}

/// Why the API refused something.
pub(crate) fn of_problem(problem: &ProblemBody, lang: Lang) -> String {
    if lang == Lang::En {
        return problem.detail.clone();
    }
    if problem.code == "webhook.invalid" {
        return of_webhook(&problem.detail, lang);
    }
    let specific = || DETAILS.iter().find(|(start, _)| problem.detail.starts_with(start)).map(|(_, korean)| *korean);
    let of_code = || CODES.iter().find(|(code, _)| *code == problem.code).map(|(_, korean)| *korean);
    let known = Some(problem.code.as_str()).filter(|code| *code == "request.invalid").and_then(|_| specific());
    known.or_else(of_code).map_or_else(|| format!("[{}]", problem.detail), str::to_owned)
}

/// What the codes mean, for a script that asks the API itself: pairs as JSON. Nothing in English, where the API's own text serves.
pub(crate) fn for_scripts(lang: Lang) -> String {
    let codes: &[(&str, &str)] = if lang == Lang::Ko { &CODES } else { &[] };
    // Pairs of texts are always JSON.
    serde_json::to_string(codes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The codes that `client/problems.rs` has for commands are all there are: a test there compares them with the server.
    #[test]
    fn every_code_of_the_api_has_korean_here() {
        let commands = include_str!("../../cameo/src/client/problems.rs");
        let table = commands.split("];").next().unwrap();
        let is_code =
            |text: &&str| !text.is_empty() && text.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '.' | '_'));
        let codes: Vec<&str> = table.split('"').filter(is_code).collect();
        assert!(codes.len() > 40, "{codes:?}");
        for code in codes {
            assert!(CODES.iter().any(|(known, _)| *known == code), "{code} has no Korean for pages");
        }
    }

    #[test]
    fn what_is_not_listed_is_in_brackets_in_korean_and_as_it_is_in_english() {
        let problem = |code: &str, detail: &str| ProblemBody {
            kind: String::new(),
            title: String::new(),
            status: 422,
            detail: detail.to_owned(),
            code: code.to_owned(),
            request_id: String::new(),
            foreign: None,
        };
        for (code, detail, korean) in [
            ("auth.role", "this needs the role admin, and the account kim has the role viewer", "이 계정의 역할로는"),
            ("request.invalid", "entity: name its vertical, too", "버티컬도 적어"),
            ("request.invalid", "something new", "적은 내용이 올바르지"),
            ("webhook.invalid", "10.0.0.1 is a private address, which webhooks do not reach", "내부망"),
            ("some.code", "something new", "[something new]"),
        ] {
            let problem = problem(code, detail);
            assert!(of_problem(&problem, Lang::Ko).contains(korean), "{code}: {}", of_problem(&problem, Lang::Ko));
            assert_eq!(of_problem(&problem, Lang::En), detail);
        }
        assert_eq!(
            found(Some("file.truncated"), "ends at byte 7", Lang::Ko),
            "파일이 중간에 끊겨 사진 아랫부분이 없습니다"
        );
        assert_eq!(found(None, "wrong face", Lang::Ko), "wrong face");
        assert!(of_server("write x: No space left on device (os error 28)", Lang::Ko).contains("디스크"));
    }
}
