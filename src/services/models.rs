//! Models: created, edited, switched between environments and levels, paused, resumed and deleted. Every change is
//! audited; changing an axis or the order style cancels what waits.

use crate::domain::book::Book;
use crate::domain::ids::{BookId, ProviderId, TraderId};
use crate::domain::incident::{IncidentKind, NewIncident, Severity};
use crate::domain::money::Money;
use crate::domain::order::OrderStatus;
use crate::domain::time::Timestamp;
use crate::domain::trader::{Trader, TradingState, check_name};
use crate::domain::trader_settings::{SPECS, TraderSettings};
use crate::domain::venue_kind::{
    AutomationLevel, Axes, ExchangeEnvironment, ExchangeType, TradingEnvironment, VenueKind,
};
use crate::ports::store::{AuditEntry, Changes, CommitError, Guard, IdKind, StoreError};
use crate::services::arming::must_be_armed_anew;
use crate::services::choose_advisor::check_advisor;
use crate::services::cycle_parts::open_book;
use crate::services::desk::{COMMIT_ATTEMPTS, Desk, is_conflict};
use crate::services::live_feed::Topic;
use crate::services::run_cycle::told;
use crate::services::settle::cancel_waiting;
use std::collections::BTreeMap;

/// Why a model was not changed. Nothing is changed then.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// No such model, or it was deleted.
    #[error("model {0} does not exist")]
    NotFound(TraderId),
    /// Another model has this name.
    #[error("name is already taken by another model")]
    DuplicateName,
    /// Fields break their rules.
    #[error("some fields are not valid")]
    Invalid(BTreeMap<String, String>),
    /// Real money is switched off for this installation.
    #[error("mainnet is switched off: start the server with --allow-mainnet to choose it")]
    MainnetDisabled,
    /// Full automation must be confirmed.
    #[error("fully automated trading must be confirmed")]
    ConfirmationRequired,
    /// The typed name does not match.
    #[error("the typed name is not the model's name")]
    NameMismatch,
    /// Orders are under way.
    #[error("{0} orders are under way; cancel them or wait until they are done")]
    OrdersUnderWay(usize),
    /// Others kept changing it.
    #[error("the model keeps changing; try again")]
    Contended,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A new model.
#[derive(Clone, Debug, Default)]
pub struct NewModel {
    /// Unique.
    pub name: String,
    /// Who answers.
    pub provider_id: i64,
    /// Which advisor of the provider.
    pub model_name: String,
    /// Settings as text, by key; the rest takes its default.
    pub settings: Vec<(String, String)>,
    /// Where it trades and how it acts; the safest corner unless given.
    pub axes: Axes,
}

/// Creates a model with its simulation book.
///
/// # Errors
/// [`ModelError::Invalid`] names every bad field.
pub async fn create(desk: &Desk, new: NewModel, by: &str) -> Result<Trader, ModelError> {
    let mut fields = BTreeMap::new();
    check_name_field(&new.name, &mut fields);
    let relies_on = check_advisor(desk, new.provider_id, &new.model_name, &mut fields).await?;
    let mut settings = TraderSettings::default();
    apply(&mut settings, &new.settings, &mut fields);
    if !fields.is_empty() {
        return Err(ModelError::Invalid(fields));
    }
    check_mainnet(desk, new.axes)?;
    let at = desk.clock.now();
    let trader = Trader {
        id: TraderId(desk.next_id(IdKind::Trader).await?),
        name: new.name,
        provider_id: ProviderId(new.provider_id),
        model_name: new.model_name,
        exchange_type: ExchangeType::Binance,
        axes: new.axes,
        state: TradingState::Active,
        settings,
        next_run_at: None,
        api_errors: 0,
        model_errors: 0,
        created_at: at,
        deleted_at: None,
        version: 1,
    };
    let book = BookId(desk.next_id(IdKind::Book).await?);
    let capital = Money::new(trader.settings.initial_capital);
    let mut changes = Changes {
        guards: relies_on.into_iter().collect(),
        new_traders: vec![trader.clone()],
        audit: vec![audit(at, by, "model.create", &trader, &format!("{} with {}", trader.name, trader.model_name))],
        ..Changes::default()
    };
    open_book(&mut changes, Book::open(book, trader.id, VenueKind::Simulation, capital, desk.markets.simulation.now()));
    match desk.store.commit(changes).await {
        Ok(()) => {}
        Err(CommitError::Duplicate(_)) => return Err(ModelError::DuplicateName),
        Err(error) => return Err(as_model_error(error)),
    }
    desk.live.publish(Topic::Model, Some(trader.id.0), Some(trader.id));
    Ok(trader)
}

fn check_name_field(name: &str, fields: &mut BTreeMap<String, String>) {
    if let Err(error) = check_name(name) {
        fields.insert("name".to_owned(), error.to_string());
    }
}

fn apply(settings: &mut TraderSettings, values: &[(String, String)], fields: &mut BTreeMap<String, String>) {
    for (key, text) in values {
        if let Err(error) = settings.set(key, text) {
            fields.insert(key.clone(), error.to_string());
        }
    }
}

fn check_mainnet(desk: &Desk, axes: Axes) -> Result<(), ModelError> {
    let refused = axes.exchange_environment == ExchangeEnvironment::Mainnet && !desk.policy.allow_mainnet;
    if refused { Err(ModelError::MainnetDisabled) } else { Ok(()) }
}

/// What may be edited beside the settings.
#[derive(Clone, Debug, Default)]
pub struct ModelEdit {
    /// A new name.
    pub name: Option<String>,
    /// Another advisor.
    pub advisor: Option<(i64, String)>,
    /// Settings as text, by key.
    pub settings: Vec<(String, String)>,
}

/// Changes name, advisor and settings; all or nothing.
///
/// # Errors
/// [`ModelError::Invalid`] names every bad field.
pub async fn edit(desk: &Desk, id: TraderId, edit: &ModelEdit, by: &str) -> Result<Trader, ModelError> {
    let (mut advisor_fields, mut relies_on) = (BTreeMap::new(), None);
    if let Some((provider, model_name)) = &edit.advisor {
        relies_on = check_advisor(desk, *provider, model_name, &mut advisor_fields).await?;
    }
    change(desk, id, by, |trader| {
        let mut fields = advisor_fields.clone();
        let before = trader.clone();
        if let Some(name) = &edit.name {
            check_name_field(name, &mut fields);
            trader.name.clone_from(name);
        }
        if let Some((provider, model_name)) = &edit.advisor {
            trader.provider_id = ProviderId(*provider);
            trader.model_name.clone_from(model_name);
        }
        apply(&mut trader.settings, &edit.settings, &mut fields);
        if !fields.is_empty() {
            return Err(ModelError::Invalid(fields));
        }
        let style_changed = before.settings.order_style != trader.settings.order_style;
        Ok(Change {
            action: "model.settings",
            detail: difference(&before, trader),
            incident: None,
            cancels: style_changed.then_some("the order style changed"),
            relies_on: relies_on.clone(),
        })
    })
    .await
}

fn difference(old: &Trader, new: &Trader) -> String {
    let mut lines = Vec::new();
    let mut note = |key: &str, old: String, new: String| {
        if old != new {
            lines.push(format!("{key} {old} -> {new}"));
        }
    };
    note("name", old.name.clone(), new.name.clone());
    note("provider_id", old.provider_id.to_string(), new.provider_id.to_string());
    note("model_name", old.model_name.clone(), new.model_name.clone());
    for spec in SPECS {
        note(spec.key, old.settings.get(spec.key).unwrap_or_default(), new.settings.get(spec.key).unwrap_or_default());
    }
    lines.join(", ")
}

/// One change of a model, as its audit line, incident and consequence.
struct Change {
    action: &'static str,
    detail: String,
    incident: Option<(IncidentKind, Severity, String)>,
    cancels: Option<&'static str>,
    relies_on: Option<Guard>,
}

/// Applies a change with everything that follows from it, in one commit. Nothing happens when nothing changed.
async fn change(
    desk: &Desk,
    id: TraderId,
    by: &str,
    mut apply: impl FnMut(&mut Trader) -> Result<Change, ModelError>,
) -> Result<Trader, ModelError> {
    for _ in 0..COMMIT_ATTEMPTS {
        let before = desk.store.trader(id).await?.filter(|trader| trader.deleted_at.is_none());
        let before = before.ok_or(ModelError::NotFound(id))?;
        let mut trader = before.clone();
        let what = apply(&mut trader)?;
        if trader == before {
            return Ok(before);
        }
        trader.version += 1;
        let at = desk.clock.now();
        let mut changes = Changes {
            guards: what.relies_on.into_iter().collect(),
            audit: vec![audit(at, by, what.action, &trader, &what.detail)],
            ..Changes::default()
        };
        if let Some(reason) = what.cancels {
            cancel_waiting(desk, &mut changes, id, by, reason, at).await?;
        }
        if let Some((kind, severity, title)) = what.incident {
            let incident = NewIncident {
                kind,
                severity,
                trader_id: Some(id),
                title,
                detail: format!("{} by {by}", what.detail),
                fingerprint: format!("{} {}", trader.version, what.detail),
                at,
            };
            if severity >= Severity::High {
                changes.notifications.push(told(&incident));
            }
            changes.incidents.push(incident);
        }
        if trader.deleted_at.is_some() || must_be_armed_anew(before.axes, trader.axes) {
            changes.disarmed.push(id);
        }
        if trader.deleted_at.is_some() {
            // Nobody can use its keys any more, so nobody keeps them.
            let held = desk.store.credentials(Some(id)).await?;
            end_shadows(desk, &mut changes, id, at).await?;
            changes.deleted_credentials.extend(held.iter().map(|key| (id, key.environment, key.version)));
        }
        changes.updated_traders.push((trader.clone(), before.version));
        match desk.store.commit(changes).await {
            Ok(()) => {
                crate::observe::model_changed(&trader, what.action, by);
                for topic in [Topic::Model, Topic::Decision, Topic::Incident] {
                    desk.live.publish(topic, Some(id.0), Some(id));
                }
                return Ok(trader);
            }
            Err(CommitError::Duplicate(_)) => return Err(ModelError::DuplicateName),
            Err(error) if is_conflict(&error) => {}
            Err(error) => return Err(as_model_error(error)),
        }
    }
    Err(ModelError::Contended)
}

/// Chooses simulation or live.
///
/// # Errors
/// [`ModelError::MainnetDisabled`] when live would mean mainnet and that is switched off.
pub async fn set_environment(
    desk: &Desk,
    id: TraderId,
    to: TradingEnvironment,
    by: &str,
) -> Result<Trader, ModelError> {
    change(desk, id, by, |trader| {
        let from = std::mem::replace(&mut trader.axes.trading_environment, to);
        if to == TradingEnvironment::Live {
            check_mainnet(desk, trader.axes)?;
        }
        let severity = if to == TradingEnvironment::Live { Severity::High } else { Severity::Low };
        Ok(axis(trader, "model.environment", IncidentKind::EnvironmentChange, severity, from.as_str(), to.as_str()))
    })
    .await
}

/// Chooses testnet or mainnet.
///
/// # Errors
/// [`ModelError::MainnetDisabled`] when mainnet is switched off for this installation.
pub async fn set_exchange_environment(
    desk: &Desk,
    id: TraderId,
    to: ExchangeEnvironment,
    by: &str,
) -> Result<Trader, ModelError> {
    change(desk, id, by, |trader| {
        let from = std::mem::replace(&mut trader.axes.exchange_environment, to);
        check_mainnet(desk, trader.axes)?;
        let severity = if to == ExchangeEnvironment::Mainnet { Severity::Critical } else { Severity::Low };
        Ok(axis(
            trader,
            "model.exchange_environment",
            IncidentKind::ExchangeEnvChange,
            severity,
            from.as_str(),
            to.as_str(),
        ))
    })
    .await
}

/// Chooses whether decisions are shown, asked or executed.
///
/// # Errors
/// [`ModelError::NotFound`] for a model that is gone.
pub async fn set_automation(desk: &Desk, id: TraderId, to: AutomationLevel, by: &str) -> Result<Trader, ModelError> {
    change(desk, id, by, |trader| {
        let from = std::mem::replace(&mut trader.axes.automation_level, to);
        let severity = if to > from { Severity::Medium } else { Severity::Low };
        Ok(axis(trader, "model.automation", IncidentKind::AutomationChange, severity, from.as_str(), to.as_str()))
    })
    .await
}

fn axis(trader: &Trader, action: &'static str, kind: IncidentKind, severity: Severity, from: &str, to: &str) -> Change {
    let title = format!("{}: {from} -> {to}", trader.name);
    Change {
        action,
        detail: format!("{from} -> {to}"),
        incident: Some((kind, severity, title)),
        cancels: Some("where or how the model trades changed"),
        relies_on: None,
    }
}

/// Pauses a model: no cycles, no entries. What waits stays and can be rejected; exits still work.
///
/// # Errors
/// [`ModelError::NotFound`] for a model that is gone.
pub async fn pause(desk: &Desk, id: TraderId, reason: &str, by: &str) -> Result<Trader, ModelError> {
    let at = desk.clock.now();
    change(desk, id, by, |trader| {
        if trader.is_active() {
            trader.state = TradingState::Paused { by: by.to_owned(), reason: reason.to_owned(), at };
        }
        Ok(Change { action: "model.pause", detail: reason.to_owned(), incident: None, cancels: None, relies_on: None })
    })
    .await
}

/// Lets a model run again.
///
/// # Errors
/// [`ModelError::NotFound`] for a model that is gone.
pub async fn resume(desk: &Desk, id: TraderId, by: &str) -> Result<Trader, ModelError> {
    change(desk, id, by, |trader| {
        trader.state = TradingState::Active;
        Ok(Change { action: "model.resume", detail: String::new(), incident: None, cancels: None, relies_on: None })
    })
    .await
}

/// Deletes a model whose name was typed to confirm. Its history stays readable; what waits is cancelled.
///
/// # Errors
/// [`ModelError::NameMismatch`], or [`ModelError::OrdersUnderWay`] while orders are at a venue.
pub async fn delete(desk: &Desk, id: TraderId, typed_name: &str, by: &str) -> Result<Trader, ModelError> {
    let open = desk.store.open_orders(Some(id)).await?;
    let under_way = open.iter().filter(|order| order.status() != OrderStatus::Initialized).count();
    if under_way > 0 {
        return Err(ModelError::OrdersUnderWay(under_way));
    }
    let at = desk.clock.now();
    change(desk, id, by, |trader| {
        if trader.name != typed_name.trim() {
            return Err(ModelError::NameMismatch);
        }
        trader.deleted_at = Some(at);
        Ok(Change {
            action: "model.delete",
            detail: trader.name.clone(),
            incident: None,
            cancels: Some("the model was deleted"),
            relies_on: None,
        })
    })
    .await
}

/// Resets the high-water mark of the current book to its equity now, which re-opens entries after a drawdown. Audited.
///
/// # Errors
/// [`ModelError::Invalid`] when equity is unknown because a price is missing.
pub async fn reset_high_water_mark(desk: &Desk, id: TraderId, by: &str) -> Result<Money, ModelError> {
    for _ in 0..COMMIT_ATTEMPTS {
        let trader = desk
            .store
            .trader(id)
            .await?
            .filter(|trader| trader.deleted_at.is_none())
            .ok_or(ModelError::NotFound(id))?;
        let venue = trader.axes.venue_kind();
        let book = desk.store.book(id, venue).await?.ok_or(ModelError::NotFound(id))?;
        let portfolio = crate::services::read::portfolio(desk, &trader, venue).await?;
        let equity = portfolio.and_then(|portfolio| portfolio.valuation).map(|valuation| valuation.equity);
        let equity = equity.ok_or_else(|| {
            let why = "equity is unknown because a held coin has no current price".to_owned();
            ModelError::Invalid(BTreeMap::from([("high_water_mark".to_owned(), why)]))
        })?;
        let detail = format!("{} -> {}", book.high_water_mark.round(), equity.round());
        let changes = Changes {
            guards: vec![Guard::Book { id: book.id, version: book.version }],
            audit: vec![audit(desk.clock.now(), by, "model.high_water_mark", &trader, &detail)],
            updated_books: vec![Book { high_water_mark: equity, ..book }],
            ..Changes::default()
        };
        match desk.store.commit(changes).await {
            Ok(()) => {
                desk.live.publish(Topic::Equity, None, Some(id));
                return Ok(equity);
            }
            Err(error) if is_conflict(&error) => {}
            Err(error) => return Err(as_model_error(error)),
        }
    }
    Err(ModelError::Contended)
}

/// Nobody follows a model that is gone.
async fn end_shadows(desk: &Desk, changes: &mut Changes, id: TraderId, at: Timestamp) -> Result<(), StoreError> {
    for mut shadow in desk.store.followers(id).await? {
        let expected = shadow.version;
        (shadow.stopped_at, shadow.version) = (Some(at), expected + 1);
        changes.updated_shadows.push((shadow, expected));
    }
    Ok(())
}

fn audit(at: Timestamp, by: &str, action: &'static str, trader: &Trader, detail: &str) -> AuditEntry {
    AuditEntry { at, actor: by.to_owned(), action, subject: format!("model {}", trader.id), detail: detail.to_owned() }
}

fn as_model_error(error: CommitError) -> ModelError {
    match error {
        CommitError::Store(error) => ModelError::Store(error),
        CommitError::Conflict(_) | CommitError::LeaseLost(_) | CommitError::Duplicate(_) => ModelError::Contended,
    }
}
