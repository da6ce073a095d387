//! The document as a page for people.

use super::DOCUMENT;
use super::document::{Schemas, auth_words, operation_id, path_params, setting_schema, shape_schema, takes_body};
use super::operation::{Kind, Operation, Shape};
use super::operations::{GROUPS, operations};
use crate::domain::trader_settings::SPECS;
use crate::services::desk::Desk;
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::pages::html;
use crate::web::pages::shell::shell;
use crate::web::view::{ApiDocsPage, ApiGroup, ApiOperation, ApiParam, ApiResponse, Nav};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use serde_json::{Map, Value, json};

/// How deep an example goes; none of our types is deeper.
const DEPTH_MAX: usize = 8;

/// What holds for every operation, one paragraph an entry.
pub const INTRO: &[&str] = &[
    "Send \"Authorization: Bearer TOKEN\"; make tokens with \"countersign token create\". In the browser the session \
     works too; whatever is no GET then needs the header X-CSRF-Token.",
    "Numbers are read from JSON numbers or texts in plain notation: digits and at most one point, no exponent, no sign. \
     In answers money, prices and quantities are texts, percentages are numbers, times are RFC 3339 in UTC.",
    "Lists are bare arrays, newest first: limit is 50 unless told, 200 at most; X-Next-Cursor leads to the next page.",
    "Errors read {\"error\": {\"code\", \"message\", \"fields\"}}: the code is a stable word, the message never repeats \
     what was sent. A key that is not known is refused.",
];

/// `GET /api/docs`
///
/// # Errors
/// When the page cannot be put together.
pub async fn page(desk: Data<Desk>, ctx: Ctx) -> Result<HttpResponse, AppError> {
    let page = ApiDocsPage {
        shell: shell(&desk, &ctx, Nav::Other, "API").await?,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        intro: INTRO.iter().map(|&text| text.to_owned()).collect(),
        groups: GROUPS.iter().map(|(title, text)| group(title, text)).collect(),
    };
    html(StatusCode::OK, &page)
}

fn group(title: &str, text: &str) -> ApiGroup {
    ApiGroup {
        anchor: title.to_lowercase().replace(' ', "-"),
        title: title.to_owned(),
        text: text.to_owned(),
        operations: operations().filter(|operation| operation.group == title).map(operation).collect(),
    }
}

fn operation(operation: &Operation) -> ApiOperation {
    ApiOperation {
        anchor: operation_id(operation),
        method: operation.method.to_owned(),
        path: operation.path.to_owned(),
        summary: operation.summary.to_owned(),
        text: operation.text.to_owned(),
        auth: auth_words(operation.method, operation.path).to_owned(),
        params: params(operation),
        request: if takes_body(operation) { pretty_text(operation.example) } else { String::new() },
        responses: operation.replies.iter().map(|reply| response(reply.status, reply.text, reply.shape)).collect(),
    }
}

fn params(operation: &Operation) -> Vec<ApiParam> {
    let param = |name: &str, place: &str, kind: String, required: bool, text: &str| ApiParam {
        name: name.to_owned(),
        place: place.to_owned(),
        kind,
        required,
        text: text.to_owned(),
    };
    let mut params: Vec<ApiParam> = path_params(operation.path)
        .map(|(name, kind, text)| param(name, "path", kind.replace("string", "text"), true, text))
        .collect();
    params.extend(operation.query.iter().map(|p| param(p.name, "query", kind_words(p.kind), p.required, p.text)));
    if operation.is_paged {
        params.push(param("limit", "query", "integer".to_owned(), false, "Rows of a page: 1 to 200, else 50."));
        params.push(param("cursor", "query", "text".to_owned(), false, "What X-Next-Cursor of the page before said."));
    }
    params.extend(operation.body.iter().map(|p| param(p.name, "body", kind_words(p.kind), p.required, p.text)));
    if operation.takes_settings {
        params.extend(SPECS.iter().map(|spec| {
            let schema = setting_schema(spec);
            let kind = schema["type"].as_str().unwrap_or("number or text").replace("string", "text");
            param(spec.key, "body", kind, false, schema["description"].as_str().unwrap_or_default())
        }));
    }
    params
}

fn kind_words(kind: Kind) -> String {
    match kind {
        Kind::Text => "text".to_owned(),
        Kind::Decimal => "number or text".to_owned(),
        Kind::Integer => "integer".to_owned(),
        Kind::Bool => "true or false".to_owned(),
        Kind::Word(words) => words.join(" | "),
        Kind::Object => "object".to_owned(),
        Kind::Integers => "list of integers".to_owned(),
    }
}

fn response(status: u16, text: &str, shape: Shape) -> ApiResponse {
    let schema = shape_schema(shape, &mut Schemas::new());
    let example = match shape {
        Shape::Error | Shape::Other(_) => String::new(),
        Shape::One(_) | Shape::List(_) | Shape::Map(_) | Shape::Settings => pretty(&example_of(&schema, DEPTH_MAX)),
    };
    ApiResponse { status: status.to_string(), text: text.replace('`', ""), example }
}

fn pretty_text(text: &str) -> String {
    serde_json::from_str::<Value>(text).map_or_else(|_| text.to_owned(), |value| pretty(&value))
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// A value of a schema's shape: kinds in the place of values.
fn example_of(schema: &Value, depth: usize) -> Value {
    if depth == 0 {
        return json!("...");
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        return example_of(&DOCUMENT["components"]["schemas"][name], depth - 1);
    }
    if let Some(parts) = schema["allOf"].as_array() {
        let examples = parts.iter().map(|part| example_of(part, depth - 1));
        let merged =
            examples.filter_map(|example| if let Value::Object(fields) = example { Some(fields) } else { None });
        return Value::Object(merged.fold(Map::new(), |mut all, fields| {
            all.extend(fields);
            all
        }));
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let real = choices.iter().find(|choice| choice["type"] != "null");
        return real.map_or(Value::Null, |choice| example_of(choice, depth - 1));
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find(|kind| *kind != "null").unwrap_or(&Value::Null),
        kind => kind,
    };
    match kind.as_str().unwrap_or_default() {
        "string" => json!("text"),
        "integer" => json!(1),
        "number" => json!(0.5),
        "boolean" => json!(true),
        "array" => json!([example_of(&schema["items"], depth - 1)]),
        "object" => example_object(schema, depth),
        _ => Value::Null,
    }
}

fn example_object(schema: &Value, depth: usize) -> Value {
    let fields = schema["properties"].as_object();
    let mut example: Map<String, Value> =
        fields.into_iter().flatten().map(|(name, field)| (name.clone(), example_of(field, depth - 1))).collect();
    if schema["additionalProperties"].is_object() {
        example.insert("name".to_owned(), example_of(&schema["additionalProperties"], depth - 1));
    }
    Value::Object(example)
}
