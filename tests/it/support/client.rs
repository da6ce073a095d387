//! Acts like a browser without scripts: keeps cookies, reads the form's token, posts it back. With a bearer token it is
//! a program.

use serde_json::Value;
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

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{} with no JSON: {}", self.status, self.body))
    }

    /// The JSON of an answer with this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.json()
    }

    /// The JSON of a refusal with this status and code.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Value {
        let json = self.expect(status);
        assert_eq!(json["error"]["code"], code, "{json}");
        for part in ["message", "fields"] {
            assert!(json["error"].get(part).is_some(), "{json}");
        }
        json
    }

    /// The stable code of an API error.
    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The token of the first form of a page.
    pub fn csrf(&self) -> Option<String> {
        let rest = self.body.split_once("name=\"csrf_token\" value=\"")?.1;
        Some(rest.split_once('"')?.0.to_owned())
    }
}

/// A browser or program.
#[derive(Clone)]
pub struct Client {
    base: String,
    http: reqwest::Client,
    pub cookies: BTreeMap<String, String>,
    pub csrf: Option<String>,
    token: Option<String>,
    headers: Vec<(String, String)>,
}

impl Client {
    pub fn new(base: &str) -> Self {
        TLS.call_once(|| {
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        // No connection outlives its answer: a server that ends waits for those that are open.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).redirect(reqwest::redirect::Policy::none());
        let http = http.build().unwrap();
        let base = base.trim_end_matches('/').to_owned();
        Self { base, http, cookies: BTreeMap::new(), csrf: None, token: None, headers: Vec::new() }
    }

    /// The same as a program with this bearer token.
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// The same with one more header on every request.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Logs in through the form and remembers the session's CSRF token.
    pub async fn login(&mut self, username: &str, password: &str) {
        let answer = self.try_login(username, password).await;
        assert_eq!(answer.status, 303, "login failed: {}", answer.body);
        self.csrf = self.get("/api/whoami").await.json()["csrf_token"].as_str().map(str::to_owned);
    }

    /// Fills in the login form.
    pub async fn try_login(&mut self, username: &str, password: &str) -> Answer {
        let form = self.get("/login").await;
        let token = form.csrf().unwrap_or_default();
        self.post_raw("/login", &[("username", username), ("password", password), ("csrf_token", &token)]).await
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, None, None).await
    }

    /// Posts a form with the CSRF token of the session.
    pub async fn post_form(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.csrf.clone().unwrap_or_default();
        let mut fields = fields.to_vec();
        fields.push(("csrf_token", &csrf));
        self.post_raw(path, &fields).await
    }

    /// Posts exactly these fields.
    pub async fn post_raw(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let encode = |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
        let pairs: Vec<String> = fields.iter().map(|(k, v)| format!("{}={}", encode(k), encode(v))).collect();
        self.send("POST", path, Some(("application/x-www-form-urlencoded", pairs.join("&"))), None).await
    }

    /// Calls the API with a JSON body, `Value::Null` for none.
    pub async fn api(&mut self, method: &str, path: &str, body: Value) -> Answer {
        let body = (!body.is_null()).then(|| ("application/json", body.to_string()));
        let csrf = self.csrf.clone().filter(|_| method != "GET");
        self.send(method, path, body, csrf).await
    }

    /// Posts JSON to the API.
    pub async fn post(&mut self, path: &str, body: Value) -> Answer {
        self.api("POST", path, body).await
    }

    /// Calls the API with a body as it is.
    pub async fn api_text(&mut self, method: &str, path: &str, body: &str) -> Answer {
        let csrf = self.csrf.clone();
        self.send(method, path, Some(("application/json", body.to_owned())), csrf).await
    }

    pub async fn send(
        &mut self,
        method: &str,
        path: &str,
        body: Option<(&str, String)>,
        csrf: Option<String>,
    ) -> Answer {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        let mut request = self.http.request(method.parse().unwrap(), url);
        if !self.cookies.is_empty() {
            let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("cookie", cookies.join("; "));
        }
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(csrf) = csrf {
            request = request.header("x-csrf-token", csrf);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some((kind, body)) = body {
            request = request.header("content-type", kind).body(body);
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
