//! Who is let in: over the socket, before there are tokens, with one; by role and by vertical; and who is not.

use std::time::Duration;

use super::*;

const WHOAMI: &str = "/api/v1/whoami";

#[tokio::test]
async fn over_the_socket_nobody_needs_a_token() {
    let api = Api::new().await;
    let answer = get(WHOAMI).over_socket().of(&api).await;
    let version = env!("CARGO_PKG_VERSION");
    let local =
        json!({"name": "local", "id": null, "role": "admin", "verticals": null, "expires": null, "version": version});
    assert_eq!(answer.json(), local);
    api.token("ci", Role::Viewer, &[]).await;
    assert_eq!(get(WHOAMI).over_socket().of(&api).await.status, StatusCode::OK);
}

#[tokio::test]
async fn before_there_is_a_token_only_this_machines_own_clients_are_let_in() {
    let api = Api::new().await;
    let answer = get(WHOAMI).from(LOOPBACK).of(&api).await;
    assert_eq!((answer.status, &answer.json()["name"]), (StatusCode::OK, &json!("loopback")));
    assert_eq!(get(WHOAMI).from("[::1]:7").of(&api).await.status, StatusCode::OK);
    let refused = get(WHOAMI).of(&api).await;
    assert_eq!(refused.problem(), (401, "auth.required".to_owned()));
    assert!(refused.text.contains("cameo token create") && refused.headers.contains_key("www-authenticate"));
    assert_eq!(Ask { peer: None, ..get(WHOAMI) }.of(&api).await.status, StatusCode::UNAUTHORIZED);
    for proxied in ["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-real-ip", "via"] {
        let answer = get(WHOAMI).from(LOOPBACK).header(proxied, "for=192.0.2.1").of(&api).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{proxied}");
    }
    let (_, secret) = api.token("ci", Role::Viewer, &[]).await;
    assert_eq!(get(WHOAMI).from(LOOPBACK).of(&api).await.status, StatusCode::UNAUTHORIZED, "from the first token on");
    assert_eq!(get(WHOAMI).with(&secret).of(&api).await.status, StatusCode::OK);
    let id = api.site.flow.catalog.find_token("ci").await.unwrap().unwrap().id;
    api.site.flow.catalog.revoke_token(&id, api.site.clock.now()).await.unwrap();
    let fresh = Site { door: Door::default(), ..api.site.clone() };
    let answer = get(WHOAMI).from(LOOPBACK).at(router(fresh)).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "a server whose last token was revoked stays shut");
}

/// security.md: requests of a browser's page to a loopback listener (CSRF), and names that lead to it (DNS rebinding).
#[tokio::test]
async fn a_web_page_of_somebody_elses_gets_nothing_without_a_token() {
    let api = Api::new().await;
    let new = json!({"name": "evil", "role": "admin"});
    let from_page = |asked: Ask, origin: &str| asked.from(LOOPBACK).header("origin", origin);
    let cross = from_page(post("/api/v1/tokens", &new), "https://evil.example").of(&api).await;
    assert_eq!(cross.problem(), (403, "request.origin".to_owned()));
    for site in ["cross-site", "same-site"] {
        let answer = get(WHOAMI).from(LOOPBACK).header("sec-fetch-site", site).of(&api).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{site}");
    }
    let plain = post("/api/v1/tokens", &new).from(LOOPBACK).header("content-type", "text/plain").of(&api).await;
    assert_eq!(plain.problem(), (403, "request.origin".to_owned()));
    let none = ask(Method::DELETE, "/api/v1/tokens/ci").from(LOOPBACK).of(&api).await;
    assert_eq!(none.problem(), (403, "request.origin".to_owned()));
    let rebound = get(WHOAMI).from(LOOPBACK).header("host", "evil.example:9002").of(&api).await;
    assert_eq!(rebound.problem(), (421, "request.host".to_owned()));
    let (_, secret) = api.token("ci", Role::Viewer, &[]).await;
    let named = get(WHOAMI).header("host", "cameo.example.com").with(&secret).of(&api).await;
    assert_eq!(named.status, StatusCode::OK, "a token is let in under any name");
    let wrong =
        get(WHOAMI).from(LOOPBACK).header("host", "evil.example").header("authorization", "Bearer x").of(&api).await;
    assert_eq!(wrong.problem(), (401, "auth.unknown_token".to_owned()));
}

#[tokio::test]
async fn a_token_is_refused_once_it_is_revoked_or_has_expired() {
    let api = Api::new().await;
    let (token, secret) = api.token("ci", Role::Viewer, &[]).await;
    assert_eq!(get(WHOAMI).with(&secret).of(&api).await.json()["name"], "ci");
    api.site.flow.catalog.revoke_token(&token.id, api.site.clock.now()).await.unwrap();
    assert_eq!(get(WHOAMI).with(&secret).of(&api).await.problem(), (401, "auth.revoked".to_owned()));
    let secret = TokenSecret::generate();
    let ends = api.site.clock.now() + jiff::SignedDuration::from_mins(1);
    let token = Token {
        expires: Some(ends),
        ..Token::new("short", Role::Viewer, Verticals::All, "test", api.site.clock.now())
    };
    api.site.flow.catalog.add_token(&token, &secret.hash()).await.unwrap();
    assert_eq!(get(WHOAMI).with(&secret).of(&api).await.status, StatusCode::OK);
    api.clock.advance(Duration::from_mins(1));
    assert_eq!(get(WHOAMI).with(&secret).of(&api).await.problem(), (401, "auth.expired".to_owned()));
}

#[tokio::test]
async fn wrong_tokens_are_refused_and_a_right_one_is_let_in_beside_any_number_of_them() {
    let api = Api::new().await;
    let (_, secret) = api.token("ci", Role::Viewer, &[]).await;
    let unknown = TokenSecret::generate();
    for wrong in [
        format!("Bearer {}", unknown.expose()),
        format!("Basic {}", secret.expose()),
        format!("Bearer {}x", secret.expose()),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        String::new(),
    ] {
        let answer = get(WHOAMI).from(LOOPBACK).header("authorization", &wrong).of(&api).await;
        assert_eq!(answer.problem(), (401, "auth.unknown_token".to_owned()), "{wrong}");
    }
    let doubled = Ask {
        headers: vec![
            ("host".into(), "127.0.0.1".into()),
            ("authorization".into(), format!("Bearer {}", secret.expose())),
            ("authorization".into(), format!("Bearer {}", unknown.expose())),
        ],
        ..get(WHOAMI)
    };
    assert_eq!(doubled.of(&api).await.status, StatusCode::UNAUTHORIZED, "one of two headers must not decide");
}

#[tokio::test(start_paused = true)]
async fn an_address_with_too_many_wrong_tokens_waits_and_others_do_not() {
    let api = Api::new().await;
    let (_, secret) = api.token("ci", Role::Viewer, &[]).await;
    let wrong = || get(WHOAMI).header("authorization", "Bearer cameo_x");
    let mut statuses = Vec::new();
    for _ in 0..60 {
        statuses.push(wrong().of(&api).await.status.as_u16());
    }
    assert_eq!((statuses[0], statuses[59]), (401, 429), "{statuses:?}");
    assert_eq!(wrong().of(&api).await.problem(), (429, "auth.throttled".to_owned()));
    assert_eq!(wrong().from("192.0.2.8:1").of(&api).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(get(WHOAMI).with(&secret).of(&api).await.status, StatusCode::OK, "from the same address");
}

#[tokio::test]
async fn the_use_of_a_token_is_noted_once_a_minute() {
    let api = Api::new().await;
    let (token, secret) = api.token("ci", Role::Viewer, &[]).await;
    let last_used = async || api.site.flow.catalog.find_token(&token.id).await.unwrap().unwrap().last_used;
    let first = api.site.clock.now();
    for _ in 0..3 {
        get(WHOAMI).with(&secret).of(&api).await;
        assert_eq!(last_used().await, Some(first));
        api.clock.advance(Duration::from_secs(20));
    }
    get(WHOAMI).with(&secret).of(&api).await;
    assert_eq!(last_used().await, Some(api.site.clock.now()));
}

/// The older paths have the same door, and keep their header.
#[tokio::test]
async fn changes_of_the_older_paths_need_a_role_and_their_verticals() {
    let api = Api::new().await;
    let (_, viewer) = api.token("viewer", Role::Viewer, &[]).await;
    let (_, operator) = api.token("operator", Role::Operator, &[]).await;
    let (_, of_eye) = api.token("of-eye", Role::Admin, &["eye"]).await;
    let change = |path: &str, key: &str| post(path, &json!({"keys": [key]})).header("x-cameo-client", "test");
    let (eye, nose) = ("origin/eye/1_0.jpg", "origin/nose/1_0.jpg");
    let status = async |asked: Ask| asked.of(&api).await.status.as_u16();
    assert_eq!(status(change("/api/requeue", eye)).await, 401);
    assert_eq!(status(change("/api/requeue", eye).from(LOOPBACK)).await, 401);
    assert_eq!(status(change("/api/requeue", eye).over_socket()).await, 200);
    assert_eq!(status(change("/api/requeue", eye).with(&viewer)).await, 403);
    assert_eq!(status(change("/api/requeue", eye).with(&operator)).await, 200);
    for path in ["/api/take-down", "/api/remove-absent", "/api/rewrite-urls"] {
        assert_eq!(status(change(path, eye).with(&operator)).await, 403, "{path}");
    }
    for path in ["/api/requeue", "/api/remove-absent", "/api/rewrite-urls"] {
        assert_eq!(status(change(path, eye).with(&of_eye)).await, 200, "{path}");
        assert_eq!(status(change(path, nose).with(&of_eye)).await, 403, "{path}");
        assert_eq!(status(change(path, "elsewhere/1_0.jpg").with(&of_eye)).await, 403, "{path}");
    }
    assert_eq!(status(change("/api/take-down", "nose/sq/1_sq_0.jpg").with(&of_eye)).await, 403);
    assert_eq!(status(change("/api/take-down", "no-such-thing").with(&of_eye)).await, 403);
    let letters =
        |queue: &str| post("/api/redrive", &json!({"queue": queue, "ids": ["1"]})).header("x-cameo-client", "test");
    assert_eq!(status(letters("events").with(&of_eye)).await, 403, "a letter that is not there is none of its own");
    assert_eq!(status(letters("events").with(&operator)).await, 200);
    let headerless = post("/api/requeue", &json!({"keys": [eye]})).with(&operator);
    assert_eq!(status(headerless).await, 403);
    assert_eq!(status(get("/api/health")).await, 200, "health is asked by monitors");
}

#[tokio::test]
async fn the_audit_trail_names_the_token_and_the_request() {
    let api = Api::new().await;
    let (_, secret) = api.token("kim", Role::Admin, &[]).await;
    let asked =
        post("/api/v1/tokens", &json!({"name": "new", "role": "viewer"})).header("x-request-id", "my-request.1");
    assert_eq!(asked.with(&secret).of(&api).await.status, StatusCode::CREATED);
    let line: Value = serde_json::from_str(&api.audit.next().unwrap().text).unwrap();
    assert_eq!(
        (&line["event"], &line["actor"], &line["request_id"]),
        (&json!("change"), &json!("kim"), &json!("my-request.1"))
    );
    assert!(line["key"].as_str().unwrap().starts_with("token new (") && !line.to_string().contains("cameo_"), "{line}");
    get(WHOAMI).of(&api).await;
    let line: Value = serde_json::from_str(&api.audit.next().unwrap().text).unwrap();
    assert_eq!((&line["event"], &line["actor"], &line["status"]), (&json!("refusal"), &Value::Null, &json!(401)));
}

#[tokio::test]
async fn every_answer_has_an_id_and_a_clients_own_is_kept_if_it_is_sane() {
    let api = Api::new().await;
    let id = async |asked: Ask| asked.of(&api).await.headers["x-request-id"].to_str().unwrap().to_owned();
    let long = "x".repeat(64);
    for kept in ["abc-1_2.3", long.as_str()] {
        assert_eq!(id(get(WHOAMI).header("x-request-id", kept)).await, kept);
    }
    let longer = "x".repeat(65);
    for sent in ["", "a b", "a\"b", "<script>", longer.as_str()] {
        let made = id(get(WHOAMI).header("x-request-id", sent)).await;
        assert!(made != sent && made.len() == 16, "{made}");
    }
    assert_eq!(id(get("/api/health")).await.len(), 16);
}

#[tokio::test]
async fn pages_of_other_origins_are_answered_where_they_are_configured() {
    let api = Api::new().await;
    let (_, secret) = api.token("ci", Role::Viewer, &[]).await;
    let page = |asked: Ask| asked.header("origin", "https://admin.example.com").header("host", "cameo.example.com");
    let preflight = || page(ask(Method::OPTIONS, WHOAMI)).header("access-control-request-method", "GET");
    let off = page(get(WHOAMI)).with(&secret).of(&api).await;
    assert!(!off.headers.contains_key("access-control-allow-origin"));
    assert!(!preflight().of(&api).await.headers.contains_key("access-control-allow-origin"));
    let cors = Cors::new(&["https://admin.example.com".to_owned()]).unwrap();
    let api = Api { site: Site { cors, ..api.site }, ..api };
    let on = page(get(WHOAMI)).with(&secret).of(&api).await;
    assert_eq!(on.headers["access-control-allow-origin"], "https://admin.example.com");
    let asked = preflight().of(&api).await;
    assert_eq!(asked.headers["access-control-allow-origin"], "https://admin.example.com");
    assert!(asked.headers["access-control-allow-headers"].to_str().unwrap().contains("authorization"));
    let other = get(WHOAMI).with(&secret).header("origin", "https://evil.example").of(&api).await;
    assert!(!other.headers.contains_key("access-control-allow-origin"));
    assert!(!on.headers.contains_key("access-control-allow-credentials"));
    let refused = page(get(WHOAMI)).of(&api).await;
    assert_eq!(refused.status, StatusCode::MISDIRECTED_REQUEST);
}
