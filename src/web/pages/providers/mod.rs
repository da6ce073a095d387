//! Providers of language models: listed, created, changed, tried, deleted. A key that was typed is never shown again, not
//! even in a form that is refused.

mod probe;
mod words;

pub(in crate::web) use probe::known_names;
pub use probe::{discover, test};
pub(in crate::web) use words::mode_word;

use super::html;
use super::shell::shell;
use crate::domain::access::Permission;
use crate::domain::ids::ProviderId;
use crate::domain::provider::Provider;
use crate::services::desk::Desk;
use crate::services::providers::{self as service, GivenProvider, ProviderError};
use crate::web::api::providers::{provider_error, read_given};
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::flash;
use crate::web::form::FormInput;
use crate::web::offered::OfferedNames;
use crate::web::view::{
    ConfirmForm, Empty, FormPage, Nav, NewProviderPage, ProviderPage, ProviderProbe, ProvidersPage, Tone,
};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use std::collections::BTreeMap;

/// Why an operator cannot save or delete providers.
const NOT_YOURS: &str = "Only an administrator may save, change or delete providers: they hold keys.";

/// `GET /providers`
///
/// # Errors
/// When the database fails.
pub async fn list(desk: web::Data<Desk>, ctx: Ctx) -> Result<HttpResponse, AppError> {
    let traders = desk.store.traders(false).await?;
    let shadows = desk.store.active_shadows().await?;
    let line = |provider: &Provider| words::line(provider, service::users_among(&traders, &shadows, provider.id));
    let built_in = desk.advisors.providers();
    let rules: Vec<&str> = built_in.iter().flat_map(|info| &info.models).map(|info| info.label).collect();
    let page = ProvidersPage {
        shell: shell(&desk, &ctx, Nav::Models, "Providers").await?,
        built_in: rules.join(", "),
        records: words::records(desk.store.bundle_total().await?, desk.policy.records),
        providers: desk.store.providers().await?.iter().map(line).collect(),
        empty: Empty::new(
            "No provider yet.",
            "A provider hosts language models: a service with a key, or a server of your own. Models choose among them.",
        )
        .with_action("Add a provider", "/providers/new"),
    };
    html(StatusCode::OK, &page)
}

/// `GET /providers/new`
///
/// # Errors
/// When the database fails.
pub async fn form(desk: web::Data<Desk>, ctx: Ctx) -> Result<HttpResponse, AppError> {
    new_page(&desk, &ctx, StatusCode::OK, &GivenProvider::default(), &BTreeMap::new(), String::new()).await
}

/// `POST /providers`: all or nothing; what was typed stays in a form that is refused, but for the key.
///
/// # Errors
/// 422, or when the database fails.
pub async fn create(desk: web::Data<Desk>, ctx: Ctx, mut input: FormInput) -> Result<HttpResponse, AppError> {
    let given = read_given(&mut input, GivenProvider::default());
    input.refuse_unknown();
    let (status, errors, lead) = if input.errors().is_empty() {
        match service::create(&desk, &given, &ctx.actor.name()).await {
            Ok(saved) => {
                let cleaned = if saved.key_cleaned { CLEANED } else { "" };
                let text = format!("{} is saved. Try it next.{cleaned}", saved.provider.name);
                let to = format!("/providers/{}", saved.provider.id);
                return Ok(flash::redirect(&ctx, &to, Tone::Good, &text));
            }
            Err(error) => refusal(error)?,
        }
    } else {
        (StatusCode::UNPROCESSABLE_ENTITY, input.errors().clone(), String::new())
    };
    let error = refused_words(&lead, given.api_key.is_some());
    new_page(&desk, &ctx, status, &given, &errors, error).await
}

/// Said after a key from which something was removed.
const CLEANED: &str = " Spaces or line breaks were removed from the key.";

/// `GET /providers/{id}`
///
/// # Errors
/// 404, or when the database fails.
pub async fn show(
    desk: web::Data<Desk>,
    ctx: Ctx,
    offered: web::Data<OfferedNames>,
    path: web::Path<i64>,
) -> Result<HttpResponse, AppError> {
    let provider = living(&desk, *path).await?;
    let probe = probe::panel(&desk, &ctx, &provider, &offered, "").await?;
    page(&desk, &ctx, StatusCode::OK, &provider, Filled::of(&provider), probe).await
}

/// `POST /providers/{id}`: all or nothing; what was typed stays in a form that is refused, but for the key.
///
/// # Errors
/// 404, 409, 422, or when the database fails.
pub async fn save(
    desk: web::Data<Desk>,
    ctx: Ctx,
    offered: web::Data<OfferedNames>,
    path: web::Path<i64>,
    mut input: FormInput,
) -> Result<HttpResponse, AppError> {
    let provider = living(&desk, *path).await?;
    let given = read_given(&mut input, GivenProvider::of(&provider));
    let version = input.integer("version", 1..=i64::MAX).unwrap_or(provider.version);
    input.refuse_unknown();
    let (status, errors, lead) = if input.errors().is_empty() {
        match service::update(&desk, provider.id, version, &given, &ctx.actor.name()).await {
            Ok(saved) => {
                let cleaned = if saved.key_cleaned { CLEANED } else { "" };
                let text = format!("{} is saved.{cleaned}", saved.provider.name);
                return Ok(flash::redirect(&ctx, &format!("/providers/{}", provider.id), Tone::Good, &text));
            }
            Err(error) => refusal(error)?,
        }
    } else {
        (StatusCode::UNPROCESSABLE_ENTITY, input.errors().clone(), String::new())
    };
    let error = refused_words(&lead, given.api_key.is_some());
    let probe = probe::panel(&desk, &ctx, &provider, &offered, "").await?;
    page(&desk, &ctx, status, &provider, Filled { given, errors, error }, probe).await
}

/// `GET /providers/{id}/delete`: asks once.
///
/// # Errors
/// 404, or when the database fails.
pub async fn delete_form(desk: web::Data<Desk>, ctx: Ctx, path: web::Path<i64>) -> Result<HttpResponse, AppError> {
    let provider = living(&desk, *path).await?;
    confirmation(&desk, &ctx, StatusCode::OK, &provider, "").await
}

/// `POST /providers/{id}/delete`
///
/// # Errors
/// 404, or when the database fails.
pub async fn delete(desk: web::Data<Desk>, ctx: Ctx, path: web::Path<i64>) -> Result<HttpResponse, AppError> {
    let provider = living(&desk, *path).await?;
    match service::delete(&desk, provider.id, &ctx.actor.name()).await {
        Ok(gone) => Ok(flash::redirect(&ctx, "/providers", Tone::Plain, &format!("{} is deleted.", gone.name))),
        Err(error @ ProviderError::InUse(_)) => {
            confirmation(&desk, &ctx, StatusCode::CONFLICT, &provider, &format!("Not deleted: {error}.")).await
        }
        Err(error) => Err(provider_error(error)),
    }
}

async fn confirmation(
    desk: &Desk,
    ctx: &Ctx,
    status: StatusCode,
    provider: &Provider,
    error: &str,
) -> Result<HttpResponse, AppError> {
    let form = ConfirmForm::delete_provider(&ctx.csrf, provider.id.0, &provider.name, error);
    if ctx.is_htmx {
        return html(status, &form);
    }
    let shell = shell(desk, ctx, Nav::Models, format!("Delete {}", provider.name)).await?;
    let back_url = format!("/providers/{}", provider.id);
    html(status, &FormPage { shell, back_url, back: provider.name.clone(), form })
}

async fn living(desk: &Desk, id: i64) -> Result<Provider, AppError> {
    service::living(desk, ProviderId(id)).await.map_err(provider_error)
}

/// What a form that was refused shows: its status, what is wrong with which field, and what is wrong with the whole.
type Refusal = (StatusCode, BTreeMap<String, String>, String);

fn refusal(error: ProviderError) -> Result<Refusal, AppError> {
    Ok(match error {
        ProviderError::Invalid(fields) => (StatusCode::UNPROCESSABLE_ENTITY, fields, String::new()),
        ProviderError::DuplicateName => {
            let fields = BTreeMap::from([("name".to_owned(), "is already taken by another provider".to_owned())]);
            (StatusCode::UNPROCESSABLE_ENTITY, fields, String::new())
        }
        ProviderError::Changed => (StatusCode::CONFLICT, BTreeMap::new(), format!("Not saved: {error}.")),
        ProviderError::VaultLocked(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, BTreeMap::new(), format!("Not saved: {error}."))
        }
        other => return Err(provider_error(other)),
    })
}

fn refused_words(lead: &str, had_key: bool) -> String {
    let lead = if lead.is_empty() { "Some fields need another look. Nothing was saved." } else { lead };
    let key = if had_key { " The key is not kept: paste it once more." } else { "" };
    format!("{lead}{key}")
}

/// A form as it is shown.
struct Filled {
    given: GivenProvider,
    errors: BTreeMap<String, String>,
    error: String,
}

impl Filled {
    fn of(provider: &Provider) -> Self {
        Self { given: GivenProvider::of(provider), errors: BTreeMap::new(), error: String::new() }
    }
}

async fn new_page(
    desk: &Desk,
    ctx: &Ctx,
    status: StatusCode,
    given: &GivenProvider,
    errors: &BTreeMap<String, String>,
    error: String,
) -> Result<HttpResponse, AppError> {
    let page = NewProviderPage {
        shell: shell(desk, ctx, Nav::Models, "New provider").await?,
        error,
        groups: words::groups(given, errors, None),
        addresses: words::addresses(),
        locked: locked(ctx, Permission::Credentials, NOT_YOURS),
    };
    html(status, &page)
}

fn locked(ctx: &Ctx, needs: Permission, why: &str) -> String {
    if ctx.actor.may(needs) { String::new() } else { why.to_owned() }
}

async fn page(
    desk: &Desk,
    ctx: &Ctx,
    status: StatusCode,
    provider: &Provider,
    filled: Filled,
    probe: ProviderProbe,
) -> Result<HttpResponse, AppError> {
    let users = service::used_by(desk, provider.id).await?;
    let known = desk.store.answer_modes(provider.id).await?;
    let kept_by = match users.as_slice() {
        [] => String::new(),
        users => format!("Not while it is used by {}.", users.join(", ")),
    };
    let page = ProviderPage {
        shell: shell(desk, ctx, Nav::Models, provider.name.clone()).await?,
        id: provider.id.0,
        name: provider.name.clone(),
        facts: words::facts(provider, &users, &known, desk.clock.now()),
        error: filled.error,
        version: provider.version,
        groups: words::groups(&filled.given, &filled.errors, Some(provider)),
        locked: locked(ctx, Permission::Credentials, NOT_YOURS),
        kept_by,
        probe,
    };
    html(status, &page)
}
