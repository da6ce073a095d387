//! The HTTP surface: takes a request in, lets faults have their way with it, and tells the answer.

use super::call::{Bend, Call, check_signer};
use super::error::ApiError;
use super::exchange::Exchange;
use super::faults::Action;
use super::limits::OrderCount;
use super::mangle::{Broken, html, repeat_rows};
use super::params::Params;
use super::route::{self, Route, Run, Security};
use super::timing::TimeUnit;
use crate::domain::time::Timestamp;
use actix_web::dev::Server;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use actix_web::web::{Data, Payload};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use futures_util::StreamExt;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::time::Duration;

/// Threads that answer.
const THREADS: usize = 2;
/// How long a connection may wait for its next request.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long a client may take to send its headers.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections at the same time, for each thread.
const CONNECTIONS_MAX: usize = 5_000;
/// How long requests in flight may take once the end has begun, in seconds.
const DRAIN_SECONDS: u64 = 2;
/// The longest body.
const BODY_MAX: usize = 64 * 1_024;
/// Every answer is JSON: clients look at this before they look at the body.
const JSON: HeaderValue = HeaderValue::from_static("application/json;charset=UTF-8");
/// The key's header.
const API_KEY: &str = "x-mbx-apikey";
/// Asks for a unit of time.
const TIME_UNIT: &str = "x-mbx-time-unit";

/// A server on an open socket. It handles no signals.
///
/// # Errors
/// When the socket cannot be used.
pub fn serve(listener: TcpListener, exchange: Data<Exchange>) -> std::io::Result<Server> {
    let factory = move || App::new().app_data(exchange.clone()).default_service(web::to(answer));
    let server = HttpServer::new(factory)
        .workers(THREADS)
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(HEADERS_TIMEOUT)
        .max_connections(CONNECTIONS_MAX)
        .shutdown_timeout(DRAIN_SECONDS)
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}

/// What is told, before it is put into HTTP.
struct Reply {
    status: u16,
    body: Vec<u8>,
    used_weight: Option<u64>,
    orders: Option<OrderCount>,
    retry_after: Option<u64>,
}

impl Reply {
    fn refused(error: &ApiError, used_weight: Option<u64>) -> Self {
        let retry_after = error.retry_after;
        Self { status: error.status, body: error.body(), used_weight, orders: None, retry_after }
    }
}

async fn answer(exchange: Data<Exchange>, request: HttpRequest, payload: Payload) -> HttpResponse {
    let action = exchange.faults.meet(request.method().as_str(), request.path());
    let Some(action) = action else { return into_http(work(&exchange, &request, payload, Bend::default()).await) };
    let now = exchange.clock.now();
    let refused = |error: ApiError| into_http(Reply::refused(&error, None));
    let mut bend = Bend::default();
    match &action {
        Action::DropBefore => return Broken::drop_connection(),
        Action::Status { status, accepted: false } => return html(*status),
        Action::Error { code, status, message, accepted: false } => {
            return refused(ApiError::new(*code, message.as_str()).with_status(*status));
        }
        Action::RateLimit { retry_after } => return refused(ApiError::overweight(6_000, "1 MINUTE", *retry_after)),
        Action::OrderLimit { retry_after } => {
            return refused(ApiError::too_many_orders(100, "10 SECOND", *retry_after));
        }
        Action::Ban { retry_after } => {
            let until = now.plus_ms(i64::try_from(*retry_after).unwrap_or_default().saturating_mul(1_000));
            return refused(ApiError::banned(until.0, *retry_after));
        }
        Action::Hang { wait, accepted: false } => tokio::time::sleep(*wait).await,
        Action::Hide { milliseconds, queries } => bend.hide = Some((*milliseconds, *queries)),
        Action::ClockSkew { milliseconds } => bend.skew_ms = *milliseconds,
        Action::ThinBook { share } => bend.thin = Some(*share),
        _ => {}
    }
    let reply = work(&exchange, &request, payload, bend).await;
    after(action, reply).await
}

/// What a fault does once the work is done.
async fn after(action: Action, mut reply: Reply) -> HttpResponse {
    match action {
        Action::DropAfterAccept => Broken::drop_connection(),
        Action::Truncate { bytes } => {
            let whole = std::mem::take(&mut reply.body);
            Broken::truncate(into_http(reply), whole, bytes)
        }
        Action::Status { status, accepted: true } => html(status),
        Action::Error { code, status, message, accepted: true } => {
            into_http(Reply::refused(&ApiError::new(code, message).with_status(status), reply.used_weight))
        }
        Action::Hang { wait, accepted: true } => {
            tokio::time::sleep(wait).await;
            into_http(reply)
        }
        Action::RepeatRows => {
            reply.body = repeat_rows(reply.body);
            into_http(reply)
        }
        _ => into_http(reply),
    }
}

fn into_http(reply: Reply) -> HttpResponse {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status).body(reply.body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    let mut count = |name: &'static str, value: u64| {
        headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
    };
    if let Some(used) = reply.used_weight {
        count("x-mbx-used-weight", used);
        count("x-mbx-used-weight-1m", used);
    }
    if let Some(orders) = reply.orders {
        count("x-mbx-order-count-10s", orders.ten_seconds);
        count("x-mbx-order-count-1d", orders.day);
    }
    if let Some(seconds) = reply.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Everything between the bytes that came and the answer.
async fn work(exchange: &Exchange, request: &HttpRequest, payload: Payload, bend: Bend) -> Reply {
    let from = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.ip());
    let now = exchange.clock.now();
    let Some(route) = route::find(request.method().as_str(), request.path()) else {
        let (used, allowed) = exchange.limits.arrive(from, 1, now);
        return Reply::refused(&allowed.err().unwrap_or_else(ApiError::unknown_path), Some(used));
    };
    let query = request.uri().query().unwrap_or_default();
    // A GET is its address alone; what some client might put into a body is not part of it.
    let body = if route.method == "GET" { Ok(String::new()) } else { read_body(payload).await };
    let parsed = body.as_ref().map_err(Clone::clone).and_then(|body| {
        let params = Params::parse(query, body)?;
        Ok((params, body.as_str()))
    });
    let weight = parsed.as_ref().map_or(1, |(params, _)| (route.weight)(params));
    let charged = if route.is_free_on_success() { 0 } else { weight };
    let (used, allowed) = exchange.limits.arrive(from, charged, now);
    if let Err(refusal) = allowed {
        return Reply::refused(&refusal, Some(used));
    }
    let outcome = match parsed {
        Ok((params, body)) => run(exchange, request, route, params, [query, body], bend).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(answer) => Reply {
            status: answer.status,
            body: answer.body,
            used_weight: Some(used),
            orders: answer.orders,
            retry_after: None,
        },
        Err(error) => {
            let failed = if charged == 0 { exchange.limits.charge(from, weight, now) } else { used };
            Reply::refused(&error, Some(failed))
        }
    }
}

async fn run(
    exchange: &Exchange,
    request: &HttpRequest,
    route: &Route,
    mut params: Params<'_>,
    parts: [&str; 2],
    bend: Bend,
) -> Result<super::call::Answer, ApiError> {
    let header = |name: &str| request.headers().get(name).map(HeaderValue::as_bytes);
    let unit = TimeUnit::parse(header(TIME_UNIT))?;
    let now = Timestamp(exchange.clock.now().0.saturating_add(bend.skew_ms));
    let signer = match route.security {
        Security::Public => None,
        Security::UserData | Security::Trade => Some(check_signer(exchange, header(API_KEY), &mut params, parts, now)?),
    };
    if route.security == Security::Trade && signer.is_some_and(|(member, _)| !member.permissions.trade) {
        return Err(ApiError::unknown_key());
    }
    let mut call = Call { exchange, params, now, unit, bend, signer };
    let answer = match route.run {
        Run::Now(run) => run(&mut call)?,
        Run::Candles(question) => super::endpoints::tickers::answer(question, &mut call).await?,
    };
    exchange.written(answer.number).await?;
    Ok(answer)
}

async fn read_body(mut payload: Payload) -> Result<String, ApiError> {
    let mut body = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| ApiError::new(-1102, "The request body could not be read."))?;
        if body.len() + chunk.len() > BODY_MAX {
            return Err(ApiError::body_too_large());
        }
        body.extend_from_slice(&chunk);
    }
    String::from_utf8(body).map_err(|_| ApiError::illegal("body", "UTF-8"))
}
