//! Requests as public clients sent them, recorded byte for byte (`clients.py --record`), played to the exchange again.
//!
//! They are also what our own client is held against: client and exchange cannot be wrong together.

use super::house::{BALANCES, Wishes, open_with, sign};
use countersign::ports::clock::Clock;
use serde::Deserialize;

#[derive(Deserialize)]
pub struct Recording {
    pub key: String,
    pub secret: String,
    pub requests: Vec<Request>,
}

#[derive(Deserialize)]
pub struct Request {
    pub client: String,
    pub method: String,
    pub path: String,
    pub query: String,
    pub body: String,
    content_type: Option<String>,
    pub signed: bool,
    pub status: u16,
}

impl Request {
    pub fn timestamp(&self) -> Option<i64> {
        let parts = self.query.split('&').chain(self.body.split('&'));
        parts.filter_map(|pair| pair.strip_prefix("timestamp=")).find_map(|value| value.parse().ok())
    }

    /// Query and body without the signature, and the signature.
    pub fn split(&self) -> (String, Option<&str>) {
        let pairs = || self.query.split('&').chain(self.body.split('&'));
        let unsigned = |part: &str| -> String {
            part.split('&').filter(|pair| !pair.starts_with("signature=")).collect::<Vec<_>>().join("&")
        };
        let payload = unsigned(&self.query) + &unsigned(&self.body);
        (payload, pairs().find_map(|pair| pair.strip_prefix("signature=")))
    }
}

pub fn recording() -> Recording {
    serde_json::from_str(include_str!("vectors.json")).unwrap()
}

#[test]
fn recorded_signatures_are_what_the_documentation_says() {
    let recording = recording();
    let mut checked = 0;
    for request in recording.requests.iter().filter(|request| request.signed && request.status == 200) {
        let (payload, signature) = request.split();
        assert_eq!(Some(sign(&recording.secret, &payload).as_str()), signature, "{} {}", request.method, request.path);
        checked += 1;
    }
    assert!(checked > 20, "{checked} requests");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_requests_get_the_answers_that_they_got() {
    let recording = recording();
    let accounts = vec![format!("{}:{}:{BALANCES}", recording.key, recording.secret)];
    let house = open_with(Wishes { accounts, ..Wishes::default() }).await;
    for (n, request) in recording.requests.iter().enumerate() {
        // Time only moves forward, so that what was stale stays stale.
        let ahead = request.timestamp().map_or(0, |at| at - house.clock.now().0);
        house.clock.advance_ms(ahead.max(0));
        let what = format!("request {n} of {}: {} {}", request.client, request.method, request.path);
        let mut headers: Vec<(&str, &str)> = Vec::new();
        let (payload, signature) = request.split();
        // Whoever the key was: it is known when the request was accepted, and unknown when it was refused with 401.
        let key = if request.status == 401 { "nobody" } else { &recording.key };
        if request.signed {
            headers.push(("X-MBX-APIKEY", key));
        }
        if let Some(content_type) = &request.content_type {
            headers.push(("Content-Type", content_type));
        }
        let target =
            if request.query.is_empty() { request.path.clone() } else { format!("{}?{}", request.path, request.query) };
        let answer = house.wire.send(&request.method, &target, &headers, &request.body).await;
        assert_eq!(answer.status, request.status, "{what}: {payload} {signature:?}\n{}", answer.text);
    }
}
