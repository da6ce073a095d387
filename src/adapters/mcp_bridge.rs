//! The Model Context Protocol over standard input and output, for agents that start their servers themselves: every line
//! is passed on to a running desk, and its answer is written back. The desk alone knows the tools.

use reqwest::header::HeaderValue;
use reqwest::{Client, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::time::Duration;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The longest line, in bytes; as much as the desk takes.
const LINE_MAX: u64 = 512 * 1_024;
/// The longest answer, in bytes.
const ANSWER_MAX: usize = 8 * 1_024 * 1_024;
/// How long an answer may take: a proposal waits for its cycle.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// The header in which the version that was agreed on is repeated; the desk keeps nothing between two messages.
const VERSION_HEADER: &str = "mcp-protocol-version";
/// JSON-RPC: something failed on the way.
const INTERNAL_ERROR: i32 = -32_603;

/// Why the bridge ended.
#[derive(Debug, thiserror::Error)]
pub enum BridgeError {
    /// The address is no address.
    #[error("--url must be an http or https address")]
    Url,
    /// The token would be sent in the clear.
    #[error("--url must begin with https://: plain http is for this machine and private networks only")]
    InTheClear,
    /// No HTTP client could be made.
    #[error("no HTTPS client could be made: {0}")]
    Client(String),
    /// Standard input or output failed.
    #[error("the agent's side of the bridge failed")]
    Io(#[from] std::io::Error),
    /// A line without an end.
    #[error("a message is longer than {LINE_MAX} bytes")]
    TooLong,
}

/// A way to a desk.
#[derive(Debug)]
pub struct Bridge {
    http: Client,
    url: Url,
    token: SecretString,
    version: Option<HeaderValue>,
}

impl Bridge {
    /// To the desk at a base URL, with a bearer token; nothing is called yet.
    ///
    /// # Errors
    /// When the address or TLS is not usable.
    pub fn new(base_url: &str, token: SecretString) -> Result<Self, BridgeError> {
        let url = Url::parse(&format!("{}/mcp", base_url.trim_end_matches('/'))).map_err(|_| BridgeError::Url)?;
        let host = url.host_str().ok_or(BridgeError::Url)?;
        match url.scheme() {
            "https" => {}
            "http" if is_near(host) => {}
            "http" => return Err(BridgeError::InTheClear),
            _ => return Err(BridgeError::Url),
        }
        // Someone else in the process may have installed it already; both are the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder()
            .timeout(ANSWER_WITHIN)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| BridgeError::Client(error.without_url().to_string()))?;
        Ok(Self { http, url, token, version: None })
    }

    /// Passes lines on until there are no more.
    ///
    /// # Errors
    /// When the agent's side fails; a desk that does not answer is told to the agent.
    pub async fn run(
        mut self,
        mut from: impl AsyncBufRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
    ) -> Result<(), BridgeError> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut from).take(LINE_MAX).read_until(b'\n', &mut line).await?;
            if read == 0 {
                return Ok(());
            }
            if line.last() != Some(&b'\n') && read as u64 == LINE_MAX {
                return Err(BridgeError::TooLong);
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            if let Some(answer) = self.pass_on(line.trim_ascii()).await {
                to.write_all(answer.to_string().as_bytes()).await?;
                to.write_all(b"\n").await?;
                to.flush().await?;
            }
        }
    }

    /// The desk's answer; none to a notification.
    async fn pass_on(&mut self, message: &[u8]) -> Option<Value> {
        match self.ask(message).await {
            Ok(answer) => {
                self.agree(answer.as_ref());
                answer
            }
            Err(why) => failed(message, &why),
        }
    }

    /// Remembers the version that was agreed on.
    fn agree(&mut self, answer: Option<&Value>) {
        let version = answer.and_then(|answer| answer["result"]["protocolVersion"].as_str());
        if let Some(version) = version.and_then(|version| HeaderValue::from_str(version).ok()) {
            self.version = Some(version);
        }
    }

    async fn ask(&self, message: &[u8]) -> Result<Option<Value>, String> {
        let mut request = self
            .http
            .post(self.url.clone())
            .bearer_auth(self.token.expose_secret())
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .body(message.to_vec());
        if let Some(version) = &self.version {
            request = request.header(VERSION_HEADER, version);
        }
        let unreachable = |error: reqwest::Error| format!("the desk did not answer: {}", error.without_url());
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > ANSWER_MAX {
                return Err(format!("the desk's answer is longer than {ANSWER_MAX} bytes"));
            }
            body.extend_from_slice(&chunk);
        }
        match status {
            StatusCode::ACCEPTED => Ok(None),
            StatusCode::UNAUTHORIZED => Err("the desk does not know this token".to_owned()),
            _ => match serde_json::from_slice(&body) {
                Ok(answer) if is_answer(&answer) => Ok(Some(answer)),
                _ => Err(format!("the desk answered HTTP {} and no message", status.as_u16())),
            },
        }
    }
}

/// Tells the agent that a message got no answer; nobody waits for one to a notification.
fn failed(message: &[u8], why: &str) -> Option<Value> {
    let told = |message: &Value| {
        let id = message.get("id").filter(|_| message.get("method").is_some())?;
        Some(json!({ "jsonrpc": "2.0", "id": id, "error": { "code": INTERNAL_ERROR, "message": why } }))
    };
    match serde_json::from_slice(message).ok()? {
        Value::Array(messages) => {
            let answers: Vec<Value> = messages.iter().filter_map(told).collect();
            (!answers.is_empty()).then_some(Value::Array(answers))
        }
        message => told(&message),
    }
}

fn is_answer(value: &Value) -> bool {
    match value {
        Value::Array(answers) => !answers.is_empty() && answers.iter().all(is_answer),
        answer => answer["jsonrpc"] == "2.0",
    }
}

/// Whether a host is this machine or on a private network.
fn is_near(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse() {
        Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_private(),
        Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unique_local(),
        // A name without a dot is resolved by the own network alone.
        Err(_) => !host.contains('.'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_never_travels_in_the_clear() {
        let to = |url: &str| Bridge::new(url, "cs_secret".to_owned().into());
        for url in ["http://127.0.0.1:8080", "http://[::1]:8080/", "http://localhost:8080", "https://desk.example.com"]
        {
            assert!(to(url).is_ok(), "{url}");
        }
        for url in ["http://desk.example.com", "http://8.8.8.8", "http://[2001:db8::1]"] {
            assert!(matches!(to(url), Err(BridgeError::InTheClear)), "{url}");
        }
        for url in ["", "desk", "ftp://127.0.0.1", "file:///etc/passwd"] {
            assert!(matches!(to(url), Err(BridgeError::Url)), "{url}");
        }
        assert!(!format!("{:?}", to("http://localhost").unwrap()).contains("cs_secret"));
    }

    #[tokio::test]
    async fn a_desk_that_is_not_there_is_told_to_whoever_waits() {
        let bridge = Bridge::new("http://127.0.0.1:1", "cs_secret".to_owned().into()).unwrap();
        let lines = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n\n\
                     {\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ping\"}\n\
                     [{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"ping\"}]\nno JSON\n";
        let mut said = Vec::new();
        bridge.run(lines.as_bytes(), &mut said).await.unwrap();
        let said: Vec<Value> = said.split(|byte| *byte == b'\n').flat_map(serde_json::from_slice).collect();
        assert_eq!((said.len(), &said[0]["id"], &said[1][0]["id"]), (2, &json!(7), &json!(8)));
        assert_eq!(said[0]["error"]["code"], INTERNAL_ERROR);
        assert!(!said[0].to_string().contains("cs_secret"));
    }

    #[tokio::test]
    async fn a_line_without_an_end_ends_the_bridge() {
        let bridge = Bridge::new("http://127.0.0.1:1", "cs_secret".to_owned().into()).unwrap();
        let line = vec![b'x'; 600 * 1_024];
        assert!(matches!(bridge.run(line.as_slice(), Vec::new()).await, Err(BridgeError::TooLong)));
    }
}
