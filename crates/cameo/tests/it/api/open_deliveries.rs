//! What deliveries lack is in the work list, and in its counts: a delivery that somebody must act on never looks as if nothing were to be done.

use cameo::{
    clock::SystemClock,
    model::webhook::{Because, Webhook, WebhookHealth},
    proof::unpublish::unpublish_one,
};

use super::{
    delivery_states::{ended_cases, lines_of, put_as},
    operations::{file as delivered, over},
    *,
};
use crate::whole_system::{System, UPLOADS};

async fn read(api: &Api, path: &str) -> Value {
    let answer = get(path).over_socket().of(api).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
    answer.json()
}

/// The whole work list, a part at a time.
async fn items(api: &Api, query: &str, limit: usize) -> Vec<Value> {
    let (mut items, mut after) = (Vec::new(), String::new());
    loop {
        let part = read(api, &format!("/api/v1/attention?limit={limit}&after={after}{query}")).await;
        items.extend(part["items"].as_array().unwrap().iter().cloned());
        let Some(next) = part["next"].as_str() else { return items };
        next.clone_into(&mut after);
    }
}

/// The same server, which remembers nothing of deliveries.
fn anew(api: &Api) -> Api {
    let site = Site { open: OpenDeliveries::default(), outside: Outside::default(), ..api.site.clone() };
    Api { site, clock: api.clock.clone(), audit: AuditTrail::new().1 }
}

fn file(name: &str) -> Value {
    json!({"name": name, "size": 1, "md5": "0".repeat(32), "sha256": "0".repeat(64)})
}

fn skipped(file: &str, code: &str, cd_idx: Option<u64>, sequence: Option<u16>) -> Value {
    json!({"file": file, "code": code, "cd_idx": cd_idx, "sequence": sequence, "detail": "found", "detail_korean": "확인됨"})
}

async fn record(api: &Api, body: Value) -> String {
    let answer = post("/api/v1/deliveries", &body).over_socket().of(api).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    answer.json()["delivery"].as_str().unwrap().to_owned()
}

/// Of each delivery in each state: what its report says that somebody must act on is in the work list, by itself or as a rejected original; and
/// what nobody need act on is not.
#[tokio::test]
async fn the_work_list_has_what_reports_say_that_somebody_must_act_on() {
    let system = System::start().await;
    let api = over(&system).await;
    let cases = ended_cases(&system, &api).await;
    let api = anew(&api);
    let listed = items(&api, "", 1000).await;
    let mut of_deliveries = 0;
    for case in &cases {
        let path = format!("/api/v1/deliveries/{}/report?lang=en", case.delivery);
        for line in lines_of(&get(&path).over_socket().of(&api).await).iter().filter(|line| line["code"].is_string()) {
            let key = line["file"].as_str().map(|file| format!("origin/eye/{file}"));
            let is_of_delivery = |item: &&Value| {
                let same =
                    ["file", "cd_idx", "sequence", "code", "owner"].iter().all(|field| item[*field] == line[*field]);
                item["delivery"] == case.delivery.as_str() && item["kind"] == "delivery" && same
            };
            let is_original = |item: &&Value| key.is_some() && item["key"].as_str() == key.as_deref();
            let (of_delivery, original) =
                (listed.iter().filter(is_of_delivery).count(), listed.iter().filter(is_original).count());
            let expected = usize::from(line["owner"] != "nobody" && line["severity"].is_null());
            // A rejected original is there once, whichever deliveries name it.
            assert_eq!(of_delivery + original.min(expected), expected, "{}: {line} {listed:#?}", case.delivery);
            of_deliveries += of_delivery;
        }
    }
    assert!(of_deliveries >= 5, "{listed:#?}");
    assert_eq!(listed.iter().filter(|item| item["kind"] == "delivery").count(), of_deliveries);
    let overview = read(&api, "/api/v1/overview").await;
    assert_eq!(overview["attention"]["total"], listed.len(), "{overview}");
}

#[tokio::test]
async fn what_deliveries_lack_is_counted_and_listed_until_it_came() {
    let api = Api::new().await;
    let before = read(&api, "/api/v1/overview").await["attention"]["total"].as_u64().unwrap();
    let delivery = record(
        &api,
        json!({
            "vertical": "eye", "files": [file("4_0.jpg")],
            "skipped": [skipped("IMG 20.jpg", "name.unparseable", None, None), skipped("5_0.png", "file.not_jpeg", Some(5), Some(0))],
            "expected": {"ids": [4, 5, 6], "files": []}
        }),
    )
    .await;
    let api = anew(&api);
    let overview = read(&api, "/api/v1/overview").await;
    let owners = json!({"person_in_charge": 4, "operator": 1, "engineer": 0, "nobody": 0});
    assert_eq!(overview["attention"], json!({"total": before + 4, "owners": owners, "unknown_deliveries": 0}));
    for limit in [1, 2, 1000] {
        let all = items(&api, "", limit).await;
        assert_eq!(all.len() as u64, before + 4, "in parts of {limit}: {all:#?}");
    }
    let own = items(&api, &format!("&q={delivery}"), 1000).await;
    let told: Vec<_> = own
        .iter()
        .map(|it| {
            (it["code"].as_str().unwrap(), it["cd_idx"].as_u64(), it["file"].as_str(), it["owner"].as_str().unwrap())
        })
        .collect();
    let expected = [
        ("file.not_jpeg", Some(5), Some("5_0.png"), "person_in_charge"),
        ("list.missing", Some(6), None, "person_in_charge"),
        // Whose photo it is nobody can say, so nobody is named.
        ("name.unparseable", None, Some("IMG 20.jpg"), "person_in_charge"),
        ("upload.missing", Some(4), Some("4_0.jpg"), "operator"),
    ];
    assert_eq!(told, expected);
    assert!(own.iter().all(|it| it["delivery"] == delivery.as_str() && it["actor"] == "local" && it["more"] == 0));
    assert_eq!((&own[0]["found"]["ko"], &own[0]["dismissable"]), (&json!("확인됨"), &json!(false)));
    for (query, n) in [("&owner=operator", 1), ("&reason=list.missing", 1), ("&q=img%2020", 1), ("&vertical=nose", 0)] {
        assert_eq!(items(&api, query, 1000).await.len(), n, "{query}");
    }
    let (_, secret) = api.token("of-nose", Role::Viewer, &["nose"]).await;
    for path in ["/api/v1/attention", "/api/v1/attention.csv", "/api/v1/overview"] {
        let text = get(path).with(&secret).of(&api).await.text;
        assert!(!text.contains(&delivery) && !text.contains("upload.missing"), "{path}: {text}");
    }
    let csv = get("/api/v1/attention.csv?lang=ko").over_socket().of(&api).await.text;
    assert!(csv.lines().next().unwrap().ends_with(",전달"), "{csv}");
    assert_eq!(csv.lines().filter(|line| line.ends_with(&format!(",{delivery}"))).count(), 4, "{csv}");

    let came = ["origin/eye/4_0.jpg", "origin/eye/5_0.jpg", "origin/eye/6_2.jpg"];
    for key in came {
        api.site
            .flow
            .store
            .put("uploads", key, Bytes::from_static(b"x"), &Attributes::default(), Condition::Always)
            .await
            .unwrap();
    }
    api.clock.advance(std::time::Duration::from_mins(1));
    let outcomes = came.map(|key| Outcome { etag: "0".repeat(32), ..rendered(key, 20, &["sq"]) });
    api.site.flow.catalog.register(&outcomes).await.unwrap();
    let left = items(&anew(&api), &format!("&q={delivery}"), 1000).await;
    let codes: Vec<_> = left.iter().map(|item| item["code"].as_str().unwrap()).collect();
    assert!(!codes.contains(&"file.not_jpeg") && !codes.contains(&"list.missing"), "{left:#?}");
    assert!(codes.contains(&"name.unparseable"), "{left:#?}");
}

#[tokio::test]
async fn what_is_not_listed_one_by_one_is_counted() {
    let api = Api::new().await;
    let before = read(&api, "/api/v1/overview").await["attention"]["total"].as_u64().unwrap();
    let ids: Vec<u64> = (1000..1250).collect();
    record(&api, json!({"vertical": "eye", "files": [], "expected": {"ids": ids, "files": []}})).await;
    let api = anew(&api);
    let work = read(&api, "/api/v1/attention?reason=list.missing&limit=1000").await;
    assert_eq!((&work["total"], work["items"].as_array().unwrap().len()), (&json!(250), 101));
    let rest = &work["items"][100];
    assert_eq!((&rest["more"], &rest["cd_idx"], &rest["file"]), (&json!(150), &Value::Null, &Value::Null));
    assert!(rest["found"]["ko"].as_str().unwrap().contains("150건"), "{rest}");
    assert_eq!(read(&api, "/api/v1/overview").await["attention"]["total"], before + 250);
    for limit in [7, 100] {
        assert_eq!(items(&api, "&reason=list.missing", limit).await.len(), 101);
    }
}

/// A record that nobody can read hides nothing of others, and is not taken for a delivery that is complete.
#[tokio::test]
async fn a_delivery_that_cannot_be_read_is_counted_as_that() {
    let api = Api::new().await;
    let key = "deliveries/eye/20231114-abcd.json";
    api.site
        .flow
        .store
        .put("uploads", key, Bytes::from_static(b"{}"), &Attributes::default(), Condition::Always)
        .await
        .unwrap();
    let overview = read(&api, "/api/v1/overview").await;
    assert_eq!((&overview["attention"]["unknown_deliveries"], &overview["attention"]["total"]), (&json!(1), &json!(1)));
    assert_eq!(read(&api, "/api/v1/attention").await["unknown_deliveries"], 1);
    assert!(get("/api/v1/attention.csv").over_socket().of(&api).await.text.contains("more than this table holds"));
    let (_, secret) = api.token("of-nose", Role::Viewer, &["nose"]).await;
    assert_eq!(get("/api/v1/attention").with(&secret).of(&api).await.json()["unknown_deliveries"], 0);
}

#[tokio::test]
async fn webhooks_that_fail_are_work_for_an_engineer() {
    let api = Api::new().await;
    let catalog = &api.site.flow.catalog;
    let at = Timestamp::from_second(1_700_000_000).unwrap();
    let health = |failing: bool| WebhookHealth {
        failing_since: failing.then_some(at),
        last_success: None,
        last_error: failing.then(|| "the answer is 500 Internal Server Error".to_owned()),
    };
    let webhook = |description: &str, verticals: &[&str], disabled: Option<Because>| Webhook {
        description: description.to_owned(),
        verticals: Verticals::only_or_all(verticals.iter().map(|name| name.parse().unwrap())),
        disabled: disabled.map(|because| (at, because)),
        ..Webhook::new("https://receiver.example/secret-path", "kim", 0, at)
    };
    for (webhook, failing) in [
        (webhook("well", &[], None), false),
        (webhook("failing", &["eye"], None), true),
        (webhook("given up", &[], Some(Because::Failing)), true),
        (webhook("gone", &["nose"], Some(Because::Gone)), true),
        (webhook("stopped by a person", &[], Some(Because::Person)), true),
    ] {
        catalog.add_webhook(&webhook).await.unwrap();
        catalog.note_webhook_health(&webhook.id, &health(failing)).await.unwrap();
    }
    let named = |items: &[Value]| -> Vec<String> {
        let mut names: Vec<String> = items.iter().map(|item| item["file"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    let all = items(&api, "&reason=webhook.failing", 2).await;
    assert_eq!(named(&all), ["failing", "given up", "gone"]);
    assert!(all.iter().all(|item| item["owner"] == "engineer" && item["webhook"].as_str().unwrap().starts_with("wh_")));
    let failing = all.iter().find(|item| item["file"] == "failing").unwrap();
    assert!(failing["found"]["ko"].as_str().unwrap().contains("500 Internal Server Error (으)로 응답"), "{failing}");
    assert_eq!(read(&api, "/api/v1/overview").await["attention"]["owners"]["engineer"], 3);
    // Somebody else sees those that are of their verticals alone, and nothing of the receiver.
    let (_, secret) = api.token("of-nose", Role::Operator, &["nose"]).await;
    let seen = get("/api/v1/attention?reason=webhook.failing").with(&secret).of(&api).await;
    assert_eq!(named(seen.json()["items"].as_array().unwrap()), ["gone"]);
    assert!(!seen.text.contains("500") && !seen.text.contains("secret-path"), "{}", seen.text);
    let health = get("/api/v1/health").with(&secret).of(&api).await.json();
    assert_eq!(health["webhooks"], json!([]), "at what they fail is for those who may change them");
}

/// Who took a photo down and why, and who brought it back, is in the history of its entity and in the activity; also after it came back.
#[tokio::test]
async fn the_history_says_who_took_a_photo_down_and_why() {
    let system = System::start().await;
    let api = over(&system).await;
    put_as(&system, "kim", "1_0.jpg", "good 1").await;
    put_as(&system, "kim", "2_0.jpg", "good 2").await;
    system.drain().await;
    let (_, secret) = api.token("lee", Role::Operator, &["eye"]).await;
    let asked = json!({"vertical": "eye", "cd_idx": 1, "note": "초상권 요청"});
    assert_eq!(post("/api/v1/originals/unpublish", &asked).with(&secret).of(&api).await.status, StatusCode::OK);
    system.drain().await;
    let history = async || read(&api, "/api/v1/verticals/eye/entities/1/history").await["items"].clone();
    let told =
        |line: &Value| ["change", "act", "actor", "note"].map(|field| line[field].as_str().unwrap_or("").to_owned());
    let down = ["removed", "unpublished", "lee", "초상권 요청"];
    assert_eq!(told(&history().await[0]), down);
    let activity = read(&api, "/api/v1/activity?vertical=eye&entity=1").await["items"][0].clone();
    assert_eq!(
        ["what", "act", "actor", "detail"].map(|field| activity[field].as_str().unwrap_or("").to_owned()),
        down,
        "{activity}"
    );

    let kept = read(&api, "/api/v1/verticals/eye/entities/1/quarantine").await;
    let (_, park) = api.token("park", Role::Operator, &["eye"]).await;
    let asked = json!({"ids": [kept["items"][0]["id"]]});
    let back = post("/api/v1/originals/restore", &asked).with(&park).of(&api).await;
    assert_eq!(back.json()["restored"].as_array().unwrap().len(), 1, "{}", back.text);
    system.drain().await;
    let lines = history().await;
    assert_eq!(told(&lines[0]), ["registered", "restored", "park", ""], "{lines:#}");
    assert_eq!(told(&lines[1]), down, "it is told although it is open again");
    assert_eq!(told(&lines[2]), ["registered", "", "kim", ""]);

    // What a client deletes afterwards is nobody's act of before.
    let store = system.embedded.acting_for(cameo::model::actor::Actor::new("choi"));
    let info = store.head(UPLOADS, "origin/eye/1_0.jpg").await.unwrap().unwrap();
    assert!(store.delete(UPLOADS, "origin/eye/1_0.jpg", &info.validator()).await.unwrap());
    system.drain().await;
    assert_eq!(told(&history().await[0]), ["removed", "", "choi", ""]);

    // A store that does not say who changed something: the note does.
    let settling = cameo::proof::dismiss::Settling {
        by: cameo::model::actor::Actor::new("jung"),
        note: Some("잘못 올림"),
        at: cameo::clock::Clock::now(&SystemClock),
    };
    assert!(unpublish_one(&system.worker().flow, "origin/eye/2_0.jpg", &settling).await.unwrap());
    system.drain().await;
    let line = read(&api, "/api/v1/verticals/eye/entities/2/history").await["items"][0].clone();
    assert_eq!(told(&line), ["removed", "unpublished", "jung", "잘못 올림"]);
}

/// What will not come is settled once and for all, by whom and why is said, and it is work for nobody; undone, it is open again.
#[tokio::test]
async fn what_a_delivery_lacks_is_settled_and_opened_again() {
    let system = System::start().await;
    let api = over(&system).await;
    let names = ["1_0.jpg", "2_0.jpg", "3_0.jpg"];
    let delivery = record(
        &api,
        json!({
            "vertical": "eye",
            "files": names.map(|name| delivered(name, "good 1")),
            "skipped": [skipped("IMG 20.jpg", "name.unparseable", None, None)], "expected": {"ids": [1, 2, 3, 9], "files": []}
        }),
    )
    .await;
    for name in &names[..2] {
        put_as(&system, "kim", name, "good 1").await;
    }
    system.drain().await;
    let store = &system.embedded;
    let info = store.head(UPLOADS, "origin/eye/2_0.jpg").await.unwrap().unwrap();
    assert!(store.delete(UPLOADS, "origin/eye/2_0.jpg", &info.validator()).await.unwrap());
    system.drain().await;
    let path = format!("/api/v1/deliveries/{delivery}");
    let open = read(&api, &path).await;
    assert_eq!(
        (&open["summary"]["failed"], &open["summary"]["state"], &open["lacks"]),
        (&json!(4), &json!("different"), &json!(true))
    );
    assert_eq!(items(&anew(&api), &format!("&q={delivery}"), 1000).await.len(), 4);

    let (_, lee) = api.token("lee", Role::Operator, &["eye"]).await;
    let (_, of_nose) = api.token("of-nose", Role::Operator, &["nose"]).await;
    let act = async |what: &str, note: &str, secret: &TokenSecret| {
        post(&format!("{path}/{what}"), &json!({ "note": note })).with(secret).of(&api).await
    };
    assert_eq!(act("dismiss", " ", &lee).await.problem(), (422, "request.invalid".to_owned()));
    assert_eq!(act("dismiss", "x", &of_nose).await.problem().0, 404);
    assert_eq!(act("reopen", "x", &of_nose).await.problem().0, 404);
    let closed = act("dismiss", "보내지 않기로 함", &lee).await.json();
    let summary = &closed["summary"];
    assert_eq!(
        (&summary["live"], &summary["dismissed"], &summary["failed"], &summary["photos"], &summary["state"]),
        (&json!(1), &json!(4), &json!(0), &json!(5), &json!("complete")),
        "{closed}"
    );
    assert_eq!((&closed["closed"]["by"], &closed["closed"]["note"]), (&json!("lee"), &json!("보내지 않기로 함")));
    // The list is asked at once: a change is not waited for.
    assert_eq!(items(&api, &format!("&q={delivery}"), 1000).await, Vec::<Value>::new());
    let report = get(&format!("{path}/report.txt?lang=ko")).over_socket().of(&api).await.text;
    for told in [
        "name.unparseable: 정리됨(",
        "list.missing: 정리됨(",
        "upload.missing: 정리됨(",
        "upload.removed: 정리됨(",
        "lee): 보내지 않기로 함",
    ] {
        assert!(report.contains(told), "{told}: {report}");
    }

    // What is deleted afterwards is another matter.
    let later = store.head(UPLOADS, "origin/eye/1_0.jpg").await.unwrap().unwrap();
    assert!(store.delete(UPLOADS, "origin/eye/1_0.jpg", &later.validator()).await.unwrap());
    system.drain().await;
    let after = read(&api, &path).await;
    assert_eq!((&after["summary"]["failed"], &after["summary"]["dismissed"]), (&json!(1), &json!(4)), "{after}");
    assert_eq!(items(&anew(&api), &format!("&q={delivery}"), 1000).await[0]["code"], "upload.removed");
    let opened = act("reopen", "", &lee).await.json();
    assert_eq!((&opened["summary"]["failed"], &opened["closed"]), (&json!(5), &Value::Null), "{opened}");
    assert_eq!(items(&api, &format!("&q={delivery}"), 1000).await.len(), 5);
}
