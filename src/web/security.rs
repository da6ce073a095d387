//! The outermost layer: refuses foreign host names, and on the way out sets the security headers and gives errors the
//! looks that fit who asked: JSON for the API, a page for a browser, a redirect to the login where that helps.

use super::ctx::{Door, Visitor, WebState};
use super::error::AppError;
use super::{flash, hx, pages};
use crate::observe;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpResponse, ResponseError, web};

/// Nothing is loaded from elsewhere, nothing runs inline, nobody frames us.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// Browsers that came through TLS once come through TLS for two years.
const STRICT_TRANSPORT: &str = "max-age=63072000";

/// What must be known about a request after it is gone.
struct Asked {
    visitor: Visitor,
    is_api: bool,
    is_read: bool,
    path: String,
    /// For htmx: the page that asked, to come back to.
    current: Option<String>,
}

impl Asked {
    fn of(request: &ServiceRequest) -> Self {
        let path = request.path();
        let current = request.headers().get("hx-current-url").and_then(|value| value.to_str().ok());
        let current =
            current.and_then(|url| url.split_once("://")).and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
        Self {
            visitor: Visitor::of_service(request),
            is_api: matches!(path, "/api" | "/mcp") || path.starts_with("/api/") || path.starts_with("/health/"),
            is_read: matches!(*request.method(), Method::GET | Method::HEAD),
            path: request.uri().path_and_query().map_or_else(|| path.to_owned(), ToString::to_string),
            current: current.map(str::to_owned),
        }
    }
}

/// Wraps everything else.
///
/// # Errors
/// What inner layers fail with, in the looks that fit who asked.
pub async fn harden<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let asked = Asked::of(&request);
    let door = request.app_data::<web::Data<WebState>>().map(|state| state.door.clone());
    let door = door.unwrap_or(Door { behind_tls_proxy: false, loopback: true, public_hosts: Vec::new() });
    if !host_is_ours(request.headers(), request.uri().host(), &door) {
        let refusal = AppError::new(
            StatusCode::MISDIRECTED_REQUEST,
            "wrong_host",
            "This server does not answer under that host name. Allow it with --public-host.",
        );
        let response = finish(refusal.error_response(), &asked, &door);
        return Ok(request.into_response(response));
    }
    match next.call(request).await {
        Ok(response) => {
            let (request, response) = response.map_into_boxed_body().into_parts();
            Ok(ServiceResponse::new(request, finish(response, &asked, &door)))
        }
        // The request is gone with the error, so the finished answer travels inside of a new error.
        Err(error) => {
            let response = error.error_response();
            if response.status().is_server_error() && response.extensions().get::<AppError>().is_none() {
                observe::request_failed(&asked.visitor.request_id, &error.to_string());
            }
            let response = finish(response, &asked, &door);
            Err(InternalError::from_response("answered", response).into())
        }
    }
}

/// A page of another site can make its own name point to 127.0.0.1 and then read us: only known names are answered.
/// The port is not compared, since a forwarded port is still this machine.
fn host_is_ours(headers: &HeaderMap, uri_host: Option<&str>, door: &Door) -> bool {
    let any_name_goes = door.public_hosts.is_empty() && (door.behind_tls_proxy || !door.loopback);
    if any_name_goes {
        return true;
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).or(uri_host).unwrap_or("");
    let host = host.to_ascii_lowercase();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host.as_str(),
    };
    let local = door.loopback && matches!(name, "localhost" | "127.0.0.1" | "[::1]");
    local || door.public_hosts.iter().any(|public| *public == host || public == name)
}

fn finish(response: HttpResponse<BoxBody>, asked: &Asked, door: &Door) -> HttpResponse<BoxBody> {
    let mut response = dress(response, asked);
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "same-origin");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    if door.behind_tls_proxy {
        set(header::STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT);
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    let is_html = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_html {
        headers.append(header::VARY, HeaderValue::from_static("HX-Request"));
    }
    // A message for the next page is shown by that page once; fragments leave it alone.
    if is_html && !asked.visitor.is_htmx && asked.visitor.around.flash.is_some() {
        headers.append(header::SET_COOKIE, flash::removal());
    }
    if let Ok(id) = HeaderValue::from_str(&asked.visitor.request_id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    response
}

/// Gives an error its body. Answers that have one of their own pass; the framework's own texts do not.
fn dress(mut response: HttpResponse<BoxBody>, asked: &Asked) -> HttpResponse<BoxBody> {
    let status = response.status();
    let carried = response.extensions_mut().remove::<AppError>();
    let error = match carried {
        Some(error) => error,
        None if (status.is_client_error() || status.is_server_error()) && !has_own_body(&response) => {
            AppError::for_status(status)
        }
        None => return response,
    };
    if let Some(cause) = error.cause() {
        observe::request_failed(&asked.visitor.request_id, cause);
    }
    let (mut response, _) = response.into_parts();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_ENCODING);
    headers.remove(header::CONTENT_TYPE);
    if let Some(seconds) = error.retry_after_s() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if asked.is_api {
        return as_json(response, &error, asked);
    }
    if status == StatusCode::UNAUTHORIZED {
        return to_login(response, asked);
    }
    let html = pages::error::render(&error, &asked.visitor);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response.set_body(BoxBody::new(html))
}

fn has_own_body(response: &HttpResponse<BoxBody>) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| !kind.as_bytes().starts_with(b"text/plain"))
}

fn as_json(mut response: HttpResponse<()>, error: &AppError, asked: &Asked) -> HttpResponse<BoxBody> {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if error.status() == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response.set_body(BoxBody::new(error.json(&asked.visitor.request_id).to_string()))
}

/// htmx would put the login page into the middle of another one, so it is told to leave the page.
fn to_login(mut response: HttpResponse<()>, asked: &Asked) -> HttpResponse<BoxBody> {
    let came_from = if asked.visitor.is_htmx { asked.current.as_deref() } else { Some(asked.path.as_str()) };
    let next = hx::safe_next(came_from.filter(|_| asked.visitor.is_htmx || asked.is_read).unwrap_or("/"));
    let url = if next == "/" { "/login".to_owned() } else { format!("/login?next={}", encode(next)) };
    let Ok(location) = HeaderValue::from_str(&url) else { return response.map_into_boxed_body() };
    if asked.visitor.is_htmx {
        response.headers_mut().insert(HeaderName::from_static("hx-redirect"), location);
    } else {
        *response.status_mut() = StatusCode::SEE_OTHER;
        response.headers_mut().insert(header::LOCATION, location);
    }
    response.map_into_boxed_body()
}

/// Percent-encodes a path for use as a query value.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(host: &str, door: &Door) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
        host_is_ours(&headers, None, door)
    }

    #[test]
    fn only_names_of_this_machine_are_answered_when_it_listens_on_itself() {
        let door = Door { behind_tls_proxy: false, loopback: true, public_hosts: Vec::new() };
        for good in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "LOCALHOST", "127.0.0.1"] {
            assert!(ours(good, &door), "{good}");
        }
        for bad in ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example:80", ""] {
            assert!(!ours(bad, &door), "{bad}");
        }
    }

    #[test]
    fn behind_a_proxy_the_named_hosts_are_answered() {
        let named = Door { behind_tls_proxy: true, loopback: false, public_hosts: vec!["desk.example.org".into()] };
        assert!(ours("desk.example.org", &named) && ours("desk.example.org:443", &named));
        assert!(!ours("localhost", &named) && !ours("evil.example", &named));
        let any = Door { public_hosts: Vec::new(), ..named };
        assert!(ours("anything.example", &any));
    }
}
