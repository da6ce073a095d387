//! Rows of a model's page.

use crate::domain::cycle::{Cycle, CycleOutcome};
use crate::domain::decision::{Decision, DecisionStatus};
use crate::domain::instrument::QUOTE_ASSET;
use crate::domain::risk::{RuleCode, RuleStatus, StatusLevel};
use crate::domain::signal::PositionSide;
use crate::domain::trader::Trader;
use crate::domain::trader_settings::ExplanationLevel;
use crate::domain::venue_kind::VenueKind;
use crate::ports::store::{Page, TradeRow as Trade};
use crate::services::desk::Desk;
use crate::services::read::Holding;
use crate::web::error::AppError;
use crate::web::pages::decisions::{row, rule_row};
use crate::web::pages::inbox::order_of;
use crate::web::pages::lens::Lens;
use crate::web::show;
use crate::web::view::{ConversationRow, KeyValue, PositionRow, RuleRow, Side, ToldDecision, TradeRow, Verdict};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// Conversations that are shown.
const CONVERSATIONS: u32 = 10;

/// For example `long`, with leverage `long × 3`.
pub fn side_words(side: PositionSide, leverage: u32) -> String {
    if leverage > 1 { format!("{side} × {leverage}") } else { side.to_string() }
}

/// An open position; `blocked` says why it cannot be closed right now.
pub fn position_row(holding: &Holding, venue: VenueKind, lens: &Lens<'_>, blocked: String) -> PositionRow {
    let position = &holding.position;
    let price = |price: Option<crate::domain::money::Price>| {
        price.map_or_else(|| show::DASH.to_owned(), |price| lens.price(venue, &position.coin, price))
    };
    PositionRow {
        coin: position.coin.to_string(),
        side: side_words(position.side, position.leverage),
        quantity: format!("{} {}", lens.quantity(venue, &position.coin, position.quantity), position.coin),
        entry: price(position.average_price()),
        now: price(holding.price),
        pnl: holding.unrealized.map_or_else(show::unknown, |pnl| show::signed(pnl.decimal(), 2)),
        stop: price(position.stop_loss),
        target: price(position.profit_target),
        liquidation: price(holding.liquidation),
        blocked,
    }
}

/// How much of a limit is used, as a meter.
pub fn risk_row(status: &RuleStatus) -> RuleRow {
    let verdict = match status.level {
        StatusLevel::Ok | StatusLevel::Warning => Verdict::Ok,
        StatusLevel::Breached => Verdict::Denied,
        StatusLevel::Unknown => Verdict::Skipped,
    };
    // A reserve is kept from below.
    let relation = match (status.rule == RuleCode::CashReserve, status.current) {
        (true, Some(current)) if current < status.limit => "<",
        (true, _) => "≥",
        (false, _) => "/",
    };
    let current = status.current.map_or_else(|| show::DASH.to_owned(), |value| show::exact(value.round_dp(1)));
    let text = match status.level {
        StatusLevel::Ok => "Within its limit.",
        StatusLevel::Warning => "Close to its limit.",
        StatusLevel::Breached => "The limit is met: entries are refused, exits still work.",
        StatusLevel::Unknown => "Unknown while a price is missing: entries are refused.",
    };
    let used = status.used_pct.map(|used| used.max(Decimal::ZERO).min(Decimal::ONE_HUNDRED).round());
    RuleRow {
        verdict,
        name: status.rule.label().to_owned(),
        reading: format!("{current} {relation} {} {}", show::exact(status.limit), status.unit).trim_end().to_owned(),
        used: used.and_then(|used| used.to_u8()),
        text: text.to_owned(),
    }
}

/// A decision with its reasons, unfolded as far as the model's explanation level says.
///
/// # Errors
/// When the store fails.
pub async fn told(
    desk: &Desk,
    decision: &Decision,
    trader: &Trader,
    lens: &Lens<'_>,
) -> Result<ToldDecision, AppError> {
    let order = order_of(desk, decision).await?;
    let level = trader.settings.explanation_level;
    let denied = decision.risk.denials().count();
    let rules = decision.risk.rules.len();
    let rules_title = match (rules, denied) {
        (0, _) => String::new(),
        (all, 0) => format!("{all} rules checked, none against it"),
        (all, against) => format!("{all} rules checked, {against} against it"),
    };
    let facts = decision.explanation.iter();
    Ok(ToldDecision {
        row: row(decision, order.as_ref(), lens),
        why: decision.justification.clone(),
        facts: facts.map(|(key, value)| KeyValue::new(key.replace('_', " "), value.clone())).collect(),
        open_facts: level == ExplanationLevel::Advanced,
        rules: decision.risk.rules.iter().map(rule_row).collect(),
        rules_title,
        open_rules: level == ExplanationLevel::Advanced || (level == ExplanationLevel::Intermediate && denied > 0),
    })
}

/// An executed order.
pub fn trade_row(trade: &Trade, lens: &Lens<'_>) -> TradeRow {
    let side = match (trade.is_entry, trade.position_side) {
        (true, PositionSide::Long) => Side::Buy,
        (true, PositionSide::Short) => Side::Sell,
        (false, _) => Side::Close,
    };
    TradeRow {
        at: lens.market_when(trade.venue, trade.at),
        side,
        coin: trade.coin.to_string(),
        quantity: format!("{} {}", lens.quantity(trade.venue, &trade.coin, trade.quantity), trade.coin),
        price: lens.price(trade.venue, &trade.coin, trade.price),
        fee: format!("{} {QUOTE_ASSET}", show::number(trade.fees.decimal(), 4)),
        pnl: trade.realized.map_or_else(show::unknown, |pnl| show::signed(pnl.decimal(), 2)),
        order_id: Some(trade.order_id.0),
    }
}

/// The latest conversations in a book.
///
/// # Errors
/// When the store fails.
pub async fn conversations(
    desk: &Desk,
    trader: &Trader,
    venue: VenueKind,
    lens: &Lens<'_>,
) -> Result<Vec<ConversationRow>, AppError> {
    let mut rows = Vec::new();
    for cycle in desk.store.cycles(trader.id, Page::first(CONVERSATIONS)).await? {
        if cycle.venue == venue {
            rows.push(conversation(desk, cycle, lens).await?);
        }
    }
    Ok(rows)
}

async fn conversation(desk: &Desk, cycle: Cycle, lens: &Lens<'_>) -> Result<ConversationRow, AppError> {
    let outcome = if cycle.outcome == CycleOutcome::Failed {
        format!("failed: {}", cycle.error.as_deref().unwrap_or("no reason was recorded"))
    } else {
        let decisions = desk.store.decisions_of_cycle(cycle.id).await?;
        let count = |status: DecisionStatus| decisions.iter().filter(|decision| decision.status() == status).count();
        let mut words = vec![show::plural(u64::try_from(decisions.len()).unwrap_or(u64::MAX), "decision", "decisions")];
        let kinds = [
            (DecisionStatus::NoAction, "held"),
            (DecisionStatus::Denied, "denied"),
            (DecisionStatus::ModelError, "unusable"),
        ];
        for (status, word) in kinds {
            let number = count(status);
            if number > 0 {
                words.push(format!("{number} {word}"));
            }
        }
        words.join(", ")
    };
    let said = |text: String, none: &str| if text.is_empty() { none.to_owned() } else { text };
    Ok(ConversationRow {
        at: lens.when(cycle.finished_at),
        cycle_id: cycle.id.0,
        outcome,
        asked: said(cycle.asked, "Nothing: the decisions were sent in."),
        answered: said(cycle.answered, "No answer."),
    })
}
