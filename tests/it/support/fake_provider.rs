//! A provider of language models that says what it is told to say, byte for byte, and remembers what it was asked.
//!
//! ```ignore
//! let provider = FakeProvider::start().await;
//! provider.answer(Reply::says("{\"decisions\":[]}"));
//! let reply = client.chat(&provider.provider(), &request).await;
//! assert_eq!(provider.requests()[0].path, "/v1/chat/completions");
//! ```

use countersign::domain::ids::ProviderId;
use countersign::domain::provider::{Provider, ProviderKind};
use countersign::domain::time::Timestamp;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// One scripted answer.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Status, header lines and body.
    Http(u16, Vec<(&'static str, String)>, String),
    /// Promises more than it sends, then closes.
    Truncated,
    /// Sends without an end until the caller has had enough.
    Endless,
    /// Says nothing until the provider is released, then answers.
    Hangs(Box<Reply>),
}

impl Reply {
    /// A chat completion with this text.
    pub fn says(content: &str) -> Self {
        Self::completes(json!({ "role": "assistant", "content": content }))
    }

    /// A chat completion with this message.
    pub fn completes(message: Value) -> Self {
        Self::json(
            200,
            json!({
                "id": "c-1", "object": "chat.completion", "model": "fake-1",
                "choices": [{ "index": 0, "finish_reason": "stop", "message": message }],
                "usage": { "prompt_tokens": 12, "completion_tokens": 34, "total_tokens": 46 }
            }),
        )
    }

    /// Any JSON.
    pub fn json(status: u16, body: Value) -> Self {
        Self::Http(status, vec![("content-type", "application/json".into())], body.to_string())
    }

    /// Any text.
    pub fn text(status: u16, body: &str) -> Self {
        Self::Http(status, vec![("content-type", "text/html".into())], body.into())
    }

    /// The same with one more header.
    pub fn with(self, name: &'static str, value: &str) -> Self {
        match self {
            Self::Http(status, mut headers, body) => {
                headers.push((name, value.to_owned()));
                Self::Http(status, headers, body)
            }
            other => other,
        }
    }

    /// The same, when released.
    pub fn hangs(self) -> Self {
        Self::Hangs(Box::new(self))
    }
}

/// What was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    /// Header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Null when there was no body.
    pub body: Value,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Default)]
struct Script {
    replies: Mutex<VecDeque<Reply>>,
    last: Mutex<Option<Reply>>,
    asked: Mutex<Vec<Asked>>,
    arrived: Notify,
    released: Notify,
}

/// The provider. It ends with the value.
pub struct FakeProvider {
    port: u16,
    script: Arc<Script>,
    server: JoinHandle<()>,
}

impl FakeProvider {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (port, script) = (listener.local_addr().unwrap().port(), Arc::new(Script::default()));
        let server = tokio::spawn(serve(listener, Arc::clone(&script)));
        Self { port, script, server }
    }

    /// The base URL.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// A row that leads here: no key, one request at once, 30 s.
    pub fn provider(&self) -> Provider {
        Provider {
            id: ProviderId(7),
            name: "Fake".into(),
            kind: ProviderKind::Other,
            base_url: self.url(),
            api_key: None,
            key_last4: None,
            price: None,
            max_concurrency: 1,
            timeout_seconds: 30,
            created_at: Timestamp(0),
            deleted_at: None,
            version: 1,
        }
    }

    /// One more answer. The last one is repeated for ever.
    pub fn answer(&self, reply: Reply) {
        self.script.replies.lock().unwrap().push_back(reply);
    }

    /// Answers that were not given yet are not given any more.
    pub fn forget_answers(&self) {
        self.script.replies.lock().unwrap().clear();
    }

    /// What was asked so far.
    pub fn requests(&self) -> Vec<Asked> {
        self.script.asked.lock().unwrap().clone()
    }

    /// Waits until so many requests have arrived.
    pub async fn has_been_asked(&self, count: usize) {
        loop {
            let arrived = self.script.arrived.notified();
            if self.script.asked.lock().unwrap().len() >= count {
                return;
            }
            arrived.await;
        }
    }

    /// Lets one request go on that hangs.
    pub fn release(&self) {
        self.script.released.notify_one();
    }
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, script: Arc<Script>) {
    while let Ok((socket, _)) = listener.accept().await {
        let script = Arc::clone(&script);
        // A caller that leaves early is no failure of the provider.
        tokio::spawn(async move { answer(socket, &script).await.ok() });
    }
}

async fn answer(socket: TcpStream, script: &Script) -> std::io::Result<()> {
    let mut socket = BufReader::new(socket);
    let asked = read(&mut socket).await?;
    script.asked.lock().unwrap().push(asked);
    script.arrived.notify_one();
    let next = script.replies.lock().unwrap().pop_front();
    let mut reply = match next {
        Some(reply) => script.last.lock().unwrap().insert(reply).clone(),
        None => script.last.lock().unwrap().clone().unwrap_or_else(|| Reply::text(500, "nothing was scripted")),
    };
    while let Reply::Hangs(inner) = reply {
        script.released.notified().await;
        reply = *inner;
    }
    write(&mut socket, reply).await
}

async fn read(socket: &mut BufReader<TcpStream>) -> std::io::Result<Asked> {
    let mut first = String::new();
    socket.read_line(&mut first).await?;
    let mut words = first.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        socket.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    socket.read_exact(&mut body).await?;
    Ok(Asked { method, path, headers, body: serde_json::from_slice(&body).unwrap_or_default() })
}

async fn write(socket: &mut BufReader<TcpStream>, reply: Reply) -> std::io::Result<()> {
    match reply {
        Reply::Http(status, headers, body) => {
            let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let head =
                format!("HTTP/1.1 {status} X\r\n{lines}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
            socket.write_all(head.as_bytes()).await?;
            socket.write_all(body.as_bytes()).await?;
        }
        Reply::Truncated => {
            socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n{\"choices\":[{\"mess").await?;
        }
        Reply::Endless => {
            socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n").await?;
            let chunk = [b' '; 65_536];
            for _ in 0..16_384 {
                socket.write_all(&chunk).await?;
            }
        }
        Reply::Hangs(_) => {}
    }
    socket.shutdown().await
}
