//! `GET /events`: tells an open page what changed, as server-sent events. An event carries no data but an id: the page
//! reads again, so that what it shows is always what is committed.
//!
//! ```text
//! event: decision
//! data: {"id":42,"model_id":1}
//! ```
//! A stream ends at once when the process ends, and within [`SESSION_CHECK`] when its session does.

use super::ctx::{Ctx, WebState};
use super::error::AppError;
use crate::services::desk::Desk;
use crate::services::live_feed::{LiveEvent, Topic};
use actix_web::http::header::{self, HeaderName};
use actix_web::web::{self, Bytes};
use actix_web::{HttpResponse, Responder};
use futures_util::stream;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::Instant;

/// Open streams at the same time, for each server thread: one is a page that somebody has open.
const STREAMS_MAX: usize = 500;
/// A sign of life at least this often, so that proxies keep the connection and browsers notice a lost one.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often a stream asks whether its session still lives.
const SESSION_CHECK: Duration = Duration::from_secs(5);
/// How long a browser waits before it connects again, in milliseconds.
const RETRY_MS: u32 = 3_000;
/// Events told in one piece; what is left follows at once.
const BATCH_MAX: usize = 64;
/// Every topic: told when a listener fell behind, so that its page reads everything again.
const TOPICS: [Topic; 8] = [
    Topic::Decision,
    Topic::Order,
    Topic::Fill,
    Topic::Equity,
    Topic::Incident,
    Topic::Notification,
    Topic::Model,
    Topic::Health,
];

/// Counts open streams.
#[derive(Clone, Default)]
pub struct Streams(Arc<AtomicUsize>);

impl Streams {
    /// Room for one more; given back when the seat is dropped.
    fn sit(&self) -> Option<Seat> {
        let taken = self.0.fetch_add(1, Ordering::SeqCst);
        let seat = Seat(Arc::clone(&self.0));
        (taken < STREAMS_MAX).then_some(seat)
    }
}

struct Seat(Arc<AtomicUsize>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Listener {
    feed: Receiver<LiveEvent>,
    state: web::Data<WebState>,
    session: Option<String>,
    next_check: Instant,
    next_beat: Instant,
    greeted: bool,
    _seat: Seat,
}

/// `GET /events`
///
/// # Errors
/// 503 `too_many_streams`, or `stopping` once the process ends.
pub async fn events(
    desk: web::Data<Desk>,
    state: web::Data<WebState>,
    streams: web::Data<Streams>,
    ctx: Ctx,
) -> Result<impl Responder, AppError> {
    if state.shutdown.has_begun() {
        return Err(AppError::unavailable("stopping", "The server is stopping."));
    }
    let full =
        || AppError::unavailable("too_many_streams", "Too many pages are open. This one will not update itself.");
    let seat = streams.sit().ok_or_else(full)?;
    let now = Instant::now();
    let listener = Listener {
        feed: desk.live.subscribe(),
        state,
        session: ctx.session_hash,
        next_check: now + SESSION_CHECK,
        next_beat: now + HEARTBEAT,
        greeted: false,
        _seat: seat,
    };
    let body = stream::unfold(listener, |mut listener| async move {
        let text = listener.next().await?;
        Some((Ok::<Bytes, Infallible>(Bytes::from(text)), listener))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // Compression would hold small events back.
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .insert_header((HeaderName::from_static("x-accel-buffering"), "no"))
        .streaming(body))
}

impl Listener {
    /// The next piece of the stream; `None` when it ends.
    async fn next(&mut self) -> Option<String> {
        if !self.greeted {
            self.greeted = true;
            return Some(format!("retry: {RETRY_MS}\n: welcome\n\n"));
        }
        let shutdown = self.state.shutdown.clone();
        loop {
            tokio::select! {
                biased;
                () = shutdown.begun() => return None,
                event = self.feed.recv() => return match event {
                    Ok(event) => Some(self.batch(event)),
                    Err(RecvError::Lagged(_)) => Some(everything()),
                    Err(RecvError::Closed) => None,
                },
                () = tokio::time::sleep_until(self.next_check.min(self.next_beat)) => {
                    let now = Instant::now();
                    if now >= self.next_check {
                        self.next_check = now + SESSION_CHECK;
                        if !self.session_lives().await {
                            return None;
                        }
                    }
                    if now >= self.next_beat {
                        self.next_beat = now + HEARTBEAT;
                        return Some(": still here\n\n".to_owned());
                    }
                }
            }
        }
    }

    /// What was published meanwhile goes out together.
    fn batch(&mut self, first: LiveEvent) -> String {
        self.next_beat = Instant::now() + HEARTBEAT;
        let mut text = told(first);
        for _ in 1..BATCH_MAX {
            match self.feed.try_recv() {
                Ok(event) => text.push_str(&told(event)),
                Err(TryRecvError::Lagged(_)) => return everything(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        text
    }

    /// A database that does not answer says nothing about the session.
    async fn session_lives(&self) -> bool {
        match &self.session {
            Some(hash) => self.state.access.session_is_live(hash).await.unwrap_or(true),
            None => false,
        }
    }
}

fn told(event: LiveEvent) -> String {
    let data = serde_json::to_string(&event).unwrap_or_else(|_| "{}".to_owned());
    format!("event: {}\ndata: {data}\n\n", event.topic.as_str())
}

fn everything() -> String {
    TOPICS.iter().map(|topic| told(LiveEvent { topic: *topic, id: None, model_id: None })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::TraderId;

    #[test]
    fn an_event_is_named_and_carries_ids_only() {
        let event = LiveEvent { topic: Topic::Decision, id: Some(42), model_id: Some(TraderId(1)) };
        assert_eq!(told(event), "event: decision\ndata: {\"id\":42,\"model_id\":1}\n\n");
    }

    #[test]
    fn whoever_fell_behind_is_told_to_read_everything() {
        let text = everything();
        assert_eq!(text.matches("event: ").count(), TOPICS.len());
    }

    #[test]
    fn seats_are_given_back() {
        let streams = Streams::default();
        let seats: Vec<_> = (0..STREAMS_MAX).map(|_| streams.sit().expect("room")).collect();
        assert!(streams.sit().is_none());
        drop(seats);
        assert!(streams.sit().is_some());
    }
}
