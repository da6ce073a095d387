//! `serve`: runs the desk until SIGTERM or Ctrl-C.

use super::CliError;
use super::args::ServeArgs;
use crate::app::Application;
use crate::services::shutdown::Shutdown;
use crate::settings::Settings;
use crate::telemetry;
use secrecy::ExposeSecret;
use tokio::signal::unix::{SignalKind, signal};

/// What the shell says for a process that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// Runs the desk.
///
/// # Errors
/// When the settings are refused or something cannot be opened.
pub async fn run(args: ServeArgs) -> Result<(), CliError> {
    let settings = Settings::load(args.store.store, args.serve, args.store.config.as_deref())?;
    telemetry::start(settings.store.log_format, settings.store.log_filter.as_deref());
    let app = Application::build(settings).await?;
    println!("URL: {}", app.url());
    if let Some(token) = app.setup_token() {
        println!("No administrator exists yet: open {}setup and use this token.", app.url());
        println!("Setup token: {}", token.expose_secret());
    }
    run_until_signal(app).await
}

/// Runs until SIGTERM or Ctrl-C, then drains; a second signal ends at once.
///
/// # Errors
/// When signals cannot be watched or the server breaks down.
pub async fn run_until_signal(app: Application) -> Result<(), CliError> {
    watch_signals(app.shutdown()).map_err(|source| CliError::Io { attempt: "watching signals failed", source })?;
    app.run_until_stopped().await.map_err(|source| CliError::Io { attempt: "the server broke down", source })
}

/// Throws the switch at SIGTERM or Ctrl-C; a second signal ends the process at once.
///
/// # Errors
/// When signals cannot be watched.
pub fn watch_signals(shutdown: Shutdown) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if shutdown.has_begun() {
                std::process::exit(INTERRUPTED);
            }
            shutdown.begin();
        }
    });
    Ok(())
}
