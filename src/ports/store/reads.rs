//! The questions that are asked of the store. Lists are newest first with keyset paging.

use super::StoreError;
use super::changes::{AttemptRecord, DecisionEventRecord, OrderEventRecord};
use crate::domain::arming::Arm;
use crate::domain::book::{Book, BookView};
use crate::domain::credential::Credential;
use crate::domain::cycle::{Cycle, EquitySnapshot};
use crate::domain::decision::{Decision, DecisionState, DecisionStatus};
use crate::domain::fill::Fill;
use crate::domain::ids::{BookId, CycleId, DecisionId, IncidentId, OrderId, TraderId};
use crate::domain::incident::{Incident, IncidentStatus};
use crate::domain::ledger::{LedgerAccount, LedgerKind};
use crate::domain::market::{Coin, Symbol};
use crate::domain::money::{Money, Price, Quantity};
use crate::domain::notification::Notification;
use crate::domain::order::{Order, OrderCause, OrderStatus};
use crate::domain::position::Position;
use crate::domain::prompt_template::PromptTemplate;
use crate::domain::risk::RuleCode;
use crate::domain::signal::{PositionSide, Side, Signal};
use crate::domain::time::Timestamp;
use crate::domain::trader::Trader;
use crate::domain::venue_kind::{ExchangeEnvironment, VenueKind};
use crate::ports::venue::VenueAnswer;
use crate::word_enum;
use async_trait::async_trait;
use rust_decimal::Decimal;

/// Which part of a list: rows with an id below `before` (all when `None`), newest first, at most `limit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Exclusive upper bound of the id.
    pub before: Option<i64>,
    /// At most so many rows.
    pub limit: u32,
}

impl Page {
    /// The default page size.
    pub const DEFAULT_LIMIT: u32 = 50;
    /// The largest page size.
    pub const MAX_LIMIT: u32 = 200;

    /// The first page of `limit` rows (capped at [`Page::MAX_LIMIT`]).
    pub const fn first(limit: u32) -> Self {
        Self { before: None, limit: if limit > Self::MAX_LIMIT { Self::MAX_LIMIT } else { limit } }
    }
}

word_enum! {
    /// The tabs of the inbox.
    DecisionTab {
        /// Waits for a person.
        Pending = "pending",
        /// Ordered with an approval.
        Approved = "approved",
        /// A person said no.
        Rejected = "rejected",
        /// Timed out.
        Expired = "expired",
        /// Risk said no.
        Denied = "denied",
        /// Shown only.
        Displayed = "displayed",
        /// Everything.
        All = "all",
    }
}

/// Which decisions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecisionFilter {
    /// One trader's, or everybody's.
    pub trader_id: Option<TraderId>,
    /// One tab's; `None` is all.
    pub tab: Option<DecisionTab>,
    /// One status (API); `None` is all.
    pub status: Option<DecisionStatus>,
}

/// How many decisions each tab holds, kept in step with every commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TabCounts {
    /// Waits for a person.
    pub pending: i64,
    /// Ordered with an approval.
    pub approved: i64,
    /// A person said no.
    pub rejected: i64,
    /// Timed out.
    pub expired: i64,
    /// Risk said no.
    pub denied: i64,
    /// Shown only.
    pub displayed: i64,
    /// Everything.
    pub all: i64,
}

/// What the bar above every page counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BarCounts {
    /// Decisions that wait for a person.
    pub pending: i64,
    /// Notifications that nobody has read.
    pub unread: i64,
    /// Orders whose outcome nobody knows.
    pub unknown: i64,
}

/// What a list shows of a decision. Its reasons, rules and terms are read only for the one that is looked at: for a
/// page of them they are most of the work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionLine {
    /// The decision.
    pub id: DecisionId,
    /// Whose.
    pub trader_id: TraderId,
    /// Where.
    pub venue: VenueKind,
    /// The coin.
    pub coin: Coin,
    /// What the model wants; `None` when its answer was unusable.
    pub signal: Option<Signal>,
    /// Base quantity.
    pub quantity: Option<Quantity>,
    /// Price x quantity at the time of the check, in quote.
    pub notional: Money,
    /// The price that was shown with it.
    pub asked_price: Option<Price>,
    /// Whether a person changed the terms.
    pub edited: bool,
    /// Where it stands.
    pub state: DecisionState,
    /// The first rule that denied it, of a denied one.
    pub denied_by: Option<RuleCode>,
    /// Wall-clock time.
    pub created_at: Timestamp,
    /// When it left the waiting states; wall-clock time.
    pub resolved_at: Option<Timestamp>,
}

impl DecisionLine {
    /// The line of a decision that was read whole.
    pub fn of(decision: &Decision) -> Self {
        let is_denied = matches!(decision.state, DecisionState::Denied { .. });
        Self {
            id: decision.id,
            trader_id: decision.trader_id,
            venue: decision.venue,
            coin: decision.coin.clone(),
            signal: decision.signal,
            quantity: decision.quantity,
            notional: decision.impact.notional,
            asked_price: decision.quote.map(|quote| quote.price),
            edited: decision.edited,
            state: decision.state.clone(),
            denied_by: decision.risk.denials().next().filter(|_| is_denied).map(|rule| rule.rule),
            created_at: decision.created_at,
            resolved_at: decision.resolved_at,
        }
    }

    /// The state's word.
    ///
    /// # Panics
    /// Never for a stored decision: `Proposed` only lives inside a cycle.
    pub fn status(&self) -> DecisionStatus {
        self.state.status().expect("a stored decision is never Proposed")
    }
}

/// Which orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// One trader's, or everybody's.
    pub trader_id: Option<TraderId>,
    /// One venue's.
    pub venue: Option<VenueKind>,
    /// One status.
    pub status: Option<OrderStatus>,
    /// Only orders to which something can still happen.
    pub open_only: bool,
}

/// Which incidents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IncidentFilter {
    /// One trader's, or everybody's.
    pub trader_id: Option<TraderId>,
    /// One status.
    pub status: Option<IncidentStatus>,
}

/// Which notifications.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NotificationFilter {
    /// One trader's, or everybody's.
    pub trader_id: Option<TraderId>,
    /// Only unread ones.
    pub unread: bool,
}

/// One executed order, summed over its fills: what the API calls a trade. Its id is the order's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradeRow {
    /// The order.
    pub order_id: OrderId,
    /// Whose.
    pub trader_id: TraderId,
    /// Where.
    pub venue: VenueKind,
    /// Why.
    pub cause: OrderCause,
    /// The coin.
    pub coin: Coin,
    /// The market.
    pub symbol: Symbol,
    /// Order side.
    pub side: Side,
    /// Side of the position that it opened or closed.
    pub position_side: PositionSide,
    /// Whether it opened exposure.
    pub is_entry: bool,
    /// Base executed.
    pub quantity: Quantity,
    /// Average price.
    pub price: Price,
    /// Price x quantity.
    pub value: Money,
    /// Fees, in quote.
    pub fees: Money,
    /// Realised by this order, before fees; `None` for an entry.
    pub realized: Option<Money>,
    /// Market time of the last fill.
    pub at: Timestamp,
}

/// One ledger line as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerRow {
    /// Line number, in order of writing.
    pub id: i64,
    /// Lines of one transaction share this.
    pub transaction: i64,
    /// What the transaction records.
    pub kind: LedgerKind,
    /// Which account.
    pub account: LedgerAccount,
    /// The coin of the account.
    pub coin: Option<Coin>,
    /// The asset.
    pub asset: Coin,
    /// Signed amount.
    pub amount: Decimal,
    /// Market time.
    pub at: Timestamp,
}

/// One line of the audit trail as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Line number.
    pub id: i64,
    /// Wall-clock time.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// Stable word.
    pub action: String,
    /// What it was done to.
    pub subject: String,
    /// Old and new values.
    pub detail: String,
}

/// How far the histories of decisions and orders have been read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistoryMark {
    /// The last line of decisions' histories.
    pub decision_event: i64,
    /// The last line of orders' time lines.
    pub order_event: i64,
}

/// What has moved since a mark.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// How far was read.
    pub mark: HistoryMark,
    /// Decisions whose history grew, each once.
    pub decisions: Vec<DecisionId>,
    /// Orders whose time line grew, each once.
    pub orders: Vec<OrderId>,
}

/// Reads. All of them answer from committed data only.
#[async_trait]
pub trait Reads: Send + Sync {
    /// A trader, deleted or not.
    async fn trader(&self, id: TraderId) -> Result<Option<Trader>, StoreError>;
    /// Traders by id, oldest first; deleted ones only when asked for.
    async fn traders(&self, include_deleted: bool) -> Result<Vec<Trader>, StoreError>;

    /// The book of a trader at a venue; `None` before it was opened.
    async fn book(&self, trader: TraderId, venue: VenueKind) -> Result<Option<Book>, StoreError>;
    /// A book by id.
    async fn book_by_id(&self, id: BookId) -> Result<Option<Book>, StoreError>;
    /// Every book, of deleted traders too.
    async fn books(&self) -> Result<Vec<Book>, StoreError>;
    /// A book with its open positions, open orders, waiting decisions, and entries since `day_start` (market time).
    async fn book_view(&self, id: BookId, day_start: Timestamp) -> Result<Option<BookView>, StoreError>;
    /// Closed round trips of a book, newest first.
    async fn closed_positions(&self, book: BookId, limit: u32) -> Result<Vec<Position>, StoreError>;
    /// Open positions of every book at a venue.
    async fn open_positions(&self, venue: VenueKind) -> Result<Vec<Position>, StoreError>;
    /// A position by id.
    async fn position(&self, id: crate::domain::ids::PositionId) -> Result<Option<Position>, StoreError>;
    /// Equity points of a book at or after `from`, oldest first, thinned to at most `limit` evenly spaced ones with the
    /// newest always among them.
    async fn equity_history(
        &self,
        book: BookId,
        from: Timestamp,
        limit: u32,
    ) -> Result<Vec<EquitySnapshot>, StoreError>;
    /// The newest equity point of a book.
    async fn last_snapshot(&self, book: BookId) -> Result<Option<EquitySnapshot>, StoreError>;

    /// One decision.
    async fn decision(&self, id: DecisionId) -> Result<Option<Decision>, StoreError>;
    /// A page of decisions, newest first.
    async fn decisions(&self, filter: DecisionFilter, page: Page) -> Result<Vec<Decision>, StoreError>;
    /// The same page, with no more of each decision than a list shows.
    async fn decision_lines(&self, filter: DecisionFilter, page: Page) -> Result<Vec<DecisionLine>, StoreError>;
    /// Decisions and orders whose histories grew after `mark`, from at most `limit` lines of each; without a mark only
    /// where the histories end now.
    async fn touched_since(&self, mark: Option<HistoryMark>, limit: u32) -> Result<Touched, StoreError>;
    /// A decision's history, oldest first.
    async fn decision_events(&self, id: DecisionId) -> Result<Vec<(String, DecisionEventRecord)>, StoreError>;
    /// Counts of the tabs, for one trader or everybody.
    async fn tab_counts(&self, trader: Option<TraderId>) -> Result<TabCounts, StoreError>;
    /// What the bar above every page counts, in one question.
    async fn bar_counts(&self) -> Result<BarCounts, StoreError>;
    /// Both [`Reads::tab_counts`] and [`Reads::bar_counts`], in one question.
    async fn inbox_counts(&self, trader: Option<TraderId>) -> Result<(TabCounts, BarCounts), StoreError>;
    /// Waiting decisions whose time is over at `now`, oldest first.
    async fn expired_decisions(&self, now: Timestamp, limit: u32) -> Result<Vec<Decision>, StoreError>;
    /// Waiting decisions of a trader (pending and displayed), or of everybody.
    async fn waiting_decisions(&self, trader: Option<TraderId>) -> Result<Vec<Decision>, StoreError>;
    /// Decisions of a book of which something became, newest first: neither holds nor what still waits.
    async fn past_decisions(&self, book: BookId, limit: u32) -> Result<Vec<Decision>, StoreError>;
    /// Decisions of one cycle, in order of id.
    async fn decisions_of_cycle(&self, cycle: CycleId) -> Result<Vec<Decision>, StoreError>;

    /// One order.
    async fn order(&self, id: OrderId) -> Result<Option<Order>, StoreError>;
    /// The orders with these ids, at most [`Page::MAX_LIMIT`] of them, in no particular order.
    async fn orders_by_id(&self, ids: &[OrderId]) -> Result<Vec<Order>, StoreError>;
    /// A page of orders, newest first.
    async fn orders(&self, filter: OrderFilter, page: Page) -> Result<Vec<Order>, StoreError>;
    /// Every order to which something can still happen, oldest first.
    async fn open_orders(&self, trader: Option<TraderId>) -> Result<Vec<Order>, StoreError>;
    /// The highest sequence used within a cause; 0 for none.
    async fn last_sequence(&self, cause: OrderCause) -> Result<u32, StoreError>;
    /// What the venue last answered about an order; `None` while it has not, and in simulation.
    async fn venue_answer(&self, id: OrderId) -> Result<Option<VenueAnswer>, StoreError>;
    /// An order's time line, oldest first.
    async fn order_events(&self, id: OrderId) -> Result<Vec<(String, OrderEventRecord)>, StoreError>;
    /// An order's attempts, oldest first.
    async fn attempts(&self, id: OrderId) -> Result<Vec<AttemptRecord>, StoreError>;
    /// An order's fills, oldest first.
    async fn fills(&self, id: OrderId) -> Result<Vec<Fill>, StoreError>;
    /// Orders in the outbox, oldest first.
    async fn outbox(&self, limit: u32) -> Result<Vec<Order>, StoreError>;

    /// Executed orders of a trader at a venue, newest first; the page's bound is the order's id.
    async fn trades(&self, trader: TraderId, venue: VenueKind, page: Page) -> Result<Vec<TradeRow>, StoreError>;
    /// Ledger lines behind an order's fills.
    async fn ledger_of_order(&self, id: OrderId) -> Result<Vec<LedgerRow>, StoreError>;
    /// Sum of a book's ledger per account, coin and asset.
    async fn ledger_sums(&self, book: BookId) -> Result<Vec<(LedgerAccount, Option<Coin>, Coin, Decimal)>, StoreError>;

    /// The sealed exchange key of a trader in an environment.
    async fn credential(
        &self,
        trader: TraderId,
        environment: ExchangeEnvironment,
    ) -> Result<Option<Credential>, StoreError>;
    /// Sealed exchange keys of a trader, testnet first, or of everybody.
    async fn credentials(&self, trader: Option<TraderId>) -> Result<Vec<Credential>, StoreError>;
    /// Models that were armed, some of them perhaps until a time that is over.
    async fn arms(&self) -> Result<Vec<Arm>, StoreError>;

    /// One cycle.
    async fn cycle(&self, id: CycleId) -> Result<Option<Cycle>, StoreError>;
    /// A trader's cycles, newest first.
    async fn cycles(&self, trader: TraderId, page: Page) -> Result<Vec<Cycle>, StoreError>;

    /// A page of incidents, newest first by id.
    async fn incidents(&self, filter: IncidentFilter, page: Page) -> Result<Vec<Incident>, StoreError>;
    /// One incident.
    async fn incident(&self, id: IncidentId) -> Result<Option<Incident>, StoreError>;
    /// How many incidents are open (not acknowledged, not resolved).
    async fn open_incidents(&self) -> Result<i64, StoreError>;
    /// A page of notifications, newest first.
    async fn notifications(&self, filter: NotificationFilter, page: Page) -> Result<Vec<Notification>, StoreError>;
    /// How many notifications are unread.
    async fn unread_notifications(&self) -> Result<i64, StoreError>;
    /// Saved templates of a trader's prompts, newest first: the first is in force.
    async fn prompt_templates(&self, trader: TraderId, limit: u32) -> Result<Vec<PromptTemplate>, StoreError>;
    /// A page of the audit trail, newest first.
    async fn audit(&self, page: Page) -> Result<Vec<AuditRow>, StoreError>;
}
