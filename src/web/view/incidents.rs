//! Incidents: what needs me?

use askama::Template;

use super::{Badge, Empty, Shell, Tab, When};

/// One incident.
#[derive(Clone, Debug, Template)]
#[template(path = "incidents/row.html")]
pub struct IncidentRow {
    /// The CSRF token.
    pub csrf: String,
    /// The incident.
    pub id: i64,
    /// `low`, `medium`, `high`, `critical`, toned.
    pub severity: Badge,
    /// The stable word, for example `STALE_MARKET_DATA`.
    pub kind: String,
    /// What happened, in a sentence.
    pub title: String,
    /// Details: may hold text from an exchange, always escaped.
    pub body: String,
    /// The model; none for the installation.
    pub model: Option<(i64, String)>,
    /// How often, for example `7 times`; empty for once.
    pub count: String,
    /// First seen.
    pub first: When,
    /// Last seen.
    pub last: When,
    /// `open`, `acknowledged`, `resolved`.
    pub state: Badge,
    /// Who acknowledged and resolved it with which note; may be empty.
    pub handled: String,
    /// Whether acknowledge is offered.
    pub can_acknowledge: bool,
    /// Whether resolve is offered.
    pub can_resolve: bool,
}

/// `/incidents`.
#[derive(Clone, Debug, Template)]
#[template(path = "incidents/list.html")]
pub struct IncidentsPage {
    /// The layout.
    pub shell: Shell,
    /// Open, acknowledged, resolved, all.
    pub tabs: Vec<Tab>,
    /// The rows, newest first.
    pub rows: Vec<IncidentRow>,
    /// What stands there without any.
    pub empty: Empty,
    /// The next page.
    pub older_url: Option<String>,
}

components!(IncidentRow);
