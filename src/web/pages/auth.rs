//! First start, login, logout.

use super::plain::{escape, field, page};
use crate::services::access::AccessError;
use crate::web::csrf::{self, VisitorToken};
use crate::web::ctx::{Ctx, Visitor, WebState};
use crate::web::error::AppError;
use crate::web::form::{FormInput, QueryInput};
use crate::web::{hx, session};
use actix_session::Session;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use std::collections::BTreeMap;

/// The longest text that is read from a field of these pages, in characters.
const FIELD_MAX: usize = 2_000;

/// `GET /login`
///
/// # Errors
/// When the database fails.
pub async fn login_form(
    request: HttpRequest,
    state: web::Data<WebState>,
    visitor: Visitor,
    session: Session,
    mut query: QueryInput,
) -> Result<HttpResponse, AppError> {
    let next = query.text("next", FIELD_MAX).unwrap_or_default();
    let next = hx::safe_next(&next);
    if session::owner(&session).is_some() {
        return Ok(hx::redirect(next, visitor.is_htmx));
    }
    if state.access.setup_is_open().await? {
        return Ok(hx::redirect("/setup", visitor.is_htmx));
    }
    let note = if query.was_sent("bye") { "You are logged out." } else { "" };
    let login = LoginView { error: "", note, username: "", next };
    Ok(show_login(StatusCode::OK, &request, &state, &visitor, &login))
}

/// `POST /login`
///
/// # Errors
/// When the database fails.
pub async fn login(
    request: HttpRequest,
    state: web::Data<WebState>,
    visitor: Visitor,
    session: Session,
    mut form: FormInput,
) -> Result<HttpResponse, AppError> {
    let username = form.text("username", FIELD_MAX).unwrap_or_default();
    let password = form.text("password", FIELD_MAX).unwrap_or_default();
    let next = form.text("next", FIELD_MAX).unwrap_or_default();
    let next = hx::safe_next(&next);
    match state.access.login(username.trim(), password.into(), &visitor.address).await {
        Ok(user) => {
            session::log_in(&session, &user, &visitor)?;
            Ok(hx::redirect(next, visitor.is_htmx))
        }
        Err(AccessError::WrongCredentials) => {
            let error = "User name or password is wrong.";
            let login = LoginView { error, note: "", username: &username, next };
            Ok(show_login(StatusCode::UNPROCESSABLE_ENTITY, &request, &state, &visitor, &login))
        }
        Err(AccessError::Throttled(wait)) => {
            let error = format!("Too many attempts. Try again in {} s.", wait.retry_after_s);
            let login = LoginView { error: &error, note: "", username: &username, next };
            let mut response = show_login(StatusCode::TOO_MANY_REQUESTS, &request, &state, &visitor, &login);
            let header = actix_web::http::header::RETRY_AFTER;
            response.headers_mut().insert(header, wait.retry_after_s.into());
            Ok(response)
        }
        Err(other) => Err(other.into()),
    }
}

/// `POST /logout`
pub async fn logout(session: Session, ctx: Ctx) -> HttpResponse {
    session::log_out(&session);
    hx::redirect("/login?bye=1", ctx.is_htmx)
}

/// `POST /account/logout-everywhere`
///
/// # Errors
/// When the database fails.
pub async fn logout_everywhere(
    state: web::Data<WebState>,
    session: Session,
    ctx: Ctx,
) -> Result<HttpResponse, AppError> {
    state.access.log_out_everywhere(ctx.person()?).await?;
    session::log_out(&session);
    Ok(hx::redirect("/login?bye=1", ctx.is_htmx))
}

/// `GET /setup`
///
/// # Errors
/// 404 once an administrator exists.
pub async fn setup_form(
    request: HttpRequest,
    state: web::Data<WebState>,
    visitor: Visitor,
) -> Result<HttpResponse, AppError> {
    if !state.access.setup_is_open().await? {
        return Err(AppError::for_status(StatusCode::NOT_FOUND));
    }
    Ok(show_setup(StatusCode::OK, &request, &state, &visitor, &SetupView::default()))
}

/// `POST /setup`
///
/// # Errors
/// 404 once an administrator exists, 429 for guessing.
pub async fn setup(
    request: HttpRequest,
    state: web::Data<WebState>,
    visitor: Visitor,
    session: Session,
    mut form: FormInput,
) -> Result<HttpResponse, AppError> {
    let token = form.text("setup_token", FIELD_MAX).unwrap_or_default();
    let username = form.text("username", FIELD_MAX).unwrap_or_default();
    let password = form.text("password", FIELD_MAX).unwrap_or_default();
    let repeat = form.text("password_repeat", FIELD_MAX);
    let mut view = SetupView { username: username.clone(), ..SetupView::default() };
    if repeat.is_some_and(|repeat| repeat != password) {
        view.wrong("password_repeat", "is not the same");
        return Ok(show_setup(StatusCode::UNPROCESSABLE_ENTITY, &request, &state, &visitor, &view));
    }
    match state.access.complete_setup(&token, username.trim(), password.into(), &visitor.address).await {
        Ok(user) => {
            session::log_in(&session, &user, &visitor)?;
            return Ok(hx::redirect("/", visitor.is_htmx));
        }
        Err(AccessError::WrongSetupToken) => view.wrong("setup_token", "is not the one that was printed last"),
        Err(AccessError::BadUsername(why)) => view.wrong("username", &why.to_string()),
        Err(AccessError::NameTaken) => view.wrong("username", "is taken"),
        Err(AccessError::BadPassword(why)) => view.wrong("password", &why.to_string()),
        Err(other) => return Err(other.into()),
    }
    Ok(show_setup(StatusCode::UNPROCESSABLE_ENTITY, &request, &state, &visitor, &view))
}

struct LoginView<'a> {
    error: &'a str,
    note: &'a str,
    username: &'a str,
    next: &'a str,
}

#[derive(Default)]
struct SetupView {
    username: String,
    errors: BTreeMap<&'static str, String>,
}

impl SetupView {
    fn wrong(&mut self, field: &'static str, why: &str) {
        self.errors.insert(field, why.to_owned());
    }

    fn error(&self, field: &str) -> &str {
        self.errors.get(field).map_or("", String::as_str)
    }
}

fn show_login(
    status: StatusCode,
    request: &HttpRequest,
    state: &WebState,
    _visitor: &Visitor,
    login: &LoginView<'_>,
) -> HttpResponse {
    let token = csrf::visitor_token(request, state);
    let form = format!(
        "<form method=\"post\" action=\"/login\">{}{}{}{}<button>Log in</button></form>",
        hidden(csrf::FIELD, &token.token),
        hidden("next", login.next),
        field("username", "User name", "text", login.username, ""),
        field("password", "Password", "password", "", ""),
    );
    html(status, token, page("Log in", &[login.note, login.error], &form))
}

fn show_setup(
    status: StatusCode,
    request: &HttpRequest,
    state: &WebState,
    _visitor: &Visitor,
    view: &SetupView,
) -> HttpResponse {
    let token = csrf::visitor_token(request, state);
    let form = format!(
        "<form method=\"post\" action=\"/setup\">{}{}{}{}{}<button>Create administrator</button></form>",
        hidden(csrf::FIELD, &token.token),
        field("setup_token", "Setup token", "password", "", view.error("setup_token")),
        field("username", "User name", "text", &view.username, view.error("username")),
        field("password", "Password", "password", "", view.error("password")),
        field("password_repeat", "Password again", "password", "", view.error("password_repeat")),
    );
    html(status, token, page("Set up Countersign", &[], &form))
}

fn hidden(name: &str, value: &str) -> String {
    format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escape(value))
}

fn html(status: StatusCode, token: VisitorToken, body: String) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    if let Some(cookie) = token.cookie {
        response.cookie(cookie);
    }
    response.content_type("text/html; charset=utf-8").body(body)
}
