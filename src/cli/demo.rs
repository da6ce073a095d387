//! `demo`: a desk to look around in, with made-up prices. It keeps everything in a directory of its own.

use super::CliError;
use super::args::DemoArgs;
use super::serve::run_until_signal;
use crate::app::Application;
use crate::domain::access::{Actor, Role};
use crate::domain::ids::BUILT_IN_PROVIDER;
use crate::domain::venue_kind::{AutomationLevel, Axes};
use crate::ports::store::Changes;
use crate::services::access::{AccessError, AccessService};
use crate::services::desk::Desk;
use crate::services::models::{NewModel, create};
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
    furnish(app.desk()).await?;
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

/// A model as the demo furnishes it.
struct Furniture {
    name: &'static str,
    advisor: &'static str,
    level: AutomationLevel,
    settings: &'static [(&'static str, &'static str)],
}

/// One model for each level, so that showing, asking and acting can be compared side by side. Prices run fast here, so
/// the one that asks allows more drift before it asks again.
const MODELS: &[Furniture] = &[
    Furniture {
        name: "Sage",
        advisor: "ema_cross",
        level: AutomationLevel::SemiAutomated,
        settings: &[("trading_interval_minutes", "5"), ("max_price_drift_bps", "200")],
    },
    Furniture {
        name: "Drifter",
        advisor: "rsi_mean_reversion",
        level: AutomationLevel::FullyAutomated,
        settings: &[("trading_interval_minutes", "10"), ("max_leverage", "2")],
    },
    Furniture {
        name: "Coin",
        advisor: "random",
        level: AutomationLevel::Manual,
        settings: &[("trading_interval_minutes", "15")],
    },
];

/// Creates the models at the first start; at every start each active one runs at once, so that there is something to see.
async fn furnish(desk: &Desk) -> Result<(), CliError> {
    let mut traders = desk.store.traders(true).await?;
    if traders.is_empty() {
        for model in MODELS {
            let settings = model.settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
            let new = NewModel {
                name: model.name.to_owned(),
                provider_id: BUILT_IN_PROVIDER.0,
                model_name: model.advisor.to_owned(),
                settings: settings.collect(),
                axes: Axes { automation_level: model.level, ..Axes::default() },
            };
            traders.push(create(desk, new, "demo").await?);
        }
    }
    let due = traders.iter().filter(|trader| trader.is_active());
    let reschedules = due.map(|trader| (trader.id, None, trader.api_errors)).collect();
    desk.store.commit(Changes { reschedules, ..Changes::default() }).await?;
    Ok(())
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
