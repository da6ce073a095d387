//! Incidents: what needs a person, and the person's answer.

use super::html;
use super::inbox::current_address;
use super::shell::shell;
use crate::domain::access::Permission;
use crate::domain::ids::{IncidentId, TraderId};
use crate::domain::incident::{Incident, IncidentStatus, Severity};
use crate::domain::trader::Trader;
use crate::ports::store::{IncidentFilter, Page};
use crate::services::attention::{self, AttentionError, NOTE_MAX};
use crate::services::desk::Desk;
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::{FormInput, QueryInput};
use crate::web::view::{Badge, Empty, IncidentRow, IncidentsPage, Nav, Tab, Tone};
use crate::web::{flash, hx, show};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use std::collections::BTreeMap;

/// Rows of one page of the list.
const ROWS: u32 = 50;
/// The tabs: word and label.
const TABS: [(&str, &str); 4] =
    [("open", "Open"), ("acknowledged", "Acknowledged"), ("resolved", "Resolved"), ("all", "All")];

/// `GET /incidents`
///
/// # Errors
/// When the database fails.
pub async fn list(desk: web::Data<Desk>, ctx: Ctx, mut query: QueryInput) -> Result<HttpResponse, AppError> {
    let status = query.text("status", 20).filter(|word| TABS.iter().any(|(known, _)| known == word));
    let status = status.unwrap_or_else(|| "open".to_owned());
    let model = query.integer("model", 1..=i64::MAX).map(TraderId);
    let before = query.integer("cursor", 1..=i64::MAX);
    let filter = IncidentFilter { trader_id: model, status: IncidentStatus::parse(&status) };
    // One more than is shown tells whether there is an older page.
    let mut incidents = desk.store.incidents(filter, Page { before, limit: ROWS + 1 }).await?;
    let has_older = incidents.len() > ROWS as usize;
    incidents.truncate(ROWS as usize);
    let traders: BTreeMap<TraderId, Trader> =
        desk.store.traders(true).await?.into_iter().map(|trader| (trader.id, trader)).collect();
    let open = desk.store.open_incidents().await?;
    let url = |status: &str| {
        let model = model.map_or_else(String::new, |model| format!("&model={model}"));
        format!("/incidents?status={status}{model}")
    };
    let tabs = TABS.iter().map(|(word, label)| Tab {
        key: (*word).to_owned(),
        label: (*label).to_owned(),
        // The counter is the desk's; with one model chosen it would be wrong.
        count: if *word == "open" && model.is_none() { open.to_string() } else { String::new() },
        url: url(word),
        active: *word == status,
    });
    let older = incidents.last().filter(|_| has_older).map(|last| format!("{}&cursor={}", url(&status), last.id));
    let now = desk.clock.now().0;
    let page = IncidentsPage {
        shell: shell(&desk, &ctx, Nav::Incidents, "Incidents").await?,
        tabs: tabs.collect(),
        rows: incidents.into_iter().map(|incident| row(&ctx, incident, &traders, now)).collect(),
        empty: empty(&status),
        older_url: older,
    };
    html(StatusCode::OK, &page)
}

fn empty(status: &str) -> Empty {
    match status {
        "open" => Empty::new("No open incident.", "Whatever needs you is listed here and counted behind the bell."),
        "acknowledged" => {
            Empty::new("Nothing is being looked at.", "Acknowledge an incident to say that you are on it.")
        }
        "resolved" => Empty::new("Nothing was resolved yet.", ""),
        _ => Empty::new("No incident yet.", "Errors, changes of environment and automatic pauses are kept here."),
    }
}

fn row(ctx: &Ctx, incident: Incident, traders: &BTreeMap<TraderId, Trader>, now: i64) -> IncidentRow {
    let may = ctx.actor.may(Permission::Operate);
    let model = incident.trader_id.map(|id| {
        let name = traders.get(&id).map_or_else(|| format!("model {id}"), |trader| trader.name.clone());
        (id.0, name)
    });
    IncidentRow {
        csrf: ctx.csrf.clone(),
        id: incident.id.0,
        severity: severity(incident.severity),
        kind: incident.kind.as_str().to_owned(),
        handled: handled(&incident, now),
        state: state(incident.status),
        count: if incident.count > 1 {
            show::plural(u64::from(incident.count), "time", "times")
        } else {
            String::new()
        },
        first: show::when(incident.first_at.0, now),
        last: show::when(incident.last_at.0, now),
        can_acknowledge: may && incident.status == IncidentStatus::Open,
        can_resolve: may && incident.status != IncidentStatus::Resolved,
        title: arrows(&incident.title),
        body: arrows(&incident.detail),
        model,
    }
}

/// Changes are recorded as `old -> new`; on a page the arrow must not break apart at the end of a line.
pub fn arrows(text: &str) -> String {
    text.replace(" -> ", " → ")
}

/// How much an incident or a message matters, as a badge.
pub fn severity(severity: Severity) -> Badge {
    let tone = match severity {
        Severity::Low => Tone::Plain,
        Severity::Medium | Severity::High => Tone::Wait,
        Severity::Critical => Tone::Bad,
    };
    Badge { text: severity.as_str().to_owned(), tone }
}

fn state(status: IncidentStatus) -> Badge {
    let tone = match status {
        IncidentStatus::Open => Tone::Wait,
        IncidentStatus::Acknowledged => Tone::Plain,
        IncidentStatus::Resolved => Tone::Good,
    };
    Badge { text: status.as_str().to_owned(), tone }
}

/// Who did what about it, for example `Acknowledged by ann 3 min ago: looking.`
fn handled(incident: &Incident, now: i64) -> String {
    let mut words = Vec::new();
    for (verb, done) in [("Acknowledged", &incident.acknowledged), ("Resolved", &incident.resolved)] {
        if let Some((by, at)) = done {
            words.push(format!("{verb} by {by} {}", show::ago(at.0, now)));
        }
    }
    let done = words.join(", ");
    match (done.is_empty(), incident.note.is_empty()) {
        (true, _) => String::new(),
        (false, true) => format!("{done}."),
        (false, false) => format!("{done}: {}", incident.note),
    }
}

/// `POST /incidents/{id}/acknowledge`
///
/// # Errors
/// 404, 422.
pub async fn acknowledge(
    request: HttpRequest,
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<i64>,
    form: FormInput,
) -> Result<HttpResponse, AppError> {
    move_on(&request, &desk, &ctx, *path, form, IncidentStatus::Acknowledged).await
}

/// `POST /incidents/{id}/resolve`
///
/// # Errors
/// 404, 422.
pub async fn resolve(
    request: HttpRequest,
    desk: web::Data<Desk>,
    ctx: Ctx,
    path: web::Path<i64>,
    form: FormInput,
) -> Result<HttpResponse, AppError> {
    move_on(&request, &desk, &ctx, *path, form, IncidentStatus::Resolved).await
}

async fn move_on(
    request: &HttpRequest,
    desk: &Desk,
    ctx: &Ctx,
    id: i64,
    mut form: FormInput,
    to: IncidentStatus,
) -> Result<HttpResponse, AppError> {
    let note = form.text("note", NOTE_MAX).unwrap_or_default();
    form.0.finish()?;
    let (tone, text) = match attention::move_incident(desk, IncidentId(id), to, &note, &ctx.actor.name()).await {
        Ok(incident) => (Tone::Good, format!("Incident {id} is {}.", incident.status)),
        Err(AttentionError::AlreadyMoved(incident)) => {
            let by =
                incident.resolved.or(incident.acknowledged).map_or_else(String::new, |(by, _)| format!(" by {by}"));
            (Tone::Wait, format!("Incident {id} is {} already{by}.", incident.status))
        }
        Err(AttentionError::NotFound(_)) => return Err(AppError::not_found("incident")),
        Err(AttentionError::Store(error)) => return Err(error.into()),
    };
    Ok(flash::redirect(ctx, &back(request), tone, &text))
}

/// The list that the browser came from.
fn back(request: &HttpRequest) -> String {
    let from = current_address(request).filter(|address| address.split('?').next() == Some("/incidents"));
    from.map_or_else(|| "/incidents".to_owned(), |address| hx::safe_next(&address).to_owned())
}
