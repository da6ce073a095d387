//! Reads of a host with few retries, and failures in words for a page.

use crate::adapters::binance::host::Host;
use crate::adapters::binance::request::Params;
use crate::adapters::binance::{CallError, Endpoint, Urgency};
use crate::ports::market_data::MarketDataError;
use backon::{ExponentialBuilder, Retryable};
use std::sync::Arc;
use std::time::Duration;

/// Retries after the first attempt; only for reads, which may be repeated.
const RETRIES_MAX: usize = 2;
/// The longest pause between two attempts.
const RETRY_DELAY_MAX: Duration = Duration::from_secs(2);
/// The longest that one read may take with all its retries.
const READ_TIMEOUT: Duration = Duration::from_secs(15);

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

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let text = error.to_string();
        match error {
            CallError::NotSent(_) | CallError::Lost(_) => Self::Passing(text),
            CallError::Ambiguous { status: 500.., .. } => Self::Passing(text),
            CallError::Unreadable(_) => Self::Unreadable(text),
            _ => Self::Lasting(text),
        }
    }
}

/// Reads from one host.
pub(super) struct Http {
    host: Arc<Host>,
    retry_delay: Duration,
}

impl Http {
    /// Reads from `host`; the pause before the first retry doubles with each one.
    pub const fn new(host: Arc<Host>, retry_delay: Duration) -> Self {
        Self { host, retry_delay }
    }

    /// The host.
    pub const fn host(&self) -> &Arc<Host> {
        &self.host
    }

    /// The body of a successful answer, at most `bytes_max` long.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn get(
        &self,
        endpoint: Endpoint,
        query: &Params,
        urgency: Urgency,
        bytes_max: usize,
    ) -> Result<Vec<u8>, Failure> {
        let backoff = ExponentialBuilder::default()
            .with_min_delay(self.retry_delay)
            .with_max_delay(RETRY_DELAY_MAX)
            .with_max_times(RETRIES_MAX)
            .with_jitter();
        let attempt = || async {
            self.host.read_public(endpoint, query.as_str(), urgency, bytes_max).await.map_err(Failure::from)
        };
        let reading = attempt.retry(backoff).when(|failure| matches!(failure, Failure::Passing(_)));
        let late = || Failure::Passing(format!("Binance did not answer within {} s", READ_TIMEOUT.as_secs()));
        tokio::time::timeout(READ_TIMEOUT, reading).await.unwrap_or_else(|_| Err(late()))
    }
}
