//! The command line. Without a command it serves.
//!
//! Results go to standard output, logs and errors to standard error. Exit codes: 0 done, 1 failed, 2 refused (wrong
//! usage or unsafe settings).

mod access;
mod args;
mod demo;
mod keys;
mod mcp;
mod paper_exchange;
mod records;
mod serve;

use crate::app::StartError;
use crate::observe;
use crate::services::access::AccessError;
use crate::settings::SettingsError;
use args::{AdminCommand, Cli, Command, KeysCommand, RecordsCommand, TokenCommand};
use clap::Parser;
use std::process::ExitCode;

/// Threads for everything but answering requests, which has its own.
const RUNTIME_THREADS: usize = 2;
/// Something failed.
const FAILED: u8 = 1;
/// Wrong usage or unsafe settings.
const REFUSED: u8 = 2;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The settings are refused.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The program could not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Users or tokens.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The demo's models.
    #[error(transparent)]
    Model(#[from] crate::services::models::ModelError),
    /// The demo's key of the paper exchange.
    #[error(transparent)]
    Credential(#[from] crate::services::credentials::CredentialError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] crate::ports::store::StoreError),
    /// The vault key was not replaced.
    #[error(transparent)]
    Rotate(#[from] crate::services::rotate_keys::RotateError),
    /// Something was not written.
    #[error(transparent)]
    Commit(#[from] crate::ports::store::CommitError),
    /// The paper exchange.
    #[error(transparent)]
    Paper(#[from] crate::app::paper::PaperStartError),
    /// The bridge of an agent.
    #[error(transparent)]
    Mcp(#[from] crate::app::mcp::BridgeError),
    /// Records of cycles could not be written out.
    #[error(transparent)]
    Export(#[from] crate::services::records::ExportError),
    /// Records of cycles are not as they should be.
    #[error("{0}")]
    Records(String),
    /// Usage that the argument parser cannot see.
    #[error("{0}")]
    Usage(String),
    /// A system call failed.
    #[error("{attempt}: {source}")]
    Io {
        /// What was attempted.
        attempt: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl CliError {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Settings(_) | Self::Start(StartError::Settings(_)) | Self::Usage(_) => REFUSED,
            Self::Paper(error) if error.is_usage() => REFUSED,
            _ => FAILED,
        }
    }
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let cli = Cli::parse_from(args::with_default_command(std::env::args_os()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(RUNTIME_THREADS).enable_all().build();
    let outcome = runtime
        .map_err(|source| CliError::Io { attempt: "starting threads failed", source })
        .and_then(|runtime| runtime.block_on(run(cli)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", observe::chain(&error));
            ExitCode::from(error.exit_code())
        }
    }
}

async fn run(cli: Cli) -> Result<(), CliError> {
    match cli.command {
        Command::Serve(args) => serve::run(args).await,
        Command::Demo(args) => demo::run(args).await,
        Command::PaperExchange(args) => paper_exchange::run(args).await,
        Command::Mcp(args) => mcp::run(args).await,
        Command::Admin { command } => match command {
            AdminCommand::Create(args) => access::create_admin(args).await,
            AdminCommand::ResetPassword(args) => access::reset_password(args).await,
        },
        Command::Token { command } => match command {
            TokenCommand::Create(args) => access::create_token(args).await,
            TokenCommand::List(args) => access::list_tokens(args).await,
            TokenCommand::Revoke(args) => access::revoke_token(args).await,
        },
        Command::Keys { command: KeysCommand::Rotate(args) } => keys::rotate(args).await,
        Command::Records { command } => match command {
            RecordsCommand::Replay(args) => records::replay(args).await,
            RecordsCommand::Export(args) => records::export(args).await,
        },
    }
}
