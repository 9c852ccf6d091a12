//! The document of the API and the API itself: every route is in it, everything in it exists, and each operation needs the role that it names.

use std::{collections::BTreeSet, fs, path::Path};

use super::*;

/// Method, path with its parameters filled in, and the role that is documented.
fn operations() -> Vec<(Method, String, Role)> {
    let document = serde_json::to_value(cameo::serve::api::v1::openapi()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let filled = path.replace("{vertical}", "eye").replace("{cd_idx}", "1").replace("{sequence}", "0");
        let filled = filled
            .replace("{token}", "none")
            .replace("{webhook}", "none")
            .replace("{account}", "none")
            .replace("{session}", "none");
        for (method, operation) in item.as_object().unwrap() {
            if operation["security"] == json!([{}]) {
                continue;
            }
            let role = operation["security"][0]["token"][0]
                .as_str()
                .unwrap_or_else(|| panic!("{method} {path} names no role"));
            let method = method.to_ascii_uppercase().parse().unwrap();
            operations.push((method, filled.clone(), role.parse().unwrap()));
        }
    }
    assert!(operations.len() >= 10, "{operations:?}");
    operations
}

/// Whatever is asked for: what is wrong with it is found out behind the door.
fn asked(method: &Method, path: &str) -> Ask {
    if *method == Method::POST { post(path, &json!({})) } else { ask(method.clone(), path) }
}

#[tokio::test]
async fn every_documented_operation_exists_and_needs_its_role() {
    let api = Api::new().await;
    let mut secrets = Vec::new();
    for role in Role::ALL {
        secrets.push((role, api.token(role.as_str(), role, &[]).await.1));
    }
    for (method, path, needed) in operations() {
        let refused = asked(&method, &path).of(&api).await;
        assert_eq!(refused.problem(), (401, "auth.required".to_owned()), "{method} {path}");
        for (role, secret) in &secrets {
            let answer = asked(&method, &path).with(secret).of(&api).await;
            if *role < needed {
                assert_eq!(answer.problem(), (403, "auth.role".to_owned()), "{method} {path} as {role}");
                continue;
            }
            let status = answer.status;
            let is_there = status != StatusCode::METHOD_NOT_ALLOWED && !answer.text.contains("no such path");
            assert!(
                is_there && status != StatusCode::FORBIDDEN && !status.is_server_error(),
                "{method} {path}: {answer:?}"
            );
        }
    }
}

/// What a token may ask for, a session may, and what needs neither is what logs in.
#[tokio::test]
async fn only_logging_in_needs_nobody() {
    let document = serde_json::to_value(cameo::serve::api::v1::openapi()).unwrap();
    let mut open = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let security = operation["security"].as_array().unwrap();
            if *security == [json!({})] {
                open.insert(format!("{method} {path}"));
                continue;
            }
            assert_eq!(security.len(), 2, "{method} {path}");
            assert_eq!(security[0]["token"], security[1]["session"], "{method} {path}");
        }
    }
    let expected = [
        "post /api/v1/session",
        "post /api/v1/session/link",
        "post /api/v1/session/link/check",
        "get /api/v1/session/oidc",
        "post /api/v1/session/oidc",
        "post /api/v1/session/oidc/callback",
    ];
    assert_eq!(open, expected.map(str::to_owned).into());
    let schemes = &document["components"]["securitySchemes"];
    assert_eq!((&schemes["session"]["in"], &schemes["session"]["name"]), (&json!("cookie"), &json!("__Host-cameo")));
}

/// utoipa documents what `routes!` names, so nothing may be routed beside it; and each handler takes who asks.
#[test]
fn every_route_is_documented_and_every_handler_takes_who_asks() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/serve/api/v1");
    let mut handlers = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let beside = text.matches(".route(").count();
        let expected = usize::from(path.ends_with("mod.rs"));
        assert_eq!(
            beside,
            expected,
            "{}: only the answer to unknown paths is routed beside the document",
            path.display()
        );
        for block in text.split("#[utoipa::path(").skip(1) {
            let takes = ["Viewer", "Operator", "Admin", "Anybody"]
                .iter()
                .any(|who| block.contains(&format!(": {who},")) || block.contains(&format!(": {who})")));
            assert!(takes, "{}: a handler without Viewer, Operator, Admin or Anybody:\n{block}", path.display());
            handlers.insert(
                block.split("operation_id = \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned(),
            );
        }
    }
    let document = serde_json::to_value(cameo::serve::api::v1::openapi()).unwrap();
    let documented: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|item| item.as_object().unwrap().values())
        .map(|operation| operation["operationId"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(documented, handlers);
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["components"]["securitySchemes"]["token"]["scheme"], "bearer");
    assert!(document["components"]["schemas"]["ProblemBody"].is_object());
}

#[tokio::test]
async fn the_document_is_served_to_every_role() {
    let api = Api::new().await;
    let (_, secret) = api.token("ci", Role::Viewer, &[]).await;
    assert_eq!(get("/api/v1/openapi.json").of(&api).await.status, StatusCode::UNAUTHORIZED);
    let served = get("/api/v1/openapi.json").with(&secret).of(&api).await;
    assert_eq!(served.json(), serde_json::to_value(cameo::serve::api::v1::openapi()).unwrap());
}

#[tokio::test]
async fn every_error_is_a_problem_document() {
    let api = Api::new().await;
    let problem = async |asked: Ask| asked.over_socket().of(&api).await.problem();
    let expected = |status: u16, code: &str| (status, code.to_owned());
    assert_eq!(problem(get("/api/v1/none")).await, expected(404, "not_found"));
    assert_eq!(problem(get("/api/v1")).await, expected(404, "not_found"));
    assert_eq!(problem(get("/api/v1/")).await, expected(404, "not_found"));
    let wrong_method = ask(Method::PUT, "/api/v1/tokens").over_socket().of(&api).await;
    assert_eq!(wrong_method.problem(), expected(405, "method_not_allowed"));
    assert!(wrong_method.headers["allow"].to_str().unwrap().contains("POST"));
    let body = |text: &str| Ask { body: Some(text.to_owned()), ..post("/api/v1/tokens", &json!({})) };
    assert_eq!(problem(body("{")).await, expected(400, "request.malformed"));
    assert_eq!(problem(body("{}")).await, expected(422, "request.invalid"));
    assert_eq!(problem(body(r#"{"name":"a","role":"root"}"#)).await, expected(422, "request.invalid"));
    assert_eq!(problem(body(r#"{"name":"a","role":"viewer","more":1}"#)).await, expected(422, "request.invalid"));
    assert_eq!(problem(body(r#"{"name":"a","role":"viewer","verticals":[]}"#)).await, expected(422, "request.invalid"));
    assert_eq!(problem(body("{}").header("content-type", "text/plain")).await, expected(415, "request.media_type"));
    assert_eq!(problem(body(&" ".repeat(3 << 20))).await, expected(413, "request.too_large"));
    for query in
        ["", "?vertical=eye&limit=0", "?vertical=eye&limit=1001", "?vertical=eye&limit=x", "?vertical=eye&after=%00"]
    {
        let (status, _) = problem(get(&format!("/api/v1/entities{query}"))).await;
        assert!(status == 400 || status == 422, "{query}: {status}");
    }
    assert_eq!(problem(get("/api/v1/verticals/eye/entities/x")).await, expected(400, "request.malformed"));
    assert_eq!(problem(get("/api/v1/verticals/%FF/entities/1")).await.0, 400);
}
