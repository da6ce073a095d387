//! Asking another language model what a cycle's was asked, and both answers side by side.

use super::answers::{coins, read, side};
use super::cycles::talk;
use super::html;
use super::language_model_fields::{NamedModel, fields};
use super::shell::{env_of, shell};
use crate::domain::access::Permission;
use crate::domain::ids::{CycleId, ReaskId};
use crate::domain::reask::{Reask, ReaskState, ReaskTemplate};
use crate::services::desk::Desk;
use crate::web::api::reasks::{put, read_given};
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::FormInput;
use crate::web::offered::OfferedNames;
use crate::web::view::{AnswerPage, AskPage, Badge, Choice, EarlierAnswer, Field, FieldKind, Nav, Tone};
use crate::web::{flash, show};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use std::collections::BTreeMap;

/// How often a page whose answer is still to come loads itself again, in seconds.
const RELOAD_S: u32 = 5;
const NOT_YOURS: &str = "Asking costs money: an operator may do it.";
const NO_PROVIDER: &str = "There is no provider of language models to ask. Add one first, under Providers.";

/// `GET /cycles/{id}/ask`
///
/// # Errors
/// 404, or when the database fails.
pub async fn form(
    desk: web::Data<Desk>,
    ctx: Ctx,
    offered: web::Data<OfferedNames>,
    path: web::Path<i64>,
) -> Result<HttpResponse, AppError> {
    let none = BTreeMap::new();
    page(&desk, &ctx, &offered, CycleId(*path), (StatusCode::OK, &none, ""), &Typed::default()).await
}

/// `POST /cycles/{id}/ask`: what was typed stays in a form that is refused.
///
/// # Errors
/// 404, or when the database fails.
pub async fn ask(
    desk: web::Data<Desk>,
    ctx: Ctx,
    offered: web::Data<OfferedNames>,
    path: web::Path<i64>,
    mut input: FormInput,
) -> Result<HttpResponse, AppError> {
    let cycle = CycleId(*path);
    let typed = Typed {
        model: NamedModel { provider_id: input.typed("provider_id"), model_name: input.typed("model_name") },
        template: input.typed("template"),
    };
    let given = read_given(&mut input, cycle, &ctx);
    input.refuse_unknown();
    let refused = match input.0.done(given) {
        Ok(request) => match put(&desk, request).await {
            Ok(reask) => {
                let to = format!("/answers/{}", reask.id);
                let (tone, text) = match reask.state(desk.clock.now()) {
                    ReaskState::Answered => (Tone::Good, "There is another answer."),
                    ReaskState::Asking => (Tone::Plain, "It is being asked. The answer will appear here."),
                    ReaskState::Failed | ReaskState::Lost => (Tone::Bad, "There is no answer."),
                };
                return Ok(flash::redirect(&ctx, &to, tone, text));
            }
            Err(error) => error,
        },
        Err(error) => error,
    };
    if refused.status().is_server_error() || refused.status() == StatusCode::NOT_FOUND {
        return Err(refused);
    }
    let error = if refused.fields().is_empty() { refused.message() } else { "Some fields need another look." };
    page(&desk, &ctx, &offered, cycle, (refused.status(), refused.fields(), error), &typed).await
}

/// What was typed.
#[derive(Default)]
struct Typed {
    model: NamedModel,
    template: String,
}

async fn page(
    desk: &Desk,
    ctx: &Ctx,
    offered: &OfferedNames,
    cycle: CycleId,
    (status, errors, error): (StatusCode, &BTreeMap<String, String>, &str),
    typed: &Typed,
) -> Result<HttpResponse, AppError> {
    let cycle = desk.store.cycle(cycle).await?.ok_or_else(|| AppError::not_found("cycle"))?;
    let trader = desk.store.trader(cycle.trader_id).await?.ok_or_else(|| AppError::not_found("model"))?;
    let named = fields(desk, offered, &typed.model, errors).await?;
    let locked = match (&named, ctx.actor.may(Permission::Operate)) {
        (_, false) => NOT_YOURS,
        (None, true) => NO_PROVIDER,
        (Some(_), true) => "",
    };
    let word = |template: ReaskTemplate, label: &str| {
        Choice::new(template.as_str(), label, template.as_str() == typed.template)
    };
    let template = Field::new("template", "In which words", FieldKind::Select, "").choices(vec![
        word(ReaskTemplate::Recorded, "Those of the cycle"),
        word(ReaskTemplate::Current, "The model's template of today"),
        word(ReaskTemplate::Default, "The default template"),
    ]);
    let page = AskPage {
        shell: shell(desk, ctx, Nav::Models, format!("Ask about cycle {}", cycle.id)).await?,
        id: cycle.id.0,
        model: trader.name,
        error: error.to_owned(),
        locked: locked.to_owned(),
        fields: named.into_iter().flatten().chain([template]).collect(),
        earlier: earlier(desk, cycle.id).await?,
    };
    html(status, &page)
}

/// What others were asked about a cycle, the newest first.
///
/// # Errors
/// When the database fails.
pub(super) async fn earlier(desk: &Desk, cycle: CycleId) -> Result<Vec<EarlierAnswer>, AppError> {
    let now = desk.clock.now();
    let mut earlier = Vec::new();
    for reask in desk.store.reasks(cycle).await? {
        earlier.push(EarlierAnswer {
            url: format!("/answers/{}", reask.id),
            who: who(desk, &reask).await?,
            state: state(reask.state(now)),
            note: format!("{}, {}", reask.asked_by, show::ago(reask.asked_at.0, now.0)),
        });
    }
    Ok(earlier)
}

/// `GET /answers/{id}`
///
/// # Errors
/// 404, or when the database fails.
pub async fn show(desk: web::Data<Desk>, ctx: Ctx, path: web::Path<i64>) -> Result<HttpResponse, AppError> {
    let reask = desk.store.reask(ReaskId(*path)).await?.ok_or_else(|| AppError::not_found("answer"))?;
    let cycle = desk.store.cycle(reask.cycle_id).await?.ok_or_else(|| AppError::not_found("cycle"))?;
    let then = read(&desk, cycle.bundle.as_ref()).await?;
    let now = read(&desk, reask.bundle.as_ref()).await?;
    let place = reask.state(desk.clock.now());
    let note = match (place, &now) {
        (ReaskState::Asking, _) => "It is being asked. This page loads itself again.".to_owned(),
        (ReaskState::Lost, _) => "The program ended while it asked. Ask again.".to_owned(),
        (ReaskState::Failed, _) => show::sentence(reask.error.as_deref().unwrap_or("there is no answer")),
        (ReaskState::Answered, None) => {
            "The record of this answer was removed on schedule, or cannot be read.".to_owned()
        }
        (ReaskState::Answered, Some(_)) if then.is_none() => {
            "The record of the cycle was removed on schedule, or cannot be read.".to_owned()
        }
        (ReaskState::Answered, Some(_)) => "Nothing was ordered: this shows what would have been decided.".to_owned(),
    };
    let page = AnswerPage {
        shell: shell(&desk, &ctx, Nav::Models, format!("Cycle {} asked again", cycle.id)).await?,
        back: (format!("/cycles/{}", cycle.id), format!("Cycle {}", cycle.id)),
        title: "Asked again".to_owned(),
        cycle: cycle.id.0,
        env: env_of(cycle.venue),
        who: who(&desk, &reask).await?,
        state: state(place),
        note,
        note_tone: match place {
            ReaskState::Failed | ReaskState::Lost => Tone::Bad,
            ReaskState::Asking => Tone::Wait,
            ReaskState::Answered => Tone::Plain,
        },
        facts: Vec::new(),
        other: "Asked again",
        can_ask: ctx.actor.may(Permission::Operate),
        reload_s: if place == ReaskState::Asking { RELOAD_S } else { 0 },
        coins: now.as_ref().map_or_else(Vec::new, |now| coins(then.as_ref(), now)),
        sides: [("In the cycle", &then), ("Asked again", &now)]
            .into_iter()
            .filter_map(|(title, bundle)| bundle.as_ref().map(|bundle| side(title, bundle)))
            .collect(),
        talk: now.as_ref().and_then(|now| now.conversation()).map(talk),
    };
    html(StatusCode::OK, &page)
}

async fn who(desk: &Desk, reask: &Reask) -> Result<String, AppError> {
    let provider = desk.store.provider(reask.provider_id).await?;
    let provider = provider.map_or_else(|| format!("provider {}", reask.provider_id), |provider| provider.name);
    Ok(format!("{} · {provider}", reask.model_name))
}

fn state(state: ReaskState) -> Badge {
    let (text, tone) = match state {
        ReaskState::Asking => ("asking", Tone::Wait),
        ReaskState::Answered => ("answered", Tone::Good),
        ReaskState::Failed => ("no answer", Tone::Bad),
        ReaskState::Lost => ("interrupted", Tone::Bad),
    };
    Badge { text: text.to_owned(), tone }
}
