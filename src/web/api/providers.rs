//! Who can answer: the built-in rules, and providers of language models. Keys go in and never come out.

use super::wire::{done, time};
use crate::domain::access::Permission;
use crate::domain::credential::PASTED_MAX;
use crate::domain::ids::{BUILT_IN_PROVIDER, ProviderId};
use crate::domain::provider::Provider;
use crate::domain::trader::MODEL_NAME_MAX;
use crate::ports::advisor::{AdvisorInfo, ProviderInfo};
use crate::services::desk::Desk;
use crate::services::providers::{self, GivenProvider, ProviderError, SavedProvider, TestReport, Tried};
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::{Input, JsonInput, QueryInput};
use crate::web::offered::OfferedNames;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use serde::Serialize;
use utoipa::ToSchema;

/// Who can answer.
#[derive(Serialize, ToSchema)]
pub struct ProviderRow {
    /// Its id; 1 is the built-in provider.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// `built_in`, or whose dialect it speaks: `openai`, `openrouter`, `deepseek`, `anthropic`, `gemini`, `llama_cpp`,
    /// `vllm`, `ollama` or `other`.
    pub kind: &'static str,
    /// Its address; null for the built-in rules.
    pub base_url: Option<String>,
    /// Whether a key is saved.
    pub has_key: bool,
    /// The last four characters of the key, when it is long enough to show them.
    pub key_last4: Option<String>,
    /// US dollars for a million tokens of the prompt; null when nobody said.
    pub input_price: Option<String>,
    /// US dollars for a million tokens of the answer; null when nobody said.
    pub output_price: Option<String>,
    /// Requests that may run at once.
    pub max_concurrency: Option<u32>,
    /// Longest wait for one answer, in seconds.
    pub timeout_seconds: Option<u32>,
    /// The names of its models, as far as they are known: all of the built-in rules, of another provider those with
    /// which a test worked.
    pub models: Vec<String>,
    /// The names of the desk's models that use it.
    pub used_by: Vec<String>,
    /// Grows with each change; null for the built-in rules.
    pub version: Option<i64>,
    /// When it was created; null for the built-in rules.
    pub created_at: Option<String>,
    /// What was changed in the texts that were sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// A provider's models.
#[derive(Serialize, ToSchema)]
pub struct ProviderModels {
    /// The provider; null when it is not saved.
    pub provider_id: Option<i64>,
    /// Its models.
    pub models: Vec<ProviderModel>,
}

/// One model of a provider.
#[derive(Serialize, ToSchema)]
pub struct ProviderModel {
    /// The name to create a model with.
    pub model_name: String,
    /// The name shown.
    pub label: String,
    /// What it does; empty for language models.
    pub description: &'static str,
    /// Rules are labelled as rules, never as AI.
    pub is_rules: bool,
}

/// What a test of a provider found.
#[derive(Serialize, ToSchema)]
pub struct ProviderTest {
    /// Whether any way of asking worked.
    pub success: bool,
    /// Which model was asked.
    pub model_name: String,
    /// The strictest way that worked; it is remembered.
    pub mode: Option<&'static str>,
    /// What became of each way that was tried.
    pub tried: Vec<TriedRow>,
    /// Tokens as the provider counted them; null when it did not say of each answer.
    pub usage: Option<UsageRow>,
    /// What they cost in US dollars; null when tokens or price are not known.
    pub cost: Option<String>,
    /// What ended the test before every way was tried.
    pub failed: Option<String>,
}

/// One way of asking for an answer's shape.
#[derive(Serialize, ToSchema)]
pub struct TriedRow {
    /// `json_schema`, `json_object` or `plain`.
    pub mode: &'static str,
    /// `worked`, `unsupported` or `unusable`.
    pub outcome: &'static str,
    /// From the request to the last byte of the answer, in milliseconds.
    pub latency_ms: Option<u64>,
    /// Why it did not work.
    pub why: Option<String>,
}

/// Tokens.
#[derive(Serialize, ToSchema)]
pub struct UsageRow {
    /// Of the prompts.
    pub input_tokens: u64,
    /// Of the answers.
    pub output_tokens: u64,
}

/// `GET /api/providers`: the built-in rules first.
///
/// # Errors
/// 422 for a bad query.
pub async fn index(desk: Data<Desk>, mut query: QueryInput) -> Result<HttpResponse, AppError> {
    query.refuse_unknown();
    query.0.finish()?;
    let traders = desk.store.traders(false).await?;
    let users = |id: ProviderId| {
        traders.iter().filter(|trader| trader.provider_id == id).map(|trader| trader.name.clone()).collect()
    };
    let built_in = desk.advisors.providers();
    let mut rows: Vec<ProviderRow> = built_in.iter().map(|info| built_in_row(info, users(info.id))).collect();
    for provider in desk.store.providers().await? {
        rows.push(provider_row(&desk, &provider, users(provider.id)).await?);
    }
    Ok(HttpResponse::Ok().json(rows))
}

/// `GET /api/providers/{id}`
///
/// # Errors
/// 404.
pub async fn show(desk: Data<Desk>, id: Path<i64>) -> Result<HttpResponse, AppError> {
    let id = ProviderId(*id);
    let used_by = providers::used_by(&desk, id).await?;
    if let Some(info) = desk.advisors.providers().iter().find(|info| info.id == id) {
        return Ok(HttpResponse::Ok().json(built_in_row(info, used_by)));
    }
    let provider = providers::living(&desk, id).await.map_err(provider_error)?;
    Ok(HttpResponse::Ok().json(provider_row(&desk, &provider, used_by).await?))
}

/// `POST /api/providers`
///
/// # Errors
/// 409 for a name that is taken, 422 with every field that was wrong, 503 `vault_locked`.
pub async fn create(desk: Data<Desk>, ctx: Ctx, mut input: JsonInput) -> Result<HttpResponse, AppError> {
    let given = read_given(&mut input, GivenProvider::default());
    input.refuse_unknown();
    input.0.finish()?;
    let saved = providers::create(&desk, &given, &ctx.actor.name()).await.map_err(provider_error)?;
    Ok(HttpResponse::Created().json(saved_row(&desk, saved).await?))
}

/// `PUT` and `PATCH /api/providers/{id}`: changes what is named and leaves the rest.
///
/// # Errors
/// 404, 409 for a name that is taken or when somebody was first, 422 with every field that was wrong, 503 `vault_locked`.
pub async fn edit(desk: Data<Desk>, ctx: Ctx, id: Path<i64>, mut input: JsonInput) -> Result<HttpResponse, AppError> {
    let id = changeable(*id)?;
    let provider = providers::living(&desk, id).await.map_err(provider_error)?;
    let given = read_given(&mut input, GivenProvider::of(&provider));
    let version = input.integer("version", 1..=i64::MAX).unwrap_or(provider.version);
    input.refuse_unknown();
    input.0.finish()?;
    let saved = providers::update(&desk, id, version, &given, &ctx.actor.name()).await.map_err(provider_error)?;
    Ok(HttpResponse::Ok().json(saved_row(&desk, saved).await?))
}

/// `DELETE /api/providers/{id}`
///
/// # Errors
/// 404, 409 `provider_in_use`.
pub async fn delete(desk: Data<Desk>, ctx: Ctx, id: Path<i64>) -> Result<HttpResponse, AppError> {
    providers::delete(&desk, changeable(*id)?, &ctx.actor.name()).await.map_err(provider_error)?;
    Ok(done("Provider deleted"))
}

/// `POST /api/providers/models`: what a provider offers; a saved one by its id, another by address and key.
///
/// # Errors
/// 403 for whoever may not, 404, 422, 502 `provider_failed` with the reason.
pub async fn models(
    desk: Data<Desk>,
    ctx: Ctx,
    offered: Data<OfferedNames>,
    mut input: JsonInput,
) -> Result<HttpResponse, AppError> {
    if ["base_url", "api_key", "kind"].into_iter().any(|name| input.was_sent(name)) {
        // Whoever may name an address and have this server call it may save it too.
        ctx.require(Permission::Credentials)?;
        let mut given = GivenProvider::default();
        text(&mut input, "base_url", &mut given.base_url);
        text(&mut input, "kind", &mut given.kind);
        given.api_key = input.secret("api_key", PASTED_MAX);
        input.refuse_unknown();
        input.0.finish()?;
        let names = providers::discover_unsaved(&desk, &given).await.map_err(provider_error)?;
        return Ok(HttpResponse::Ok().json(language_models(None, names)));
    }
    let before = input.errors().len();
    let id = input.integer("provider_id", 1..=i64::MAX);
    if id.is_none() && input.errors().len() == before {
        input.fail("provider_id", "is required, or base_url with api_key and kind");
    }
    input.refuse_unknown();
    let id = ProviderId(input.0.done(id)?);
    if let Some(info) = desk.advisors.providers().iter().find(|info| info.id == id) {
        let models = info.models.iter().map(rules).collect();
        return Ok(HttpResponse::Ok().json(ProviderModels { provider_id: Some(id.0), models }));
    }
    ctx.require(Permission::Operate)?;
    let provider = providers::living(&desk, id).await.map_err(provider_error)?;
    let names = providers::discover(&desk, id).await.map_err(provider_error)?;
    offered.put(&provider, names.clone());
    Ok(HttpResponse::Ok().json(language_models(Some(id.0), names)))
}

/// `POST /api/providers/{id}/test`: asks one of its models for one tiny decision.
///
/// # Errors
/// 404, 422; whatever the provider says is an answer.
pub async fn test(desk: Data<Desk>, ctx: Ctx, id: Path<i64>, mut input: JsonInput) -> Result<HttpResponse, AppError> {
    let model_name = input.required_text("model_name", MODEL_NAME_MAX);
    input.refuse_unknown();
    input.0.finish()?;
    let by = ctx.actor.name();
    let report = providers::test(&desk, changeable(*id)?, &model_name, &by).await.map_err(provider_error)?;
    Ok(HttpResponse::Ok().json(test_row(report)))
}

/// Takes a provider's fields out of an input; what was not sent stays as it is in `base`, and null empties.
pub fn read_given(input: &mut Input, base: GivenProvider) -> GivenProvider {
    let mut given = base;
    for (name, value) in [
        ("name", &mut given.name),
        ("kind", &mut given.kind),
        ("base_url", &mut given.base_url),
        ("input_price", &mut given.input_price),
        ("output_price", &mut given.output_price),
        ("max_concurrency", &mut given.max_concurrency),
        ("timeout_seconds", &mut given.timeout_seconds),
    ] {
        text(input, name, value);
    }
    given.api_key = input.secret("api_key", PASTED_MAX);
    given.remove_key = input.boolean("remove_key").unwrap_or_default();
    given
}

fn text(input: &mut Input, name: &str, value: &mut String) {
    if input.was_sent(name) {
        *value = input.scalar(name).unwrap_or_default();
    }
}

/// What a refusal of the service is to the outside.
pub fn provider_error(error: ProviderError) -> AppError {
    let mut message = format!("{error}.");
    if let Some(first) = message.get(..1) {
        message.replace_range(..1, &first.to_uppercase());
    }
    match error {
        ProviderError::NotFound(_) => AppError::not_found("provider"),
        ProviderError::Invalid(fields) => AppError::invalid(fields),
        ProviderError::DuplicateName => {
            AppError::conflict("duplicate_name", message).with_field("name", "is already taken")
        }
        ProviderError::InUse(_) => AppError::conflict("provider_in_use", message),
        ProviderError::Changed => AppError::conflict("contended", message),
        ProviderError::VaultLocked(_) => AppError::unavailable("vault_locked", message),
        ProviderError::NotConnected => AppError::unavailable("not_connected", message),
        ProviderError::Failed(_) => AppError::new(StatusCode::BAD_GATEWAY, "provider_failed", message),
        ProviderError::Store(error) => error.into(),
    }
}

/// The built-in rules are part of the program.
fn changeable(id: i64) -> Result<ProviderId, AppError> {
    match ProviderId(id) {
        BUILT_IN_PROVIDER => {
            Err(AppError::conflict("built_in_provider", "The built-in rules have nothing to change, delete or test."))
        }
        id => Ok(id),
    }
}

fn built_in_row(info: &ProviderInfo, used_by: Vec<String>) -> ProviderRow {
    ProviderRow {
        id: info.id.0,
        name: info.name.to_owned(),
        kind: "built_in",
        base_url: None,
        has_key: false,
        key_last4: None,
        input_price: None,
        output_price: None,
        max_concurrency: None,
        timeout_seconds: None,
        models: info.models.iter().map(|model| model.model_name.to_owned()).collect(),
        used_by,
        version: None,
        created_at: None,
        warnings: Vec::new(),
    }
}

async fn provider_row(desk: &Desk, provider: &Provider, used_by: Vec<String>) -> Result<ProviderRow, AppError> {
    let known = desk.store.answer_modes(provider.id).await?;
    Ok(ProviderRow {
        id: provider.id.0,
        name: provider.name.clone(),
        kind: provider.kind.as_str(),
        base_url: Some(provider.base_url.clone()),
        has_key: provider.api_key.is_some(),
        key_last4: provider.key_last4.clone(),
        input_price: provider.price.map(|price| price.input.normalize().to_string()),
        output_price: provider.price.map(|price| price.output.normalize().to_string()),
        max_concurrency: Some(provider.max_concurrency),
        timeout_seconds: Some(provider.timeout_seconds),
        models: known.into_iter().map(|known| known.model_name).collect(),
        used_by,
        version: Some(provider.version),
        created_at: Some(time(provider.created_at)),
        warnings: Vec::new(),
    })
}

async fn saved_row(desk: &Desk, saved: SavedProvider) -> Result<ProviderRow, AppError> {
    let used_by = providers::used_by(desk, saved.provider.id).await?;
    let mut row = provider_row(desk, &saved.provider, used_by).await?;
    if saved.key_cleaned {
        row.warnings.push("api_key: spaces or line breaks were removed".to_owned());
    }
    Ok(row)
}

fn rules(model: &AdvisorInfo) -> ProviderModel {
    ProviderModel {
        model_name: model.model_name.to_owned(),
        label: model.label.to_owned(),
        description: model.description,
        is_rules: model.is_rules,
    }
}

fn language_models(provider_id: Option<i64>, names: Vec<String>) -> ProviderModels {
    let model =
        |name: String| ProviderModel { label: name.clone(), model_name: name, description: "", is_rules: false };
    ProviderModels { provider_id, models: names.into_iter().map(model).collect() }
}

fn test_row(report: TestReport) -> ProviderTest {
    let tried = report.tried.into_iter().map(|(mode, tried)| {
        let (outcome, latency_ms, why) = match tried {
            Tried::Worked { latency_ms } => ("worked", Some(latency_ms), None),
            Tried::Unsupported { why } => ("unsupported", None, Some(why)),
            Tried::Unusable { why, latency_ms } => ("unusable", Some(latency_ms), Some(why)),
        };
        TriedRow { mode: mode.as_str(), outcome, latency_ms, why }
    });
    ProviderTest {
        success: report.mode.is_some(),
        model_name: report.model_name,
        mode: report.mode.map(|mode| mode.as_str()),
        tried: tried.collect(),
        usage: report.usage.map(|usage| UsageRow { input_tokens: usage.input, output_tokens: usage.output }),
        cost: report.cost.map(|cost| cost.normalize().to_string()),
        failed: report.failed,
    }
}
