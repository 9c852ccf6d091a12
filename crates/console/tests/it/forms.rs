//! Forms: what becomes of their fields, and that the API is asked as the browser would ask it.

use cameo::serve::http::Peer;
use serde_json::json;

use crate::fake::{ADDRESS, Fake, problem};

#[tokio::test]
async fn the_api_sees_the_browser_and_nothing_more() {
    let fake = Fake::new("admin").with("/api/v1/verticals", json!({"items": [], "next": null}));
    fake.get("/entities").await;
    let asked = &fake.asked("/api/v1/verticals")[0];
    assert_eq!(asked.headers["cookie"], "cameo=s3cret");
    assert_eq!(asked.headers["host"], "127.0.0.1:9002");
    assert_eq!(asked.peer, Some(Peer::Tcp(ADDRESS.parse().unwrap())));
    assert_eq!(asked.address.unwrap().0, ADDRESS.parse().unwrap());
    assert!(!asked.headers.contains_key("x-cameo-client"), "that would let in what no browser may");
}

#[tokio::test]
async fn a_form_brings_its_proof_as_a_header() {
    let fake = Fake::new("admin")
        .with("/api/v1/originals/retry", json!({"retried": 2, "gone": []}))
        .with("/api/v1/dead-letters/retry", json!({"retried": 1}));
    let form = "csrf=token-of-forms&act=retry&item=key%3Aorigin%2Fv%2F1_0.jpg&item=key%3Aorigin%2Fv%2F%2B.jpg&item=letter%3Aevents%2F7";
    let page = fake.post("/attention/act", form).await;
    assert_eq!((page.status.as_u16(), page.location()), (303, "/attention"));
    let empty = json!({"groups": [], "total": 0, "items": [], "next": null, "truncated": false});
    let fake = fake.with("/api/v1/attention", empty);
    assert!(fake.follow(&page).await.main().contains("3건 다시 처리를 시작했습니다."));
    let keys = &fake.asked("originals/retry")[0];
    assert_eq!(keys.headers["x-cameo-csrf"], "token-of-forms");
    assert_eq!(keys.headers["origin"], "http://127.0.0.1:9002");
    assert_eq!(keys.body, json!({"keys": ["origin/v/1_0.jpg", "origin/v/+.jpg"]}));
    assert_eq!(fake.asked("dead-letters")[0].body, json!({"queue": "events", "letters": ["7"]}));
}

#[tokio::test]
async fn dismissing_needs_a_note_and_can_be_undone() {
    let set_aside = json!({
        "moved": ["origin/v/1.jpg"], "left": ["origin/v/<i>.jpg"],
        "undo": {"keys": ["origin/v/1.jpg"], "since": "2026-11-26T00:00:00Z"}
    });
    let fake = Fake::new("admin")
        .with("/api/v1/originals/dismiss", set_aside)
        .with("/api/v1/originals/undo", json!({"restored": ["a"], "left": []}));
    let refused = fake.post("/attention/act", "act=dismiss&item=key:origin/v/1.jpg&note=+").await;
    assert_eq!(refused.status.as_u16(), 422);
    assert_eq!(fake.asked("dismiss").len(), 0);
    let page = fake.post("/attention/act", "act=dismiss&item=key:origin/v/1.jpg&note=old").await;
    assert!(
        page.main().contains("name=\"key\" value=\"origin/v/1.jpg\"") && page.main().contains("&#60;i&#62;"),
        "{}",
        page.main()
    );
    assert_eq!(fake.asked("dismiss")[0].body, json!({"keys": ["origin/v/1.jpg"], "note": "old"}));
    let page = fake.post("/attention/undo", "key=origin/v/1.jpg&since=2026-11-26T00:00:00Z").await;
    assert_eq!(page.location(), "/attention");
    assert_eq!(fake.asked("originals/undo")[0].body["keys"], json!(["origin/v/1.jpg"]));
    assert_eq!(fake.post("/attention/act", "act=retry").await.status.as_u16(), 422, "nothing was chosen");
}

#[tokio::test]
async fn cookies_of_the_log_in_are_handed_on_and_its_failures_are_said() {
    let fake = Fake::default().raw("/api/v1/session", 201, "{}").cookie("__Host-cameo=x; Secure; HttpOnly");
    let page = fake.post("/login", "name=kim&password=correct+horse&next=/attention").await;
    assert_eq!((page.status.as_u16(), page.location()), (303, "/attention"));
    assert_eq!(page.headers["set-cookie"], "__Host-cameo=x; Secure; HttpOnly");
    assert_eq!(fake.asked("POST")[0].body, json!({"name": "kim", "password": "correct horse"}));
    for (status, code, words) in [(401, "auth.login", "do not fit"), (429, "auth.throttled", "Too many")] {
        let fake = Fake::default().raw("/api/v1/session", status, &problem(status, code, "no"));
        let page = fake.post("/login?lang=en", "name=%3Cb%3E&password=secret-word&next=/").await;
        assert_eq!(page.status.as_u16(), status);
        assert!(
            page.main().contains(words) && !page.text.contains("secret-word") && !page.text.contains("<b>"),
            "{}",
            page.main()
        );
    }
}

#[tokio::test]
async fn a_one_time_link_sets_a_password_that_was_typed_twice() {
    let fake = Fake::default().raw("/api/v1/session/link", 201, "{}").cookie("cameo=new");
    let page = fake.post("/welcome?lang=en", "link=L&name=kim&password=aaaaaaaaaaaa&again=bbbbbbbbbbbb").await;
    assert!(page.main().contains("differ") && fake.asked("POST").is_empty());
    assert!(page.status.as_u16() == 422 && page.main().contains("name=\"link\" value=\"L\""), "{}", page.main());
    let page = fake.post("/welcome", "link=L&name=kim&password=aaaaaaaaaaaa&again=aaaaaaaaaaaa").await;
    assert_eq!((page.status.as_u16(), page.location(), &page.headers["set-cookie"] == "cameo=new"), (303, "/", true));
    let sent = &fake.asked("session/link")[0].body;
    assert_eq!(*sent, json!({"link": "L", "name": "kim", "password": "aaaaaaaaaaaa", "language": "ko"}));
}

#[tokio::test]
async fn unpublishing_and_restoring_lead_back_to_the_entity() {
    let fake = Fake::new("admin")
        .with("/api/v1/originals/unpublish", json!({"moved": ["k"], "left": [], "undo": null}))
        .with("/api/v1/originals/restore", json!({"restored": ["q1"], "left": []}));
    let page = fake.post("/verticals/%ED%8C%A8/7/unpublish", "note=wrong+face&sequence=0").await;
    assert_eq!(page.location(), "/verticals/%ED%8C%A8/7");
    let body = json!({"vertical": "패", "cd_idx": 7, "sequence": 0, "note": "wrong face"});
    assert_eq!(fake.asked("unpublish")[0].body, body);
    let page = fake.post("/verticals/v/7/restore", "id=q1&over=1").await;
    assert_eq!(page.location(), "/verticals/v/7");
    let body = json!({"ids": ["q1"], "over": true, "vertical": "v", "cd_idx": 7});
    assert_eq!(fake.asked("restore")[0].body, body, "of the entity of the page, and of no other");
    for wrong in ["", "id=", "id=q1&over=yes", "id=%25FF"] {
        assert_eq!(fake.post("/verticals/v/7/restore", wrong).await.status.as_u16(), 400, "{wrong}");
    }
    assert_eq!(fake.asked("restore").len(), 1);
}

#[tokio::test]
async fn what_cannot_be_read_never_means_more() {
    let list = json!({"items": [], "next": null});
    let fake = Fake::new("admin")
        .with("/api/v1/originals/unpublish", json!({"moved": ["k"], "left": [], "undo": null}))
        .with("/api/v1/tokens", list.clone())
        .with("/api/v1/accounts", list);
    for sequence in ["abc", "-1", "99999999", "0x"] {
        let page = fake.post("/verticals/v/7/unpublish", &format!("note=n&sequence={sequence}")).await;
        assert_eq!(page.status.as_u16(), 404, "{sequence}");
    }
    for rights in
        ["role=viewer&verticals=%2C", "role=viewer&verticals=+", "role=viewer&verticals=%2C+%2C", "role=viewer"]
    {
        for (path, act) in [("/people/accounts", ""), ("/people/tokens", ""), ("/people/accounts/a1", "&act=rights")] {
            let page = fake.post(path, &format!("name=kim&{rights}{act}")).await;
            assert_eq!(page.status.as_u16(), 422, "{path} {rights}");
        }
    }
    assert_eq!(fake.post("/people/accounts/a1", "role=viewer&verticals=&act=promote").await.status.as_u16(), 422);
    let changes = ["POST", "PATCH", "PUT", "DELETE"].map(|method| fake.asked(&format!("{method} ")).len());
    assert_eq!(changes, [0; 4], "nothing was changed");
}

#[tokio::test]
async fn a_secret_is_shown_once_to_whoever_made_it() {
    let token = json!({
        "token": "cameo_SECRET", "id": "t1", "name": "ci", "role": "operator", "verticals": ["v"],
        "created_at": "2026-11-26T00:00:00Z", "created_by": "kim", "expires": null, "revoked_at": null, "last_used": null
    });
    let list = json!({"items": [], "next": null});
    let fake = Fake::new("admin").with("/api/v1/tokens", list.clone()).with("/api/v1/accounts", list);
    let fake = fake.with("POST /api/v1/tokens", token);
    let page = fake.post("/people/tokens", "name=ci&role=operator&verticals=v").await;
    assert!(
        page.main().contains("cameo_SECRET") && !fake.get("/people").await.text.contains("cameo_SECRET"),
        "{}",
        page.main()
    );
    assert_eq!(page.headers["cache-control"], "no-store");
    assert_eq!(
        fake.asked("POST")[0].body,
        json!({"name": "ci", "role": "operator", "verticals": ["v"], "expires": null})
    );
}

#[tokio::test]
async fn a_form_that_no_page_sends_does_nothing() {
    let fake = Fake::new("admin");
    for form in [
        "act=delete&item=key:origin/v/1.jpg",
        "item=key:origin/v/1.jpg",
        "act=&item=key:origin/v/1.jpg",
        "act=RETRY&item=key:origin/v/1.jpg",
        "act=retry&item=key:",
        "act=retry&item=key:origin/v/1.jpg&item=key:",
        "act=dismiss&note=x&item=key:",
        "act=retry&item=",
        "act=retry&item=origin/v/1.jpg",
        "act=retry&item=letter:events",
        "act=retry&item=letter:events/",
        "act=retry&item=letter:/1",
        "act=retry&item=key:%25FF",
    ] {
        assert_eq!(fake.post("/attention/act", form).await.status.as_u16(), 400, "{form}");
    }
    for (path, form) in [
        ("/attention/undo", "since=2026-11-26T00:00:00Z"),
        ("/attention/undo", "key=&since=2026-11-26T00:00:00Z"),
        ("/attention/undo", "key=origin/v/1.jpg&since=yesterday"),
        ("/lookup/retry", "ids="),
        ("/lookup/retry", "ids=1+x+2"),
        ("/lookup/retry", ""),
        ("/reconcile", "vertical=v"),
        ("/reconcile", "act=everything"),
    ] {
        let page = fake.post(path, form).await;
        assert_eq!(page.status.as_u16(), 400, "{path} {form}");
        assert!(page.main().contains("읽을 수 없습니다"), "{}", page.main());
    }
    assert!(fake.asked("POST").is_empty());
}

#[tokio::test]
async fn names_come_back_from_forms_as_they_were() {
    let key = "origin/v/\u{202e}a\nb%41.jpg";
    let set_aside = json!({"moved": [key], "left": [], "undo": {"keys": [key], "since": "2026-11-26T00:00:00Z"}});
    let fake = Fake::new("admin")
        .with("/api/v1/originals/dismiss", set_aside)
        .with("/api/v1/originals/undo", json!({"restored": [key], "left": []}));
    let page =
        fake.post("/attention/act", "act=dismiss&note=n&item=key:origin/v/%25E2%2580%25AEa%250Ab%252541.jpg").await;
    assert_eq!(fake.asked("dismiss")[0].body["keys"], json!([key]));
    let value = page.main().split("name=\"key\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(value.is_ascii(), "{value}");
    fake.post("/attention/undo", &format!("key={}&since=2026-11-26T00:00:00Z", value.replace('%', "%25"))).await;
    assert_eq!(fake.asked("originals/undo")[0].body["keys"], json!([key]));
}

#[tokio::test]
async fn failures_of_a_link_keep_what_was_typed_and_their_status() {
    for (status, code, words) in [
        (409, "account.name_taken", "taken"),
        (422, "password.weak", "12 characters"),
        (422, "request.invalid", "one script"),
        (429, "auth.throttled", "Too many"),
        (503, "unavailable", "could not be done"),
    ] {
        let fake = Fake::default().raw("/api/v1/session/link", status, &problem(status, code, "no"));
        let form = "link=SECRET-OF-THE-LINK&name=kim&password=aaaaaaaaaaaa&again=aaaaaaaaaaaa";
        let page = fake.post("/welcome?lang=en", form).await;
        assert_eq!(page.status.as_u16(), status, "{code}");
        let main = page.main();
        assert!(main.contains(words) && main.contains("name=\"link\" value=\"SECRET-OF-THE-LINK\""), "{main}");
        assert!(main.contains("value=\"kim\"") && !page.text.contains("aaaaaaaaaaaa"), "{main}");
    }
}

/// Nobody is asked again for a password that cannot be set: the page says what became of the link, and how to get a new one.
#[tokio::test]
async fn a_link_that_is_of_no_use_has_no_form() {
    let fake = Fake::default().raw("/api/v1/session/link", 404, &problem(404, "session.link", "no"));
    let form = "link=SECRET-OF-THE-LINK&name=kim&password=aaaaaaaaaaaa&again=aaaaaaaaaaaa";
    for (lang, words) in [("en", ["used already", "New link"]), ("ko", ["이미 사용했거나", "새 링크"])] {
        let page = fake.post(&format!("/welcome?lang={lang}"), form).await;
        let main = page.main();
        assert_eq!(page.status.as_u16(), 404);
        assert!(words.iter().all(|words| main.contains(words)) && main.contains("href=\"/login\""), "{main}");
        assert!(!main.contains("<form") && !main.contains("SECRET-OF-THE-LINK") && !main.contains(" hidden"), "{main}");
        // The script shows the same before anybody types anything.
        let fresh = fake.get(&format!("/welcome?lang={lang}")).await;
        assert!(
            fresh.main().contains("id=\"dead\" role=\"alert\" hidden") && fresh.main().contains("<form"),
            "{}",
            fresh.main()
        );
        assert!(words.iter().all(|words| fresh.main().contains(words)), "{}", fresh.main());
    }
}

#[tokio::test]
async fn failures_of_other_forms_say_what_is_wrong_and_keep_what_was_typed() {
    let list = json!({"items": [], "next": null});
    let people = Fake::new("admin").with("/api/v1/tokens", list.clone()).with("/api/v1/accounts", list.clone());
    for (status, code, words) in [
        (409, "account.name_taken", "taken"),
        (409, "account.name_confusable", "looks like"),
        (422, "request.invalid", "one script"),
    ] {
        let fake = people.clone().raw("POST /api/v1/accounts", status, &problem(status, code, "no"));
        let page = fake.post("/people/accounts?lang=en", "name=%3Ckim&role=viewer&verticals=v,w").await;
        let main = page.main();
        assert_eq!(page.status.as_u16(), status, "{code}");
        assert!(
            main.contains(words) && main.contains("value=\"&#60;kim\"") && main.contains("value=\"v,w\""),
            "{main}"
        );
    }
    for (status, code, words) in
        [(409, "token.name_taken", "no"), (422, "request.invalid", "ASCII letters"), (403, "auth.vertical", "no")]
    {
        let fake = people.clone().raw("POST /api/v1/tokens", status, &problem(status, code, "no"));
        let page = fake.post("/people/tokens?lang=en", "name=ci&role=operator&verticals=v").await;
        let main = page.main();
        assert_eq!(page.status.as_u16(), status, "{code}");
        let form = main.split("action=\"/people/tokens\"").nth(1).unwrap();
        assert!(
            main.contains(words) && form.contains("value=\"ci\"") && form.contains("value=\"operator\" selected"),
            "{main}"
        );
    }
    for path in ["/people/accounts", "/people/tokens"] {
        let page = people.post(&format!("{path}?lang=en"), "name=kim&role=admin&verticals=a%2Fb").await;
        let form = page.main().split(&format!("action=\"{path}\"")).nth(1).unwrap().to_owned();
        assert_eq!(page.status.as_u16(), 422);
        assert!(
            form.contains("value=\"a/b\"") && page.main().contains("One of the verticals"),
            "{path}: {}",
            page.main()
        );
    }
    let denied = people.clone().raw("POST /api/v1/tokens", 403, &problem(403, "auth.role", "no"));
    assert!(!denied.post("/people/tokens", "name=ci&role=viewer&verticals=").await.main().contains("name=\"name\""));
    let account = Fake::new("viewer").with("/api/v1/accounts/acc1/sessions", list);
    for (status, code, words) in [(403, "password.wrong", "another one"), (422, "password.weak", "12 characters")] {
        let fake = account.clone().raw("/api/v1/session/password", status, &problem(status, code, "no"));
        let form = "current=a&password=bbbbbbbbbbbb&again=bbbbbbbbbbbb";
        let page = fake.post("/account/password?lang=en", form).await;
        assert_eq!(page.status.as_u16(), status);
        assert!(page.main().contains(words) && !page.main().contains("not yours"), "{}", page.main());
    }
    let fake = account.raw("/api/v1/session/password", 503, &problem(503, "busy", "no"));
    assert_eq!(fake.post("/account/password", "current=a&password=b&again=b").await.status.as_u16(), 503);
}

/// An address can be made by anybody: what it says was done is not said by the page.
#[tokio::test]
async fn a_notice_comes_from_what_was_done_and_from_no_address() {
    let empty = json!({"groups": [], "total": 0, "items": [], "next": null, "truncated": false});
    let list = json!({"items": [], "next": null});
    let fake = Fake::new("admin")
        .with("/api/v1/attention", empty)
        .with("/api/v1/tokens", list.clone())
        .with("/api/v1/accounts", list.clone())
        .with("/api/v1/accounts/acc1/sessions", list.clone())
        .with("/api/v1/tokens/t1", json!({"revoked": "t1"}));
    for path in ["/attention?done=retry&n=7", "/people?done=1", "/account?done=password", "/lookup?done=retry"] {
        let page = fake.get(path).await;
        assert_eq!(page.status.as_u16(), 200, "{path}");
        assert!(!page.main().contains("role=\"status\""), "{path}: {}", page.main());
    }
    let done = fake.post("/people/tokens/t1/revoke", "").await;
    let said = fake.follow(&done).await;
    assert!(said.main().contains("처리했습니다."), "{}", said.main());
    assert!(said.headers["set-cookie"].to_str().unwrap().starts_with("cameo_notice=; Path=/; Max-Age=0"));
    assert!(!fake.follow(&done).await.main().contains("처리했습니다."), "it is said once");
}
