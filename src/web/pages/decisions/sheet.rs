//! The term sheet of one decision: everything needed to answer "may I?", and afterwards what became of it.

use super::row::{badge, drift, noun, side_of, title};
use crate::domain::access::Permission;
use crate::domain::decision::{Decision, DecisionState, DecisionStatus};
use crate::domain::fill::Fill;
use crate::domain::instrument::QUOTE_ASSET;
use crate::domain::market::{CandleInterval, Quote};
use crate::domain::order::Order;
use crate::domain::risk::{RuleCode, RuleResult, Verdict as RuleVerdict};
use crate::domain::signal::Signal;
use crate::domain::time::{DAY_MS, Timestamp};
use crate::domain::trader::TradingState;
use crate::domain::trader_settings::{ExplanationLevel, OrderStyle};
use crate::domain::venue_kind::{AutomationLevel, VenueKind};
use crate::ports::store::DecisionEventRecord;
use crate::services::desk::Desk;
use crate::services::live;
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::pages::lens::{Lens, amount};
use crate::web::pages::orders::{fill_row, order_badge, order_sentence};
use crate::web::pages::shell::env_of;
use crate::web::show;
use crate::web::view::{
    EventRow, Figure, KeyValue, Notice, Outcome, PriceLine, RuleRow, Side, TermSheet, Terms, Tone, Verdict,
};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// Five-minute candles of a day.
const DAY_CANDLES: usize = 288;
/// Every so many of them is drawn: a point each quarter of an hour.
const CANDLES_A_POINT: usize = 3;

/// How a sheet is shown.
#[derive(Clone, Debug, Default)]
pub struct SheetOptions {
    /// Whether the address names the decision.
    pub explicit: bool,
    /// Where the list is.
    pub back_url: String,
    /// Why the last attempt did not do what was asked.
    pub notice: Option<Notice>,
}

/// Everything about one decision, read at one moment.
pub struct Dossier {
    /// The decision.
    pub decision: Decision,
    /// Its order, if there is one.
    pub order: Option<Order>,
    fills: Vec<Fill>,
    events: Vec<(String, DecisionEventRecord)>,
}

impl Dossier {
    /// Reads what belongs to a decision.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn read(desk: &Desk, decision: Decision) -> Result<Self, AppError> {
        let (order, fills) = match &decision.state {
            DecisionState::Ordered { order, .. } => (desk.store.order(*order).await?, desk.store.fills(*order).await?),
            _ => (None, Vec::new()),
        };
        let events = desk.store.decision_events(decision.id).await?;
        Ok(Self { decision, order, fills, events })
    }
}

/// Draws the sheet.
///
/// # Errors
/// When the store fails.
pub async fn sheet(
    desk: &Desk,
    ctx: &Ctx,
    dossier: &Dossier,
    lens: &Lens<'_>,
    options: SheetOptions,
) -> Result<TermSheet, AppError> {
    let decision = &dossier.decision;
    let status = decision.status();
    let waits = status == DecisionStatus::Pending;
    let may = ctx.actor.may(Permission::Operate);
    let digest = decision.digest().map(|digest| digest.as_str().to_owned()).unwrap_or_default();
    let trader = lens.trader(decision.trader_id);
    let level = trader.map_or(ExplanationLevel::Advanced, |trader| trader.settings.explanation_level);
    let explanation = decision.explanation.iter();
    Ok(TermSheet {
        csrf: ctx.csrf.clone(),
        id: decision.id.0,
        version: decision.version,
        digest_short: if digest.is_empty() { String::new() } else { show::digest(&digest) },
        digest,
        explicit: options.explicit,
        back_url: if options.back_url.is_empty() { "/inbox".to_owned() } else { options.back_url },
        env: env_of(decision.venue),
        side: side_of(decision.signal),
        title: title(decision, lens),
        model_id: decision.trader_id.0,
        model: lens.name(decision.trader_id),
        automation: trader.map_or("", |trader| automation_word(trader.axes.automation_level)).to_owned(),
        cycle_id: Some(decision.cycle_id.0),
        state: badge(decision, dossier.order.as_ref()),
        asked: lens.when(decision.created_at),
        expires: decision.state.expires_at().map(|at| show::countdown(at.0, lens.now.0)),
        notice: options.notice,
        terms: figures(decision, lens),
        line: price_line(desk, decision, lens).await,
        rules_title: rules_title(dossier, lens),
        rules: decision.risk.rules.iter().map(rule_row).collect(),
        why: decision.justification.clone(),
        explanation: explanation.map(|(key, value)| KeyValue::new(key.replace('_', " "), value.clone())).collect(),
        fold_explanation: level != ExplanationLevel::Advanced,
        fold_rules: level == ExplanationLevel::Beginner && !decision.risk.is_denied(),
        on_approve: if status.is_waiting() { on_approve(decision, lens) } else { String::new() },
        outcome: outcome(dossier, lens),
        events: dossier.events.iter().map(|(name, event)| event_row(name, event, lens)).collect(),
        can_decide: waits && may,
        can_request: status == DecisionStatus::Displayed && may,
        action_noun: noun(decision, lens),
        confirm_first: decision.venue == VenueKind::Mainnet,
        blocked: if status.is_waiting() && may { blocked(desk, decision, lens).await } else { String::new() },
        follow_order: dossier.order.as_ref().is_some_and(|order| order.status().is_open()),
    })
}

const fn automation_word(level: AutomationLevel) -> &'static str {
    match level {
        AutomationLevel::Manual => "manual",
        AutomationLevel::SemiAutomated => "semi-automated",
        AutomationLevel::FullyAutomated => "fully automated",
    }
}

fn figures(decision: &Decision, lens: &Lens<'_>) -> Vec<Figure> {
    if !decision.signal.is_some_and(Signal::is_actionable) {
        return Vec::new();
    }
    let Some(quote) = decision.quote else { return Vec::new() };
    let (venue, coin) = (decision.venue, &decision.coin);
    let price = |price| lens.price(venue, coin, price);
    let impact = &decision.impact;
    let settings = lens.trader(decision.trader_id).map(|trader| &trader.settings);
    let limit = |value: Option<Decimal>| value.map_or_else(String::new, show::exact);
    let places = |value: Decimal| show::number(value, 1);
    let is_entry = decision.signal.is_some_and(Signal::is_entry);
    let quantity = decision.quantity.map_or_else(|| show::DASH.to_owned(), |q| lens.quantity(venue, coin, q));
    let leverage = if decision.leverage > 1 { format!(" × {}", decision.leverage) } else { String::new() };
    let (worst_price, worst_note) = match decision.worst_price.filter(|_| decision.order_style == OrderStyle::Protected)
    {
        Some(worst) => {
            let bps = quote.price.drift_bps(worst);
            let plus = if bps.is_sign_negative() { "" } else { "+" };
            (price(worst), format!("hard cap, {plus}{} bps", show::number(bps, 0)))
        }
        None => ("market".to_owned(), "no cap on the price".to_owned()),
    };
    let now = lens.quote(venue, decision.trader_id, coin);
    let (pay_label, pay) = payment(decision);
    let marks = [("stop", decision.stop_loss), ("target", decision.profit_target)];
    let marks: Vec<String> =
        marks.iter().filter_map(|(word, at)| at.map(|at| format!("{word} {}", price(at)))).collect();
    let mut figures = Terms {
        coin: coin.to_string(),
        quantity: format!("{quantity} {coin}{leverage}"),
        notional: amount(impact.notional),
        worst_price,
        worst_note,
        price_asked: price(quote.price),
        price_now: now.map_or_else(|| show::DASH.to_owned(), |now| price(now.price)),
        drift: drift(decision, lens, "since asked").unwrap_or_else(|| moved(quote, now)),
        pay_label: pay_label.to_owned(),
        pay,
        fee: format!("fee about {}", show::number(impact.fee.decimal(), 2)),
        loss_at_stop: impact.loss_at_stop.map(|loss| show::signed_money(-loss.decimal(), 2, QUOTE_ASSET)),
        stop_note: marks.join(", "),
        exposure: format!("{} → {} %", places(impact.exposure_before_pct), places(impact.exposure_after_pct)),
        exposure_note: format!("limit {} %", limit(settings.map(|s| s.max_position_size_pct))),
        cash: format!("{} → {} %", places(impact.cash_before_pct), places(impact.cash_after_pct)),
        cash_note: format!("reserve {} %", limit(settings.map(|s| s.min_cash_reserve_pct))),
        budget: amount(impact.daily_budget_left),
        budget_note: format!("of a {} % daily loss", limit(settings.map(|s| s.max_daily_loss_pct))),
        confidence: decision.confidence.map_or_else(|| show::DASH.to_owned(), |c| show::number(c, 2)),
        confidence_note: decision.confidence.map_or("not given", |_| "of 1").to_owned(),
    }
    .figures();
    if !is_entry {
        // Limits never hold back an exit, so their figures would only distract.
        figures.retain(|figure| !matches!(figure.label.as_str(), "Loss at stop" | "Today's budget left"));
    }
    figures
}

fn moved(asked: Quote, now: Option<Quote>) -> crate::web::view::Signed {
    now.map_or_else(show::unknown, |now| show::signed_bps(asked.price.drift_bps(now.price), "since asked"))
}

fn payment(decision: &Decision) -> (&'static str, String) {
    let notional = decision.impact.notional;
    match decision.signal {
        Some(Signal::BuyToEnter) if decision.leverage == 1 => ("You pay", amount(notional)),
        Some(Signal::BuyToEnter | Signal::SellToEnter) => ("Margin", amount(notional.divide_up(decision.leverage))),
        Some(Signal::ClosePosition) if decision.leverage == 1 => ("Worth", amount(notional)),
        _ => ("Notional closed", amount(notional)),
    }
}

/// The price of the last day, a point each quarter of an hour and the price of now.
async fn price_line(desk: &Desk, decision: &Decision, lens: &Lens<'_>) -> Option<PriceLine> {
    if !decision.signal.is_some_and(Signal::is_actionable) {
        return None;
    }
    let (venue, coin) = (decision.venue, &decision.coin);
    let market = desk.markets.of(venue)?;
    let symbol = lens.instrument(venue, coin)?.symbol.clone();
    let candles = market.candles(&symbol, CandleInterval::FiveMinutes, DAY_CANDLES).await.ok()?;
    let mut points: Vec<(Timestamp, Decimal)> = candles
        .iter()
        .rev()
        .step_by(CANDLES_A_POINT)
        .map(|candle| (candle.open_time.plus_ms(CandleInterval::FiveMinutes.ms()), candle.close.decimal()))
        .collect();
    points.reverse();
    let now = lens.quote(venue, decision.trader_id, coin);
    if let Some(now) = now {
        points.push((lens.market_now(venue), now.price.decimal()));
    }
    let closes: Vec<Decimal> = points.iter().map(|point| point.1).collect();
    let (first, last) = (closes.first().copied()?, closes.last().copied()?);
    let asked = decision.quote.filter(|asked| lens.market_now(venue).since(asked.at) <= DAY_MS).and_then(|asked| {
        let at = points.iter().rposition(|point| point.0 <= asked.at)?;
        Some((at, asked.price.decimal()))
    });
    let mark = |word: &str, at: Option<crate::domain::money::Price>| {
        at.map(|at| (at.decimal(), format!("{word} {}", lens.price(venue, coin, at))))
    };
    let places = |value: Decimal| show::number(value, show::price_places(value));
    let label = format!("{coin} over 24 hours, from {} to {}", places(first), places(last));
    let (stop, target) = (mark("stop", decision.stop_loss), mark("target", decision.profit_target));
    let line = PriceLine::draw(&closes, asked, stop, target, label, market.source().is_simulated())?;
    Some(PriceLine { at: now.map(|now| lens.market_when(venue, now.at)), ..line })
}

fn rules_title(dossier: &Dossier, lens: &Lens<'_>) -> String {
    let checks = ["asked", "displayed", "edited", "requoted", "denied", "denied_at_approval", "approved", "ordered"];
    let last = dossier.events.iter().rev().find(|(name, _)| checks.contains(&name.as_str()));
    match last {
        Some((name, _)) if name == "approved" || name == "denied_at_approval" => "Rules checked at approval".to_owned(),
        Some((_, event)) => format!("Rules checked {}", show::ago(event.at.0, lens.now.0)),
        None => "Rules checked".to_owned(),
    }
}

/// A rule with its reading and how much of its limit is used.
pub fn rule_row(rule: &RuleResult) -> RuleRow {
    let verdict = match rule.verdict {
        RuleVerdict::Pass => Verdict::Ok,
        RuleVerdict::Deny => Verdict::Denied,
        RuleVerdict::Skip => Verdict::Skipped,
    };
    // A reserve is kept from below: the more of it there is, the less of the limit is used.
    let from_below = rule.rule == RuleCode::CashReserve;
    let (reading, used) = match (rule.value, rule.limit) {
        (Some(value), Some(limit)) => {
            let relation = if from_below { if value >= limit { "≥" } else { "<" } } else { "/" };
            let value_text = show::exact(value.round_dp(1));
            let unit = if rule.unit == "x" { "×" } else { rule.unit.as_str() };
            let text = format!("{value_text} {relation} {} {unit}", show::exact(limit));
            let (part, whole) = if from_below { (limit, value) } else { (value, limit) };
            let share = if whole > Decimal::ZERO { part / whole * Decimal::ONE_HUNDRED } else { Decimal::ONE_HUNDRED };
            (text.trim_end().to_owned(), share.max(Decimal::ZERO).min(Decimal::ONE_HUNDRED).round().to_u8())
        }
        _ => (if verdict == Verdict::Ok { "met" } else { show::DASH }.to_owned(), None),
    };
    let name = rule.rule.label().to_owned();
    RuleRow { verdict, name, reading, used, text: sentence(&rule.message) }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

fn on_approve(decision: &Decision, lens: &Lens<'_>) -> String {
    let (venue, coin) = (decision.venue, &decision.coin);
    let price = |price| lens.price(venue, coin, price);
    let quantity = decision.quantity.map_or_else(String::new, |q| format!("{} {coin}", lens.quantity(venue, coin, q)));
    if side_of(decision.signal) == Side::Close {
        return format!("One market order closes {quantity}. Limits never hold back an exit.");
    }
    let cap = |worst| {
        let word = if decision.signal == Some(Signal::SellToEnter) { "never below" } else { "never above" };
        format!("One limit order (immediate or cancel) over {quantity}, {word} {}.", price(worst))
    };
    let order = decision
        .worst_price
        .filter(|_| decision.order_style == OrderStyle::Protected)
        .map_or_else(|| format!("One market order over {quantity}, at the price of that moment."), cap);
    let marks = match (decision.stop_loss, decision.profit_target) {
        (Some(stop), Some(target)) => {
            format!(" A stop at {} and a target at {} are watched from the first fill.", price(stop), price(target))
        }
        (Some(stop), None) => format!(" A stop at {} is watched from the first fill.", price(stop)),
        (None, Some(target)) => format!(" A target at {} is watched from the first fill.", price(target)),
        (None, None) => " It has no stop.".to_owned(),
    };
    format!("{order}{marks}")
}

fn outcome(dossier: &Dossier, lens: &Lens<'_>) -> Option<Outcome> {
    let decision = &dossier.decision;
    let (text, tone) = match &decision.state {
        DecisionState::Ordered { .. } => {
            let order = dossier.order.as_ref()?;
            let fills = dossier.fills.iter().map(|fill| fill_row(fill, lens)).collect();
            let (text, tone) = (order_sentence(order, lens), order_badge(order).tone);
            return Some(Outcome { text, tone, order_id: Some(order.id.0), fills });
        }
        DecisionState::ModelError { why } => (format!("The answer could not be used: {why}."), Tone::Wait),
        DecisionState::NoAction => ("The model holds; there is nothing to decide.".to_owned(), Tone::Plain),
        DecisionState::Denied { approval: Some(approval) } => {
            (format!("Denied by risk when {} approved it. Nothing was sent.", approval.by), Tone::Bad)
        }
        DecisionState::Denied { approval: None } => ("Denied by risk. Nothing was sent.".to_owned(), Tone::Bad),
        DecisionState::Rejected { by, reason } if reason.is_empty() => (format!("Rejected by {by}."), Tone::Plain),
        DecisionState::Rejected { by, reason } => (format!("Rejected by {by}: {reason}"), Tone::Plain),
        DecisionState::Expired => ("Nobody answered in time. Nothing was sent.".to_owned(), Tone::Plain),
        DecisionState::Superseded { by } => {
            (format!("Decision {by} for the same coin took its place. Nothing was sent."), Tone::Plain)
        }
        DecisionState::Cancelled { by, reason } => (format!("Cancelled by {by}: {reason}."), Tone::Plain),
        DecisionState::Proposed | DecisionState::Displayed { .. } | DecisionState::PendingApproval { .. } => {
            return None;
        }
    };
    Some(Outcome { text, tone, order_id: None, fills: Vec::new() })
}

fn event_row(name: &str, event: &DecisionEventRecord, lens: &Lens<'_>) -> EventRow {
    let what = match name {
        "answer_unusable" => "could not use the answer",
        "hold" => "saw that the model holds",
        "denied" => "denied it by risk",
        "displayed" => "checked the rules and showed it",
        "asked" => "checked the rules and asked for approval",
        "ordered" => "ordered it without asking",
        "approved" => "approved it",
        "denied_at_approval" => "approved it, and risk denied it",
        "requoted" => "was asked again: the price had moved",
        "edited" => "edited the terms",
        "rejected" => "rejected it",
        "expired" => "let it expire",
        "superseded" => "put a newer decision in its place",
        "cancelled" => "cancelled it",
        other => other,
    };
    EventRow {
        at: lens.when(event.at),
        who: event.actor.clone(),
        what: what.to_owned(),
        note: note(name, &event.detail),
    }
}

/// The long digest in an approval's detail is on the sheet already.
fn note(name: &str, detail: &str) -> String {
    let shown = if name == "approved" { detail.split(", terms ").next().unwrap_or(detail) } else { detail };
    shown.to_owned()
}

/// Why approving is not possible right now; empty when it is.
async fn blocked(desk: &Desk, decision: &Decision, lens: &Lens<'_>) -> String {
    if decision.state.expires_at().is_some_and(|at| lens.now >= at) {
        return "Its time is over.".to_owned();
    }
    if desk.stop.in_force().await.is_some() {
        return "Everything is stopped: no order leaves this desk.".to_owned();
    }
    if let Some(trader) = lens.trader(decision.trader_id)
        && let Err(refusal) = live::is_ready(desk, trader, decision.venue).await
    {
        return show::sentence(&refusal.to_string());
    }
    let paused = lens.trader(decision.trader_id).is_some_and(|trader| trader.state != TradingState::Active);
    if paused && decision.signal.is_some_and(Signal::is_entry) {
        return format!("{} is paused: entries wait until you resume it.", lens.name(decision.trader_id));
    }
    match lens.quote(decision.venue, decision.trader_id, &decision.coin) {
        None => format!("No price of {} is known.", decision.coin),
        Some(quote) if !lens.is_fresh(decision.venue, decision.trader_id, quote) => {
            format!("The last price of {} is too old to decide on.", decision.coin)
        }
        Some(_) => String::new(),
    }
}
