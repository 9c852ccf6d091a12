//! What pages of the console ask for: the overview, the work list, the search, pasted lists, and the changes that people make there.

use cameo::{
    catalog::unused::UnusedCatalog,
    clock::Clock,
    private_file,
    serve::certificate::{Certificate, CertificateFiles},
};

use super::*;

fn rejected(key: &str, reason: ReasonCode) -> Outcome {
    Outcome {
        fate: Fate::Rejected { reason, detail: "found by the test".to_owned() },
        generation: Generation::from_counter(11),
        etag: "bad".to_owned(),
        ..rendered(key, 11, &[])
    }
}

async fn put(api: &Api, key: &str) {
    let body = Bytes::from_static(b"x");
    api.site.flow.store.put("uploads", key, body, &Attributes::default(), Condition::Always).await.unwrap();
}

/// Some of everything that waits for somebody: a misnamed file, one outside of `origin/`, a bad replacement, and a dead letter.
async fn with_faults() -> Api {
    let api = Api::new().await;
    let outcomes = [
        rejected("origin/eye/1_1.jpg", ReasonCode::RenderTimeout),
        rejected("origin/eye/7.jpg", ReasonCode::NameUnparseable),
        rejected("origin/nose/1_0.jpg", ReasonCode::FileTruncated),
    ];
    api.site.flow.catalog.register(&outcomes).await.unwrap();
    for key in ["origin/eye/1_1.jpg", "origin/eye/7.jpg", "eye/9_0.jpg"] {
        put(&api, key).await;
    }
    api.site.events.send(&[r#"{"key":"origin/eye/3_0.jpg"}"#.to_owned()]).await.unwrap();
    let message =
        api.site.events.receive(1, std::time::Duration::from_secs(9), std::time::Duration::ZERO).await.unwrap();
    api.site.events.dead_letter(&message[0].receipt, "the disk is full").await.unwrap();
    api
}

async fn read(api: &Api, path: &str) -> Value {
    let answer = get(path).over_socket().of(api).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    answer.json()
}

fn strings(items: &Value, field: &str) -> Vec<String> {
    let text = |item: &Value| item[field].as_str().map_or_else(|| item[field].to_string(), str::to_owned);
    items.as_array().unwrap().iter().map(text).collect()
}

#[tokio::test]
async fn the_overview_says_how_much_is_where_and_who_must_act() {
    let api = with_faults().await;
    api.site.registrations.send(&[r#"{"key":"origin/nose/2_0.jpg"}"#.to_owned()]).await.unwrap();
    let overview = read(&api, "/api/v1/overview").await;
    assert_eq!(strings(&overview["verticals"], "name"), ["eye", "nose"]);
    let eye = &overview["verticals"][0];
    assert_eq!(eye["reasons"], json!({"file.truncated": 1, "name.unparseable": 1, "render.timeout": 1}));
    let counts =
        json!({"live": 3, "serving": 2, "rejected": 3, "serving_older": 1, "ignored": 0, "removed": 0, "pending": 0});
    assert_eq!(eye["counts"], counts);
    assert_eq!(overview["total"]["live"], 4);
    assert_eq!(overview["total"]["pending"], 1);
    let owners = json!({"person_in_charge": 4, "operator": 0, "engineer": 2, "nobody": 0});
    assert_eq!(overview["attention"], json!({"total": 6, "owners": owners, "unknown_deliveries": 0}));
    assert_eq!((&overview["queues"][0]["dead"], &overview["queues"][1]["waiting"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn who_is_limited_to_a_vertical_sees_nothing_of_others() {
    let api = with_faults().await;
    let (_, secret) = api.token("of-nose", Role::Operator, &["nose"]).await;
    let seen = async |path: &str| get(path).with(&secret).of(&api).await;
    let overview = seen("/api/v1/overview").await.json();
    assert_eq!(strings(&overview["verticals"], "name"), ["nose"]);
    assert_eq!(overview["attention"]["total"], 1, "{overview}");
    let attention = seen("/api/v1/attention").await;
    assert_eq!(strings(&attention.json()["items"], "key"), ["origin/nose/1_0.jpg"]);
    assert_eq!(attention.json()["total"], 1);
    for path in ["/api/v1/attention.csv", "/api/v1/search?q=1", "/api/v1/search?q=ey", "/api/v1/activity"] {
        let answer = seen(path).await;
        assert!(answer.status.is_success() && !answer.text.contains("origin/eye"), "{path}: {}", answer.text);
        assert!(!answer.text.contains("\"eye\""), "{path}: {}", answer.text);
    }
    let looked_up = post("/api/v1/lookup", &json!({"text": "1 2 3"})).with(&secret).of(&api).await.json();
    assert_eq!(strings(&looked_up["items"], "vertical"), ["nose", "null", "null"]);
    for path in [
        "/api/v1/attention?vertical=eye",
        "/api/v1/search?q=1&vertical=eye",
        "/api/v1/entities?vertical=eye&state=rejected",
        "/api/v1/verticals/eye/entities/1/quarantine",
        "/api/v1/activity?vertical=eye",
    ] {
        assert_eq!(seen(path).await.problem(), (404, "not_found".to_owned()), "{path}");
    }
    let of_others = [
        ("originals/retry", json!({"keys": ["origin/eye/1_1.jpg"]}), 403),
        ("originals/dismiss", json!({"keys": ["origin/eye/7.jpg"], "note": "x"}), 403),
        ("originals/undo", json!({"keys": ["origin/eye/7.jpg"], "since": "2001-01-01T00:00:00Z"}), 403),
        ("originals/restore", json!({"ids": ["1700000000000-1-deleted/origin/eye/1_0.jpg"]}), 403),
        ("originals/unpublish", json!({"vertical": "eye", "cd_idx": 1, "note": "x"}), 404),
        ("dead-letters/retry", json!({"queue": "events", "letters": ["1"]}), 403),
        ("lookup", json!({"text": "1", "vertical": "eye"}), 404),
    ];
    for (path, body, status) in of_others {
        let answer = post(&format!("/api/v1/{path}"), &body).with(&secret).of(&api).await;
        assert_eq!(answer.problem().0, status, "{path}: {}", answer.text);
    }
    assert!(api.site.flow.store.head("uploads", "origin/eye/7.jpg").await.unwrap().is_some());
}

#[tokio::test]
async fn the_work_list_is_in_the_order_of_who_must_act_and_comes_in_parts() {
    let api = with_faults().await;
    let all = read(&api, "/api/v1/attention").await;
    let expected = ["file.truncated", "name.unparseable", "render.timeout", "system.dead_letter"];
    assert_eq!(strings(&all["groups"], "code"), expected);
    assert_eq!((strings(&all["groups"], "items").join(" "), &all["total"]), ("2 2 1 1".to_owned(), &json!(6)));
    let keys = [
        "origin/eye/2_0.jpg",
        "origin/nose/1_0.jpg",
        "origin/eye/7.jpg",
        "eye/9_0.jpg",
        "origin/eye/1_1.jpg",
        "origin/eye/3_0.jpg",
    ];
    assert_eq!(strings(&all["items"], "key"), keys);
    assert_eq!((&all["next"], &all["truncated"]), (&Value::Null, &json!(false)));
    for limit in 1..=4 {
        let (mut seen, mut after) = (Vec::new(), String::new());
        loop {
            let part = read(&api, &format!("/api/v1/attention?limit={limit}&after={after}")).await;
            seen.extend(strings(&part["items"], "key"));
            let Some(next) = part["next"].as_str() else { break };
            next.clone_into(&mut after);
        }
        assert_eq!(seen, keys, "in parts of {limit}");
    }
    let [misnamed, outside, replaced, letter] = [2, 3, 4, 5].map(|at| &all["items"][at]);
    assert_eq!(
        (&misnamed["cd_idx"], &misnamed["sequence"], &misnamed["dismissable"]),
        (&json!(7), &Value::Null, &json!(true))
    );
    assert_eq!((&outside["kind"], &outside["retryable"]), (&json!("misplaced"), &json!(false)));
    assert_eq!((&replaced["serves_older"], &replaced["dismissable"]), (&json!(true), &json!(false)));
    assert_eq!((&letter["kind"], &letter["detail"]), (&json!("dead_letter"), &json!("the disk is full")));
    assert_eq!(all["items"][1]["actor"], "tester");
    for (query, expected) in [
        ("owner=engineer", &keys[4..]),
        ("reason=file.truncated", &keys[..2]),
        ("vertical=nose", &keys[1..2]),
        ("q=9_0", &keys[3..4]),
        ("q=NOSE", &keys[1..2]),
        ("q=none", &[]),
    ] {
        let found = read(&api, &format!("/api/v1/attention?{query}")).await;
        assert_eq!(strings(&found["items"], "key"), expected, "{query}");
    }
    for query in ["owner=me", "reason=file.nonsense", "after=x", "limit=0"] {
        let answer = get(&format!("/api/v1/attention?{query}")).over_socket().of(&api).await;
        assert_eq!(answer.problem().0, 422, "{query}");
    }
}

/// Whoever goes on in the list while others work on it misses nothing that stays.
#[tokio::test]
async fn a_part_goes_on_where_the_last_one_ended_although_its_end_was_settled() {
    let api = with_faults().await;
    let first = read(&api, "/api/v1/attention?limit=2").await;
    let next = first["next"].as_str().unwrap();
    // The last one of the first part, and with it its reason, is settled.
    let good = ["origin/eye/2_0.jpg", "origin/nose/1_0.jpg"].map(|key| rendered(key, 20, &["sq"]));
    api.site.flow.catalog.register(&good).await.unwrap();
    let second = read(&api, &format!("/api/v1/attention?after={next}")).await;
    let keys = ["origin/eye/7.jpg", "eye/9_0.jpg", "origin/eye/1_1.jpg", "origin/eye/3_0.jpg"];
    assert_eq!(strings(&second["items"], "key"), keys);
}

#[tokio::test]
async fn the_work_list_is_a_table_that_runs_nothing() {
    let api = with_faults().await;
    let formula = rejected("origin/eye/=cmd.jpg", ReasonCode::NameUnparseable);
    api.site.flow.catalog.register(&[formula]).await.unwrap();
    let table = get("/api/v1/attention.csv?lang=ko").over_socket().of(&api).await;
    assert_eq!(table.headers[header::CONTENT_TYPE], "text/csv; charset=utf-8");
    assert!(table.text.starts_with("\u{feff}버티컬,cd_idx,순번,"), "{}", table.text);
    assert_eq!(table.text.lines().count(), 1 + 7);
    assert!(table.text.contains(",사진을 전달한 담당자,"), "{}", table.text);
}

#[tokio::test]
async fn one_box_finds_whatever_somebody_has_at_hand() {
    let api = with_faults().await;
    let found = async |q: &str| read(&api, &format!("/api/v1/search?q={q}")).await;
    let one = found("1").await;
    assert_eq!(strings(&one["items"], "kind")[..2], ["entity", "entity"]);
    assert_eq!(one["truncated"], false);
    for (q, kind, title) in [
        ("origin/eye/2_0.jpg", "photo", "origin/eye/2_0.jpg"),
        ("https://image.example/eye/sq/3_sq_0.jpg?v=1", "entity", "3"),
        ("eye/sq/3_sq_0.jpg", "entity", "3"),
        ("7.j", "file", "origin/eye/7.jpg"),
        ("%EF%BC%92_0", "entity", "2"),
        ("nos", "vertical", "nose"),
    ] {
        let items = found(q).await["items"].clone();
        let hit = items.as_array().unwrap().iter().find(|hit| hit["kind"] == kind && hit["title"] == title);
        assert!(hit.is_some(), "{q}: {items}");
    }
    assert_eq!(found("nothing").await["items"], json!([]));
    let cut = read(&api, "/api/v1/search?q=1&limit=1").await;
    assert_eq!((cut["items"].as_array().unwrap().len(), &cut["truncated"]), (1, &json!(true)));
    assert_eq!(get("/api/v1/search?q=1&limit=0").over_socket().of(&api).await.problem().0, 422);
}

#[tokio::test]
async fn a_pasted_list_is_looked_up_id_by_id() {
    let api = with_faults().await;
    let whole = rendered("origin/eye/4_0.jpg", 9, &["sq", "ve", "ho", "or"]);
    api.site.flow.catalog.register(&[whole]).await.unwrap();
    api.site.events.send(&[r#"{"key":"origin/eye/5_0.jpg"}"#.to_owned()]).await.unwrap();
    let asked = json!({"text": "cd_idx\n1, 4\n５ x9\n7 2_0.jpg 4 99", "vertical": "eye"});
    let answer = post("/api/v1/lookup", &asked).over_socket().of(&api).await.json();
    let states: Vec<_> =
        strings(&answer["items"], "cd_idx").into_iter().zip(strings(&answer["items"], "state")).collect();
    let expected = [
        ("1", "incomplete"),
        ("2", "incomplete"),
        ("4", "complete"),
        ("5", "pending"),
        ("7", "incomplete"),
        ("99", "unknown"),
    ]
    .map(|(id, state)| (id.to_owned(), state.to_owned()));
    assert_eq!(states, expected);
    let summary = json!({"ids": 6, "complete": 1, "incomplete": 3, "pending": 1, "unknown": 1, "unreadable": 1});
    assert_eq!(answer["summary"], summary);
    assert_eq!(answer["unreadable"], json!([{"line": 3, "column": 3, "text": "x9"}]));
    let problems = &answer["items"][0]["problems"];
    assert_eq!(strings(problems, "code")[..2], ["cell.missing", "cell.missing"]);
    assert!(strings(problems, "code").contains(&"render.timeout".to_owned()), "{problems}");
    assert_eq!(strings(&answer["items"][4]["problems"], "code"), ["name.unparseable"]);
    let table = post("/api/v1/lookup.csv?lang=en", &asked).over_socket().of(&api).await.text;
    assert!(table.starts_with("\u{feff}cd_idx,vertical,state,"), "{table}");
    assert!(table.contains("\r\n4,eye,complete,,,,,,\r\n") && table.contains("\r\nx9,,unreadable,"), "{table}");
    for text in ["", "a IN (1) or b IN (2)"] {
        let refused = post("/api/v1/lookup", &json!({"text": text})).over_socket().of(&api).await;
        assert_eq!(refused.problem(), (422, "request.invalid".to_owned()), "{text:?}");
    }
}

#[tokio::test]
async fn entities_are_filtered_and_paged_in_both_directions() {
    let api = with_faults().await;
    let more: Vec<_> = (10..40).map(|id| rendered(&format!("origin/eye/{id}_0.jpg"), 9, &["sq"])).collect();
    api.site.flow.catalog.register(&more).await.unwrap();
    let ids = async |query: &str| {
        let page = read(&api, &format!("/api/v1/entities?vertical=eye&{query}")).await;
        (strings(&page["items"], "cd_idx"), page["next"].clone(), page["previous"].clone())
    };
    let (all, next, previous) = ids("limit=1000").await;
    assert_eq!((all.len(), next, previous), (33, Value::Null, Value::Null));
    let (mut forward, mut after, mut last) = (Vec::new(), String::new(), Value::Null);
    loop {
        let (some, next, previous) = ids(&format!("limit=7&after={after}")).await;
        assert_eq!(previous.is_null(), after.is_empty());
        forward.extend(some);
        last = if previous.is_null() { last } else { previous };
        let Some(next) = next.as_str() else { break };
        next.replace('`', "%60").clone_into(&mut after);
    }
    assert_eq!(forward, all);
    let mut backward = Vec::new();
    let mut before = last.as_str().map(str::to_owned);
    while let Some(at) = before {
        let (some, next, previous) = ids(&format!("limit=7&before={at}")).await;
        assert!(!next.is_null());
        drop(backward.splice(..0, some));
        before = previous.as_str().map(str::to_owned);
    }
    assert_eq!(backward, all[..28], "all but the last part");
    assert_eq!(ids("from=38&limit=2").await.0, ["38", "39"]);
    for (query, expected) in [
        ("state=rejected", &["1", "2"][..]),
        ("reason=render.timeout", &["1"]),
        ("reason=file.truncated", &["2"]),
        ("state=dark", &["2"]),
        ("state=serving&limit=1&from=3", &["3"]),
        ("missing=ve&state=serving&limit=1", &["10"]),
        ("missing=sq", &[]),
        ("stale=true", &[]),
        ("until=2001-01-01T00:00:00Z", &[]),
    ] {
        assert_eq!(ids(query).await.0, expected, "{query}");
    }
    for query in ["after=a&before=b", "from=1&after=a", "state=lost", "reason=nonsense", "delivery=20261126-abcd"] {
        let refused = get(&format!("/api/v1/entities?vertical=eye&{query}")).over_socket().of(&api).await;
        assert!(refused.problem().0 >= 400, "{query}");
    }
}

#[tokio::test]
async fn an_entity_shows_what_is_missing_and_what_the_bucket_has() {
    let api = with_faults().await;
    let entity = read(&api, "/api/v1/verticals/eye/entities/1").await;
    let [whole, replaced] = [0, 1].map(|at| &entity["photos"][at]);
    assert_eq!(whole["missing"], json!(["ho", "or"]));
    assert_eq!((&replaced["serves_older"], &replaced["state"]), (&json!(true), &json!("rejected")));
    assert_eq!(whole["original"]["bytes"], 1);
    assert_eq!(whole["stale"], false);
}

#[tokio::test]
async fn what_people_take_away_comes_back() {
    let api = with_faults().await;
    let act = async |path: &str, body: Value| post(&format!("/api/v1/{path}"), &body).over_socket().of(&api).await;
    let is_there = async |key: &str| api.site.flow.store.head("uploads", key).await.unwrap().is_some();
    let keys = json!(["origin/eye/7.jpg", "origin/eye/1_1.jpg", "eye/9_0.jpg", "origin/eye/none.jpg"]);
    let dismissed = act("originals/dismiss", json!({"keys": keys, "note": " agreed "})).await.json();
    assert_eq!(dismissed["moved"], json!(["origin/eye/7.jpg", "eye/9_0.jpg"]));
    assert_eq!(dismissed["left"], json!(["origin/eye/1_1.jpg", "origin/eye/none.jpg"]));
    assert!(!is_there("eye/9_0.jpg").await && is_there("origin/eye/1_1.jpg").await);
    let kept = read(&api, "/api/v1/verticals/eye/entities/7/quarantine").await;
    assert_eq!((&kept["items"][0]["why"], &kept["items"][0]["note"]), (&json!("dismissed"), &json!("agreed")));
    assert_eq!(kept["items"][0]["verdict"], "restore");
    let undone = act("originals/undo", dismissed["undo"].clone()).await.json();
    assert_eq!(undone["restored"].as_array().unwrap().len(), 2, "{undone}");
    assert!(is_there("eye/9_0.jpg").await && is_there("origin/eye/7.jpg").await);

    let taken = json!({"vertical": "eye", "cd_idx": 1, "note": "the celebrity asked"});
    let taken = act("originals/unpublish", taken).await.json();
    assert_eq!(taken["moved"], json!(["origin/eye/1_0.jpg", "origin/eye/1_1.jpg"]));
    assert!(!is_there("origin/eye/1_0.jpg").await);
    let kept = read(&api, "/api/v1/verticals/eye/entities/1/quarantine").await;
    assert_eq!(strings(&kept["items"], "why"), ["unpublished", "unpublished"]);
    let ids = json!([kept["items"][0]["id"]]);
    put(&api, kept["items"][0]["key"].as_str().unwrap()).await;
    assert_eq!(act("originals/restore", json!({"ids": ids})).await.json()["left"], ids, "its key has an object");
    assert_eq!(act("originals/restore", json!({"ids": ids, "over": true})).await.json()["restored"], ids);
    let again = act("originals/restore", json!({"ids": ids, "over": true})).await.json();
    assert_eq!(again["left"], ids, "what came back is kept no more");
    let line = || -> Value { serde_json::from_str(&api.audit.next().unwrap().text).unwrap() };
    let is_taken = |line: &Value| line["operation"] == "/api/v1/originals/unpublish";
    let noted = std::iter::repeat_with(line).find(is_taken).unwrap();
    assert_eq!((&noted["note"], &noted["key"]), (&json!("the celebrity asked"), &json!("origin/eye/1_0.jpg")));
}

#[tokio::test]
async fn changes_that_cannot_be_are_refused() {
    let api = with_faults().await;
    let refused = async |path: &str, body: Value| {
        let answer = post(&format!("/api/v1/{path}"), &body).over_socket().of(&api).await;
        answer.problem().0
    };
    let many: Vec<String> = (0..1001).map(|n| format!("origin/eye/{n}_0.jpg")).collect();
    assert_eq!(refused("originals/retry", json!({"keys": many})).await, 422);
    assert_eq!(refused("originals/dismiss", json!({"keys": [], "note": "x".repeat(501)})).await, 422);
    assert_eq!(refused("originals/unpublish", json!({"vertical": "eye", "cd_idx": 1, "note": "  "})).await, 422);
    assert_eq!(refused("originals/unpublish", json!({"vertical": "eye", "cd_idx": 99, "note": "x"})).await, 404);
    assert_eq!(refused("originals/restore", json!({"ids": ["no id"]})).await, 422);
    assert_eq!(refused("dead-letters/retry", json!({"queue": "none", "letters": []})).await, 404);
    let stays = Host { delete_unpublishes: false, ..Host::default() };
    let api = Api { site: Site { host: stays, ..api.site.clone() }, ..api };
    let body = json!({"vertical": "eye", "cd_idx": 1, "note": "x"});
    assert_eq!(post("/api/v1/originals/unpublish", &body).over_socket().of(&api).await.problem().0, 422);
    assert!(api.site.flow.store.head("uploads", "origin/eye/1_0.jpg").await.unwrap().is_some());
}

#[tokio::test]
async fn originals_and_dead_letters_are_tried_again() {
    let api = with_faults().await;
    let keys = json!({"keys": ["origin/eye/1_1.jpg", "origin/eye/none.jpg"]});
    let retried = post("/api/v1/originals/retry", &keys).over_socket().of(&api).await.json();
    assert_eq!(retried, json!({"retried": 1, "gone": ["origin/eye/none.jpg"]}));
    assert_eq!(api.site.events.depth().await.unwrap().visible, 1);
    let attention = read(&api, "/api/v1/attention?reason=system.dead_letter").await;
    let letter = &attention["items"][0];
    let body = json!({"queue": letter["queue"], "letters": [letter["letter"]]});
    assert_eq!(post("/api/v1/dead-letters/retry", &body).over_socket().of(&api).await.json(), json!({"retried": 1}));
    assert_eq!(read(&api, "/api/v1/attention?reason=system.dead_letter").await["total"], 0);
}

#[tokio::test]
async fn activity_is_newest_first_and_by_person_and_entity() {
    let api = with_faults().await;
    let all = read(&api, "/api/v1/activity").await;
    assert_eq!(strings(&all["items"], "what")[..3], ["rejected", "rejected", "rejected"]);
    assert_eq!(all["items"][0]["key"], "origin/nose/1_0.jpg");
    let (mut seen, mut after) = (0, String::new());
    loop {
        let part = read(&api, &format!("/api/v1/activity?limit=3&after={after}")).await;
        seen += part["items"].as_array().unwrap().len();
        let Some(next) = part["next"].as_str() else { break };
        next.clone_into(&mut after);
    }
    assert_eq!(seen, all["items"].as_array().unwrap().len());
    let of_entity = read(&api, "/api/v1/activity?vertical=eye&entity=1").await;
    assert_eq!(strings(&of_entity["items"], "what"), ["rejected", "registered", "registered"]);
    assert_eq!(read(&api, "/api/v1/activity?actor=nobody").await["items"], json!([]));
    assert_eq!(read(&api, "/api/v1/activity?source=audit").await["items"], json!([]), "there is no trail here");
    assert_eq!(get("/api/v1/activity?entity=1").over_socket().of(&api).await.problem().0, 422);
}

#[tokio::test]
async fn health_says_how_long_things_wait() {
    let api = with_faults().await;
    api.site.events.send(&[r#"{"key":"origin/eye/5_0.jpg"}"#.to_owned()]).await.unwrap();
    api.clock.advance(std::time::Duration::from_secs(90));
    let health = read(&api, "/api/v1/health").await;
    assert_eq!((&health["oldest_seconds"], &health["oldest_key"]), (&json!(90), &json!("origin/eye/5_0.jpg")));
    assert_eq!((&health["ok"], &health["registered_5m"]), (&json!(true), &json!(8)));
    assert_eq!(health["disk"], Value::Null);
    let folder = Host { data_folder: Some(std::env::temp_dir()), ..Host::default() };
    let api = Api { site: Site { host: folder, ..api.site.clone() }, ..api };
    assert!(read(&api, "/api/v1/health").await["disk"]["total_bytes"].as_u64().unwrap() > 0);
}

/// A certificate that is about to end, or that a broken one was to replace, is told; only one that has ended is a fault.
#[tokio::test]
async fn health_says_how_the_certificate_stands() {
    let api = Api::new().await;
    assert_eq!(read(&api, "/api/v1/health").await["certificate"], Value::Null);
    let folder = tempfile::tempdir().unwrap();
    let files = CertificateFiles { chain: folder.path().join("chain.pem"), key: folder.path().join("key.pem") };
    // The clock of the API begins on 2023-11-14.
    let mut params = rcgen::CertificateParams::new(vec!["cameo.test".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (rcgen::date_time_ymd(2020, 1, 1), rcgen::date_time_ymd(2023, 12, 1));
    let key = rcgen::KeyPair::generate().unwrap();
    private_file::replace(&files.chain, params.self_signed(&key).unwrap().pem().as_bytes()).unwrap();
    private_file::replace(&files.key, key.serialize_pem().as_bytes()).unwrap();
    let certificate = Arc::new(Certificate::open(files.clone()).unwrap());
    let host = Host { certificate: Some(certificate.clone()), ..Host::default() };
    let api = Api { site: Site { host, ..api.site.clone() }, ..api };
    let health = read(&api, "/api/v1/health").await;
    assert_eq!((&health["ok"], &health["certificate"]["names"]), (&json!(true), &json!(["cameo.test"])));
    assert_eq!(
        (&health["certificate"]["is_warned_of"], &health["certificate"]["fault"]),
        (&json!(false), &Value::Null)
    );
    let probe = async |api: &Api| get("/api/health").over_socket().of(api).await;
    assert_eq!(probe(&api).await.json()["warnings"], json!([]));
    std::fs::write(&files.key, "no key").unwrap();
    certificate.reload(api.clock.now());
    api.clock.advance(std::time::Duration::from_hours(5 * 24));
    let health = read(&api, "/api/v1/health").await;
    assert_eq!((&health["ok"], &health["certificate"]["is_warned_of"]), (&json!(true), &json!(true)));
    assert!(health["certificate"]["fault"].as_str().unwrap().contains("server.tls.key"), "{health}");
    let warnings = probe(&api).await.json()["warnings"][0].as_str().unwrap().to_owned();
    assert!(warnings.contains("kept") && warnings.contains("expires in"), "{warnings}");
    api.clock.advance(std::time::Duration::from_hours(14 * 24));
    let ended = probe(&api).await;
    assert_eq!(ended.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(ended.json()["error"].as_str().unwrap().contains("expired"), "{}", ended.text);
    assert_eq!(read(&api, "/api/v1/health").await["ok"], false);
}

#[tokio::test]
async fn a_stream_of_events_begins_and_ends_with_its_listener() {
    let api = Api::new().await;
    // The listener has ended already, so the stream does, too.
    let stream = get("/api/v1/events").over_socket().of(&api).await;
    assert_eq!(stream.headers[header::CONTENT_TYPE], "text/event-stream");
    assert_eq!(stream.text, "retry: 2000\nevent: hello\ndata: {}\n\n");
}

#[tokio::test(start_paused = true)]
async fn an_event_says_that_something_was_registered() {
    let mut api = Api::new().await;
    let ending = CancellationToken::new();
    api.site.ending = ending.clone();
    let registering = async {
        // By the clock of the test: the first look is taken when the stream begins.
        tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
        api.site.flow.catalog.register(&[rendered("origin/eye/8_0.jpg", 9, &["sq"])]).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        ending.cancel();
    };
    let (stream, ()) = tokio::join!(get("/api/v1/events").over_socket().of(&api), registering);
    assert_eq!(stream.text.matches("event: changed").count(), 1, "{}", stream.text);
    assert!(stream.text.contains("\"overview\":true,\"attention\":false,\"deliveries\":true"), "{}", stream.text);
}

#[tokio::test]
async fn while_the_catalog_is_away_every_page_is_told_so() {
    let api = Api::new().await;
    let mut site = api.site.clone();
    site.flow.catalog = Arc::new(UnusedCatalog);
    let api = Api { site, ..api };
    for path in [
        "overview",
        "attention",
        "attention.csv",
        "search?q=1",
        "entities?vertical=eye",
        "entities?vertical=eye&state=rejected",
        "entities?vertical=eye&before=x",
        "activity",
        "events",
    ] {
        let answer = get(&format!("/api/v1/{path}")).over_socket().of(&api).await;
        assert_eq!(answer.problem(), (503, "unavailable".to_owned()), "{path}");
    }
    let answer = post("/api/v1/lookup", &json!({"text": "1"})).over_socket().of(&api).await;
    assert_eq!(answer.problem(), (503, "unavailable".to_owned()));
}

/// Not how many there are of others, nor when something of theirs changes.
#[tokio::test(start_paused = true)]
async fn who_is_limited_to_a_vertical_hears_nothing_of_others() {
    let mut api = with_faults().await;
    api.site.events.send(&[r#"{"key":"origin/eye/4_0.jpg"}"#.to_owned()]).await.unwrap();
    api.site.registrations.send(&[r#"{"key":"origin/nose/2_0.jpg"}"#.to_owned()]).await.unwrap();
    let (_, nose) = api.token("of-nose", Role::Viewer, &["nose"]).await;
    let (_, all) = api.token("of-all", Role::Viewer, &[]).await;
    for path in ["/api/v1/overview", "/api/v1/health"] {
        let of = async |secret: &TokenSecret| get(path).with(secret).of(&api).await.json();
        let (own, whole) = (of(&nose).await, of(&all).await);
        let queues = |view: &Value, field: &str| strings(&view["queues"], field);
        assert_eq!(
            (queues(&own, "waiting"), queues(&own, "dead")),
            (vec!["0".into(), "1".into()], vec!["0".into(); 2])
        );
        assert_eq!(queues(&whole, "waiting"), ["1", "1"]);
        assert_eq!(
            (queues(&own, "oldest"), queues(&whole, "dead")),
            (vec!["null".into(); 2], vec!["1".into(), "0".into()])
        );
    }
    let health = get("/api/v1/health").with(&nose).of(&api).await.json();
    assert_eq!((&health["oldest_seconds"], &health["oldest_key"]), (&Value::Null, &json!("origin/nose/2_0.jpg")));
    for (key, hears) in [("origin/eye/8_0.jpg", false), ("origin/nose/8_0.jpg", true)] {
        let ending = CancellationToken::new();
        api.site.ending = ending.clone();
        let doing = async {
            tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
            api.site.events.send(&[format!(r#"{{"key":"{key}"}}"#)]).await.unwrap();
            tokio::time::sleep(std::time::Duration::from_secs(2)).await;
            api.site.flow.catalog.register(&[rendered(key, 9, &["sq"])]).await.unwrap();
            tokio::time::sleep(std::time::Duration::from_secs(2)).await;
            ending.cancel();
        };
        let (stream, ()) = tokio::join!(get("/api/v1/events").with(&nose).of(&api), doing);
        assert_eq!(stream.text.matches("event: changed").count(), if hears { 2 } else { 0 }, "{key}: {}", stream.text);
    }
}

#[tokio::test]
async fn only_originals_of_the_entity_that_is_named_come_back() {
    let api = with_faults().await;
    let act = async |path: &str, body: Value| post(&format!("/api/v1/{path}"), &body).over_socket().of(&api).await;
    act("originals/unpublish", json!({"vertical": "eye", "cd_idx": 1, "note": "x"})).await;
    let kept = read(&api, "/api/v1/verticals/eye/entities/1/quarantine").await;
    let ids = json!([kept["items"][0]["id"]]);
    let of = |vertical: &str, cd_idx: u64| json!({"ids": ids, "vertical": vertical, "cd_idx": cd_idx});
    for (vertical, cd_idx) in [("eye", 2), ("eye", 10), ("nose", 1)] {
        let refused = act("originals/restore", of(vertical, cd_idx)).await;
        assert_eq!(refused.problem(), (404, "not_found".to_owned()), "{vertical} {cd_idx}");
    }
    for half in [json!({"ids": ids, "vertical": "eye"}), json!({"ids": ids, "cd_idx": 1})] {
        assert_eq!(act("originals/restore", half).await.problem().0, 422);
    }
    assert_eq!(read(&api, "/api/v1/verticals/eye/entities/1/quarantine").await, kept);
    assert_eq!(act("originals/restore", of("eye", 1)).await.json()["restored"], ids);
}

#[tokio::test]
async fn what_is_empty_names_nothing() {
    let api = with_faults().await;
    for (path, body) in [
        ("originals/retry", json!({"keys": [""]})),
        ("originals/dismiss", json!({"keys": ["origin/eye/7.jpg", ""], "note": "x"})),
        ("originals/undo", json!({"keys": [""], "since": "2001-01-01T00:00:00Z"})),
        ("originals/restore", json!({"ids": [""]})),
        ("dead-letters/retry", json!({"queue": "events", "letters": [""]})),
    ] {
        let refused = post(&format!("/api/v1/{path}"), &body).over_socket().of(&api).await;
        assert_eq!(refused.problem(), (422, "request.invalid".to_owned()), "{path}");
    }
    assert!(api.site.flow.store.head("uploads", "origin/eye/7.jpg").await.unwrap().is_some());
}

/// For programs a key is what it is; what is written for people shows it as that.
#[tokio::test]
async fn a_key_stays_exact_and_texts_for_people_show_what_it_is() {
    let api = Api::new().await;
    let key = "origin/eye/\u{202e}gpj.0_1.JPG";
    let named = Outcome {
        fate: Fate::Rejected {
            reason: ReasonCode::NameUnparseable,
            detail: "rename it \u{202e}gpj.0_1.jpg".to_owned(),
        },
        ..rejected(key, ReasonCode::NameUnparseable)
    };
    api.site.flow.catalog.register(&[named]).await.unwrap();
    let items = read(&api, "/api/v1/attention").await["items"].clone();
    let item = items.as_array().unwrap().iter().find(|item| item["key"] == key).expect("its key is exact");
    assert_eq!(item["found"]["en"], "rename it \\u{202e}gpj.0_1.jpg");
    assert!(!item["found"]["ko"].as_str().unwrap().contains('\u{202e}'));
    let table = get("/api/v1/attention.csv").over_socket().of(&api).await.text;
    assert!(table.contains("\\u{202e}gpj.0_1.JPG") && !table.contains('\u{202e}'), "{table}");
}

#[tokio::test]
async fn health_says_what_is_known_of_the_disk_and_of_backups() {
    let api = Api::new().await;
    let folder = tempfile::tempdir().unwrap();
    let host = Host { data_folder: Some(folder.path().to_owned()), ..Host::default() };
    let api = Api { site: Site { host, ..api.site.clone() }, ..api };
    let health = read(&api, "/api/v1/health").await;
    assert_eq!((&health["disk"]["bytes_per_day"], &health["disk"]["days_until_full"]), (&Value::Null, &Value::Null));
    assert_eq!(health["last_backup"], Value::Null);
    let day_ago = api.site.clock.now() - std::time::Duration::from_hours(24);
    std::fs::write(folder.path().join("disk.json"), json!([{"at": day_ago, "used_bytes": 0}]).to_string()).unwrap();
    let disk = read(&api, "/api/v1/health").await["disk"].clone();
    assert!(disk["bytes_per_day"].as_u64().unwrap() > 0 && disk["days_until_full"].is_u64(), "{disk}");
}
