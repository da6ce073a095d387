//! First start, login, logout.

use super::html;
use crate::services::access::AccessError;
use crate::web::csrf;
use crate::web::ctx::{Ctx, Visitor, WebState};
use crate::web::error::AppError;
use crate::web::form::{FormInput, QueryInput};
use crate::web::view::{LoginPage, SetupPage};
use crate::web::{hx, session};
use actix_session::Session;
use actix_web::cookie::Cookie;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};

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
    let mut page = empty_login(&visitor, next);
    note.clone_into(&mut page.note);
    show_login(StatusCode::OK, &request, &state, page)
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
    let mut page = empty_login(&visitor, next);
    username.trim().clone_into(&mut page.username);
    match state.access.login(username.trim(), password.into(), &visitor.address).await {
        Ok(user) => {
            session::log_in(&session, &user, &visitor)?;
            Ok(hx::redirect(next, visitor.is_htmx))
        }
        Err(AccessError::WrongCredentials) => {
            "User name or password is wrong.".clone_into(&mut page.error);
            show_login(StatusCode::UNPROCESSABLE_ENTITY, &request, &state, page)
        }
        Err(AccessError::Throttled(wait)) => {
            page.error = format!("Too many attempts. Try again in {} s.", wait.retry_after_s);
            let mut response = show_login(StatusCode::TOO_MANY_REQUESTS, &request, &state, page)?;
            response.headers_mut().insert(header::RETRY_AFTER, wait.retry_after_s.into());
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
    show_setup(StatusCode::OK, &request, &state, &visitor, "", &SetupErrors::default())
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
    let mut errors = SetupErrors::default();
    if repeat.is_some_and(|repeat| repeat != password) {
        errors.wrong("password_repeat", "is not the same");
        return show_setup(StatusCode::UNPROCESSABLE_ENTITY, &request, &state, &visitor, &username, &errors);
    }
    match state.access.complete_setup(&token, username.trim(), password.into(), &visitor.address).await {
        Ok(user) => {
            session::log_in(&session, &user, &visitor)?;
            return Ok(hx::redirect("/", visitor.is_htmx));
        }
        Err(AccessError::WrongSetupToken) => errors.wrong("setup_token", "is not the one that was printed last"),
        Err(AccessError::BadUsername(why)) => errors.wrong("username", &why.to_string()),
        Err(AccessError::NameTaken) => errors.wrong("username", "is taken"),
        Err(AccessError::BadPassword(why)) => errors.wrong("password", &why.to_string()),
        Err(other) => return Err(other.into()),
    }
    show_setup(StatusCode::UNPROCESSABLE_ENTITY, &request, &state, &visitor, &username, &errors)
}

fn empty_login(visitor: &Visitor, next: &str) -> LoginPage {
    LoginPage {
        csrf: String::new(),
        theme: visitor.theme,
        error: String::new(),
        note: String::new(),
        username: String::new(),
        next: if next == "/" { String::new() } else { next.to_owned() },
    }
}

#[derive(Default)]
struct SetupErrors([String; 4]);

impl SetupErrors {
    /// Fields of the page, in order.
    const NAMES: [&str; 4] = ["setup_token", "username", "password", "password_repeat"];

    fn wrong(&mut self, field: &str, why: &str) {
        if let Some(at) = Self::NAMES.iter().position(|name| *name == field) {
            why.clone_into(&mut self.0[at]);
        }
    }
}

fn show_login(
    status: StatusCode,
    request: &HttpRequest,
    state: &WebState,
    mut page: LoginPage,
) -> Result<HttpResponse, AppError> {
    let token = csrf::visitor_token(request, state);
    page.csrf = token.token;
    with_cookie(html(status, &page)?, token.cookie)
}

fn show_setup(
    status: StatusCode,
    request: &HttpRequest,
    state: &WebState,
    visitor: &Visitor,
    username: &str,
    errors: &SetupErrors,
) -> Result<HttpResponse, AppError> {
    let token = csrf::visitor_token(request, state);
    let [setup_token, name, password, repeat] = &errors.0;
    let page = SetupPage {
        csrf: token.token,
        theme: visitor.theme,
        error: String::new(),
        fields: SetupPage::fields(username, [setup_token, name, password, repeat]),
    };
    with_cookie(html(status, &page)?, token.cookie)
}

fn with_cookie(mut response: HttpResponse, cookie: Option<Cookie<'static>>) -> Result<HttpResponse, AppError> {
    if let Some(cookie) = cookie {
        response.add_cookie(&cookie).map_err(|error| AppError::internal(&error))?;
    }
    Ok(response)
}
