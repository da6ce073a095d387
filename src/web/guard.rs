//! Stands before each handler: who is it, may it, and did our own page send it.

use super::csrf;
use super::ctx::{Ctx, Visitor, WebState};
use super::error::AppError;
use super::form::FORM_BYTES_MAX;
use super::routes::Access;
use super::session::{self, SessionOwner};
use crate::domain::access::Permission;
use actix_session::SessionExt;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::middleware::Next;
use actix_web::web::{self, Bytes};
use actix_web::{HttpMessage, ResponseError};
use futures_util::StreamExt;
use secrecy::SecretString;

/// Lets a request through to its handler, or answers in the handler's place.
///
/// # Errors
/// Only what the handler itself fails with.
pub async fn guard<B: MessageBody + 'static>(
    access: Access,
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    match admit(access, &mut request).await {
        Ok(()) => Ok(next.call(request).await?.map_into_boxed_body()),
        Err(refusal) => Ok(request.into_response(refusal.error_response())),
    }
}

async fn admit(access: Access, request: &mut ServiceRequest) -> Result<(), AppError> {
    let state = request.app_data::<web::Data<WebState>>().cloned();
    let state = state.ok_or_else(|| AppError::internal(&std::io::Error::other("the web state is not registered")))?;
    let changes = changes_state(request.method());
    let permission = match access {
        Access::Public => {
            if changes {
                let given = csrf_token(request).await?;
                if !csrf::is_same_origin(request.headers()) {
                    return Err(AppError::csrf());
                }
                csrf::check_visitor(request.request(), &state, &given)?;
            }
            return Ok(());
        }
        Access::Page(permission) => permission,
        Access::Api(permission) => {
            if let Some(token) = bearer(request) {
                return admit_token(&state, request, token, permission).await;
            }
            permission
        }
    };
    let owner = session::owner(&request.get_session()).ok_or_else(AppError::unauthorized)?;
    if changes {
        check_csrf(request, &owner).await?;
    }
    let ctx = Ctx {
        actor: owner.actor,
        csrf: owner.csrf,
        session_hash: Some(owner.hash),
        visitor: Visitor::of_service(request),
    };
    enter(request, ctx, permission)
}

async fn admit_token(
    state: &WebState,
    request: &ServiceRequest,
    token: SecretString,
    permission: Permission,
) -> Result<(), AppError> {
    let actor = state.access.token_actor(&token).await?.ok_or_else(AppError::unauthorized)?;
    let visitor = Visitor::of_service(request);
    enter(request, Ctx { actor, csrf: String::new(), session_hash: None, visitor }, permission)
}

fn enter(request: &ServiceRequest, ctx: Ctx, permission: Permission) -> Result<(), AppError> {
    ctx.require(permission)?;
    tracing::Span::current().record("actor", ctx.actor.name());
    request.extensions_mut().insert(ctx);
    Ok(())
}

async fn check_csrf(request: &mut ServiceRequest, owner: &SessionOwner) -> Result<(), AppError> {
    let given = csrf_token(request).await?;
    if csrf::is_same_origin(request.headers()) && session::csrf_matches(owner, &given) {
        return Ok(());
    }
    Err(AppError::csrf())
}

/// Whether a method may change anything; handlers of the others must not.
fn changes_state(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn bearer(request: &ServiceRequest) -> Option<SecretString> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned().into())
}

/// The token from the header, or from the form's field. Reading the form takes the body, so it is put back.
async fn csrf_token(request: &mut ServiceRequest) -> Result<String, AppError> {
    if let Some(value) = request.headers().get(csrf::HEADER) {
        return Ok(value.to_str().unwrap_or_default().to_owned());
    }
    if request.content_type() != "application/x-www-form-urlencoded" {
        return Ok(String::new());
    }
    let body = read_body(request).await?;
    let token = form_value(&body, csrf::FIELD);
    request.set_payload(Payload::from(body));
    Ok(token)
}

async fn read_body(request: &mut ServiceRequest) -> Result<Bytes, AppError> {
    let mut payload = request.take_payload();
    let mut body = web::BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| AppError::bad_request("malformed_form", "The form cannot be read."))?;
        if body.len() + chunk.len() > FORM_BYTES_MAX {
            return Err(AppError::too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn form_value(body: &[u8], name: &str) -> String {
    let pairs: Vec<(String, String)> = super::form::decode_pairs(body);
    pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value).unwrap_or_default()
}
