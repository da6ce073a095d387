//! Orders: the list, and one order with its time line, attempts, fills and ledger.

mod words;

pub use words::{
    can_cancel, cause_word, fill_row, filled_pct, order_badge, order_row, order_sentence, order_side, order_style,
    order_title,
};

use super::html;
use super::inbox::model_choices;
use super::lens::{Lens, amount};
use super::shell::{env_of, shell};
use crate::domain::access::Permission;
use crate::domain::ids::{OrderId, TraderId};
use crate::domain::instrument::QUOTE_ASSET;
use crate::domain::order::{Order, OrderState, OrderStatus};
use crate::ports::store::{AttemptRecord, LedgerRow as StoredLine, OrderEventRecord, OrderFilter, Page};
use crate::services::desk::Desk;
use crate::services::submit_order::{self, SubmitError};
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::QueryInput;
use crate::web::view::{
    AttemptRow, Badge, Empty, EventRow, KeyValue, LedgerRow, Nav, OrderPage, OrdersPage, Tab, Tone,
};
use crate::web::{flash, show};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

/// Rows of one page of the list.
const ROWS: u32 = 50;
/// The tabs: word and label.
const TABS: [(&str, &str); 8] = [
    ("all", "All"),
    ("open", "Open"),
    ("unknown", "Unknown"),
    ("filled", "Filled"),
    ("canceled", "Cancelled"),
    ("expired", "Expired"),
    ("rejected", "Refused"),
    ("denied", "Not sent"),
];

/// `GET /orders`
///
/// # Errors
/// When the database fails.
pub async fn list(desk: web::Data<Desk>, ctx: Ctx, mut query: QueryInput) -> Result<HttpResponse, AppError> {
    let status = query.text("status", 20).filter(|word| TABS.iter().any(|(known, _)| known == word));
    let status = status.unwrap_or_else(|| "all".to_owned());
    let model = query.integer("model", 1..=i64::MAX).map(TraderId);
    let before = query.integer("cursor", 1..=i64::MAX);
    let filter =
        OrderFilter { trader_id: model, venue: None, status: OrderStatus::parse(&status), open_only: status == "open" };
    let mut orders = desk.store.orders(filter, Page { before, limit: ROWS + 1 }).await?;
    let has_older = orders.len() > ROWS as usize;
    orders.truncate(ROWS as usize);
    let lens = lens_of(&desk, &orders).await?;
    let open = desk.store.open_orders(model).await?;
    let unknown = open.iter().filter(|order| order.status() == OrderStatus::Unknown).count();
    let may = ctx.actor.may(Permission::Operate);
    let url = |status: &str| {
        let model = model.map_or_else(String::new, |model| format!("&model={model}"));
        if status == "unknown" { "/orders/unknown".to_owned() } else { format!("/orders?status={status}{model}") }
    };
    let tabs = TABS.iter().map(|(word, label)| Tab {
        key: (*word).to_owned(),
        label: (*label).to_owned(),
        count: match *word {
            "open" => open.len().to_string(),
            "unknown" => unknown.to_string(),
            _ => String::new(),
        },
        url: url(word),
        active: *word == status,
    });
    let older = orders.last().filter(|_| has_older).map(|last| format!("{}&cursor={}", url(&status), last.id));
    let page = OrdersPage {
        shell: shell(&desk, &ctx, Nav::Orders, "Orders").await?,
        tabs: tabs.collect(),
        models: model_choices(lens.traders(), model),
        rows: orders.iter().map(|order| order_row(order, &lens, may)).collect(),
        empty: empty(&status),
        older_url: older,
        status,
    };
    html(StatusCode::OK, &page)
}

fn empty(status: &str) -> Empty {
    match status {
        "all" => Empty::new("No order yet.", "An approved decision becomes one, and it is listed here at once."),
        "open" => Empty::new("No order is open.", "Whatever is on its way to a venue or rests there shows here."),
        "unknown" => Empty::new("No order's fate is unknown.", "When a reply is lost, the order waits here."),
        _ => Empty::new("No such order.", ""),
    }
}

/// Names, precisions and prices for some orders.
///
/// # Errors
/// When the store fails.
pub async fn lens_of<'a>(desk: &'a Desk, orders: &[Order]) -> Result<Lens<'a>, AppError> {
    Ok(Lens::read(desk, orders.iter().map(|order| (order.intent.venue, order.intent.coin.clone()))).await?)
}

/// `GET /orders/{id}`
///
/// # Errors
/// 404, or when the database fails.
pub async fn show(desk: web::Data<Desk>, ctx: Ctx, path: web::Path<i64>) -> Result<HttpResponse, AppError> {
    let id = OrderId(path.into_inner());
    let order = desk.store.order(id).await?.ok_or_else(|| AppError::not_found("order"))?;
    let lens = lens_of(&desk, std::slice::from_ref(&order)).await?;
    let events = desk.store.order_events(id).await?;
    let attempts = desk.store.attempts(id).await?;
    let fills = desk.store.fills(id).await?;
    let ledger = desk.store.ledger_of_order(id).await?;
    let answer = desk.store.venue_answer(id).await?;
    let page = OrderPage {
        shell: shell(&desk, &ctx, Nav::Orders, format!("Order {id}")).await?,
        id: id.0,
        env: env_of(order.intent.venue),
        side: order_side(order.intent.purpose),
        title: order_title(&order, &lens),
        model_id: order.intent.trader_id.0,
        model: lens.name(order.intent.trader_id),
        decision_id: order.decision_id().map(|decision| decision.0),
        state: order_badge(&order),
        unknown: order.status() == OrderStatus::Unknown,
        state_note: order_sentence(&order, &lens),
        at: lens.when(order.created_at),
        filled: format!("{} % filled", filled_pct(&order)),
        filled_pct: filled_pct(&order),
        facts: facts(&order, &lens),
        can_cancel: ctx.actor.may(Permission::Operate) && can_cancel(&order),
        events: events.iter().map(|(name, event)| event_row(name, event, &lens)).collect(),
        attempts: attempts.iter().map(|attempt| attempt_row(attempt, &order, &lens)).collect(),
        answer: answer.map(|answer| answer.as_str().to_owned()).unwrap_or_default(),
        fills: fills.iter().map(|fill| fill_row(fill, &lens)).collect(),
        ledger: ledger.iter().map(|line| ledger_row(line, &order, &lens)).collect(),
    };
    html(StatusCode::OK, &page)
}

/// `POST /orders/{id}/cancel`
///
/// # Errors
/// 404, or when the database fails.
pub async fn cancel(desk: web::Data<Desk>, ctx: Ctx, path: web::Path<i64>) -> Result<HttpResponse, AppError> {
    let id = OrderId(path.into_inner());
    let url = format!("/orders/{id}");
    match submit_order::cancel(&desk, id, &ctx.actor.name()).await {
        Ok(order) => {
            let lens = lens_of(&desk, std::slice::from_ref(&order)).await?;
            let tone = if order.status().is_open() { Tone::Wait } else { Tone::Plain };
            Ok(flash::redirect(&ctx, &url, tone, &order_sentence(&order, &lens)))
        }
        Err(SubmitError::NotFound(_)) => Err(AppError::not_found("order")),
        Err(SubmitError::NotCancellable { status, .. }) => {
            let text = format!("The order is {} and cannot be cancelled.", status.as_str().replace('_', " "));
            Ok(flash::redirect(&ctx, &url, Tone::Wait, &text))
        }
        Err(SubmitError::Venue { .. }) => {
            let text = "The venue did not answer the cancel. The order is being asked about; look again in a moment.";
            Ok(flash::redirect(&ctx, &url, Tone::Wait, text))
        }
        Err(error) => Err(AppError::internal(&error)),
    }
}

fn facts(order: &Order, lens: &Lens<'_>) -> Vec<KeyValue> {
    let intent = &order.intent;
    let price = |price| lens.price(intent.venue, &intent.coin, price);
    let dash = || show::DASH.to_owned();
    let mut facts = vec![
        KeyValue::new("Client order id", order.client_order_id.to_string()),
        KeyValue::new("Venue's order id", order.venue_order_id.map_or_else(dash, |id| id.to_string())),
        KeyValue::new("Market", intent.symbol.to_string()),
        KeyValue::new("Style", order_style(order, lens)),
        KeyValue::new("Decided at", price(intent.quote.price)),
        KeyValue::new("Average price", order.average_price().map_or_else(dash, price)),
        KeyValue::new("Value", amount(order.filled_value)),
        KeyValue::new("Fees", format!("{} {QUOTE_ASSET}", show::exact(order.fees.decimal().round_dp(4)))),
        KeyValue::new("Cause", cause_word(intent.cause)),
        KeyValue::new("Terms", show::digest(order.digest.as_str())),
    ];
    if intent.leverage > 1 {
        facts.push(KeyValue::new("Leverage", format!("× {}", intent.leverage)));
    }
    for (name, at) in [("Stop", intent.stop_loss), ("Target", intent.profit_target)] {
        if let Some(at) = at {
            facts.push(KeyValue::new(name, price(at)));
        }
    }
    facts
}

fn event_row(name: &str, event: &OrderEventRecord, lens: &Lens<'_>) -> EventRow {
    let what = match name {
        "journal" => "journaled it",
        "submit" => "sent it",
        "deny" => "did not send it",
        "accept" => "saw it accepted",
        "fill" => "booked a fill",
        "reject" => "saw it refused",
        "cancel" => "saw it cancelled",
        "expire" => "saw it end",
        "lose" => "lost the reply",
        "not_sent" => "could not send it",
        "not_accepted" => "saw that it did not arrive",
        "prove_absent" => "proved that it never arrived",
        "request_cancel" => "asked to cancel it",
        "cancel_reject" => "saw the cancel refused",
        "probe" => "asked what became of it",
        other => other,
    };
    EventRow {
        at: lens.when(event.at),
        who: crate::services::settle::SELF.to_owned(),
        what: what.to_owned(),
        note: event.detail.clone(),
    }
}

fn attempt_row(record: &AttemptRecord, order: &Order, lens: &Lens<'_>) -> AttemptRow {
    let is_last = record.attempt.number == order.attempts;
    let (word, tone) = match &order.state {
        OrderState::Unknown { .. } if is_last => ("no reply", Tone::Wait),
        OrderState::Rejected { .. } if is_last => ("refused", Tone::Bad),
        _ if record.outcome.is_empty() && order.status() == OrderStatus::Submitted => ("waiting", Tone::Plain),
        _ if !is_last => ("not accepted", Tone::Wait),
        _ => ("accepted", Tone::Good),
    };
    AttemptRow {
        number: record.attempt.number.to_string(),
        at: lens.when(record.attempt.sent_at),
        result: Badge { text: word.to_owned(), tone },
        note: record.outcome.clone(),
    }
}

fn ledger_row(line: &StoredLine, order: &Order, lens: &Lens<'_>) -> LedgerRow {
    let account = line.account.as_str().replace('_', " ");
    let coin = line.coin.as_ref().map_or_else(String::new, |coin| format!(" {coin}"));
    let figure = format!("{} {}", show::exact(line.amount.abs()), line.asset);
    let is_debit = line.amount.is_sign_positive();
    LedgerRow {
        at: lens.market_when(order.intent.venue, line.at),
        account: format!("{account}{coin}"),
        debit: if is_debit { figure.clone() } else { String::new() },
        credit: if is_debit { String::new() } else { figure },
        memo: format!("{} {}", line.kind, line.transaction),
    }
}
