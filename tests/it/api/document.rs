//! The answers are what the document says they are.

use super::shorthand::{asking_model, buy_btc, waiting};
use crate::support::House;
use countersign::domain::access::TokenScope;
use serde_json::{Value, json};

on_each_database!(every_answer_has_the_documented_shape,);

async fn every_answer_has_the_documented_shape(house: House) {
    let mut program = house.token(TokenScope::Operate).await;
    let document = program.get("/api/openapi.json").await.expect(200);
    let id = asking_model(&mut program, "Sage").await;
    let first = waiting(&buy_btc(&mut program, id).await);
    let approve = format!("/api/pending-decisions/{first}/approve");
    let approved = program.post(&approve, json!({})).await.expect(200);
    conforms(&document, "post", "/api/pending-decisions/{id}/approve", "200", &approved);
    let refused = program.post(&approve, json!({})).await.expect(409);
    conforms(&document, "post", "/api/pending-decisions/{id}/approve", "409", &refused);
    let waits = buy_btc(&mut program, id).await;
    conforms(&document, "post", "/api/models/{id}/cycle", "200", &waits);
    let mut admin = house.admin().await;
    let body = json!({ "name": "Other", "kind": "other", "base_url": "http://127.0.0.1:9/v1" });
    let provider = admin.post("/api/providers", body).await.expect(201)["id"].clone();
    let body = json!({ "name": "Candidate", "provider_id": provider, "model_name": "big-2" });
    let shadow = admin.post(&format!("/api/models/{id}/shadows"), body).await.expect(201)["id"].clone();
    let (cycle, order) = (&waits["cycle_id"], &approved["result"]["id"]);
    let mut seen = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        let kind = methods["get"]["responses"]["200"]["content"].as_object();
        if !kind.is_some_and(|kinds| kinds.contains_key("application/json")) {
            continue;
        }
        let wanted = match path.as_str() {
            // It has answered nothing; the story of its answers reads one.
            "/api/shadows/{id}/steps/{number}" => continue,
            "/api/shadows/{id}" | "/api/shadows/{id}/steps" => shadow.to_string(),
            cycles if cycles.starts_with("/api/cycles/{id}") => cycle.to_string(),
            "/api/orders/{id}" => order.to_string(),
            "/api/decisions/{id}" => first.to_string(),
            _ => id.to_string(),
        };
        let answer = program.get(&path.replace("{id}", &wanted)).await.expect(200);
        conforms(&document, "get", path, "200", &answer);
        seen += 1;
    }
    assert!(seen > 20, "{seen}");
    let replayed = program.post(&format!("/api/cycles/{cycle}/replay"), Value::Null).await.expect(200);
    conforms(&document, "post", "/api/cycles/{id}/replay", "200", &replayed);
    let stopped = program.post("/api/emergency-stop-all", json!({})).await.expect(200);
    conforms(&document, "post", "/api/emergency-stop-all", "200", &stopped);
}

/// Whether an answer has the shape that the document gives it.
#[track_caller]
pub(crate) fn conforms(document: &Value, method: &str, path: &str, status: &str, answer: &Value) {
    let schema = &document["paths"][path][method]["responses"][status]["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{method} {path} {status} is not documented");
    let strict = status.starts_with('2');
    if let Err(why) = check(document, schema, answer, strict) {
        panic!("{method} {path} {status}: {why}\n{answer}");
    }
}

/// As much of JSON Schema as the document uses; undocumented fields are wrong too, unless beside an error.
fn check(document: &Value, schema: &Value, value: &Value, strict: bool) -> Result<(), String> {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return check(document, &document["components"]["schemas"][name], value, strict);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fits = |choice: &Value| check(document, choice, value, strict).is_ok();
        return choices.iter().any(fits).then_some(()).ok_or_else(|| format!("none of {schema} fits {value}"));
    }
    if let Some(parts) = schema["allOf"].as_array() {
        for part in parts {
            check(document, part, value, false)?;
        }
        return Ok(());
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        kind => kind.as_str().into_iter().collect(),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() && kinds.contains(&"integer") => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !kinds.is_empty() && !kinds.contains(&kind) {
        return Err(format!("{value} is no {kinds:?}"));
    }
    for item in value.as_array().into_iter().flatten() {
        check(document, &schema["items"], item, strict)?;
    }
    let Some(fields) = value.as_object() else { return Ok(()) };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !fields.contains_key(name) {
            return Err(format!("{name} is missing"));
        }
    }
    for (name, field) in fields {
        match schema["properties"].get(name) {
            Some(property) => check(document, property, field, strict).map_err(|why| format!("{name}: {why}"))?,
            None if schema["additionalProperties"].is_object() => {
                check(document, &schema["additionalProperties"], field, strict)
                    .map_err(|why| format!("{name}: {why}"))?;
            }
            None if strict && schema["properties"].is_object() => return Err(format!("{name} is not documented")),
            None => {}
        }
    }
    Ok(())
}
