//! Requests that another site made the browser send are refused.
//!
//! Two checks, both needed: the browser's own word on where a request comes from (`Sec-Fetch-Site`, or `Origin` against
//! `Host`), and a token that only our pages know. With a session the token belongs to the session. Before the login
//! there is none, and a row for every anonymous visitor would let anybody fill the database, so the login form's token
//! is derived from a signed cookie of its own: nothing is stored, and only this server can make a matching pair.

use super::ctx::WebState;
use super::error::AppError;
use crate::domain::time::{HOUR_MS, Timestamp};
use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::{self, HeaderMap};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// The header in which scripts send the token.
pub const HEADER: &str = "x-csrf-token";
/// The form field in which forms send the token.
pub const FIELD: &str = "csrf_token";
/// How long a login form stays good, in milliseconds.
const VISITOR_TTL_MS: i64 = 12 * HOUR_MS;

/// Whether the browser says that our own page sent this. Programs that are no browser send neither header; they are
/// stopped by the token alone, and no site can make them send anything.
pub fn is_same_origin(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        // `none` is the person itself: a reload, never another site.
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
    matches!((origin, host), (Some(origin), Some(host)) if origin.eq_ignore_ascii_case(host))
}

/// Compares two tokens in constant time; an empty one never matches.
pub fn matches(expected: &str, given: &str) -> bool {
    !expected.is_empty() && bool::from(expected.as_bytes().ct_eq(given.as_bytes()))
}

/// The token for a form before the login, with the cookie that goes with it.
pub struct VisitorToken {
    /// For the hidden field.
    pub token: String,
    /// To be set with the page; none when the browser has a good one already.
    pub cookie: Option<Cookie<'static>>,
}

/// The token for a form before the login. A good cookie is kept, so that several open tabs all work.
pub fn visitor_token(request: &HttpRequest, state: &WebState) -> VisitorToken {
    let now = state.clock.now();
    let name = cookie_name(state.door.behind_tls_proxy);
    if let Some(cookie) = request.cookie(name)
        && is_ours(cookie.value(), now, state)
    {
        return VisitorToken { token: sign(state, "form", cookie.value()), cookie: None };
    }
    let body = format!("{}.{}", now.plus_ms(VISITOR_TTL_MS).0, hex::encode(rand::random::<[u8; 16]>()));
    let value = format!("{body}.{}", sign(state, "cookie", &body));
    let token = sign(state, "form", &value);
    let cookie = Cookie::build(name, value)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(state.door.behind_tls_proxy)
        .finish();
    VisitorToken { token, cookie: Some(cookie) }
}

/// Checks the token of a form before the login.
///
/// # Errors
/// 403 `csrf`.
pub fn check_visitor(request: &HttpRequest, state: &WebState, given: &str) -> Result<(), AppError> {
    let cookie = request.cookie(cookie_name(state.door.behind_tls_proxy)).ok_or_else(AppError::csrf)?;
    let ours = is_ours(cookie.value(), state.clock.now(), state);
    if ours && matches(&sign(state, "form", cookie.value()), given) { Ok(()) } else { Err(AppError::csrf()) }
}

/// The `__Host-` prefix keeps other hosts of the same domain from planting one; it needs TLS.
const fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-visitor" } else { "visitor" }
}

fn is_ours(value: &str, now: Timestamp, state: &WebState) -> bool {
    let Some((body, signature)) = value.rsplit_once('.') else { return false };
    let expiry = body.split('.').next().and_then(|expiry| expiry.parse::<i64>().ok());
    expiry.is_some_and(|expiry| expiry > now.0) && matches(&sign(state, "cookie", body), signature)
}

/// Signs a text for one purpose with this server's secret.
pub(super) fn sign(state: &WebState, purpose: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(state.secret.bytes()).expect("HMAC takes keys of any length");
    // The purpose goes first, so that a signature for one use never fits another.
    mac.update(b"countersign visitor ");
    mac.update(purpose.as_bytes());
    mac.update(b"\0");
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn the_browsers_word_on_the_origin_decides() {
        for (pairs, expected) in [
            (&[][..], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("origin", "http://127.0.0.1:8080"), ("host", "127.0.0.1:8080")], true),
            (&[("origin", "http://evil.example"), ("host", "127.0.0.1:8080")], false),
            (&[("origin", "http://127.0.0.1:9090"), ("host", "127.0.0.1:8080")], false),
            (&[("origin", "null"), ("host", "127.0.0.1:8080")], false),
        ] {
            assert_eq!(is_same_origin(&headers(pairs)), expected, "{pairs:?}");
        }
    }

    #[test]
    fn an_empty_token_matches_nothing() {
        assert!(!matches("", ""));
        assert!(!matches("abc", "abd"));
        assert!(matches("abc", "abc"));
    }
}
