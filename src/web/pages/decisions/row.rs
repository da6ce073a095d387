//! Words and rows of decisions: titles, badges, remarks.

use crate::domain::decision::{Decision, DecisionState, DecisionStatus};
use crate::domain::order::Order;
use crate::domain::signal::Signal;
use crate::ports::store::DecisionLine;
use crate::web::pages::lens::Lens;
use crate::web::pages::orders::order_badge;
use crate::web::pages::shell::env_of;
use crate::web::show;
use crate::web::view::{Badge, DecisionRow, Side, Sign, Signed, Tone, When};
use rust_decimal::Decimal;

/// Characters of a remark in a row.
const REMARK_MAX: usize = 60;

/// Sign and word of a signal; an unusable answer does nothing.
pub const fn side_of(signal: Option<Signal>) -> Side {
    match signal {
        Some(Signal::BuyToEnter) => Side::Buy,
        Some(Signal::SellToEnter) => Side::Sell,
        Some(Signal::ClosePosition) => Side::Close,
        Some(Signal::Hold) | None => Side::Hold,
    }
}

/// For example `Buy 0.0100 BTC`.
pub fn title(decision: &Decision, lens: &Lens<'_>) -> String {
    line_title(&DecisionLine::of(decision), lens)
}

fn line_title(line: &DecisionLine, lens: &Lens<'_>) -> String {
    let verb = match line.signal {
        Some(Signal::BuyToEnter) => "Buy",
        Some(Signal::SellToEnter) => "Sell short",
        Some(Signal::ClosePosition) => "Close",
        Some(Signal::Hold) => return format!("Hold {}", line.coin),
        None => return format!("{}: unusable answer", line.coin),
    };
    match line.quantity {
        Some(quantity) if !quantity.is_zero() => {
            let quantity = lens.quantity(line.venue, &line.coin, quantity);
            format!("{verb} {quantity} {}", line.coin)
        }
        _ => format!("{verb} {}", line.coin),
    }
}

/// The title in running text: `buy 0.0100 BTC`.
pub fn noun(decision: &Decision, lens: &Lens<'_>) -> String {
    let title = title(decision, lens);
    let mut letters = title.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().collect::<String>() + letters.as_str())
}

/// Where a decision stands, in a word; with its order, where that stands.
pub fn badge(decision: &Decision, order: Option<&Order>) -> Badge {
    badge_of(decision.status(), order)
}

fn badge_of(status: DecisionStatus, order: Option<&Order>) -> Badge {
    let (text, tone) = match status {
        DecisionStatus::ModelError => ("unusable answer", Tone::Wait),
        DecisionStatus::NoAction => ("holds", Tone::Plain),
        DecisionStatus::Denied => ("denied", Tone::Bad),
        DecisionStatus::Displayed => ("shown only", Tone::Plain),
        DecisionStatus::Pending => ("waits for you", Tone::Wait),
        DecisionStatus::Ordered => return order.map_or_else(|| plain("ordered"), order_badge),
        DecisionStatus::Rejected => ("rejected", Tone::Plain),
        DecisionStatus::Expired => ("expired", Tone::Plain),
        DecisionStatus::Superseded => ("superseded", Tone::Plain),
        DecisionStatus::Cancelled => ("cancelled", Tone::Plain),
    };
    Badge { text: text.to_owned(), tone }
}

fn plain(text: &str) -> Badge {
    Badge { text: text.to_owned(), tone: Tone::Plain }
}

/// The move of the price since the decision was shown, while that still matters.
pub fn drift(decision: &Decision, lens: &Lens<'_>, remark: &str) -> Option<Signed> {
    line_drift(&DecisionLine::of(decision), lens).map(|bps| show::signed_bps(bps, remark))
}

fn line_drift(line: &DecisionLine, lens: &Lens<'_>) -> Option<Decimal> {
    let asked = line.asked_price.filter(|_| line.status().is_waiting())?;
    let now = lens.quote(line.venue, line.trader_id, &line.coin)?;
    Some(asked.drift_bps(now.price))
}

/// A row of the list. `order` is the one of an ordered decision, if it was read.
pub fn row(decision: &Decision, order: Option<&Order>, lens: &Lens<'_>) -> DecisionRow {
    line_row(&DecisionLine::of(decision), order, lens)
}

/// The same from what a list reads.
pub fn line_row(line: &DecisionLine, order: Option<&Order>, lens: &Lens<'_>) -> DecisionRow {
    let waits = line.status().is_waiting();
    let expires = line.state.expires_at().filter(|_| waits);
    let moved = line_drift(line, lens);
    DecisionRow {
        id: line.id.0,
        env: env_of(line.venue),
        side: side_of(line.signal),
        title: line_title(line, lens),
        model: lens.name(line.trader_id),
        amount: if line.notional.is_zero() { String::new() } else { show::number(line.notional.decimal(), 2) },
        note: remark(line, moved, lens),
        drift: moved.map(|bps| show::signed_bps(bps, "")).filter(|moved| moved.sign != Sign::Flat),
        expires: expires.map(|at| show::countdown(at.0, lens.now.0)),
        state: (!waits).then(|| badge_of(line.status(), order)),
        // Beside a countdown it is not shown, and two formatted times a row add up.
        at: if waits { When::default() } else { lens.when(line.resolved_at.unwrap_or(line.created_at)) },
        selected: false,
        oob: false,
    }
}

fn remark(line: &DecisionLine, moved: Option<Decimal>, lens: &Lens<'_>) -> String {
    let text = match &line.state {
        DecisionState::Displayed { .. } => "shown only".to_owned(),
        DecisionState::PendingApproval { .. } if asks_again(line, moved, lens) => "will ask again".to_owned(),
        DecisionState::PendingApproval { .. } if line.edited => "edited".to_owned(),
        DecisionState::Ordered { approval: Some(approval), .. } => format!("approved by {}", approval.by),
        DecisionState::Ordered { approval: None, .. } => "acted by itself".to_owned(),
        DecisionState::Denied { .. } => line.denied_by.map_or_else(String::new, |rule| rule.label().to_owned()),
        DecisionState::Rejected { by, reason } if reason.is_empty() => format!("by {by}"),
        DecisionState::Rejected { by, reason } => format!("by {by}: {reason}"),
        DecisionState::Cancelled { reason, .. } => reason.clone(),
        DecisionState::Superseded { by } => format!("by decision {by}"),
        DecisionState::ModelError { why } => why.clone(),
        DecisionState::Proposed
        | DecisionState::NoAction
        | DecisionState::PendingApproval { .. }
        | DecisionState::Expired => String::new(),
    };
    shorten(&text)
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(REMARK_MAX) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
    }
}

/// Whether approving now would ask once more because the price has moved.
fn asks_again(line: &DecisionLine, moved: Option<Decimal>, lens: &Lens<'_>) -> bool {
    let limit = lens.trader(line.trader_id).map(|trader| trader.settings.max_price_drift_bps);
    let beyond = moved.zip(limit).is_some_and(|(moved, limit)| moved.abs() > limit);
    line.signal.is_some_and(Signal::is_entry) && beyond
}
