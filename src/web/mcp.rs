//! The desk for AI agents: the Model Context Protocol over HTTP (JSON-RPC in one POST, no sessions, no streams).
//!
//! Each tool is a route of the API under another name, with the same rules, the same rights and the same answers. There
//! is no tool that approves, rejects or changes anything but by proposing, and what is proposed here asks a person even on
//! a fully automated model, unless the model's `external_autonomy` is on.

mod tools;

use crate::services::desk::Desk;
use crate::web::csrf;
use crate::web::ctx::Ctx;
use crate::web::form::JSON_BYTES_MAX;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value, json};

/// The versions of the protocol that are spoken, the newest first.
const VERSIONS: &[&str] = &["2025-11-25", "2025-06-18", BATCHING, "2024-11-05"];
/// The one version that knows batches. Who names no version speaks this one or an older one.
const BATCHING: &str = "2025-03-26";
/// The most messages of a batch.
const BATCH_MAX: usize = 20;
/// The header in which a client repeats the version that was agreed on.
const VERSION_HEADER: &str = "mcp-protocol-version";
/// JSON-RPC: the text is no JSON.
const PARSE_ERROR: i32 = -32_700;
/// JSON-RPC: it is no request.
const INVALID_REQUEST: i32 = -32_600;
/// JSON-RPC: no such method.
const METHOD_NOT_FOUND: i32 = -32_601;
/// JSON-RPC: the parameters of a method are not what it takes.
const INVALID_PARAMS: i32 = -32_602;
/// The protocol: a version that is not spoken here.
const UNSUPPORTED_VERSION: i32 = -32_022;

const INSTRUCTIONS: &str = "You propose trades to a desk. Risk rules in code check every proposal, and a person approves or \
    rejects it: nothing you send here is an order. Read the portfolio, the market and the limits first. After proposing, \
    ask get_decision what became of it and why.";

/// Why a message has no result.
#[derive(Debug, PartialEq)]
struct Fault {
    code: i32,
    message: String,
    data: Value,
}

impl Fault {
    fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: Value::Null }
    }

    /// As the answer to a message.
    fn told(self, id: &Value) -> Value {
        let mut error = json!({ "code": self.code, "message": self.message });
        if !self.data.is_null() {
            error["data"] = self.data;
        }
        json!({ "jsonrpc": "2.0", "id": id, "error": error })
    }
}

/// What a client sent.
#[derive(Debug, PartialEq)]
enum Message {
    /// Wants an answer.
    Request { id: Value, method: String, params: Map<String, Value> },
    /// A notification, or an answer to a question that was never asked: there is nothing to say.
    Remark,
}

/// `POST /mcp`: one JSON-RPC message, or a batch of them where the version knows batches.
pub async fn message(
    desk: Data<Desk>,
    ctx: Ctx,
    request: HttpRequest,
    body: Result<Bytes, actix_web::Error>,
) -> HttpResponse {
    // A token needs no guard against other sites, but the protocol asks for one.
    if !csrf::is_same_origin(request.headers()) {
        return refused(StatusCode::FORBIDDEN, Fault::new(INVALID_REQUEST, "another site sent this"));
    }
    let Ok(body) = body else {
        let fault = Fault::new(INVALID_REQUEST, format!("a message must be at most {JSON_BYTES_MAX} bytes"));
        return refused(StatusCode::PAYLOAD_TOO_LARGE, fault);
    };
    let knows_batches = match knows_batches(request.headers()) {
        Ok(knows) => knows,
        Err(fault) => return refused(StatusCode::BAD_REQUEST, fault),
    };
    match serde_json::from_slice(&body) {
        Ok(Value::Array(messages)) if knows_batches => batch(&desk, &ctx, messages).await,
        Ok(message) => one(&desk, &ctx, message).await,
        Err(_) => refused(StatusCode::BAD_REQUEST, Fault::new(PARSE_ERROR, "the message is not valid JSON")),
    }
}

async fn one(desk: &Data<Desk>, ctx: &Ctx, message: Value) -> HttpResponse {
    match read(message) {
        Ok(Message::Remark) => HttpResponse::Accepted().finish(),
        Ok(Message::Request { id, method, params }) => {
            HttpResponse::Ok().json(answered(desk, ctx, &id, &method, params).await)
        }
        Err((id, fault)) => HttpResponse::BadRequest().json(fault.told(&id)),
    }
}

/// The answers in the order of the requests; each message stands for itself.
async fn batch(desk: &Data<Desk>, ctx: &Ctx, messages: Vec<Value>) -> HttpResponse {
    if messages.is_empty() || messages.len() > BATCH_MAX {
        let fault = Fault::new(INVALID_REQUEST, format!("a batch must hold 1 to {BATCH_MAX} messages"));
        return refused(StatusCode::BAD_REQUEST, fault);
    }
    let mut answers = Vec::new();
    for message in messages {
        match read(message) {
            Ok(Message::Remark) => {}
            Ok(Message::Request { id, method, .. }) if method == "initialize" => {
                answers.push(Fault::new(INVALID_REQUEST, "initialize must stand alone").told(&id));
            }
            Ok(Message::Request { id, method, params }) => {
                answers.push(answered(desk, ctx, &id, &method, params).await);
            }
            Err((id, fault)) => answers.push(fault.told(&id)),
        }
    }
    if answers.is_empty() { HttpResponse::Accepted().finish() } else { HttpResponse::Ok().json(answers) }
}

fn knows_batches(headers: &HeaderMap) -> Result<bool, Fault> {
    let Some(version) = headers.get(VERSION_HEADER) else { return Ok(true) };
    match VERSIONS.iter().find(|known| version.as_bytes() == known.as_bytes()) {
        Some(version) => Ok(*version == BATCHING),
        None => {
            let message = format!("the protocol version must be one of {}", VERSIONS.join(", "));
            Err(Fault { data: json!({ "supported": VERSIONS }), ..Fault::new(UNSUPPORTED_VERSION, message) })
        }
    }
}

/// Reads a message; what is wrong with it comes with its id, if that could be read.
fn read(message: Value) -> Result<Message, (Value, Fault)> {
    let wrong = |id: &Value, why: &str| (id.clone(), Fault::new(INVALID_REQUEST, why));
    let Value::Object(mut message) = message else {
        return Err(wrong(&Value::Null, "the message must be one JSON-RPC object"));
    };
    let id = match message.remove("id") {
        None => None,
        Some(id @ (Value::String(_) | Value::Number(_))) => Some(id),
        Some(_) => return Err(wrong(&Value::Null, "id must be text or a number")),
    };
    let named = id.clone().unwrap_or_default();
    if message.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(wrong(&named, "jsonrpc must be \"2.0\""));
    }
    let is_answer = message.contains_key("result") || message.contains_key("error");
    let method = match message.remove("method") {
        Some(Value::String(method)) => method,
        None if is_answer => return Ok(Message::Remark),
        _ => return Err(wrong(&named, "method must be text")),
    };
    let params = match message.remove("params") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(params)) => params,
        Some(_) => return Err(wrong(&named, "params must be an object")),
    };
    Ok(id.map_or(Message::Remark, |id| Message::Request { id, method, params }))
}

async fn answered(desk: &Data<Desk>, ctx: &Ctx, id: &Value, method: &str, params: Map<String, Value>) -> Value {
    match answer(desk, ctx, method, params).await {
        Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
        Err(fault) => fault.told(id),
    }
}

async fn answer(desk: &Data<Desk>, ctx: &Ctx, method: &str, params: Map<String, Value>) -> Result<Value, Fault> {
    match method {
        "initialize" => Ok(initialize(&params)),
        "ping" => Ok(json!({})),
        "tools/list" => Ok(json!({ "tools": tools::described() })),
        "tools/call" => call(desk, ctx, params).await,
        _ => Err(Fault::new(METHOD_NOT_FOUND, "there is no such method")),
    }
}

/// The client's version when it is spoken here, else the newest: the client decides whether it can go on.
fn initialize(params: &Map<String, Value>) -> Value {
    let wanted = params.get("protocolVersion").and_then(Value::as_str);
    let version = VERSIONS.iter().find(|known| Some(**known) == wanted).unwrap_or(&VERSIONS[0]);
    json!({
        "protocolVersion": version,
        "capabilities": { "tools": { "listChanged": false } },
        "serverInfo": { "name": "countersign", "title": "Countersign", "version": env!("CARGO_PKG_VERSION") },
        "instructions": INSTRUCTIONS,
    })
}

async fn call(desk: &Data<Desk>, ctx: &Ctx, mut params: Map<String, Value>) -> Result<Value, Fault> {
    let Some(Value::String(name)) = params.remove("name") else {
        return Err(Fault::new(INVALID_PARAMS, "name must be the name of a tool"));
    };
    let arguments = match params.remove("arguments") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(arguments)) => arguments,
        Some(_) => return Err(Fault::new(INVALID_PARAMS, "arguments must be an object")),
    };
    let tool = tools::find(&name).ok_or_else(|| Fault::new(INVALID_PARAMS, "there is no such tool"))?;
    let (is_error, answer) = tools::call(tool, desk, ctx, arguments).await;
    // Structured content is an object; a list stands under a name.
    let structured = if answer.is_object() { answer } else { json!({ "items": answer }) };
    let text = structured.to_string();
    Ok(json!({ "content": [{ "type": "text", "text": text }], "structuredContent": structured, "isError": is_error }))
}

fn refused(status: StatusCode, fault: Fault) -> HttpResponse {
    HttpResponse::build(status).json(fault.told(&Value::Null))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_request_is_refused_under_its_id() {
        for (message, id) in [
            (json!([]), Value::Null),
            (json!("ping"), Value::Null),
            (json!({ "id": 1, "method": "ping" }), json!(1)),
            (json!({ "jsonrpc": "1.0", "id": 1, "method": "ping" }), json!(1)),
            (json!({ "jsonrpc": "2.0", "id": null, "method": "ping" }), Value::Null),
            (json!({ "jsonrpc": "2.0", "id": [1], "method": "ping" }), Value::Null),
            (json!({ "jsonrpc": "2.0", "id": "a" }), json!("a")),
            (json!({ "jsonrpc": "2.0", "id": "a", "method": 1 }), json!("a")),
            (json!({ "jsonrpc": "2.0", "id": 1, "method": "ping", "params": [1] }), json!(1)),
        ] {
            let (named, fault) = read(message.clone()).unwrap_err();
            assert_eq!((named, fault.code), (id, INVALID_REQUEST), "{message}");
        }
    }

    #[test]
    fn a_remark_gets_no_answer() {
        for message in [
            json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
            json!({ "jsonrpc": "2.0", "id": 1, "result": {} }),
            json!({ "jsonrpc": "2.0", "error": { "code": 1, "message": "?" } }),
        ] {
            assert_eq!(read(message.clone()).unwrap(), Message::Remark, "{message}");
        }
    }
}
