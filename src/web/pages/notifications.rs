//! Notifications: what happened while nobody looked.

use super::html;
use super::incidents::arrows;
use super::shell::shell;
use crate::domain::ids::NotificationId;
use crate::domain::incident::Severity;
use crate::domain::notification::{NewNotification, Notification, NotificationKind};
use crate::ports::store::{NotificationFilter, Page};
use crate::services::attention;
use crate::services::desk::Desk;
use crate::web::ctx::Ctx;
use crate::web::error::AppError;
use crate::web::form::{FormInput, QueryInput};
use crate::web::view::{Badge, Empty, Nav, NotificationRow, NotificationsPage, Tone};
use crate::web::{flash, show};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

/// Rows of one page of the list.
const ROWS: u32 = 50;

/// `GET /notifications`: looking does not mark anything as read, so that a glance loses nothing.
///
/// # Errors
/// When the database fails.
pub async fn list(desk: web::Data<Desk>, ctx: Ctx, mut query: QueryInput) -> Result<HttpResponse, AppError> {
    let before = query.integer("cursor", 1..=i64::MAX);
    let filter = NotificationFilter::default();
    // One more than is shown tells whether there is an older page.
    let mut rows = desk.store.notifications(filter, Page { before, limit: ROWS + 1 }).await?;
    let has_older = rows.len() > ROWS as usize;
    rows.truncate(ROWS as usize);
    let now = desk.clock.now().0;
    let older_url = rows.last().filter(|_| has_older).map(|last| format!("/notifications?cursor={}", last.id));
    let page = NotificationsPage {
        shell: shell(&desk, &ctx, Nav::Notifications, "Notifications").await?,
        rows: rows.into_iter().map(|notification| row(notification, now)).collect(),
        any_unread: desk.store.unread_notifications().await? > 0,
        empty: Empty::new(
            "Nothing yet.",
            "Executed trades, waiting decisions and incidents are told here. Each model's settings say which.",
        ),
        older_url,
    };
    html(StatusCode::OK, &page)
}

/// `POST /notifications/read`: one that is named by `id`, or all of them.
///
/// # Errors
/// 422, or when the database fails.
pub async fn read(desk: web::Data<Desk>, ctx: Ctx, mut form: FormInput) -> Result<HttpResponse, AppError> {
    let id = form.integer("id", 1..=i64::MAX).map(NotificationId);
    form.0.finish()?;
    attention::mark_read(&desk, id.into_iter().collect()).await?;
    let text = if id.is_some() { "Marked as read." } else { "All notifications are read." };
    Ok(flash::redirect(&ctx, "/notifications", Tone::Plain, text))
}

fn row(notification: Notification, now: i64) -> NotificationRow {
    let message = notification.message;
    let kind = kind(&message);
    // The badge before the title says it already.
    let title = message.title.strip_prefix(&format!("{}: ", kind.text)).unwrap_or(&message.title);
    NotificationRow {
        id: notification.id.0,
        kind,
        url: url(&message),
        at: show::when(message.at.0, now),
        unread: notification.read_at.is_none(),
        title: arrows(title),
        body: arrows(&message.body),
    }
}

fn kind(message: &NewNotification) -> Badge {
    let (text, tone) = match message.kind {
        NotificationKind::DecisionWaits => ("Decision waits", Tone::Wait),
        NotificationKind::TradeExecuted => ("Trade executed", Tone::Good),
        NotificationKind::OrderFailed => ("Order failed", Tone::Bad),
        NotificationKind::AutoPause => ("Auto-pause", Tone::Wait),
        NotificationKind::RiskTrigger => ("Risk trigger", Tone::Wait),
        NotificationKind::Incident => ("Incident", Tone::Wait),
        NotificationKind::DailySummary => ("Daily summary", Tone::Plain),
    };
    let tone = if message.severity == Severity::Critical { Tone::Bad } else { tone };
    Badge { text: text.to_owned(), tone }
}

/// Where it leads; empty for nowhere.
fn url(message: &NewNotification) -> String {
    match (message.decision_id, message.kind, message.trader_id) {
        (Some(decision), ..) => format!("/decisions/{decision}"),
        (None, NotificationKind::Incident | NotificationKind::RiskTrigger | NotificationKind::AutoPause, _) => {
            "/incidents".to_owned()
        }
        (None, _, Some(model)) => format!("/models/{model}"),
        (None, _, None) => String::new(),
    }
}
