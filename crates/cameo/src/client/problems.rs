//! What the codes of a server's problem documents mean, in Korean: the server's own text is English, and the code is stable.

/// A sentence for each code: what is wrong and what to do.
const MEANINGS: [(&str, &str); 48] = [
    ("auth.required", "토큰이 필요합니다. `cameo login` 으로 로그인하거나 CAMEO_TOKEN 에 토큰을 넣어 주세요"),
    ("auth.unknown_token", "서버가 모르는 토큰입니다. 토큰을 끝까지 복사했는지, 이 서버의 토큰인지 확인해 주세요"),
    ("auth.revoked", "폐기된 토큰입니다. 엔지니어에게 새 토큰을 요청해 주세요"),
    ("auth.expired", "만료된 토큰입니다. 엔지니어에게 새 토큰을 요청해 주세요"),
    ("auth.throttled", "틀린 토큰으로 너무 많이 시도했습니다. 토큰을 확인하고 잠시 후 다시 실행해 주세요"),
    ("auth.role", "이 토큰의 역할로는 할 수 없는 일입니다. 엔지니어에게 권한을 요청해 주세요"),
    (
        "auth.vertical",
        "이 토큰은 그 버티컬의 것이 아닙니다. 버티컬 이름이 맞는지 확인하고, 맞으면 엔지니어에게 권한을 요청해 주세요",
    ),
    ("busy", "서버가 지금 처리 중인 일이 많습니다. 잠시 후 다시 실행해 주세요"),
    (
        "unavailable",
        "서버가 쓰는 저장소나 데이터베이스가 지금 응답하지 않습니다. 잠시 후 다시 실행하고, 계속되면 엔지니어에게 알려 주세요",
    ),
    ("internal", "서버에 문제가 있습니다. 잠시 후 다시 실행하고, 계속되면 엔지니어에게 알려 주세요"),
    ("conflict", "동시에 다른 변경이 있었습니다. 다시 실행해 주세요"),
    ("not_found", "서버에 없거나 이 토큰으로 볼 수 없습니다. 이름이나 번호를 확인해 주세요"),
    ("method_not_allowed", "서버가 모르는 요청입니다. cameo 와 서버의 버전이 맞는지 엔지니어에게 확인해 주세요"),
    ("request.malformed", "서버가 요청을 읽을 수 없습니다. cameo 와 서버의 버전이 맞는지 엔지니어에게 확인해 주세요"),
    ("request.media_type", "서버가 요청의 형식을 모릅니다. cameo 와 서버의 버전이 맞는지 엔지니어에게 확인해 주세요"),
    ("request.too_large", "요청이 너무 큽니다. 나누어서 다시 실행해 주세요"),
    ("request.invalid", "요청한 내용이 맞지 않습니다. 명령에 적은 값을 확인해 주세요"),
    ("request.host", "서버가 이 주소의 요청을 받지 않습니다. 서버 주소를 확인해 주세요"),
    ("request.origin", "다른 곳에서 온 요청이라 서버가 받지 않습니다. 토큰으로 다시 실행해 주세요"),
    ("request.refused", "서버가 요청을 받아들이지 않았습니다"),
    ("token.name_taken", "같은 이름의 토큰이 이미 있습니다. 다른 이름을 쓰거나 먼저 폐기해 주세요"),
    ("auth.login", "이름이나 비밀번호가 맞지 않습니다. 다시 입력해 주세요"),
    ("auth.session", "로그인이 끝났습니다. 다시 로그인해 주세요"),
    ("auth.ambiguous", "토큰과 로그인이 함께 왔거나 로그인이 두 개입니다. 하나만 사용해 주세요"),
    (
        "account.name_confusable",
        "이미 있는 다른 계정의 이름과 헷갈리는 이름입니다. 헷갈리지 않는 다른 이름을 적어 주세요",
    ),
    ("account.exists", "계정이 이미 있습니다. 관리자에게 계정을 요청해 주세요"),
    ("account.last_admin", "마지막 관리자입니다. 다른 관리자를 먼저 만들어 주세요"),
    ("account.name_taken", "같은 이름의 계정이 이미 있습니다. 다른 이름을 써 주세요"),
    ("account.too_many", "계정이 너무 많습니다. 쓰지 않는 계정을 먼저 지워 주세요"),
    ("password.weak", "쓸 수 없는 비밀번호입니다. 12자 이상으로, 흔하지 않고 이름과 다른 것으로 정해 주세요"),
    ("password.wrong", "지금 비밀번호가 맞지 않습니다. 다시 입력해 주세요"),
    ("request.csrf", "이 화면에서 보낸 요청인지 확인할 수 없습니다. 화면을 새로 고친 뒤 다시 해 주세요"),
    ("session.insecure", "암호화되지 않은 연결로는 로그인할 수 없습니다. https 주소로 접속해 주세요"),
    ("session.link", "이 링크는 쓸 수 없습니다. 이미 썼거나 기간이 지났으니 관리자에게 새 링크를 요청해 주세요"),
    ("oidc.off", "이 서버는 외부 계정 로그인을 쓰지 않습니다. 이름과 비밀번호로 로그인해 주세요"),
    (
        "oidc.state",
        "이 브라우저에서 시작한 로그인이 아니거나 10분이 지났거나 이미 끝났습니다. 처음부터 다시 로그인해 주세요",
    ),
    ("oidc.refused", "로그인 제공자가 로그인을 허용하지 않았습니다. 다시 시도하거나 관리자에게 문의해 주세요"),
    ("oidc.unavailable", "로그인 제공자가 응답하지 않습니다. 비밀번호로 로그인하거나 잠시 후 다시 시도해 주세요"),
    ("oidc.invalid", "로그인 제공자의 응답이 올바르지 않습니다. 계속되면 엔지니어에게 알려 주세요"),
    ("oidc.disabled", "사용이 중지된 계정입니다. 관리자에게 문의해 주세요"),
    ("oidc.no_role", "로그인은 되었지만 이곳에서 쓸 수 있는 권한이 없습니다. 관리자에게 권한을 요청해 주세요"),
    ("oidc.domain", "허용된 도메인의 확인된 이메일이 있는 사람만 들어올 수 있습니다. 관리자에게 문의해 주세요"),
    ("session.none", "계정으로 로그인한 사람만 할 수 있습니다"),
    ("changes.forgotten", "그 뒤의 변경 기록 일부가 보관 기간이 지나 없습니다. 처음부터 모두 다시 읽어 주세요"),
    ("changes.unknown_position", "이 서버의 변경 기록에 없는 위치입니다. 처음부터 모두 다시 읽어 주세요"),
    ("webhook.invalid", "웹훅으로 쓸 수 없는 값입니다. https:// 로 시작하는 공개 주소인지 확인해 주세요"),
    ("webhook.too_many", "웹훅이 너무 많습니다. 쓰지 않는 웹훅을 먼저 지워 주세요"),
    ("uploads.off", "이 서버로는 업로드할 수 없습니다. 엔지니어에게 서버 설정을 확인해 달라고 해 주세요"),
];

/// What a code means; none where it is one of a newer server.
pub(super) fn meaning(code: &str) -> Option<&'static str> {
    MEANINGS.iter().find(|(known, _)| *known == code).map(|(_, korean)| *korean)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The codes in what writes problems: literals that look like one.
    fn codes(path: &Path, found: &mut Vec<(String, String)>) {
        if path.is_dir() {
            for entry in std::fs::read_dir(path).unwrap() {
                codes(&entry.unwrap().path(), found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            let text = std::fs::read_to_string(path).unwrap();
            for start in ["Problem::new(", "StatusCode::", "refused(", "is_client_error()"] {
                for (at, _) in text.match_indices(start) {
                    let rest: String = text[at + start.len()..].chars().take(120).collect();
                    // The code is the first literal behind the status.
                    let before = rest.split('"').next().unwrap_or_default();
                    let is_near = before.chars().all(|c| c.is_alphanumeric() || "_:, \n=>(|".contains(c));
                    let code = rest.split('"').nth(1).unwrap_or_default();
                    let is_code = !code.is_empty() && code.chars().all(|c| c.is_ascii_lowercase() || "._".contains(c));
                    if is_near && is_code {
                        found.push((path.display().to_string(), code.to_owned()));
                    }
                }
            }
        }
    }

    #[test]
    fn every_code_of_the_server_has_a_korean_sentence() {
        let serve = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/serve");
        let mut found = Vec::new();
        codes(&serve.join("api"), &mut found);
        codes(&serve.join("problem.rs"), &mut found);
        let text = std::fs::read_to_string(serve.join("uploads.rs")).unwrap();
        assert!(text.contains("uploads.off"));
        for (path, code) in &found {
            assert!(meaning(code).is_some(), "{code} of {path} has no Korean sentence in client/problems.rs");
        }
        for (code, korean) in MEANINGS {
            let is_written = code == "uploads.off" || found.iter().any(|(_, found)| found == code);
            assert!(is_written, "{code}: no server answers it");
            assert!(korean.chars().any(|c| ('가'..='힣').contains(&c)), "{code}");
        }
    }
}
