//! What pages and the API ask: figures put together from the store and the market. Nothing here changes anything.

mod cycle_answer;
mod glance;
mod portfolio;
mod rankings;
mod wait;

pub use cycle_answer::{CycleAnswer, CycleState, ExecutedCoin, SkippedCoin, cycle_answer};
pub use glance::{Glance, MarketGlance, glance};
pub use portfolio::{Holding, Portfolio, portfolio, risk_status_of};
pub use rankings::{MarketPrice, Standing, market_prices, standings};
pub use wait::wait_for_order;
