//! Notifications: what happened while nobody looked.

use askama::Template;

use super::{Badge, Empty, Shell, When};

/// One notification.
#[derive(Clone, Debug)]
pub struct NotificationRow {
    /// The notification.
    pub id: i64,
    /// Kind in words with the severity's tone, for example `Trade executed`.
    pub kind: Badge,
    /// The title.
    pub title: String,
    /// The text.
    pub body: String,
    /// Where it leads; empty for nowhere.
    pub url: String,
    /// When.
    pub at: When,
    /// Whether it was not read before this page.
    pub unread: bool,
}

/// `/notifications`.
#[derive(Clone, Debug, Template)]
#[template(path = "account/notifications.html")]
pub struct NotificationsPage {
    /// The layout.
    pub shell: Shell,
    /// The rows, newest first.
    pub rows: Vec<NotificationRow>,
    /// Whether any is unread.
    pub any_unread: bool,
    /// What stands there without any.
    pub empty: Empty,
    /// The next page.
    pub older_url: Option<String>,
}
