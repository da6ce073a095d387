//! GET requests to Binance: time limits, size limits, few retries, and obedience when it asks to wait.

use crate::domain::time::{SECOND_MS, Timestamp};
use crate::ports::clock::Clock;
use crate::ports::market_data::MarketDataError;
use backon::{ExponentialBuilder, Retryable};
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Response, StatusCode, Url};
use serde::Deserialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Retries after the first attempt; only for reads, which may be repeated.
const RETRIES_MAX: usize = 2;
/// The longest pause between two attempts.
const RETRY_DELAY_MAX: Duration = Duration::from_secs(2);
/// The longest that one read may take with all its retries.
const READ_TIMEOUT: Duration = Duration::from_secs(15);
/// Seconds to keep quiet after a 429 that does not say how long.
const WAIT_DEFAULT_429: i64 = 60;
/// Seconds to keep quiet after a 418 that does not say how long: the shortest ban.
const WAIT_DEFAULT_418: i64 = 120;
/// The longest ban that Binance hands out, in seconds: three days.
const WAIT_MAX: i64 = 3 * 86_400;
/// The most bytes of an error answer that are read.
const ERROR_BYTES_MAX: usize = 16 * 1_024;
/// The most characters of an error text that are repeated.
const ERROR_TEXT_MAX: usize = 200;

/// Why a read failed; kept, so that whoever asks within the next moments gets the same answer without a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// No answer, but the next attempt may bring one.
    Passing(String),
    /// Another attempt would bring the same, or must wait.
    Lasting(String),
    /// An answer that is not market data.
    Unreadable(String),
}

impl From<Failure> for MarketDataError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Passing(text) | Failure::Lasting(text) => Self::Unavailable(text),
            Failure::Unreadable(text) => Self::Unreadable(text),
        }
    }
}

/// The error body that Binance documents.
#[derive(Deserialize)]
struct ErrorBody {
    code: i64,
    msg: String,
}

/// Reads from one host.
pub(super) struct Http {
    client: Client,
    base: Url,
    clock: Arc<dyn Clock>,
    retry_delay: Duration,
    quiet_until: AtomicI64,
}

impl Http {
    /// A client for `base`.
    ///
    /// # Errors
    /// When the system offers no trusted certificates or TLS cannot start.
    pub fn new(base: Url, clock: Arc<dyn Clock>, timeout: Duration, retry_delay: Duration) -> Result<Self, String> {
        // Someone else in the process may have installed it already; both are the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| error.without_url().to_string())?;
        Ok(Self { client, base, clock, retry_delay, quiet_until: AtomicI64::new(i64::MIN) })
    }

    /// The body of a successful answer, at most `bytes_max` long.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn get(&self, path: &str, query: &[(&str, String)], bytes_max: usize) -> Result<Vec<u8>, Failure> {
        let backoff = ExponentialBuilder::default()
            .with_min_delay(self.retry_delay)
            .with_max_delay(RETRY_DELAY_MAX)
            .with_max_times(RETRIES_MAX)
            .with_jitter();
        let reading = (|| self.attempt(path, query, bytes_max))
            .retry(backoff)
            .when(|failure| matches!(failure, Failure::Passing(_)));
        let late = || Failure::Passing(format!("Binance did not answer within {} s", READ_TIMEOUT.as_secs()));
        tokio::time::timeout(READ_TIMEOUT, reading).await.unwrap_or_else(|_| Err(late()))
    }

    async fn attempt(&self, path: &str, query: &[(&str, String)], bytes_max: usize) -> Result<Vec<u8>, Failure> {
        let wait = Timestamp(self.quiet_until.load(Ordering::Acquire)).since(self.clock.now());
        if wait > 0 {
            let seconds = (wait + SECOND_MS - 1) / SECOND_MS;
            return Err(Failure::Lasting(format!("Binance asked to wait; the next call is in {seconds} s")));
        }
        let url = self.base.join(path).map_err(|_| Failure::Lasting("the base URL takes no paths".to_owned()))?;
        let answer = self.client.get(url).query(query).send().await.map_err(|error| passing(&error))?;
        if answer.status().is_success() {
            return read_body(answer, bytes_max).await;
        }
        Err(self.refused(answer).await)
    }

    async fn refused(&self, answer: Response) -> Failure {
        let status = answer.status();
        let default = match status {
            StatusCode::TOO_MANY_REQUESTS => Some(WAIT_DEFAULT_429),
            StatusCode::IM_A_TEAPOT => Some(WAIT_DEFAULT_418),
            _ => None,
        };
        if let Some(default) = default {
            let asked = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
            let seconds = asked.unwrap_or(default).clamp(1, WAIT_MAX);
            self.quiet_until.fetch_max(self.clock.now().plus_ms(seconds * SECOND_MS).0, Ordering::AcqRel);
            return Failure::Lasting(format!(
                "Binance limits our calls (HTTP {}); waiting {seconds} s",
                status.as_u16()
            ));
        }
        let body = read_body(answer, ERROR_BYTES_MAX).await.unwrap_or_default();
        let said = serde_json::from_slice::<ErrorBody>(&body)
            .map_or_else(|_| String::new(), |error| format!(" with code {}: {}", error.code, printable(&error.msg)));
        let text = format!("Binance answered HTTP {}{said}", status.as_u16());
        if status.is_server_error() { Failure::Passing(text) } else { Failure::Lasting(text) }
    }
}

/// Reads at most `bytes_max`, counted after decompression.
async fn read_body(mut answer: Response, bytes_max: usize) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| passing(&error))? {
        if body.len() + chunk.len() > bytes_max {
            return Err(Failure::Unreadable(format!("Binance's answer is longer than {bytes_max} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn passing(error: &reqwest::Error) -> Failure {
    let what = if error.is_timeout() {
        "did not answer in time"
    } else if error.is_connect() {
        "cannot be reached"
    } else {
        "broke off its answer"
    };
    Failure::Passing(format!("Binance {what}"))
}

fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(ERROR_TEXT_MAX).collect()
}
