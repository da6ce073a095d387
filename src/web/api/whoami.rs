//! Lets a program find out whether its token works and what it may do.

use crate::domain::access::Actor;
use crate::web::ctx::Ctx;
use actix_web::HttpResponse;
use serde_json::json;

/// `GET /api/whoami`
pub async fn show(ctx: Ctx) -> HttpResponse {
    let body = match &ctx.actor {
        Actor::User { name, role, .. } => json!({ "username": name, "role": role.as_str() }),
        Actor::Token { label, user_name, role, scope, .. } => {
            json!({ "username": user_name, "role": role.as_str(), "token": label, "scope": scope.as_str() })
        }
        Actor::System | Actor::Cli => json!({}),
    };
    HttpResponse::Ok().json(body)
}
