//! Logging in through a provider: where the browser is led, and what it is told when it must not come in.

use serde_json::json;

use crate::fake::{Fake, problem, session};

const API: &str = "/api/v1/session/oidc";
const BACK: &str = "/login/oidc/callback?code=c0de&state=st4te&iss=https%3A%2F%2Fid.example";

fn nobody() -> Fake {
    let view = json!({"enabled": true, "label": "<b>Office</b>", "contact": "it@example.com"});
    Fake::default().with(&format!("GET {API}"), view)
}

#[tokio::test]
async fn the_log_in_page_leads_to_the_provider_where_there_is_one() {
    let page = nobody().get("/login?next=/upload&lang=ko").await;
    assert!(page.main().contains("href=\"/login/oidc?next=%2Fupload\""), "{}", page.main());
    assert!(
        page.main().contains("계정으로 로그인")
            && page.main().contains("name=\"password\"")
            && !page.main().contains("<b>")
    );
    let unnamed = Fake::default().with(&format!("GET {API}"), json!({"enabled": true, "label": null, "contact": null}));
    assert!(unnamed.get("/login?lang=en").await.main().contains("Log in with your company account"));
    for without in
        [Fake::default(), Fake::default().with(API, json!({"enabled": false, "label": null, "contact": null}))]
    {
        assert!(!without.get("/login").await.main().contains("/login/oidc"));
    }
}

#[tokio::test]
async fn a_browser_is_led_on_and_back_with_the_cookies_of_the_api() {
    let location = "https://id.example/auth?state=st4te";
    let fake = nobody().with(&format!("POST {API}"), json!({"location": location})).cookie("cameo-oidc=x; HttpOnly");
    let page = fake.get("/login/oidc?next=/upload").await;
    assert_eq!((page.status.as_u16(), page.location()), (303, location));
    assert_eq!(page.headers["set-cookie"], "cameo-oidc=x; HttpOnly");
    assert_eq!(fake.asked("POST")[0].body, json!({"next": "/upload"}));
    assert!(fake.asked("POST")[0].headers.contains_key("cookie"));
    let done = |next: &str| {
        let answer = json!({"next": next, "session": session("viewer")});
        nobody().with(&format!("POST {API}/callback"), answer).cookie("cameo=new; HttpOnly")
    };
    let fake = done("/deliveries/1?a=b");
    let page = fake.get(BACK).await;
    assert_eq!((page.status.as_u16(), page.location()), (303, "/deliveries/1?a=b"));
    assert_eq!(page.headers["set-cookie"], "cameo=new; HttpOnly");
    let asked = json!({"code": "c0de", "state": "st4te", "iss": "https://id.example", "error": null});
    assert_eq!(fake.asked("callback")[0].body, asked);
    for next in ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", ""] {
        assert_eq!(done(next).get(BACK).await.location(), "/", "{next:?}");
    }
}

#[tokio::test]
async fn whoever_does_not_come_in_reads_why_and_whom_to_ask() {
    for (status, code, english, korean) in [
        (403, "oidc.no_role", "nobody has given you a role", "권한이 없습니다"),
        (403, "oidc.domain", "verified address", "이메일"),
        (403, "oidc.disabled", "switched off", "중지된 계정"),
        (403, "oidc.state", "not begun in this browser", "이미 끝났습니다"),
        (403, "oidc.refused", "did not let you", "허용하지 않았습니다"),
        (503, "oidc.unavailable", "does not answer", "응답하지 않습니다"),
        (503, "busy", "does not answer", "응답하지 않습니다"),
        (502, "oidc.invalid", "was not believed", "올바르지 않아"),
        (403, "session.insecure", "others can read", "암호화되지 않은"),
        (404, "oidc.off", "could not be done", "로그인하지 못했습니다"),
    ] {
        let told = problem(status, code, "<script>alert(1)</script>");
        let fake =
            nobody().raw(&format!("POST {API}/callback"), status, &told).raw(&format!("POST {API}"), status, &told);
        let fake = fake.cookie("cameo-oidc=; Max-Age=0");
        for path in [BACK, "/login/oidc?next=/upload"] {
            let join = if path.contains('?') { "&" } else { "?" };
            for (lang, words) in [("en", english), ("ko", korean)] {
                let page = fake.get(&format!("{path}{join}lang={lang}")).await;
                assert_eq!(page.status.as_u16(), status, "{code}");
                assert!(page.main().contains(words) && !page.main().contains("<script>"), "{code}: {}", page.main());
                assert!(page.main().contains("href=\"/login?next="), "a password still lets in");
                assert!(page.headers["set-cookie"].to_str().unwrap().starts_with("cameo-oidc=;"), "{code}");
                let asks_them = ["oidc.no_role", "oidc.domain", "oidc.disabled", "oidc.refused"].contains(&code);
                assert_eq!(page.main().contains("it@example.com"), asks_them, "{code}: {}", page.main());
            }
        }
    }
}
