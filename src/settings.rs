//! Process settings: defaults < file < environment < flags, parsed once into types.
//!
//! The command line (with its environment variables, which clap reads) and the file each give a layer of raw texts; here
//! they become [`Settings`], or a sentence that says what to do. Nothing after this module parses settings again.

use crate::domain::arming::{ARM_HOURS_DEFAULT, ARM_HOURS_MAX};
use crate::domain::credential::VAULT_KEY_VARIABLE;
use crate::services::access::SessionLimits;
use crate::services::prune_bundles::RecordLimits;
use crate::telemetry::LogFormat;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

mod secret_file;

pub use secret_file::{SessionSecret, secure_data_dir, secure_database_file};

/// Where the server listens unless told otherwise.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8080";
/// Where data lives unless told otherwise.
pub const DEFAULT_DATA_DIR: &str = "./countersign-data";
/// The SQLite file inside the data directory.
pub const DATABASE_FILE: &str = "countersign.sqlite";
/// Binance's host for public market data without a key.
pub const DEFAULT_BINANCE_DATA_URL: &str = "https://data-api.binance.vision";
/// Binance's test network: play money.
pub const DEFAULT_BINANCE_TESTNET_URL: &str = "https://testnet.binance.vision";
/// Binance's exchange: real money.
pub const DEFAULT_BINANCE_MAINNET_URL: &str = "https://api.binance.com";
/// The highest speed of a simulated market.
pub const SPEED_MAX: u32 = 100_000;
/// The longest settings file that is read, in bytes.
const FILE_MAX: u64 = 64 * 1_024;
/// The longest that a session may live in any case, in hours: ninety days.
const SESSION_HOURS_MAX: u32 = 90 * 24;

/// The longest that records of cycles may be kept for, in days: ten years.
const BUNDLES_DAYS_MAX: u32 = 3_650;
/// The most room that may be given to them, in megabytes: a terabyte.
const BUNDLES_MB_MAX: u32 = 1_024 * 1_024;

/// Why the process does not start. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The settings file cannot be read.
    #[error("the settings file {path} cannot be read: {reason}")]
    File {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// The settings file is not TOML or has an unknown key.
    #[error("the settings file {path} is refused: {reason}")]
    FileContent {
        /// The file.
        path: String,
        /// Line, key and rule.
        reason: String,
    },
    /// One setting is refused.
    #[error("the setting `{name}` {rule}")]
    Value {
        /// The setting's name.
        name: &'static str,
        /// The rule it breaks.
        rule: String,
    },
    /// Listening beyond this machine without TLS.
    #[error(
        "refusing to listen on {0}: beyond this machine, passwords and orders would travel unencrypted. Put a proxy that \
         ends TLS before Countersign and pass --behind-tls-proxy, or listen on 127.0.0.1"
    )]
    NotLoopback(SocketAddr),
    /// A directory or file is open to others, or cannot be used.
    #[error("{path} {problem}")]
    Unsafe {
        /// The file or directory.
        path: String,
        /// What is wrong and what to do.
        problem: String,
    },
}

/// One layer of settings as texts: what was typed, or what the file holds.
#[derive(Clone, Debug, Default, Deserialize, clap::Args)]
#[serde(deny_unknown_fields)]
pub struct StoreLayer {
    /// Directory for the database, the session secret and the emergency stop [default: ./countersign-data].
    #[arg(long, env = "COUNTERSIGN_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Database, `sqlite:FILE` or `postgres://...` [default: an SQLite file in the data directory].
    #[arg(long, env = "COUNTERSIGN_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// How log lines look: text or json [default: text].
    #[arg(long, env = "COUNTERSIGN_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// Which log lines are kept, in `target=level` notation.
    #[arg(long, env = "COUNTERSIGN_LOG", value_name = "FILTER")]
    pub log: Option<String>,
}

/// The settings that only the server has, as texts.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ServeLayer {
    /// Address and port to listen on [default: 127.0.0.1:8080].
    #[arg(long, env = "COUNTERSIGN_LISTEN", value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// A proxy before this server ends TLS: cookies are marked Secure and forwarded addresses are believed.
    #[arg(long, env = "COUNTERSIGN_BEHIND_TLS_PROXY", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub behind_tls_proxy: Option<bool>,
    /// A host name under which people reach this server through the proxy; may be repeated.
    #[arg(long = "public-host", env = "COUNTERSIGN_PUBLIC_HOST", value_name = "HOST", value_delimiter = ',')]
    pub public_host: Vec<String>,
    /// Where simulation prices come from: binance, replay:DIR or synthetic [default: binance].
    #[arg(long, env = "COUNTERSIGN_MARKET", value_name = "MARKET")]
    pub market: Option<String>,
    /// How many times faster than the wall clock a replayed or synthetic market runs [default: 1].
    #[arg(long, env = "COUNTERSIGN_SPEED", value_name = "N")]
    pub speed: Option<u32>,
    /// The seed of the synthetic market and of the random trader [default: 1].
    #[arg(long, env = "COUNTERSIGN_SEED", value_name = "N")]
    pub seed: Option<u64>,
    /// Base address of Binance's public market data.
    #[arg(long, env = "COUNTERSIGN_BINANCE_DATA_URL", value_name = "URL")]
    pub binance_data_url: Option<String>,
    /// Address of Binance's test network, where testnet keys and orders go [default: https://testnet.binance.vision].
    #[arg(long, env = "COUNTERSIGN_BINANCE_TESTNET_URL", value_name = "URL")]
    pub binance_testnet_url: Option<String>,
    /// Address of Binance's exchange, where mainnet keys and orders go [default: https://api.binance.com].
    #[arg(long, env = "COUNTERSIGN_BINANCE_MAINNET_URL", value_name = "URL")]
    pub binance_mainnet_url: Option<String>,
    /// Lets models choose mainnet, where trades are made with real money.
    #[arg(long, env = "COUNTERSIGN_ALLOW_MAINNET", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub allow_mainnet: Option<bool>,
    /// Hours after which a model that was armed for real money must be armed again; 1 to 168 [default: 12].
    #[arg(long, env = "COUNTERSIGN_ARM_HOURS", value_name = "HOURS")]
    pub arm_hours: Option<u32>,
    /// Hours without use after which a session ends [default: 12].
    #[arg(long, env = "COUNTERSIGN_SESSION_IDLE_HOURS", value_name = "HOURS")]
    pub session_idle_hours: Option<u32>,
    /// Hours after which a session ends in any case [default: 168].
    #[arg(long, env = "COUNTERSIGN_SESSION_MAX_HOURS", value_name = "HOURS")]
    pub session_max_hours: Option<u32>,
    /// Days for which the records of cycles are kept; 0 keeps them for ever [default: 90].
    #[arg(long, env = "COUNTERSIGN_BUNDLES_KEEP_DAYS", value_name = "DAYS")]
    pub bundles_keep_days: Option<u32>,
    /// Megabytes that the records of cycles may take in the database; 0 for no limit [default: 1024].
    #[arg(long, env = "COUNTERSIGN_BUNDLES_MAX_MB", value_name = "MB")]
    pub bundles_max_mb: Option<u32>,
}

/// The settings file: the same names as the flags, with underscores.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FileLayer {
    data_dir: Option<PathBuf>,
    database_url: Option<String>,
    log_format: Option<String>,
    log: Option<String>,
    listen: Option<String>,
    behind_tls_proxy: Option<bool>,
    public_host: Vec<String>,
    market: Option<String>,
    speed: Option<u32>,
    seed: Option<u64>,
    binance_data_url: Option<String>,
    binance_testnet_url: Option<String>,
    binance_mainnet_url: Option<String>,
    allow_mainnet: Option<bool>,
    arm_hours: Option<u32>,
    session_idle_hours: Option<u32>,
    session_max_hours: Option<u32>,
    bundles_keep_days: Option<u32>,
    bundles_max_mb: Option<u32>,
}

/// Where simulation prices come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarketChoice {
    /// Binance's public data.
    Binance,
    /// Candles from files in a directory.
    Replay(PathBuf),
    /// A seeded random walk.
    Synthetic,
}

/// Where the database is. Its text may hold a password, so it is never printed.
#[derive(Clone, Debug)]
pub struct DatabaseUrl(SecretString);

impl DatabaseUrl {
    /// Takes `sqlite:` and `postgres://` (also `postgresql://`) addresses.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let known = ["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
        if text.contains(":memory:") {
            let rule = "must name a file: a database in memory would be gone with the process".to_owned();
            return Err(SettingsError::Value { name: "database_url", rule });
        }
        if known {
            return Ok(Self(text.to_owned().into()));
        }
        let rule = "must start with sqlite: or postgres://".to_owned();
        Err(SettingsError::Value { name: "database_url", rule })
    }

    /// The address for the driver.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// The SQLite file; `None` for PostgreSQL.
    pub fn sqlite_file(&self) -> Option<&Path> {
        let rest = self.expose().strip_prefix("sqlite:")?;
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        Some(Path::new(rest.split('?').next().unwrap_or(rest)))
    }
}

/// What every command needs: where the data is and how to log.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// Directory for the database, the session secret and the emergency stop.
    pub data_dir: PathBuf,
    /// The database.
    pub database_url: DatabaseUrl,
    /// How log lines look.
    pub log_format: LogFormat,
    /// Which log lines are kept; the default when absent.
    pub log_filter: Option<String>,
    /// The vault key, when the environment holds it; never a flag, which other accounts of the machine could read.
    pub vault_key: Option<SecretString>,
}

/// Everything the server needs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the data is and how to log.
    pub store: StoreSettings,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Whether a proxy before this server ends TLS.
    pub behind_tls_proxy: bool,
    /// Host names under which people reach this server through the proxy; empty means any.
    pub public_hosts: Vec<String>,
    /// Where simulation prices come from.
    pub market: MarketChoice,
    /// How many times faster than the wall clock a simulated market runs.
    pub speed: u32,
    /// Seed of whatever is random and not secret.
    pub seed: u64,
    /// Base address of Binance's public market data.
    pub binance_data_url: String,
    /// Address of Binance's test network.
    pub binance_testnet_url: String,
    /// Address of Binance's exchange.
    pub binance_mainnet_url: String,
    /// Whether models may choose mainnet.
    pub allow_mainnet: bool,
    /// Hours for which a model is armed for real money.
    pub arm_hours: u32,
    /// How long sessions live.
    pub session_limits: SessionLimits,
    /// How many records of cycles are kept.
    pub record_limits: RecordLimits,
}

impl StoreSettings {
    /// Merges the layers of a command that only needs the data.
    ///
    /// # Errors
    /// When the file or a value is refused.
    pub fn load(flags: StoreLayer, config: Option<&Path>) -> Result<Self, SettingsError> {
        Self::merge(flags, &read_file(config)?)
    }

    fn merge(flags: StoreLayer, file: &FileLayer) -> Result<Self, SettingsError> {
        let data_dir =
            flags.data_dir.or_else(|| file.data_dir.clone()).unwrap_or_else(|| PathBuf::from(DEFAULT_DATA_DIR));
        let database_url = match flags.database_url.or_else(|| file.database_url.clone()) {
            Some(text) => DatabaseUrl::parse(&text)?,
            None => DatabaseUrl::parse(&format!("sqlite:{}", data_dir.join(DATABASE_FILE).display()))?,
        };
        let format = flags.log_format.or_else(|| file.log_format.clone()).unwrap_or_else(|| "text".to_owned());
        let log_format = LogFormat::parse(&format).ok_or_else(|| value("log_format", "must be text or json"))?;
        let log_filter = flags.log.or_else(|| file.log.clone());
        let vault_key = std::env::var(VAULT_KEY_VARIABLE).ok().filter(|text| !text.is_empty()).map(SecretString::from);
        Ok(Self { data_dir, database_url, log_format, log_filter, vault_key })
    }
}

impl Settings {
    /// Merges the layers of `serve` and refuses what is unsafe.
    ///
    /// # Errors
    /// When the file or a value is refused, or the settings together are unsafe.
    pub fn load(store: StoreLayer, serve: ServeLayer, config: Option<&Path>) -> Result<Self, SettingsError> {
        let file = read_file(config)?;
        let store = StoreSettings::merge(store, &file)?;
        let listen = serve.listen.or(file.listen).unwrap_or_else(|| DEFAULT_LISTEN.to_owned());
        let listen: SocketAddr = listen
            .replacen("localhost:", "127.0.0.1:", 1)
            .parse()
            .map_err(|_| value("listen", "must be an address and a port such as 127.0.0.1:8080 or [::1]:8080"))?;
        let behind_tls_proxy = serve.behind_tls_proxy.or(file.behind_tls_proxy).unwrap_or(false);
        if !listen.ip().is_loopback() && !behind_tls_proxy {
            return Err(SettingsError::NotLoopback(listen));
        }
        let public_hosts = if serve.public_host.is_empty() { file.public_host } else { serve.public_host };
        let speed = serve.speed.or(file.speed).unwrap_or(1);
        if !(1..=SPEED_MAX).contains(&speed) {
            return Err(value("speed", &format!("must be 1 to {SPEED_MAX}")));
        }
        let binance_data_url =
            serve.binance_data_url.or(file.binance_data_url).unwrap_or_else(|| DEFAULT_BINANCE_DATA_URL.to_owned());
        Ok(Self {
            store,
            listen,
            behind_tls_proxy,
            public_hosts: public_hosts.iter().map(|host| public_host(host)).collect::<Result<_, _>>()?,
            market: market(serve.market.or(file.market).as_deref().unwrap_or("binance"))?,
            speed,
            seed: serve.seed.or(file.seed).unwrap_or(1),
            binance_data_url: http_url(binance_data_url)?,
            binance_testnet_url: exchange_url(
                "binance_testnet_url",
                serve
                    .binance_testnet_url
                    .or(file.binance_testnet_url)
                    .as_deref()
                    .unwrap_or(DEFAULT_BINANCE_TESTNET_URL),
            )?,
            binance_mainnet_url: exchange_url(
                "binance_mainnet_url",
                serve
                    .binance_mainnet_url
                    .or(file.binance_mainnet_url)
                    .as_deref()
                    .unwrap_or(DEFAULT_BINANCE_MAINNET_URL),
            )?,
            allow_mainnet: serve.allow_mainnet.or(file.allow_mainnet).unwrap_or(false),
            arm_hours: arm_hours(serve.arm_hours.or(file.arm_hours))?,
            session_limits: session_limits(
                serve.session_idle_hours.or(file.session_idle_hours),
                serve.session_max_hours.or(file.session_max_hours),
            )?,
            record_limits: record_limits(
                serve.bundles_keep_days.or(file.bundles_keep_days),
                serve.bundles_max_mb.or(file.bundles_max_mb),
            )?,
        })
    }

    /// Defaults with a database and a data directory of one's own: the demo and tests start from here.
    pub fn for_data_dir(data_dir: &Path, database_url: DatabaseUrl) -> Self {
        Self {
            store: StoreSettings {
                data_dir: data_dir.to_owned(),
                database_url,
                log_format: LogFormat::Text,
                log_filter: None,
                vault_key: None,
            },
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            behind_tls_proxy: false,
            public_hosts: Vec::new(),
            market: MarketChoice::Synthetic,
            speed: 1,
            seed: 1,
            binance_data_url: DEFAULT_BINANCE_DATA_URL.to_owned(),
            binance_testnet_url: DEFAULT_BINANCE_TESTNET_URL.to_owned(),
            binance_mainnet_url: DEFAULT_BINANCE_MAINNET_URL.to_owned(),
            allow_mainnet: false,
            arm_hours: ARM_HOURS_DEFAULT,
            session_limits: SessionLimits::default(),
            record_limits: RecordLimits::default(),
        }
    }
}

fn read_file(path: Option<&Path>) -> Result<FileLayer, SettingsError> {
    let Some(path) = path else { return Ok(FileLayer::default()) };
    let shown = path.display().to_string();
    let failed = |reason: String| SettingsError::File { path: shown.clone(), reason };
    let size = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
    if size > FILE_MAX {
        return Err(failed(format!("it is larger than {FILE_MAX} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    toml::from_str(&text).map_err(|error| {
        let line = error.span().map_or(0, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        // Only the message: the whole error quotes the line, which may hold a password.
        SettingsError::FileContent { path: shown.clone(), reason: format!("line {line}: {}", error.message()) }
    })
}

fn value(name: &'static str, rule: &str) -> SettingsError {
    SettingsError::Value { name, rule: rule.to_owned() }
}

fn market(text: &str) -> Result<MarketChoice, SettingsError> {
    match text {
        "binance" => Ok(MarketChoice::Binance),
        "synthetic" => Ok(MarketChoice::Synthetic),
        _ => match text.strip_prefix("replay:") {
            Some(dir) if !dir.is_empty() => Ok(MarketChoice::Replay(PathBuf::from(dir))),
            _ => Err(value("market", "must be binance, replay:DIR or synthetic")),
        },
    }
}

fn public_host(text: &str) -> Result<String, SettingsError> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']');
    if text.is_empty() || text.len() > 255 || !text.bytes().all(legal) {
        return Err(value("public_host", "must be host names such as desk.example.org, without a scheme or path"));
    }
    Ok(text.to_ascii_lowercase())
}

fn http_url(text: String) -> Result<String, SettingsError> {
    if text.starts_with("https://") || text.starts_with("http://") {
        return Ok(text.trim_end_matches('/').to_owned());
    }
    Err(value("binance_data_url", "must start with https:// or http://"))
}

fn arm_hours(given: Option<u32>) -> Result<u32, SettingsError> {
    match given.unwrap_or(ARM_HOURS_DEFAULT) {
        hours @ 1..=ARM_HOURS_MAX => Ok(hours),
        _ => Err(value("arm_hours", &format!("must be 1 to {ARM_HOURS_MAX} hours"))),
    }
}

/// An address to which keys and orders go: encrypted, or on this machine.
fn exchange_url(name: &'static str, text: &str) -> Result<String, SettingsError> {
    let text = text.trim_end_matches('/');
    let (authority, is_encrypted) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(authority), _) => (authority, true),
        (None, Some(authority)) => (authority, false),
        (None, None) => ("", false),
    };
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    if host.is_empty() || authority.contains(['/', '?', '#', '@', '\\']) || !(is_encrypted || is_here) {
        return Err(value(name, "must be https:// and a host (http:// only on this machine), without a path"));
    }
    Ok(text.to_owned())
}

fn session_limits(idle_hours: Option<u32>, max_hours: Option<u32>) -> Result<SessionLimits, SettingsError> {
    let defaults = SessionLimits::default();
    let hours = |name: &'static str, given: Option<u32>, default_ms: i64| match given {
        None => Ok(default_ms),
        Some(hours) if (1..=SESSION_HOURS_MAX).contains(&hours) => Ok(i64::from(hours) * crate::domain::time::HOUR_MS),
        Some(_) => Err(value(name, &format!("must be 1 to {SESSION_HOURS_MAX} hours"))),
    };
    let limits = SessionLimits {
        idle_ms: hours("session_idle_hours", idle_hours, defaults.idle_ms)?,
        absolute_ms: hours("session_max_hours", max_hours, defaults.absolute_ms)?,
    };
    Ok(limits)
}

fn record_limits(keep_days: Option<u32>, max_mb: Option<u32>) -> Result<RecordLimits, SettingsError> {
    let within = |name: &'static str, given: Option<u32>, default: u32, max: u32| match given.unwrap_or(default) {
        number if number <= max => Ok(number),
        _ => Err(value(name, &format!("must be 0 to {max}"))),
    };
    let defaults = RecordLimits::default();
    Ok(RecordLimits {
        keep_days: within("bundles_keep_days", keep_days, defaults.keep_days, BUNDLES_DAYS_MAX)?,
        max_mb: within("bundles_max_mb", max_mb, defaults.max_mb, BUNDLES_MB_MAX)?,
    })
}

#[cfg(test)]
mod tests;
