//! One record as a shadow answered it, beside the answer of the cycle.

use super::answers::{coins, read, side};
use super::costs::{UNKNOWN, dollars};
use super::cycles::talk;
use super::html;
use super::shadows::{fill_words, who};
use super::shell::{env_of, shell};
use crate::domain::access::Permission;
use crate::domain::shadow::{Shadow, ShadowStep};
use crate::services::desk::Desk;
use crate::web::api::shadows::{known, known_step};
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::show;
use crate::web::view::{AnswerPage, Badge, KeyValue, Nav, Tone};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

/// `GET /shadows/{id}/steps/{number}`
///
/// # Errors
/// 404, or when the database fails.
pub async fn show(desk: web::Data<Desk>, ctx: Ctx, path: web::Path<(i64, u32)>) -> Result<HttpResponse, AppError> {
    let shadow = known(&desk, path.0).await?;
    let step = known_step(&desk, &shadow, path.1).await?;
    let cycle = desk.store.cycle(step.cycle_id).await?.ok_or_else(|| AppError::not_found("cycle"))?;
    let trader = desk.store.trader(shadow.trader_id).await?.ok_or_else(|| AppError::not_found("model"))?;
    let then = read(&desk, cycle.bundle.as_ref()).await?;
    let now = read(&desk, step.bundle.as_ref()).await?;
    let (note, note_tone) = match (&step.error, &step.bundle, &now) {
        (Some(error), _, _) => (show::sentence(error), Tone::Bad),
        (None, Some(_), None) => {
            ("The record of this answer was removed on schedule, or cannot be read.".to_owned(), Tone::Plain)
        }
        (None, _, _) if then.is_none() => {
            ("The record of the cycle was removed on schedule, or cannot be read.".to_owned(), Tone::Plain)
        }
        (None, _, _) => ("Nothing was ordered: it acts on paper only.".to_owned(), Tone::Plain),
    };
    let page = AnswerPage {
        shell: shell(&desk, &ctx, Nav::Models, format!("{}, record {}", shadow.name, step.number)).await?,
        back: (format!("/shadows/{}", shadow.id), shadow.name.clone()),
        title: format!("Record {}", step.number),
        cycle: cycle.id.0,
        env: env_of(cycle.venue),
        who: format!("{} on paper · {}", shadow.name, who(&desk, &shadow).await?),
        state: match &step.error {
            Some(_) => Badge { text: "no answer".to_owned(), tone: Tone::Bad },
            None => Badge { text: "answered".to_owned(), tone: Tone::Good },
        },
        note,
        note_tone,
        facts: facts(&shadow, &step, &trader.name),
        other: "Shadow",
        can_ask: then.as_ref().is_some_and(|then| then.brief.is_some()) && ctx.actor.may(Permission::Operate),
        reload_s: 0,
        coins: now.as_ref().map_or_else(Vec::new, |now| coins(then.as_ref(), now)),
        sides: [("In the cycle", &then), ("Shadow", &now)]
            .into_iter()
            .filter_map(|(title, bundle)| bundle.as_ref().map(|bundle| side(title, bundle)))
            .collect(),
        talk: now.as_ref().and_then(|now| now.conversation()).map(talk),
    };
    html(StatusCode::OK, &page)
}

fn facts(shadow: &Shadow, step: &ShadowStep, model: &str) -> Vec<KeyValue> {
    let money = |money: crate::domain::money::Money| show::number(money.decimal(), 2);
    let fills = match step.fills.as_slice() {
        [] => "none".to_owned(),
        fills => fills.iter().map(fill_words).collect::<Vec<_>>().join("; "),
    };
    vec![
        KeyValue::new("Market time", show::minute(step.market_at.0)),
        KeyValue::new("Answered", show::minute(step.at.0)),
        KeyValue::new("Fills on paper", fills),
        KeyValue::new(format!("Equity of {}", shadow.name), money(step.equity)),
        KeyValue::new(format!("Equity of {model}"), money(step.leader_equity)),
        KeyValue::new("AI cost", step.cost.map_or_else(|| UNKNOWN.to_owned(), dollars)),
    ]
}
