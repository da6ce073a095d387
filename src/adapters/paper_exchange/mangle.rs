//! Answers that go wrong on purpose.

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use bytes::Bytes;
use serde_json::Value;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A body that breaks off, which closes the connection.
///
/// When nothing is told before it breaks, the server gives up before it has sent the head of the answer.
pub struct Broken {
    told: Option<Bytes>,
    promised: u64,
    has_rested: bool,
}

impl Broken {
    /// Closes the connection without a byte of an answer.
    pub fn drop_connection() -> HttpResponse {
        let body = Self { told: None, promised: 1, has_rested: true };
        HttpResponse::Ok().body(BoxBody::new(body))
    }

    /// Promises a whole answer and sends its beginning.
    pub fn truncate(response: HttpResponse, whole: Vec<u8>, bytes: Option<usize>) -> HttpResponse {
        let keep = bytes.unwrap_or(whole.len() / 2).min(whole.len().saturating_sub(1));
        let promised = (whole.len() as u64).max(1);
        let told = Bytes::from(whole).slice(..keep);
        let body = Self { told: Some(told).filter(|told| !told.is_empty()), promised, has_rested: false };
        response.set_body(BoxBody::new(body))
    }
}

impl MessageBody for Broken {
    type Error = std::io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.promised)
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if let Some(told) = self.told.take() {
            return Poll::Ready(Some(Ok(told)));
        }
        if !std::mem::replace(&mut self.has_rested, true) {
            // One turn for the server to send what it was given.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(std::io::Error::other("a fault on purpose"))))
    }
}

/// A bare status with a page for people, as a proxy in between would send it.
pub fn html(status: u16) -> HttpResponse {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let page = format!("<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>\n");
    let mut response = HttpResponse::build(status).body(page);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    response
}

/// Tells every row of a list twice, and every fill of an order.
pub fn repeat_rows(body: Vec<u8>) -> Vec<u8> {
    let twice = |rows: &mut Vec<Value>| *rows = rows.drain(..).flat_map(|row| [row.clone(), row]).collect();
    match serde_json::from_slice::<Value>(&body) {
        Ok(Value::Array(mut rows)) => {
            twice(&mut rows);
            serde_json::to_vec(&rows).unwrap_or(body)
        }
        Ok(mut object) => {
            if let Some(Value::Array(fills)) = object.get_mut("fills") {
                twice(fills);
            }
            serde_json::to_vec(&object).unwrap_or(body)
        }
        Err(_) => body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_fills_are_told_twice() {
        let repeated = |body: &str| String::from_utf8(repeat_rows(body.as_bytes().to_vec())).expect("text");
        assert_eq!(repeated(r#"[{"id":1},{"id":2}]"#), r#"[{"id":1},{"id":1},{"id":2},{"id":2}]"#);
        assert_eq!(repeated(r#"{"fills":[{"tradeId":1}]}"#), r#"{"fills":[{"tradeId":1},{"tradeId":1}]}"#);
        assert_eq!(repeated("not JSON"), "not JSON");
    }
}
