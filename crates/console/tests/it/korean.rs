//! No page in Korean says anything in English: what the API says of faults in English is put into Korean, whatever page it is on.

use serde_json::{Value, json};

use crate::fake::{Fake, overview, problem, session};

/// Words in a row that make a sentence: names, codes and units stand alone.
const SENTENCE: usize = 3;

/// The text of a page's main part, without what is English by intent: codes, and what is marked as that.
fn text_of(main: &str) -> String {
    let mut text = String::new();
    let mut rest = main;
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        let end = rest[at..].find('>').map_or(rest.len(), |end| at + end + 1);
        let tag = &rest[at..end];
        let name = tag[1..].split([' ', '>', '/']).next().unwrap_or_default();
        rest = &rest[end..];
        if matches!(name, "code" | "time" | "pre") || tag.contains("lang=\"en\"") {
            let close = format!("</{name}>");
            rest = rest.find(&close).map_or("", |at| &rest[at + close.len()..]);
        }
        // Attributes that people hear or see.
        for attribute in ["aria-label=\"", "title=\"", "placeholder=\"", "data-said=\""] {
            if let Some(value) = tag.split(attribute).nth(1) {
                text.push_str(&format!(" | {} | ", value.split('"').next().unwrap_or_default()));
            }
        }
        text.push_str(if matches!(name, "bdi" | "/bdi" | "span" | "/span") { "" } else { " | " });
    }
    text
}

/// The English sentences of a text. What is in brackets is what nobody has listed.
fn english(text: &str) -> Vec<String> {
    let mut plain = String::new();
    let mut depth = 0_usize;
    for c in text.chars() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            c if depth == 0 => plain.push(c),
            _ => {}
        }
    }
    let is_word = |word: &&str| {
        // A command and its flags are written as they are typed.
        if word.starts_with('-') || *word == "cameo" {
            return false;
        }
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_lowercase()) || matches!(word, "a" | "I")
    };
    let words: Vec<&str> = plain.split_whitespace().collect();
    let mut found = Vec::new();
    let mut run: Vec<&str> = Vec::new();
    for word in words.iter().chain(&["|"]) {
        if is_word(word) {
            run.push(word);
        } else {
            if run.len() >= SENTENCE {
                found.push(run.join(" "));
            }
            run.clear();
        }
    }
    found
}

#[test]
fn english_sentences_are_found_and_names_are_not() {
    let of = |html: &str| english(&text_of(html));
    assert_eq!(of("<p>파일 <bdi>ends at byte seven</bdi></p>"), ["ends at byte seven"]);
    assert_eq!(of("<p title=\"this needs the role\">가</p>"), ["this needs the role"]);
    for korean in [
        "<p>kim <code>the data of a scan end</code> 파일이 잘렸습니다</p>",
        "<p>원인 [the disk of nobody is full]</p>",
        "<p lang=\"en\">in the words of others</p><p>cameo push</p>",
        "<td>sq</td><td>ve</td><td>ho</td><td>id</td>",
        "<p>cameo retry --reason system.dead_letter 를 실행하세요</p>",
    ] {
        assert_eq!(of(korean), Vec::<String>::new(), "{korean}");
    }
}

fn list(items: Value) -> Value {
    json!({ "items": items, "next": null })
}

fn texts(korean: &str) -> Value {
    json!({"en": "something in English that nobody should see here", "ko": korean})
}

/// Details as the server writes them, each with its code.
const DETAILS: [(&str, &str); 6] = [
    ("file.truncated", "the data of a scan end before its last MCU"),
    ("file.corrupt", "the second picture begins before the first one is complete"),
    ("file.too_many_pixels", "30000x20000 are more than 100000000 pixels"),
    ("name.unparseable", "the extension must be .jpg in lower case: rename it 1_0.jpg"),
    ("system.dead_letter", "register 1_0.jpg: the disk is full, and nobody has made room"),
    ("system.dead_letter", "register 1_0.jpg: a cause that nobody has listed yet"),
];

fn delivery(fake: Fake) -> Fake {
    let item = |(at, (code, detail)): (usize, &(&str, &str))| {
        json!({
            "file": format!("{at}_0.jpg"), "cd_idx": at + 1, "sequence": 0, "state": "rejected", "reason": code, "detail": detail,
            "later": null, "last_good_served": at == 0
        })
    };
    let mut items: Vec<Value> = DETAILS.iter().enumerate().map(item).collect();
    for state in
        ["received", "rendered", "registered", "replaced", "removed", "missing", "dismissed", "moved", "unpublished"]
    {
        items.push(json!({
            "file": format!("{state}_0.jpg"), "cd_idx": 9, "sequence": 0, "state": state, "reason": null, "detail": null,
            "later": {"at": "2026-11-26T00:00:00Z", "by": "kim", "delivery": null}
        }));
    }
    items.push(json!({"summary": {}}));
    let line = |(code, detail): &(&str, &str)| {
        json!({
            "cd_idx": 3, "sequence": 0, "file": "3_0.jpg", "code": code, "owner": "operator", "text": "t", "detail": detail,
            "found": "확인된 내용"
        })
    };
    let mut lines: Vec<Value> = DETAILS.iter().map(line).collect();
    lines.push(json!({"summary": {}}));
    let state = json!({"record": null, "summary": {
        "delivery": "20261126-k3f9", "vertical": "v", "entities": 9, "photos": 15, "live": 1, "failed": 9, "pending": 2, "dismissed": 1,
        "moved": 1, "unpublished": 1, "failed_entities": 6, "replaced": 1, "state": "different"
    }});
    fake.with("/api/v1/deliveries/20261126-k3f9", state)
        .lines("/api/v1/deliveries/20261126-k3f9/items", &items)
        .lines("/api/v1/deliveries/20261126-k3f9/report", &lines)
}

fn entity(fake: Fake) -> Fake {
    let photo = |(at, (code, detail)): (usize, &(&str, &str))| {
        json!({
            "sequence": at, "key": format!("origin/v/7_{at}.jpg"), "state": "rejected", "generation": "2", "serving_generation": null,
            "etag": "e", "size_set": "default/1", "updated_at": "2026-11-26T00:00:00Z", "serves_older": false, "stale": true, "missing": [],
            "reason": {"code": code, "owner": "operator", "meaning": texts("뜻"), "action": texts("조치"), "detail": detail},
            "original": {"bytes": 1, "etag": "e", "uploaded_at": "2026-11-26T00:00:00Z", "pending": true}, "cells": []
        })
    };
    let change = |(at, (code, detail)): (usize, &(&str, &str))| {
        json!({
            "position": at, "at": "2026-11-26T00:00:00Z", "change": "rejected", "vertical": "v", "cd_idx": 7, "sequence": 0,
            "key": "origin/v/7_0.jpg", "generation": "1", "etag": "e", "size": 1, "reason": code, "detail": detail, "actor": "kim",
            "delivery": null, "image_sizes": []
        })
    };
    let mut history: Vec<Value> = DETAILS.iter().enumerate().map(change).collect();
    for act in ["dismissed", "moved", "unpublished", "restored"] {
        let mut line = history[0].clone();
        let (code, detail) = (Value::Null, Value::Null);
        (line["change"], line["act"], line["reason"], line["detail"]) = (json!("removed"), json!(act), code, detail);
        line["note"] = json!("초상권 요청");
        history.push(line);
    }
    let activity = |line: &Value| {
        json!({
            "source": "history", "at": line["at"], "actor": line["actor"], "what": line["change"], "act": line["act"], "vertical": "v",
            "cd_idx": 7, "sequence": 0, "key": line["key"], "code": line["reason"], "detail": line["detail"], "status": null, "request_id": null
        })
    };
    let lines: Vec<Value> = history.iter().map(activity).collect();
    let photos: Vec<Value> = DETAILS.iter().enumerate().map(photo).collect();
    let kept = json!([{
        "id": "q1", "key": "origin/v/7_9.jpg", "sequence": 9, "etag": "e", "size": 1, "removed_at": "2026-11-26T00:00:00Z",
        "expires_at": "2026-12-26T00:00:00Z", "why": "unpublished", "note": "초상권", "verdict": "restore"
    }]);
    let sizes = json!([{"name": "sq", "width": 1, "height": 1, "fit": "cover"}]);
    let view = json!({
        "name": "v", "size_set": "default/2", "image_sizes": sizes, "reasons": {"file.empty": 1},
        "counts": {"serving": 1, "rejected": 1, "ignored": 0, "removed": 0}
    });
    let summary = json!({"cd_idx": 7, "photos": 1, "serving": 1, "rejected": 1, "updated_at": "2026-11-26T00:00:00Z"});
    fake.with("/api/v1/verticals", list(json!([view])))
        .with("/api/v1/entities", json!({"items": [summary], "next": null, "previous": null}))
        .with("/api/v1/verticals/v/entities/7", json!({"vertical": "v", "cd_idx": 7, "version": 3, "photos": photos}))
        .with("/api/v1/verticals/v/entities/7/history", list(json!(history)))
        .with("/api/v1/verticals/v/entities/7/quarantine", json!({"items": kept, "truncated": false}))
        .with("/api/v1/verticals/v/entities/8/history", list(json!([])))
        .with("/api/v1/activity", json!({"items": lines, "next": null}))
}

fn attention(fake: Fake) -> Fake {
    let item = |(at, kind): (usize, &str)| {
        json!({
            "kind": kind, "id": format!("i{at}"), "key": null, "file": format!("{at}_0.jpg"), "vertical": "v", "cd_idx": 8, "sequence": 0,
            "code": "list.missing", "owner": "person_in_charge", "meaning": texts("목록에 있으나 없습니다."), "action": texts("보내 주세요."),
            "found": texts("파일이 전달되지 않았습니다"), "detail": "the file was not handed over", "at": "2026-11-26T00:00:00Z", "actor": "kim",
            "delivery": "20261126-k3f9", "serves_older": true, "dismissable": true, "retryable": true, "queue": null, "letter": null,
            "webhook": "wh_a", "more": if at == 1 { 5 } else { 0 }
        })
    };
    let kinds = ["rejected", "delivery", "delivery", "webhook", "dead_letter", "misplaced"];
    let items: Vec<Value> = kinds.iter().copied().enumerate().map(item).collect();
    let group = json!({
        "owner": "person_in_charge", "owner_name": texts("담당자"), "code": "list.missing", "meaning": texts("뜻"), "action": texts("조치"), "items": 6
    });
    let work = json!({"groups": [group], "total": 6, "items": items, "next": null, "truncated": true, "unknown_deliveries": 3});
    fake.with("/api/v1/attention", work)
}

fn operations(fake: Fake) -> Fake {
    let trouble = json!({
        "webhook": "wh_a", "description": "사내 알림", "failing_since": "2026-11-26T00:00:00Z", "disabled_at": null,
        "last_error": "no answer within 20s"
    });
    let checks = [
        ("store", "put .probe: No space left on device (os error 28)"),
        ("catalog", "read the ledger: a cause that nobody has listed yet"),
        ("engine", "no answer within 5 s"),
    ];
    let checks = checks.map(|(what, error)| json!({"what": what, "ok": false, "error": error}));
    let health = json!({
        "at": "2026-11-26T00:00:00Z", "ok": false, "checks": checks, "queues": [], "oldest_seconds": 9, "oldest_key": "origin/v/1_0.jpg",
        "registered_5m": 0, "registers_at": null, "webhooks": [trouble], "disk": null, "memory": null, "workers": null, "last_backup": null,
        "certificate": {
            "names": ["a"], "begins": "2026-11-26T00:00:00Z", "ends": "2026-12-26T00:00:00Z", "is_warned_of": true,
            "fault": "read the file /etc/key.pem: Permission denied (os error 13)"
        },
        "started_at": null, "version": "1"
    });
    let webhook = json!({
        "id": "wh_a", "url": "https://receiver.example/", "description": "사내 알림", "events": null, "verticals": null,
        "created_at": "2026-11-26T00:00:00Z", "created_by": "kim", "disabled_at": null, "disabled_because": null,
        "failing_since": "2026-11-26T00:00:00Z", "last_success": null, "last_error": "the answer is 500 Internal Server Error",
        "pending": 1, "old_secret_until": null, "position": 7
    });
    let errors = [
        "the answer is 302 Found; redirects are not followed: give the URL that it leads to",
        "10.0.0.1 is a private address, which webhooks do not reach: let an engineer set webhooks.allow_networks",
        "client error (Connect): dns error: failed to lookup address information: Name or service not known",
        "something that nobody has listed yet",
    ];
    let attempt = |error: &str| {
        json!({
            "message": "msg_a", "type": "image.removed", "at": "2026-11-26T00:00:00Z", "duration_ms": 1, "ok": false, "status": 500,
            "error": error, "answer": null, "next": null
        })
    };
    fake.with("/api/v1/health", health)
        .with("/api/v1/webhooks", list(json!([webhook])))
        .with("/api/v1/webhooks/wh_a", webhook)
        .with("/api/v1/webhooks/wh_a/attempts", list(json!(errors.map(attempt))))
        .with("/api/v1/webhooks/wh_a/messages", list(json!([])))
        .with("/api/v1/tokens", list(json!([])))
        .with("/api/v1/accounts", list(json!([])))
        .with("/api/v1/accounts/acc1/sessions", list(json!([])))
        .with("/api/v1/search", json!({"items": [], "truncated": false}))
}

fn all() -> Fake {
    let delivered = json!({
        "delivery": "20261126-k3f9", "vertical": "v", "created": "2026-11-25T22:00:00Z", "by": "kim", "files": 3, "skipped": 0, "bytes": 3,
        "digest": "d"
    });
    let fake = Fake::new("admin")
        .with("/api/v1/overview", overview(10, 3, 2))
        .with("/api/v1/deliveries", list(json!([delivered])));
    operations(attention(entity(delivery(fake))))
}

fn assert_korean(page: &crate::fake::Page, what: &str) {
    let found = english(&text_of(page.main()));
    assert!(found.is_empty(), "{what}: {found:?}\n{}", page.main());
    assert!(page.main().chars().any(|c| ('가'..='힣').contains(&c)), "{what}: {}", page.main());
}

#[tokio::test]
async fn no_page_with_faults_has_an_english_sentence() {
    let fake = all();
    for path in [
        "/",
        "/attention",
        "/entities",
        "/verticals/v",
        "/verticals/v/7",
        "/verticals/v/8",
        "/deliveries/20261126-k3f9",
        "/lookup",
        "/upload",
        "/activity",
        "/health",
        "/reconcile",
        "/people",
        "/account",
        "/webhooks",
        "/webhooks/wh_a",
        "/search?q=x",
        "/nosuch",
    ] {
        assert_korean(&fake.get(path).await, path);
    }
    // Whoever is in a session is led away from these.
    for path in ["/login", "/welcome"] {
        assert_korean(&Fake::default().get(&format!("{path}?lang=ko")).await, path);
    }
}

/// Of each kind of refusal, as the API words it.
#[tokio::test]
async fn no_refusal_has_an_english_sentence() {
    for (status, code, detail) in [
        (403, "auth.role", "this needs the role admin, and the account kim has the role viewer"),
        (403, "auth.vertical", "a token that is limited to verticals makes only tokens that are limited to them too"),
        (403, "request.csrf", "the form is not one of this session's pages; load the page again"),
        (409, "conflict", "somebody else changed the account at the same time; try again"),
        (409, "account.last_admin", "this is the last administrator: make another one first"),
        (
            422,
            "request.invalid",
            "register.delete_unpublishes is off: what was made from an original stays when it goes",
        ),
        (422, "request.invalid", "note: say why, in at most 500 characters"),
        (422, "request.invalid", "entity: name its vertical, too"),
        (422, "request.invalid", "a sentence that nobody has listed yet"),
        (422, "webhook.invalid", "the URL has a user or a password in it: messages are signed, so none is needed"),
        (429, "auth.throttled", "too many attempts; wait a minute"),
        (500, "internal", "the ledger has a row that nobody can read"),
        (503, "unavailable", "failed to read the ledger: the catalog is away"),
        (503, "busy", "too many requests are being worked on; try again"),
        (503, "newer.code", "a sentence of a newer server"),
    ] {
        let refused = problem(status, code, detail);
        let fake = all()
            .raw("/api/v1/activity", status, &refused)
            .raw("/api/v1/originals/unpublish", status, &refused)
            .raw("/api/v1/originals/retry", status, &refused)
            .raw("POST /api/v1/accounts", status, &refused)
            .raw("POST /api/v1/tokens", status, &refused)
            .raw("POST /api/v1/webhooks", status, &refused)
            .raw("/api/v1/session/password", status, &refused)
            .raw("/api/v1/session/link", status, &refused);
        assert_korean(&fake.get("/activity").await, code);
        for (path, form) in [
            ("/verticals/v/7/unpublish", "note=n&sequence=0"),
            ("/attention/act", "act=retry&item=key:origin/v/1.jpg"),
            ("/people/accounts", "name=kim&role=viewer&verticals="),
            ("/people/accounts", "name=kim&role=viewer&verticals=a/b"),
            ("/people/tokens", "name=kim&role=viewer&verticals="),
            ("/webhooks", "url=https://h/&verticals=&description=&event=image.removed"),
            ("/webhooks", "url=https://h/&verticals=a/b&description=&event=image.removed"),
            ("/account/password", "current=a&password=bbbbbbbbbbbb&again=bbbbbbbbbbbb"),
            ("/welcome", "link=l&name=kim&password=bbbbbbbbbbbb&again=bbbbbbbbbbbb"),
        ] {
            assert_korean(&fake.post(path, form).await, &format!("{code} at {path}"));
        }
    }
    let viewer = all().with("/api/v1/session", session("viewer"));
    assert_korean(&viewer.get("/upload").await, "a viewer's upload page");
}

/// Scripts ask the API themselves: the page brings what its codes mean.
#[tokio::test]
async fn pages_whose_scripts_ask_the_api_bring_what_its_codes_mean() {
    for path in ["/upload", "/verticals/v/7"] {
        let page = all().get(path).await;
        assert!(
            page.text.contains("<meta name=\"refusals\" content=\"[[&#34;auth.required&#34;,"),
            "{path}: {}",
            page.text
        );
        let english = all().get(&format!("{path}?lang=en")).await;
        assert!(english.text.contains("<meta name=\"refusals\" content=\"[]\">"), "{path}");
    }
}
