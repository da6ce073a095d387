//! The rules themselves. Each yields one result with its figure, its limit and its words.

use super::exposure::{Exposure, cash_needed, worst_price};
use super::{RiskChecked, RiskOutcome, RiskReport, RuleCode, RuleResult, Verdict};
use crate::domain::book::Book;
use crate::domain::instrument::{Instrument, Pricing};
use crate::domain::market::Quote;
use crate::domain::money::{Money, Price, Quantity};
use crate::domain::order::{Order, OrderIntent, OrderKind, Purpose};
use crate::domain::signal::PositionSide;
use crate::domain::time::{SECOND_MS, Timestamp};
use crate::domain::trader_settings::TraderSettings;
use crate::domain::venue_kind::VenueKind;
use rust_decimal::Decimal;

/// Everything the rules look at, read at one moment.
#[derive(Clone, Copy, Debug)]
pub struct RiskContext<'a> {
    /// The trader's limits.
    pub settings: &'a TraderSettings,
    /// The account.
    pub book: &'a Book,
    /// Equity at current marks; `None` when a held coin has no known price.
    pub equity: Option<Money>,
    /// Worst-case exposure, without the order being checked.
    pub exposure: &'a Exposure,
    /// Entry orders of the current UTC day.
    pub entries_today: u32,
    /// The market's filters; `None` when the venue does not know the coin.
    pub instrument: Option<&'a Instrument>,
    /// The current price; `None` when there is none.
    pub quote: Option<Quote>,
    /// Market time.
    pub now: Timestamp,
    /// What the exchange's account has free of the asset that pays: quote for an entry, the coin for an exit. `None`
    /// where the book is the account, or it was not asked.
    pub free: Option<Quantity>,
    /// Why the account takes no entries now.
    pub halted: Option<&'a str>,
    /// The model's last answers were unusable: it opens nothing until one is.
    pub safe_mode: bool,
    /// An order of this market whose outcome is unknown and which this one would pile upon.
    pub unresolved: Option<&'a Order>,
}

/// Checks an intent against every rule.
///
/// # Errors
/// The report with all reasons when any rule says no.
pub fn check(intent: OrderIntent, context: &RiskContext<'_>) -> RiskOutcome {
    let mut rules = vec![sanity(&intent, context), price_age(&intent, context), instrument(&intent, context)];
    if intent.purpose.is_entry() {
        rules.extend(entry_rules(&intent, context));
    } else {
        rules.extend(ENTRY_ONLY.iter().map(|rule| RuleResult {
            rule: *rule,
            verdict: Verdict::Skip,
            value: None,
            limit: None,
            unit: String::new(),
            message: "exits are never held back".to_owned(),
        }));
    }
    rules.extend(live_rules(&intent, context));
    let report = RiskReport { rules };
    if report.is_denied() { Err(report) } else { Ok(RiskChecked { inner: intent, report }) }
}

const ENTRY_ONLY: &[RuleCode] = &[
    RuleCode::PositionSize,
    RuleCode::DailyLoss,
    RuleCode::DailyTrades,
    RuleCode::OpenPositions,
    RuleCode::CashReserve,
    RuleCode::Drawdown,
];

fn result(rule: RuleCode, passed: bool, message: impl Into<String>) -> RuleResult {
    let verdict = if passed { Verdict::Pass } else { Verdict::Deny };
    RuleResult { rule, verdict, value: None, limit: None, unit: String::new(), message: message.into() }
}

fn measured(rule: RuleCode, passed: bool, value: Decimal, limit: Decimal, unit: &str, message: String) -> RuleResult {
    let (value, limit) = (Some(value.round_dp(4).normalize()), Some(limit.normalize()));
    RuleResult { value, limit, unit: unit.to_owned(), ..result(rule, passed, message) }
}

/// A share of equity that cannot be told.
fn unknown(rule: RuleCode, context: &RiskContext<'_>) -> RuleResult {
    let message = match context.equity {
        None => "equity is unknown because a held coin has no current price",
        Some(_) => "equity, or the equity it is compared with, is zero or less",
    };
    result(rule, false, message)
}

fn entry_rules(intent: &OrderIntent, context: &RiskContext<'_>) -> Vec<RuleResult> {
    let price = context.quote.map_or(intent.quote.price, |quote| quote.price);
    let worst = worst_price(intent.kind, intent.purpose, price, context.settings);
    let mut rules = vec![
        position_size(intent, worst, context),
        daily_loss(context),
        daily_trades(context),
        open_positions(intent, context),
        cash_reserve(intent, worst, context),
        drawdown(context),
    ];
    if intent.venue != VenueKind::Simulation {
        rules.push(short_not_supported(intent));
        rules.push(leverage_not_supported(intent));
    }
    rules.push(insufficient_balance(intent, worst, context));
    if intent.venue != VenueKind::Simulation {
        rules.push(account_halted(context));
    }
    if context.safe_mode {
        let why = "the model's last answers were unusable; it opens nothing until one can be used";
        rules.push(result(RuleCode::SafeMode, false, why));
    }
    rules
}

fn sanity(intent: &OrderIntent, context: &RiskContext<'_>) -> RuleResult {
    let fail = |message: String| result(RuleCode::Sanity, false, message);
    let coin = &intent.coin;
    if intent.quantity.is_zero() {
        return fail(match intent.purpose {
            Purpose::Entry(_) => "quantity must be greater than zero".to_owned(),
            Purpose::Exit(_) => format!("there is no {coin} position to close"),
        });
    }
    let (leverage, highest) = (Decimal::from(intent.leverage), Decimal::from(context.settings.max_leverage));
    if intent.purpose.is_entry() && (intent.leverage < 1 || leverage > highest) {
        let message = format!("leverage must be between 1 and {highest}");
        return measured(RuleCode::Sanity, false, leverage, highest, "x", message);
    }
    let exposure = context.exposure.coin(coin);
    match intent.purpose {
        Purpose::Entry(side) => {
            let against = exposure.held.is_some_and(|(held, _)| held != side)
                || exposure.entering_side.is_some_and(|entering| entering != side);
            if against {
                return fail(format!("{coin} is open or being opened on the other side; close that first"));
            }
            if let Some(message) = limits_on_wrong_side(intent, side, context) {
                return fail(message);
            }
        }
        Purpose::Exit(side) => {
            let free = exposure.held.filter(|(held, _)| *held == side).map_or(Quantity::ZERO, |(_, quantity)| quantity);
            if intent.quantity > free.minus(exposure.exiting) {
                return fail(format!(
                    "only {} {coin} can be closed: the rest is not held or already being closed",
                    free.minus(exposure.exiting)
                ));
            }
        }
    }
    measured(RuleCode::Sanity, true, leverage, highest, "x", format!("quantity and leverage {leverage} are in order"))
}

fn limits_on_wrong_side(intent: &OrderIntent, side: PositionSide, context: &RiskContext<'_>) -> Option<String> {
    let price = context.quote.map_or(intent.quote.price, |quote| quote.price);
    let wrong = |limit: Option<Price>, must_be_below: bool| {
        limit.is_some_and(|limit| if must_be_below { limit >= price } else { limit <= price })
    };
    let long = side == PositionSide::Long;
    let words = |below: bool| if below { "below" } else { "above" };
    if wrong(intent.stop_loss, long) {
        return Some(format!("stop_loss must be {} the price of a {side}", words(long)));
    }
    if wrong(intent.profit_target, !long) {
        return Some(format!("profit_target must be {} the price of a {side}", words(!long)));
    }
    None
}

fn price_age(intent: &OrderIntent, context: &RiskContext<'_>) -> RuleResult {
    let limit = context.settings.max_price_age_seconds;
    let Some(quote) = context.quote else {
        return result(RuleCode::PriceAge, false, format!("no price of {} is known", intent.coin));
    };
    let age = Decimal::from(context.now.since(quote.at)) / Decimal::from(SECOND_MS);
    let fresh = quote.is_fresh(context.now, limit);
    let message = if fresh {
        format!("the price is {} s old", age.round())
    } else {
        format!("the price is {} s old; at most {limit} s is accepted", age.round())
    };
    measured(RuleCode::PriceAge, fresh, age, Decimal::from(limit), "s", message)
}

fn instrument(intent: &OrderIntent, context: &RiskContext<'_>) -> RuleResult {
    let Some(instrument) = context.instrument else {
        return result(RuleCode::Instrument, false, format!("{} cannot be traded at this venue", intent.coin));
    };
    let price = context.quote.map_or(intent.quote.price, |quote| quote.price);
    let pricing = match intent.kind {
        OrderKind::LimitIoc(limit) => Pricing::Limit(limit),
        OrderKind::Market => Pricing::Market,
    };
    match instrument.check_order(intent.purpose.side(), pricing, intent.quantity, price) {
        Ok(()) => result(RuleCode::Instrument, true, "tick, step, minimum and notional are met"),
        Err(violation) if violation.is_too_little() && !intent.purpose.is_entry() => {
            result(RuleCode::Instrument, false, format!("dust: too little to sell here ({violation})"))
        }
        Err(violation) => result(RuleCode::Instrument, false, violation.to_string()),
    }
}

fn position_size(intent: &OrderIntent, worst: Price, context: &RiskContext<'_>) -> RuleResult {
    let exposure = context.exposure.coin(&intent.coin);
    let after = exposure.held_notional + exposure.entering + worst * intent.quantity;
    let limit = context.settings.max_position_size_pct;
    let share = context.equity.and_then(|equity| after.percent_of(equity));
    let Some(share) = share else { return unknown(RuleCode::PositionSize, context) };
    let passed = within(RuleCode::PositionSize, share, limit);
    let message = format!("{} would be {} % of equity; the limit is {limit} %", intent.coin, share.round_dp(2));
    measured(RuleCode::PositionSize, passed, share, limit, "%", message)
}

fn daily_loss(context: &RiskContext<'_>) -> RuleResult {
    let limit = context.settings.max_daily_loss_pct;
    let Some(loss) = daily_loss_pct(context.book, context.equity) else { return unknown(RuleCode::DailyLoss, context) };
    let message = format!("equity is down {} % since 00:00 UTC; entries stop at {limit} %", loss.round_dp(2));
    measured(RuleCode::DailyLoss, within(RuleCode::DailyLoss, loss, limit), loss, limit, "%", message)
}

/// Whether a figure keeps its limit: the one place that says what holds exactly at it.
pub(super) fn within(rule: RuleCode, value: Decimal, limit: Decimal) -> bool {
    match rule {
        RuleCode::DailyLoss | RuleCode::DailyTrades => value < limit,
        RuleCode::CashReserve => value >= limit,
        RuleCode::PositionSize
        | RuleCode::OpenPositions
        | RuleCode::Drawdown
        | RuleCode::Sanity
        | RuleCode::PriceAge
        | RuleCode::Instrument
        | RuleCode::ShortNotSupported
        | RuleCode::LeverageNotSupported
        | RuleCode::InsufficientBalance
        | RuleCode::AccountHalted
        | RuleCode::OutcomeUnknown
        | RuleCode::SafeMode => value <= limit,
    }
}

/// Loss since 00:00 UTC in per cent of that equity, unrealised included, never below zero; `None` when unknown.
pub(super) fn daily_loss_pct(book: &Book, equity: Option<Money>) -> Option<Decimal> {
    (book.day_start_equity - equity?).percent_of(book.day_start_equity).map(|loss| loss.max(Decimal::ZERO))
}

/// Distance below the high-water mark in per cent of it, never below zero; `None` when unknown.
pub(super) fn drawdown_pct(book: &Book, equity: Option<Money>) -> Option<Decimal> {
    (book.high_water_mark - equity?).percent_of(book.high_water_mark).map(|drawdown| drawdown.max(Decimal::ZERO))
}

fn daily_trades(context: &RiskContext<'_>) -> RuleResult {
    let limit = context.settings.max_daily_trades;
    let count = context.entries_today + context.exposure.uncounted_entries;
    let message = format!("{count} entries today, waiting ones included; at most {limit}");
    let (count, limit) = (Decimal::from(count), Decimal::from(limit));
    measured(RuleCode::DailyTrades, within(RuleCode::DailyTrades, count, limit), count, limit, "", message)
}

fn open_positions(intent: &OrderIntent, context: &RiskContext<'_>) -> RuleResult {
    let limit = context.settings.max_open_positions;
    let after = u32::try_from(context.exposure.others(&intent.coin)).unwrap_or(u32::MAX).saturating_add(1);
    let message = format!("{after} coins would be held or entered; at most {limit}");
    let (after, limit) = (Decimal::from(after), Decimal::from(limit));
    measured(RuleCode::OpenPositions, within(RuleCode::OpenPositions, after, limit), after, limit, "", message)
}

fn cash_after(intent: &OrderIntent, worst: Price, context: &RiskContext<'_>) -> Money {
    let (margin, fee) = cash_needed(worst, intent.quantity, intent.leverage, context.settings);
    context.book.cash - context.exposure.reserved_cash - margin - fee
}

fn cash_reserve(intent: &OrderIntent, worst: Price, context: &RiskContext<'_>) -> RuleResult {
    let limit = context.settings.min_cash_reserve_pct;
    let share = context.equity.and_then(|equity| cash_after(intent, worst, context).percent_of(equity));
    let Some(share) = share else { return unknown(RuleCode::CashReserve, context) };
    let message = format!("cash would be {} % of equity; at least {limit} %", share.round_dp(2));
    measured(RuleCode::CashReserve, within(RuleCode::CashReserve, share, limit), share, limit, "%", message)
}

fn drawdown(context: &RiskContext<'_>) -> RuleResult {
    let limit = context.settings.max_drawdown_pct;
    let Some(drawdown) = drawdown_pct(context.book, context.equity) else {
        return unknown(RuleCode::Drawdown, context);
    };
    let message = format!("equity is {} % below its high-water mark; the limit is {limit} %", drawdown.round_dp(2));
    measured(RuleCode::Drawdown, within(RuleCode::Drawdown, drawdown, limit), drawdown, limit, "%", message)
}

/// What holds for every order to an exchange.
fn live_rules(intent: &OrderIntent, context: &RiskContext<'_>) -> Vec<RuleResult> {
    if intent.venue == VenueKind::Simulation {
        return Vec::new();
    }
    let free = context.free.filter(|_| !intent.purpose.is_entry()).map(|free| free_balance(intent, free));
    free.into_iter().chain([outcome_unknown(context)]).collect()
}

fn outcome_unknown(context: &RiskContext<'_>) -> RuleResult {
    match context.unresolved {
        Some(order) => {
            let message = format!("the outcome of order {} is unknown; nothing is sent on top of it", order.id);
            result(RuleCode::OutcomeUnknown, false, message)
        }
        None => result(RuleCode::OutcomeUnknown, true, "no order of this market is in doubt"),
    }
}

fn account_halted(context: &RiskContext<'_>) -> RuleResult {
    match context.halted {
        Some(why) => result(RuleCode::AccountHalted, false, why),
        None => result(RuleCode::AccountHalted, true, "the account takes entries"),
    }
}

fn free_balance(intent: &OrderIntent, free: Quantity) -> RuleResult {
    let passed = intent.quantity <= free;
    let message = format!("{free} {} are free at the exchange", intent.coin);
    measured(RuleCode::InsufficientBalance, passed, intent.quantity.decimal(), free.decimal(), "", message)
}

fn short_not_supported(intent: &OrderIntent) -> RuleResult {
    let short = intent.purpose == Purpose::Entry(PositionSide::Short);
    let message = if short { "spot cannot be sold short, and holdings are never sold instead" } else { "not a short" };
    result(RuleCode::ShortNotSupported, !short, message)
}

fn leverage_not_supported(intent: &OrderIntent) -> RuleResult {
    let message = format!("spot has no leverage; {} was asked for", intent.leverage);
    measured(
        RuleCode::LeverageNotSupported,
        intent.leverage == 1,
        Decimal::from(intent.leverage),
        Decimal::ONE,
        "x",
        message,
    )
}

fn insufficient_balance(intent: &OrderIntent, worst: Price, context: &RiskContext<'_>) -> RuleResult {
    let after = cash_after(intent, worst, context);
    if after.is_negative() {
        return result(RuleCode::InsufficientBalance, false, "cash does not cover margin and fees");
    }
    let needed = worst * intent.quantity;
    if let Some(free) = context.free.filter(|free| needed.decimal() > free.decimal()) {
        let message = format!("the exchange's account has {free} free, and {} are needed", needed.round());
        return measured(RuleCode::InsufficientBalance, false, needed.decimal(), free.decimal(), "", message);
    }
    result(RuleCode::InsufficientBalance, true, "cash covers margin and fees")
}
