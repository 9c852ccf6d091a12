//! Webhooks through the API: who may, what is refused, and what is shown.

use cameo::clock::Clock;

use super::*;

fn body(url: &str) -> Value {
    json!({ "url": url, "description": "접수", "events": ["original.rejected"], "verticals": ["eye"] })
}

fn patch(path: &str, body: &Value) -> Ask {
    let asked = ask(Method::PATCH, path).header("content-type", "application/json");
    Ask { body: Some(body.to_string()), ..asked }
}

const HTTPS: &str = "https://receiver.example/in?key=hidden";

#[tokio::test]
async fn an_endpoint_is_made_shown_changed_and_removed() {
    let api = Api::new().await;
    let (_, admin) = api.token("kim", Role::Admin, &[]).await;
    let made = post("/api/v1/webhooks", &body(HTTPS)).with(&admin).of(&api).await;
    assert_eq!(made.status, StatusCode::CREATED);
    let made = made.json();
    let (id, secret) = (made["id"].as_str().unwrap().to_owned(), made["secret"].as_str().unwrap().to_owned());
    assert!(id.starts_with("wh_") && secret.starts_with("whsec_"));
    assert_eq!((&made["created_by"], &made["pending"], &made["disabled_at"]), (&json!("kim"), &json!(0), &Value::Null));
    let path = format!("/api/v1/webhooks/{id}");
    let mut shown = made.clone();
    shown.as_object_mut().unwrap().remove("secret");
    assert_eq!(get(&path).with(&admin).of(&api).await.json(), shown);
    assert_eq!(get("/api/v1/webhooks").with(&admin).of(&api).await.json(), json!({ "items": [shown], "next": null }));

    let changed = patch(&path, &json!({ "events": null, "disabled": true })).with(&admin).of(&api).await.json();
    assert_eq!((&changed["events"], &changed["verticals"]), (&Value::Null, &json!(["eye"])), "what is left out stays");
    assert_eq!((&changed["disabled_because"], &changed["url"]), (&json!("person"), &json!(HTTPS)));
    let enabled = patch(&path, &json!({ "disabled": false })).with(&admin).of(&api).await.json();
    assert_eq!(enabled["disabled_at"], Value::Null);

    let rotated = post(&format!("{path}/secret"), &json!({})).with(&admin).of(&api).await.json();
    assert_ne!(rotated["secret"], json!(secret));
    assert!(rotated["old_secret_until"].is_string());
    let at_once = post(&format!("{path}/secret"), &json!({ "at_once": true })).with(&admin).of(&api).await.json();
    assert_eq!(at_once["old_secret_until"], Value::Null);

    for list in ["attempts", "messages"] {
        let page = get(&format!("{path}/{list}")).with(&admin).of(&api).await.json();
        assert_eq!(page, json!({ "items": [], "next": null }));
    }
    assert_eq!(
        get(&format!("{path}/attempts?after=x")).with(&admin).of(&api).await.problem(),
        (422, "request.invalid".to_owned())
    );
    let replayed = post(&format!("{path}/replay"), &json!({ "since": "2020-01-01T00:00:00Z" })).with(&admin);
    assert_eq!(replayed.of(&api).await.json(), json!({ "messages": 0 }));
    for (asked, problem) in [
        (json!({}), (422, "request.invalid")),
        (json!({ "message": "msg_a", "since": "2020-01-01T00:00:00Z" }), (422, "request.invalid")),
        (json!({ "message": "msg_a" }), (404, "not_found")),
    ] {
        let refused = post(&format!("{path}/replay"), &asked).with(&admin).of(&api).await;
        assert_eq!(refused.problem(), (problem.0, problem.1.to_owned()), "{asked}");
    }
    let removed = ask(Method::DELETE, &path).with(&admin).of(&api).await.json();
    assert_eq!(removed, json!({ "removed": id }));
    assert_eq!(get(&path).with(&admin).of(&api).await.problem(), (404, "not_found".to_owned()));

    // Who changed what, and nothing that is to be kept secret.
    let lines = audit_of(api);
    let of_webhook: Vec<&String> = lines.iter().filter(|line| line.contains(&format!("webhook {id}"))).collect();
    assert_eq!(of_webhook.len(), 7, "{lines:#?}");
    assert!(of_webhook.iter().all(|line| line.contains("\"kim\"")), "{of_webhook:#?}");
    assert!(lines.iter().all(|line| !line.contains("whsec_") && !line.contains("hidden")), "{lines:#?}");
}

#[tokio::test]
async fn what_cannot_be_sent_to_is_refused() {
    let api = Api::new().await;
    let (_, admin) = api.token("kim", Role::Admin, &[]).await;
    let mut succeeded = Vec::new();
    for url in [
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://0/",
        "https://2130706433/",
        "http://receiver.example/",
        "https://user:password@receiver.example/",
        "ftp://receiver.example/",
        "receiver.example",
        "",
    ] {
        let refused = post("/api/v1/webhooks", &body(url)).with(&admin).of(&api).await;
        if refused.problem() != (422, "webhook.invalid".to_owned()) {
            succeeded.push(url);
        }
        let made = post("/api/v1/webhooks", &body(HTTPS)).with(&admin).of(&api).await.json();
        let path = format!("/api/v1/webhooks/{}", made["id"].as_str().unwrap());
        let changed = patch(&path, &json!({ "url": url })).with(&admin).of(&api).await;
        if changed.status.is_success() {
            succeeded.push(url);
        }
    }
    assert_eq!(succeeded, Vec::<&str>::new());
    for wrong in [
        json!({ "url": HTTPS, "events": [] }),
        json!({ "url": HTTPS, "events": ["image.lost"] }),
        json!({ "url": HTTPS, "verticals": [] }),
        json!({ "url": HTTPS, "description": "x".repeat(501) }),
        json!({ "url": HTTPS, "secret": "whsec_mine" }),
        json!({}),
    ] {
        assert_eq!(post("/api/v1/webhooks", &wrong).with(&admin).of(&api).await.status, 422, "{wrong}");
    }
    // So many, and no more.
    let mut there = get("/api/v1/webhooks").with(&admin).of(&api).await.json()["items"].as_array().unwrap().len();
    while there < 50 {
        assert_eq!(post("/api/v1/webhooks", &body(HTTPS)).with(&admin).of(&api).await.status, 201);
        there += 1;
    }
    let refused = post("/api/v1/webhooks", &body(HTTPS)).with(&admin).of(&api).await;
    assert_eq!(refused.problem(), (409, "webhook.too_many".to_owned()));
}

#[tokio::test]
async fn an_administrator_of_a_vertical_has_the_webhooks_of_it_and_no_others() {
    let api = Api::new().await;
    let (_, all) = api.token("kim", Role::Admin, &[]).await;
    let (_, eye) = api.token("lee", Role::Admin, &["eye"]).await;
    let (_, nose) = api.token("choi", Role::Admin, &["nose"]).await;
    let made = |verticals: Value| post("/api/v1/webhooks", &json!({ "url": HTTPS, "verticals": verticals }));
    let mut ids = Vec::new();
    for verticals in [Value::Null, json!(["eye"]), json!(["nose"]), json!(["eye", "nose"])] {
        ids.push(made(verticals).with(&all).of(&api).await.json()["id"].as_str().unwrap().to_owned());
    }
    for verticals in [Value::Null, json!(["nose"]), json!(["eye", "nose"])] {
        let refused = made(verticals.clone()).with(&eye).of(&api).await;
        assert_eq!(refused.problem(), (403, "auth.vertical".to_owned()), "{verticals}");
    }
    let seen = get("/api/v1/webhooks").with(&eye).of(&api).await.json();
    let seen: Vec<&str> = seen["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(seen, [ids[1].as_str()]);
    for (secret, own) in [(&eye, 1), (&nose, 2)] {
        for (at, id) in ids.iter().enumerate().filter(|(at, _)| *at != own) {
            let path = format!("/api/v1/webhooks/{id}");
            for asked in [
                get(&path),
                patch(&path, &json!({ "disabled": true })),
                ask(Method::DELETE, &path),
                post(&format!("{path}/secret"), &json!({})),
                post(&format!("{path}/test"), &json!({})),
                post(&format!("{path}/replay"), &json!({ "since": "2020-01-01T00:00:00Z" })),
                get(&format!("{path}/attempts")),
                get(&format!("{path}/messages")),
            ] {
                assert_eq!(asked.with(secret).of(&api).await.problem(), (404, "not_found".to_owned()), "{at}");
            }
        }
    }
    // Nor may they widen their own.
    let own = format!("/api/v1/webhooks/{}", ids[1]);
    let refused = patch(&own, &json!({ "verticals": null })).with(&eye).of(&api).await;
    assert_eq!(refused.problem(), (403, "auth.vertical".to_owned()));
    assert_eq!(get(&own).with(&eye).of(&api).await.status, StatusCode::OK);
}

#[tokio::test]
async fn one_that_fails_is_shown_to_those_who_may_repair_it() {
    let api = Api::new().await;
    let (_, admin) = api.token("kim", Role::Admin, &[]).await;
    let (_, viewer) = api.token("lee", Role::Viewer, &[]).await;
    let made = post("/api/v1/webhooks", &body(HTTPS)).with(&admin).of(&api).await.json();
    let id = made["id"].as_str().unwrap();
    let troubles = async |secret| get("/api/v1/health").with(secret).of(&api).await.json()["webhooks"].clone();
    assert_eq!(troubles(&admin).await, json!([]));
    let health = cameo::model::webhook::WebhookHealth {
        failing_since: Some(api.clock.now()),
        last_error: Some("the answer is 500".to_owned()),
        ..Default::default()
    };
    api.site.flow.catalog.note_webhook_health(id, &health).await.unwrap();
    let found = troubles(&admin).await;
    assert_eq!((&found[0]["webhook"], &found[0]["last_error"]), (&json!(id), &json!("the answer is 500")));
    assert_eq!(troubles(&viewer).await, json!([]));
}

/// The lines of the audit trail, which ends with the site.
fn audit_of(api: Api) -> Vec<String> {
    let Api { site, audit, .. } = api;
    drop(site);
    std::iter::from_fn(|| audit.next()).map(|line| line.text).collect()
}
