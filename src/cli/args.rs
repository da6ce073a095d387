//! What can be typed.

use crate::domain::time::Timestamp;
use crate::settings::{ServeLayer, StoreLayer};
use clap::{Args, Parser, Subcommand};
use secrecy::SecretString;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A self-hosted desk in which AI models propose crypto trades and a person countersigns them.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, about, after_help = "Without a command, countersign serves.")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Which desk an agent is let into. The token comes from `COUNTERSIGN_TOKEN` alone: arguments can be read by everybody on
/// the machine.
#[derive(Debug, Args)]
pub struct McpArgs {
    /// The address of the running desk.
    #[arg(long, default_value = "http://127.0.0.1:8080", value_name = "URL")]
    pub url: String,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the desk (the default).
    Serve(ServeArgs),
    /// Run a desk with made-up prices and models, to look around: needs no network and no account.
    Demo(DemoArgs),
    /// Run an exchange with made-up money that speaks the wire of Binance Spot.
    PaperExchange(PaperExchangeArgs),
    /// Offer a running desk to an AI agent over standard input and output (Model Context Protocol).
    Mcp(McpArgs),
    /// Manage the people who can log in.
    Admin {
        /// What to do with them.
        #[command(subcommand)]
        command: AdminCommand,
    },
    /// Manage the bearer tokens of the API.
    Token {
        /// What to do with them.
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Manage the vault key under which exchange keys are sealed.
    Keys {
        /// What to do with it.
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Replay the records of cycles, or write them out.
    Records {
        /// What to do with them.
        #[command(subcommand)]
        command: RecordsCommand,
    },
}

/// Where the data is; the same for every command.
#[derive(Debug, Args)]
pub struct StoreArgs {
    /// Settings file (TOML); its keys are the flags' names with underscores.
    #[arg(long, env = "COUNTERSIGN_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where the data is.
    #[command(flatten)]
    pub store: StoreLayer,
}

/// `serve`
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Where the data is.
    #[command(flatten)]
    pub store: StoreArgs,
    /// Everything else.
    #[command(flatten)]
    pub serve: ServeLayer,
}

/// `demo`
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 8080, value_name = "PORT")]
    pub port: u16,
    /// The same seed makes the same prices.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// How many times faster than the wall clock the market runs.
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub speed: u32,
    /// Throw away what earlier demos left.
    #[arg(long)]
    pub fresh: bool,
}

/// `paper-exchange`
#[derive(Debug, Args)]
pub struct PaperExchangeArgs {
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:9900", value_name = "ADDRESS:PORT")]
    pub listen: SocketAddr,
    /// What is traded: synthetic or replay:DIR.
    #[arg(long, default_value = "synthetic", value_name = "MARKET")]
    pub market: String,
    /// How many times faster than the wall clock the market runs.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub speed: u32,
    /// The same seed makes the same prices; a state file keeps its own.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// An account, which may be repeated: KEY:SECRET:USDT=100000,BTC=1, with options such as :withdraw behind it.
    /// @FILE in the secret's place names a file, which may hold an Ed25519 public key [default: one with a fresh key].
    #[arg(
        long = "account",
        env = "COUNTERSIGN_PAPER_ACCOUNT",
        hide_env_values = true,
        value_delimiter = ';',
        value_name = "ACCOUNT"
    )]
    pub accounts: Vec<SecretString>,
    /// Commission of makers and takers, in basis points.
    #[arg(long, default_value = "10", value_name = "N")]
    pub fee_bps: String,
    /// Whether limits of weight and orders hold: binance or off.
    #[arg(long, default_value = "binance", value_parser = ["binance", "off"], value_name = "LIMITS")]
    pub limits: String,
    /// Remembers everything it confirmed, over restarts and crashes.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Faults on purpose (TOML).
    #[arg(long, value_name = "FILE")]
    pub fault_script: Option<PathBuf>,
}

/// `admin ...`
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Create a person who can log in.
    Create(CreateAdminArgs),
    /// Set a new password and end all sessions of the person.
    ResetPassword(ResetPasswordArgs),
}

/// `admin create`
#[derive(Debug, Args)]
pub struct CreateAdminArgs {
    /// Where the data is.
    #[command(flatten)]
    pub store: StoreArgs,
    /// The name to log in with.
    #[arg(long, value_name = "NAME")]
    pub username: String,
    /// Read the password from standard input; a password on the command line would show in the process list.
    #[arg(long, required = true)]
    pub password_stdin: bool,
    /// What the person may do: admin, operator or viewer.
    #[arg(long, default_value = "admin", value_parser = ["admin", "operator", "viewer"])]
    pub role: String,
}

/// `admin reset-password`
#[derive(Debug, Args)]
pub struct ResetPasswordArgs {
    /// Where the data is.
    #[command(flatten)]
    pub store: StoreArgs,
    /// Whose password.
    #[arg(long, value_name = "NAME")]
    pub username: String,
    /// Read the password from standard input; a password on the command line would show in the process list.
    #[arg(long, required = true)]
    pub password_stdin: bool,
}

/// `token ...`
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token and print it, once, as the last line.
    Create(CreateTokenArgs),
    /// List tokens; the secrets are not known any more.
    List(ListTokensArgs),
    /// Refuse a token from now on.
    Revoke(RevokeTokenArgs),
}

/// `token create`
#[derive(Debug, Args)]
pub struct CreateTokenArgs {
    /// Where the data is.
    #[command(flatten)]
    pub store: StoreArgs,
    /// The person it belongs to; it never may more than that person.
    #[arg(long, value_name = "NAME")]
    pub username: String,
    /// What it is for.
    #[arg(long, value_name = "LABEL")]
    pub name: String,
    /// What it may do: admin, operate, read or propose.
    #[arg(long, default_value = "operate", value_parser = ["admin", "operate", "read", "propose"])]
    pub scope: String,
}

/// `token list`
#[derive(Debug, Args)]
pub struct ListTokensArgs {
    /// Where the data is.
    #[command(flatten)]
    pub store: StoreArgs,
    /// Only this person's.
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
}

/// `token revoke`
#[derive(Debug, Args)]
pub struct RevokeTokenArgs {
    /// Where the data is.
    #[command(flatten)]
    pub store: StoreArgs,
    /// The token's number, as listed.
    #[arg(value_name = "ID")]
    pub id: i64,
}

/// `keys ...`
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Replace the vault key; the server must be stopped. It is safe to try again after any failure.
    Rotate(RotateKeysArgs),
}

/// `keys rotate`
#[derive(Debug, Args)]
pub struct RotateKeysArgs {
    /// Where the data is.
    #[command(flatten)]
    pub store: StoreArgs,
    /// A file with the new key: 64 hex digits, as `openssl rand -hex 32` prints them.
    #[arg(long, value_name = "FILE")]
    pub new_key_file: PathBuf,
}

/// `records ...`
#[derive(Debug, Subcommand)]
pub enum RecordsCommand {
    /// Judge every stored answer again by the rules of this program, and say what would be decided otherwise.
    Replay(ReplayRecordsArgs),
    /// Write records out as JSON lines, the oldest first.
    Export(ExportRecordsArgs),
}

/// `records replay`
#[derive(Debug, Args)]
pub struct ReplayRecordsArgs {
    /// Where the data is.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `records export`
#[derive(Debug, Args)]
pub struct ExportRecordsArgs {
    /// Where the data is.
    #[command(flatten)]
    pub store: StoreArgs,
    /// A new file, compressed when its name ends in .gz; - writes to standard output.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Only this model's, by its number.
    #[arg(long, value_name = "ID")]
    pub model: Option<i64>,
    /// Only those judged at this time or later: 2026-11-27 (UTC), or with a time, 2026-11-27T14:00:00Z.
    #[arg(long, value_name = "DATE", value_parser = moment)]
    pub since: Option<Timestamp>,
    /// Only those judged before this time.
    #[arg(long, value_name = "DATE", value_parser = moment)]
    pub before: Option<Timestamp>,
}

/// Reads a UTC day, which means its beginning, or a moment.
fn moment(text: &str) -> Result<Timestamp, String> {
    let day = || Some(text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp());
    // A day must not be read out of a longer text that names a zone.
    let at = if text.contains(['T', 't', ' ']) { text.parse::<jiff::Timestamp>().ok() } else { day() };
    let at = at.ok_or("must be a UTC day such as 2026-11-27, or a time such as 2026-11-27T14:00:00Z")?;
    Ok(Timestamp(at.as_millisecond()))
}

/// Puts `serve` in front of flags that come without a command.
pub fn with_default_command(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<OsString> = args.collect();
    let first = args.get(1).and_then(|first| first.to_str());
    let asks_for_help = matches!(first, Some("-h" | "--help" | "-V" | "--version"));
    let is_flag = first.is_none_or(|first| first.starts_with('-'));
    if is_flag && !asks_for_help {
        args.insert(1.min(args.len()), "serve".into());
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_moment_is_a_utc_day_or_a_time_with_its_zone() {
        assert_eq!(moment("1970-01-02"), Ok(Timestamp(86_400_000)));
        assert_eq!(moment("1970-01-01T01:00:00+01:00"), Ok(Timestamp(0)));
        assert_eq!(moment("1970-01-01T00:00:01.5Z"), Ok(Timestamp(1_500)));
        for wrong in ["", "yesterday", "1970-01-01T00:00:00", "1970-13-01", "86400"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn flags_without_a_command_serve() {
        let parse = |line: &str| Cli::try_parse_from(with_default_command(line.split(' ').map(Into::into)));
        assert!(matches!(parse("countersign").map(|cli| cli.command), Ok(Command::Serve(_))));
        let served = parse("countersign --listen 127.0.0.1:1 --behind-tls-proxy --seed 3").map(|cli| cli.command);
        assert!(matches!(served, Ok(Command::Serve(args)) if args.serve.behind_tls_proxy == Some(true)));
        assert!(matches!(parse("countersign demo --fresh").map(|cli| cli.command), Ok(Command::Demo(_))));
        assert!(parse("countersign --listne x").is_err());
    }
}
