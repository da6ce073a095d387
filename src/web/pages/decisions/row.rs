//! Words and rows of decisions: titles, badges, remarks.

use crate::domain::decision::{Decision, DecisionState, DecisionStatus};
use crate::domain::order::Order;
use crate::domain::risk::RuleCode;
use crate::domain::signal::Signal;
use crate::web::pages::lens::Lens;
use crate::web::pages::orders::order_badge;
use crate::web::pages::shell::env_of;
use crate::web::show;
use crate::web::view::{Badge, DecisionRow, Side, Sign, Signed, Tone};

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
    let verb = match decision.signal {
        Some(Signal::BuyToEnter) => "Buy",
        Some(Signal::SellToEnter) => "Sell short",
        Some(Signal::ClosePosition) => "Close",
        Some(Signal::Hold) => return format!("Hold {}", decision.coin),
        None => return format!("{}: unusable answer", decision.coin),
    };
    match decision.quantity {
        Some(quantity) if !quantity.is_zero() => {
            let quantity = lens.quantity(decision.venue, &decision.coin, quantity);
            format!("{verb} {quantity} {}", decision.coin)
        }
        _ => format!("{verb} {}", decision.coin),
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
    let (text, tone) = match decision.status() {
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
    let now = lens.quote(decision.venue, decision.trader_id, &decision.coin)?;
    let asked = decision.quote.filter(|_| decision.status().is_waiting())?;
    Some(show::signed_bps(asked.price.drift_bps(now.price), remark))
}

/// A row of the list. `order` is the one of an ordered decision, if it was read.
pub fn row(decision: &Decision, order: Option<&Order>, lens: &Lens<'_>) -> DecisionRow {
    let waits = decision.status().is_waiting();
    let expires = decision.state.expires_at().filter(|_| waits);
    let notional = decision.impact.notional;
    DecisionRow {
        id: decision.id.0,
        env: env_of(decision.venue),
        side: side_of(decision.signal),
        title: title(decision, lens),
        model: lens.name(decision.trader_id),
        amount: if notional.is_zero() { String::new() } else { show::number(notional.decimal(), 2) },
        note: remark(decision, lens),
        drift: drift(decision, lens, "").filter(|moved| moved.sign != Sign::Flat),
        expires: expires.map(|at| show::countdown(at.0, lens.now.0)),
        state: (!waits).then(|| badge(decision, order)),
        at: lens.when(decision.resolved_at.unwrap_or(decision.created_at)),
        selected: false,
        oob: false,
    }
}

fn remark(decision: &Decision, lens: &Lens<'_>) -> String {
    let text = match &decision.state {
        DecisionState::Displayed { .. } => "shown only".to_owned(),
        DecisionState::PendingApproval { .. } if will_ask_again(decision, lens) => "will ask again".to_owned(),
        DecisionState::PendingApproval { .. } if decision.edited => "edited".to_owned(),
        DecisionState::Ordered { approval: Some(approval), .. } => format!("approved by {}", approval.by),
        DecisionState::Ordered { approval: None, .. } => "acted by itself".to_owned(),
        DecisionState::Denied { .. } => denied_by(decision).map_or_else(String::new, |rule| rule.label().to_owned()),
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

fn denied_by(decision: &Decision) -> Option<RuleCode> {
    decision.risk.denials().next().map(|rule| rule.rule)
}

/// Whether approving now would ask once more because the price has moved.
pub fn will_ask_again(decision: &Decision, lens: &Lens<'_>) -> bool {
    let moved = || {
        let now = lens.quote(decision.venue, decision.trader_id, &decision.coin)?;
        let limit = lens.trader(decision.trader_id)?.settings.max_price_drift_bps;
        Some(decision.quote?.price.drift_bps(now.price).abs() > limit)
    };
    decision.signal.is_some_and(Signal::is_entry) && moved().unwrap_or(false)
}
