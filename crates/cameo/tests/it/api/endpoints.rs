//! What each endpoint answers.

use std::time::Duration;

use super::*;

#[tokio::test]
async fn tokens_are_made_listed_and_revoked() {
    let api = Api::new().await;
    let expires = api.site.clock.now() + jiff::SignedDuration::from_hours(1);
    let new = json!({"name": "kim", "role": "operator", "verticals": ["eye"], "expires": expires});
    let made = post("/api/v1/tokens", &new).over_socket().of(&api).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let made = made.json();
    for field in ["name", "role", "verticals"] {
        assert_eq!(made[field], new[field]);
    }
    let secret = TokenSecret::parse(made["token"].as_str().unwrap()).unwrap();
    assert_eq!(get("/api/v1/whoami").with(&secret).of(&api).await.json()["id"], made["id"]);
    let again = post("/api/v1/tokens", &new).over_socket().of(&api).await;
    assert_eq!(again.problem(), (409, "token.name_taken".to_owned()));
    for (field, value) in [("name", json!("a b")), ("name", json!("local")), ("expires", json!("2001-01-01T00:00:00Z"))]
    {
        let mut wrong = json!({"name": "other", "role": "viewer"});
        wrong[field] = value;
        assert_eq!(post("/api/v1/tokens", &wrong).over_socket().of(&api).await.problem().0, 422, "{wrong}");
    }
    let listed = get("/api/v1/tokens").over_socket().of(&api).await;
    assert_eq!((listed.json()["items"].as_array().unwrap().len(), &listed.json()["next"]), (1, &Value::Null));
    assert!(!listed.text.contains(secret.expose()) && !listed.text.contains(secret.hash().as_str()));
    let revoke = || ask(Method::DELETE, "/api/v1/tokens/kim").header("x-cameo-client", "t").over_socket();
    assert_eq!(revoke().of(&api).await.json(), json!({"revoked": made["id"]}));
    assert_eq!(revoke().of(&api).await.problem(), (404, "not_found".to_owned()));
    assert_eq!(get("/api/v1/whoami").with(&secret).of(&api).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn tokens_are_listed_in_pages() {
    let api = Api::new().await;
    for n in 0..5 {
        api.token(&format!("t{n}"), Role::Viewer, &[]).await;
    }
    let (mut names, mut after) = (Vec::new(), String::new());
    loop {
        let page = get(&format!("/api/v1/tokens?limit=2&after={after}")).over_socket().of(&api).await.json();
        names.extend(page["items"].as_array().unwrap().iter().map(|token| token["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        next.clone_into(&mut after);
    }
    names.sort();
    assert_eq!(names, ["t0", "t1", "t2", "t3", "t4"]);
}

#[tokio::test]
async fn an_administrator_of_verticals_gives_nothing_that_they_have_not() {
    let api = Api::new().await;
    let (_, of_eye) = api.token("chief-of-eye", Role::Admin, &["eye"]).await;
    api.token("all", Role::Viewer, &[]).await;
    let make =
        |verticals: Value| post("/api/v1/tokens", &json!({"name": "new", "role": "viewer", "verticals": verticals}));
    for more in [Value::Null, json!(["nose"]), json!(["eye", "nose"])] {
        assert_eq!(make(more).with(&of_eye).of(&api).await.problem(), (403, "auth.vertical".to_owned()));
    }
    assert_eq!(make(json!(["eye"])).with(&of_eye).of(&api).await.status, StatusCode::CREATED);
    let names: Vec<_> = get("/api/v1/tokens").with(&of_eye).of(&api).await.json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|token| token["name"].clone())
        .collect();
    assert!(names.len() == 2 && !names.contains(&json!("all")), "{names:?}");
    let revoke = ask(Method::DELETE, "/api/v1/tokens/all").with(&of_eye).of(&api).await;
    assert_eq!(revoke.problem(), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn verticals_are_counted_and_those_of_others_are_not_seen() {
    let api = Api::new().await;
    let all = get("/api/v1/verticals").over_socket().of(&api).await.json();
    let eye = &all["items"][0];
    assert_eq!(eye["counts"], json!({"serving": 3, "rejected": 1, "ignored": 0, "removed": 0}));
    assert_eq!(
        (&eye["name"], &eye["size_set"], &eye["reasons"]),
        (&json!("eye"), &json!("default/1"), &json!({"file.truncated": 1}))
    );
    assert_eq!(eye["image_sizes"][0], json!({"name": "sq", "width": 320, "height": 320, "fit": "cover"}));
    assert_eq!(all["items"].as_array().unwrap().len(), 2);
    let first = get("/api/v1/verticals?limit=1").over_socket().of(&api).await.json();
    assert_eq!((&first["next"], first["items"].as_array().unwrap().len()), (&json!("eye"), 1));
    let second = get("/api/v1/verticals?limit=1&after=eye").over_socket().of(&api).await.json();
    assert_eq!((&second["items"][0]["name"], &second["next"]), (&json!("nose"), &Value::Null));
    let (_, secret) = api.token("of-nose", Role::Viewer, &["nose"]).await;
    let seen = get("/api/v1/verticals").with(&secret).of(&api).await.json();
    assert_eq!(seen["items"].as_array().unwrap().iter().map(|item| &item["name"]).collect::<Vec<_>>(), ["nose"]);
    let of_others = [
        get("/api/v1/entities?vertical=eye"),
        get("/api/v1/verticals/eye/entities"),
        get("/api/v1/verticals/eye/entities/1"),
    ];
    let (_, operator) = api.token("operator-of-nose", Role::Operator, &["nose"]).await;
    for asked in of_others {
        let path = asked.path.clone();
        let answer = asked.with(&secret).of(&api).await;
        assert_eq!(answer.problem(), (404, "not_found".to_owned()), "{path}");
        let absent = get(&path.replace("eye", "none")).with(&secret).of(&api).await;
        let told = answer.json()["detail"].as_str().unwrap().replace("may not see eye", "may not see none");
        assert_eq!(absent.json()["detail"], told, "{path}: nobody learns which of the two it is");
    }
    for (path, body) in [
        ("/api/v1/names/check", json!({"vertical": "eye", "names": []})),
        ("/api/v1/uploads", json!({"vertical": "eye", "files": []})),
    ] {
        assert_eq!(post(path, &body).with(&operator).of(&api).await.problem(), (404, "not_found".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn entities_come_in_pages_and_as_a_stream() {
    let api = Api::new().await;
    let more: Vec<_> = (10..40).map(|id| rendered(&format!("origin/eye/{id}_0.jpg"), 9, &["sq"])).collect();
    api.site.flow.catalog.register(&more).await.unwrap();
    let gone = [
        rendered("origin/eye/50_0.jpg", 9, &["sq"]),
        Outcome {
            generation: Generation::from_counter(10),
            fate: Fate::Removed,
            ..rendered("origin/eye/50_0.jpg", 9, &[])
        },
    ];
    api.site.flow.catalog.register(&gone).await.unwrap();
    let (mut ids, mut after, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page = get(&format!("/api/v1/entities?vertical=eye&limit=7&after={}", after.replace('`', "%60")))
            .over_socket()
            .of(&api)
            .await
            .json();
        ids.extend(page["items"].as_array().unwrap().iter().map(|item| item["cd_idx"].as_u64().unwrap()));
        pages += 1;
        let Some(next) = page["next"].as_str() else { break };
        next.clone_into(&mut after);
    }
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (1..=3).chain(10..40).collect::<Vec<_>>(), "each once");
    assert_eq!(pages, 5);
    let one = get("/api/v1/entities?vertical=eye").over_socket().of(&api).await.json();
    let first = one["items"].as_array().unwrap().iter().find(|item| item["cd_idx"] == 1).unwrap();
    assert_eq!((&first["photos"], &first["serving"], &first["rejected"]), (&json!(2), &json!(2), &json!(0)));
    let stream = get("/api/v1/verticals/eye/entities").over_socket().of(&api).await;
    assert_eq!(stream.headers[header::CONTENT_TYPE], "application/x-ndjson");
    let lines: Vec<Value> = stream.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.last().unwrap(), &json!({"summary": {"entities": 33, "photos": 34}}));
    assert_eq!(lines.iter().filter_map(|line| line["cd_idx"].as_u64()).collect::<Vec<_>>(), ids);
}

#[tokio::test]
async fn an_entity_has_its_photos_with_reasons_and_rows_and_a_tag() {
    let api = Api::new().await;
    let path = "/api/v1/verticals/eye/entities/1";
    let answer = get(path).over_socket().of(&api).await;
    let entity = answer.json();
    assert_eq!(entity["photos"].as_array().unwrap().len(), 2);
    let photo = &entity["photos"][0];
    assert_eq!(
        (&photo["state"], &photo["key"], &photo["reason"]),
        (&json!("serving"), &json!("origin/eye/1_0.jpg"), &Value::Null)
    );
    assert_eq!(
        photo["cells"][0],
        json!({"image_size": "sq", "image_url": "https://image.example/eye/sq/1_sq_0.jpg", "width": 320,
        "height": 320, "bytes": 1009, "etag": "sq-9"})
    );
    let etag = answer.headers[header::ETAG].to_str().unwrap().to_owned();
    let same = get(path).over_socket().header("if-none-match", &etag).of(&api).await;
    assert_eq!(
        (same.status, same.text.as_str(), &same.headers[header::ETAG]),
        (StatusCode::NOT_MODIFIED, "", &answer.headers[header::ETAG])
    );
    api.clock.advance(Duration::from_secs(1));
    api.site.flow.catalog.register(&[rendered("origin/eye/1_0.jpg", 10, &["sq", "ve"])]).await.unwrap();
    assert_eq!(get(path).over_socket().header("if-none-match", &etag).of(&api).await.status, StatusCode::OK);
    let rejected = get("/api/v1/verticals/eye/entities/2").over_socket().of(&api).await.json();
    let reason = &rejected["photos"][0]["reason"];
    let code = ReasonCode::FileTruncated;
    assert_eq!(
        (&reason["code"], &reason["detail"], &reason["owner"]),
        (&json!("file.truncated"), &json!("ends at byte 7"), &json!(code.owner().code()))
    );
    assert_eq!(reason["action"], json!({"ko": code.action_korean(), "en": code.action_english()}));
    for none in
        ["/api/v1/verticals/eye/entities/99", "/api/v1/verticals/eye/entities/0", "/api/v1/verticals/-/entities/1"]
    {
        assert_eq!(get(none).over_socket().of(&api).await.problem(), (404, "not_found".to_owned()), "{none}");
    }
}

#[tokio::test]
async fn names_are_checked_as_the_flow_reads_them() {
    let api = Api::new().await;
    let names = json!(["1234_0.jpg", "1234.jpg", "1234_0.JPG", ".DS_Store", "a/1_0.jpg", "일_0.jpg"]);
    let answer =
        post("/api/v1/names/check", &json!({"vertical": "eye", "names": names})).over_socket().of(&api).await.json();
    let items = answer["items"].as_array().unwrap();
    assert_eq!(
        items[0],
        json!({"name": "1234_0.jpg", "state": "photo", "cd_idx": 1234, "sequence": 0, "key": "origin/eye/1234_0.jpg", "hint": null, "hint_korean": null})
    );
    let states: Vec<_> = items.iter().map(|item| item["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["photo", "unparseable", "unparseable", "ignored", "unparseable", "unparseable"]);
    assert!(items[1]["hint"].as_str().unwrap().contains("1234_0.jpg") && items[1]["cd_idx"] == 1234);
    let many = vec!["1_0.jpg"; 1001];
    let refused = post("/api/v1/names/check", &json!({"vertical": "eye", "names": many})).over_socket().of(&api).await;
    assert_eq!(refused.problem(), (422, "request.invalid".to_owned()));
}
