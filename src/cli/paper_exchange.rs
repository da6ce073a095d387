//! `paper-exchange`: an exchange with made-up money, for bots and for this desk.

use super::CliError;
use super::args::PaperExchangeArgs;
use super::serve::watch_signals;
use crate::app::paper::{LimitsMode, PaperMarket, PaperSettings, start_paper_exchange};
use crate::domain::money::parse_plain;
use crate::services::shutdown::Shutdown;
use crate::settings::SPEED_MAX;
use crate::telemetry::{self, LogFormat};
use rust_decimal::Decimal;
use secrecy::ExposeSecret;

/// The highest commission, in basis points: a tenth.
const FEE_BPS_MAX: i64 = 1_000;

/// Runs the exchange until SIGTERM or Ctrl-C.
///
/// # Errors
/// When an argument is refused or something cannot be opened.
pub async fn run(args: PaperExchangeArgs) -> Result<(), CliError> {
    let settings = settings(args)?;
    telemetry::start(LogFormat::default(), None);
    let shutdown = Shutdown::new();
    watch_signals(shutdown.clone()).map_err(|source| CliError::Io { attempt: "watching signals failed", source })?;
    let (mut exchange, fresh) = start_paper_exchange(settings).await?;
    println!("URL: {}", exchange.url());
    if let Some(fresh) = fresh {
        println!("API key: {}", fresh.key);
        println!("Secret: {}", fresh.secret.expose_secret());
    }
    tokio::select! {
        outcome = exchange.broken_down() => {
            return outcome.map_err(|source| CliError::Io { attempt: "the server broke down", source });
        }
        () = shutdown.begun() => {}
    }
    exchange.stop().await;
    Ok(())
}

fn settings(args: PaperExchangeArgs) -> Result<PaperSettings, CliError> {
    let usage = |text: String| CliError::Usage(text);
    if !(1..=SPEED_MAX).contains(&args.speed) {
        return Err(usage(format!("--speed must be 1 to {SPEED_MAX}")));
    }
    let market = match args.market.split_once(':') {
        None if args.market == "synthetic" => PaperMarket::Synthetic,
        Some(("replay", dir)) if !dir.is_empty() => PaperMarket::Replay(dir.into()),
        _ => return Err(usage("--market must be synthetic or replay:DIR".to_owned())),
    };
    let fee_bps = parse_plain(&args.fee_bps).ok().filter(|fee| *fee <= Decimal::from(FEE_BPS_MAX));
    let fee_bps = fee_bps.ok_or_else(|| usage(format!("--fee-bps must be a plain number, 0 to {FEE_BPS_MAX}")))?;
    Ok(PaperSettings {
        listen: args.listen,
        market,
        speed: args.speed,
        seed: args.seed,
        accounts: args.accounts,
        fee_bps,
        limits: if args.limits == "off" { LimitsMode::Off } else { LimitsMode::Binance },
        state: args.state,
        fault_script: args.fault_script,
    })
}
