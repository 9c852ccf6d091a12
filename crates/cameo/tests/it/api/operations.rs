//! Questions that are answered in frames, over a whole system: what they say, to whom, and what they leave in the audit trail.

use std::time::Duration;

use cameo::{
    client::{Client, wire::FILES_MAX},
    clock::{Clock, SystemClock},
    model::{error::Kind, ids::IDS_MAX},
    proof::deliveries::{DeliveredFile, NewRecord, Record, SkippedFile, create},
    serve::{OpenDeliveries, Outside, host::Host, site::PublicImages},
};
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::whole_system::{IMAGES, System, UPLOADS};

/// A server over a system.
pub(super) async fn over(system: &System) -> Api {
    let api = Api::new().await;
    let worker = system.worker();
    let site = Site {
        flow: worker.flow.clone(),
        events: worker.events.clone(),
        registrations: worker.registrations.clone(),
        images_url: ImageUrls::new(&system.base),
        public_images: PublicImages { base: system.base.clone(), listener: None },
        zone: TimeZone::get("Asia/Seoul").unwrap(),
        clock: Arc::new(SystemClock),
        host: Host::default(),
        outside: Outside::default(),
        open: OpenDeliveries::default(),
        ending: CancellationToken::new(),
        ..api.site
    };
    Api { site, ..api }
}

/// Photos of `eye` and `nose`, of which `eye/2_0` is rejected.
async fn system() -> System {
    let system = System::start().await;
    for (key, content) in [("eye/1_0", "good 1"), ("eye/2_0", "bad 2"), ("eye/3_0", "good 3"), ("nose/7_0", "bad 7")] {
        system.put(UPLOADS, &format!("origin/{key}.jpg"), content).await;
    }
    system.drain().await;
    system
}

/// The frames of an answer, which must be one: progress first, and the summary last.
pub(super) fn frames(answer: &Answer) -> Vec<Value> {
    assert_eq!(
        (answer.status, &answer.headers[header::CONTENT_TYPE]),
        (StatusCode::OK, &"application/x-ndjson".parse().unwrap())
    );
    let frames: Vec<Value> = answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(frames[0], json!({"progress": {"entities": 0, "step": "entities"}}), "the first word");
    let is_last = |frame: &Value| frame.get("summary").is_some() || frame.get("error").is_some();
    assert!(frames.iter().rposition(|frame| !is_last(frame)) == Some(frames.len() - 2), "{frames:#?}");
    frames
}

/// The exit code, and the texts for people.
pub(super) fn read(answer: &Answer) -> (u64, Vec<String>) {
    let frames = frames(answer);
    let texts = frames.iter().filter_map(|frame| frame["text"].as_array()).flatten();
    let texts = texts.map(|text| text.as_str().unwrap().to_owned()).collect();
    let summary = &frames.last().unwrap()["summary"];
    let code = summary["exit_code"].as_u64().unwrap_or_else(|| panic!("{frames:#?}"));
    let states = [(0, "complete"), (4, "rejected"), (5, "pending"), (7, "different")];
    assert!(states.contains(&(code, summary["state"].as_str().unwrap())), "{summary}");
    (code, texts)
}

pub(super) fn has(texts: &[String], part: &str) -> bool {
    texts.iter().any(|text| text.contains(part))
}

pub(super) fn file(name: &str, content: &str) -> DeliveredFile {
    let (md5, sha256) = (hex::encode(fast_md5::digest(content.as_bytes())), hex::encode(Sha256::digest(content)));
    DeliveredFile { name: name.into(), size: content.len() as u64, md5, sha256 }
}

pub(super) async fn record(
    system: &System,
    vertical: &str,
    files: Vec<DeliveredFile>,
    skipped: Vec<SkippedFile>,
) -> Record {
    let content = NewRecord { by: "kim".into(), files, skipped, ..NewRecord::default() };
    let now = (SystemClock.now(), &TimeZone::get("Asia/Seoul").unwrap());
    create(&*system.store, UPLOADS, &vertical.parse().unwrap(), content, now).await.unwrap()
}

#[tokio::test]
async fn each_question_is_answered_with_what_the_command_prints() {
    let system = system().await;
    let api = over(&system).await;
    let asked = async |path: &str, body: Value| read(&post(path, &body).over_socket().of(&api).await);
    let (code, texts) = asked("/api/v1/verify", json!({"vertical": "eye"})).await;
    assert_eq!((code, texts.len()), (4, 3), "{texts:?}");
    assert!(
        texts[0] == "eye/2: rejected" && texts[2].starts_with("3 entities, 3 photos, 4 rows: 2 complete"),
        "{texts:?}"
    );
    let all = post("/api/v1/verify", &json!({"ids": [1, 1], "all": true})).over_socket().of(&api).await;
    let parts: Vec<_> = frames(&all).into_iter().filter(|frame| frame.get("json").is_some()).collect();
    assert_eq!((&parts[0]["json"]["cd_idx"], &parts[0]["json"]["state"]), (&json!(1), &json!("complete")));
    assert_eq!(parts[0]["json"]["cells"].as_array().unwrap().len(), 2);
    assert_eq!((&parts[1]["json"]["summary"]["complete"], read(&all).0), (&json!(1), 0));
    let (code, texts) = asked("/api/v1/status", json!({})).await;
    assert!(code == 4 && has(&texts, "eye: 2 serving") && has(&texts, "queue events: 0 waiting"), "{code} {texts:?}");
    let (code, _) = asked("/api/v1/status", json!({"ids": [1, 99]})).await;
    assert_eq!(code, 7, "one of the numbers is unknown");
    let (code, texts) = asked("/api/v1/retry", json!({"vertical": "eye", "dry_run": true})).await;
    assert_eq!((code, texts[0].as_str()), (0, "origin/eye/2_0.jpg: would be sent through the flow again"));
    system.delete(IMAGES, "eye/sq/1_sq_0.jpg").await;
    let (code, texts) = asked("/api/v1/reconcile", json!({"vertical": "eye"})).await;
    assert!(code == 5 && has(&texts, "origin/eye/1_0.jpg: would be sent"), "{code} {texts:?}");
    assert_eq!(asked("/api/v1/verify", json!({"vertical": "eye"})).await.0, 7);
    let (code, texts) = asked("/api/v1/reconcile", json!({"vertical": "eye", "apply": true})).await;
    assert!(code == 5 && has(&texts, "origin/eye/1_0.jpg: sent"), "{code} {texts:?}");
    system.drain().await;
    assert_eq!(asked("/api/v1/verify", json!({"vertical": "eye"})).await.0, 4);
    assert_eq!(asked("/api/v1/reconcile", json!({"vertical": "eye"})).await.0, 4, "only the rejected one is left");
}

/// What is changed is in the trail key by key; a question, a plan and a dry run are not.
#[tokio::test]
async fn the_audit_trail_has_what_was_changed_and_nothing_that_was_asked() {
    let system = system().await;
    let api = over(&system).await;
    let (_, secret) = api.token("kim", Role::Admin, &[]).await;
    for (path, body) in [
        ("/api/v1/verify", json!({})),
        ("/api/v1/status", json!({})),
        ("/api/v1/retry", json!({"vertical": "eye", "dry_run": true})),
        ("/api/v1/reconcile", json!({"vertical": "eye"})),
        ("/api/v1/retry", json!({"vertical": "eye"})),
    ] {
        read(&post(path, &body).with(&secret).of(&api).await);
    }
    assert_eq!(post("/api/v1/retry", &json!({})).with(&secret).of(&api).await.problem().0, 422);
    let line = || -> Value { serde_json::from_str(&api.audit.next().unwrap().text).unwrap() };
    let changed = line();
    assert_eq!((&changed["event"], &changed["key"]), (&json!("change"), &json!("origin/eye/2_0.jpg")));
    assert_eq!((&changed["actor"], &changed["operation"]), (&json!("kim"), &json!("/api/v1/retry")));
    assert!(!changed["request_id"].as_str().unwrap().is_empty());
    let refused = line();
    assert_eq!((&refused["event"], &refused["status"]), (&json!("refusal"), &json!(422)));
}

#[tokio::test]
async fn who_is_limited_to_verticals_is_shown_nothing_of_others() {
    let system = system().await;
    system.put(UPLOADS, "origin/nose/8_0.jpg", "good 8").await;
    system.kill_message("poison of nose").await;
    let foreign = record(&system, "nose", vec![file("7_0.jpg", "bad 7")], vec![]).await;
    let api = over(&system).await;
    let (_, eye) = api.token("of-eye", Role::Admin, &["eye"]).await;
    let (_, two) = api.token("of-two", Role::Admin, &["eye", "ear"]).await;
    let as_eye = async |path: &str, body: Value| post(path, &body).with(&eye).of(&api).await;
    for path in ["/api/v1/verify", "/api/v1/status", "/api/v1/reconcile"] {
        let answer = as_eye(path, json!({})).await;
        read(&answer);
        assert!(!answer.text.contains("nose"), "{path}: {}", answer.text);
        let unknown = as_eye(path, json!({"ids": [1, 7]})).await;
        assert!(unknown.text.contains("7: not found") && !unknown.text.contains("nose"), "{path}: {}", unknown.text);
        for vertical in ["nose", "none"] {
            let refused = as_eye(path, json!({"vertical": vertical})).await;
            assert_eq!(refused.problem(), (404, "not_found".to_owned()), "{path}");
            let problem: Value = serde_json::from_str(&refused.text).unwrap();
            assert_eq!(
                problem["foreign"],
                json!({"vertical": vertical, "own": ["eye"]}),
                "{path}: whether it exists is not said"
            );
        }
        let unnamed = post(path, &json!({})).with(&two).of(&api).await;
        if path == "/api/v1/status" {
            let (code, texts) = read(&unnamed);
            assert!(code == 4 && has(&texts, "eye: 2 serving") && !unnamed.text.contains("nose"), "{code} {texts:?}");
        } else {
            assert_eq!(unnamed.problem(), (403, "auth.vertical".to_owned()), "{path}");
            assert!(unnamed.text.contains("name one of them (ear, eye)"), "{}", unnamed.text);
        }
        let near = post(path, &json!({"vertical": "ear"})).with(&two).of(&api).await;
        // To be verified something must be there; else a vertical of whoever asks may well be empty.
        assert_eq!(read(&near).0, if path == "/api/v1/verify" { 7 } else { 0 }, "{path}: {}", near.text);
        assert!(!near.text.contains("nose"), "{path}: {}", near.text);
    }
    let letters = as_eye("/api/v1/retry", json!({"reason": "system.dead_letter"})).await;
    assert_eq!(read(&letters), (0, vec!["0 originals: nothing to do".to_owned()]));
    for path in ["/api/v1/verify", "/api/v1/status", "/api/v1/retry"] {
        for name in [foreign.id.to_string(), format!("nose/{}", foreign.id), "20261126-day-nose".to_owned()] {
            let answer = as_eye(path, json!({"delivery": name})).await;
            assert_eq!(read(&answer).0, 7, "{path} {name}");
            assert!(answer.text.contains("no such delivery") && !answer.text.contains("7_0"), "{}", answer.text);
        }
    }
    let own = post("/api/v1/status", &json!({"delivery": foreign.id.to_string()})).over_socket().of(&api).await;
    assert!(read(&own).0 == 4 && own.text.contains("7_0.jpg: rejected"), "{}", own.text);
}

/// A record is a question for all three: how far it came, whether everything of it is there, and another try.
#[tokio::test]
async fn a_delivery_is_looked_at_proved_and_tried_again() {
    let system = system().await;
    let skipped = SkippedFile {
        file: "9_0 (1).jpg".into(),
        code: "name.unparseable".into(),
        cd_idx: Some(9),
        sequence: None,
        detail: "a copy".into(),
        detail_korean: None,
        ..SkippedFile::default()
    };
    let files = vec![file("1_0.jpg", "good 1"), file("2_0.jpg", "bad 2"), file("5_0.jpg", "good 5")];
    let made = record(&system, "eye", files, vec![skipped]).await;
    let api = over(&system).await;
    let asked = async |path: &str, body: Value| read(&post(path, &body).over_socket().of(&api).await);
    let of = |more: Value| {
        let mut body = json!({"delivery": made.id.to_string()});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let (code, texts) = asked("/api/v1/status", of(json!({}))).await;
    assert_eq!(code, 7, "one never arrived: {texts:?}");
    for part in [
        "2_0.jpg: rejected: file.corrupt: the description of the picture at the beginning of the file is damaged",
        "5_0.jpg: missing",
        "9_0 (1).jpg: not sent: name.unparseable: a copy",
    ] {
        assert!(has(&texts, part), "{part}: {texts:?}");
    }
    let counts = format!("{} (eye): 4 entities, 4 photos: 1 live, 0 pending, 3 failed in 3 entities", made.id);
    assert!(texts.last() == Some(&counts) && !has(&texts, "1_0.jpg"), "{texts:?}");
    assert!(has(&asked("/api/v1/status", of(json!({"all": true}))).await.1, "1_0.jpg: registered"));
    let (code, texts) = asked("/api/v1/verify", of(json!({}))).await;
    assert!(
        code == 7 && has(&texts, "eye/5_0: handed over, but not found") && !has(&texts, "eye/3"),
        "{code} {texts:?}"
    );
    let (code, texts) = asked("/api/v1/retry", of(json!({}))).await;
    assert_eq!((code, texts[0].as_str()), (5, "origin/eye/2_0.jpg: sent through the flow again"), "{texts:?}");
    assert_eq!(texts.len(), 2, "nose/7 is none of its: {texts:?}");
    let (_, texts) = asked("/api/v1/status", of(json!({"lang": "ko"}))).await;
    let korean = ["2_0.jpg: 거부: file.corrupt: ", "5_0.jpg: 없음: ", "9_0 (1).jpg: 올리지 않음: name.unparseable: "];
    assert!(korean.iter().all(|part| has(&texts, part)) && !has(&texts, "rejected"), "{texts:?}");
    let (_, texts) = asked("/api/v1/verify", of(json!({"lang": "ko"}))).await;
    assert!(has(&texts, "eye/5_0: 전달되었지만") && has(&texts, "불일치 1"), "{texts:?}");
    assert_eq!(asked("/api/v1/status", of(json!({}))).await.0, 7, "the ledger has its rejection still");
    let day = SystemClock.now().to_zoned(TimeZone::get("Asia/Seoul").unwrap()).date().strftime("%Y%m%d").to_string();
    let (code, texts) = asked("/api/v1/status", json!({"delivery": format!("{day}-day-eye"), "all": true})).await;
    // What was uploaded before the record stays in the history of its day, and says whose it is since.
    assert!(texts.contains(&"3_0.jpg: registered".to_owned()), "{code} {texts:?}");
    assert!(texts.contains(&format!("1_0.jpg: registered; taken over by delivery {}", made.id)), "{code} {texts:?}");
    system.drain().await;
    let (code, texts) = asked("/api/v1/verify", json!({"delivery": format!("{day}-day-eye")})).await;
    assert!(code == 4 && texts[2].starts_with("3 entities, 3 photos"), "{code} {texts:?}");
    assert_eq!(asked("/api/v1/verify", of(json!({"vertical": "eye"}))).await.0, 7);
    let contradicts = post("/api/v1/verify", &json!({"delivery": format!("{day}-day-eye"), "vertical": "nose"}));
    assert_eq!(contradicts.over_socket().of(&api).await.problem().0, 422);
}

/// What somebody settled keeps no delivery from being complete, and is shown with their name.
#[tokio::test]
async fn a_file_that_is_dismissed_is_settled_in_the_name_of_the_token() {
    let system = system().await;
    let made = record(&system, "eye", vec![file("1_0.jpg", "good 1"), file("2_0.jpg", "bad 2")], vec![]).await;
    let api = over(&system).await;
    let (_, secret) = api.token("kim", Role::Operator, &["eye"]).await;
    let asked = json!({"keys": ["origin/eye/2_0.jpg"], "note": "not for sale"});
    let dismissed = post("/api/dismiss", &asked).header("x-cameo-client", "test").with(&secret).of(&api).await;
    assert_eq!(dismissed.json()["done"], 1, "{dismissed:?}");
    system.drain().await;
    let of = async |path: &str, more: Value| {
        let mut body = json!({"delivery": made.id.to_string()});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        read(&post(path, &body).with(&secret).of(&api).await)
    };
    let (code, texts) = of("/api/v1/status", json!({})).await;
    assert!(code == 0 && texts[0].starts_with("2_0.jpg: dismissed at "), "{code} {texts:?}");
    assert!(texts[0].ends_with(" by kim: not for sale") && texts[1].ends_with(", 1 dismissed"), "{texts:?}");
    let (code, texts) = of("/api/v1/verify", json!({})).await;
    assert!(code == 0 && has(&texts, "2_0.jpg: dismissed at "), "{code} {texts:?}");
    assert!(has(&texts, "of 1 originals no SHA-256 was compared: --hashes"), "{texts:?}");
    let (code, texts) = of("/api/v1/verify", json!({"hashes": true, "lang": "ko"})).await;
    assert!(code == 0 && has(&texts, "원본 1개 중 1개의 SHA-256") && has(&texts, "2_0.jpg: 정리됨("), "{texts:?}");
    // Of a day nobody recorded any.
    let day = SystemClock.now().to_zoned(TimeZone::get("Asia/Seoul").unwrap()).date().strftime("%Y%m%d").to_string();
    let asked = json!({"delivery": format!("{day}-day-eye"), "hashes": true});
    let refused = post("/api/v1/verify", &asked).with(&secret).of(&api).await;
    let last = frames(&refused).pop().unwrap();
    assert!(last["error"]["detail"].as_str().unwrap().contains("no photo was handed over with one"), "{last}");
}

/// Dead letters about the files of a delivery leave the queue with it, and no others.
#[tokio::test]
async fn dead_letters_of_a_delivery_are_sent_again() {
    let system = System::start().await;
    for name in ["1_0.jpg", "2_0.jpg"] {
        system.put(UPLOADS, &format!("origin/eye/{name}"), "good").await;
        system.kill_message("poison").await;
    }
    let made = record(&system, "eye", vec![file("1_0.jpg", "good")], vec![]).await;
    let api = over(&system).await;
    let asked = json!({"delivery": format!("eye/{}", made.id)});
    let (code, texts) = read(&post("/api/v1/retry", &asked).over_socket().of(&api).await);
    assert_eq!((code, texts[0].as_str()), (5, "origin/eye/1_0.jpg: dead letter sent again"), "{texts:?}");
    system.drain().await;
    let left = system.worker().events.dead_letters(10).await.unwrap();
    assert_eq!(left.iter().flat_map(|letter| &letter.keys).collect::<Vec<_>>(), ["origin/eye/2_0.jpg"]);
    assert_eq!(read(&post("/api/v1/status", &asked).over_socket().of(&api).await).0, 0);
}

/// Files are held against what is there by length and MD5, as those of a folder beside the server are.
#[tokio::test]
async fn files_that_were_handed_over_are_verified() {
    let system = system().await;
    let api = over(&system).await;
    let files = |files: &[(&str, &str)]| {
        let files: Vec<_> = files.iter().map(|(name, content)| file(name, content)).collect();
        let files: Vec<_> = files
            .iter()
            .map(|file| json!({"name": file.name, "size": file.size, "md5": file.md5.to_uppercase()}))
            .collect();
        json!({"vertical": "eye", "files": files, "ignored": 2, "misnamed": [{"name": "./photos/x.jpg", "hint": "no number"}]})
    };
    let asked = async |body: Value| read(&post("/api/v1/verify", &body).over_socket().of(&api).await);
    let (code, texts) = asked(files(&[("1_0.jpg", "good 1"), ("3_0.jpg", "good 3")])).await;
    assert_eq!((code, texts[0].as_str()), (4, "./photos/x.jpg: rejected: name.unparseable: no number"), "{texts:?}");
    assert!(texts[1].ends_with("1 unexpected files, 2 ignored"), "{texts:?}");
    let (code, texts) = asked(files(&[("1_0.jpg", "other"), ("5_0.jpg", "x"), ("1 (2).jpg", "x")])).await;
    assert!(
        code == 7 && has(&texts, "eye/5_0: handed over, but not found") && has(&texts, "1 (2).jpg: rejected"),
        "{texts:?}"
    );
    assert!(has(&texts, "handed over with 5 bytes, but the original has 6"), "{texts:?}");
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_before_anything_is_looked_at() {
    let api = Api::new().await;
    let many: Vec<u64> = (1..=IDS_MAX as u64 + 1).collect();
    let file = |name: &str, md5: &str| json!({"name": name, "size": 1, "md5": md5});
    let md5 = "a".repeat(32);
    let (none, one) = (Vec::<u64>::new(), vec![file("1_0.jpg", &md5)]);
    for (path, body, word) in [
        ("verify", json!({"ids": none}), "ids is empty"),
        ("status", json!({"ids": many}), "at most 100000"),
        ("status", json!({"ids": [0]}), "0 is not a cd_idx"),
        ("status", json!({"ids": [9_007_199_254_740_992_u64]}), "is not a cd_idx"),
        ("status", json!({"ids": [-1]}), "invalid value"),
        ("status", json!({"delivery": "yesterday"}), "is not the id of a delivery"),
        ("status", json!({"delivery": "20261126-k3f9", "ids": [1]}), "name one of the two"),
        ("status", json!({"verticl": "eye"}), "unknown field"),
        ("verify", json!({"seed": 1}), "seed is for a sample"),
        ("verify", json!({"sample": 0}), "from 1 to"),
        ("verify", json!({"vertical": "eye", "hashes": true}), "hashes: name a delivery"),
        ("verify", json!({"files": one}), "name their vertical"),
        ("verify", json!({"files": one, "vertical": "eye", "ids": [1]}), "neither ids nor"),
        ("verify", json!({"files": [file("1_0.jpg", "x")], "vertical": "eye"}), "files[0].md5"),
        ("verify", json!({"files": [file(&"x".repeat(1025), &md5)], "vertical": "eye"}), "longer than 1024"),
        ("verify", json!({"files": vec![file("1_0.jpg", &md5); FILES_MAX + 1], "vertical": "eye"}), "at most 100000"),
        ("retry", json!({}), "name what to try again"),
        ("retry", json!({"reason": "file.haunted"}), "is not a reason code"),
        ("reconcile", json!({"delivery": "20261126-k3f9"}), "unknown field"),
    ] {
        let answer = post(&format!("/api/v1/{path}"), &body).over_socket().of(&api).await;
        assert_eq!(answer.problem().0, 422, "{path} {word}");
        assert!(answer.text.contains(word), "{path} {word}: {}", answer.text);
    }
    let long = Ask { body: Some(" ".repeat(33 << 20)), ..post("/api/v1/status", &json!({})) };
    assert_eq!(long.over_socket().of(&api).await.problem().0, 413);
}

/// As many numbers as a list may have are one question, and so is a body beyond the limit of other paths.
#[tokio::test]
async fn a_hundred_thousand_numbers_are_one_question() {
    let api = over(&system().await).await;
    let ids: Vec<u64> = (1..=IDS_MAX as u64).rev().map(|id| id + 9_000_000_000_000).collect();
    let asked = post("/api/v1/status", &json!({"ids": ids, "vertical": "none"}));
    let padded = asked.body.as_deref().map(|body| format!("{body}{}", " ".repeat(8 << 20)));
    let answer = Ask { body: padded, ..asked }.over_socket().of(&api).await;
    assert_eq!(read(&answer).0, 7);
    assert!(answer.text.contains("no such vertical"), "{}", answer.text);
}

/// A failure midway ends the answer, and says so in its last line.
#[tokio::test]
async fn a_server_that_knows_no_address_of_images_says_so() {
    let system = system().await;
    let api = over(&system).await;
    let api = Api { site: Site { public_images: PublicImages::default(), ..api.site }, ..api };
    let answer = post("/api/v1/verify", &json!({})).over_socket().of(&api).await;
    let frames = frames(&answer);
    let error = &frames.last().unwrap()["error"];
    assert_eq!((&error["status"], &error["code"]), (&json!(503), &json!("unavailable")), "{frames:?}");
    assert!(error["detail"].as_str().unwrap().contains("images.public_url"), "{error}");
    assert_eq!(read(&post("/api/v1/status", &json!({})).over_socket().of(&api).await).0, 4, "which others do not need");
}

/// Answers that nobody reads hold their places, and are not worked on; when they are dropped there is room again.
#[tokio::test]
async fn as_many_questions_as_there_may_be_are_worked_on() {
    let system = system().await;
    let api = over(&system).await;
    let router = router(api.site.clone());
    let unread = || {
        let request = Request::post("/api/v1/status").header("host", "127.0.0.1:9002");
        let request = request.header("content-type", "application/json").body(Body::from("{}")).unwrap();
        let (mut parts, body) = request.into_parts();
        parts.extensions.insert(Peer::LocalUser);
        router.clone().oneshot(Request::from_parts(parts, body))
    };
    let mut held = Vec::new();
    for _ in 0..8 {
        let response = unread().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        held.push(response);
    }
    let refused = post("/api/v1/status", &json!({})).over_socket().at(router.clone()).await;
    assert_eq!(refused.problem(), (503, "busy".to_owned()));
    assert_eq!(refused.headers["retry-after"], "1");
    drop(held.pop());
    let answer = post("/api/v1/status", &json!({})).over_socket().at(router.clone()).await;
    assert_eq!(read(&answer).0, 4);
}

/// Half of an answer is an error, and never taken for all of it.
#[tokio::test]
async fn an_answer_that_is_cut_off_is_an_error() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let whole = "{\"json\":{\"b\":1,\"a\":2},\"text\":[\"x\"]}\n{\"note\":\"n\"}\n";
    for (ends, why) in [
        ("", "ended before its last line"),
        ("{\"summary\":{\"exit_co", "ended before its last line"),
        ("{\"summary\":{\"exit_code\":0,\"state\":\"new\"}}\n", "not Cameo's"),
    ] {
        let serving = async {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            assert!(connection.read(&mut request).await.unwrap() > 0);
            let answer = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{whole}{ends}");
            connection.write_all(answer.as_bytes()).await.unwrap();
            connection.shutdown().await.unwrap();
        };
        let asking = async {
            let mut lines = Client::at(&url, None).unwrap().frames("/api/v1/status", &json!({})).await.unwrap();
            let part = lines.next_frame().await.unwrap().unwrap();
            assert_eq!(part.json.unwrap().get(), "{\"b\":1,\"a\":2}", "as it was written");
            assert_eq!(lines.next_frame().await.unwrap().unwrap().note.as_deref(), Some("n"));
            let error = lines.next_frame().await.unwrap_err();
            assert!(error.to_string().contains(why) || format!("{error:?}").contains(why), "{error:?}");
            assert_ne!(error.kind(), Kind::Fatal);
        };
        tokio::time::timeout(Duration::from_mins(1), async { tokio::join!(serving, asking) }).await.unwrap();
    }
}
