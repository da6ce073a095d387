//! `demo`: a desk to look around in, with made-up prices. It keeps everything in a directory of its own.

use super::CliError;
use super::args::DemoArgs;
use super::serve::run_until_signal;
use crate::app::Application;
use crate::domain::access::{Actor, Role};
use crate::services::access::{AccessError, AccessService};
use crate::settings::{DATABASE_FILE, DatabaseUrl, MarketChoice, SPEED_MAX, Settings};
use crate::telemetry;
use rand::RngExt;
use secrecy::{ExposeSecret, SecretString};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;

/// Where the demo keeps everything, in the current directory.
const DEMO_DIR: &str = "./countersign-demo";
/// Who can log in.
const USERNAME: &str = "admin";
/// Letters of the password: none that is easily taken for another.
const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";
/// Letters of a password, about 99 bits.
const PASSWORD_LETTERS: usize = 20;

/// Runs the demo.
///
/// # Errors
/// When something cannot be opened.
pub async fn run(args: DemoArgs) -> Result<(), CliError> {
    let dir = Path::new(DEMO_DIR);
    if !(1..=SPEED_MAX).contains(&args.speed) {
        return Err(CliError::Usage(format!("--speed must be 1 to {SPEED_MAX}")));
    }
    if args.fresh {
        remove_earlier(dir)?;
    }
    let database_url = DatabaseUrl::parse(&format!("sqlite:{}", dir.join(DATABASE_FILE).display()))?;
    let settings = Settings {
        listen: SocketAddr::from(([127, 0, 0, 1], args.port)),
        market: MarketChoice::Synthetic,
        speed: args.speed,
        seed: args.seed,
        ..Settings::for_data_dir(dir, database_url)
    };
    telemetry::start(settings.store.log_format, None);
    let app = Application::build(settings).await?;
    let password = fresh_password();
    ensure_admin(app.access(), password.clone()).await?;
    println!("URL: {}", app.url());
    println!("Username: {USERNAME}");
    println!("Password: {}", password.expose_secret());
    run_until_signal(app).await
}

/// Creates the administrator, or gives the one of an earlier start a new password.
async fn ensure_admin(access: &AccessService, password: SecretString) -> Result<(), AccessError> {
    match access.create_user(USERNAME, Role::Admin, password.clone(), &Actor::Cli).await {
        Err(AccessError::NameTaken) => access.reset_password(USERNAME, password, &Actor::Cli).await.map(|_| ()),
        other => other.map(|_| ()),
    }
}

fn remove_earlier(dir: &Path) -> Result<(), CliError> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(CliError::Io { attempt: "removing the earlier demo failed", source: error })
        }
        _ => Ok(()),
    }
}

fn fresh_password() -> SecretString {
    let mut rng = rand::rng();
    let letters: String =
        (0..PASSWORD_LETTERS).map(|_| char::from(LETTERS[rng.random_range(0..LETTERS.len())])).collect();
    letters.into()
}
