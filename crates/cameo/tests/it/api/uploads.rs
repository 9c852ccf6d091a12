//! Addresses for uploads: who gets which, for what, and where they lead. What the endpoint makes of them is in `running_server`.

use cameo::serve::Service;

use super::*;

fn files(names: &[&str]) -> Value {
    let file = |name: &&str| json!({"name": name, "size": 1, "md5": hex::encode(fast_md5::digest(b"x"))});
    json!({"vertical": "eye", "files": names.iter().map(file).collect::<Vec<_>>()})
}

#[tokio::test]
async fn what_is_there_is_not_sent_and_what_is_not_gets_an_address() {
    let api = Api::new().await;
    let (token, secret) = api.token("kim", Role::Operator, &["eye"]).await;
    let asked = post("/api/v1/uploads", &files(&["1_0.jpg", "9_0.jpg", "9.jpg", ".DS_Store"])).with(&secret);
    let answer = asked.header("host", "cameo.example.com:9002").of(&api).await.json();
    let items = answer["items"].as_array().unwrap();
    let states: Vec<_> = items.iter().map(|item| item["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["present", "upload", "refused", "refused"], "{answer}");
    assert!(items[2]["hint"].as_str().unwrap().contains("9_0.jpg") && items[0]["url"].is_null());
    let url = items[1]["url"].as_str().unwrap();
    assert!(url.starts_with("http://cameo.example.com:9000/uploads/origin/eye/9_0.jpg?"), "{url}");
    assert!(url.contains("content-md5%3Bhost") && url.contains(&format!("token.kim.{}", token.id)), "{url}");
    let md5 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, fast_md5::digest(b"x"));
    assert_eq!(items[1]["headers"], json!({"content-md5": md5}));
    let ends: Timestamp = items[1]["expires"].as_str().unwrap().parse().unwrap();
    assert_eq!(ends, api.site.clock.now() + jiff::SignedDuration::from_hours(1));
    let mut other = files(&["1_0.jpg"]);
    other["files"][0]["md5"] = json!("0".repeat(32));
    let changed = post("/api/v1/uploads", &other).with(&secret).of(&api).await.json();
    assert_eq!(changed["items"][0]["state"], "upload", "another content under the same name");
}

#[tokio::test]
async fn an_address_ends_with_its_token_and_is_not_given_to_viewers() {
    let api = Api::new().await;
    let ends = api.site.clock.now() + jiff::SignedDuration::from_secs(60);
    let token = Token {
        expires: Some(ends),
        ..Token::new("short", Role::Operator, Verticals::All, "test", api.site.clock.now())
    };
    let secret = TokenSecret::generate();
    api.site.flow.catalog.add_token(&token, &secret.hash()).await.unwrap();
    let answer = post("/api/v1/uploads", &files(&["9_0.jpg"])).with(&secret).of(&api).await.json();
    assert_eq!(answer["items"][0]["expires"].as_str().unwrap().parse::<Timestamp>().unwrap(), ends);
    assert!(answer["items"][0]["url"].as_str().unwrap().contains("X-Amz-Expires=60"));
    let (_, viewer) = api.token("viewer", Role::Viewer, &[]).await;
    assert_eq!(post("/api/v1/uploads", &files(&["9_0.jpg"])).with(&viewer).of(&api).await.problem().0, 403);
    let local = post("/api/v1/uploads", &files(&["9_0.jpg"])).over_socket().of(&api).await.json();
    assert!(local["items"][0]["url"].as_str().unwrap().starts_with("http://127.0.0.1:9000/uploads/"));
}

#[tokio::test]
async fn whoever_has_keys_of_the_store_is_told_where_the_bucket_is_and_gets_no_address() {
    let api = Api::new().await;
    let (_, secret) = api.token("kim", Role::Operator, &["eye"]).await;
    let asked = get("/api/v1/uploads").with(&secret).header("host", "cameo.example.com:9002");
    let bucket = asked.of(&api).await.json();
    let wanted = json!({"bucket": "uploads", "endpoint": "http://cameo.example.com:9000", "region": "us-east-1"});
    assert_eq!(bucket, wanted);
    let mut direct = files(&["1_0.jpg", "9_0.jpg"]);
    direct["addresses"] = json!(false);
    let answer = post("/api/v1/uploads", &direct).with(&secret).of(&api).await.json();
    assert_eq!((&answer["items"][0]["state"], &answer["items"][1]["state"]), (&json!("present"), &json!("upload")));
    assert!(answer["items"][1]["url"].is_null() && answer["items"][1]["headers"] == json!({}), "{answer}");
    let (_, viewer) = api.token("viewer", Role::Viewer, &[]).await;
    assert_eq!(get("/api/v1/uploads").with(&viewer).of(&api).await.problem().0, 403);
    let service = Service { endpoint: None, region: Some("ap-northeast-2".into()) };
    for (public_url, endpoint) in
        [(None, Value::Null), (Some("https://s3.example".to_owned()), json!("https://s3.example"))]
    {
        let uploads = UploadAddresses::Store { public_url, service: service.clone() };
        let shared = Api { site: Site { uploads, ..api.site.clone() }, ..Api::new().await };
        let bucket = get("/api/v1/uploads").over_socket().of(&shared).await.json();
        assert_eq!(bucket, json!({"bucket": "uploads", "endpoint": endpoint, "region": "ap-northeast-2"}));
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let api = Api::new().await;
    let mut wrong = files(&["9_0.jpg"]);
    wrong["files"][0]["md5"] = json!("xyz");
    assert_eq!(post("/api/v1/uploads", &wrong).over_socket().of(&api).await.problem().0, 422);
    let many: Vec<_> = (0..1001).map(|n| format!("{n}_0.jpg")).collect();
    let many = files(&many.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(post("/api/v1/uploads", &many).over_socket().of(&api).await.problem().0, 422);
    let off = Api { site: Site { uploads: UploadAddresses::Off, ..api.site.clone() }, ..Api::new().await };
    let answer = post("/api/v1/uploads", &files(&["9_0.jpg"])).over_socket().of(&off).await;
    assert_eq!(answer.problem(), (503, "uploads.off".to_owned()));
    assert_eq!(get("/api/v1/uploads").over_socket().of(&off).await.problem(), (503, "uploads.off".to_owned()));
    let nothing = post("/api/v1/uploads", &files(&[])).over_socket().of(&off).await;
    assert_eq!(nothing.json(), json!({"items": [], "next": null}));
}
