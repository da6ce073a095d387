//! What pages and the API ask: figures put together from the store and the market. Nothing here changes anything.

mod ai_costs;
mod cycle_answer;
mod glance;
mod portfolio;
mod rankings;
mod wait;

pub use ai_costs::{AiCosts, COST_DAYS, ai_costs};
pub use cycle_answer::{CycleAnswer, CycleState, ExecutedCoin, SkippedCoin, cycle_answer};
pub use glance::{Glance, MarketGlance, glance};
pub use portfolio::{Holding, Portfolio, portfolio, risk_status_of};
pub use rankings::{MarketPrice, Standing, market_prices, standings};
pub use wait::wait_for_order;
