//! A store and an exchange's accounts that end the process at a call of choice: not a task, not a connection, all of it.

use async_trait::async_trait;
use countersign::domain::absence::Probe;
use countersign::domain::ai_cost::{AiCall, AiDay};
use countersign::domain::arming::Arm;
use countersign::domain::book::{Book, BookView};
use countersign::domain::credential::{AccountFingerprint, Credential, KeyPermissions};
use countersign::domain::cycle::{Cycle, EquitySnapshot};
use countersign::domain::decision::Decision;
use countersign::domain::digest::Digest;
use countersign::domain::fill::Fill;
use countersign::domain::ids::{
    BookId, CycleId, DecisionId, IncidentId, OrderId, PositionId, ProviderId, ReaskId, ShadowId, TraderId,
};
use countersign::domain::incident::Incident;
use countersign::domain::ledger::LedgerAccount;
use countersign::domain::market::{Coin, Symbol};
use countersign::domain::notification::Notification;
use countersign::domain::order::{Order, OrderCause};
use countersign::domain::position::Position;
use countersign::domain::prompt_template::PromptTemplate;
use countersign::domain::provider::{AnswerMode, Provider};
use countersign::domain::reask::Reask;
use countersign::domain::reconciliation::{
    AccountLink, Adjustment, Amounts, AssetLine, Difference, KnownAccount, ReconciliationRun, Standing,
};
use countersign::domain::shadow::{Shadow, ShadowStep};
use countersign::domain::time::Timestamp;
use countersign::domain::trader::Trader;
use countersign::domain::venue_kind::{ExchangeEnvironment, VenueKind};
use countersign::ports::bundle::PackedBundle;
use countersign::ports::exchange::{
    AssetBalance, ExchangeAccount, ExchangeError, Exchanges, TradesFrom, VenueOrder, VenueTrade,
};
use countersign::ports::market_data::MarketData;
use countersign::ports::store::{
    AccountReads, AttemptRecord, AuditRow, BarCounts, BundleFilter, BundleHead, BundleTotal, Changes, CommitError,
    ConversationFilter, Conversations, Coordination, DecisionEventRecord, DecisionFilter, DecisionLine, HistoryMark,
    IdKind, IncidentFilter, JournaledOrder, KnownMode, LeaderRecord, Lease, LedgerRow, NotificationFilter,
    OrderEventRecord, OrderFilter, Page, ProviderReads, Reads, RecordReads, ShadowReads, SharedStore, Store,
    StoreError, TabCounts, Touched, TradeRow,
};
use countersign::ports::venue::{CancelOutcome, OrderContext, QueryOutcome, SubmitOutcome, Venue, VenueAnswer};
use countersign::services::desk::Desk;
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Counts the calls that matter, and ends the process at one of them.
pub struct Fuse {
    /// Which call, from 1; 0 for none.
    pub die_at: usize,
    /// Before the call is made, or after it is done and before anybody learns of it.
    pub before: bool,
    lit: AtomicBool,
    calls: AtomicUsize,
}

impl Fuse {
    pub fn new(die_at: usize, before: bool) -> Arc<Self> {
        Arc::new(Self { die_at, before, lit: AtomicBool::new(false), calls: AtomicUsize::new(0) })
    }

    /// Calls count from now on.
    pub fn light(&self) {
        self.lit.store(true, Ordering::SeqCst);
    }

    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    async fn burn<T>(&self, call: impl Future<Output = T>) -> T {
        let number = if self.lit.load(Ordering::SeqCst) { self.calls.fetch_add(1, Ordering::SeqCst) + 1 } else { 0 };
        let is_last = number > 0 && number == self.die_at;
        if is_last && self.before {
            std::process::abort();
        }
        let answer = call.await;
        if is_last {
            std::process::abort();
        }
        answer
    }
}

/// Puts the fuse into a desk.
pub fn arrange(desk: &mut Desk, fuse: &Arc<Fuse>) {
    desk.store = Arc::new(DyingStore { inner: Arc::clone(&desk.store), fuse: Arc::clone(fuse) });
    let inner = desk.exchanges.take().expect("this desk reaches an exchange");
    desk.exchanges = Some(Arc::new(DyingExchanges { inner, fuse: Arc::clone(fuse) }));
}

struct DyingStore {
    inner: SharedStore,
    fuse: Arc<Fuse>,
}

#[async_trait]
impl Store for DyingStore {
    async fn commit(&self, changes: Changes) -> Result<(), CommitError> {
        self.fuse.burn(self.inner.commit(changes)).await
    }

    async fn thin_curve(&self, book: BookId, before: Timestamp, step_ms: i64, limit: u32) -> Result<u64, StoreError> {
        self.inner.thin_curve(book, before, step_ms, limit).await
    }
}

struct DyingExchanges {
    inner: Arc<dyn Exchanges>,
    fuse: Arc<Fuse>,
}

#[async_trait]
impl Exchanges for DyingExchanges {
    async fn open(&self, credential: &Credential) -> Result<Arc<dyn ExchangeAccount>, ExchangeError> {
        let inner = self.inner.open(credential).await?;
        Ok(Arc::new(DyingAccount { inner, fuse: Arc::clone(&self.fuse) }))
    }

    fn banned_until(&self, venue: VenueKind) -> Option<Timestamp> {
        self.inner.banned_until(venue)
    }

    fn restore_ban(&self, venue: VenueKind, until: Timestamp) {
        self.inner.restore_ban(venue, until);
    }

    fn market(&self, venue: VenueKind) -> Option<Arc<dyn MarketData>> {
        self.inner.market(venue)
    }
}

struct DyingAccount {
    inner: Arc<dyn ExchangeAccount>,
    fuse: Arc<Fuse>,
}

#[async_trait]
impl Venue for DyingAccount {
    fn kind(&self) -> VenueKind {
        self.inner.kind()
    }

    async fn submit(&self, order: &JournaledOrder, context: OrderContext<'_>) -> SubmitOutcome {
        self.fuse.burn(self.inner.submit(order, context)).await
    }

    async fn query(&self, order: &Order, context: OrderContext<'_>) -> QueryOutcome {
        self.fuse.burn(self.inner.query(order, context)).await
    }

    async fn cancel(&self, order: &Order, context: OrderContext<'_>) -> CancelOutcome {
        self.fuse.burn(self.inner.cancel(order, context)).await
    }
}

#[async_trait]
impl ExchangeAccount for DyingAccount {
    fn fingerprint(&self) -> &AccountFingerprint {
        self.inner.fingerprint()
    }

    async fn time(&self) -> Result<Timestamp, ExchangeError> {
        self.fuse.burn(self.inner.time()).await
    }

    async fn permissions(&self) -> Result<KeyPermissions, ExchangeError> {
        self.fuse.burn(self.inner.permissions()).await
    }

    async fn balances(&self) -> Result<Vec<AssetBalance>, ExchangeError> {
        self.fuse.burn(self.inner.balances()).await
    }

    async fn open_orders(&self, symbol: Option<&Symbol>) -> Result<Vec<VenueOrder>, ExchangeError> {
        self.fuse.burn(self.inner.open_orders(symbol)).await
    }

    async fn orders_since(&self, symbol: &Symbol, since: Timestamp) -> Result<Vec<VenueOrder>, ExchangeError> {
        self.fuse.burn(self.inner.orders_since(symbol, since)).await
    }

    async fn trades(&self, symbol: &Symbol, from: TradesFrom) -> Result<Vec<VenueTrade>, ExchangeError> {
        self.fuse.burn(self.inner.trades(symbol, from)).await
    }
}

/// Everything else is the inner store's.
macro_rules! pass_on {
    ($port:ident { $(async fn $name:ident(&self $(, $given:ident: $kind:ty)*) -> $answer:ty;)+ }) => {
        #[async_trait]
        impl $port for DyingStore {
            $(async fn $name(&self $(, $given: $kind)*) -> $answer {
                self.inner.$name($($given),*).await
            })+
        }
    };
}

pass_on! {
    Reads {
        async fn trader(&self, id: TraderId) -> Result<Option<Trader>, StoreError>;
        async fn traders(&self, include_deleted: bool) -> Result<Vec<Trader>, StoreError>;
        async fn book(&self, trader: TraderId, venue: VenueKind) -> Result<Option<Book>, StoreError>;
        async fn book_by_id(&self, id: BookId) -> Result<Option<Book>, StoreError>;
        async fn books(&self) -> Result<Vec<Book>, StoreError>;
        async fn book_view(&self, id: BookId, day_start: Timestamp) -> Result<Option<BookView>, StoreError>;
        async fn closed_positions(&self, book: BookId, limit: u32) -> Result<Vec<Position>, StoreError>;
        async fn open_positions(&self, venue: VenueKind) -> Result<Vec<Position>, StoreError>;
        async fn position(&self, id: PositionId) -> Result<Option<Position>, StoreError>;
        async fn equity_history(&self, book: BookId, from: Timestamp, limit: u32) -> Result<Vec<EquitySnapshot>, StoreError>;
        async fn last_snapshot(&self, book: BookId) -> Result<Option<EquitySnapshot>, StoreError>;
        async fn decision(&self, id: DecisionId) -> Result<Option<Decision>, StoreError>;
        async fn decisions(&self, filter: DecisionFilter, page: Page) -> Result<Vec<Decision>, StoreError>;
        async fn decision_lines(&self, filter: DecisionFilter, page: Page) -> Result<Vec<DecisionLine>, StoreError>;
        async fn touched_since(&self, mark: Option<HistoryMark>, limit: u32) -> Result<Touched, StoreError>;
        async fn decision_events(&self, id: DecisionId) -> Result<Vec<(String, DecisionEventRecord)>, StoreError>;
        async fn tab_counts(&self, trader: Option<TraderId>) -> Result<TabCounts, StoreError>;
        async fn bar_counts(&self) -> Result<BarCounts, StoreError>;
        async fn inbox_counts(&self, trader: Option<TraderId>) -> Result<(TabCounts, BarCounts), StoreError>;
        async fn expired_decisions(&self, now: Timestamp, limit: u32) -> Result<Vec<Decision>, StoreError>;
        async fn waiting_decisions(&self, trader: Option<TraderId>) -> Result<Vec<Decision>, StoreError>;
        async fn past_decisions(&self, book: BookId, limit: u32) -> Result<Vec<Decision>, StoreError>;
        async fn decisions_of_cycle(&self, cycle: CycleId) -> Result<Vec<Decision>, StoreError>;
        async fn order(&self, id: OrderId) -> Result<Option<Order>, StoreError>;
        async fn venue_answer(&self, id: OrderId) -> Result<Option<VenueAnswer>, StoreError>;
        async fn orders_by_id(&self, ids: &[OrderId]) -> Result<Vec<Order>, StoreError>;
        async fn orders(&self, filter: OrderFilter, page: Page) -> Result<Vec<Order>, StoreError>;
        async fn open_orders(&self, trader: Option<TraderId>) -> Result<Vec<Order>, StoreError>;
        async fn last_sequence(&self, cause: OrderCause) -> Result<u32, StoreError>;
        async fn order_events(&self, id: OrderId) -> Result<Vec<(String, OrderEventRecord)>, StoreError>;
        async fn attempts(&self, id: OrderId) -> Result<Vec<AttemptRecord>, StoreError>;
        async fn fills(&self, id: OrderId) -> Result<Vec<Fill>, StoreError>;
        async fn outbox(&self, limit: u32) -> Result<Vec<Order>, StoreError>;
        async fn trades(&self, trader: TraderId, venue: VenueKind, page: Page) -> Result<Vec<TradeRow>, StoreError>;
        async fn ledger_of_order(&self, id: OrderId) -> Result<Vec<LedgerRow>, StoreError>;
        async fn ledger_sums(&self, book: BookId) -> Result<Vec<(LedgerAccount, Option<Coin>, Coin, Decimal)>, StoreError>;
        async fn credential(&self, trader: TraderId, environment: ExchangeEnvironment) -> Result<Option<Credential>, StoreError>;
        async fn credentials(&self, trader: Option<TraderId>) -> Result<Vec<Credential>, StoreError>;
        async fn arms(&self) -> Result<Vec<Arm>, StoreError>;
        async fn cycle(&self, id: CycleId) -> Result<Option<Cycle>, StoreError>;
        async fn cycles(&self, trader: TraderId, page: Page) -> Result<Vec<Cycle>, StoreError>;
        async fn incidents(&self, filter: IncidentFilter, page: Page) -> Result<Vec<Incident>, StoreError>;
        async fn incident(&self, id: IncidentId) -> Result<Option<Incident>, StoreError>;
        async fn open_incidents(&self) -> Result<i64, StoreError>;
        async fn notifications(&self, filter: NotificationFilter, page: Page) -> Result<Vec<Notification>, StoreError>;
        async fn unread_notifications(&self) -> Result<i64, StoreError>;
        async fn prompt_templates(&self, trader: TraderId, limit: u32) -> Result<Vec<PromptTemplate>, StoreError>;
        async fn audit(&self, page: Page) -> Result<Vec<AuditRow>, StoreError>;
    }
}

pass_on! {
    AccountReads {
        async fn known_accounts(&self) -> Result<Vec<KnownAccount>, StoreError>;
        async fn account_links(&self) -> Result<Vec<AccountLink>, StoreError>;
        async fn account_assets(&self, account: &AccountFingerprint) -> Result<Vec<AssetLine>, StoreError>;
        async fn account_marks(&self, account: &AccountFingerprint) -> Result<BTreeMap<Symbol, i64>, StoreError>;
        async fn current_differences(&self, account: &AccountFingerprint) -> Result<Vec<Difference>, StoreError>;
        async fn past_differences(&self, account: &AccountFingerprint, limit: u32) -> Result<Vec<Difference>, StoreError>;
        async fn difference(&self, id: i64) -> Result<Option<Difference>, StoreError>;
        async fn adjustments(&self, account: &AccountFingerprint) -> Result<Vec<Adjustment>, StoreError>;
        async fn reconciliation_runs(&self, account: &AccountFingerprint, limit: u32) -> Result<Vec<ReconciliationRun>, StoreError>;
        async fn account_standing(&self, account: &AccountFingerprint, process: &str) -> Result<Standing, StoreError>;
        async fn own_movements(&self, account: &AccountFingerprint) -> Result<(Amounts, u64), StoreError>;
        async fn order_by_name(&self, client_order_id: &str) -> Result<Option<Order>, StoreError>;
        async fn orders_by_venue_ids(&self, venue: VenueKind, symbol: &Symbol, ids: &[i64]) -> Result<Vec<Order>, StoreError>;
        async fn probes(&self, ids: &[OrderId]) -> Result<BTreeMap<OrderId, Vec<Probe>>, StoreError>;
    }
}

pass_on! {
    ProviderReads {
        async fn provider(&self, id: ProviderId) -> Result<Option<Provider>, StoreError>;
        async fn providers(&self) -> Result<Vec<Provider>, StoreError>;
        async fn answer_mode(&self, provider: ProviderId, model_name: &str) -> Result<Option<AnswerMode>, StoreError>;
        async fn answer_modes(&self, provider: ProviderId) -> Result<Vec<KnownMode>, StoreError>;
        async fn ai_days(&self, trader: Option<TraderId>, since: Timestamp) -> Result<Vec<AiDay>, StoreError>;
        async fn ai_calls(&self, cycle: CycleId) -> Result<Vec<AiCall>, StoreError>;
    }
}

pass_on! {
    RecordReads {
        async fn bundle(&self, hash: &Digest) -> Result<Option<PackedBundle>, StoreError>;
        async fn bundle_heads(&self, filter: BundleFilter, after: i64, limit: u32) -> Result<Vec<BundleHead>, StoreError>;
        async fn reask(&self, id: ReaskId) -> Result<Option<Reask>, StoreError>;
        async fn reasks(&self, cycle: CycleId) -> Result<Vec<Reask>, StoreError>;
        async fn bundle_total(&self) -> Result<BundleTotal, StoreError>;
        async fn conversations(&self, trader: TraderId, filter: &ConversationFilter, page: Page) -> Result<Conversations, StoreError>;
        async fn calls_of_cycles(&self, cycles: &[CycleId]) -> Result<Vec<AiCall>, StoreError>;
    }
}

pass_on! {
    ShadowReads {
        async fn shadow(&self, id: ShadowId) -> Result<Option<Shadow>, StoreError>;
        async fn shadows(&self, trader: TraderId, limit: u32) -> Result<Vec<Shadow>, StoreError>;
        async fn active_shadows(&self) -> Result<Vec<Shadow>, StoreError>;
        async fn shadows_behind(&self) -> Result<Vec<ShadowId>, StoreError>;
        async fn followers(&self, trader: TraderId) -> Result<Vec<Shadow>, StoreError>;
        async fn shadow_steps(&self, shadow: ShadowId, page: Page) -> Result<Vec<ShadowStep>, StoreError>;
        async fn next_record(&self, trader: TraderId, after: i64) -> Result<Option<LeaderRecord>, StoreError>;
        async fn last_record(&self, trader: TraderId, after: i64) -> Result<Option<LeaderRecord>, StoreError>;
        async fn records_after(&self, trader: TraderId, after: i64) -> Result<u64, StoreError>;
        async fn newest_record(&self) -> Result<i64, StoreError>;
    }
}

pass_on! {
    Coordination {
        async fn reserve_ids(&self, kind: IdKind, count: u32) -> Result<Vec<i64>, StoreError>;
        async fn acquire_lease(&self, name: &str, owner: &str, now: Timestamp, until: Timestamp, cycle_id: Option<CycleId>) -> Result<Option<Lease>, StoreError>;
        async fn renew_lease(&self, lease: &Lease, until: Timestamp) -> Result<bool, StoreError>;
        async fn release_lease(&self, lease: &Lease) -> Result<(), StoreError>;
        async fn lease(&self, name: &str) -> Result<Option<Lease>, StoreError>;
        async fn running_cycles(&self, now: Timestamp) -> Result<Vec<(TraderId, CycleId)>, StoreError>;
        async fn others_live(&self, owner: &str, now: Timestamp) -> Result<bool, StoreError>;
        async fn meta(&self, key: &str) -> Result<Option<String>, StoreError>;
        async fn set_meta(&self, key: &str, value: &str) -> Result<(), StoreError>;
        async fn init_meta(&self, key: &str, value: &str) -> Result<String, StoreError>;
        async fn ping(&self) -> Result<(), StoreError>;
    }
}
