//! Puts the OpenAPI document together.

use super::operation::{Kind, Operation, Param, Reply, Shape};
use super::operations::{GROUPS, operations};
use crate::domain::access::Permission;
use crate::domain::instrument::QUOTE_ASSET;
use crate::domain::trader_settings::{SPECS, SettingKind, SettingSpec};
use crate::web::form::{PAGE_DEFAULT, PAGE_MAX};
use crate::web::routes::{Access, ROUTES};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, schema::Schema};

/// Schemas by name, as they are collected.
pub type Schemas = Vec<(String, RefOr<Schema>)>;
/// Adds a type's schemas and returns its name.
pub type Describe = fn(&mut Schemas) -> String;

/// Describes a type with everything that it refers to.
pub fn named<T: ToSchema>(schemas: &mut Schemas) -> String {
    let name = T::name().into_owned();
    schemas.push((name.clone(), T::schema()));
    T::schemas(schemas);
    name
}

/// Who may call an operation, in words.
pub fn auth_words(method: &str, path: &str) -> &'static str {
    match permission(method, path) {
        Some(Permission::Read) => "Any session or token.",
        Some(Permission::Propose) => "Operators and administrators; tokens of scope propose, operate or admin.",
        Some(Permission::Operate) => "Operators and administrators; tokens of scope operate or admin.",
        Some(Permission::Credentials | Permission::Arm | Permission::Administer) => {
            "Administrators; tokens of scope admin."
        }
        None => "",
    }
}

fn permission(method: &str, path: &str) -> Option<Permission> {
    ROUTES.iter().find(|entry| entry.path == path && entry.method.as_str() == method).and_then(|entry| {
        match entry.access {
            Access::Api(permission) => Some(permission),
            Access::Public | Access::Page(_) => None,
        }
    })
}

/// The names of the variable parts of a path.
pub fn path_params(path: &str) -> impl Iterator<Item = (&str, &'static str, &'static str)> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).map(|name| match name {
        "coin" => (name, "string", "The coin, for example BTC."),
        _ => (name, "integer", "Its id."),
    })
}

/// The document.
pub fn build() -> Value {
    let mut schemas = Schemas::new();
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations() {
        let described = describe(operation, &mut schemas);
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method.to_lowercase()] = described;
    }
    let mut components: Map<String, Value> = schemas
        .into_iter()
        .map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or_else(|_| json!({}))))
        .collect();
    components.insert("Error".to_owned(), error_schema());
    components.insert("Settings".to_owned(), settings_schema());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Countersign",
            "version": env!("CARGO_PKG_VERSION"),
            "description": super::page::INTRO.join("\n\n"),
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": GROUPS.iter().map(|(name, text)| json!({ "name": name, "description": text })).collect::<Value>(),
        "security": [{ "bearer": [] }, { "session": [] }],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer" },
                "session": {
                    "type": "apiKey", "in": "cookie", "name": "sid",
                    "description": "The browser's session; whatever is no GET needs the header X-CSRF-Token too.",
                },
            },
        },
    })
}

fn describe(operation: &Operation, schemas: &mut Schemas) -> Value {
    let auth = auth_words(operation.method, operation.path);
    let text = if operation.text.is_empty() { auth.to_owned() } else { format!("{}\n\n{auth}", operation.text) };
    let mut described = json!({
        "operationId": operation_id(operation),
        "tags": [operation.group],
        "summary": operation.summary,
        "description": text,
        "parameters": parameters(operation),
        "responses": responses(operation, schemas),
    });
    if takes_body(operation) {
        let mut content = json!({ "schema": body_schema(operation) });
        if let Ok(example) = serde_json::from_str::<Value>(operation.example) {
            content["example"] = example;
        }
        let required = operation.body.iter().any(|param| param.required);
        described["requestBody"] = json!({ "required": required, "content": { "application/json": content } });
    }
    described
}

/// Whether there is anything to send.
pub const fn takes_body(operation: &Operation) -> bool {
    !operation.body.is_empty() || operation.takes_settings
}

/// A stable name: `post_models_id_cycle`.
pub fn operation_id(operation: &Operation) -> String {
    let path = operation.path.trim_start_matches("/api/").replace(['/', '-', '.'], "_").replace(['{', '}'], "");
    format!("{}_{path}", operation.method.to_lowercase())
}

fn parameters(operation: &Operation) -> Value {
    let in_path = path_params(operation.path).map(|(name, kind, text)| {
        json!({ "name": name, "in": "path", "required": true, "description": text, "schema": { "type": kind } })
    });
    let in_query = operation.query.iter().map(|param| {
        json!({
            "name": param.name, "in": "query", "required": param.required, "description": param.text,
            "schema": kind_schema(param.kind),
        })
    });
    let limit = json!({
        "name": "limit", "in": "query", "description": "Rows of a page.",
        "schema": { "type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": PAGE_DEFAULT },
    });
    let cursor = json!({
        "name": "cursor", "in": "query", "description": "What X-Next-Cursor of the page before said.",
        "schema": { "type": "string" },
    });
    let paging = if operation.is_paged { vec![limit, cursor] } else { Vec::new() };
    in_path.chain(in_query).chain(paging).collect()
}

fn kind_schema(kind: Kind) -> Value {
    match kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Decimal => json!({ "type": ["string", "number"], "pattern": "^[0-9]{1,20}(\\.[0-9]{1,20})?$" }),
        Kind::Integer => json!({ "type": "integer" }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Word(words) => json!({ "type": "string", "enum": words }),
        Kind::Object => json!({ "type": "object" }),
        Kind::Integers => json!({ "type": "array", "items": { "type": "integer" } }),
    }
}

fn body_schema(operation: &Operation) -> Value {
    let field = |param: &Param| {
        let mut schema = kind_schema(param.kind);
        schema["description"] = Value::String(param.text.to_owned());
        (param.name.to_owned(), schema)
    };
    let mut properties: Map<String, Value> = operation.body.iter().map(field).collect();
    if operation.takes_settings {
        properties.extend(SPECS.iter().map(|spec| (spec.key.to_owned(), setting_schema(spec))));
    }
    let required: Vec<&str> = operation.body.iter().filter(|param| param.required).map(|param| param.name).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// One setting as it is sent and answered.
pub fn setting_schema(spec: &SettingSpec) -> Value {
    let bound = |text: &str| text.parse().map_or(Value::Null, Value::Number);
    let mut schema = match spec.kind {
        SettingKind::Decimal(..) if spec.unit == QUOTE_ASSET => kind_schema(Kind::Decimal),
        SettingKind::Decimal(low, high) => json!({ "type": "number", "minimum": bound(low), "maximum": bound(high) }),
        SettingKind::Integer(low, high) => json!({ "type": "integer", "minimum": low, "maximum": high }),
        SettingKind::Bool => kind_schema(Kind::Bool),
        SettingKind::Choice(words) => json!({ "type": "string", "enum": words }),
        SettingKind::Text(max) => json!({ "type": "string", "maxLength": max }),
        SettingKind::Coins => json!({ "type": "array", "items": { "type": "string" }, "minItems": 1 }),
    };
    schema["description"] = Value::String(format!("{} It {}.", spec.help, spec.rule()));
    schema
}

fn settings_schema() -> Value {
    let properties: Map<String, Value> = SPECS.iter().map(|spec| (spec.key.to_owned(), setting_schema(spec))).collect();
    json!({ "type": "object", "description": "Every setting of a model.", "properties": properties })
}

fn error_schema() -> Value {
    json!({
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message", "fields"],
                "properties": {
                    "code": { "type": "string", "description": "A stable word." },
                    "message": { "type": "string", "description": "For a person; never what was sent." },
                    "fields": {
                        "type": "object", "description": "What is wrong, by field.",
                        "additionalProperties": { "type": "string" },
                    },
                },
            },
        },
    })
}

fn responses(operation: &Operation, schemas: &mut Schemas) -> Value {
    let mut responses: Map<String, Value> = Map::new();
    for reply in operation.replies {
        let mut described = response(reply, schemas);
        if operation.is_paged && reply.status == 200 {
            described["headers"] = json!({
                "X-Next-Cursor": { "description": "For the next page; missing on the last.", "schema": { "type": "string" } },
            });
        }
        responses.insert(reply.status.to_string(), described);
    }
    for (status, text) in [("401", "`unauthorized`"), ("403", "`forbidden`, `csrf`")] {
        responses.entry(status).or_insert_with(|| refusal(text));
    }
    if takes_body(operation) {
        responses.entry("400").or_insert_with(|| refusal("`malformed_json`"));
    }
    Value::Object(responses)
}

fn refusal(text: &str) -> Value {
    json!({ "description": text, "content": { "application/json": { "schema": reference("Error") } } })
}

fn response(reply: &Reply, schemas: &mut Schemas) -> Value {
    let kind = if let Shape::Other(kind) = reply.shape { kind } else { "application/json" };
    let schema = shape_schema(reply.shape, schemas);
    json!({ "description": reply.text, "content": { kind: { "schema": schema } } })
}

/// The schema of an answer, with its parts by reference.
pub fn shape_schema(shape: Shape, schemas: &mut Schemas) -> Value {
    match shape {
        Shape::One(describe) => reference(&describe(schemas)),
        Shape::List(describe) => json!({ "type": "array", "items": reference(&describe(schemas)) }),
        Shape::Map(describe) => json!({ "type": "object", "additionalProperties": reference(&describe(schemas)) }),
        Shape::Settings => reference("Settings"),
        Shape::Error => reference("Error"),
        Shape::Other("text/html") => json!({ "type": "string" }),
        Shape::Other(_) => json!({ "type": "object" }),
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_document_and_the_url_map_name_the_same_operations() {
        let document = build();
        let mut described = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys() {
                described.insert((method.to_uppercase(), path.clone()));
            }
        }
        let mapped: BTreeSet<_> = ROUTES
            .iter()
            // Agents are told by the protocol itself what `/mcp` offers.
            .filter(|entry| matches!(entry.access, Access::Api(_)) && entry.path.starts_with("/api/"))
            .map(|entry| (entry.method.to_string(), entry.path.to_owned()))
            .collect();
        assert_eq!(described, mapped);
        assert_eq!(operations().count(), mapped.len(), "an operation is described twice");
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_example_is_json() {
        let document = build();
        let text = document.to_string();
        for part in text.split("\"#/components/schemas/").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
        }
        for operation in operations() {
            assert_eq!(takes_body(operation), !operation.example.is_empty(), "{}", operation.path);
            assert!(!takes_body(operation) || serde_json::from_str::<Value>(operation.example).is_ok());
            assert!(GROUPS.iter().any(|(name, _)| *name == operation.group));
            assert!(!auth_words(operation.method, operation.path).is_empty());
        }
    }

    #[test]
    fn operation_ids_are_unique() {
        let ids: BTreeSet<String> = operations().map(operation_id).collect();
        assert_eq!(ids.len(), operations().count());
    }
}
