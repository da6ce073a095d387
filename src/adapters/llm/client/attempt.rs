//! One request to a provider, made once.

use super::{envelope, words};
use crate::domain::provider::Provider;
use crate::ports::language_model::ChatError;
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, Request, Response, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

/// The most bytes of an answer with everything around it.
const ENVELOPE_BYTES_MAX: usize = 4 * 1_024 * 1_024;
/// The most bytes that are looked at of an answer that tells an error.
const ERROR_BYTES_MAX: usize = 16 * 1_024;

/// A success as JSON, with what it took.
pub(super) struct Asked {
    pub json: Value,
    pub latency_ms: u64,
    pub requests: u32,
}

/// Why one request brought no answer.
pub(super) struct Failure {
    pub error: ChatError,
    /// Whether the same request may be made again.
    pub may_repeat: bool,
    /// How long the provider asks to wait.
    pub retry_after: Option<Duration>,
}

/// A request that can be made several times.
pub(super) struct Attempt<'a> {
    http: &'a Client,
    provider: &'a str,
    url: Url,
    body: Option<Bytes>,
    key: Option<SecretString>,
    bearer: Option<HeaderValue>,
}

impl<'a> Attempt<'a> {
    /// Makes it ready; nothing is sent.
    pub fn new(
        http: &'a Client,
        provider: &'a Provider,
        path: &str,
        body: Option<Bytes>,
        key: Option<SecretString>,
    ) -> Result<Self, ChatError> {
        let name = &provider.name;
        let url = Url::parse(&format!("{}/{path}", provider.base_url)).map_err(|_| ChatError::Unreachable {
            provider: name.clone(),
            why: "its address is not valid".to_owned(),
        })?;
        let bearer = key
            .as_ref()
            .map(bearer)
            .transpose()
            .map_err(|why| ChatError::KeyLocked { provider: name.clone(), why: why.to_owned() })?;
        Ok(Self { http, provider: name, url, body, key, bearer })
    }

    /// Makes the request once.
    pub async fn make(&self) -> Result<Asked, Failure> {
        let begun = Instant::now();
        let answer = self.http.execute(self.request()).await.map_err(|error| self.broken(&error))?;
        if !answer.status().is_success() {
            return Err(self.refused(answer).await);
        }
        let body = self.read(answer).await?;
        let latency_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let json: Value = serde_json::from_slice(&body).map_err(|_| self.unreadable(what_else(&body)))?;
        // Some gateways put the failure of whom they asked into a success.
        match envelope::failure(&json) {
            Some(status) => Err(self.failed(status, &words::of(&json), None)),
            None => Ok(Asked { json, latency_ms, requests: 1 }),
        }
    }

    fn request(&self) -> Request {
        let method = if self.body.is_some() { Method::POST } else { Method::GET };
        let mut request = Request::new(method, self.url.clone());
        if let Some(bearer) = &self.bearer {
            request.headers_mut().insert(AUTHORIZATION, bearer.clone());
        }
        if let Some(body) = &self.body {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            *request.body_mut() = Some(body.clone().into());
        }
        request
    }

    /// Reads a success, at most its limit, counted after decompression.
    async fn read(&self, mut answer: Response) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| self.broken(&error))? {
            if body.len() + chunk.len() > ENVELOPE_BYTES_MAX {
                return Err(self.unreadable("it is longer than 4 MB"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// What an answer that is no success means.
    async fn refused(&self, mut answer: Response) -> Failure {
        let status = answer.status().as_u16();
        let seconds = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let mut body = Vec::new();
        while let Ok(Some(chunk)) = answer.chunk().await {
            body.extend_from_slice(&chunk[..chunk.len().min(ERROR_BYTES_MAX - body.len())]);
            if body.len() == ERROR_BYTES_MAX {
                break;
            }
        }
        self.failed(status, &words::of_body(&body), seconds)
    }

    fn failed(&self, status: u16, why: &str, retry_after_seconds: Option<u64>) -> Failure {
        let provider = self.provider.to_owned();
        let may_repeat = status == 429 || status >= 500;
        let error = match status {
            401 | 403 => ChatError::Unauthorized { provider, status },
            429 => ChatError::RateLimited { provider, retry_after_seconds },
            500.. => ChatError::ServerError { provider, status },
            300..=399 => {
                let why = "it points to another address, which is not followed".to_owned();
                ChatError::Refused { provider, status, why }
            }
            _ => ChatError::Refused { provider, status, why: words::shown(why, self.key.as_ref()) },
        };
        Failure { error, may_repeat, retry_after: retry_after_seconds.map(Duration::from_secs) }
    }

    fn broken(&self, error: &reqwest::Error) -> Failure {
        let may_repeat = error.is_connect();
        let why =
            if may_repeat { "there is no connection" } else { "the connection broke before the answer was whole" };
        let error = ChatError::Unreachable { provider: self.provider.to_owned(), why: why.to_owned() };
        Failure { error, may_repeat, retry_after: None }
    }

    fn unreadable(&self, why: &str) -> Failure {
        let error = ChatError::Unreadable { provider: self.provider.to_owned(), why: why.to_owned() };
        Failure { error, may_repeat: false, retry_after: None }
    }
}

fn bearer(key: &SecretString) -> Result<HeaderValue, &'static str> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret()))
        .map_err(|_| "it holds characters that no header can carry")?;
    value.set_sensitive(true);
    Ok(value)
}

/// What a body is that is not JSON.
fn what_else(body: &[u8]) -> &'static str {
    match body.trim_ascii().first() {
        None => "it is empty",
        Some(b'<') => "it is HTML",
        Some(_) => "it is not JSON, or was cut off",
    }
}
