//! What a handler knows about its request: who acts, how, and from where.

use super::error::AppError;
use super::pages::shell::GlanceCache;
use super::view::Theme;
use super::{flash, hx};
use crate::domain::access::{Actor, Permission};
use crate::domain::ids::UserId;
use crate::ports::clock::Clock;
use crate::services::access::AccessService;
use crate::services::health::Health;
use crate::services::shutdown::Shutdown;
use crate::settings::SessionSecret;
use actix_web::dev::{Payload, ServiceRequest};
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use std::future::{Ready, ready};
use std::net::IpAddr;
use std::sync::Arc;
use tracing_actix_web::RequestId;

/// The cookie with the colour scheme; a script of the page writes it.
const THEME_COOKIE: &str = "theme";

/// What every handler may use; one for the whole process, as `web::Data<WebState>`.
pub struct WebState {
    /// Users, sessions, tokens.
    pub access: Arc<AccessService>,
    /// Database and workers.
    pub health: Arc<Health>,
    /// Event streams end when it begins.
    pub shutdown: Shutdown,
    /// Wall-clock time.
    pub clock: Arc<dyn Clock>,
    /// Signs cookies and login forms.
    pub secret: SessionSecret,
    /// How the server is reached.
    pub door: Door,
}

/// How the server is reached, which decides about cookies, host names and forwarded addresses.
#[derive(Clone, Debug)]
pub struct Door {
    /// Whether a proxy before this server ends TLS.
    pub behind_tls_proxy: bool,
    /// Whether the server listens on this machine only.
    pub loopback: bool,
    /// Host names under which people reach this server through the proxy; empty means any.
    pub public_hosts: Vec<String>,
}

/// Who acts, and how. Only routes that ask for a session or a token have one.
#[derive(Clone, Debug)]
pub struct Ctx {
    /// Who acts.
    pub actor: Actor,
    /// The token for forms and for the `X-CSRF-Token` header; empty for bearer tokens, which need none.
    pub csrf: String,
    /// The session's identity for "log out the others" and event streams; none for bearer tokens.
    pub session_hash: Option<String>,
    /// Request facts that need no login.
    pub visitor: Visitor,
}

impl Ctx {
    /// Refuses unless the actor may do it. Routes check their own permission; this is for what depends on the input.
    ///
    /// # Errors
    /// 403 `forbidden`.
    pub fn require(&self, permission: Permission) -> Result<(), AppError> {
        if self.actor.may(permission) {
            return Ok(());
        }
        Err(AppError::forbidden("forbidden", "This login or token may not do that."))
    }

    /// The person in the browser.
    ///
    /// # Errors
    /// 403 for a bearer token.
    pub fn person(&self) -> Result<UserId, AppError> {
        match &self.actor {
            Actor::User { id, .. } => Ok(*id),
            _ => Err(AppError::forbidden("forbidden", "Only a person in the browser may do that.")),
        }
    }
}

impl std::ops::Deref for Ctx {
    type Target = Visitor;

    fn deref(&self) -> &Visitor {
        &self.visitor
    }
}

impl FromRequest for Ctx {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.extensions().get::<Self>().cloned().ok_or_else(AppError::unauthorized))
    }
}

/// Facts of a request that need no login.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Where it comes from; IPv6 is cut to the network that one customer gets.
    pub address: String,
    /// How the browser names itself.
    pub agent: String,
    /// The colour scheme.
    pub theme: Theme,
    /// The id under which the log knows this request.
    pub request_id: String,
    /// Whether htmx asks for a fragment.
    pub is_htmx: bool,
    /// What pages need of the process.
    pub around: Around,
}

/// What a page needs of the process and of its request beside what its handler asks for.
#[derive(Clone, Default)]
pub struct Around {
    /// What every handler may use; none only where nothing is registered, as in a unit test.
    pub state: Option<Data<WebState>>,
    /// The figures of the top bar, read at most once a second.
    pub glance: Option<Data<GlanceCache>>,
    /// The message that the last request left, still sealed.
    pub flash: Option<String>,
}

impl std::fmt::Debug for Around {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Around")
    }
}

impl Around {
    fn of(request: &HttpRequest) -> Self {
        Self {
            state: request.app_data::<Data<WebState>>().cloned(),
            glance: request.app_data::<Data<GlanceCache>>().cloned(),
            flash: request.cookie(flash::COOKIE).map(|cookie| cookie.value().to_owned()),
        }
    }

    /// What every handler may use.
    ///
    /// # Errors
    /// 500 where nothing is registered.
    pub fn state(&self) -> Result<&WebState, AppError> {
        let missing = || AppError::internal(&std::io::Error::other("the web state is not registered"));
        self.state.as_ref().map(|state| state.as_ref()).ok_or_else(missing)
    }
}

impl Visitor {
    /// Reads the facts of a request.
    pub fn of(request: &HttpRequest) -> Self {
        let state = request.app_data::<Data<WebState>>();
        let proxied = state.is_some_and(|state| state.door.behind_tls_proxy);
        let agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("");
        let request_id = request.extensions().get::<RequestId>().map_or_else(String::new, ToString::to_string);
        Self {
            address: address(request, proxied),
            agent: agent.to_owned(),
            theme: theme(request),
            request_id,
            is_htmx: hx::wants_fragment(request.headers()),
            around: Around::of(request),
        }
    }

    /// Reads the facts of a request that a middleware holds.
    pub fn of_service(request: &ServiceRequest) -> Self {
        Self::of(request.request())
    }
}

impl FromRequest for Visitor {
    type Error = AppError;
    type Future = Ready<Result<Self, AppError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}

fn theme(request: &HttpRequest) -> Theme {
    Theme::from_cookie(request.cookie(THEME_COOKIE).as_ref().map(actix_web::cookie::Cookie::value))
}

/// The peer, or what the proxy before us says: its own entry is the last one, earlier ones anybody could have sent.
fn address(request: &HttpRequest, proxied: bool) -> String {
    let forwarded = || {
        let lines = request.headers().get_all("x-forwarded-for").filter_map(|value| value.to_str().ok());
        lines.flat_map(|line| line.split(',')).next_back().and_then(|entry| entry.trim().parse::<IpAddr>().ok())
    };
    let address = if proxied { forwarded() } else { None };
    match address.or_else(|| request.peer_addr().map(|peer| peer.ip())) {
        Some(IpAddr::V6(v6)) if v6.to_ipv4_mapped().is_none() && !v6.is_loopback() => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Some(IpAddr::V6(v6)) => v6.to_ipv4_mapped().map_or_else(|| v6.to_string(), |v4| v4.to_string()),
        Some(v4) => v4.to_string(),
        None => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn request(forwarded: &str, peer: &str) -> HttpRequest {
        let request = TestRequest::default().peer_addr(peer.parse().unwrap());
        request.insert_header(("X-Forwarded-For", forwarded)).to_http_request()
    }

    #[test]
    fn only_the_proxys_own_entry_is_believed_and_only_behind_a_proxy() {
        let request = request("6.6.6.6, 203.0.113.9", "10.0.0.1:999");
        assert_eq!(address(&request, true), "203.0.113.9");
        assert_eq!(address(&request, false), "10.0.0.1");
    }

    #[test]
    fn one_ipv6_customer_is_one_address() {
        let near = request("2001:db8:1:2:3:4:5:6", "10.0.0.1:999");
        assert_eq!(address(&near, true), "2001:db8:1:2::/64");
    }
}
