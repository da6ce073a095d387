//! What each path answers.

pub mod account;
pub mod cancel_replace;
pub mod history;
pub mod lists;
pub mod market;
pub mod orders;
pub mod terms;
pub mod tickers;

use super::call::{Answer, Call};
use super::engine::{Engine, SymbolStatus};
use super::error::ApiError;

/// Whether a market is served here.
fn is_served(engine: &Engine, symbol: &str) -> bool {
    engine.markets().any(|(rules, _)| rules.symbol.as_str() == symbol)
}

/// Which markets a question is about: one, a list, or all of them; `symbolStatus` leaves out the others.
pub struct Asked {
    /// In the order asked.
    pub symbols: Vec<String>,
    /// Whether the answer is an array.
    pub is_list: bool,
}

/// Reads `symbol`, `symbols` and `symbolStatus`.
///
/// # Errors
/// -1121 for a market that is not served, -1128 for both parameters at once, -1220 for one that has another status.
fn asked(call: &mut Call<'_>) -> Result<Asked, ApiError> {
    let one = call.params.optional_symbol()?.map(str::to_owned);
    let many = call.params.symbols()?;
    let status = match call.params.text("symbolStatus")? {
        None => None,
        Some("TRADING") => Some(SymbolStatus::Trading),
        Some("HALT") => Some(SymbolStatus::Halt),
        Some("BREAK") => Some(SymbolStatus::Break),
        Some(_) => return Err(ApiError::new(-1122, "Invalid symbolStatus.")),
    };
    if one.is_some() && many.is_some() {
        return Err(ApiError::bad_combination());
    }
    let floor = call.exchange.floor();
    let markets: Vec<(&str, SymbolStatus)> =
        floor.engine.markets().map(|(rules, status)| (rules.symbol.as_str(), status)).collect();
    let status_of = |symbol: &str| markets.iter().find(|(name, _)| *name == symbol).map(|(_, status)| *status);
    let fits = |found: SymbolStatus| status.is_none_or(|wanted| wanted == found);
    match (one, many) {
        (Some(symbol), _) => match status_of(&symbol) {
            None => Err(ApiError::bad_symbol()),
            Some(found) if fits(found) => Ok(Asked { symbols: vec![symbol], is_list: false }),
            Some(_) => Err(ApiError::new(-1220, "The symbol's status does not match the requested symbolStatus.")),
        },
        (None, Some(symbols)) => {
            if symbols.iter().any(|symbol| status_of(symbol).is_none()) {
                return Err(ApiError::bad_symbol());
            }
            let symbols = symbols.into_iter().filter(|symbol| status_of(symbol).is_some_and(fits)).collect();
            Ok(Asked { symbols, is_list: true })
        }
        (None, None) => {
            let symbols = markets.iter().filter(|(_, found)| fits(*found)).map(|(name, _)| (*name).to_owned());
            Ok(Asked { symbols: symbols.collect(), is_list: true })
        }
    }
}

/// `{}`
fn nothing(call: &Call<'_>) -> Answer {
    let mut json = call.json();
    json.object(|_| {});
    Answer::of(json)
}
