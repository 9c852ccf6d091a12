//! What pages show: a good day, a bad day, nothing at all; both languages; names that would like to be markup.

use serde_json::{Value, json};

use crate::fake::{Fake, overview};

const HOSTILE: &str = "<script>alert(1)</script>\"'&{{7*7}}";

fn list(items: Value) -> Value {
    json!({"items": items, "next": null})
}

fn summary(photos: u64, live: u64, failed: u64, pending: u64) -> Value {
    json!({
        "record": null,
        "summary": {
            "delivery": "20261126-k3f9", "vertical": "패션", "entities": photos, "photos": photos, "live": live, "failed": failed,
            "pending": pending, "failed_entities": failed
        }
    })
}

fn home(overview: Value, state: Value) -> Fake {
    let delivery = json!({
        "delivery": "20261126-k3f9", "vertical": "패션", "created": "2026-11-25T22:00:00Z", "by": HOSTILE, "files": 3, "skipped": 0,
        "bytes": 3, "digest": "d"
    });
    let line =
        json!({"cd_idx": 3, "sequence": 0, "file": HOSTILE, "code": "file.empty", "owner": "operator", "text": "t"});
    Fake::new("admin")
        .with("/api/v1/overview", overview)
        .with("/api/v1/deliveries", list(json!([delivery])))
        .with("/api/v1/deliveries/20261126-k3f9", state)
        .lines("/api/v1/deliveries/20261126-k3f9/report", &[line, json!({"summary": {}})])
}

#[tokio::test]
async fn a_good_day_is_one_sentence() {
    let fake = home(overview(12_408, 0, 0), summary(12_408, 12_408, 0, 0));
    let english = fake.get("/?lang=en").await;
    assert!(english.main().contains("All 12,408 photos are live."), "{}", english.main());
    let korean = fake.get("/?lang=ko").await;
    assert!(korean.main().contains("사진 12,408장이 모두 게시 중입니다."), "{}", korean.main());
    assert!(korean.main().contains("2026-11-26 07:00") && korean.main().contains("2026-11-25T22:00:00Z (UTC)"));
    assert!(fake.asked("report").is_empty(), "nobody asks what failed where nothing did");
}

#[tokio::test]
async fn a_bad_day_says_how_many_and_who() {
    let page = home(overview(10, 3, 2), summary(12, 9, 1, 2)).get("/?lang=en").await;
    let main = page.main();
    assert!(main.contains("3 items need somebody.") && main.contains("2 photos are under way."), "{main}");
    assert!(main.contains("✕ 1 failed") && main.contains("Whoever uploads the photos&nbsp;1"), "{main}");
    assert!(main.contains("file.empty"), "{main}");
    assert!(!page.text.contains("<script>"), "names are text");
    assert!(page.text.contains("&#60;script&#62;"));
}

/// Counts that say nothing, beside a delivery that is open: the sentence is not a good one.
#[tokio::test]
async fn the_sentence_is_never_good_beside_a_delivery_that_is_open() {
    let different = |state: &str| {
        let mut state_of = summary(3, 3, 0, 0);
        state_of["summary"]["state"] = json!(state);
        state_of
    };
    let unknown = |n: u64| {
        let mut counted = overview(3, 0, 0);
        counted["attention"]["unknown_deliveries"] = json!(n);
        counted
    };
    for (overview, state, says) in [
        (overview(3, 0, 0), summary(3, 2, 1, 0), "1 delivery below is not complete."),
        (overview(3, 0, 0), different("different"), "1 delivery below is not complete."),
        (overview(3, 0, 0), different("rejected"), "1 delivery below is not complete."),
        (unknown(2), summary(3, 3, 0, 0), "2 deliveries could not be looked at yet."),
        (overview(3, 2, 0), summary(3, 2, 1, 0), "2 items need somebody."),
    ] {
        let page = home(overview, state).get("/?lang=en").await;
        let main = page.main();
        assert!(
            main.contains(says) && main.contains("sentence bad") && !main.contains("photos are live"),
            "{says}: {main}"
        );
    }
    let good = home(overview(3, 0, 0), different("complete")).get("/?lang=en").await;
    assert!(good.main().contains("All 3 photos are live.") && good.main().contains("sentence good"), "{}", good.main());
    // What nobody need act on is nobody's: a photo that another one took the place of.
    let line = json!({"cd_idx": 3, "sequence": 0, "file": "3_0.jpg", "code": "upload.replaced", "owner": "nobody", "text": "t"});
    let mut replaced = summary(3, 2, 1, 0);
    replaced["summary"]["replaced"] = json!(1);
    let fake = home(overview(3, 0, 0), replaced)
        .lines("/api/v1/deliveries/20261126-k3f9/report", &[line, json!({"summary": {}})]);
    let page = fake.get("/?lang=en").await;
    let main = page.main();
    assert!(main.contains("sentence good") && main.contains("▲ 1 replaced") && !main.contains("✕"), "{main}");
    assert!(main.contains(">nobody<"), "{main}");
}

#[tokio::test]
async fn the_parts_of_a_delivery_add_up() {
    let mut state = summary(20, 9, 4, 1);
    for (part, n) in [("replaced", 3), ("dismissed", 1), ("moved", 2), ("unpublished", 2), ("superseded", 1)] {
        state["summary"][part] = json!(n);
    }
    let fake =
        home(overview(9, 0, 0), state).lines("/api/v1/deliveries/20261126-k3f9/items", &[json!({"summary": {}})]);
    for path in ["/deliveries/20261126-k3f9", "/"] {
        let page = fake.get(&format!("{path}?lang=ko")).await;
        let main = page.main();
        let words = [
            "✓ 9 게시 중",
            "… 1 처리 중",
            "▲ 3 교체됨",
            "✕ 1 실패",
            "– 1 정리됨",
            "– 2 옮겨짐",
            "– 2 게시 중단됨",
            "– 1 나중 전달에 포함됨",
        ];
        for part in words {
            assert!(main.contains(part), "{path}: {part}: {main}");
        }
        let bar = main.split("class=\"rest\"").nth(1).unwrap().split("</svg>").next().unwrap();
        let widths: Vec<u64> =
            bar.split(" width=\"").skip(2).map(|text| text.split('"').next().unwrap().parse().unwrap()).collect();
        assert_eq!((widths.len(), widths.iter().sum::<u64>()), (8, 1000), "{path}: {bar}");
    }
}

#[tokio::test]
async fn what_a_delivery_lacks_is_settled_on_its_page() {
    let state = |lacks: bool, closed: Value| {
        let mut state = summary(3, 2, 1, 0);
        (state["lacks"], state["closed"]) = (json!(lacks), closed);
        state
    };
    let path = "/deliveries/20261126-k3f9";
    let of = |state: Value| {
        home(overview(3, 0, 0), state.clone())
            .lines("/api/v1/deliveries/20261126-k3f9/items", &[json!({"summary": {}})])
            .with("/api/v1/deliveries/20261126-k3f9/dismiss", state.clone())
            .with("/api/v1/deliveries/20261126-k3f9/reopen", state)
    };
    let fake = of(state(true, Value::Null));
    assert!(fake.get(path).await.main().contains("오지 않을 것 정리하기"));
    let viewer = fake.clone().with("/api/v1/session", crate::fake::session("viewer"));
    assert!(!viewer.get(path).await.main().contains("id=\"settle\""));
    assert_eq!(fake.post(&format!("{path}/act"), "act=dismiss&note=+").await.status.as_u16(), 422);
    assert_eq!(fake.post(&format!("{path}/act"), "act=explode&note=x").await.status.as_u16(), 400);
    assert!(fake.asked("POST").is_empty());
    let led = fake.post(&format!("{path}/act"), "csrf=token-of-forms&act=dismiss&note=agreed").await;
    assert_eq!((led.status.as_u16(), led.location()), (303, path));
    assert_eq!(fake.asked("/dismiss")[0].body, json!({"note": "agreed"}));
    assert_eq!(fake.asked("/dismiss")[0].headers["x-cameo-csrf"], "token-of-forms");
    assert!(fake.follow(&led).await.main().contains("빠진 것을 정리했습니다."));
    let closed = json!({"at": "2026-11-26T00:00:00Z", "by": "lee", "note": HOSTILE, "reason": null});
    let fake = of(state(false, closed));
    let page = fake.get(path).await;
    assert!(
        page.main().contains("빠진 것은 정리되었습니다:") && page.main().contains("<bdi>lee</bdi>"),
        "{}",
        page.main()
    );
    assert!(!page.main().contains("id=\"settle\"") && !page.text.contains("<script>alert"), "{}", page.main());
    let led = fake.post(&format!("{path}/act"), "act=reopen").await;
    assert!(led.location() == path && fake.asked("/reopen").len() == 1);
    assert_eq!(fake.get(&format!("{path}/act")).await.location(), path, "the address of the form leads to its page");
}

#[tokio::test]
async fn before_anything_was_uploaded_the_page_says_so() {
    let empty =
        Fake::new("viewer").with("/api/v1/overview", overview(0, 0, 0)).with("/api/v1/deliveries", list(json!([])));
    for (lang, words) in [("en", "No photo has been uploaded yet."), ("ko", "아직 올라온 사진이 없습니다.")]
    {
        assert!(empty.get(&format!("/?lang={lang}")).await.main().contains(words));
    }
    assert!(!empty.get("/").await.text.contains("href=\"/upload\""), "a viewer uploads nothing");
    assert!(!empty.get("/").await.text.contains("href=\"/people\""));
}

#[tokio::test]
async fn a_row_whose_numbers_do_not_come_is_shown_without_them() {
    let fake = home(overview(1, 0, 0), summary(1, 1, 0, 0)).raw("/api/v1/deliveries/20261126-k3f9", 503, "");
    let page = fake.get("/?lang=en").await;
    assert_eq!(page.status.as_u16(), 200);
    assert!(page.main().contains("20261126-k3f9") && page.main().contains("being counted"), "{}", page.main());
}

fn texts(text: &str) -> Value {
    json!({"en": format!("{text} (en)"), "ko": format!("{text} (ko)")})
}

fn item(id: &str, owner: &str, code: &str, file: &str) -> Value {
    json!({
        "kind": "rejected", "id": id, "key": format!("origin/v/{file}"), "file": file, "vertical": "v", "cd_idx": 7, "sequence": 0,
        "code": code, "owner": owner, "meaning": texts("meaning"), "action": texts("action"), "found": texts("found"), "detail": "d",
        "at": "2026-11-26T00:00:00Z", "actor": HOSTILE, "delivery": null, "serves_older": true, "dismissable": true, "retryable": true,
        "queue": null, "letter": null
    })
}

fn attention(items: Value, total: u64) -> Value {
    let group = |owner: &str, code: &str| {
        json!({
            "owner": owner, "owner_name": texts("owner"), "code": code, "meaning": texts("meaning"), "action": texts("action"), "items": 1
        })
    };
    let groups = [group("person_in_charge", "file.empty"), group("engineer", "system.dead_letter")];
    json!({"groups": groups, "total": total, "items": items, "next": "n/1", "truncated": true})
}

#[tokio::test]
async fn the_work_list_is_grouped_and_hides_nothing() {
    let items = json!([
        item("a", "person_in_charge", "file.empty", HOSTILE),
        item("b", "engineer", "system.dead_letter", "7_0.jpg")
    ]);
    let fake = Fake::new("operator").with("/api/v1/attention", attention(items, 2));
    let page = fake.get("/attention?lang=ko&owner=engineer").await;
    let main = page.main();
    let places = [
        "사진을 전달한 담당자</h2>",
        "meaning (ko)",
        "당직 엔지니어</h2>",
        "조회 한도보다 많습니다",
        "이전 사진 게시 중",
    ];
    assert!(places.iter().all(|words| main.contains(words)), "{main}");
    assert!(main.contains("href=\"?owner=engineer&#38;after=n%2F1\""), "{main}");
    assert!(!page.text.contains("<script>alert"), "{main}");
    assert_eq!(fake.asked("attention")[0].what, "GET /api/v1/attention?limit=100&owner=engineer");
    let viewer =
        Fake::new("viewer").with("/api/v1/attention", attention(json!([item("a", "engineer", "x.y", "f")]), 1));
    let viewed = viewer.get("/attention").await;
    assert!(
        !viewed.main().contains("type=\"checkbox\"") && !viewed.main().contains("name=\"note\""),
        "a viewer selects nothing"
    );
}

#[tokio::test]
async fn the_work_list_leads_to_deliveries_and_webhooks() {
    let of_delivery = |more: u64, file: Value| {
        let mut lacked = item("d", "person_in_charge", "list.missing", "x");
        (lacked["kind"], lacked["key"], lacked["file"]) = (json!("delivery"), Value::Null, file);
        (lacked["delivery"], lacked["more"], lacked["serves_older"]) =
            (json!("20261126-k3f9"), json!(more), json!(false));
        lacked
    };
    let mut webhook = item("w", "engineer", "webhook.failing", "사내 <알림>");
    (webhook["kind"], webhook["key"], webhook["webhook"]) = (json!("webhook"), Value::Null, json!("wh_a"));
    let items = json!([
        of_delivery(0, json!("IMG 20.jpg")),
        of_delivery(0, Value::Null),
        of_delivery(1250, Value::Null),
        webhook
    ]);
    let mut work = attention(items, 4);
    work["unknown_deliveries"] = json!(2);
    for (role, sees) in [("admin", true), ("operator", false)] {
        let page = Fake::new(role).with("/api/v1/attention", work.clone()).get("/attention?lang=ko").await;
        let main = page.main();
        assert_eq!(main.matches("href=\"/deliveries/20261126-k3f9\"").count(), 4, "{main}");
        assert!(
            main.contains("IMG 20.jpg") && main.contains("파일 없음") && main.contains("그 밖에 1,250건"),
            "{main}"
        );
        assert_eq!(main.contains("href=\"/webhooks/wh_a\""), sees, "{role}: {main}");
        assert!(main.contains("&#60;알림&#62;") && main.contains("전달 2건을 아직 확인하지 못해"), "{main}");
        assert!(!main.contains("type=\"checkbox\" name=\"item\""), "nothing of it is tried again or dismissed: {main}");
    }
    let mut unknown = json!({"groups": [], "total": 0, "items": [], "next": null, "truncated": false});
    unknown["unknown_deliveries"] = json!(1);
    let page = Fake::new("operator").with("/api/v1/attention", unknown).get("/attention?lang=en").await;
    assert!(
        !page.main().contains("A good day") && page.main().contains("1 delivery could not be looked at"),
        "{}",
        page.main()
    );
}

#[tokio::test]
async fn an_empty_work_list_is_a_good_day() {
    let empty = json!({"groups": [], "total": 0, "items": [], "next": null, "truncated": false});
    let fake = Fake::new("operator").with("/api/v1/attention", empty);
    assert!(fake.get("/attention?lang=en").await.main().contains("A good day."));
    assert!(fake.get("/attention?lang=ko").await.main().contains("모두 정상입니다."));
}

#[tokio::test]
async fn the_table_of_the_work_list_is_that_of_the_api() {
    let fake = Fake::new("viewer").raw("/api/v1/attention.csv", 200, "a,b");
    let page = fake.get("/attention.csv?lang=en&owner=engineer&q=%26x").await;
    assert_eq!(page.text, "a,b", "it is the API's, byte for byte");
    assert_eq!(fake.asked("csv")[0].what, "GET /api/v1/attention.csv?lang=en&owner=engineer&q=%26x");
}

fn entity() -> Value {
    json!({
        "vertical": "v", "cd_idx": 7, "version": 3,
        "photos": [{
            "sequence": 0, "key": "origin/v/7_0.jpg", "state": "rejected", "generation": "2", "serving_generation": "1", "etag": "e",
            "size_set": "default/1", "updated_at": "2026-11-26T00:00:00Z", "serves_older": true, "stale": true, "missing": ["ve"],
            "reason": {"code": "file.truncated", "owner": "operator", "meaning": texts("meaning"), "action": texts("action"), "detail": HOSTILE},
            "original": {"bytes": 24_150, "etag": "e", "uploaded_at": "2026-11-26T00:00:00Z", "pending": false},
            "cells": [{"image_size": "sq", "image_url": "http://img/v/sq/7_sq_0.jpg", "width": 10, "height": 20, "bytes": 813, "etag": "a/b"}]
        }]
    })
}

fn vertical() -> Fake {
    let sizes = json!([{"name": "sq", "width": 1, "height": 1, "fit": "cover"}, {"name": "ve", "width": 1, "height": 1, "fit": "cover"}]);
    let view = json!({
        "name": "v", "size_set": "default/2", "image_sizes": sizes, "reasons": {},
        "counts": {"serving": 1, "rejected": 0, "ignored": 0, "removed": 0}
    });
    let summary = json!({"cd_idx": 7, "photos": 1, "serving": 1, "rejected": 1, "updated_at": "2026-11-26T00:00:00Z"});
    Fake::new("admin")
        .with("/api/v1/verticals", list(json!([view])))
        .with("/api/v1/entities", json!({"items": [summary], "next": "origin/v/7_", "previous": "origin/v/7_0"}))
        .with("/api/v1/verticals/v/entities/7", entity())
        .with("/api/v1/verticals/v/entities/7/history", list(json!([])))
}

#[tokio::test]
async fn a_vertical_shows_renditions_by_their_etag_and_what_is_missing() {
    let fake = vertical();
    let page = fake.get("/verticals/v?lang=en&after=origin/v/6").await;
    let main = page.main();
    assert!(main.contains("src=\"http://img/v/sq/7_sq_0.jpg?v=a%2Fb\""), "{main}");
    assert!(
        main.contains("✕ missing") && main.contains("last good one is live") && main.contains("older size set"),
        "{main}"
    );
    assert!(main.contains("id=\"next\"") && main.contains("after=origin%2Fv%2F7_\""), "{main}");
    assert!(main.contains("id=\"previous\"") && main.contains("before=origin%2Fv%2F7_0\""), "{main}");
    assert_eq!(fake.asked("/api/v1/entities")[0].what, "GET /api/v1/entities?vertical=v&limit=24&after=origin%2Fv%2F6");
    let none = fake.get("/verticals/v?cd_idx=4711").await;
    assert!(none.main().contains("해당하는 엔티티가 없습니다."), "{}", none.main());
    assert!(fake.get("/verticals/v?cd_idx=7").await.main().contains("id=\"e7_0\""));
    assert_eq!(fake.get("/verticals/%3Cscript%3E").await.status.as_u16(), 404);
    assert_eq!(fake.get("/verticals/nosuch").await.status.as_u16(), 404, "a vertical that nobody knows");
}

#[tokio::test]
async fn an_entity_shows_all_that_is_known_and_escapes_it() {
    let page = vertical().get("/verticals/v/7?lang=en").await;
    let main = page.main();
    assert!(
        main.contains("10×20 · 813 B") && main.contains("24.1 kB") && main.contains("data-replace=\"7_0.jpg\""),
        "{main}"
    );
    assert!(!page.text.contains("<script>alert"), "{main}");
    let viewer = vertical().with("/api/v1/session", crate::fake::session("viewer")).get("/verticals/v/7").await;
    assert!(!viewer.main().contains("unpublish") && !viewer.main().contains("data-replace"));
}

/// A number of which nothing ever came has a page that says so, which deliveries name it, and what to do.
#[tokio::test]
async fn a_number_that_never_came_is_explained() {
    let mut lacked = item("d", "person_in_charge", "list.missing", "8_0.jpg");
    (lacked["kind"], lacked["cd_idx"], lacked["delivery"]) = (json!("delivery"), json!(8), json!("20261126-k3f9"));
    let mut other = lacked.clone();
    (other["cd_idx"], other["delivery"]) = (json!(88), json!("20261126-aaaa"));
    let fake = vertical().with("/api/v1/verticals/v/entities/8/history", list(json!([])));
    let page = fake.clone().with("/api/v1/attention", attention(json!([lacked, other]), 2)).get("/verticals/v/8").await;
    let main = page.main();
    assert_eq!(page.status.as_u16(), 404);
    assert!(
        main.contains("사진이 올라온 적이 없습니다") && main.contains("href=\"/deliveries/20261126-k3f9\""),
        "{main}"
    );
    assert!(main.contains("8_0.jpg") && main.contains("action (ko)") && !main.contains("20261126-aaaa"), "{main}");
    let page = fake.get("/verticals/v/8?lang=en").await;
    assert!(page.status.as_u16() == 404 && page.main().contains("No delivery that is still open"), "{}", page.main());
    let unknown =
        fake.with("/api/v1/verticals/nosuch/entities/8/history", list(json!([]))).get("/verticals/nosuch/8").await;
    assert!(unknown.status.as_u16() == 404 && !unknown.main().contains("never-came"), "{}", unknown.main());
}

#[tokio::test]
async fn no_badge_stands_twice_in_a_row() {
    let mut rejected = entity();
    (rejected["photos"][0]["serves_older"], rejected["photos"][0]["serving_generation"]) = (json!(false), Value::Null);
    let fake = vertical().with("/api/v1/verticals/v/entities/7", rejected);
    let badge = "<i aria-hidden=\"true\">✕</i>거부됨</span>";
    let page = fake.get("/verticals/v/7").await;
    let heading = page.main().split("<h2 id=\"h-0\">").nth(1).unwrap().split("</h2>").next().unwrap().to_owned();
    assert_eq!(heading.matches(badge).count(), 1, "{heading}");
    let page = fake.get("/verticals/v").await;
    let row = page.main().split("<tr class=\"photo").nth(1).unwrap().split("</tr>").next().unwrap().to_owned();
    assert_eq!(row.matches(badge).count(), 1, "{row}");
}

#[tokio::test]
async fn pasted_ids_come_back_with_what_is_wrong_first() {
    let it = |cd_idx: u64, state: &str| {
        json!({"cd_idx": cd_idx, "vertical": "v", "state": state, "photos": 2, "live": 1, "problems": [
        {"sequence": 1, "image_size": "sq", "key": "k", "code": "cell.missing", "owner": "engineer", "detail": null, "serves_older": false}]})
    };
    let answer = json!({
        "summary": {"ids": 2, "complete": 1, "incomplete": 1, "pending": 0, "unknown": 0, "unreadable": 1},
        "items": [it(1, "complete"), it(2, "incomplete")],
        "unreadable": [{"line": 1, "column": 2, "text": HOSTILE}], "ignored_header": null, "column": null
    });
    let fake = Fake::new("operator").with("/api/v1/lookup", answer);
    let page = fake.post("/lookup?lang=en", "text=1%0D%0A2%3Cb%3E&vertical=v").await;
    let main = page.main();
    assert!(main.find(">2</a>").unwrap() < main.find(">1</a>").unwrap(), "{main}");
    assert!(main.contains("data-copy=\"2\"") && main.contains("cell.missing"), "{main}");
    assert!(!page.text.contains("<b>") && !page.text.contains("<script>alert"), "{main}");
    assert_eq!(fake.asked("POST")[0].body, json!({"text": "1\r\n2<b>", "vertical": "v"}));
}

#[tokio::test]
async fn language_and_colours_are_remembered() {
    let fake = Fake::new("viewer").with("/api/v1/verticals", list(json!([])));
    let page = fake.get("/entities?lang=en&theme=dark").await;
    let cookies: Vec<_> = page.headers.get_all("set-cookie").iter().map(|it| it.to_str().unwrap().to_owned()).collect();
    assert!(cookies[0].starts_with("cameo_lang=en;") && cookies[1].starts_with("cameo_theme=dark;"), "{cookies:?}");
    assert!(page.text.contains("data-theme=\"dark\"") && page.text.contains("<html lang=\"en\""));
    let page = fake.get("/entities?lang=%3Cscript%3E&theme=x").await;
    assert!(page.headers.get("set-cookie").is_none() && page.text.contains("<html lang=\"ko\" data-theme=\"auto\">"));
    let request = axum::http::Request::get("/entities").header("cookie", "a=b; cameo_lang=en; cameo_theme=light");
    let page = fake.send(request, axum::body::Body::empty()).await;
    assert!(page.text.contains("<html lang=\"en\" data-theme=\"light\">"));
    let request = axum::http::Request::get("/entities").header("accept-language", "en-GB,en;q=0.9");
    assert!(fake.send(request, axum::body::Body::empty()).await.text.contains("<html lang=\"en\""));
}

#[tokio::test]
async fn files_of_the_pages_are_kept_for_good() {
    let fake = Fake::new("viewer").with("/api/v1/verticals", list(json!([])));
    let page = fake.get("/entities").await;
    let mut paths = page.text.split('"').filter(|text| text.starts_with("/static/")).collect::<Vec<_>>();
    paths.sort_unstable();
    assert_eq!(paths.len(), 3, "{paths:?}");
    for path in paths {
        let file = fake.get(path).await;
        assert_eq!(file.status.as_u16(), 200, "{path}");
        assert!(file.headers["cache-control"].to_str().unwrap().contains("immutable"));
        assert_eq!(file.headers.get("set-cookie"), None);
    }
}

#[tokio::test]
async fn what_others_named_is_shown_as_what_it_is_and_set_apart() {
    let name = "\u{202e}gpj.0_1\u{200b}.exe";
    let fake =
        Fake::new("operator").with("/api/v1/attention", attention(json!([item("a", "engineer", "x.y", name)]), 1));
    let page = fake.get("/attention?lang=ko").await;
    assert!(page.main().contains(r"<bdi>\u{202e}gpj.0_1\u{200b}.exe</bdi>"), "{}", page.main());
    assert!(page.main().contains("value=\"key:"), "a box that names it is there");
    assert!(!page.text.contains(['\u{202e}', '\u{200b}']), "{}", page.text);
    let mut changed = entity();
    changed["photos"][0]["key"] = json!(format!("origin/v/{name}"));
    changed["photos"][0]["reason"]["detail"] = json!(name);
    let page = vertical().with("/api/v1/verticals/v/entities/7", changed).get("/verticals/v/7").await;
    assert!(page.main().contains(r"<bdi>origin/v/\u{202e}gpj") && !page.text.contains('\u{202e}'), "{}", page.main());
    let typed = fake.get("/attention?q=%E2%80%AEx%E2%80%8B").await;
    assert!(typed.text.contains("value=\"&#8238;x&#8203;\"") && !typed.text.contains('\u{202e}'), "{}", typed.text);
}

#[tokio::test]
async fn entities_are_filtered_by_each_respect_and_by_days_of_seoul() {
    let fake = vertical();
    let page =
        fake.get("/verticals/v?lang=en&state=rejected&from=2026-11-25&to=2026-11-26&delivery=20261126-k3f9").await;
    let asked = "GET /api/v1/entities?vertical=v&limit=24&delivery=20261126-k3f9&state=rejected\
        &since=2026-11-24T15%3A00%3A00Z&until=2026-11-26T15%3A00%3A00Z";
    assert_eq!(fake.asked("/api/v1/entities")[0].what, asked.replace("        ", ""));
    let main = page.main();
    for field in [
        "name=\"from\" value=\"2026-11-25\"",
        "name=\"to\" value=\"2026-11-26\"",
        "name=\"state\" value=\"rejected\"",
        "value=\"20261126-k3f9\"",
    ] {
        assert!(main.contains(field), "{field}: {main}");
    }
    assert!(main.contains("2026-11-25 – 2026-11-26"), "{main}");
    // A chip changes its own respect, and leaves the others as they are.
    let kept = "from=2026-11-25&#38;to=2026-11-26&#38;delivery=20261126-k3f9";
    assert!(main.contains(&format!("href=\"?state=rejected&#38;{kept}&#38;missing=ve\"")), "{main}");
    assert!(main.contains(&format!("href=\"?{kept}\" aria-current=\"true\">rejected")), "{main}");
    assert!(
        main.contains("href=\"?state=rejected&#38;delivery=20261126-k3f9\" aria-current=\"true\">2026-11-25"),
        "{main}"
    );
    for wrong in ["from=yesterday", "to=2026-02-30", "from=%3Cb%3E"] {
        let page = fake.get(&format!("/verticals/v?{wrong}")).await;
        assert!(page.status.as_u16() == 422 && page.main().contains("2026-11-26"), "{wrong}: {}", page.main());
    }
}

#[tokio::test]
async fn health_says_what_is_not_known_yet() {
    let health = |disk: Value, backup: Value| {
        json!({
            "at": "2026-11-26T00:00:00Z", "ok": true, "checks": [], "queues": [], "oldest_seconds": null, "oldest_key": null, "registered_5m": 0,
            "registers_at": null, "disk": disk, "memory": null, "workers": null, "last_backup": backup, "started_at": null, "version": "1"
        })
    };
    let disk = |rate: Value, days: Value| json!({"free_bytes": 10, "total_bytes": 20, "bytes_per_day": rate, "days_until_full": days});
    for (disk, says) in [
        (disk(Value::Null, Value::Null), "not known yet"),
        (disk(json!(0), Value::Null), "did not fill"),
        (disk(json!(1), json!(10)), "badge bad"),
        (disk(json!(1), json!(99)), "99 days until full"),
    ] {
        let fake = Fake::new("viewer").with("/api/v1/health", health(disk, Value::Null));
        let page = fake.get("/health?lang=en").await;
        assert!(page.main().contains(says) && page.main().contains("none is known"), "{says}: {}", page.main());
    }
    let known = health(Value::Null, json!("2026-11-25T22:00:00Z"));
    assert!(Fake::new("viewer").with("/api/v1/health", known).get("/health").await.main().contains("2026-11-26 07:00"));
}
