//! Long answers and their schemas: every one documents the lines that it writes, and what is written is what is documented.

use cameo::{
    clock::{Clock, SystemClock},
    proof::deliveries::{DeliveredFile, Expected, NewRecord, SkippedFile, create},
};
use jiff::tz::TimeZone;

use super::{operations::over, *};
use crate::whole_system::{System, UPLOADS};

const NDJSON: &str = "application/x-ndjson";

fn document() -> Value {
    serde_json::to_value(cameo::serve::api::v1::openapi()).unwrap()
}

/// The schema that an operation documents for its lines.
fn schema_of(document: &Value, path: &str, method: &str) -> Value {
    document["paths"][path][method]["responses"]["200"]["content"][NDJSON]["schema"].clone()
}

#[test]
fn every_long_answer_documents_its_line() {
    let document = document();
    let mut long = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let schema = schema_of(&document, path, method);
            if operation["responses"]["200"]["content"].get(NDJSON).is_none() {
                continue;
            }
            let name = schema["$ref"].as_str().unwrap_or_else(|| panic!("{method} {path}: its line is {schema}"));
            let described = operation["responses"]["200"]["description"].as_str().unwrap();
            assert!(described.contains("schema is that of one line"), "{method} {path}: {described}");
            assert!(resolve(&document, &schema).is_object(), "{method} {path}: {name} is not documented");
            long.push(path.clone());
        }
    }
    assert_eq!(long.len(), 10, "{long:?}");
}

fn resolve<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    match schema["$ref"].as_str() {
        Some(name) => document.pointer(name.trim_start_matches('#')).unwrap_or_else(|| panic!("no {name}")),
        None => schema,
    }
}

fn is_of_type(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("an unknown type {other}"),
    }
}

/// The fields that a schema has for an object; an error where the value is not of it. Every other field must be somebody's.
fn fields(document: &Value, schema: &Value, value: &Value) -> Result<Vec<String>, String> {
    let schema = resolve(document, schema);
    let mut known = Vec::new();
    for part in schema["allOf"].as_array().into_iter().flatten() {
        known.extend(fields(document, part, value)?);
    }
    for kind in ["oneOf", "anyOf"] {
        let Some(parts) = schema[kind].as_array() else { continue };
        let tried: Vec<_> = parts.iter().map(|part| fits(document, part, value)).collect();
        let fitting = tried.iter().position(Result::is_ok).ok_or_else(|| format!("{value}: none of {tried:?}"))?;
        known.extend(fields(document, &parts[fitting], value)?);
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => vec![],
    };
    if !types.is_empty() && !types.iter().any(|name| is_of_type(value, name)) {
        return Err(format!("{value} is not {types:?}"));
    }
    if let Some(allowed) = schema["enum"].as_array().filter(|allowed| !allowed.contains(value)) {
        return Err(format!("{value} is not one of {allowed:?}"));
    }
    for (n, item) in value.as_array().into_iter().flatten().enumerate() {
        fits(document, &schema["items"], item).map_err(|error| format!("[{n}]: {error}"))?;
    }
    if let Some(object) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            object.get(name).ok_or_else(|| format!("{name} is missing in {value}"))?;
        }
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            known.push(name.clone());
            if let Some(value) = object.get(name) {
                fits(document, schema, value).map_err(|error| format!("{name}: {error}"))?;
            }
        }
    }
    Ok(known)
}

/// Whether a value is of a schema, and has no field that it does not document.
fn fits(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let known = fields(document, schema, value)?;
    let is_anything = |schema: &Value| schema.as_object().is_none_or(serde_json::Map::is_empty);
    match value.as_object().into_iter().flatten().find(|(name, _)| !known.contains(name)) {
        Some((name, _)) if !is_anything(schema) => Err(format!("{name} is not documented: {value}")),
        _ => Ok(()),
    }
}

fn file(name: &str, content: &str) -> DeliveredFile {
    use sha2::{Digest, Sha256};
    let (md5, sha256) = (hex::encode(fast_md5::digest(content.as_bytes())), hex::encode(Sha256::digest(content)));
    DeliveredFile { name: name.into(), size: content.len() as u64, md5, sha256 }
}

#[tokio::test]
async fn each_line_that_is_written_is_one_that_is_documented() {
    let system = System::start().await;
    for (key, content) in [("1_0", "good 1"), ("2_0", "bad 2"), ("3_0", "good 3"), ("4 (1)", "x")] {
        system.put(UPLOADS, &format!("origin/eye/{key}.jpg"), content).await;
    }
    system.drain().await;
    system.put(UPLOADS, "origin/eye/6_0.jpg", "good 6").await;
    system.kill_message("poison").await;
    let skipped = SkippedFile {
        file: "9_0 (1).jpg".into(),
        code: "name.unparseable".into(),
        cd_idx: Some(9),
        sequence: None,
        detail: "a copy".into(),
        detail_korean: None,
        ..SkippedFile::default()
    };
    let files =
        vec![file("1_0.jpg", "good 1"), file("2_0.jpg", "bad 2"), file("5_0.jpg", "good 5"), file("6_0.jpg", "good 6")];
    let expected = Some(Expected { ids: vec![1, 2, 5, 7], files: vec![] });
    let content = NewRecord { files, skipped: vec![skipped], expected, ..NewRecord::default() };
    let now = (SystemClock.now(), &TimeZone::get("Asia/Seoul").unwrap());
    let record = create(&*system.store, UPLOADS, &"eye".parse().unwrap(), content, now).await.unwrap();
    let api = over(&system).await;
    let (document, delivery) = (document(), record.id.to_string());
    let mut kinds = std::collections::BTreeSet::new();
    let mut check = |path: &str, method: &str, answer: &Answer| {
        let schema = schema_of(&document, path, method);
        assert!(!answer.text.is_empty(), "{path}");
        for line in answer.text.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            fits(&document, &schema, &line).unwrap_or_else(|error| panic!("{method} {path}: {error}\n{line:#}"));
            kinds.extend(line["json"]["kind"].as_str().map(str::to_owned));
            kinds.extend(line.as_object().unwrap().keys().filter(|key| *key != "json").cloned());
        }
    };
    for (path, body) in [
        ("verify", json!({"all": true})),
        ("verify", json!({"delivery": delivery, "hashes": true})),
        ("verify", json!({"delivery": "20200101-aaaa"})),
        ("verify", json!({"vertical": "none"})),
        ("status", json!({})),
        ("status", json!({"vertical": "eye"})),
        ("status", json!({"ids": [1, 99]})),
        ("status", json!({"delivery": delivery, "all": true})),
        ("retry", json!({"vertical": "eye", "dry_run": true})),
        ("dismiss", json!({"vertical": "eye", "dry_run": true})),
        ("dismiss", json!({"delivery": delivery, "dry_run": true})),
        ("dismiss", json!({"ids": [1, 99], "dry_run": true})),
        ("dismiss", json!({"delivery": "20200101-aaaa"})),
        ("restore", json!({"list": true})),
        ("restore", json!({"ids": [1, 99], "dry_run": true})),
        ("restore", json!({"keys": ["origin/eye/9_0.jpg"]})),
        ("restore", json!({"vertical": "none"})),
        ("move", json!({"from": "eye", "to": "nose", "ids": [1, 99]})),
        ("move", json!({"from": "none", "to": "nose"})),
        ("move", json!({"from": "eye", "to": "nose", "delivery": "20200101-aaaa"})),
        ("move", json!({"photos": [{"from": "origin/eye/1_0.jpg", "to": "origin/nose/1_0.jpg"}]})),
        ("reconcile", json!({})),
        ("reconcile", json!({"vertical": "none"})),
    ] {
        let path = format!("/api/v1/{path}");
        let answer = post(&path, &body).over_socket().of(&api).await;
        assert_eq!(answer.status, StatusCode::OK, "{path} {body}: {}", answer.text);
        check(&path, "post", &answer);
    }
    for (path, filled) in [
        ("/api/v1/verticals/{vertical}/entities", "/api/v1/verticals/eye/entities".to_owned()),
        ("/api/v1/deliveries/{delivery}/items", format!("/api/v1/deliveries/{delivery}/items")),
        ("/api/v1/deliveries/{delivery}/report", format!("/api/v1/deliveries/{delivery}/report")),
    ] {
        check(path, "get", &get(&filled).over_socket().of(&api).await);
    }
    for kind in
        ["count", "original", "dead_letter", "queue", "item", "skipped", "missing", "progress", "summary", "text"]
    {
        assert!(kinds.contains(kind), "no line of the kind {kind} was looked at: {kinds:?}");
    }
    let wrong = json!({"json": {"kind": "haunted"}, "text": []});
    assert!(fits(&document, &schema_of(&document, "/api/v1/status", "post"), &wrong).is_err());
}
