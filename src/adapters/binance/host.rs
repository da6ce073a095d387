//! One address of Binance: the only place that touches the network.
//!
//! It is shared by everybody who calls that address: the budget, the obedience to its limits and the venue's time live
//! here. It follows no redirects, reads no answer beyond its limit, repeats nothing, and tells what went wrong in words
//! that never hold a URL: signatures travel in URLs.

use super::classify::{CODE_TOO_MANY_ORDERS, Refusal, Verdict, classify, refusal};
use super::clock_sync::{Sample, ServerClock};
use super::endpoint::{Endpoint, Security};
use super::rate_limit::{AccountKey, Budget, Cost, Hold, Limit, Urgency, Usage};
use super::wire::WireTime;
use crate::domain::time::{SECOND_MS, Timestamp};
use crate::ports::clock::Clock;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, Request, Response, Url};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// Time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long an unused connection is kept: shorter than the venue keeps it, so that it is not closed under a request.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// The most bytes of an answer that tells an error.
const ERROR_BYTES_MAX: usize = 16 * 1_024;
/// The most bytes of the answer with the venue's time.
const TIME_BYTES_MAX: usize = 1_024;
/// Questions about the venue's time until one is answered quickly enough.
const SYNC_ATTEMPTS: u32 = 3;
/// An answer about the time that came faster than this needs no better one, in milliseconds.
const SYNC_GOOD_RTT_MS: i64 = 250;
/// How long to wait when there was no connection, in milliseconds.
const RECONNECT_MS: i64 = SECOND_MS;

/// Where Binance is and how patient we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostConfig {
    /// Scheme and host. Plain HTTP is taken for loopback only.
    pub base_url: String,
    /// The longest wait for the answer to a read or a cancel.
    pub read_timeout: Duration,
    /// The longest wait for the answer to an order: the venue itself gives up after ten seconds.
    pub order_timeout: Duration,
}

impl HostConfig {
    /// The usual patience for an address.
    pub fn new(base_url: &str) -> Self {
        let (read_timeout, order_timeout) = (Duration::from_secs(10), Duration::from_secs(15));
        Self { base_url: base_url.to_owned(), read_timeout, order_timeout }
    }
}

/// Why a host cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The base URL is not usable.
    #[error("the Binance base URL must be https:// and a host (http:// is for loopback only)")]
    BaseUrl,
    /// No HTTP client could be made.
    #[error("no HTTPS client could be made: {0}")]
    Client(String),
}

/// Why a call brought no answer that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// Nothing was sent: our share is used up, or the venue asked to wait.
    Held(Hold),
    /// Nothing was sent: there was no connection, or the venue's time is not known.
    NotSent(String),
    /// The request left, and no whole answer came.
    Lost(String),
    /// The venue asked to wait. With its code, it is proven that the request was not accepted.
    Limited {
        /// HTTP status.
        status: u16,
        /// The venue's words, when they could be read.
        refusal: Option<Refusal>,
        /// Milliseconds to wait.
        wait_ms: i64,
    },
    /// Proven not accepted: our clock was off.
    ClockOff(Refusal),
    /// An order of this name is there already.
    Duplicate(Refusal),
    /// Looked at and refused; it did nothing.
    Refused(Refusal),
    /// An error that proves nothing.
    Ambiguous {
        /// HTTP status.
        status: u16,
        /// In words.
        why: String,
    },
    /// A success that is not what the venue documents.
    Unreadable(String),
}

impl std::fmt::Display for CallError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Held(hold) => hold.fmt(f),
            Self::NotSent(why) | Self::Lost(why) | Self::Unreadable(why) | Self::Ambiguous { why, .. } => {
                f.write_str(why)
            }
            Self::Limited { status, wait_ms, .. } => {
                let seconds = (wait_ms + SECOND_MS - 1) / SECOND_MS;
                write!(f, "Binance limits our calls (HTTP {status}); waiting {seconds} s")
            }
            Self::ClockOff(refusal) | Self::Duplicate(refusal) | Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

/// One call, encoded and, where needed, signed.
pub(super) struct Call<'a> {
    /// What.
    pub endpoint: Endpoint,
    /// The encoded parameters, exactly as they are sent.
    pub params: &'a str,
    /// The key's header and whose orders are counted.
    pub key: Option<(&'a HeaderValue, AccountKey)>,
    /// How much it matters.
    pub urgency: Urgency,
    /// The most bytes of an answer.
    pub bytes_max: usize,
}

impl<'a> Call<'a> {
    /// A call that anybody may make.
    pub const fn public(endpoint: Endpoint, params: &'a str, urgency: Urgency, bytes_max: usize) -> Self {
        Self { endpoint, params, key: None, urgency, bytes_max }
    }
}

/// An address with everything that its callers share.
pub struct Host {
    http: Client,
    base: Url,
    config: HostConfig,
    clock: Arc<dyn Clock>,
    budget: Budget,
    server_clock: ServerClock,
    syncing: Mutex<()>,
    begun: Instant,
    filters_doubted: AtomicBool,
}

impl Host {
    /// Sets the address up; nothing is called yet.
    ///
    /// # Errors
    /// When the base URL or TLS is not usable.
    pub fn new(config: HostConfig, clock: Arc<dyn Clock>) -> Result<Self, HostError> {
        let base = Url::parse(&config.base_url).map_err(|_| HostError::BaseUrl)?;
        let is_plain_loopback = base.scheme() == "http" && base.host_str().is_some_and(is_loopback);
        let has_login = !base.username().is_empty() || base.password().is_some();
        let has_more = has_login || base.path() != "/" || base.query().is_some() || base.fragment().is_some();
        if !(base.scheme() == "https" || is_plain_loopback) || !base.has_host() || has_more {
            return Err(HostError::BaseUrl);
        }
        // Someone else in the process may have installed it already; both are the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .user_agent(concat!("countersign/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| HostError::Client(error.without_url().to_string()))?;
        Ok(Self {
            http,
            base,
            config,
            clock,
            budget: Budget::default(),
            server_clock: ServerClock::default(),
            syncing: Mutex::new(()),
            begun: Instant::now(),
            filters_doubted: AtomicBool::new(false),
        })
    }

    /// The moment until which the venue wants no call at all; `None` when there is none. Keep it over a restart.
    pub fn banned_until(&self) -> Option<Timestamp> {
        self.budget.banned_until(self.clock.now())
    }

    /// Takes over such a moment from an earlier process.
    pub fn restore_ban(&self, until: Timestamp) {
        self.budget.restore(until, self.clock.now());
    }

    /// How far our wall clock was ahead of the venue's when last asked, in milliseconds.
    pub fn clock_skew_ms(&self) -> Option<i64> {
        self.server_clock.skew_ms()
    }

    /// Takes over the limits that the venue states.
    pub(crate) fn learn_limits(&self, weight: Option<Limit>, orders: &[Limit]) {
        self.budget.learn(weight, orders);
    }

    /// A filter refused what ours let pass: they have changed.
    pub(super) fn doubt_filters(&self) {
        self.filters_doubted.store(true, Ordering::Release);
    }

    /// Whether the filters were doubted since the last look.
    pub(crate) fn take_filters_doubted(&self) -> bool {
        self.filters_doubted.swap(false, Ordering::AcqRel)
    }

    /// The body of the answer to a public read.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn read_public(
        &self,
        endpoint: Endpoint,
        params: &str,
        urgency: Urgency,
        bytes_max: usize,
    ) -> Result<Vec<u8>, CallError> {
        debug_assert_eq!(endpoint.security(), Security::Public);
        self.call(Call::public(endpoint, params, urgency, bytes_max)).await
    }

    /// The venue's time for a request that leaves now, in milliseconds, a little in the past.
    ///
    /// # Errors
    /// When it is not known and cannot be asked for.
    pub(super) async fn timestamp_ms(&self) -> Result<i64, CallError> {
        if self.server_clock.is_stale(self.begun.elapsed(), self.clock.now()) {
            let synced = self.sync(false).await;
            // An old sample serves while no new one can be had: the venue refuses what is too far off.
            if let (Err(error), None) = (&synced, self.server_clock.timestamp_ms(self.begun.elapsed())) {
                return Err(error.clone());
            }
        }
        let stamp = self.server_clock.timestamp_ms(self.begun.elapsed());
        stamp.ok_or_else(|| CallError::NotSent("Binance's time is not known".to_owned()))
    }

    /// Asks for the venue's time, whatever is known of it.
    ///
    /// # Errors
    /// When no answer was good enough.
    pub(super) async fn resync(&self) -> Result<(), CallError> {
        self.sync(true).await
    }

    async fn sync(&self, is_forced: bool) -> Result<(), CallError> {
        let before = self.server_clock.last();
        let _one_at_a_time = self.syncing.lock().await;
        // Whoever waited while another asked takes that answer.
        let is_news = self.server_clock.last() != before;
        if is_news || !(is_forced || self.server_clock.is_stale(self.begun.elapsed(), self.clock.now())) {
            return Ok(());
        }
        let mut best: Option<Sample> = None;
        for _ in 0..SYNC_ATTEMPTS {
            let sent = self.begun.elapsed();
            let body = self.call(Call::public(Endpoint::Time, "", Urgency::Rescue, TIME_BYTES_MAX)).await;
            let received = self.begun.elapsed();
            let time: WireTime = super::decode::read(&body?).map_err(unreadable)?;
            let sample = Sample::new(sent, received, Timestamp(time.server_time), self.clock.now());
            best = best.into_iter().chain(sample).min_by_key(|sample| sample.rtt_ms);
            if best.is_some_and(|sample| sample.rtt_ms <= SYNC_GOOD_RTT_MS) {
                break;
            }
        }
        let best = best.ok_or_else(|| CallError::NotSent("Binance answers too slowly to tell its time".to_owned()))?;
        self.server_clock.set(best);
        Ok(())
    }

    /// Makes one call, once.
    ///
    /// # Errors
    /// What became of it instead of a success.
    pub(super) async fn call(&self, call: Call<'_>) -> Result<Vec<u8>, CallError> {
        let orders =
            call.key.filter(|_| call.endpoint.is_order()).map(|(_, account)| (account, call.endpoint.orders()));
        let cost = Cost { weight: call.endpoint.weight(), orders, urgency: call.urgency };
        let permit = self.budget.admit(cost, self.clock.now()).map_err(CallError::Held)?;
        let request = self.request(&call);
        let answer = match self.http.execute(request).await {
            Ok(answer) => answer,
            Err(error) if error.is_connect() => {
                permit.settle(&Usage::default(), false, self.clock.now());
                return Err(CallError::NotSent("Binance cannot be reached".to_owned()));
            }
            Err(error) => return Err(lost(&error)),
        };
        let status = answer.status().as_u16();
        let is_refused = (400..500).contains(&status);
        permit.settle(&usage(answer.headers()), !is_refused, self.clock.now());
        if answer.status().is_success() {
            return read_body(answer, call.bytes_max).await;
        }
        let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let body = read_body(answer, ERROR_BYTES_MAX).await.unwrap_or_default();
        Err(self.refused(status, &body, retry_after, call.key.map(|(_, account)| account)))
    }

    /// What an answer that is not a success means; who asks us to wait is obeyed, whatever else the answer says.
    fn refused(&self, status: u16, body: &[u8], retry_after_s: Option<i64>, account: Option<AccountKey>) -> CallError {
        let verdict = classify(status, body);
        let is_limit = matches!(status, 429 | 418) || matches!(verdict, Verdict::TooMany(_));
        if is_limit {
            let refusal = refusal(status, body);
            let is_order_limit = refusal.as_ref().is_some_and(|refusal| refusal.code == CODE_TOO_MANY_ORDERS);
            let of_account = account.filter(|_| is_order_limit);
            let wait_ms = self.budget.obey(status, retry_after_s, of_account, self.clock.now());
            let refusal = refusal.filter(|_| matches!(verdict, Verdict::TooMany(_)));
            return CallError::Limited { status, refusal, wait_ms };
        }
        match verdict {
            Verdict::Refused(refusal) | Verdict::TooMany(refusal) => CallError::Refused(refusal),
            Verdict::ClockOff(refusal) => CallError::ClockOff(refusal),
            Verdict::Duplicate(refusal) => CallError::Duplicate(refusal),
            Verdict::Ambiguous(why) => CallError::Ambiguous { status, why },
        }
    }

    /// The request, byte for byte: what was signed is set as it stands.
    fn request(&self, call: &Call<'_>) -> Request {
        let (method, mut url) = (call.endpoint.method(), self.base.clone());
        url.set_path(call.endpoint.path());
        let is_post = method == Method::POST;
        if !is_post && !call.params.is_empty() {
            url.set_query(Some(call.params));
        }
        let mut request = Request::new(method, url);
        let timeout = if is_post { self.config.order_timeout } else { self.config.read_timeout };
        *request.timeout_mut() = Some(timeout);
        if let Some((key, _)) = call.key {
            request.headers_mut().insert("x-mbx-apikey", key.clone());
        }
        if is_post {
            // In the body, so that no signature stands in the access log of a proxy.
            let form = HeaderValue::from_static("application/x-www-form-urlencoded");
            request.headers_mut().insert(CONTENT_TYPE, form);
            *request.body_mut() = Some(call.params.to_owned().into());
        }
        request
    }
}

impl CallError {
    /// How long to wait before the next attempt, in milliseconds.
    pub const fn retry_after_ms(&self) -> i64 {
        match self {
            Self::Held(hold) => hold.wait_ms(),
            Self::Limited { wait_ms, .. } => *wait_ms,
            Self::NotSent(_) => RECONNECT_MS,
            _ => 0,
        }
    }
}

/// An answer that is not what the venue documents, told in words that follow "Binance's answer".
pub(super) fn unreadable(what: String) -> CallError {
    CallError::Unreadable(format!("Binance's answer {what}"))
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn usage(headers: &HeaderMap) -> Usage {
    Usage::of_headers(headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))))
}

/// Reads at most `bytes_max`, counted after decompression.
async fn read_body(mut answer: Response, bytes_max: usize) -> Result<Vec<u8>, CallError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| lost(&error))? {
        if body.len() + chunk.len() > bytes_max {
            return Err(unreadable(format!("is longer than {bytes_max} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn lost(error: &reqwest::Error) -> CallError {
    let what = if error.is_timeout() { "did not answer in time" } else { "broke off its answer" };
    CallError::Lost(format!("Binance {what}"))
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}
