//! The whole URL map: one row a route, with what it asks for. Handlers are registered from this table and nowhere else,
//! so that a test can walk it, and nothing can be reached that is not written here.
//!
//! Where a fixed path and a pattern could both match, the fixed one comes first.

use super::error::{self, AppError};
use super::guard::guard;
use super::{api, assets, form, health, live, mcp, pages};
use crate::domain::access::Permission::{self, Arm, Credentials, Operate, Propose, Read};
use actix_web::guard as on;
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, ResponseError, Route};

/// The only paths that answer without a session or a token.
pub const PUBLIC: &[&str] =
    &["/login", "/setup", "/health/live", "/health/ready", "/static/{hash}/{name}", "/static/{name}", "/favicon.ico"];

/// What a route asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing; the path must be on the [`PUBLIC`] list too.
    Public,
    /// A session, and this permission.
    Page(Permission),
    /// A session or a bearer token, and this permission.
    Api(Permission),
}

/// One row of the map.
pub struct Entry {
    /// GET routes answer HEAD too.
    pub method: Method,
    /// The path, with `{name}` for variable parts.
    pub path: &'static str,
    /// What it asks for.
    pub access: Access,
    handler: fn() -> Route,
}

macro_rules! routes {
    ($($method:ident $path:literal $access:expr => $handler:path;)+) => {
        &[$(Entry { method: Method::$method, path: $path, access: $access, handler: || web::route().to($handler) }),+]
    };
}

use Access::{Api, Page, Public};

/// The map.
pub const ROUTES: &[Entry] = routes! {
    // Without a session
    GET  "/health/live"  Public => health::live;
    GET  "/health/ready" Public => health::ready;
    GET  "/static/{hash}/{name}" Public => assets::hashed;
    GET  "/static/{name}"        Public => assets::plain;
    GET  "/favicon.ico"          Public => assets::favicon;
    GET  "/setup"        Public => pages::auth::setup_form;
    POST "/setup"        Public => pages::auth::setup;
    GET  "/login"        Public => pages::auth::login_form;
    POST "/login"        Public => pages::auth::login;

    // The operator's own
    POST "/logout"                    Page(Read) => pages::auth::logout;
    GET  "/account"                   Page(Read) => pages::account::show;
    POST "/account/password"          Page(Read) => pages::account::change_password;
    POST "/account/logout-everywhere" Page(Read) => pages::auth::logout_everywhere;

    // AI agents
    POST "/mcp" Api(Read) => mcp::message;

    // Parts of every page
    GET  "/fragments/topbar" Page(Read) => pages::shell::topbar_fragment;
    GET  "/events"           Page(Read) => live::events;

    // The desk and its models
    GET  "/"                                    Page(Read)    => pages::desk::show;
    GET  "/models"                              Page(Read)    => pages::models::list;
    GET  "/models/new"                          Page(Read)    => pages::models::form;
    POST "/models"                              Page(Operate) => pages::models::create;
    GET  "/models/{id}"                         Page(Read)    => pages::model::show;
    GET  "/models/{id}/positions/{coin}/close"  Page(Read)    => pages::model::close_form;
    POST "/models/{id}/positions/{coin}/close"  Page(Operate) => pages::model::close;

    // Decisions
    GET  "/inbox"                           Page(Read)    => pages::inbox::list;
    GET  "/fragments/inbox-news"            Page(Read)    => pages::inbox::news_fragment;
    GET  "/fragments/decisions/{id}/row"    Page(Read)    => pages::decisions::row_fragment;
    GET  "/decisions/{id}"                  Page(Read)    => pages::decisions::show;
    GET  "/decisions/{id}/approve"          Page(Read)    => pages::decisions::approve_form;
    POST "/decisions/{id}/approve"          Page(Operate) => pages::decisions::approve;
    GET  "/decisions/{id}/edit"             Page(Read)    => pages::decisions::edit_form;
    POST "/decisions/{id}/edit"             Page(Operate) => pages::decisions::edit;
    GET  "/decisions/{id}/reject"           Page(Read)    => pages::decisions::reject_form;
    POST "/decisions/{id}/reject"           Page(Operate) => pages::decisions::reject;
    POST "/decisions/{id}/request-approval" Page(Operate) => pages::decisions::request_approval;

    // Orders
    GET  "/orders"             Page(Read)    => pages::orders::list;
    GET  "/orders/unknown"     Page(Read)    => pages::unknown_orders::list;
    GET  "/orders/{id}"        Page(Read)    => pages::orders::show;
    POST "/orders/{id}/probe"  Page(Operate) => pages::unknown_orders::probe;
    POST "/orders/{id}/cancel" Page(Operate) => pages::orders::cancel;

    // Our books beside the exchange's
    GET  "/reconciliation"                      Page(Read)    => pages::reconciliation::show;
    POST "/reconciliation/differences/{id}"     Page(Operate) => pages::reconciliation::settle;
    POST "/reconciliation/{account}/run"        Page(Operate) => pages::reconciliation::run;
    GET  "/reconciliation/{account}/begin-anew" Page(Read)    => pages::reconciliation::begin_anew_form;
    POST "/reconciliation/{account}/begin-anew" Page(Operate) => pages::reconciliation::begin;

    // A model's settings and what is done with it
    GET  "/models/{id}/settings"              Page(Read)    => pages::settings::show;
    POST "/models/{id}/settings"              Page(Operate) => pages::settings::save;
    GET  "/models/{id}/advisor"               Page(Read)    => pages::advisor::form;
    POST "/models/{id}/advisor"               Page(Operate) => pages::advisor::save;
    GET  "/models/{id}/conversations"         Page(Read)    => pages::conversations::list;
    GET  "/models/{id}/costs"                 Page(Read)    => pages::costs::show;
    GET  "/models/{id}/prompt"                Page(Read)    => pages::prompt::open;
    POST "/models/{id}/prompt"                Page(Operate) => pages::prompt::save;
    POST "/models/{id}/prompt/preview"        Page(Read)    => pages::prompt::preview;
    POST "/models/{id}/prompt/default"        Page(Operate) => pages::prompt::reset;
    POST "/models/{id}/environment"           Page(Operate) => pages::settings::set_environment;
    POST "/models/{id}/automation"            Page(Operate) => pages::settings::set_automation;
    POST "/models/{id}/exchange-environment"  Page(Operate) => pages::settings::set_exchange_environment;
    POST "/models/{id}/run"                   Page(Operate) => pages::model_actions::run;
    POST "/models/{id}/pause"                 Page(Operate) => pages::model_actions::pause;
    POST "/models/{id}/resume"                Page(Operate) => pages::model_actions::resume;
    POST "/models/{id}/reset-high-water-mark" Page(Operate) => pages::model_actions::reset_high_water_mark;
    GET  "/models/{id}/delete"                Page(Read)    => pages::model_actions::delete_form;
    POST "/models/{id}/delete"                Page(Operate) => pages::model_actions::delete;
    GET  "/models/{id}/shadows"               Page(Read)    => pages::shadows::list;
    POST "/models/{id}/shadows"               Page(Operate) => pages::shadows::start;
    GET  "/shadows/{id}"                      Page(Read)    => pages::shadows::show;
    GET  "/shadows/{id}/steps/{number}"       Page(Read)    => pages::shadow_steps::show;
    POST "/shadows/{id}/stop"                 Page(Operate) => pages::shadows::stop;
    GET  "/cycles/{id}"                       Page(Read)    => pages::cycles::show;
    GET  "/cycles/{id}/ask"                   Page(Read)    => pages::reasks::form;
    POST "/cycles/{id}/ask"                   Page(Operate) => pages::reasks::ask;
    GET  "/answers/{id}"                      Page(Read)    => pages::reasks::show;
    GET  "/cycles/{id}/replay"                Page(Read)    => pages::cycles::show_replay;

    // Exchange keys and real money
    POST "/models/{id}/credentials/{environment}"        Page(Credentials) => pages::credentials::save;
    POST "/models/{id}/credentials/{environment}/verify" Page(Operate)     => pages::credentials::verify;
    GET  "/models/{id}/credentials/{environment}/delete" Page(Read)        => pages::credentials::delete_form;
    POST "/models/{id}/credentials/{environment}/delete" Page(Credentials) => pages::credentials::delete;
    GET  "/models/{id}/arm"                              Page(Read)        => pages::arming::form;
    POST "/models/{id}/arm"                              Page(Arm)         => pages::arming::arm;
    POST "/models/{id}/disarm"                           Page(Operate)     => pages::arming::disarm;

    // Who answers
    GET  "/providers"               Page(Read)        => pages::providers::list;
    GET  "/providers/new"           Page(Read)        => pages::providers::form;
    POST "/providers"               Page(Credentials) => pages::providers::create;
    GET  "/providers/{id}"          Page(Read)        => pages::providers::show;
    POST "/providers/{id}"          Page(Credentials) => pages::providers::save;
    POST "/providers/{id}/discover" Page(Operate)     => pages::providers::discover;
    POST "/providers/{id}/test"     Page(Operate)     => pages::providers::test;
    GET  "/providers/{id}/delete"   Page(Read)        => pages::providers::delete_form;
    POST "/providers/{id}/delete"   Page(Credentials) => pages::providers::delete;

    // What needs a person
    GET  "/incidents"                  Page(Read)    => pages::incidents::list;
    POST "/incidents/{id}/acknowledge" Page(Operate) => pages::incidents::acknowledge;
    POST "/incidents/{id}/resolve"     Page(Operate) => pages::incidents::resolve;
    GET  "/notifications"              Page(Read)    => pages::notifications::list;
    POST "/notifications/read"         Page(Operate) => pages::notifications::read;

    // The red button
    GET  "/stop"      Page(Read)    => pages::stop::form;
    POST "/stop"      Page(Operate) => pages::stop::stop;
    POST "/stop/lift" Page(Operate) => pages::stop::lift;

    // The API
    GET  "/api/whoami"       Api(Read) => api::whoami::show;
    GET  "/api/openapi.json" Api(Read) => api::openapi::document;
    GET  "/api/docs"         Api(Read) => api::openapi::page;

    GET    "/api/models"             Api(Read)    => api::models::index;
    POST   "/api/models"             Api(Operate) => api::models::create;
    GET    "/api/models/all-summary" Api(Read)    => api::overview::all_summary;
    GET    "/api/models/{id}"        Api(Read)    => api::models::show;
    PUT    "/api/models/{id}"        Api(Operate) => api::models::edit;
    PATCH  "/api/models/{id}"        Api(Operate) => api::models::edit;
    DELETE "/api/models/{id}"        Api(Operate) => api::models::delete;
    POST "/api/models/{id}/pause"                 Api(Operate) => api::models::pause;
    POST "/api/models/{id}/resume"                Api(Operate) => api::models::resume;
    POST "/api/models/{id}/reset-high-water-mark" Api(Operate) => api::models::reset_high_water_mark;
    GET  "/api/models/{id}/config"                Api(Read)    => api::axes::config;
    GET  "/api/models/{id}/environment"           Api(Read)    => api::axes::environment;
    POST "/api/models/{id}/environment"           Api(Operate) => api::axes::set_environment;
    GET  "/api/models/{id}/automation"            Api(Read)    => api::axes::automation;
    POST "/api/models/{id}/automation"            Api(Operate) => api::axes::set_automation;
    GET  "/api/models/{id}/exchange/environment"  Api(Read)    => api::axes::exchange_environment;
    POST "/api/models/{id}/exchange/environment"  Api(Operate) => api::axes::set_exchange_environment;
    GET    "/api/models/{id}/exchange/credentials" Api(Read)        => api::credentials::show;
    POST   "/api/models/{id}/exchange/credentials" Api(Credentials) => api::credentials::save;
    DELETE "/api/models/{id}/exchange/credentials" Api(Credentials) => api::credentials::delete;
    POST   "/api/models/{id}/exchange/validate"    Api(Operate)     => api::credentials::validate;
    GET  "/api/models/{id}/settings"              Api(Read)    => api::settings::show;
    POST "/api/models/{id}/settings"              Api(Operate) => api::settings::change;
    GET  "/api/models/{id}/ai-costs"              Api(Read)    => api::ai_costs::show;
    GET  "/api/models/{id}/prompt"                Api(Read)    => api::prompt::show;
    POST "/api/models/{id}/prompt"                Api(Operate) => api::prompt::change;
    POST "/api/models/{id}/cycle"                 Api(Propose) => api::cycle::run;
    GET  "/api/models/{id}/portfolio"             Api(Read)    => api::books::portfolio;
    POST "/api/models/{id}/positions/{coin}/close" Api(Operate) => api::books::close;
    GET  "/api/models/{id}/trades"                Api(Read)    => api::books::trades;
    GET  "/api/models/{id}/risk-status"           Api(Read)    => api::books::risk_status;
    GET  "/api/models/{id}/orders"                Api(Read)    => api::orders::index;
    GET  "/api/models/{id}/conversations"         Api(Read)    => api::activity::conversations;
    GET  "/api/models/{id}/shadows"               Api(Read)    => api::shadows::index;
    POST "/api/models/{id}/shadows"               Api(Operate) => api::shadows::create;
    GET  "/api/shadows/{id}"                      Api(Read)    => api::shadows::show;
    GET  "/api/shadows/{id}/steps"                Api(Read)    => api::shadows::steps;
    GET  "/api/shadows/{id}/steps/{number}"       Api(Read)    => api::shadows::step;
    POST "/api/shadows/{id}/stop"                 Api(Operate) => api::shadows::stop;
    GET  "/api/models/{id}/incidents"             Api(Read)    => api::activity::model_incidents;

    GET  "/api/cycles/{id}"                       Api(Read)    => api::cycle::show;
    POST "/api/cycles/{id}/ask"                   Api(Operate) => api::reasks::ask;
    GET  "/api/cycles/{id}/answers"               Api(Read)    => api::reasks::index;
    GET  "/api/cycles/{id}/bundle"                Api(Read)    => api::records::download;
    POST "/api/cycles/{id}/replay"                Api(Read)    => api::records::replay;
    GET  "/api/pending-decisions"                 Api(Read)    => api::decisions::pending;
    POST "/api/pending-decisions/{id}/approve"    Api(Operate) => api::decisions::approve;
    POST "/api/pending-decisions/{id}/reject"     Api(Operate) => api::decisions::reject;
    GET  "/api/decision-history"                  Api(Read)    => api::decisions::history;
    GET  "/api/decisions/{id}"                    Api(Read)    => api::decisions::show;
    POST "/api/decisions/{id}/request-approval"   Api(Operate) => api::decisions::request_approval;

    GET  "/api/orders/{id}"             Api(Read)    => api::orders::show;
    POST "/api/orders/{id}/cancel"      Api(Operate) => api::orders::cancel;
    POST "/api/orders/{id}/probe"       Api(Operate) => api::orders::probe;
    POST "/api/emergency-stop-all"      Api(Operate) => api::stop::emergency_stop_all;

    GET  "/api/incidents"                  Api(Read)    => api::activity::incidents;
    POST "/api/incidents/{id}/acknowledge" Api(Operate) => api::activity::acknowledge;
    POST "/api/incidents/{id}/resolve"     Api(Operate) => api::activity::resolve;
    GET  "/api/notifications"              Api(Read)    => api::activity::notifications;
    POST "/api/notifications/read"         Api(Operate) => api::activity::read;

    GET  "/api/leaderboard"      Api(Read) => api::overview::leaderboard;
    GET  "/api/market/prices"    Api(Read) => api::overview::prices;
    GET    "/api/providers"           Api(Read)        => api::providers::index;
    POST   "/api/providers"           Api(Credentials) => api::providers::create;
    POST   "/api/providers/models"    Api(Read)        => api::providers::models;
    GET    "/api/providers/{id}"      Api(Read)        => api::providers::show;
    PUT    "/api/providers/{id}"      Api(Credentials) => api::providers::edit;
    PATCH  "/api/providers/{id}"      Api(Credentials) => api::providers::edit;
    DELETE "/api/providers/{id}"      Api(Credentials) => api::providers::delete;
    POST   "/api/providers/{id}/test" Api(Operate)     => api::providers::test;
};

/// Registers the map.
pub fn configure(config: &mut ServiceConfig) {
    config
        .app_data(web::Data::new(pages::shell::GlanceCache::default()))
        .app_data(web::Data::new(live::Streams::default()))
        .app_data(web::JsonConfig::default().limit(form::JSON_BYTES_MAX).error_handler(error::json_error))
        .app_data(web::FormConfig::default().limit(form::FORM_BYTES_MAX).error_handler(error::form_error))
        .app_data(web::PayloadConfig::new(form::JSON_BYTES_MAX))
        .app_data(web::QueryConfig::default().error_handler(error::query_error))
        .app_data(web::PathConfig::default().error_handler(error::path_error));
    let mut paths: Vec<&'static str> = Vec::new();
    for entry in ROUTES {
        if !paths.contains(&entry.path) {
            paths.push(entry.path);
        }
    }
    for path in paths {
        let mut resource = web::resource(path);
        let mut methods = Vec::new();
        for entry in ROUTES.iter().filter(|entry| entry.path == path) {
            let access = entry.access;
            let guarded = from_fn(move |request, next| guard(access, request, next));
            let route = if entry.method == Method::GET {
                methods.push("HEAD");
                (entry.handler)().guard(on::Any(on::Get()).or(on::Head()))
            } else {
                (entry.handler)().method(entry.method.clone())
            };
            methods.push(entry.method.as_str());
            resource = resource.route(route.wrap(guarded));
        }
        let allow = methods.join(", ");
        config.service(resource.default_service(web::to(move || method_not_allowed(allow.clone()))));
    }
    config.default_service(web::to(not_found));
}

async fn method_not_allowed(allow: String) -> HttpResponse {
    let mut response = AppError::for_status(StatusCode::METHOD_NOT_ALLOWED).error_response();
    if let Ok(value) = header::HeaderValue::from_str(&allow) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
}

async fn not_found() -> HttpResponse {
    AppError::for_status(StatusCode::NOT_FOUND).error_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_listed_paths_are_public() {
        for entry in ROUTES {
            let listed = PUBLIC.contains(&entry.path);
            assert_eq!(entry.access == Public, listed, "{} {}", entry.method, entry.path);
        }
        assert!(PUBLIC.iter().all(|path| ROUTES.iter().any(|entry| entry.path == *path)));
    }

    #[test]
    fn whatever_changes_something_is_no_get() {
        for entry in ROUTES {
            let changes = matches!(entry.access, Page(needs) | Api(needs) if needs != Read);
            assert!(!changes || entry.method != Method::GET, "GET {} asks for more than reading", entry.path);
        }
    }

    #[test]
    fn the_api_and_nothing_else_takes_tokens() {
        for entry in ROUTES {
            let is_api = entry.path.starts_with("/api") || entry.path == "/mcp";
            assert_eq!(is_api, matches!(entry.access, Api(_)), "{}", entry.path);
        }
    }

    #[test]
    fn no_row_appears_twice() {
        for (index, entry) in ROUTES.iter().enumerate() {
            let again = |other: &&Entry| other.path == entry.path && other.method == entry.method;
            assert!(!ROUTES[index + 1..].iter().any(|other| again(&other)), "{} {}", entry.method, entry.path);
        }
    }
}
