//! The operator's own page: password, sessions, tokens.

use super::html;
use super::shell::shell;
use crate::domain::access::Token;
use crate::ports::access_store::SessionRecord;
use crate::services::access::AccessError;
use crate::services::desk::Desk;
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::FormInput;
use crate::web::view::{AccountPage, Nav, SessionRow, TokenRow, Tone};
use crate::web::{flash, show};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, web};

/// The longest text that is read from a field of this page, in characters.
const FIELD_MAX: usize = 2_000;
/// Browsers as they name themselves, most particular first: several name others too.
const BROWSERS: [(&str, &str); 8] = [
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("HeadlessChrome/", "Chromium"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
];
/// Systems as browsers name them, most particular first.
const SYSTEMS: [(&str, &str); 6] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];
/// Characters of a browser's own name where it is none that is known.
const AGENT_SHOWN: usize = 40;

/// `GET /account`
///
/// # Errors
/// When the database fails.
pub async fn show(desk: web::Data<Desk>, ctx: Ctx) -> Result<HttpResponse, AppError> {
    page(&desk, &ctx, StatusCode::OK, "", ["", "", ""]).await
}

/// `POST /account/password`: ends every other session of the person.
///
/// # Errors
/// When the database fails.
pub async fn change_password(desk: web::Data<Desk>, ctx: Ctx, mut form: FormInput) -> Result<HttpResponse, AppError> {
    let person = ctx.person()?;
    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    let current = form.text("current_password", FIELD_MAX).unwrap_or_default();
    let new = form.text("password", FIELD_MAX).unwrap_or_default();
    let repeat = form.text("password_repeat", FIELD_MAX).unwrap_or_default();
    if new != repeat {
        let errors = ["", "", "The two passwords differ."];
        return page(&desk, &ctx, refused, "Nothing was changed.", errors).await;
    }
    let access = &ctx.around.state()?.access;
    match access.change_password(person, current.into(), new.into(), ctx.session_hash.as_deref()).await {
        Ok(ended) => {
            let others = match ended {
                0 => "No other session was open.".to_owned(),
                _ => format!("{} ended.", show::plural(ended, "other session was", "other sessions were")),
            };
            Ok(flash::redirect(&ctx, "/account", Tone::Good, &format!("Password changed. {others}")))
        }
        Err(AccessError::WrongCredentials) => {
            let errors = ["This is not your current password.", "", ""];
            page(&desk, &ctx, refused, "Nothing was changed.", errors).await
        }
        Err(AccessError::BadPassword(why)) => {
            let why = format!("The new password {why}.");
            page(&desk, &ctx, refused, "Nothing was changed.", ["", &why, ""]).await
        }
        Err(AccessError::Throttled(wait)) => {
            let why = format!("Too many attempts. Try again in {} s.", wait.retry_after_s);
            let mut response = page(&desk, &ctx, StatusCode::TOO_MANY_REQUESTS, &why, ["", "", ""]).await?;
            response.headers_mut().insert(header::RETRY_AFTER, wait.retry_after_s.into());
            Ok(response)
        }
        Err(other) => Err(other.into()),
    }
}

async fn page(
    desk: &Desk,
    ctx: &Ctx,
    status: StatusCode,
    error: &str,
    errors: [&str; 3],
) -> Result<HttpResponse, AppError> {
    let person = ctx.person()?;
    let access = &ctx.around.state()?.access;
    let now = desk.clock.now().0;
    let own = ctx.session_hash.as_deref();
    let sessions = access.sessions_of(person).await?;
    let tokens = access.tokens(Some(person)).await?;
    let page = AccountPage {
        shell: shell(desk, ctx, Nav::Account, "Account").await?,
        error: error.to_owned(),
        fields: AccountPage::password_fields(errors),
        sessions: sessions.iter().map(|session| session_row(session, own, now)).collect(),
        tokens: tokens
            .iter()
            .filter(|(token, _)| token.revoked_at.is_none())
            .map(|(token, _)| token_row(token, now))
            .collect(),
    };
    html(status, &page)
}

fn session_row(session: &SessionRecord, own: Option<&str>, now: i64) -> SessionRow {
    SessionRow {
        agent: agent(&session.agent),
        address: session.address.clone(),
        since: show::when(session.created_at.0, now),
        seen: show::when(session.seen_at.0, now),
        current: own == Some(session.key_hash.as_str()),
    }
}

fn token_row(token: &Token, now: i64) -> TokenRow {
    TokenRow {
        label: token.label.clone(),
        scope: token.scope.as_str().to_owned(),
        created: show::when(token.created_at.0, now),
        used: token.used_at.map(|used| show::when(used.0, now)),
    }
}

/// Browser and system in words, for example `Firefox on Linux`.
fn agent(name: &str) -> String {
    let known =
        |list: &[(&str, &'static str)]| list.iter().find(|(part, _)| name.contains(part)).map(|(_, word)| *word);
    match (known(&BROWSERS), known(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        _ if name.trim().is_empty() => "unnamed browser".to_owned(),
        _ => name.chars().take(AGENT_SHOWN).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::agent;

    #[test]
    fn a_browser_is_named_by_its_most_particular_part() {
        let edge =
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36 Edg/120.0";
        assert_eq!(agent(edge), "Edge on Windows");
        let phone = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36";
        assert_eq!(agent(phone), "Chrome on Android");
        assert_eq!(agent("curl/8.5"), "curl");
        assert_eq!(agent(""), "unnamed browser");
    }
}
