//! Trying a provider: what it offers, and what a test of one of its models found.

use super::words::mode_word;
use super::{Filled, living, locked, page};
use crate::domain::access::Permission;
use crate::domain::provider::Provider;
use crate::services::desk::Desk;
use crate::services::providers::{self as service, OFFERED_MAX, ProviderError, TestReport, Tried};
use crate::web::api::providers::provider_error;
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::FormInput;
use crate::web::offered::OfferedNames;
use crate::web::show;
use crate::web::view::{Badge, Field, FieldKind, KeyValue, ProbeRow, ProviderProbe, Tone};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use std::collections::BTreeSet;

/// Why a viewer cannot try a provider.
const NOT_YOURS: &str = "Viewers may look, not try: a test costs tokens.";
/// Decimals of a cost in US dollars: a test costs far less than a cent.
const COST_PLACES: u32 = 6;

/// The panel before anything was tried.
///
/// # Errors
/// When the database fails.
pub(super) async fn panel(
    desk: &Desk,
    ctx: &Ctx,
    provider: &Provider,
    offered: &OfferedNames,
    typed: &str,
) -> Result<ProviderProbe, AppError> {
    let names = known_names(desk, provider, offered).await?;
    let field = Field::new("model_name", "Model", FieldKind::Text, typed)
        .help("What the provider calls it; \"Discover models\" lists what it offers.")
        .suggestions(names)
        .required();
    Ok(ProviderProbe {
        csrf: ctx.csrf.clone(),
        id: provider.id.0,
        locked: locked(ctx, Permission::Operate, NOT_YOURS),
        field,
        error: String::new(),
        done: String::new(),
        rows: Vec::new(),
        facts: Vec::new(),
        offered: Vec::new(),
    })
}

/// Names of a provider's models that are worth suggesting: what works, what is used, and what it said it offers.
///
/// # Errors
/// When the database fails.
pub(in crate::web) async fn known_names(
    desk: &Desk,
    provider: &Provider,
    offered: &OfferedNames,
) -> Result<Vec<String>, AppError> {
    let tested = desk.store.answer_modes(provider.id).await?.into_iter().map(|known| known.model_name);
    let traders = desk.store.traders(false).await?;
    let used = traders.into_iter().filter(|trader| trader.provider_id == provider.id).map(|trader| trader.model_name);
    let (mut seen, mut names) = (BTreeSet::new(), Vec::new());
    for name in tested.chain(used).chain(offered.of(provider)) {
        if seen.insert(name.clone()) {
            names.push(name);
        }
    }
    Ok(names)
}

/// `POST /providers/{id}/discover`
///
/// # Errors
/// 404, or when the database fails; why there is no list is shown.
pub async fn discover(
    desk: web::Data<Desk>,
    ctx: Ctx,
    offered: web::Data<OfferedNames>,
    path: web::Path<i64>,
) -> Result<HttpResponse, AppError> {
    let provider = living(&desk, *path).await?;
    let found = service::discover(&desk, provider.id).await;
    if let Ok(names) = &found {
        offered.put(&provider, names.clone());
    }
    let mut probe = panel(&desk, &ctx, &provider, &offered, "").await?;
    match found {
        Ok(names) => {
            probe.done = match names.len() {
                0 => format!("{} answered with an empty list.", provider.name),
                OFFERED_MAX.. => format!("{} offers {OFFERED_MAX} models or more; these are the first.", provider.name),
                count => {
                    let count = u64::try_from(count).unwrap_or(u64::MAX);
                    format!("{} offers {}.", provider.name, show::plural(count, "model", "models"))
                }
            };
            probe.offered = names;
        }
        Err(error) => probe.error = reason("No list of models", error)?,
    }
    page(&desk, &ctx, StatusCode::OK, &provider, Filled::of(&provider), probe).await
}

/// `POST /providers/{id}/test`
///
/// # Errors
/// 404, or when the database fails; what went wrong with the provider is shown.
pub async fn test(
    desk: web::Data<Desk>,
    ctx: Ctx,
    offered: web::Data<OfferedNames>,
    path: web::Path<i64>,
    input: FormInput,
) -> Result<HttpResponse, AppError> {
    let provider = living(&desk, *path).await?;
    let typed = input.typed("model_name");
    let outcome = service::test(&desk, provider.id, &typed, &ctx.actor.name()).await;
    let mut probe = panel(&desk, &ctx, &provider, &offered, &typed).await?;
    let mut status = StatusCode::OK;
    match outcome {
        Ok(report) => show_report(&mut probe, &report),
        Err(ProviderError::Invalid(mut fields)) => {
            status = StatusCode::UNPROCESSABLE_ENTITY;
            let why = fields.remove("model_name").unwrap_or_default();
            probe.field = probe.field.error(format!("Model {why}."));
        }
        Err(error) => probe.error = reason("Not tested", error)?,
    }
    page(&desk, &ctx, status, &provider, Filled::of(&provider), probe).await
}

fn show_report(probe: &mut ProviderProbe, report: &TestReport) {
    match (report.mode, &report.failed) {
        (Some(mode), _) => probe.done = format!("{} works with {}.", report.model_name, mode_word(mode)),
        (None, Some(why)) => probe.error = format!("The test ended: {why}."),
        (None, None) => probe.error = format!("No way of asking worked with {}.", report.model_name),
    }
    if let (Some(_), Some(why)) = (report.mode, &report.failed) {
        probe.error = format!("The test ended before every way was tried: {why}.");
    }
    probe.rows = report.tried.iter().map(|(mode, tried)| row(mode_word(*mode), tried)).collect();
    if report.tried.iter().all(|(_, tried)| matches!(tried, Tried::Unsupported { .. })) {
        return;
    }
    let tokens = match report.usage {
        Some(usage) => format!("{} in, {} out", usage.input, usage.output),
        None => "the provider did not say".to_owned(),
    };
    probe.facts.push(KeyValue::new("Tokens used", tokens));
    if let Some(cost) = report.cost {
        probe.facts.push(KeyValue::new("Cost", format!("${}", show::number(cost, COST_PLACES))));
    }
}

fn row(mode: &str, tried: &Tried) -> ProbeRow {
    let took = |latency_ms: u64| format!("{latency_ms} ms");
    let (text, tone, latency, why) = match tried {
        Tried::Worked { latency_ms } => ("works", Tone::Good, took(*latency_ms), String::new()),
        Tried::Unsupported { why } => ("not supported", Tone::Plain, String::new(), why.clone()),
        Tried::Unusable { why, latency_ms } => ("unusable answer", Tone::Bad, took(*latency_ms), why.clone()),
    };
    ProbeRow { mode: mode.to_owned(), outcome: Badge { text: text.to_owned(), tone }, latency, why }
}

/// Why something was not tried, for the panel; what is our own fault stays an error.
fn reason(lead: &str, error: ProviderError) -> Result<String, AppError> {
    match error {
        ProviderError::Store(_) | ProviderError::NotFound(_) => Err(provider_error(error)),
        error => Ok(format!("{lead}: {error}.")),
    }
}
