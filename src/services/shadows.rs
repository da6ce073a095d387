//! Starting and ending candidates on paper.

use crate::domain::ids::{BUILT_IN_PROVIDER, ProviderId, ShadowId, TraderId};
use crate::domain::shadow::{SHADOWS_MAX, Shadow};
use crate::domain::trader::{MODEL_NAME_MAX, check_name};
use crate::ports::language_model::TemplateError;
use crate::ports::store::{AuditEntry, Changes, CommitError, Guard, IdKind, StoreError};
use crate::services::desk::Desk;

/// A candidate that somebody wants to try.
#[derive(Clone, Debug)]
pub struct NewShadow {
    /// The trader that it follows.
    pub trader_id: TraderId,
    /// Unique among the trader's shadows.
    pub name: String,
    /// Who is asked.
    pub provider_id: ProviderId,
    /// Which of its models.
    pub model_name: String,
    /// The template of its prompts; none for the trader's.
    pub template: Option<String>,
    /// An operator or a token.
    pub actor: String,
}

/// Why a candidate was not started or ended. Nothing is changed then.
#[derive(Debug, thiserror::Error)]
pub enum ShadowError {
    /// No such model, or it was deleted.
    #[error("model {0} does not exist")]
    NoTrader(TraderId),
    /// No such shadow.
    #[error("shadow {0} does not exist")]
    NotFound(ShadowId),
    /// The name.
    #[error(transparent)]
    Name(#[from] crate::domain::trader::NameError),
    /// Another shadow of the model has the name.
    #[error("is taken by another shadow of this model")]
    NameTaken,
    /// No such provider, or it holds no language models.
    #[error("does not exist, or holds no language models")]
    NoProvider,
    /// No model is named, or its name is too long.
    #[error("must be 1 to {MODEL_NAME_MAX} characters, without control characters")]
    BadModelName,
    /// The template does not render.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Enough of them run.
    #[error("{SHADOWS_MAX} shadows run already; end one first")]
    TooMany,
    /// The model or the provider was changed or deleted at the same moment.
    #[error("the model or the provider was changed at the same moment; try again")]
    Contended,
    /// It has ended, or somebody else changed it.
    #[error("the shadow was ended or changed meanwhile")]
    Changed,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Starts a candidate. It is shown the records that come after this moment.
///
/// # Errors
/// [`ShadowError`] names the field and the rule.
pub async fn start(desk: &Desk, new: NewShadow) -> Result<Shadow, ShadowError> {
    let trader = desk.store.trader(new.trader_id).await?.filter(|trader| trader.deleted_at.is_none());
    let trader = trader.ok_or(ShadowError::NoTrader(new.trader_id))?;
    check_name(&new.name)?;
    let model_name = new.model_name.trim();
    let length = model_name.chars().count();
    if !(1..=MODEL_NAME_MAX).contains(&length) || model_name.chars().any(char::is_control) {
        return Err(ShadowError::BadModelName);
    }
    let provider = desk.store.provider(new.provider_id).await?.filter(|provider| provider.deleted_at.is_none());
    let provider = provider.filter(|provider| provider.id != BUILT_IN_PROVIDER).ok_or(ShadowError::NoProvider)?;
    if let Some(template) = &new.template {
        desk.prompts.check(template)?;
    }
    // Two at the same moment may make one more; the worker asks no more than that many at once all the same.
    if desk.store.active_shadows().await?.len() >= SHADOWS_MAX {
        return Err(ShadowError::TooMany);
    }
    let now = desk.clock.now();
    let shadow = Shadow {
        id: ShadowId(desk.next_id(IdKind::Shadow).await?),
        trader_id: new.trader_id,
        name: new.name,
        provider_id: provider.id,
        model_name: model_name.to_owned(),
        template: new.template,
        created_by: new.actor.clone(),
        created_at: now,
        stopped_at: None,
        seen: desk.store.newest_record().await?,
        progress: None,
        version: 1,
    };
    let changes = Changes {
        guards: vec![
            Guard::Provider { id: provider.id, version: provider.version },
            Guard::Trader { id: trader.id, version: trader.version },
        ],
        audit: vec![audit(&shadow, &new.actor, "shadow.start", now)],
        new_shadows: vec![shadow.clone()],
        ..Changes::default()
    };
    match desk.store.commit(changes).await {
        Ok(()) => Ok(shadow),
        Err(CommitError::Duplicate(_)) => Err(ShadowError::NameTaken),
        Err(CommitError::Store(error)) => Err(error.into()),
        Err(CommitError::Conflict(_) | CommitError::LeaseLost(_)) => Err(ShadowError::Contended),
    }
}

/// Ends a candidate; its results stay.
///
/// # Errors
/// [`ShadowError`].
pub async fn stop(desk: &Desk, id: ShadowId, actor: &str) -> Result<Shadow, ShadowError> {
    let mut shadow = desk.store.shadow(id).await?.ok_or(ShadowError::NotFound(id))?;
    if !shadow.is_active() {
        return Err(ShadowError::Changed);
    }
    let (now, expected) = (desk.clock.now(), shadow.version);
    (shadow.stopped_at, shadow.version) = (Some(now), expected + 1);
    let changes = Changes {
        audit: vec![audit(&shadow, actor, "shadow.stop", now)],
        updated_shadows: vec![(shadow.clone(), expected)],
        ..Changes::default()
    };
    match desk.store.commit(changes).await {
        Ok(()) => Ok(shadow),
        Err(CommitError::Store(error)) => Err(error.into()),
        Err(_) => Err(ShadowError::Changed),
    }
}

fn audit(shadow: &Shadow, actor: &str, action: &'static str, at: crate::domain::time::Timestamp) -> AuditEntry {
    AuditEntry {
        at,
        actor: actor.to_owned(),
        action,
        subject: format!("model {}", shadow.trader_id),
        detail: format!("{}: {} of provider {}", shadow.name, shadow.model_name, shadow.provider_id),
    }
}
