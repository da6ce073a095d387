//! Puts the layers together and listens.

use super::ctx::WebState;
use super::offered::OfferedNames;
use super::{compress, routes, security, session};
use crate::services::desk::Desk;
use crate::telemetry::RequestSpan;
use actix_web::dev::Server;
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use std::net::TcpListener;
use std::time::Duration;
use tracing_actix_web::TracingLogger;

/// Threads that answer requests; whatever takes long is elsewhere.
const SERVER_THREADS: usize = 2;
/// How long a client may take to send its headers.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(10);
/// How long requests in flight may take once the end has begun.
const DRAIN_SECONDS: u64 = 15;
/// Connections at the same time, for each thread.
const CONNECTIONS_MAX: usize = 2_000;

/// A server on an open socket. It handles no signals: the composition root does.
///
/// # Errors
/// When the socket cannot be used.
pub fn serve(listener: TcpListener, state: Data<WebState>, desk: Data<Desk>) -> std::io::Result<Server> {
    // One for all threads: whoever asked a provider on one is helped on the others.
    let offered = Data::new(OfferedNames::default());
    let factory = move || {
        App::new()
            .app_data(offered.clone())
            .app_data(state.clone())
            .app_data(desk.clone())
            .wrap(session::middleware(&state))
            .wrap(from_fn(compress::pages))
            .wrap(Compress::default())
            .wrap(from_fn(security::harden))
            .wrap(TracingLogger::<RequestSpan>::new())
            .configure(routes::configure)
    };
    let server = HttpServer::new(factory)
        .workers(SERVER_THREADS)
        .client_request_timeout(HEADERS_TIMEOUT)
        .max_connections(CONNECTIONS_MAX)
        // An answer in two pieces would wait 40 ms for the browser to acknowledge the first one.
        .tcp_nodelay(true)
        .shutdown_timeout(DRAIN_SECONDS)
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}
