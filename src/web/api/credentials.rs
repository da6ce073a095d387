//! A model's exchange keys: they go in and never come out. What is told is which there are and what a check found.

use super::wire::{done, model, time};
use crate::domain::arming::Unarmed;
use crate::domain::credential::{CheckCode, Credential, KeyField, KeyPermissions, PASTED_MAX};
use crate::domain::venue_kind::{ExchangeEnvironment, ExchangeType};
use crate::services::arming::ArmError;
use crate::services::credentials::{self, CredentialError, FieldProblem, GivenPair};
use crate::services::desk::Desk;
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::{Input, JsonInput, QueryInput};
use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use serde::Serialize;
use utoipa::ToSchema;

/// Which keys a model has.
#[derive(Serialize, ToSchema)]
pub struct CredentialsAnswer {
    /// Whether there is any pair.
    pub configured: bool,
    /// Whether there is a mainnet pair.
    pub has_mainnet: bool,
    /// Whether there is a testnet pair.
    pub has_testnet: bool,
    /// `binance`.
    pub exchange_type: &'static str,
    /// When the pair of the current exchange environment was last verified.
    pub last_validated: Option<String>,
    /// Whether the pair of the current exchange environment is there and its last check did not fail.
    pub is_active: bool,
    /// The last four characters of the testnet key.
    pub testnet_key_last4: Option<String>,
    /// The last four characters of the mainnet key.
    pub mainnet_key_last4: Option<String>,
}

/// The answer to keys that were saved.
#[derive(Serialize, ToSchema)]
pub struct CredentialsSaved {
    /// Always true.
    pub success: bool,
    /// What was done.
    pub message: &'static str,
    /// What was changed in the texts that were sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What a check of a key found.
#[derive(Serialize, ToSchema)]
pub struct ValidateAnswer {
    /// Whether the key works and may be used.
    pub valid: bool,
    /// In words.
    pub message: String,
    /// `ok`, `not_configured`, `bad_key`, `wrong_environment`, `clock_skew`, `unreachable`, `rate_limited`,
    /// `unreadable_answer`, `cannot_trade`, `key_can_withdraw`, `permissions_unknown` or `vault_locked`.
    pub code: &'static str,
    /// What the key may do.
    pub permissions: PermissionsRow,
}

/// What a key may do; null is what the exchange does not tell.
#[derive(Serialize, ToSchema)]
pub struct PermissionsRow {
    /// Whether it can trade on spot.
    pub can_trade: bool,
    /// Whether it can withdraw or transfer.
    pub can_withdraw: Option<bool>,
    /// Whether it works from named addresses only.
    pub ip_restricted: Option<bool>,
    /// The exchange's own words.
    pub granted: Vec<String>,
}

impl From<KeyPermissions> for PermissionsRow {
    fn from(permissions: KeyPermissions) -> Self {
        let KeyPermissions { can_trade, ip_restricted, can_withdraw, granted } = permissions;
        Self { can_trade, can_withdraw, ip_restricted, granted }
    }
}

/// `GET /api/models/{id}/exchange/credentials`
///
/// # Errors
/// 404.
pub async fn show(desk: Data<Desk>, id: Path<i64>) -> Result<HttpResponse, AppError> {
    let trader = model(&desk, *id).await?;
    let stored = desk.store.credentials(Some(trader.id)).await?;
    let of = |environment| stored.iter().find(|credential| credential.environment == environment);
    let (testnet, mainnet) = (of(ExchangeEnvironment::Testnet), of(ExchangeEnvironment::Mainnet));
    let current = of(trader.axes.exchange_environment);
    let check = current.and_then(|credential| credential.check.as_ref());
    let last4 = |credential: &Credential| credential.key_last4.clone();
    Ok(HttpResponse::Ok().json(CredentialsAnswer {
        configured: !stored.is_empty(),
        has_mainnet: mainnet.is_some(),
        has_testnet: testnet.is_some(),
        exchange_type: trader.exchange_type.as_str(),
        last_validated: check.map(|check| time(check.at)),
        is_active: current.is_some() && check.is_none_or(|check| check.code == CheckCode::Ok),
        testnet_key_last4: testnet.map(last4),
        mainnet_key_last4: mainnet.map(last4),
    }))
}

/// `POST /api/models/{id}/exchange/credentials`: pairs; one that is not sent stays.
///
/// # Errors
/// 404, 409 `orders_unresolved`, 422 with every field that was wrong, 503 `vault_locked`.
pub async fn save(desk: Data<Desk>, ctx: Ctx, id: Path<i64>, mut input: JsonInput) -> Result<HttpResponse, AppError> {
    let trader = model(&desk, *id).await?;
    input.word("exchange_type", &["binance"], ExchangeType::parse);
    let pairs: Vec<GivenPair> = [ExchangeEnvironment::Mainnet, ExchangeEnvironment::Testnet]
        .into_iter()
        .filter_map(|environment| read_pair(&mut input, environment, field_name))
        .collect();
    if pairs.is_empty() && input.errors().is_empty() {
        let both = "is required: send testnet_api_key with testnet_api_secret, or api_key with api_secret";
        input.fail("testnet_api_key", both);
    }
    input.refuse_unknown();
    input.0.finish()?;
    let saved = credentials::save(&desk, trader.id, &pairs, &ctx.actor.name()).await.map_err(credential_error)?;
    let warning = |(environment, field): &(ExchangeEnvironment, KeyField)| {
        format!("{}: spaces or line breaks were removed", field_name(*environment, *field))
    };
    Ok(HttpResponse::Ok().json(CredentialsSaved {
        success: true,
        message: "Exchange credentials saved successfully",
        warnings: saved.cleaned.iter().map(warning).collect(),
    }))
}

/// `DELETE /api/models/{id}/exchange/credentials?environment=`; both pairs unless one is named.
///
/// # Errors
/// 404, 409 `orders_unresolved`, 422.
pub async fn delete(
    desk: Data<Desk>,
    ctx: Ctx,
    id: Path<i64>,
    mut query: QueryInput,
) -> Result<HttpResponse, AppError> {
    let trader = model(&desk, *id).await?;
    let environment = read_environment(&mut query);
    query.refuse_unknown();
    query.0.finish()?;
    let environments = environment.map_or_else(|| ExchangeEnvironment::ALL.to_vec(), |one| vec![one]);
    let by = ctx.actor.name();
    credentials::delete(&desk, trader.id, &environments, &by).await.map_err(credential_error)?;
    Ok(done("Exchange credentials deleted"))
}

/// `POST /api/models/{id}/exchange/validate?environment=`; the current environment unless another is named.
///
/// # Errors
/// 404, 422; whatever is wrong with the key is an answer.
pub async fn validate(
    desk: Data<Desk>,
    ctx: Ctx,
    id: Path<i64>,
    mut query: QueryInput,
) -> Result<HttpResponse, AppError> {
    let trader = model(&desk, *id).await?;
    let environment = read_environment(&mut query);
    query.refuse_unknown();
    query.0.finish()?;
    let environment = environment.unwrap_or(trader.axes.exchange_environment);
    let by = ctx.actor.name();
    let check = credentials::verify(&desk, trader.id, environment, &by).await.map_err(credential_error)?;
    Ok(HttpResponse::Ok().json(ValidateAnswer {
        valid: check.code == CheckCode::Ok,
        message: check.message,
        code: check.code.as_str(),
        permissions: check.permissions.into(),
    }))
}

fn read_environment(query: &mut Input) -> Option<ExchangeEnvironment> {
    query.word("environment", &["testnet", "mainnet"], ExchangeEnvironment::parse)
}

/// The name of a field of the API: mainnet's have no prefix.
pub fn field_name(environment: ExchangeEnvironment, field: KeyField) -> String {
    match environment {
        ExchangeEnvironment::Testnet => format!("testnet_{}", field.as_str()),
        ExchangeEnvironment::Mainnet => field.as_str().to_owned(),
    }
}

/// Takes a pair out of an input; none when neither half was sent. Empty counts as not sent.
pub fn read_pair(
    input: &mut Input,
    environment: ExchangeEnvironment,
    name: impl Fn(ExchangeEnvironment, KeyField) -> String,
) -> Option<GivenPair> {
    let api_key = input.secret(&name(environment, KeyField::ApiKey), PASTED_MAX);
    let api_secret = input.secret(&name(environment, KeyField::ApiSecret), PASTED_MAX);
    if api_key.is_none() && api_secret.is_none() {
        return None;
    }
    let given =
        GivenPair { environment, api_key: api_key.unwrap_or_default(), api_secret: api_secret.unwrap_or_default() };
    Some(given)
}

/// What a refusal of the service is to the outside.
pub fn credential_error(error: CredentialError) -> AppError {
    let message = format!("{error}.");
    match error {
        CredentialError::NotFound(_) => AppError::not_found("model"),
        CredentialError::Invalid(problems) => {
            let name =
                |(environment, field, problem): FieldProblem| (field_name(environment, field), problem.to_string());
            AppError::invalid(problems.into_iter().map(name).collect())
        }
        CredentialError::OrdersUnresolved { .. } => AppError::conflict("orders_unresolved", message),
        CredentialError::VaultLocked(_) => AppError::unavailable("vault_locked", message),
        CredentialError::Contended => AppError::conflict("contended", message),
        CredentialError::Store(error) => error.into(),
    }
}

/// What a refusal to arm is to the outside.
pub fn arm_error(error: ArmError) -> AppError {
    let message = format!("{error}.");
    match error {
        ArmError::NotFound(_) => AppError::not_found("model"),
        ArmError::NameMismatch => AppError::invalid([("name".to_owned(), "is not the model's name".to_owned())].into()),
        ArmError::NotReady(Unarmed::SwitchedOff) => AppError::forbidden("mainnet_disabled", message),
        ArmError::NotReady(_) => AppError::conflict("not_ready", message),
        ArmError::Contended => AppError::conflict("contended", message),
        ArmError::Store(error) => error.into(),
    }
}
