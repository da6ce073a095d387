//! Acts like a browser without scripts: keeps cookies, reads the form's token, posts it back.

use std::collections::BTreeMap;
use std::sync::Once;

/// The password of everyone in these stories.
pub const PASSWORD: &str = "correct horse battery";

static TLS: Once = Once::new();

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, Vec<String>>,
    pub body: String,
}

impl Answer {
    /// The first value of a header; empty when missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|values| values.first()).map_or("", String::as_str)
    }

    /// The token of the first form of a page.
    pub fn csrf(&self) -> Option<String> {
        let rest = self.body.split_once("name=\"csrf_token\" value=\"")?.1;
        Some(rest.split_once('"')?.0.to_owned())
    }
}

/// A browser.
#[derive(Clone)]
pub struct Client {
    base: String,
    http: reqwest::Client,
    pub cookies: BTreeMap<String, String>,
    pub csrf: Option<String>,
    headers: Vec<(String, String)>,
}

impl Client {
    pub fn new(base: &str) -> Self {
        TLS.call_once(|| {
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { base: base.to_owned(), http, cookies: BTreeMap::new(), csrf: None, headers: Vec::new() }
    }

    /// The same with one more header on every request.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Logs in through the form and remembers the session's token.
    pub async fn login(&mut self, username: &str, password: &str) {
        self.csrf = self.get("/login").await.csrf();
        let answer = self.post_form("/login", &[("username", username), ("password", password)]).await;
        assert_eq!(answer.status, 303, "login failed: {}", answer.body);
        self.csrf = self.get("/stop").await.csrf();
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, None).await
    }

    /// Posts a form with the CSRF token that was read last.
    pub async fn post_form(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.csrf.clone().unwrap_or_default();
        let encode = |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
        let token = [("csrf_token", csrf.as_str())];
        let pairs = fields.iter().chain(&token).map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        let body = pairs.collect::<Vec<_>>().join("&");
        self.send("POST", path, Some(body)).await
    }

    async fn send(&mut self, method: &str, path: &str, body: Option<String>) -> Answer {
        let mut request = self.http.request(method.parse().unwrap(), format!("{}{path}", self.base));
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        request = request.header("cookie", cookies.join("; "));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let mut headers: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in response.headers() {
            headers.entry(name.to_string()).or_default().push(value.to_str().unwrap_or_default().to_owned());
        }
        for cookie in headers.get("set-cookie").into_iter().flatten() {
            self.keep(cookie);
        }
        let body = response.text().await.unwrap();
        Answer { status, headers, body }
    }

    fn keep(&mut self, set_cookie: &str) {
        let (pair, attributes) = set_cookie.split_once(';').unwrap_or((set_cookie, ""));
        let Some((name, value)) = pair.split_once('=') else { return };
        if attributes.to_lowercase().contains("max-age=0") {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}
