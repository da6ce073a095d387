//! The unknown-outcome desk. There is no "send again" and no "mark as failed": only the exchange can tell.

use super::html;
use super::lens::{Lens, amount};
use super::orders::{lens_of, order_sentence, order_side, order_style, order_title};
use super::shell::{env_of, shell};
use crate::domain::absence::{ANSWERS_MIN, ANSWERS_SPACED_MS, Missing, Probe};
use crate::domain::access::Permission;
use crate::domain::ids::OrderId;
use crate::domain::order::{Order, OrderStatus};
use crate::domain::time::{SECOND_MS, Timestamp};
use crate::domain::venue_kind::VenueKind;
use crate::ports::store::AttemptRecord;
use crate::services::desk::Desk;
use crate::services::resolve_unknown::{ResolveError, UnknownOrder, probe_now, probe_words, unknown_orders};
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::FormInput;
use crate::web::view::{Condition, Empty, EvidenceRow, KeyValue, Nav, Tone, UnknownCard, UnknownPage};
use crate::web::{flash, show};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

/// Orders with their whole evidence on the page; the list shows the others.
const CARDS_MAX: usize = 25;

/// `GET /orders/unknown`
///
/// # Errors
/// When the database fails.
pub async fn list(desk: web::Data<Desk>, ctx: Ctx) -> Result<HttpResponse, AppError> {
    let cases = unknown_orders(&desk).await?;
    let hidden = cases.len().saturating_sub(CARDS_MAX);
    let shown = &cases[..cases.len() - hidden];
    let orders: Vec<Order> = shown.iter().map(|case| case.order.clone()).collect();
    let lens = lens_of(&desk, &orders).await?;
    let may = ctx.actor.may(Permission::Operate);
    let mut cards = Vec::with_capacity(shown.len());
    for case in shown {
        let attempts = desk.store.attempts(case.order.id).await?;
        cards.push(card(case, &attempts, &lens, may, desk.clock.now()));
    }
    let more = u64::try_from(hidden).unwrap_or(u64::MAX);
    let page = UnknownPage {
        shell: shell(&desk, &ctx, Nav::Orders, "Unknown outcomes").await?,
        cards,
        more: if hidden == 0 { String::new() } else { show::plural(more, "more order", "more orders") },
        empty: Empty::new(
            "No order's outcome is unknown.",
            "When a reply is lost, the order comes here with everything that is known, until the exchange has told what \
             became of it.",
        )
        .with_action("All orders", "/orders"),
    };
    html(StatusCode::OK, &page)
}

/// `POST /orders/{id}/probe`
///
/// # Errors
/// 404, or when the database fails.
pub async fn probe(
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<i64>,
    mut form: FormInput,
) -> Result<HttpResponse, AppError> {
    let from_desk = form.text("from", 20).is_some_and(|from| from == "unknown");
    form.refuse_unknown();
    form.0.finish()?;
    let id = OrderId(path.into_inner());
    let url = if from_desk { "/orders/unknown".to_owned() } else { format!("/orders/{id}") };
    match probe_now(&desk, id, &ctx.actor.name()).await {
        Ok(order) => {
            let lens = lens_of(&desk, std::slice::from_ref(&order)).await?;
            let (tone, text) = if order.status() == OrderStatus::Unknown {
                let answer = desk.store.probes(&[id]).await?.remove(&id).and_then(|probes| newest(&probes));
                (Tone::Wait, format!("Asked: {}.", answer.unwrap_or_else(|| "no answer yet".to_owned())))
            } else {
                (Tone::Plain, format!("Order {id} is known now. {}", order_sentence(&order, &lens)))
            };
            Ok(flash::redirect(&ctx, &url, tone, &text))
        }
        Err(ResolveError::NotFound(_)) => Err(AppError::not_found("order")),
        Err(ResolveError::NotUnknown { status, .. }) => {
            let text = format!("Order {id} is {}: there is nothing to ask.", status.as_str().replace('_', " "));
            Ok(flash::redirect(&ctx, &url, Tone::Wait, &text))
        }
        Err(error @ (ResolveError::Apply(_) | ResolveError::Commit(_) | ResolveError::Store(_))) => {
            Err(AppError::internal(&error))
        }
    }
}

fn newest(probes: &[Probe]) -> Option<String> {
    probes.iter().max_by_key(|probe| probe.last_at).map(probe_words)
}

fn card(case: &UnknownOrder, attempts: &[AttemptRecord], lens: &Lens<'_>, may: bool, now: Timestamp) -> UnknownCard {
    let order = &case.order;
    let intent = &order.intent;
    let at_exchange = intent.venue != VenueKind::Simulation;
    UnknownCard {
        id: order.id.0,
        env: env_of(intent.venue),
        side: order_side(intent.purpose),
        title: order_title(order, lens),
        model_id: intent.trader_id.0,
        model: lens.name(intent.trader_id),
        decision_id: order.decision_id().map(|decision| decision.0),
        sent: lens.when(case.sent_at),
        why: case.why.clone(),
        terms: terms(order, lens),
        counts_as: counts_as(order),
        frozen: format!(
            "New entries of this model, and further orders on the same side of {}. Cancels, and exits from what is \
             really free, stay possible.",
            intent.symbol
        ),
        evidence: evidence(case, attempts, lens, now),
        conditions: if at_exchange { conditions(case, now) } else { Vec::new() },
        next: at_exchange.then(|| show::countdown(case.next_probe().0, now.0)),
        can_probe: may,
    }
}

fn terms(order: &Order, lens: &Lens<'_>) -> Vec<KeyValue> {
    let intent = &order.intent;
    vec![
        KeyValue::new("Client order id", order.client_order_id.to_string()),
        KeyValue::new("Market", intent.symbol.to_string()),
        KeyValue::new("Style", order_style(order, lens)),
        KeyValue::new("Decided at", lens.price(intent.venue, &intent.coin, intent.quote.price)),
        KeyValue::new("Worth", amount(intent.quote.price * intent.quantity)),
        KeyValue::new("Terms", show::digest(order.digest.as_str())),
    ]
}

/// The worst case, by which the risk rules count.
fn counts_as(order: &Order) -> String {
    if order.intent.purpose.is_entry() {
        format!(
            "Filled: {} of the budget is taken until the exchange tells.",
            amount(order.intent.quote.price * order.intent.quantity)
        )
    } else {
        "Not filled: the position counts in full until the exchange tells, and is not sold twice.".to_owned()
    }
}

fn evidence(case: &UnknownOrder, attempts: &[AttemptRecord], lens: &Lens<'_>, now: Timestamp) -> Vec<EvidenceRow> {
    let attempt = |record: &AttemptRecord| EvidenceRow {
        at: lens.when(record.attempt.sent_at),
        what: format!("attempt {} was committed and sent", record.attempt.number),
        note: record.outcome.clone(),
    };
    let answer = |probe: &Probe| EvidenceRow {
        at: lens.when(probe.last_at),
        what: probe_words(probe),
        note: if probe.count > 1 {
            format!("{} times, first {}", probe.count, show::ago(probe.first_at.0, now.0))
        } else {
            String::new()
        },
    };
    attempts.iter().map(attempt).chain(case.probes.iter().map(answer)).collect()
}

/// What absence needs, and what of it is there.
fn conditions(case: &UnknownOrder, now: Timestamp) -> Vec<Condition> {
    let missing: Option<Missing> = case.missing();
    let late = missing.map_or(now, |missing| missing.may_land_until);
    let answers = missing.map_or(0, |missing| missing.answers);
    let is_past = now >= late;
    vec![
        Condition {
            met: is_past,
            text: "it can no longer arrive".to_owned(),
            countdown: (!is_past).then(|| show::countdown(late.0, now.0)),
        },
        Condition {
            met: answers == 0,
            text: format!(
                "{} of {ANSWERS_MIN} answers that it is not known, each {} s apart",
                ANSWERS_MIN - answers,
                ANSWERS_SPACED_MS / SECOND_MS
            ),
            countdown: None,
        },
        Condition {
            met: missing.is_none_or(|missing| !missing.last_answer),
            text: "the last of them from after it could no longer arrive".to_owned(),
            countdown: None,
        },
        Condition {
            met: missing.is_none_or(|missing| !missing.lists),
            text: "open orders, all orders and trades read since, without it".to_owned(),
            countdown: None,
        },
    ]
}
