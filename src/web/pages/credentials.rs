//! Exchange keys on the settings page. A form that is refused comes back empty: what was typed is gone, and it says so.

use super::html;
use super::settings::page_with_keys;
use super::shell::{env_of, shell};
use crate::domain::access::Permission;
use crate::domain::arming::Unarmed;
use crate::domain::credential::{CheckCode, Credential, KeyCheck, KeyField, KeyPermissions};
use crate::domain::time::Timestamp;
use crate::domain::trader::Trader;
use crate::domain::venue_kind::{ExchangeEnvironment, VenueKind};
use crate::services::arming::gate;
use crate::services::credentials::{self, CredentialError, CredentialsChanged, GivenPair, venue_of};
use crate::services::desk::Desk;
use crate::web::api::credentials::{credential_error, field_name, read_pair};
use crate::web::api::wire::model;
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::FormInput;
use crate::web::view::{
    Badge, ConfirmForm, CredentialsPanel, Field, FieldKind, FormPage, GateStep, GateView, KeyCard, KeyValue, Nav, Tone,
};
use crate::web::{flash, show};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use std::collections::BTreeMap;

/// Why an operator cannot save or delete keys.
const NOT_YOURS: &str = "Only an administrator may save or delete exchange keys.";
/// Said above a form that was refused.
const TYPED_ANEW: &str = "Nothing was saved. The fields are empty on purpose: paste key and secret once more.";

/// What was just done with the key of one environment.
#[derive(Clone, Debug)]
pub struct Told {
    /// Which key.
    pub environment: ExchangeEnvironment,
    /// What was done; may be empty.
    pub done: String,
    /// What was wrong; may be empty.
    pub error: String,
    /// What is wrong with each half.
    pub fields: BTreeMap<String, String>,
}

impl Told {
    fn done(environment: ExchangeEnvironment, done: String) -> Self {
        Self { environment, done, error: String::new(), fields: BTreeMap::new() }
    }

    fn refused(environment: ExchangeEnvironment, error: String) -> Self {
        Self { environment, done: String::new(), error, fields: BTreeMap::new() }
    }
}

/// The keys of a model as they stand.
///
/// # Errors
/// When the database fails.
pub async fn panel(desk: &Desk, ctx: &Ctx, trader: &Trader, told: Option<Told>) -> Result<CredentialsPanel, AppError> {
    let stored = desk.store.credentials(Some(trader.id)).await?;
    let now = desk.clock.now();
    let mut cards = Vec::new();
    for environment in [ExchangeEnvironment::Testnet, ExchangeEnvironment::Mainnet] {
        let credential = stored.iter().find(|credential| credential.environment == environment);
        let told = told.as_ref().filter(|told| told.environment == environment);
        let mut card = card(ctx, environment, credential, told, now);
        let matters = credential.is_some() || trader.axes.exchange_environment == ExchangeEnvironment::Mainnet;
        if environment == ExchangeEnvironment::Mainnet && matters {
            card.gate = Some(gate_view(desk, ctx, trader, now).await?);
        }
        cards.push(card);
    }
    let vault_problem = desk.vault.key_id().err().map_or_else(String::new, |error| format!("{error}."));
    Ok(CredentialsPanel { csrf: ctx.csrf.clone(), id: trader.id.0, name: trader.name.clone(), vault_problem, cards })
}

fn card(
    ctx: &Ctx,
    environment: ExchangeEnvironment,
    credential: Option<&Credential>,
    told: Option<&Told>,
    now: Timestamp,
) -> KeyCard {
    let check = credential.and_then(|credential| credential.check.as_ref());
    let failed = check.filter(|check| check.code != CheckCode::Ok).map(|check| check.message.clone());
    let error = told.map(|told| told.error.clone()).filter(|error| !error.is_empty()).or(failed);
    let field = |half: KeyField, label: &str, help: &str| {
        let name = field_name(environment, half);
        let why = told.and_then(|told| told.fields.get(&name));
        let why = why.map_or_else(String::new, |why| format!("{label} {why}."));
        Field::new(name, label, FieldKind::Password, "").help(help).error(why).required()
    };
    let is_saved = credential.is_some();
    KeyCard {
        environment: environment.as_str(),
        env: env_of(venue_of(environment)),
        title: format!("Binance {environment} key"),
        state: state(credential, now),
        checked: check.map(|check| show::when(check.at.0, now.0)),
        is_saved,
        facts: credential.map_or_else(Vec::new, |credential| facts(credential, now)),
        error: error.unwrap_or_default(),
        done: told.map_or_else(String::new, |told| told.done.clone()),
        fields: vec![
            field(KeyField::ApiKey, "API key", "64 letters and digits. Spaces and line breaks are removed."),
            field(
                KeyField::ApiSecret,
                "Secret",
                "The 64 characters of the secret, or an Ed25519 private key (PEM). Never shown after saving.",
            ),
        ],
        submit: format!("{} {environment} key", if is_saved { "Replace" } else { "Save" }),
        locked: if ctx.actor.may(Permission::Credentials) { String::new() } else { NOT_YOURS.to_owned() },
        may_verify: ctx.actor.may(Permission::Operate),
        gate: None,
    }
}

/// How a key stands, in a word or two; the time of its check is shown beside.
fn state(credential: Option<&Credential>, now: Timestamp) -> Badge {
    let (text, tone) = match credential {
        None => ("none saved", Tone::Plain),
        Some(credential) => match credential.check.as_ref().map(|check| check.code) {
            None => ("saved, not verified", Tone::Wait),
            Some(CheckCode::Ok) if credential.is_usable(now) => ("verified, can trade", Tone::Good),
            Some(CheckCode::Ok) => ("verified too long ago for real money", Tone::Wait),
            Some(code) => (failure(code), Tone::Bad),
        },
    };
    Badge { text: text.to_owned(), tone }
}

const fn failure(code: CheckCode) -> &'static str {
    match code {
        CheckCode::BadKey => "failed: the exchange does not accept it",
        CheckCode::WrongEnvironment => "failed: key of the other environment",
        CheckCode::CannotTrade => "failed: it cannot trade",
        CheckCode::KeyCanWithdraw => "refused: it can withdraw or transfer",
        CheckCode::PermissionsUnknown => "refused: its permissions are unknown",
        _ => "failed",
    }
}

fn facts(credential: &Credential, now: Timestamp) -> Vec<KeyValue> {
    let saved = show::when(credential.saved_at.0, now.0);
    let mut facts = vec![
        KeyValue::new("Key ending in", format!("…{}", credential.key_last4)),
        KeyValue::new("Account fingerprint", credential.fingerprint.as_str()),
        KeyValue::new("Saved", format!("{} ({})", saved.text, saved.abs)),
    ];
    if let Some(KeyCheck { permissions, .. }) = &credential.check
        && *permissions != KeyPermissions::default()
    {
        let said = |answer: Option<bool>, yes: &str, no: &str| {
            answer.map_or("the exchange does not tell", |answer| if answer { yes } else { no }).to_owned()
        };
        let KeyPermissions { can_trade, ip_restricted, can_withdraw, granted } = permissions;
        facts.push(KeyValue::new("Can trade", said(Some(*can_trade), "yes", "no")));
        facts.push(KeyValue::new("Can withdraw or transfer", said(*can_withdraw, "yes", "no")));
        let anywhere = "any address: restrict it at the exchange";
        facts.push(KeyValue::new("Works from", said(*ip_restricted, "named addresses only", anywhere)));
        if !granted.is_empty() {
            facts.push(KeyValue::new("Permissions", granted.join(", ")));
        }
    }
    facts
}

async fn gate_view(desk: &Desk, ctx: &Ctx, trader: &Trader, now: Timestamp) -> Result<GateView, AppError> {
    let gate = gate(desk, trader, now).await?;
    let usable = gate.credential.as_ref().is_some_and(|credential| credential.is_usable(now));
    let step = |done, text: &str| GateStep { done, text: text.to_owned() };
    let steps = vec![
        step(desk.policy.allow_mainnet, "The server was started with --allow-mainnet"),
        step(trader.axes.venue_kind() == VenueKind::Mainnet, "The model trades live on mainnet"),
        step(gate.credential.is_some(), "A mainnet key is saved"),
        step(usable, "It was verified within the last 24 hours, and cannot withdraw"),
        step(false, "An administrator arms the model by typing its name"),
    ];
    let armed = gate.arm.as_ref();
    let hindered =
        gate.verdict().err().map_or_else(String::new, |why| format!(" At this moment it opens nothing: {why}."));
    let blocked = match gate.missing {
        Some(Unarmed::SwitchedOff) => "Real money is switched off for this installation.".to_owned(),
        Some(_) => "Complete the steps above first; arming is the last one.".to_owned(),
        None if !ctx.actor.may(Permission::Arm) => "Only an administrator may arm it.".to_owned(),
        None => String::new(),
    };
    Ok(GateView {
        steps,
        armed_by: armed.map_or_else(String::new, |arm| {
            format!(
                "Armed by {} at {}, for opening positions only; closing them needs no arming. Another place, another key \
                 or more freedom ends it at once.{hindered}",
                arm.by,
                show::timestamp(arm.at.0)
            )
        }),
        armed_until: armed.map(|arm| show::countdown(arm.until.0, now.0)),
        blocked,
        may_disarm: ctx.actor.may(Permission::Operate),
    })
}

/// The environment in an address.
fn parse_environment(word: &str) -> Result<ExchangeEnvironment, AppError> {
    ExchangeEnvironment::parse(word).ok_or_else(|| AppError::for_status(StatusCode::NOT_FOUND))
}

/// `POST /models/{id}/credentials/{environment}`
///
/// # Errors
/// 404, or when the database fails; a form that is refused is the page with 409 or 422.
pub async fn save(
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<(i64, String)>,
    mut form: FormInput,
) -> Result<HttpResponse, AppError> {
    let (id, word) = path.into_inner();
    let (trader, environment) = (model(&desk, id).await?, parse_environment(&word)?);
    let given = read_pair(&mut form, environment, field_name).unwrap_or(GivenPair {
        environment,
        api_key: String::new().into(),
        api_secret: String::new().into(),
    });
    form.refuse_unknown();
    let mut told = Told::refused(environment, TYPED_ANEW.to_owned());
    told.fields.clone_from(form.errors());
    if !told.fields.is_empty() {
        return page_with_keys(&desk, &ctx, StatusCode::UNPROCESSABLE_ENTITY, &trader, told).await;
    }
    match credentials::save(&desk, trader.id, &[given], &ctx.actor.name()).await {
        Ok(changed) => {
            let text = saved_words(environment, &changed);
            answer(&desk, &ctx, &trader, Tone::Good, Told::done(environment, text)).await
        }
        Err(CredentialError::Invalid(problems)) => {
            let named = |(environment, field, problem): credentials::FieldProblem| {
                (field_name(environment, field), problem.to_string())
            };
            told.fields = problems.into_iter().map(named).collect();
            page_with_keys(&desk, &ctx, StatusCode::UNPROCESSABLE_ENTITY, &trader, told).await
        }
        Err(error) => refused(&desk, &ctx, &trader, environment, error).await,
    }
}

fn saved_words(environment: ExchangeEnvironment, changed: &CredentialsChanged) -> String {
    let mut text = format!("The {environment} key is saved and sealed. Verify it next.");
    if !changed.cleaned.is_empty() {
        text.push_str(" Spaces or line breaks were removed from what you pasted.");
    }
    text + &cancelled_words(changed)
}

fn cancelled_words(changed: &CredentialsChanged) -> String {
    let gone = changed.settled.decisions + changed.settled.orders;
    match u64::try_from(gone).unwrap_or(u64::MAX) {
        0 => String::new(),
        gone => {
            let words =
                show::plural(gone, "waiting decision or unsent order was", "waiting decisions and unsent orders were");
            format!(" {words} cancelled.")
        }
    }
}

/// `POST /models/{id}/credentials/{environment}/verify`
///
/// # Errors
/// 404, or when the database fails.
pub async fn verify(desk: web::Data<Desk>, ctx: Ctx, path: web::Path<(i64, String)>) -> Result<HttpResponse, AppError> {
    let (id, word) = path.into_inner();
    let (trader, environment) = (model(&desk, id).await?, parse_environment(&word)?);
    match credentials::verify(&desk, trader.id, environment, &ctx.actor.name()).await {
        Ok(check) if check.code == CheckCode::Ok => {
            answer(&desk, &ctx, &trader, Tone::Good, Told::done(environment, check.message)).await
        }
        Ok(check) => answer(&desk, &ctx, &trader, Tone::Bad, Told::refused(environment, check.message)).await,
        Err(error) => refused(&desk, &ctx, &trader, environment, error).await,
    }
}

/// `GET /models/{id}/credentials/{environment}/delete`: asks once.
///
/// # Errors
/// 404, or when the database fails.
pub async fn delete_form(
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<(i64, String)>,
) -> Result<HttpResponse, AppError> {
    let (id, word) = path.into_inner();
    let (trader, environment) = (model(&desk, id).await?, parse_environment(&word)?);
    confirmation(&desk, &ctx, StatusCode::OK, &trader, environment, "").await
}

/// `POST /models/{id}/credentials/{environment}/delete`
///
/// # Errors
/// 404, or when the database fails.
pub async fn delete(desk: web::Data<Desk>, ctx: Ctx, path: web::Path<(i64, String)>) -> Result<HttpResponse, AppError> {
    let (id, word) = path.into_inner();
    let (trader, environment) = (model(&desk, id).await?, parse_environment(&word)?);
    match credentials::delete(&desk, trader.id, &[environment], &ctx.actor.name()).await {
        Ok(changed) => {
            let text = match changed.pairs {
                0 => format!("There is no {environment} key any more."),
                _ => format!("The {environment} key is deleted.{}", cancelled_words(&changed)),
            };
            Ok(flash::redirect(&ctx, &settings_url(&trader), Tone::Plain, &text))
        }
        Err(error @ CredentialError::OrdersUnresolved { .. }) => {
            let why = format!("Not deleted: {error}.");
            confirmation(&desk, &ctx, StatusCode::CONFLICT, &trader, environment, &why).await
        }
        Err(error) => Err(credential_error(error)),
    }
}

async fn confirmation(
    desk: &Desk,
    ctx: &Ctx,
    status: StatusCode,
    trader: &Trader,
    environment: ExchangeEnvironment,
    error: &str,
) -> Result<HttpResponse, AppError> {
    let form = ConfirmForm::delete_key(&ctx.csrf, trader.id.0, &trader.name, env_of(venue_of(environment)), error);
    if ctx.is_htmx {
        return html(status, &form);
    }
    let shell = shell(desk, ctx, Nav::Models, format!("Delete a key of {}", trader.name)).await?;
    html(
        status,
        &FormPage { shell, back_url: settings_url(trader), back: format!("Settings of {}", trader.name), form },
    )
}

/// To htmx the page, of which it takes what changed; to a plain form a redirect with the sentence.
async fn answer(desk: &Desk, ctx: &Ctx, trader: &Trader, tone: Tone, told: Told) -> Result<HttpResponse, AppError> {
    if ctx.is_htmx {
        return page_with_keys(desk, ctx, StatusCode::OK, trader, told).await;
    }
    let text = if told.error.is_empty() { told.done } else { told.error };
    Ok(flash::redirect(ctx, &settings_url(trader), tone, &text))
}

async fn refused(
    desk: &Desk,
    ctx: &Ctx,
    trader: &Trader,
    environment: ExchangeEnvironment,
    error: CredentialError,
) -> Result<HttpResponse, AppError> {
    match error {
        CredentialError::OrdersUnresolved { .. } | CredentialError::VaultLocked(_) | CredentialError::Contended => {
            let told = Told::refused(environment, format!("Nothing was changed: {error}."));
            page_with_keys(desk, ctx, StatusCode::CONFLICT, trader, told).await
        }
        error => Err(credential_error(error)),
    }
}

fn settings_url(trader: &Trader) -> String {
    format!("/models/{}/settings", trader.id)
}
