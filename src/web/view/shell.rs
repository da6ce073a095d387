//! The frame every signed-in page stands in: top bar, navigation, health, stop, toasts.

use askama::Template;

use super::{Env, Signed, Tone, When};

/// The active item of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nav {
    /// The dashboard.
    Desk,
    /// Decisions.
    Inbox,
    /// Models.
    Models,
    /// Orders.
    Orders,
    /// Incidents.
    Incidents,
    /// The bell.
    Notifications,
    /// The operator's own page.
    Account,
    /// A page outside the navigation.
    Other,
}

/// The colour scheme: the system's, or the operator's choice from the `theme` cookie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Follow the system.
    #[default]
    Auto,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// Reads the value of the `theme` cookie; anything unknown follows the system.
    pub fn from_cookie(value: Option<&str>) -> Self {
        match value {
            Some("light") => Self::Light,
            Some("dark") => Self::Dark,
            _ => Self::Auto,
        }
    }

    /// The value of the `data-theme` attribute.
    pub fn key(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// A count beside a navigation item.
#[derive(Clone, Debug, Template)]
#[template(path = "component/count.html")]
pub struct Count {
    id: &'static str,
    word: &'static str,
    number: u64,
    oob: bool,
}

impl Count {
    /// Decisions that wait, beside "Inbox". `oob` when it travels beside another fragment.
    pub fn inbox(number: u64, oob: bool) -> Self {
        Self { id: "inbox-count", word: "waiting", number, oob }
    }

    /// Unread notifications, beside the bell. `oob` when it travels beside another fragment.
    pub fn bell(number: u64, oob: bool) -> Self {
        Self { id: "bell-count", word: "unread", number, oob }
    }

    /// Whether there is nothing to show.
    pub fn is_zero(&self) -> bool {
        self.number == 0
    }
}

/// A short message that says what just happened.
#[derive(Clone, Debug)]
pub struct Toast {
    /// The sentence.
    pub text: String,
    /// Its tone; [`Tone::Bad`] and [`Tone::Wait`] stay until dismissed.
    pub tone: Tone,
}

/// The banner shown while the emergency stop is in force.
#[derive(Clone, Debug)]
pub struct StopBanner {
    /// Who pulled it.
    pub by: String,
    /// The reason given, may be empty.
    pub reason: String,
    /// Since when.
    pub since: When,
}

/// The part of the top bar that is refetched from `/fragments/topbar`.
#[derive(Clone, Debug, Template)]
#[template(path = "layout/topbar.html")]
pub struct Topbar {
    /// False before the first verified read: then no number is shown at all.
    pub verified: bool,
    /// For example `market 2 s`.
    pub market: String,
    /// Whether prices are fresh.
    pub market_ok: bool,
    /// Whether prices are synthetic or replayed, which is said wherever prices show.
    pub market_simulated: bool,
    /// For example `exchange ok`; empty when no exchange is in use.
    pub exchange: String,
    /// Whether the exchange answers.
    pub exchange_ok: bool,
    /// For example `workers ok`; empty to leave it out.
    pub workers: String,
    /// Whether scheduler, submitter, reconciler and expirer run.
    pub workers_ok: bool,
    /// Change of equity since 00:00 UTC.
    pub equity_today: Signed,
    /// Decisions that wait for approval.
    pub pending: u64,
    /// Unread notifications.
    pub unread: u64,
    /// Orders whose outcome is unknown.
    pub unknown: u64,
    /// True in an answer to htmx, where the counts travel out of band.
    pub oob: bool,
}

impl Topbar {
    /// The count beside "Inbox"; `oob` when it travels beside another fragment.
    pub fn inbox_count(&self, oob: bool) -> Count {
        Count::inbox(self.pending, oob)
    }

    /// The count beside the bell; `oob` when it travels beside another fragment.
    pub fn bell_count(&self, oob: bool) -> Count {
        Count::bell(self.unread, oob)
    }
}

/// Everything the layout needs; each signed-in page has one.
#[derive(Clone, Debug)]
pub struct Shell {
    /// The page's own title, without the product's name.
    pub title: String,
    /// The active navigation item.
    pub nav: Nav,
    /// The signed-in operator's name.
    pub operator: String,
    /// The session's CSRF token.
    pub csrf: String,
    /// The colour scheme.
    pub theme: Theme,
    /// The strongest environment in use, or none.
    pub frame: Option<Env>,
    /// Health, equity and counts.
    pub topbar: Topbar,
    /// Set while the emergency stop is in force.
    pub stop: Option<StopBanner>,
    /// Messages left by the previous request.
    pub toasts: Vec<Toast>,
}

impl Shell {
    /// The word of the frame for the `data-frame` attribute.
    pub fn frame_key(&self) -> &'static str {
        self.frame.map_or("none", Env::key)
    }

    /// Whether this item of the navigation is the active one.
    pub fn at(&self, item: &str) -> bool {
        item == match self.nav {
            Nav::Desk => "desk",
            Nav::Inbox => "inbox",
            Nav::Models => "models",
            Nav::Orders => "orders",
            Nav::Incidents => "incidents",
            Nav::Notifications => "notifications",
            Nav::Account => "account",
            Nav::Other => "",
        }
    }

    /// Whether real money is at stake anywhere.
    pub fn real_money(&self) -> bool {
        self.frame == Some(Env::Mainnet)
    }
}

/// Toasts alone, answered out of band beside another fragment.
#[derive(Clone, Debug, Template)]
#[template(path = "component/toasts.html")]
pub struct Toasts {
    /// The messages.
    pub toasts: Vec<Toast>,
}

components!(Count, Topbar, Toasts);
