//! What asks for a person's attention, and the person's answer: incidents acknowledged and resolved, messages read.

use crate::domain::ids::{IncidentId, NotificationId};
use crate::domain::incident::{Incident, IncidentStatus};
use crate::ports::store::{AuditEntry, Changes, CommitError, StoreError};
use crate::services::desk::{Desk, is_conflict};
use crate::services::live_feed::Topic;

/// The longest note on an incident, in characters.
pub const NOTE_MAX: usize = 1_000;

/// Why an incident or a message was not moved. Nothing is changed then.
#[derive(Debug, thiserror::Error)]
pub enum AttentionError {
    /// No such incident.
    #[error("incident {0} does not exist")]
    NotFound(IncidentId),
    /// Somebody was first: it is acknowledged or resolved already.
    #[error("incident {} is {} already", .0.id, .0.status)]
    AlreadyMoved(Box<Incident>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Moves an incident on: a person has looked, or it is over.
///
/// # Errors
/// [`AttentionError::AlreadyMoved`] carries the incident as it is.
pub async fn move_incident(
    desk: &Desk,
    id: IncidentId,
    to: IncidentStatus,
    note: &str,
    by: &str,
) -> Result<Incident, AttentionError> {
    let before = desk.store.incident(id).await?.ok_or(AttentionError::NotFound(id))?;
    if before.status >= to {
        return Err(AttentionError::AlreadyMoved(Box::new(before)));
    }
    let at = desk.clock.now();
    let note = note.trim();
    let action = if to == IncidentStatus::Resolved { "incident.resolve" } else { "incident.acknowledge" };
    let changes = Changes {
        incident_moves: vec![(id, to, by.to_owned(), at, note.to_owned())],
        audit: vec![AuditEntry {
            at,
            actor: by.to_owned(),
            action,
            subject: format!("incident {id}"),
            detail: note.to_owned(),
        }],
        ..Changes::default()
    };
    let outcome = desk.store.commit(changes).await;
    let now = desk.store.incident(id).await?.ok_or(AttentionError::NotFound(id))?;
    match outcome {
        Ok(()) => {
            desk.live.publish(Topic::Incident, Some(id.0), now.trader_id);
            Ok(now)
        }
        Err(error) if is_conflict(&error) => Err(AttentionError::AlreadyMoved(Box::new(now))),
        Err(error) => Err(as_store_error(error).into()),
    }
}

/// Marks messages as read; all of them when none is named. Those that were read before keep their time.
///
/// # Errors
/// When the store fails.
pub async fn mark_read(desk: &Desk, ids: Vec<NotificationId>) -> Result<(), StoreError> {
    let changes = Changes { notifications_read: Some((ids, desk.clock.now())), ..Changes::default() };
    desk.store.commit(changes).await.map_err(as_store_error)?;
    desk.live.publish(Topic::Notification, None, None);
    Ok(())
}

fn as_store_error(error: CommitError) -> StoreError {
    match error {
        CommitError::Store(error) => error,
        other => StoreError::Database { action: "recording what a person has seen", source: Box::new(other) },
    }
}
