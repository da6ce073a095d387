//! Compresses pages in one go, where they are made.
//!
//! The framework's layer is for files and streams: for each answer it builds an encoder of some hundred kilobytes, hands
//! the text to another thread, and writes what comes back in pieces. For a page that costs more than making it. Here each
//! server thread keeps one encoder, and a page leaves whole, with its length. The framework's layer passes what is
//! compressed already.

use actix_web::Error;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, AcceptEncoding, Encoding, Header, HeaderMap, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use std::cell::RefCell;

/// Pages shorter than this fit into one packet as they are, in bytes.
const WORTH_IT: usize = 1_024;
/// A gzip member's head: magic, deflate, no name, no time, made for speed, system unknown (RFC 1952).
const HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255];
/// What deflate adds at most to text that does not compress, with head and tail, in bytes: five in each 16 KiB.
const OVERHEAD: usize = 64;

/// A packed page larger than this gives its room back, in bytes.
const ROOM_KEPT: usize = 256 * 1_024;

/// What a server thread keeps: the encoder, and room for what it writes.
struct Press {
    encoder: Compress,
    room: Vec<u8>,
}

thread_local! {
    /// Fast rather than small: a page is mostly markup that repeats, and comes from nearby.
    static PRESS: RefCell<Press> =
        RefCell::new(Press { encoder: Compress::new(Compression::fast(), false), room: Vec::new() });
}

/// Sends pages as gzip to whoever takes it.
///
/// # Errors
/// Only what the handler itself fails with.
pub async fn pages<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let takes_gzip = takes_gzip(&request);
    let answer = next.call(request).await?;
    if !is_page(answer.headers()) {
        return Ok(answer.map_into_boxed_body());
    }
    let (request, mut response) = answer.into_parts();
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
    if !takes_gzip {
        return Ok(ServiceResponse::new(request, response.map_into_boxed_body()));
    }
    let (mut response, body) = response.into_parts();
    let body = match body.try_into_bytes() {
        Ok(plain) if plain.len() >= WORTH_IT => match gzip(&plain) {
            Some(packed) => {
                response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                BoxBody::new(packed)
            }
            None => BoxBody::new(plain),
        },
        Ok(plain) => BoxBody::new(plain),
        Err(stream) => stream.boxed(),
    };
    Ok(ServiceResponse::new(request, response.set_body(body)))
}

fn takes_gzip(request: &ServiceRequest) -> bool {
    let offered = [Encoding::gzip(), Encoding::identity()];
    AcceptEncoding::parse(request).is_ok_and(|accepted| accepted.negotiate(offered.iter()) == Some(Encoding::gzip()))
}

fn is_page(headers: &HeaderMap) -> bool {
    let is_html = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    is_html && !headers.contains_key(header::CONTENT_ENCODING)
}

/// The text as one gzip member; none in the case, which cannot happen, that the encoder does not come to an end.
fn gzip(plain: &[u8]) -> Option<Bytes> {
    PRESS.with_borrow_mut(|Press { encoder, room }| {
        encoder.reset();
        room.clear();
        room.reserve(plain.len() + plain.len() / 1_024 + OVERHEAD);
        room.extend_from_slice(&HEAD);
        let status = encoder.compress_vec(plain, room, FlushCompress::Finish);
        let mut sum = Crc::new();
        sum.update(plain);
        room.extend_from_slice(&sum.sum().to_le_bytes());
        room.extend_from_slice(&sum.amount().to_le_bytes());
        let packed = Bytes::copy_from_slice(room);
        if room.capacity() > ROOM_KEPT {
            *room = Vec::new();
        }
        matches!(status, Ok(Status::StreamEnd)).then_some(packed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::middleware::{Compress, from_fn};
    use actix_web::test::{TestRequest, call_service, init_service, read_body};
    use actix_web::{App, HttpResponse, web};
    use flate2::read::GzDecoder;
    use std::io::Read;

    fn unpacked(packed: &[u8]) -> Vec<u8> {
        let mut plain = Vec::new();
        GzDecoder::new(packed).read_to_end(&mut plain).unwrap();
        plain
    }

    #[test]
    fn what_is_packed_is_what_is_unpacked_one_after_the_other_and_when_it_does_not_shrink() {
        // Numbers without a pattern, from a small generator of Knuth's.
        let noise: Vec<u8> = std::iter::successors(Some(7_u64), |seed| {
            Some(seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
        })
        .map(|seed| (seed >> 56) as u8)
        .take(200_000)
        .collect();
        let rows = "<li>Buy 0.0100 BTC</li>".repeat(3_000).into_bytes();
        for plain in [&rows, &noise, &Vec::new(), &rows] {
            assert!(unpacked(&gzip(plain).unwrap()) == *plain);
        }
        assert!(gzip(&rows).unwrap().len() < rows.len() / 20);
    }

    async fn get(path: &str, accepts: Option<&str>) -> (Option<String>, String, Bytes) {
        let page = |kind: &'static str, size: usize| {
            web::to(move || async move { HttpResponse::Ok().content_type(kind).body("a".repeat(size)) })
        };
        let app = App::new()
            .wrap(from_fn(pages))
            .wrap(Compress::default())
            .route("/page", page("text/html; charset=utf-8", 5_000))
            .route("/file", page("text/css", 5_000));
        let app = init_service(app).await;
        let mut request = TestRequest::get().uri(path);
        if let Some(accepts) = accepts {
            request = request.insert_header((header::ACCEPT_ENCODING, accepts));
        }
        let response = call_service(&app, request.to_request()).await;
        let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (encoding, vary) = (text(header::CONTENT_ENCODING), text(header::VARY).unwrap_or_default());
        (encoding, vary, read_body(response).await)
    }

    #[actix_web::test]
    async fn a_page_is_packed_for_whoever_takes_it_and_whole_for_the_others() {
        for accepts in ["gzip", "gzip, deflate, br, zstd", "br;q=0.5, gzip"] {
            let (encoding, vary, body) = get("/page", Some(accepts)).await;
            assert_eq!((encoding.as_deref(), vary.as_str()), (Some("gzip"), "accept-encoding"), "{accepts}");
            assert_eq!(unpacked(&body), "a".repeat(5_000).into_bytes());
        }
        for accepts in [None, Some("identity"), Some("gzip;q=0")] {
            let (encoding, vary, body) = get("/page", accepts).await;
            assert_eq!((encoding, vary.as_str(), body.len()), (None, "accept-encoding", 5_000), "{accepts:?}");
        }
    }

    #[actix_web::test]
    async fn files_are_left_to_the_framework() {
        assert_eq!(get("/file", Some("gzip, br")).await.0.as_deref(), Some("br"));
    }
}
