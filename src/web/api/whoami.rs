//! Lets a program find out whether its token works and what it may do.

use crate::domain::access::Actor;
use crate::web::ctx::Ctx;
use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;

/// Who a session or token is.
#[derive(Default, Serialize, ToSchema)]
pub struct WhoAmI {
    /// The person, or the person that the token belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// `admin`, `operator` or `viewer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<&'static str>,
    /// The token's label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// `admin`, `operate`, `read` or `propose`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<&'static str>,
    /// For the header X-CSRF-Token of a session; only our own pages and programs with the cookie can read this answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csrf_token: Option<String>,
}

/// `GET /api/whoami`
pub async fn show(ctx: Ctx) -> HttpResponse {
    let body = match &ctx.actor {
        Actor::User { name, role, .. } => WhoAmI {
            username: Some(name.clone()),
            role: Some(role.as_str()),
            csrf_token: Some(ctx.csrf.clone()),
            ..WhoAmI::default()
        },
        Actor::Token { label, user_name, role, scope, .. } => WhoAmI {
            username: Some(user_name.clone()),
            role: Some(role.as_str()),
            token: Some(label.clone()),
            scope: Some(scope.as_str()),
            csrf_token: None,
        },
        Actor::System | Actor::Cli => WhoAmI::default(),
    };
    HttpResponse::Ok().json(body)
}
