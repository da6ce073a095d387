//! Asks providers over the chat-completions endpoint: the only place of ours that sends a provider's key.
//!
//! The address is used as it was given: `/chat/completions` and `/models` follow it. No redirect is followed, no answer
//! is read beyond its limit, and everything (the retries and their pauses) happens within the provider's own time-out. Only
//! what may be repeated is: 429, 5xx, and no connection at all.

mod attempt;
mod envelope;
mod words;

use crate::domain::provider::Provider;
use crate::ports::language_model::{ChatError, ChatReply, ChatRequest, LanguageModels};
use async_trait::async_trait;
use attempt::{Asked, Attempt, Failure};
use backon::{BackoffBuilder, ExponentialBuilder};
use bytes::Bytes;
use reqwest::Client;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Retries after the first request.
const RETRIES_MAX: usize = 3;
/// The first pause between requests; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause that a provider is waited for; who asks for more is told of at once.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

/// Opens the keys of providers.
pub trait ProviderKeys: Send + Sync {
    /// The key of a provider; none when it has none.
    ///
    /// # Errors
    /// [`ChatError::KeyLocked`].
    fn open(&self, provider: &Provider) -> Result<Option<SecretString>, ChatError>;
}

/// Why no client can be made.
#[derive(Debug, thiserror::Error)]
#[error("no HTTPS client could be made: {0}")]
pub struct ClientError(String);

/// Providers over HTTPS.
pub struct ChatClient {
    http: Client,
    keys: Arc<dyn ProviderKeys>,
}

impl ChatClient {
    /// A client; nothing is called yet.
    ///
    /// # Errors
    /// When TLS is not usable.
    pub fn new(keys: Arc<dyn ProviderKeys>) -> Result<Self, ClientError> {
        // Someone else in the process may have installed it already; both are the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| ClientError(error.without_url().to_string()))?;
        Ok(Self { http, keys })
    }

    /// Asks within the provider's time-out.
    async fn ask(&self, provider: &Provider, path: &str, body: Option<Bytes>) -> Result<Asked, ChatError> {
        let key = self.keys.open(provider)?;
        let attempt = Attempt::new(&self.http, provider, path, body, key)?;
        let seconds = provider.timeout_seconds;
        match timeout(Duration::from_secs(seconds.into()), repeat(&attempt)).await {
            Ok(answer) => answer,
            Err(_) => Err(ChatError::TimedOut { provider: provider.name.clone(), seconds }),
        }
    }
}

/// Makes a request until it is answered, refused for good, or was repeated often enough.
async fn repeat(attempt: &Attempt<'_>) -> Result<Asked, ChatError> {
    let pauses = ExponentialBuilder::default().with_min_delay(FIRST_PAUSE).with_max_times(RETRIES_MAX).with_jitter();
    let mut pauses = pauses.build();
    let mut requests = 0;
    loop {
        requests += 1;
        let Failure { error, may_repeat, retry_after } = match attempt.make().await {
            Ok(answer) => return Ok(Asked { requests, ..answer }),
            Err(failure) => failure,
        };
        let Some(pause) = pauses.next().filter(|_| may_repeat) else { return Err(error) };
        let pause = retry_after.map_or(pause, |asked| asked.max(pause));
        if pause > RETRY_AFTER_MAX {
            return Err(error);
        }
        sleep(pause).await;
    }
}

#[async_trait]
impl LanguageModels for ChatClient {
    async fn chat(&self, provider: &Provider, request: &ChatRequest) -> Result<ChatReply, ChatError> {
        let body = envelope::request(provider, request)?;
        let mode = request.mode;
        let asked = self.ask(provider, "chat/completions", Some(body.into())).await;
        let asked = asked.map_err(|error| words::mode_unsupported(error, mode))?;
        envelope::reply(&provider.name, &asked)
    }

    async fn offered(&self, provider: &Provider) -> Result<Vec<String>, ChatError> {
        let asked = self.ask(provider, "models", None).await?;
        envelope::offered(&provider.name, &asked)
    }
}

impl std::fmt::Debug for ChatClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChatClient").finish_non_exhaustive()
    }
}
