//! A message for the next page: "Rejected." after a form was posted without JavaScript and the browser was sent on.
//!
//! It travels in a signed cookie bound to the session, so nothing is stored here and nobody else can put words into our
//! mouth; the page that shows it removes it ([`super::security`]).

use super::csrf;
use super::ctx::Ctx;
use super::hx;
use super::view::{Toast, Tone};
use actix_web::HttpResponse;
use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::http::header::HeaderValue;

/// The cookie's name.
pub const COOKIE: &str = "flash";
/// The longest message, in characters.
const TEXT_MAX: usize = 300;
/// How long a message waits for its page.
const KEPT_SECONDS: i64 = 60;
/// What the signature is for.
const PURPOSE: &str = "flash";

/// Sends the browser to a page that will show a message: 303, or htmx's own header when htmx asked.
pub fn redirect(ctx: &Ctx, to: &str, tone: Tone, text: &str) -> HttpResponse {
    let mut response = hx::redirect(to, ctx.is_htmx);
    let Some(state) = &ctx.around.state else { return response };
    let text: String = text.chars().take(TEXT_MAX).collect();
    let body = hex::encode(format!("{}{text}", letter(tone)));
    let value = format!("{body}.{}", csrf::sign(state, PURPOSE, &signed_part(ctx, &body)));
    let cookie = Cookie::build(COOKIE, value)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(state.door.behind_tls_proxy)
        .max_age(Duration::seconds(KEPT_SECONDS))
        .finish();
    // Without the message the page still says how things stand.
    let _ = response.add_cookie(&cookie);
    response
}

/// The message that the last request left for this page.
pub fn read(ctx: &Ctx) -> Vec<Toast> {
    let toast = || {
        let state = ctx.around.state.as_ref()?;
        let (body, signature) = ctx.around.flash.as_ref()?.rsplit_once('.')?;
        if !csrf::matches(&csrf::sign(state, PURPOSE, &signed_part(ctx, body)), signature) {
            return None;
        }
        let plain = String::from_utf8(hex::decode(body).ok()?).ok()?;
        let mut letters = plain.chars();
        let tone = tone(letters.next()?);
        Some(Toast { text: letters.collect(), tone })
    };
    toast().into_iter().collect()
}

/// The header that removes the message.
pub const fn removal() -> HeaderValue {
    HeaderValue::from_static("flash=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax")
}

fn signed_part(ctx: &Ctx, body: &str) -> String {
    format!("{}.{body}", ctx.session_hash.as_deref().unwrap_or_default())
}

const fn letter(tone: Tone) -> char {
    match tone {
        Tone::Plain => 'p',
        Tone::Good => 'g',
        Tone::Wait => 'w',
        Tone::Bad => 'b',
    }
}

const fn tone(letter: char) -> Tone {
    match letter {
        'g' => Tone::Good,
        'w' => Tone::Wait,
        'b' => Tone::Bad,
        _ => Tone::Plain,
    }
}
