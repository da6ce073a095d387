//! The questions that are asked of the store, each answered by the module of its table.

use super::SqlStore;
use super::{
    books, credentials, cycles, decisions, fills, incidents, ledger, messages, orders, positions, prompt_templates,
    touched, traders,
};
use crate::domain::arming::Arm;
use crate::domain::book::{Book, BookView};
use crate::domain::credential::Credential;
use crate::domain::cycle::{Cycle, EquitySnapshot};
use crate::domain::decision::Decision;
use crate::domain::fill::Fill;
use crate::domain::ids::{BookId, CycleId, DecisionId, IncidentId, OrderId, PositionId, TraderId};
use crate::domain::incident::Incident;
use crate::domain::ledger::LedgerAccount;
use crate::domain::market::Coin;
use crate::domain::notification::Notification;
use crate::domain::order::{Order, OrderCause};
use crate::domain::position::Position;
use crate::domain::prompt_template::PromptTemplate;
use crate::domain::time::Timestamp;
use crate::domain::trader::Trader;
use crate::domain::venue_kind::{ExchangeEnvironment, VenueKind};
use crate::ports::store::{
    AttemptRecord, AuditRow, BarCounts, DecisionEventRecord, DecisionFilter, DecisionLine, HistoryMark, IncidentFilter,
    LedgerRow, NotificationFilter, OrderEventRecord, OrderFilter, Page, Reads, StoreError, TabCounts, Touched,
    TradeRow,
};
use crate::ports::venue::VenueAnswer;
use async_trait::async_trait;
use rust_decimal::Decimal;

#[async_trait]
impl Reads for SqlStore {
    async fn trader(&self, id: TraderId) -> Result<Option<Trader>, StoreError> {
        traders::by_id(&self.db.reader, id).await
    }

    async fn traders(&self, include_deleted: bool) -> Result<Vec<Trader>, StoreError> {
        traders::all(&self.db.reader, include_deleted).await
    }

    async fn book(&self, trader: TraderId, venue: VenueKind) -> Result<Option<Book>, StoreError> {
        books::of_trader(&self.db.reader, trader, venue).await
    }

    async fn book_by_id(&self, id: BookId) -> Result<Option<Book>, StoreError> {
        books::by_id(&self.db.reader, id).await
    }

    async fn books(&self) -> Result<Vec<Book>, StoreError> {
        books::all(&self.db.reader).await
    }

    async fn book_view(&self, id: BookId, day_start: Timestamp) -> Result<Option<BookView>, StoreError> {
        books::view(&self.db, id, day_start).await
    }

    async fn closed_positions(&self, book: BookId, limit: u32) -> Result<Vec<Position>, StoreError> {
        positions::closed_in(&self.db.reader, book, limit).await
    }

    async fn open_positions(&self, venue: VenueKind) -> Result<Vec<Position>, StoreError> {
        positions::open_at(&self.db.reader, venue).await
    }

    async fn position(&self, id: PositionId) -> Result<Option<Position>, StoreError> {
        positions::by_id(&self.db.reader, id).await
    }

    async fn equity_history(
        &self,
        book: BookId,
        from: Timestamp,
        limit: u32,
    ) -> Result<Vec<EquitySnapshot>, StoreError> {
        books::curve(&self.db.reader, book, from, limit).await
    }

    async fn last_snapshot(&self, book: BookId) -> Result<Option<EquitySnapshot>, StoreError> {
        books::last_point(&self.db.reader, book).await
    }

    async fn decision(&self, id: DecisionId) -> Result<Option<Decision>, StoreError> {
        decisions::by_id(&self.db.reader, id).await
    }

    async fn decisions(&self, filter: DecisionFilter, page: Page) -> Result<Vec<Decision>, StoreError> {
        decisions::page(&self.db.reader, filter, page).await
    }

    async fn decision_lines(&self, filter: DecisionFilter, page: Page) -> Result<Vec<DecisionLine>, StoreError> {
        decisions::lines(&self.db.reader, filter, page).await
    }

    async fn touched_since(&self, mark: Option<HistoryMark>, limit: u32) -> Result<Touched, StoreError> {
        touched::since(&self.db.reader, mark, limit).await
    }

    async fn decision_events(&self, id: DecisionId) -> Result<Vec<(String, DecisionEventRecord)>, StoreError> {
        decisions::events(&self.db.reader, id).await
    }

    async fn tab_counts(&self, trader: Option<TraderId>) -> Result<TabCounts, StoreError> {
        decisions::counts(&self.db.reader, trader).await
    }

    async fn bar_counts(&self) -> Result<BarCounts, StoreError> {
        decisions::bar_counts(&self.db.reader).await
    }

    async fn inbox_counts(&self, trader: Option<TraderId>) -> Result<(TabCounts, BarCounts), StoreError> {
        decisions::inbox_counts(&self.db.reader, trader).await
    }

    async fn expired_decisions(&self, now: Timestamp, limit: u32) -> Result<Vec<Decision>, StoreError> {
        decisions::expired(&self.db.reader, now, limit).await
    }

    async fn waiting_decisions(&self, trader: Option<TraderId>) -> Result<Vec<Decision>, StoreError> {
        decisions::waiting_of(&self.db.reader, trader).await
    }

    async fn past_decisions(&self, book: BookId, limit: u32) -> Result<Vec<Decision>, StoreError> {
        decisions::past_in(&self.db.reader, book, limit).await
    }

    async fn decisions_of_cycle(&self, cycle: CycleId) -> Result<Vec<Decision>, StoreError> {
        decisions::of_cycle(&self.db.reader, cycle).await
    }

    async fn order(&self, id: OrderId) -> Result<Option<Order>, StoreError> {
        orders::by_id(&self.db.reader, id).await
    }

    async fn orders_by_id(&self, ids: &[OrderId]) -> Result<Vec<Order>, StoreError> {
        orders::by_ids(&self.db.reader, ids).await
    }

    async fn orders(&self, filter: OrderFilter, page: Page) -> Result<Vec<Order>, StoreError> {
        orders::page(&self.db.reader, filter, page).await
    }

    async fn open_orders(&self, trader: Option<TraderId>) -> Result<Vec<Order>, StoreError> {
        orders::open_of(&self.db.reader, trader).await
    }

    async fn last_sequence(&self, cause: OrderCause) -> Result<u32, StoreError> {
        orders::last_sequence(&self.db.reader, cause).await
    }

    async fn venue_answer(&self, id: OrderId) -> Result<Option<VenueAnswer>, StoreError> {
        orders::venue_answer(&self.db.reader, id).await
    }

    async fn order_events(&self, id: OrderId) -> Result<Vec<(String, OrderEventRecord)>, StoreError> {
        orders::events(&self.db.reader, id).await
    }

    async fn attempts(&self, id: OrderId) -> Result<Vec<AttemptRecord>, StoreError> {
        orders::attempts(&self.db.reader, id).await
    }

    async fn fills(&self, id: OrderId) -> Result<Vec<Fill>, StoreError> {
        fills::of_order(&self.db.reader, id).await
    }

    async fn outbox(&self, limit: u32) -> Result<Vec<Order>, StoreError> {
        orders::outbox(&self.db.reader, limit).await
    }

    async fn trades(&self, trader: TraderId, venue: VenueKind, page: Page) -> Result<Vec<TradeRow>, StoreError> {
        fills::trades(&self.db.reader, trader, venue, page).await
    }

    async fn ledger_of_order(&self, id: OrderId) -> Result<Vec<LedgerRow>, StoreError> {
        ledger::of_order(&self.db.reader, id).await
    }

    async fn ledger_sums(&self, book: BookId) -> Result<Vec<(LedgerAccount, Option<Coin>, Coin, Decimal)>, StoreError> {
        ledger::sums(&self.db.reader, book).await
    }

    async fn credential(
        &self,
        trader: TraderId,
        environment: ExchangeEnvironment,
    ) -> Result<Option<Credential>, StoreError> {
        credentials::one(&self.db.reader, trader, environment).await
    }

    async fn credentials(&self, trader: Option<TraderId>) -> Result<Vec<Credential>, StoreError> {
        credentials::all(&self.db.reader, trader).await
    }

    async fn arms(&self) -> Result<Vec<Arm>, StoreError> {
        credentials::arms(&self.db.reader).await
    }

    async fn cycle(&self, id: CycleId) -> Result<Option<Cycle>, StoreError> {
        cycles::by_id(&self.db.reader, id).await
    }

    async fn cycles(&self, trader: TraderId, page: Page) -> Result<Vec<Cycle>, StoreError> {
        cycles::page(&self.db.reader, trader, page).await
    }

    async fn incidents(&self, filter: IncidentFilter, page: Page) -> Result<Vec<Incident>, StoreError> {
        incidents::page(&self.db.reader, filter, page).await
    }

    async fn incident(&self, id: IncidentId) -> Result<Option<Incident>, StoreError> {
        incidents::by_id(&self.db.reader, id).await
    }

    async fn open_incidents(&self) -> Result<i64, StoreError> {
        incidents::open_count(&self.db.reader).await
    }

    async fn notifications(&self, filter: NotificationFilter, page: Page) -> Result<Vec<Notification>, StoreError> {
        messages::page(&self.db.reader, filter, page).await
    }

    async fn unread_notifications(&self) -> Result<i64, StoreError> {
        messages::unread_count(&self.db.reader).await
    }

    async fn prompt_templates(&self, trader: TraderId, limit: u32) -> Result<Vec<PromptTemplate>, StoreError> {
        prompt_templates::newest(&self.db.reader, trader, limit).await
    }

    async fn audit(&self, page: Page) -> Result<Vec<AuditRow>, StoreError> {
        messages::audit_page(&self.db.reader, page).await
    }
}
