//! What the API refuses, and what it answers that nobody understands: each a page in the reader's language, with a way on.

use axum::{body::Body, http::Request};

use crate::fake::{Fake, overview, problem};

const LOOKS: &str = "/api/v1/deliveries";

fn home() -> Fake {
    Fake::new("admin").with("/api/v1/overview", overview(0, 0, 0))
}

#[tokio::test]
async fn who_is_not_logged_in_is_led_there_and_back() {
    let fake = Fake::default().raw("/api/v1/session", 401, &problem(401, "auth.required", "log in"));
    let page = fake.get("/attention?owner=engineer&q=%ED%8C%A8").await;
    assert_eq!(
        (page.status.as_u16(), page.location()),
        (303, "/login?next=%2Fattention%3Fowner%3Dengineer%26q%3D%25ED%258C%25A8")
    );
    let log_in = fake.get(page.location()).await;
    assert_eq!(log_in.status.as_u16(), 200);
    assert!(
        log_in.text.contains("name=\"next\" value=\"/attention?owner=engineer&#38;q=%ED%8C%A8\""),
        "{}",
        log_in.text
    );
}

#[tokio::test]
async fn the_way_back_leads_to_no_other_host() {
    let fake = Fake::default().raw("/api/v1/session", 401, &problem(401, "auth.required", "log in"));
    for next in
        ["//evil.example", "https://evil.example/", "%2F%5Cevil.example", "javascript:alert(1)", "/%09/evil.example"]
    {
        let page = fake.get(&format!("/login?next={next}")).await;
        assert!(page.text.contains("name=\"next\" value=\"/\""), "{next}");
    }
    let fake = Fake::default().raw("/api/v1/session", 201, "{}");
    let page = fake.post("/login", "name=kim&password=p&next=%2F%2Fevil.example").await;
    assert_eq!((page.status.as_u16(), page.location()), (303, "/"));
}

#[tokio::test]
async fn no_link_of_a_page_leads_to_another_host() {
    for path in ["//evil.example/", "///evil.example/a"] {
        let page = home().get(path).await;
        assert!(!page.text.contains("href=\"//"), "{path}: {}", page.text);
    }
}

#[tokio::test]
async fn every_refusal_has_its_page_in_both_languages() {
    for (status, korean, english) in [
        (403, "권한이 없습니다", "not yours"),
        (404, "찾는 페이지가 없습니다", "no such page"),
        (503, "서버가 바쁘거나", "busy"),
        (500, "오류가 발생했습니다", "failed in the server"),
    ] {
        let fake = home().raw(LOOKS, status, &problem(status, "some.code", "the <b>detail</b>"));
        for (lang, words) in [("ko", korean), ("en", english)] {
            let page = fake.get(&format!("/?lang={lang}")).await;
            assert_eq!(page.status.as_u16(), status);
            assert!(page.main().contains(words), "{status} {lang}: {}", page.main());
            assert!(page.text.contains(&format!("<html lang=\"{lang}\"")));
            assert!(!page.text.contains("<b>detail"), "a detail is text, not markup");
            if status != 404 {
                assert!(page.main().contains("REQ7") && page.main().contains("&#60;b&#62;detail"), "{}", page.main());
            }
        }
    }
}

#[tokio::test]
async fn garbage_is_a_page_too() {
    for (status, text) in
        [(200, "<html>not JSON"), (200, "{}"), (200, ""), (200, "[1]"), (500, "no problem document"), (418, "")]
    {
        let page = home().raw(LOOKS, status, text).get("/?lang=en").await;
        assert_eq!(page.status.as_u16(), 502, "{status} {text:?}");
        assert!(page.main().contains("could not be understood"), "{}", page.main());
    }
}

#[tokio::test]
async fn an_answer_that_was_cut_off_is_not_taken_for_all() {
    let summary = r#"{"record":null,"summary":{"delivery":"d","vertical":"v","entities":1,"photos":1,"live":1,"failed":0,"pending":0,"failed_entities":0}}"#;
    let fake = |items: &str| {
        home().raw("/api/v1/deliveries/d", 200, summary).raw("/api/v1/deliveries/d/items", 200, items).raw(
            "/api/v1/deliveries/d/report",
            200,
            "{\"summary\":{}}\n",
        )
    };
    let item =
        r#"{"file":"1_0.jpg","cd_idx":1,"sequence":0,"state":"registered","reason":null,"detail":null,"later":null}"#;
    assert_eq!(fake(&format!("{item}\n{{\"summary\":{{}}}}\n")).get("/deliveries/d").await.status.as_u16(), 200);
    assert_eq!(fake(&format!("{item}\n")).get("/deliveries/d").await.status.as_u16(), 502);
    let error = problem(503, "unavailable", "the catalog is away");
    let page = fake(&format!("{item}\n{{\"error\":{error}}}\n")).get("/deliveries/d").await;
    assert_eq!(page.status.as_u16(), 503);
}

#[tokio::test]
async fn what_does_not_exist_is_a_page_with_a_way_home() {
    for path in ["/nosuch", "/static/nosuch.css", "/verticals/v/notanumber", "/verticals/a/1/2/3", "/deliveries/%FF"] {
        let page = home().get(path).await;
        assert_eq!(page.status.as_u16(), 404, "{path}");
        assert!(page.main().contains("href=\"/\""), "{path}");
    }
}

#[tokio::test]
async fn the_browser_is_told_what_it_may_do() {
    for path in ["/", "/nosuch", "/login"] {
        let page = home().raw(LOOKS, 200, r#"{"items":[],"next":null}"#).get(path).await;
        let header = |name: &str| page.headers[name].to_str().unwrap().to_owned();
        assert_eq!((header("referrer-policy"), header("cache-control")), ("same-origin".into(), "no-store".into()));
        for inline in [" style=", "<style", " onclick=", " onload=", "javascript:"] {
            assert!(!page.text.contains(inline), "{path}: {inline}");
        }
        assert_eq!(page.text.matches("<script").count(), page.text.matches("<script src=\"/static/").count(), "{path}");
    }
}

#[tokio::test]
async fn forms_of_other_sites_are_refused_before_anything_is_asked() {
    let fake = home();
    for origin in [None, Some("http://evil.example"), Some("null"), Some("http://127.0.0.1:9003")] {
        for path in ["/attention/act", "/logout", "/login", "/people/tokens", "/reconcile", "/verticals/v/1/unpublish"]
        {
            let mut request = Request::post(path);
            if let Some(origin) = origin {
                request = request.header("origin", origin);
            }
            let page = fake.send(request, Body::from("act=retry&item=key:a&name=x&role=admin")).await;
            assert_eq!(page.status.as_u16(), 403, "{path} {origin:?}");
        }
    }
    assert_eq!(fake.asked("POST").len() + fake.asked("DELETE").len(), 0);
}

/// Such as whoever logs in again after a form, or comes back by the history of the browser.
#[tokio::test]
async fn the_address_of_a_form_leads_to_its_page() {
    for (form, page) in [
        ("/attention/act", "/attention"),
        ("/attention/undo", "/attention"),
        ("/verticals/%ED%8C%A8/7/verify", "/verticals/%ED%8C%A8/7"),
        ("/verticals/v/7/retry", "/verticals/v/7"),
        ("/verticals/v/7/unpublish", "/verticals/v/7"),
        ("/verticals/v/7/restore?lang=en", "/verticals/v/7"),
        ("/lookup/retry", "/lookup"),
        ("/lookup.csv", "/lookup"),
        ("/people/accounts", "/people"),
        ("/people/accounts/a1", "/people"),
        ("/people/tokens", "/people"),
        ("/people/tokens/t1/revoke", "/people"),
        ("/account/password", "/account"),
        ("/account/sessions/s1/end", "/account"),
        ("/logout", "/"),
    ] {
        let led = home().get(form).await;
        assert_eq!((led.status.as_u16(), led.location()), (303, page), "{form}");
        let out = Fake::default().raw("/api/v1/originals/retry", 401, &problem(401, "auth.required", "log in"));
        if form == "/attention/act" {
            let led = out.post(form, "act=retry&item=key:origin/v/1.jpg").await;
            assert_eq!(led.location(), "/login?next=%2Fattention", "and so does the log-in that came between");
        }
    }
    for path in ["/", "/attention", "/attention/act", "/people", "/verticals/v/7/restore"] {
        let page = home().send(Request::delete(path), Body::empty()).await;
        assert_eq!(page.status.as_u16(), 405, "{path}");
        assert!(page.headers.contains_key("allow") && page.main().contains("보낼 수 없는 요청"), "{}", page.main());
    }
}
