//! `demo`: a desk to look around in, with made-up prices, and a paper exchange on which one model trades live: real
//! requests, real signatures, made-up money. It keeps everything in a directory of its own.

use super::CliError;
use super::args::DemoArgs;
use super::serve::run_until_signal;
use crate::app::Application;
use crate::app::paper::{FreshKey, LimitsMode, PaperExchange, PaperMarket, PaperSettings, start_paper_exchange};
use crate::domain::access::{Actor, Role};
use crate::domain::ids::{BUILT_IN_PROVIDER, TraderId};
use crate::domain::venue_kind::{AutomationLevel, Axes, ExchangeEnvironment, TradingEnvironment};
use crate::ports::store::Changes;
use crate::services::access::{AccessError, AccessService};
use crate::services::credentials::{GivenPair, save, verify};
use crate::services::desk::Desk;
use crate::services::models::{NewModel, create};
use crate::settings::{DATABASE_FILE, DatabaseUrl, MarketChoice, SPEED_MAX, Settings, secure_data_dir};
use crate::telemetry;
use rand::RngExt;
use rust_decimal::Decimal;
use secrecy::{ExposeSecret, SecretString};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;

/// Where the demo keeps everything, in the current directory.
const DEMO_DIR: &str = "./countersign-demo";
/// The file with the key of the paper exchange's account.
const EXCHANGE_KEY_FILE: &str = "paper-exchange.key";
/// The paper exchange's memory.
const EXCHANGE_STATE_FILE: &str = "paper-exchange.state";
/// What the account begins with.
const EXCHANGE_BALANCES: &str = "USDT=100000";
/// Who furnished the desk, for the audit trail.
const DEMO: &str = "demo";
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
    secure_data_dir(dir)?;
    let (exchange, key) = start_exchange(dir, args.seed).await?;
    let settings = Settings {
        listen: SocketAddr::from(([127, 0, 0, 1], args.port)),
        market: MarketChoice::Synthetic,
        speed: args.speed,
        seed: args.seed,
        binance_testnet_url: exchange.url(),
        ..Settings::for_data_dir(dir, database_url)
    };
    telemetry::start(settings.store.log_format, None);
    let app = Application::build(settings).await?;
    let password = fresh_password();
    ensure_admin(app.access(), password.clone()).await?;
    furnish(app.desk(), &key).await?;
    println!("URL: {}", app.url());
    println!("Username: {USERNAME}");
    println!("Password: {}", password.expose_secret());
    let outcome = run_until_signal(app).await;
    exchange.stop().await;
    outcome
}

/// Starts the paper exchange. Its market runs with the clock: a live model's prices are those of now.
async fn start_exchange(dir: &Path, seed: u64) -> Result<(PaperExchange, FreshKey), CliError> {
    let unusable = |source| CliError::Io { attempt: "reading the paper exchange's key failed", source };
    let key = FreshKey::kept_in(&dir.join(EXCHANGE_KEY_FILE)).map_err(unusable)?;
    let settings = PaperSettings {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        market: PaperMarket::Synthetic,
        speed: 1,
        seed,
        accounts: vec![key.account(EXCHANGE_BALANCES)],
        fee_bps: Decimal::TEN,
        limits: LimitsMode::Binance,
        state: Some(dir.join(EXCHANGE_STATE_FILE)),
        fault_script: None,
    };
    let (exchange, _) = start_paper_exchange(settings).await?;
    Ok((exchange, key))
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
    axes: Axes,
    settings: &'static [(&'static str, &'static str)],
}

const fn in_simulation(automation_level: AutomationLevel) -> Axes {
    Axes {
        trading_environment: TradingEnvironment::Simulation,
        automation_level,
        exchange_environment: ExchangeEnvironment::Testnet,
    }
}

/// One model for each level, so that showing, asking and acting can be compared side by side. The one that asks trades
/// live on the paper exchange; the others stay in simulation, whose prices run fast.
const MODELS: &[Furniture] = &[
    Furniture {
        name: "Sage",
        advisor: "ema_cross",
        axes: Axes { trading_environment: TradingEnvironment::Live, ..in_simulation(AutomationLevel::SemiAutomated) },
        settings: &[("trading_interval_minutes", "5")],
    },
    Furniture {
        name: "Drifter",
        advisor: "rsi_mean_reversion",
        axes: in_simulation(AutomationLevel::FullyAutomated),
        settings: &[("trading_interval_minutes", "10"), ("max_leverage", "2")],
    },
    Furniture {
        name: "Coin",
        advisor: "random",
        axes: in_simulation(AutomationLevel::Manual),
        settings: &[("trading_interval_minutes", "15")],
    },
];

/// Creates the models at the first start; at every start each active one runs at once, so that there is something to see.
async fn furnish(desk: &Desk, key: &FreshKey) -> Result<(), CliError> {
    let mut traders = desk.store.traders(true).await?;
    if traders.is_empty() {
        for model in MODELS {
            let settings = model.settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
            let new = NewModel {
                name: model.name.to_owned(),
                provider_id: BUILT_IN_PROVIDER.0,
                model_name: model.advisor.to_owned(),
                settings: settings.collect(),
                axes: model.axes,
            };
            let trader = create(desk, new, DEMO).await?;
            if model.axes.trading_environment == TradingEnvironment::Live {
                connect(desk, trader.id, key).await?;
            }
            traders.push(trader);
        }
    }
    let due = traders.iter().filter(|trader| trader.is_active());
    let reschedules = due.map(|trader| (trader.id, None, trader.api_errors)).collect();
    desk.store.commit(Changes { reschedules, ..Changes::default() }).await?;
    Ok(())
}

/// Gives a model its key of the paper exchange, and has it checked.
async fn connect(desk: &Desk, id: TraderId, key: &FreshKey) -> Result<(), CliError> {
    let environment = ExchangeEnvironment::Testnet;
    let (api_key, api_secret) = (key.key.clone().into(), key.secret.clone());
    save(desk, id, &[GivenPair { environment, api_key, api_secret }], DEMO).await?;
    verify(desk, id, environment, DEMO).await?;
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
