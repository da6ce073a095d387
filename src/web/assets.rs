//! Static files, compiled in: addressed by content hash, cached for ever, never loaded from another host.
//!
//! `/static/{hash}/{name}` is immutable; `/static/{name}` and a hash of an older build answer the same bytes but are
//! revalidated, so that a page kept open across an update keeps working.

use std::{fmt::Write as _, sync::LazyLock};

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use sha2::{Digest, Sha256};

/// Hex digits of the content hash in an address; 48 bits are plenty to tell builds apart.
const HASH_DIGITS: usize = 12;

/// The layered stylesheet, one file a component, joined in this order.
const CSS: &[&str] = &[
    include_str!("../../static/css/layers.css"),
    include_str!("../../static/css/tokens.css"),
    include_str!("../../static/css/base.css"),
    include_str!("../../static/css/layout.css"),
    include_str!("../../static/css/button.css"),
    include_str!("../../static/css/form.css"),
    include_str!("../../static/css/table.css"),
    include_str!("../../static/css/parts.css"),
    include_str!("../../static/css/inbox.css"),
    include_str!("../../static/css/chart.css"),
    include_str!("../../static/css/pages.css"),
    include_str!("../../static/css/truth.css"),
];

struct Asset {
    name: &'static str,
    content_type: &'static str,
    body: &'static [u8],
    hash: String,
    url: String,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let css: &'static str = Box::leak(CSS.concat().into_boxed_str());
    let script = "text/javascript; charset=utf-8";
    let style = "text/css; charset=utf-8";
    vec![
        Asset::new("app.css", style, css.as_bytes()),
        Asset::new("app.js", script, include_bytes!("../../static/js/app.js")),
        Asset::new("chart.js", script, include_bytes!("../../static/js/chart.js")),
        Asset::new("htmx.js", script, include_bytes!("../../static/js/htmx-2.0.11.min.js")),
        Asset::new("uplot.js", script, include_bytes!("../../static/js/uplot-1.6.32.min.js")),
        Asset::new("uplot.css", style, include_bytes!("../../static/css/uplot-1.6.32.min.css")),
        Asset::new("icon.svg", "image/svg+xml", include_bytes!("../../static/icons/icon.svg")),
    ]
});

impl Asset {
    fn new(name: &'static str, content_type: &'static str, body: &'static [u8]) -> Self {
        let mut hash = String::with_capacity(HASH_DIGITS);
        for byte in Sha256::digest(body).iter().take(HASH_DIGITS / 2) {
            write!(hash, "{byte:02x}").expect("writing to a string cannot fail");
        }
        let url = format!("/static/{hash}/{name}");
        Self { name, content_type, body, hash, url }
    }

    fn respond(&'static self, cache: &'static str) -> HttpResponse {
        HttpResponse::Ok()
            .insert_header((header::CONTENT_TYPE, self.content_type))
            .insert_header((header::CACHE_CONTROL, cache))
            .insert_header((header::ETAG, format!("\"{}\"", self.hash)))
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .body(self.body)
    }
}

/// The immutable address of an asset, for example `asset("app.css")`. An unknown name gives an address that answers 404.
pub fn asset(name: &str) -> &'static str {
    find(name).map_or("/static/missing", |asset| asset.url.as_str())
}

/// The bytes of an asset, for tests and for measuring page weight.
pub fn bytes(name: &str) -> Option<&'static [u8]> {
    find(name).map(|asset| asset.body)
}

fn find(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

/// `GET /static/{hash}/{name}`.
pub async fn hashed(path: web::Path<(String, String)>) -> HttpResponse {
    let (hash, name) = path.into_inner();
    match find(&name) {
        Some(asset) if asset.hash == hash => asset.respond("public, max-age=31536000, immutable"),
        Some(asset) => asset.respond("no-cache"),
        None => HttpResponse::NotFound().finish(),
    }
}

/// `GET /static/{name}`.
pub async fn plain(request: HttpRequest, name: web::Path<String>) -> HttpResponse {
    match find(&name) {
        Some(asset) => revalidated(&request, asset),
        None => HttpResponse::NotFound().finish(),
    }
}

/// `GET /favicon.ico`: an SVG, which every browser of today accepts.
pub async fn favicon() -> HttpResponse {
    match find("icon.svg") {
        Some(asset) => asset.respond("public, max-age=86400"),
        None => HttpResponse::NotFound().finish(),
    }
}

fn revalidated(request: &HttpRequest, asset: &'static Asset) -> HttpResponse {
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|etag| etag.trim_matches('"') == asset.hash) {
        return HttpResponse::NotModified().finish();
    }
    asset.respond("no-cache")
}

#[cfg(test)]
mod tests {
    use actix_web::{App, http::StatusCode, test};

    use super::*;

    async fn get(path: &str, etag: Option<&str>) -> (StatusCode, Option<String>, Option<String>) {
        let app = App::new()
            .route("/static/{hash}/{name}", web::get().to(hashed))
            .route("/static/{name}", web::get().to(plain))
            .route("/favicon.ico", web::get().to(favicon));
        let app = test::init_service(app).await;
        let mut request = test::TestRequest::get().uri(path);
        if let Some(etag) = etag {
            request = request.insert_header((header::IF_NONE_MATCH, etag));
        }
        let response = test::call_service(&app, request.to_request()).await;
        let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        (response.status(), text(header::CACHE_CONTROL), text(header::CONTENT_TYPE))
    }

    #[actix_web::test]
    async fn an_asset_is_immutable_under_its_hash_and_revalidated_elsewhere() {
        let (status, cache, kind) = get(asset("app.css"), None).await;
        assert_eq!(status, StatusCode::OK);
        assert!(cache.is_some_and(|cache| cache.contains("immutable")));
        assert_eq!(kind.as_deref(), Some("text/css; charset=utf-8"));
        for path in ["/static/app.css", "/static/0123456789ab/app.css"] {
            let (status, cache, _) = get(path, None).await;
            assert_eq!((status, cache.as_deref()), (StatusCode::OK, Some("no-cache")), "{path}");
        }
    }

    #[actix_web::test]
    async fn a_known_asset_is_not_sent_again_and_an_unknown_one_is_not_found() {
        let etag = format!("\"{}\"", find("app.js").map(|asset| asset.hash.clone()).unwrap_or_default());
        assert_eq!(get("/static/app.js", Some(&etag)).await.0, StatusCode::NOT_MODIFIED);
        assert_eq!(get("/static/Cargo.toml", None).await.0, StatusCode::NOT_FOUND);
        assert_eq!(get(asset("nothing"), None).await.0, StatusCode::NOT_FOUND);
        assert_eq!(get("/favicon.ico", None).await.0, StatusCode::OK);
    }
}
