//! Every state that a part of a delivery can have, and that all which says something of the delivery says the same of it: the counts, the
//! words and the exit code of `status`, `verify`, the report as lines, text and table, the list of files, and the API.

use cameo::{
    clock::{Clock, SystemClock},
    model::{actor::Actor, lang::Lang, token::TokenSecret},
    proof::{
        deliveries::{
            DeliveredFile, Expected, ExpectedFile, NewRecord, Record, Report, SkippedFile, create, report::Line,
        },
        relocate::{Relocation, advance},
        verify::EntityState,
    },
};
use jiff::tz::TimeZone;

use super::{
    operations::{file, frames, over, read},
    *,
};
use crate::whole_system::{System, UPLOADS};

const COMPLETE: u64 = 0;
const REJECTED: u64 = 4;
const PENDING: u64 = 5;
const DIFFERENT: u64 = 7;

fn seoul() -> TimeZone {
    TimeZone::get("Asia/Seoul").unwrap()
}

async fn record(system: &System, content: NewRecord) -> Record {
    let content = NewRecord { by: "kim".into(), ..content };
    let zone = seoul();
    create(&*system.store, UPLOADS, &"eye".parse().unwrap(), content, (SystemClock.now(), &zone)).await.unwrap()
}

async fn of_files(system: &System, files: &[(&str, &str)]) -> Record {
    let files: Vec<DeliveredFile> = files.iter().map(|(name, content)| file(name, content)).collect();
    record(system, NewRecord { files, ..NewRecord::default() }).await
}

pub(super) async fn put_as(system: &System, actor: &str, name: &str, content: &str) {
    let store = system.embedded.acting_for(Actor::new(actor));
    let (key, body) = (format!("origin/eye/{name}"), content.to_owned().into());
    Store::put(&store, UPLOADS, &key, body, &Attributes::default(), Condition::Always).await.unwrap();
}

/// What is expected of a delivery.
pub(super) struct Case {
    pub(super) delivery: String,
    /// The exit code of every command about it.
    code: u64,
    /// The state of its one file; none where it has none.
    state: Option<&'static str>,
    /// The code of its line in the report; none where it has none.
    reported: Option<&'static str>,
    /// What of the counts is not 0, beside `photos` and `entities`.
    counted: Option<&'static str>,
    /// What `status` and report say of it, in English and Korean.
    words: &'static [(&'static str, &'static str)],
}

impl Case {
    fn new(delivery: impl ToString, code: u64, state: Option<&'static str>) -> Self {
        let delivery = delivery.to_string();
        Self { delivery, code, state, reported: None, counted: None, words: &[] }
    }

    fn reported(self, code: &'static str, counted: &'static str) -> Self {
        Self { reported: Some(code), counted: Some(counted), ..self }
    }

    fn words(self, words: &'static [(&'static str, &'static str)]) -> Self {
        Self { words, ..self }
    }
}

/// The last `summary` of lines.
fn summary_of(lines: &[Value]) -> Value {
    lines.iter().rev().find_map(|line| line.get("summary")).expect("a summary").clone()
}

pub(super) fn lines_of(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// That all say the same of a delivery.
async fn agree(api: &Api, case: &Case) {
    let Case { delivery, code, state, reported, counted, words } = case;
    let path = format!("/api/v1/deliveries/{delivery}");
    let asked = json!({"delivery": delivery, "all": true});
    let status = post("/api/v1/status", &asked).over_socket().of(api).await;
    let verify = post("/api/v1/verify", &asked).over_socket().of(api).await;
    let (of_status, texts) = read(&status);
    let (of_verify, proof) = read(&verify);
    assert_eq!((of_status, of_verify), (*code, *code), "{delivery}: {texts:#?} {proof:#?}");

    let one = get(&path).over_socket().of(api).await.json();
    let report = lines_of(&get(&format!("{path}/report?lang=en")).over_socket().of(api).await);
    let items = lines_of(&get(&format!("{path}/items")).over_socket().of(api).await);
    let parts: Vec<Value> = frames(&status).into_iter().filter_map(|frame| frame.get("json").cloned()).collect();
    let summary = &one["summary"];
    for other in [summary_of(&report), summary_of(&items), summary_of(&parts)] {
        assert_eq!(&other, summary, "{delivery}");
    }
    let states = [(COMPLETE, "complete"), (REJECTED, "rejected"), (PENDING, "pending"), (DIFFERENT, "different")];
    assert!(states.contains(&(*code, summary["state"].as_str().unwrap())), "{summary}");
    let kinds = ["live", "failed", "pending", "dismissed", "moved", "unpublished", "superseded"];
    let sum: u64 = kinds.iter().map(|kind| summary[kind].as_u64().unwrap()).sum();
    assert_eq!(Some(sum), summary["photos"].as_u64(), "{summary}");
    if let Some(counted) = counted {
        assert_eq!((&summary["photos"], &summary[counted]), (&json!(1), &json!(1)), "{counted} {summary}");
    }

    let found = items.iter().find_map(|line| line.get("state")).and_then(Value::as_str);
    assert_eq!(found, *state, "{items:#?}");
    let lines: Vec<Line> = report.iter().filter_map(|line| serde_json::from_value(line.clone()).ok()).collect();
    assert_eq!(lines.first().map(|line| line.code.as_str()), *reported, "{report:#?}");
    let parsed = Report { lang: Lang::En, lines, summary: serde_json::from_value(summary.clone()).unwrap() };
    let by_lines = match parsed.state() {
        EntityState::Complete => COMPLETE,
        EntityState::Rejected => REJECTED,
        EntityState::Pending => PENDING,
        EntityState::Different => DIFFERENT,
    };
    assert_eq!(by_lines, *code, "{report:#?}");

    let csv = get(&format!("{path}/failed.csv?lang=ko")).over_socket().of(api).await.text;
    assert_eq!(
        csv.lines().nth(1).map(|row| row.contains(&format!(",{},", reported.unwrap_or_default()))),
        reported.map(|_| true)
    );
    for (lang, word) in words.iter().flat_map(|(english, korean)| [("en", english), ("ko", korean)]) {
        let text = get(&format!("{path}/report.txt?lang={lang}")).over_socket().of(api).await.text;
        let asked = json!({"delivery": delivery, "all": true, "lang": lang});
        let (_, status) = read(&post("/api/v1/status", &asked).over_socket().of(api).await);
        for said in [text, status.join("\n"), if lang == "ko" { csv.clone() } else { (*word).to_owned() }] {
            assert!(said.contains(word), "{delivery}: {word:?} is not in {said}");
        }
    }
}

/// A delivery a state, each reached by the road on which it is reached.
pub(super) async fn ended_cases(system: &System, api: &Api) -> Vec<Case> {
    let mut cases = Vec::new();
    let one = async |name: &str, content: &str| of_files(system, &[(name, content)]).await.id;

    let id = one("1_0.jpg", "good 1").await;
    put_as(system, "kim", "1_0.jpg", "good 1").await;
    cases.push(Case { counted: Some("live"), ..Case::new(id, COMPLETE, Some("registered")) });

    let id = one("2_0.jpg", "bad 2").await;
    put_as(system, "kim", "2_0.jpg", "bad 2").await;
    cases.push(Case::new(id, REJECTED, Some("rejected")).reported("file.corrupt", "failed"));

    let id = one("3_0.jpg", "good 3").await;
    cases.push(Case::new(id, DIFFERENT, Some("missing")).reported("upload.missing", "failed"));

    // A bad one over a good one: of that which is served, and of that which was rejected.
    let good = one("4_0.jpg", "good 4").await;
    put_as(system, "kim", "4_0.jpg", "good 4").await;
    system.drain().await;
    let bad = one("4_0.jpg", "bad 4").await;
    put_as(system, "lee", "4_0.jpg", "bad 4").await;
    let served: &[_] =
        &[("the last good original is being served", "이전의 정상 사진이 계속 게시됩니다"), ("lee", "lee")];
    cases.push(Case::new(&good, REJECTED, Some("replaced")).reported("upload.replaced", "failed").words(served));
    cases.push(Case::new(bad, REJECTED, Some("rejected")).reported("file.corrupt", "failed").words(&served[..1]));

    let id = one("5_0.jpg", "good 5").await;
    put_as(system, "kim", "5_0.jpg", "good 5").await;
    system.drain().await;
    put_as(system, "lee", "5_0.jpg", "good, and later").await;
    cases.push(
        Case::new(id, DIFFERENT, Some("replaced")).reported("upload.replaced", "failed").words(&[("lee", "lee")]),
    );

    let id = one("6_0.jpg", "good 6").await;
    put_as(system, "kim", "6_0.jpg", "good 6").await;
    system.drain().await;
    let store = system.embedded.acting_for(Actor::new("park"));
    let info = store.head(UPLOADS, "origin/eye/6_0.jpg").await.unwrap().unwrap();
    assert!(store.delete(UPLOADS, "origin/eye/6_0.jpg", &info.validator()).await.unwrap());
    cases.push(
        Case::new(id, DIFFERENT, Some("removed")).reported("upload.removed", "failed").words(&[("park", "park")]),
    );

    let id = one("7_0.jpg", "good 7").await;
    put_as(system, "kim", "7_0.jpg", "good 7").await;
    system.drain().await;
    let photos = [Relocation { from: "origin/eye/7_0.jpg".into(), to: "origin/nose/7_0.jpg".into() }];
    let (by, flow) = (Actor::new("choi"), system.worker().flow);
    for _ in 0..2 {
        advance(by.as_ref(), &flow, &photos, SystemClock.now()).await.unwrap();
        system.drain().await;
    }
    let moved: &[_] = &[("moved to nose at ", "nose 버티컬로 옮겨짐("), (" by choi", ", choi)")];
    cases.push(Case::new(id, COMPLETE, Some("moved")).reported("upload.moved", "moved").words(moved));

    let id = one("8_0.jpg", "good 8").await;
    put_as(system, "kim", "8_0.jpg", "good 8").await;
    system.drain().await;
    let (_, secret) = api.token("jung", Role::Operator, &["eye"]).await;
    let asked = json!({"vertical": "eye", "cd_idx": 8, "note": "초상권 요청"});
    let done = post("/api/v1/originals/unpublish", &asked).with(&secret).of(api).await.json();
    assert_eq!(done["moved"], json!(["origin/eye/8_0.jpg"]), "{done}");
    let down: &[_] = &[("taken down at ", "게시 중단됨("), (" by jung: 초상권 요청", ", jung): 초상권 요청")];
    cases.push(Case::new(id, COMPLETE, Some("unpublished")).reported("upload.unpublished", "unpublished").words(down));

    let id = one("9_0.jpg", "bad 9").await;
    put_as(system, "kim", "9_0.jpg", "bad 9").await;
    system.drain().await;
    let asked = json!({"keys": ["origin/eye/9_0.jpg"], "note": "agreed"});
    let done = post("/api/v1/originals/dismiss", &asked).with(&secret).of(api).await.json();
    assert_eq!(done["moved"], json!(["origin/eye/9_0.jpg"]), "{done}");
    let settled: &[_] = &[("dismissed at ", "정리됨("), (" by jung: agreed", ", jung): agreed")];
    cases.push(Case::new(id, COMPLETE, Some("dismissed")).reported("upload.dismissed", "dismissed").words(settled));
    // A bad one where the good one had been deleted: nothing is served, and whoever deleted it is named, also when the bad one is settled.
    let (gone, bad) = (one("14_0.jpg", "good 14").await, "origin/eye/14_0.jpg");
    put_as(system, "kim", "14_0.jpg", "good 14").await;
    system.drain().await;
    let info = store.head(UPLOADS, bad).await.unwrap().unwrap();
    assert!(store.delete(UPLOADS, bad, &info.validator()).await.unwrap());
    system.drain().await;
    put_as(system, "lee", "14_0.jpg", "bad 14").await;
    system.drain().await;
    let of_gone = || Case::new(&gone, DIFFERENT, Some("removed")).reported("upload.removed", "failed");
    agree(api, &of_gone().words(&[("park", "park")])).await;
    let asked = json!({"keys": [bad], "note": "agreed"});
    post("/api/v1/originals/dismiss", &asked).with(&secret).of(api).await.json();
    cases.push(of_gone().words(&[("park", "park")]));
    cases.extend(not_handed_over(system).await);
    cases.extend(dismissed_lines(system, api, &secret).await);
    system.drain().await;
    cases
}

/// What has no file that could be put away, and that somebody settled all the same.
async fn dismissed_lines(system: &System, api: &Api, secret: &TokenSecret) -> Vec<Case> {
    let left_out =
        |file: &str, code: &str| SkippedFile { file: file.into(), code: code.into(), ..SkippedFile::default() };
    let listed = |ids: &[u64]| Some(Expected { ids: ids.to_vec(), files: Vec::new() });
    let none = NewRecord::default;
    let skipped = vec![left_out("30-0.jpg", "name.unparseable")];
    let skipped = record(system, NewRecord { skipped, ..none() }).await.id;
    let promised = record(system, NewRecord { expected: listed(&[31]), ..none() }).await.id;
    let never_came = of_files(system, &[("32_0.jpg", "good 32")]).await.id;
    let unreadable = vec![left_out("list.csv", "list.unreadable"), left_out("list.csv", "list.unreadable")];
    let unreadable = record(system, NewRecord { skipped: unreadable, ..none() }).await.id;
    put_as(system, "kim", "33_0.jpg", "good 33").await;
    let files = vec![file("33_0.jpg", "good 33")];
    let unexpected = record(system, NewRecord { files, expected: listed(&[34]), ..none() }).await.id;
    let two = vec![left_out("35-0.jpg", "name.unparseable"), left_out("36-0.jpg", "name.unparseable")];
    let two = record(system, NewRecord { skipped: two, ..none() }).await.id;
    system.drain().await;
    for (delivery, some, open, count) in [
        (&skipped, json!({}), REJECTED, 1),
        (&promised, json!({"ids": [31]}), DIFFERENT, 1),
        (&never_came, json!({"keys": ["32_0.jpg"]}), DIFFERENT, 1),
        (&unreadable, json!({"reason": "list.unreadable"}), REJECTED, 1),
        (&unexpected, json!({}), DIFFERENT, 2),
        (&two, json!({"ids": [35]}), REJECTED, 1),
    ] {
        let mut asked = json!({"delivery": delivery.to_string(), "note": "agreed", "dry_run": true});
        asked.as_object_mut().unwrap().extend(some.as_object().unwrap().clone());
        for dry_run in [true, false] {
            asked["dry_run"] = dry_run.into();
            let (code, texts) =
                read(&post("/api/v1/status", &json!({"delivery": delivery.to_string()})).over_socket().of(api).await);
            assert_eq!(code, open, "nothing is settled yet: {texts:#?}");
            let answer = post("/api/v1/dismiss", &asked).with(secret).of(api).await;
            let done = frames(&answer)
                .into_iter()
                .find_map(|frame| Some(frame["json"]["summary"].as_object()?.clone()))
                .unwrap();
            let expected = (json!(count), json!(if dry_run { 0 } else { count }));
            assert_eq!((&done["found"], &done["dismissed"]), (&expected.0, &expected.1), "{delivery}: {}", answer.text);
        }
    }
    // What nobody knows of settles nothing, and somebody of another vertical sees nothing of it.
    let unknown = json!({"delivery": two.to_string(), "keys": ["nobody.jpg"], "note": "x"});
    assert_eq!(read(&post("/api/v1/dismiss", &unknown).with(secret).of(api).await).0, DIFFERENT);
    let (_, nose) = api.token("shin", Role::Operator, &["nose"]).await;
    let (code, _) = read(&post("/api/v1/dismiss", &json!({"delivery": two.to_string()})).with(&nose).of(api).await);
    assert_eq!(code, DIFFERENT);
    let (_, viewer) = api.token("bae", Role::Viewer, &["eye"]).await;
    let refused = post("/api/v1/dismiss", &json!({"delivery": two.to_string()})).with(&viewer).of(api).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let settled: &[_] = &[("dismissed at ", "정리됨("), (" by jung: agreed", ", jung): agreed")];
    let done =
        |id, counted| Case::new(id, COMPLETE, Some("dismissed")).reported("upload.dismissed", counted).words(settled);
    vec![
        done(&skipped, "dismissed"),
        done(&promised, "dismissed"),
        done(&never_came, "dismissed"),
        Case { counted: None, ..done(&unreadable, "dismissed") },
        Case { reported: Some("upload.dismissed"), ..Case::new(&unexpected, COMPLETE, Some("registered")) },
        Case { reported: Some("name.unparseable"), ..Case::new(&two, REJECTED, Some("dismissed")) },
    ]
}

/// A photo that was left out for its name is live when its very bytes are; of one whose content was refused any other will do.
#[tokio::test]
async fn what_was_left_out_is_settled_by_its_own_bytes() {
    let system = System::start().await;
    let api = over(&system).await;
    let md5 = |content: &str| Some(hex::encode(fast_md5::digest(content.as_bytes())));
    let left_out = |file: &str, (cd_idx, sequence), md5| SkippedFile {
        file: file.into(),
        code: "name.extension".into(),
        cd_idx: Some(cd_idx),
        sequence: Some(sequence),
        md5,
        ..SkippedFile::default()
    };
    let one = async |skipped: Vec<SkippedFile>| record(&system, NewRecord { skipped, ..NewRecord::default() }).await.id;
    let same = one(vec![left_out("1_0.JPG", (1, 0), md5("good 1"))]).await;
    let other = one(vec![left_out("2_0.JPG", (2, 0), md5("good 2"))]).await;
    let refused = one(vec![left_out("3_0.JPG", (3, 0), None)]).await;
    let two = vec![left_out("4_0.JPG", (4, 0), md5("good 4")), left_out("4_0.jpeg", (4, 0), md5("good 4 too"))];
    let two = one(two).await;
    // A copy beside the file that it is a copy of: nobody said what is in it.
    let files = vec![file("5_0.jpg", "good 5")];
    let skipped = vec![left_out("5_0 (1).jpg", (5, 0), None)];
    let copy = record(&system, NewRecord { files, skipped, ..NewRecord::default() }).await.id;
    put_as(&system, "lee", "5_0.jpg", "good 5").await;
    for (name, content) in
        [("1_0.jpg", "good 1"), ("2_0.jpg", "good, of somebody else"), ("3_0.jpg", "good 3"), ("4_0.jpg", "good 4 too")]
    {
        put_as(&system, "lee", name, content).await;
    }
    system.drain().await;
    for (delivery, code, photos) in
        [(&same, COMPLETE, 1), (&other, REJECTED, 1), (&refused, COMPLETE, 1), (&two, COMPLETE, 2)]
    {
        let reported = (code == REJECTED).then_some("name.extension");
        agree(&api, &Case { reported, ..Case::new(delivery, code, None) }).await;
        let summary =
            get(&format!("/api/v1/deliveries/{delivery}")).over_socket().of(&api).await.json()["summary"].clone();
        // Whatever became of it, it is one entity.
        assert_eq!((&summary["entities"], &summary["photos"]), (&json!(1), &json!(photos)), "{summary}");
    }
    let reported = Some("name.extension");
    agree(&api, &Case { reported, ..Case::new(&copy, REJECTED, Some("registered")) }).await;
}

/// What was left out, promised, or not promised.
async fn not_handed_over(system: &System) -> Vec<Case> {
    let skipped = SkippedFile {
        file: "10-0.jpg".into(),
        code: "name.unparseable".into(),
        cd_idx: None,
        sequence: None,
        detail: "the name".into(),
        detail_korean: None,
        ..SkippedFile::default()
    };
    let left_out = record(system, NewRecord { skipped: vec![skipped], ..NewRecord::default() }).await.id;
    let listed = |names: &[&str], ids: &[u64]| {
        let files = names.iter().map(|name| ExpectedFile { name: (*name).into(), sha256: None }).collect();
        Some(Expected { ids: ids.to_vec(), files })
    };
    let promised = record(system, NewRecord { expected: listed(&["11_3.jpg"], &[]), ..NewRecord::default() }).await.id;
    let number = record(system, NewRecord { expected: listed(&[], &[12]), ..NewRecord::default() }).await.id;
    let files = vec![file("13_0.jpg", "good 13")];
    let other = record(system, NewRecord { files, expected: listed(&[], &[12]), ..NewRecord::default() }).await.id;
    put_as(system, "kim", "13_0.jpg", "good 13").await;
    vec![
        Case::new(left_out, REJECTED, None).reported("name.unparseable", "failed"),
        Case::new(promised, DIFFERENT, None).reported("list.missing", "failed"),
        Case::new(number, DIFFERENT, None).reported("list.missing", "failed"),
        Case { reported: Some("list.missing"), ..Case::new(other, DIFFERENT, Some("registered")) },
    ]
}

#[tokio::test]
async fn everything_that_says_something_of_a_delivery_says_the_same() {
    let system = System::start().await;
    let api = over(&system).await;
    for case in ended_cases(&system, &api).await {
        agree(&api, &case).await;
    }
    // A dead letter, and what is still on its way.
    let dead = of_files(&system, &[("20_0.jpg", "good 20")]).await.id;
    put_as(&system, "kim", "20_0.jpg", "good 20").await;
    system.kill_message("poison").await;
    let case = Case::new(dead, REJECTED, Some("rejected")).reported("system.dead_letter", "failed");
    agree(&api, &case).await;
    let on_its_way = of_files(&system, &[("21_0.jpg", "good 21")]).await.id;
    put_as(&system, "kim", "21_0.jpg", "good 21").await;
    agree(&api, &Case::new(&on_its_way, PENDING, Some("received")).reported("upload.pending", "pending")).await;
    while system.worker().resize_once(std::time::Duration::ZERO).await.unwrap() > 0 {}
    agree(&api, &Case::new(&on_its_way, PENDING, Some("rendered")).reported("upload.pending", "pending")).await;
}

/// What nobody recorded: misnamed files are attributed as a check does it, and a delivery that is recorded later takes nothing away.
#[tokio::test]
async fn a_day_keeps_what_was_uploaded_on_it() {
    let system = System::start().await;
    let api = over(&system).await;
    for (name, content) in [
        ("1_0.jpg", "good 1"),
        ("2_0.jpg", "good 2"),
        ("12-0.jpg", "x"),
        ("１３_1.jpg", "x"),
        ("6.jpg", "x"),
        ("IMG.jpg", "x"),
    ] {
        put_as(&system, "kim", name, content).await;
    }
    system.drain().await;
    let day = format!("{}-day-eye", SystemClock.now().to_zoned(seoul()).date().strftime("%Y%m%d"));
    let path = format!("/api/v1/deliveries/{day}");
    agree(&api, &Case { reported: Some("name.unparseable"), ..Case::new(&day, REJECTED, Some("rejected")) }).await;
    let report = lines_of(&get(&format!("{path}/report")).over_socket().of(&api).await);
    let told: Vec<_> = report
        .iter()
        .filter(|line| line.get("file").is_some())
        .map(|line| (line["file"].as_str().unwrap(), line["cd_idx"].as_u64(), line["sequence"].as_u64()))
        .collect();
    let expected = [
        ("6.jpg", Some(6), None),
        ("12-0.jpg", Some(12), Some(0)),
        ("１３_1.jpg", Some(13), Some(1)),
        ("IMG.jpg", None, None),
    ];
    assert_eq!(told, expected);

    // The same photo is handed over with a record, and another one takes its place with that.
    let made = of_files(&system, &[("1_0.jpg", "good 1"), ("2_0.jpg", "good, and recorded")]).await.id;
    put_as(&system, "lee", "2_0.jpg", "good, and recorded").await;
    system.drain().await;
    agree(&api, &Case::new(&made, COMPLETE, Some("registered"))).await;
    let of_day = Case { reported: Some("name.unparseable"), ..Case::new(&day, REJECTED, Some("rejected")) };
    agree(&api, &of_day).await;
    let (_, texts) = read(&post("/api/v1/status", &json!({"delivery": day})).over_socket().of(&api).await);
    assert!(texts.contains(&format!("1_0.jpg: registered; taken over by delivery {made}")), "{texts:#?}");
    // What nobody recorded was replaced by what somebody did: it stays, and nothing is missing for it.
    let replaced = texts.iter().find(|text| text.starts_with("2_0.jpg: replaced by another upload at ")).unwrap();
    assert!(replaced.ends_with(&format!(" by lee, delivery {made}")), "{texts:#?}");
    let (_, proof) = read(&post("/api/v1/verify", &json!({"delivery": day})).over_socket().of(&api).await);
    assert!(proof.contains(replaced), "{proof:#?}");
    let text = get(&format!("{path}/report.txt?lang=en")).over_socket().of(&api).await.text;
    assert!(
        text.contains("uploaded without a delivery") && text.contains(&format!("recorded later, in {made}")),
        "{text}"
    );
}

/// As many that record the same at the same moment end with one delivery; whoever asks again gets it too.
#[tokio::test]
async fn the_same_content_is_one_delivery_however_many_record_it_at_once() {
    let system = System::start().await;
    let api = over(&system).await;
    let (_, secret) = api.token("kim", Role::Operator, &["eye"]).await;
    let file = file("1_0.jpg", "good 1");
    let body = json!({"vertical": "eye", "files": [file]});
    let asked = (0..16).map(|_| {
        let (body, secret, api) = (body.clone(), &secret, &api);
        async move { post("/api/v1/deliveries", &body).with(secret).of(api).await }
    });
    let answers = futures::future::join_all(asked).await;
    let created = answers.iter().filter(|answer| answer.status == StatusCode::CREATED).count();
    assert!(created == 1 && answers.iter().all(|answer| answer.status.is_success()), "{answers:#?}");
    let ids: std::collections::BTreeSet<String> =
        answers.iter().map(|answer| answer.json()["delivery"].to_string()).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    let again = post("/api/v1/deliveries", &body).with(&secret).of(&api).await;
    assert_eq!((again.status, ids.contains(&again.json()["delivery"].to_string())), (StatusCode::OK, true));
    let listed = get("/api/v1/deliveries").with(&secret).of(&api).await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
    let other = json!({"vertical": "eye", "files": [file], "skipped": [{"file": "2\n.jpg", "code": "file.empty"}]});
    let other = post("/api/v1/deliveries", &other).with(&secret).of(&api).await;
    assert_eq!(other.status, StatusCode::CREATED, "{}", other.text);
}
