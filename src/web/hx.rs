//! htmx: telling its requests apart and steering the browser from an answer.

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderMap};

/// Whether htmx asks for a fragment. A page restored from history or boosted asks for the whole.
pub fn wants_fragment(headers: &HeaderMap) -> bool {
    let is = |name: &str| headers.get(name).is_some_and(|value| value == "true");
    is("hx-request") && !is("hx-history-restore-request") && !is("hx-boosted")
}

/// Sends the browser elsewhere after a form: 303, or htmx's own header when htmx asked.
pub fn redirect(to: &str, is_htmx: bool) -> HttpResponse {
    if is_htmx {
        HttpResponse::NoContent().insert_header(("HX-Redirect", to)).finish()
    } else {
        HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish()
    }
}

/// The longest path that a login leads back to, in bytes.
const NEXT_MAX: usize = 500;

/// A path of this site to go to after the login; anything that could lead elsewhere leads home.
pub fn safe_next(next: &str) -> &str {
    let stays_here = next.starts_with('/')
        && !next.starts_with("//")
        && next.len() <= NEXT_MAX
        && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let loops = next.starts_with("/login") || next.starts_with("/logout") || next.starts_with("/setup");
    if stays_here && !loops { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_to_this_site_only() {
        for bad in ["//evil.example", "https://evil.example", "/\\evil.example", "", "x", "/a b", "/a\r\nSet-Cookie: x"]
        {
            assert_eq!(safe_next(bad), "/", "{bad:?}");
        }
        assert_eq!(safe_next("/inbox?tab=pending&model_id=3"), "/inbox?tab=pending&model_id=3");
        assert_eq!(safe_next("/logout"), "/");
    }
}
