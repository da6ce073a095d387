//! All models side by side, and the market's prices. Simulation, testnet and mainnet are never summed.

use super::wire::{percent, time};
use crate::domain::money::Money;
use crate::domain::venue_kind::VenueKind;
use crate::services::desk::Desk;
use crate::services::read::{Standing, market_prices, standings};
use crate::web::error::AppError;
use crate::web::form::QueryInput;
use actix_web::HttpResponse;
use actix_web::web::Data;
use serde::Serialize;
use serde_json::Number;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A model's place.
#[derive(Serialize, ToSchema)]
pub struct LeaderboardRow {
    /// The model.
    pub model_id: i64,
    /// Its name.
    pub model_name: String,
    /// Its current book: `simulation`, `testnet` or `mainnet`.
    pub book: &'static str,
    /// What the account is worth now; null while a price is unknown.
    pub account_value: Option<String>,
    /// Return since the book was opened, in per cent.
    #[schema(value_type = Option<f64>)]
    pub returns: Option<Number>,
    /// What the book started with.
    pub initial_capital: String,
}

/// Every model, and the sums of each venue on its own.
#[derive(Serialize, ToSchema)]
pub struct AllSummary {
    /// Model by model.
    pub models: Vec<ModelSummary>,
    /// Sums by venue; a venue that no model uses is left out.
    pub totals: BTreeMap<&'static str, VenueTotal>,
}

/// One model's current book.
#[derive(Serialize, ToSchema)]
pub struct ModelSummary {
    /// The model.
    pub model_id: i64,
    /// Its name.
    pub model_name: String,
    /// Its current book: `simulation`, `testnet` or `mainnet`.
    pub book: &'static str,
    /// Figures of that book.
    #[serde(flatten)]
    pub figures: Figures,
    /// Return since the book was opened, in per cent.
    #[schema(value_type = Option<f64>)]
    pub returns: Option<Number>,
}

/// The sums of one venue.
#[derive(Serialize, ToSchema)]
pub struct VenueTotal {
    /// How many models trade there.
    pub models: usize,
    /// Sums of their figures.
    #[serde(flatten)]
    pub figures: Figures,
    /// Return of all of them together, in per cent.
    #[schema(value_type = Option<f64>)]
    pub returns: Option<Number>,
}

/// Figures of one book or several of one venue; null while a price is unknown.
#[derive(Serialize, ToSchema)]
pub struct Figures {
    /// What was started with.
    pub initial_capital: String,
    /// Free quote money.
    pub cash: String,
    /// What positions add.
    pub positions_value: Option<String>,
    /// Cash and positions.
    pub total_value: Option<String>,
    /// Result of what was closed, less all fees so far but those that exchange accounts paid in another asset, such as BNB.
    pub realized_pnl: String,
    /// Result of what is held.
    pub unrealized_pnl: Option<String>,
}

/// A coin's price.
#[derive(Serialize, ToSchema)]
pub struct PriceRow {
    /// Last price.
    pub price: String,
    /// Change over the last 24 closed hours, in per cent; null without that much history.
    #[schema(value_type = Option<f64>)]
    pub change_24h: Option<Number>,
    /// Market time of the price.
    pub at: String,
    /// `synthetic`, `replay` or `binance`.
    pub source: &'static str,
}

/// Sums of one venue; unknown as soon as one part is.
#[derive(Clone, Copy, Default)]
struct Sums {
    initial: Money,
    cash: Money,
    realized: Money,
    /// Equity, worth of positions, unrealised result.
    worth: Option<(Money, Money, Money)>,
}

impl Sums {
    fn of(standing: &Standing) -> Self {
        let Some(portfolio) = &standing.portfolio else {
            let initial = Money::new(standing.trader.settings.initial_capital);
            return Self {
                initial,
                cash: initial,
                realized: Money::ZERO,
                worth: Some((initial, Money::ZERO, Money::ZERO)),
            };
        };
        let book = &portfolio.view.book;
        let worth = portfolio.valuation.map(|value| (value.equity, value.positions_value, value.unrealized));
        Self { initial: book.initial_capital, cash: book.cash, realized: book.realized - book.fees, worth }
    }

    fn plus(self, other: Self) -> Self {
        let worth = self.worth.zip(other.worth).map(|(a, b)| (a.0 + b.0, a.1 + b.1, a.2 + b.2));
        Self {
            initial: self.initial + other.initial,
            cash: self.cash + other.cash,
            realized: self.realized + other.realized,
            worth,
        }
    }

    fn returns(self) -> Option<Number> {
        let (equity, ..) = self.worth?;
        (equity - self.initial).percent_of(self.initial).map(percent)
    }

    fn figures(self) -> Figures {
        let text = |money: Money| money.round().to_string();
        Figures {
            initial_capital: text(self.initial),
            cash: text(self.cash),
            positions_value: self.worth.map(|worth| text(worth.1)),
            total_value: self.worth.map(|worth| text(worth.0)),
            realized_pnl: text(self.realized),
            unrealized_pnl: self.worth.map(|worth| text(worth.2)),
        }
    }
}

fn no_query(mut query: QueryInput) -> Result<(), AppError> {
    query.refuse_unknown();
    query.0.finish()
}

/// `GET /api/leaderboard`: the best return first, unknown ones last.
///
/// # Errors
/// When the database fails.
pub async fn leaderboard(desk: Data<Desk>, query: QueryInput) -> Result<HttpResponse, AppError> {
    no_query(query)?;
    let mut standings = standings(&desk).await?;
    standings.sort_by(|a, b| b.return_pct().cmp(&a.return_pct()).then(a.trader.id.cmp(&b.trader.id)));
    let rows: Vec<LeaderboardRow> = standings
        .iter()
        .map(|standing| {
            let sums = Sums::of(standing);
            LeaderboardRow {
                model_id: standing.trader.id.0,
                model_name: standing.trader.name.clone(),
                book: standing.venue.as_str(),
                account_value: sums.worth.map(|worth| worth.0.round().to_string()),
                returns: sums.returns(),
                initial_capital: sums.initial.to_string(),
            }
        })
        .collect();
    Ok(HttpResponse::Ok().json(rows))
}

/// `GET /api/models/all-summary`
///
/// # Errors
/// When the database fails.
pub async fn all_summary(desk: Data<Desk>, query: QueryInput) -> Result<HttpResponse, AppError> {
    no_query(query)?;
    let standings = standings(&desk).await?;
    let mut totals = BTreeMap::new();
    for venue in VenueKind::ALL {
        let books: Vec<Sums> = standings.iter().filter(|standing| standing.venue == *venue).map(Sums::of).collect();
        let count = books.len();
        if let Some(sum) = books.into_iter().reduce(Sums::plus) {
            let total = VenueTotal { models: count, figures: sum.figures(), returns: sum.returns() };
            totals.insert(venue.as_str(), total);
        }
    }
    let models = standings.iter().map(|standing| {
        let sums = Sums::of(standing);
        ModelSummary {
            model_id: standing.trader.id.0,
            model_name: standing.trader.name.clone(),
            book: standing.venue.as_str(),
            figures: sums.figures(),
            returns: sums.returns(),
        }
    });
    Ok(HttpResponse::Ok().json(AllSummary { models: models.collect(), totals }))
}

/// `GET /api/market/prices`: every coin that a model follows, from the market of the simulation.
///
/// # Errors
/// When the database fails.
pub async fn prices(desk: Data<Desk>, query: QueryInput) -> Result<HttpResponse, AppError> {
    no_query(query)?;
    let source = desk.markets.simulation.source().as_str();
    let prices: BTreeMap<String, PriceRow> = market_prices(&desk)
        .await?
        .into_iter()
        .map(|price| {
            let row = PriceRow {
                price: price.quote.price.to_string(),
                change_24h: price.change_24h_pct.map(percent),
                at: time(price.quote.at),
                source,
            };
            (price.coin.to_string(), row)
        })
        .collect();
    Ok(HttpResponse::Ok().json(prices))
}
