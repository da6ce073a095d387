//! The inbox: tabs, list and term sheet; one page struct serves `/inbox` and `/decisions/{id}`.

use askama::Template;

use super::{Choice, Count, DecisionRow, Empty, Shell, Tab, TermSheet, Toast};

/// The tabs with their counts; travels out of band after every action.
#[derive(Clone, Debug, Template)]
#[template(path = "inbox/tabs.html")]
pub struct InboxTabs {
    /// Pending, approved, rejected, expired, denied, displayed, all.
    pub tabs: Vec<Tab>,
    /// Whether it travels out of band.
    pub oob: bool,
}

/// The strip above the list that offers new rows instead of moving the list under the reader.
/// Answered by `/fragments/inbox-news?tab=&model=&after=`.
#[derive(Clone, Debug, Template)]
#[template(path = "inbox/news.html")]
pub struct InboxNews {
    /// The address it refetches itself from: the same tab and model, `after` = the newest row in the list.
    pub poll_url: String,
    /// How many rows are newer than the list.
    pub new: u64,
    /// What the button says, for example `3 new`.
    pub label: String,
    /// The list's own address.
    pub reload_url: String,
    /// Fresh counts, sent along with the strip; none in a full page.
    pub tabs: Option<InboxTabs>,
}

/// The inbox page.
#[derive(Clone, Debug, Template)]
#[template(path = "inbox/page.html")]
pub struct InboxPage {
    /// The layout.
    pub shell: Shell,
    /// The tabs.
    pub tabs: InboxTabs,
    /// The current tab's key, sent along with the model filter.
    pub tab: String,
    /// The model filter; its first choice has an empty value and reads `All models`.
    pub models: Vec<Choice>,
    /// The strip of new rows.
    pub news: InboxNews,
    /// The rows, newest first.
    pub rows: Vec<DecisionRow>,
    /// What the list says when it has no rows.
    pub empty: Empty,
    /// The next page, if there is one.
    pub older_url: Option<String>,
    /// The first page, when this is not it.
    pub newest_url: Option<String>,
    /// The decision beside the list.
    pub detail: Option<TermSheet>,
}

/// The answer to an action on a decision: the sheet as it now *is*, with row, counts and toasts out of band.
#[derive(Clone, Debug, Template)]
#[template(path = "inbox/update.html")]
pub struct DecisionUpdate {
    /// The sheet.
    pub detail: TermSheet,
    /// Its row (set `oob`).
    pub row: DecisionRow,
    /// The tabs (set `oob`).
    pub tabs: InboxTabs,
    /// Decisions that wait, for the count in the navigation.
    pub pending: u64,
    /// What just happened.
    pub toasts: Vec<Toast>,
}

impl DecisionUpdate {
    /// The navigation's count, out of band.
    pub fn count(&self) -> Count {
        Count::inbox(self.pending, true)
    }
}

components!(InboxTabs, InboxNews);
