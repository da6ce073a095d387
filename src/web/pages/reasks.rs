//! Asking another language model what a cycle's was asked, and both answers side by side.

use super::html;
use super::language_model_fields::{NamedModel, fields};
use super::shell::{env_of, shell};
use crate::domain::access::Permission;
use crate::domain::ids::{CycleId, ReaskId};
use crate::domain::reask::{Reask, ReaskState, ReaskTemplate};
use crate::ports::bundle::{AnswerSource, Bundle, RulingRecord, RulingWord};
use crate::services::desk::Desk;
use crate::services::replay_bundle::{ReplayError, answer_text, load, order_text};
use crate::web::api::reasks::{put, read_given, why_not};
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::FormInput;
use crate::web::offered::OfferedNames;
use crate::web::view::{
    AnswerPage, AnswerSide, AskPage, Badge, Choice, CoinAnswer, CoinAnswers, EarlierAnswer, Field, FieldKind, KeyValue,
    Nav, Tone,
};
use crate::web::{flash, show};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// How often a page whose answer is still to come loads itself again, in seconds.
const RELOAD_S: u32 = 5;
/// Decimals of a cost.
const COST_PLACES: u32 = 6;
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
        (ReaskState::Answered, None) => "The record of this answer was removed on schedule.".to_owned(),
        (ReaskState::Answered, Some(_)) if then.is_none() => {
            "The record of the cycle was removed on schedule.".to_owned()
        }
        (ReaskState::Answered, Some(_)) => "Nothing was ordered: this shows what would have been decided.".to_owned(),
    };
    let page = AnswerPage {
        shell: shell(&desk, &ctx, Nav::Models, format!("Cycle {} asked again", cycle.id)).await?,
        cycle: cycle.id.0,
        env: env_of(cycle.venue),
        who: who(&desk, &reask).await?,
        state: state(place),
        note,
        reload_s: if place == ReaskState::Asking { RELOAD_S } else { 0 },
        coins: now.as_ref().map_or_else(Vec::new, |now| coins(then.as_ref(), now)),
        sides: [("In the cycle", &then), ("Asked again", &now)]
            .into_iter()
            .filter_map(|(title, bundle)| bundle.as_ref().map(|bundle| side(title, bundle)))
            .collect(),
    };
    html(StatusCode::OK, &page)
}

/// A record that can be read; none when it was removed or is damaged.
async fn read(desk: &Desk, hash: Option<&crate::domain::digest::Digest>) -> Result<Option<Bundle>, AppError> {
    let Some(hash) = hash else { return Ok(None) };
    match load(desk, hash).await {
        Ok(bundle) => Ok(Some(bundle)),
        Err(ReplayError::Store(error)) => Err(error.into()),
        Err(_) => Ok(None),
    }
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

fn side(title: &str, bundle: &Bundle) -> AnswerSide {
    let (who, answered, mut facts) = match &bundle.source {
        AnswerSource::LanguageModel(said) => {
            let calls = said.turns.iter().map(|turn| &turn.call);
            let (input, output) = calls
                .clone()
                .fold((0, 0), |(input, output), call| (input + call.usage.input, output + call.usage.output));
            let cost = calls.clone().filter_map(|call| call.cost).reduce(Decimal::saturating_add);
            let took: u64 = calls.map(|call| call.latency_ms).sum();
            let facts = vec![
                KeyValue::new("Tokens in / out", format!("{input} / {output}")),
                KeyValue::new(
                    "Cost",
                    cost.map_or_else(|| show::DASH.to_owned(), |cost| show::money(cost, COST_PLACES, "USD")),
                ),
                KeyValue::new("Took", format!("{} s", took.div_ceil(1_000))),
                KeyValue::new("Template", &said.template_version),
            ];
            (format!("{} · {}", said.model_name, said.provider), said.answered(), facts)
        }
        AnswerSource::Rules { model_name } => (format!("{model_name} · built-in rules"), String::new(), Vec::new()),
        AnswerSource::Outside { actor } => (format!("sent in by {actor}"), String::new(), Vec::new()),
    };
    let passed = bundle.rulings.iter().filter(|ruling| ruling.word == RulingWord::Passed).count();
    facts.push(KeyValue::new("Orders it would be", passed.to_string()));
    AnswerSide { title: title.to_owned(), who, facts, answered }
}

fn coins(then: Option<&Bundle>, now: &Bundle) -> Vec<CoinAnswers> {
    let missing = || CoinAnswer {
        text: "not asked about".to_owned(),
        ruling: Badge { text: show::DASH.to_owned(), tone: Tone::Plain },
        note: String::new(),
        justification: String::new(),
    };
    now.rulings
        .iter()
        .map(|ruling| {
            let coin = &ruling.coin;
            let before = then.and_then(|then| then.rulings.iter().find(|old| &old.coin == coin).map(|old| (then, old)));
            let terms = |ruling: &RulingRecord| (ruling.word, order_text(ruling.intent.as_ref()));
            CoinAnswers {
                coin: coin.to_string(),
                same: before.is_some_and(|(_, old)| terms(old) == terms(ruling)),
                then: before.map_or_else(missing, |(then, old)| coin_answer(then, old)),
                now: coin_answer(now, ruling),
            }
        })
        .collect()
}

fn coin_answer(bundle: &Bundle, ruling: &RulingRecord) -> CoinAnswer {
    let answer = bundle.answers.iter().find(|answer| answer.coin == ruling.coin);
    let (word, tone) = match ruling.word {
        RulingWord::Unusable => ("unusable", Tone::Bad),
        RulingWord::Hold => ("hold", Tone::Plain),
        RulingWord::Denied => ("denied", Tone::Bad),
        RulingWord::Passed => ("passes", Tone::Good),
    };
    let note = match ruling.word {
        RulingWord::Passed => order_text(ruling.intent.as_ref()),
        RulingWord::Hold => String::new(),
        RulingWord::Denied | RulingWord::Unusable => why_not(ruling),
    };
    let said = answer.and_then(|answer| answer.proposal.as_ref());
    CoinAnswer {
        // The badge has said that it holds, or that it cannot be used.
        text: match ruling.word {
            RulingWord::Unusable | RulingWord::Hold => String::new(),
            RulingWord::Denied | RulingWord::Passed => answer.map(answer_text).unwrap_or_default(),
        },
        ruling: Badge { text: word.to_owned(), tone },
        note,
        justification: said.map(|proposal| proposal.justification.clone()).unwrap_or_default(),
    }
}
