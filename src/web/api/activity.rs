//! What happened: conversations, incidents, notifications.

use super::decisions::with_json;
use super::wire::{any_model, done, environment, list, model_filter, read_model_id, read_page, time};
use crate::domain::cycle::{AnswerGrade, Cycle};
use crate::domain::ids::{IncidentId, NotificationId, TraderId};
use crate::domain::incident::{Incident, IncidentStatus};
use crate::domain::notification::Notification;
use crate::ports::store::{CONVERSATIONS_SEARCHED, ConversationFilter, IncidentFilter, NotificationFilter};
use crate::services::attention::{self, AttentionError, NOTE_MAX};
use crate::services::desk::Desk;
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::{Input, JsonInput, QueryInput};
use crate::web::show::sentence;
use actix_web::HttpResponse;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::{Data, Path};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// The longest text that is looked for in conversations, in characters.
pub const SEARCH_MAX: usize = 200;
/// The header that says how many of the newest conversations were looked through, where there are older ones.
const SEARCHED: &str = "x-searched-newest";
/// The most notifications marked in one request.
const IDS_MAX: usize = 1_000;

/// One cycle: what the model was told and what it answered.
#[derive(Serialize, ToSchema)]
pub struct Conversation {
    /// The cycle.
    pub cycle_id: i64,
    /// `schedule`, `operator` or `api`.
    pub trigger: &'static str,
    /// `simulation` or `live`.
    pub environment: &'static str,
    /// `simulation`, `testnet` or `mainnet`.
    pub book: &'static str,
    /// The level under which it ran.
    pub automation: &'static str,
    /// `completed` or `failed`.
    pub outcome: &'static str,
    /// Why it failed.
    pub error: Option<String>,
    /// What the model was told; empty for decisions sent in.
    pub asked: String,
    /// What it answered, verbatim. Text from outside: never markup.
    pub answered: String,
    /// How much of a language model's answer could be used: `used`, `partly`, `unusable` or `no_answer`; null for rules and
    /// decisions sent in.
    pub answer: Option<&'static str>,
    /// The name of the cycle's record, which may have been removed since; null when none was kept.
    pub bundle: Option<String>,
    /// Market time at which prices were read.
    pub market_at: String,
    /// When it began.
    pub started_at: String,
    /// When it ended.
    pub finished_at: String,
}

/// Something a person should know.
#[derive(Serialize, ToSchema)]
pub struct IncidentRow {
    /// Its id.
    pub id: i64,
    /// For example `AUTOMATION_CHANGE`.
    pub r#type: &'static str,
    /// `low`, `medium`, `high` or `critical`.
    pub severity: &'static str,
    /// Whose; null for the whole desk.
    pub model_id: Option<i64>,
    /// One line.
    pub title: String,
    /// Everything a person needs to act.
    pub detail: String,
    /// How often it happened while unresolved.
    pub count: u32,
    /// `open`, `acknowledged` or `resolved`.
    pub status: &'static str,
    /// When it first happened.
    pub first_at: String,
    /// When it last happened.
    pub last_at: String,
    /// Who has looked.
    pub acknowledged_by: Option<String>,
    /// When.
    pub acknowledged_at: Option<String>,
    /// Who or what ended it.
    pub resolved_by: Option<String>,
    /// When.
    pub resolved_at: Option<String>,
    /// What the person wrote.
    pub note: String,
}

/// The answer to an incident that was moved on.
#[derive(Serialize, ToSchema)]
pub struct IncidentDone {
    /// Always true.
    pub success: bool,
    /// The incident as it is now.
    pub incident: IncidentRow,
}

/// A message behind the bell.
#[derive(Serialize, ToSchema)]
pub struct NotificationRow {
    /// Its id.
    pub id: i64,
    /// `decision_waits`, `trade_executed`, `order_failed`, `auto_pause`, `risk_trigger`, `incident` or `daily_summary`.
    pub kind: &'static str,
    /// `low`, `medium`, `high` or `critical`.
    pub severity: &'static str,
    /// One line.
    pub title: String,
    /// A sentence or two.
    pub body: String,
    /// Whose; null for the whole desk.
    pub model_id: Option<i64>,
    /// Which decision.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_id: Option<i64>,
    /// When.
    pub created_at: String,
    /// Null while unread.
    pub read_at: Option<String>,
}

/// `GET /api/models/{id}/conversations`: `?q=` looks for a text, `?answer=` for how much of the answer could be used.
///
/// # Errors
/// 404, 422.
pub async fn conversations(desk: Data<Desk>, id: Path<i64>, mut query: QueryInput) -> Result<HttpResponse, AppError> {
    let filter = ConversationFilter {
        text: query.text("q", SEARCH_MAX).unwrap_or_default(),
        answer: query.word(
            "answer",
            &AnswerGrade::ALL.iter().map(|grade| grade.as_str()).collect::<Vec<_>>(),
            AnswerGrade::parse,
        ),
    };
    let page = read_page(&mut query);
    query.refuse_unknown();
    query.0.finish()?;
    let trader = any_model(&desk, *id).await?;
    let found = desk.store.conversations(trader.id, &filter, page).await?;
    let rows: Vec<Conversation> = found.cycles.into_iter().map(Conversation::of).collect();
    let mut response = list(&rows, page, rows.last().map(|row| row.cycle_id));
    if found.is_cut {
        let newest = HeaderValue::from(CONVERSATIONS_SEARCHED);
        response.headers_mut().insert(HeaderName::from_static(SEARCHED), newest);
    }
    Ok(response)
}

impl Conversation {
    fn of(cycle: Cycle) -> Self {
        Self {
            cycle_id: cycle.id.0,
            trigger: cycle.trigger.as_str(),
            environment: environment(cycle.venue).as_str(),
            book: cycle.venue.as_str(),
            automation: cycle.automation.as_str(),
            outcome: cycle.outcome.as_str(),
            error: cycle.error,
            asked: cycle.asked,
            answered: cycle.answered,
            answer: cycle.answer.map(AnswerGrade::as_str),
            bundle: cycle.bundle.map(|hash| hash.as_str().to_owned()),
            market_at: time(cycle.market_at),
            started_at: time(cycle.started_at),
            finished_at: time(cycle.finished_at),
        }
    }
}

/// `GET /api/incidents`
///
/// # Errors
/// 404 for an unknown model, 422 for a bad query.
pub async fn incidents(desk: Data<Desk>, mut query: QueryInput) -> Result<HttpResponse, AppError> {
    let model_id = read_model_id(&mut query);
    let (filter, page) = read_incident_query(query)?;
    let trader_id = model_filter(&desk, model_id).await?;
    incident_page(&desk, IncidentFilter { trader_id, ..filter }, page).await
}

/// `GET /api/models/{id}/incidents`
///
/// # Errors
/// 404, 422.
pub async fn model_incidents(desk: Data<Desk>, id: Path<i64>, query: QueryInput) -> Result<HttpResponse, AppError> {
    let (filter, page) = read_incident_query(query)?;
    let trader_id: Option<TraderId> = Some(any_model(&desk, *id).await?.id);
    incident_page(&desk, IncidentFilter { trader_id, ..filter }, page).await
}

fn read_incident_query(mut query: QueryInput) -> Result<(IncidentFilter, crate::ports::store::Page), AppError> {
    let status = query.word("status", &["open", "acknowledged", "resolved"], IncidentStatus::parse);
    let page = read_page(&mut query);
    query.refuse_unknown();
    query.0.finish()?;
    Ok((IncidentFilter { trader_id: None, status }, page))
}

async fn incident_page(
    desk: &Desk,
    filter: IncidentFilter,
    page: crate::ports::store::Page,
) -> Result<HttpResponse, AppError> {
    let rows: Vec<IncidentRow> = desk.store.incidents(filter, page).await?.into_iter().map(IncidentRow::of).collect();
    Ok(list(&rows, page, rows.last().map(|row| row.id)))
}

impl IncidentRow {
    fn of(incident: Incident) -> Self {
        let (acknowledged_by, acknowledged_at) = incident.acknowledged.map(|(by, at)| (by, time(at))).unzip();
        let (resolved_by, resolved_at) = incident.resolved.map(|(by, at)| (by, time(at))).unzip();
        Self {
            id: incident.id.0,
            r#type: incident.kind.as_str(),
            severity: incident.severity.as_str(),
            model_id: incident.trader_id.map(|id| id.0),
            title: incident.title,
            detail: incident.detail,
            count: incident.count,
            status: incident.status.as_str(),
            first_at: time(incident.first_at),
            last_at: time(incident.last_at),
            acknowledged_by,
            acknowledged_at,
            resolved_by,
            resolved_at,
            note: incident.note,
        }
    }
}

/// `POST /api/incidents/{id}/acknowledge`
///
/// # Errors
/// 404, 409 when somebody was first, 422.
pub async fn acknowledge(
    desk: Data<Desk>,
    ctx: Ctx,
    id: Path<i64>,
    input: JsonInput,
) -> Result<HttpResponse, AppError> {
    move_on(&desk, &ctx, *id, input, IncidentStatus::Acknowledged).await
}

/// `POST /api/incidents/{id}/resolve`
///
/// # Errors
/// 404, 409 when it is resolved already, 422.
pub async fn resolve(desk: Data<Desk>, ctx: Ctx, id: Path<i64>, input: JsonInput) -> Result<HttpResponse, AppError> {
    move_on(&desk, &ctx, *id, input, IncidentStatus::Resolved).await
}

async fn move_on(
    desk: &Desk,
    ctx: &Ctx,
    id: i64,
    mut input: JsonInput,
    to: IncidentStatus,
) -> Result<HttpResponse, AppError> {
    let note = input.text("note", NOTE_MAX).unwrap_or_default();
    input.refuse_unknown();
    input.0.finish()?;
    match attention::move_incident(desk, IncidentId(id), to, &note, &ctx.actor.name()).await {
        Ok(incident) => {
            Ok(HttpResponse::Ok().json(IncidentDone { success: true, incident: IncidentRow::of(incident) }))
        }
        Err(AttentionError::NotFound(_)) => Err(AppError::not_found("incident")),
        Err(AttentionError::Store(error)) => Err(error.into()),
        Err(AttentionError::AlreadyMoved(incident)) => {
            let words = sentence(&format!("incident {} is {} already", incident.id, incident.status));
            let refusal = AppError::conflict("already_moved", words);
            Err(with_json(refusal, "incident", &IncidentRow::of(*incident)))
        }
    }
}

/// `GET /api/notifications`
///
/// # Errors
/// 404 for an unknown model, 422 for a bad query.
pub async fn notifications(desk: Data<Desk>, mut query: QueryInput) -> Result<HttpResponse, AppError> {
    let model_id = read_model_id(&mut query);
    let unread = query.boolean("unread").unwrap_or_default();
    let page = read_page(&mut query);
    query.refuse_unknown();
    query.0.finish()?;
    let filter = NotificationFilter { trader_id: model_filter(&desk, model_id).await?, unread };
    let rows: Vec<NotificationRow> =
        desk.store.notifications(filter, page).await?.into_iter().map(NotificationRow::of).collect();
    Ok(list(&rows, page, rows.last().map(|row| row.id)))
}

impl NotificationRow {
    fn of(notification: Notification) -> Self {
        let message = notification.message;
        Self {
            id: notification.id.0,
            kind: message.kind.as_str(),
            severity: message.severity.as_str(),
            title: message.title,
            body: message.body,
            model_id: message.trader_id.map(|id| id.0),
            decision_id: message.decision_id.map(|id| id.0),
            created_at: time(message.at),
            read_at: notification.read_at.map(time),
        }
    }
}

/// `POST /api/notifications/read`: those named in `ids`, or all of them.
///
/// # Errors
/// 422.
pub async fn read(desk: Data<Desk>, mut input: JsonInput) -> Result<HttpResponse, AppError> {
    let ids = read_ids(&mut input);
    input.refuse_unknown();
    input.0.finish()?;
    if ids.as_ref().is_some_and(Vec::is_empty) {
        return Ok(done("No notifications named"));
    }
    attention::mark_read(&desk, ids.unwrap_or_default()).await?;
    Ok(done("Notifications marked as read"))
}

fn read_ids(input: &mut Input) -> Option<Vec<NotificationId>> {
    let Value::Array(items) = input.raw("ids")? else {
        input.fail("ids", "must be a list of ids");
        return None;
    };
    let ids: Option<Vec<_>> = items.iter().map(|item| item.as_i64().map(NotificationId)).collect();
    match ids {
        Some(ids) if ids.len() <= IDS_MAX => Some(ids),
        _ => {
            input.fail("ids", format!("must be a list of {IDS_MAX} ids or fewer"));
            None
        }
    }
}
