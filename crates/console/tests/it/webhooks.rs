//! The pages of webhooks: what they show, and what their forms ask of the API.

use serde_json::{Value, json};

use crate::fake::{Fake, problem};

const HOSTILE: &str = "<script>alert(1)</script>\"'";

fn webhook() -> Value {
    json!({
        "id": "wh_a", "url": format!("https://receiver.example/?{HOSTILE}"), "description": HOSTILE, "events": ["image.removed"],
        "verticals": ["패션"], "created_at": "2026-11-26T00:00:00Z", "created_by": HOSTILE, "disabled_at": null, "disabled_because": null,
        "failing_since": "2026-11-26T00:00:00Z", "last_success": null, "last_error": HOSTILE, "pending": 12345, "old_secret_until": null,
        "position": 7
    })
}

fn attempt(ok: bool) -> Value {
    json!({
        "message": "msg_a", "type": "image.removed", "at": "2026-11-26T00:00:00Z", "duration_ms": 1234, "ok": ok,
        "status": if ok { 204 } else { 500 }, "error": if ok { Value::Null } else { json!("the answer is 500") },
        "answer": HOSTILE, "next": null
    })
}

fn message() -> Value {
    json!({
        "id": "msg_a", "type": "image.removed", "created_at": "2026-11-26T00:00:00Z", "state": "failed", "tries": 10, "next": null,
        "ended": "2026-11-26T00:00:00Z", "body": {"type": "image.removed"}
    })
}

fn list(items: Value) -> Value {
    json!({ "items": items, "next": null })
}

fn fake(role: &str) -> Fake {
    Fake::new(role)
        .with("/api/v1/webhooks", list(json!([webhook()])))
        .with("/api/v1/webhooks/wh_a", webhook())
        .with("/api/v1/webhooks/wh_a/attempts", list(json!([attempt(false)])))
        .with("/api/v1/webhooks/wh_a/messages", list(json!([message()])))
        .with("/api/v1/webhooks/wh_a/replay", json!({ "messages": 3 }))
        .with("/api/v1/webhooks/wh_a/test", attempt(true))
        .with(
            "/api/v1/webhooks/wh_a/secret",
            json!({ "webhook": "wh_a", "secret": "whsec_NEW", "old_secret_until": null }),
        )
}

#[tokio::test]
async fn they_are_shown_in_both_languages_and_names_are_text() {
    let fake = fake("admin");
    for (lang, fails, given_up) in [("en", "fails, tried again", "given up"), ("ko", "실패, 다시 시도 중", "포기")]
    {
        let page = fake.get(&format!("/webhooks?lang={lang}")).await;
        assert!(page.main().contains(fails) && page.main().contains("12,345"), "{}", page.main());
        assert!(!page.text.contains("<script>alert"), "{}", page.main());
        let page = fake.get(&format!("/webhooks/wh_a?lang={lang}")).await;
        assert!(page.main().contains(given_up) && page.main().contains("1,234 ms"), "{}", page.main());
        assert!(!page.text.contains("<script>alert"), "{}", page.main());
    }
    let none = Fake::new("admin").with("/api/v1/webhooks", list(json!([])));
    assert!(none.get("/webhooks?lang=en").await.main().contains("There is no webhook yet."));
}

#[tokio::test]
async fn one_is_made_of_what_was_chosen_and_its_secret_is_shown_once() {
    let mut made = webhook();
    made["secret"] = json!("whsec_ONCE");
    let fake = fake("admin").with("POST /api/v1/webhooks", made);
    let form = "csrf=token-of-forms&url=https%3A%2F%2Freceiver.example%2F&description=a&verticals=%ED%8C%A8%EC%85%98&event=image.removed&event=delivery.failed";
    let page = fake.post("/webhooks", form).await;
    assert!(page.main().contains("whsec_ONCE"), "{}", page.main());
    assert!(!fake.get("/webhooks").await.text.contains("whsec_"));
    let asked = fake.asked("POST /api/v1/webhooks").remove(0);
    assert_eq!(asked.headers["x-cameo-csrf"], "token-of-forms");
    assert_eq!(asked.body["events"], json!(["delivery.failed", "image.removed"]));
    assert_eq!((&asked.body["url"], &asked.body["verticals"]), (&json!("https://receiver.example/"), &json!(["패션"])));
    for wrong in ["url=https://h/&verticals=&description=", "url=https://h/&event=image.removed&verticals=,"] {
        assert_eq!(fake.post("/webhooks", wrong).await.status.as_u16(), 422, "{wrong}");
    }
}

#[tokio::test]
async fn they_are_tested_changed_and_replayed() {
    let fake = fake("admin");
    let tested = fake.post("/webhooks/wh_a?lang=en", "act=test").await;
    assert!(tested.main().contains("The test:") && tested.main().contains("taken"), "{}", tested.main());
    let rotated = fake.post("/webhooks/wh_a", "act=rotate").await;
    assert!(rotated.main().contains("whsec_NEW"));
    for path in ["/webhooks?done=1", "/webhooks/wh_a?done=1&n=3"] {
        let page = fake.get(path).await;
        assert!(!page.main().contains("role=\"status\""), "an address says nothing: {}", page.main());
    }
    let disabled = fake.post("/webhooks/wh_a", "act=disable").await;
    assert_eq!(disabled.location(), "/webhooks/wh_a");
    assert!(fake.follow(&disabled).await.main().contains("처리했습니다."));
    assert_eq!(fake.asked("PATCH /api/v1/webhooks/wh_a")[0].body, json!({ "disabled": true }));
    let removed = fake.post("/webhooks/wh_a", "act=remove").await;
    assert_eq!(removed.location(), "/webhooks");
    assert!(fake.follow(&removed).await.main().contains("처리했습니다."));
    assert_eq!(fake.post("/webhooks/wh_a", "act=explode").await.status.as_u16(), 422);
    let replayed = fake.post("/webhooks/wh_a/replay", "message=msg_a").await;
    assert_eq!(replayed.location(), "/webhooks/wh_a");
    assert!(fake.follow(&replayed).await.main().contains("다시 보내는 메시지: 3"));
    fake.post("/webhooks/wh_a/replay", "since=2026-11-26T09%3A00").await;
    let asked = fake.asked("/api/v1/webhooks/wh_a/replay");
    assert_eq!(asked[0].body, json!({ "message": "msg_a" }));
    assert_eq!(asked[1].body, json!({ "since": "2026-11-26T00:00:00Z" }));
    assert_eq!(fake.post("/webhooks/wh_a/replay", "since=yesterday").await.status.as_u16(), 422);
}

/// The form comes again as it was typed, with what is wrong at its field.
#[tokio::test]
async fn a_form_that_is_refused_keeps_what_was_typed_and_says_where_it_is_wrong() {
    let private =
        "10.0.0.1 is a private address, which webhooks do not reach: let an engineer set webhooks.allow_networks";
    let long = "the description has 500 characters at most, and no control characters";
    let form =
        "url=https%3A%2F%2F10.0.0.1%2F%3Ck%3E&description=%EC%82%AC%EB%82%B4+%3Cb%3E&verticals=v&event=image.removed";
    for (status, code, detail, field, korean) in [
        (422, "webhook.invalid", private, "name=\"url\"", "10.0.0.1 은(는) 내부망 주소"),
        (422, "webhook.invalid", long, "name=\"description\"", "설명은 500자까지"),
        (403, "auth.vertical", "an administrator who is limited", "name=\"verticals\"", "이 계정의 버티컬이 아니어서"),
        (409, "webhook.too_many", "there are 50 webhooks", "", "웹훅이 너무 많습니다"),
    ] {
        let fake = fake("admin").raw("POST /api/v1/webhooks", status, &problem(status, code, detail));
        for (lang, words) in [("ko", korean), ("en", detail)] {
            let page = fake.post(&format!("/webhooks?lang={lang}"), form).await;
            let main = page.main();
            assert_eq!(page.status.as_u16(), status, "{code}");
            assert!(
                main.contains("value=\"https://10.0.0.1/&#60;k&#62;\"") && main.contains("value=\"사내 &#60;b&#62;\""),
                "{main}"
            );
            assert!(main.contains("name=\"verticals\" value=\"v\""), "{main}");
            assert_eq!(main.matches("type=\"checkbox\" name=\"event\"").count(), 6, "{main}");
            assert_eq!(main.matches(" checked>").count(), 1, "what was chosen is chosen: {main}");
            let at = main.find(words).unwrap_or_else(|| panic!("{words}: {main}"));
            let named = main[..at].rfind("name=\"").map_or("", |from| &main[from..]);
            assert!(field.is_empty() || named.starts_with(field), "{field}: {named}");
            assert_eq!(main.matches("aria-invalid=\"true\"").count(), usize::from(!field.is_empty()), "{main}");
            assert!(main.contains("id=\"new\" open"), "{main}");
        }
    }
    let fake = fake("admin");
    for (form, words) in [
        ("url=https://h/&verticals=a%2Fb&description=&event=image.removed", "쓸 수 없는 버티컬 이름입니다: a/b"),
        ("url=https://h/&verticals=&description=", "보낼 알림을 선택해 주세요."),
    ] {
        let page = fake.post("/webhooks", form).await;
        assert!(page.status.as_u16() == 422 && page.main().contains(words), "{}", page.main());
        assert!(page.main().contains("value=\"https://h/\""), "{}", page.main());
    }
    // Whoever may not make any gets no form again.
    let denied = fake.raw("POST /api/v1/webhooks", 403, &problem(403, "auth.role", "no"));
    let page = denied.post("/webhooks", "url=https://h/&verticals=&description=&event=image.removed").await;
    assert!(page.status.as_u16() == 403 && !page.main().contains("name=\"url\""), "{}", page.main());
}
