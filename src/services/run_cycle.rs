//! A cycle: market data -> the advisor's proposals -> risk rules in code -> shown, asked or executed. One commit.
//!
//! A lease makes sure that one trader runs once, in whatever process; its epoch is a guard of the commit, so that a
//! process that slept through its lease cannot write what it had in mind.

mod brief;
mod keep;
mod propose;
mod record;

pub use brief::{BriefDepth, BriefError, BriefScene, brief};
pub(crate) use brief::{closed_trade, position_brief};
pub(crate) use propose::take_terms;
pub(crate) use record::told;

use crate::domain::ai_cost::AiPurpose;
use crate::domain::auto_pause::{AutoPause, Record, evaluate};
use crate::domain::book::BookView;
use crate::domain::cycle::CycleTrigger;
use crate::domain::ids::{BUILT_IN_PROVIDER, CycleId, TraderId};
use crate::domain::market::{CandleInterval, Coin, Quote};
use crate::domain::money::Price;
use crate::domain::shadow::Shadow;
use crate::domain::trader::{Trader, TradingState};
use crate::domain::venue_kind::{AutomationLevel, VenueKind};
use crate::ports::advisor::{Advice, AdvisorError};
use crate::ports::market_data::{MarketData, MarketDataError};
use crate::ports::store::{CommitError, IdKind, Lease, StoreError};
use crate::services::consult::{ConsultError, Question, Transcript, consult};
use crate::services::cycle_parts::{MarketView, cycle_lease, ensure_book, relevant_coins};
use crate::services::desk::{COMMIT_ATTEMPTS, Desk, is_conflict};
use crate::services::judge::Answer;
use crate::services::lease_keeper::{LEASE_MS, until_lost};
use crate::services::live::{self, AccountView, Balances, Errand, LiveRefusal};
use crate::services::volatility::{VOLATILITY_CANDLES, realised_volatility_24h_ratio};
use crate::services::{record as records, templates};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Longest wait for an advisor.
pub const ADVISOR_TIMEOUT: Duration = Duration::from_secs(180);
/// Closed trades read for the auto-pause.
const RECORD_TRADES: u32 = 100;

/// What a coin's advisor answered: a proposal, or why there is none.
pub type Answers = Vec<(Coin, Answer)>;

/// Asks for a cycle.
#[derive(Clone, Debug)]
pub struct CycleRequest {
    /// Whose.
    pub trader_id: TraderId,
    /// What started it.
    pub trigger: CycleTrigger,
    /// Decisions sent in; the trader's advisor is asked when there are none.
    pub decisions: Option<Answers>,
    /// Prices sent in with them (simulation only).
    pub prices: Vec<(Coin, Price)>,
    /// Sent by a token that may only propose: on a fully automated trader its decisions ask, unless the trader's
    /// `external_autonomy` is on.
    pub propose_only: bool,
    /// Who asks.
    pub actor: String,
}

impl CycleRequest {
    /// A cycle that asks the trader's own advisor.
    pub fn ask(trader_id: TraderId, trigger: CycleTrigger, actor: &str) -> Self {
        Self { trader_id, trigger, decisions: None, prices: Vec::new(), propose_only: false, actor: actor.to_owned() }
    }
}

/// Why there was no cycle, or why it failed. A failed one is an incident and leaves nothing half done.
#[derive(Debug, thiserror::Error)]
pub enum CycleError {
    /// No such trader, or it was deleted.
    #[error("model {0} does not exist")]
    NotFound(TraderId),
    /// It runs already, here or in another process.
    #[error("a cycle of this model is running")]
    Running,
    /// A scheduled run that is not due any more: another process has just made it.
    #[error("the model is not due: another process has just run it")]
    NotDue,
    /// The trader is paused.
    #[error("the model is paused: {reason}")]
    Paused {
        /// Why.
        reason: String,
    },
    /// The emergency stop is in force.
    #[error("the emergency stop is in force")]
    Stopped,
    /// A live account that may not or cannot be used.
    #[error(transparent)]
    Live(LiveRefusal),
    /// Full automation stopped itself before asking.
    #[error("full automation paused itself: {0}")]
    AutoPaused(String),
    /// No price is fresh.
    #[error("no coin has a fresh price: {0}")]
    StaleMarketData(String),
    /// The market did not answer.
    #[error(transparent)]
    Market(#[from] MarketDataError),
    /// The advisor did not answer.
    #[error(transparent)]
    Advisor(#[from] AdvisorError),
    /// The language model could not be asked, or its provider gave no answer.
    #[error(transparent)]
    Consult(ConsultError),
    /// The provider does not offer the trader's advisor.
    #[error("the provider does not offer {0}")]
    UnknownAdvisor(String),
    /// Axes, state or settings changed while it ran, or another process took over.
    #[error("the cycle was abandoned: {0}")]
    Overtaken(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<BriefError> for CycleError {
    fn from(error: BriefError) -> Self {
        match error {
            BriefError::Market(error) => Self::Market(error),
            BriefError::Store(error) => Self::Store(error),
        }
    }
}

impl From<LiveRefusal> for CycleError {
    fn from(refusal: LiveRefusal) -> Self {
        match refusal {
            LiveRefusal::Store(error) => Self::Store(error),
            refusal => Self::Live(refusal),
        }
    }
}

impl From<ConsultError> for CycleError {
    fn from(error: ConsultError) -> Self {
        match error {
            ConsultError::Store(error) => Self::Store(error),
            error => Self::Consult(error),
        }
    }
}

/// Runs one cycle and returns its id; its decisions are then in the store.
///
/// # Errors
/// [`CycleError`]; when the cycle had begun, the failure is recorded with an incident.
pub async fn run(desk: &Desk, request: CycleRequest) -> Result<CycleId, CycleError> {
    let trader = desk.store.trader(request.trader_id).await?.filter(|trader| trader.deleted_at.is_none());
    let trader = trader.ok_or(CycleError::NotFound(request.trader_id))?;
    if let TradingState::Paused { reason, .. } = &trader.state {
        return Err(CycleError::Paused { reason: reason.clone() });
    }
    if desk.stop.in_force().await.is_some() {
        return Err(CycleError::Stopped);
    }
    let id = CycleId(desk.next_id(IdKind::Cycle).await?);
    let now = desk.clock.now();
    let name = cycle_lease(trader.id);
    let lease = desk.store.acquire_lease(&name, &desk.process, now, now.plus_ms(LEASE_MS), Some(id)).await?;
    let lease = lease.ok_or(CycleError::Running)?;
    // Read again under the lease: the trader may have run or changed between the two.
    let trader = desk.store.trader(trader.id).await?.ok_or(CycleError::NotFound(request.trader_id))?;
    if request.trigger == CycleTrigger::Schedule && !is_due(desk, &trader) {
        desk.store.release_lease(&lease).await?;
        return Err(CycleError::NotDue);
    }
    crate::observe::cycle_started(&trader, id, request.trigger);
    let run = Run {
        desk,
        trader,
        id,
        lease,
        request,
        started_at: now,
        asked: OnceLock::new(),
        transcript: Transcript::default(),
    };
    let outcome = tokio::select! {
        outcome = run.work() => outcome,
        () = until_lost(desk, &run.lease) => {
            Err(CycleError::Overtaken("another process took over this model".to_owned()))
        }
    };
    match outcome {
        Ok(()) => {
            run.publish();
            Ok(id)
        }
        Err(error) => {
            run.fail(&error).await;
            Err(error)
        }
    }
}

/// Whether a trader's schedule wants it to run now, in the time of its own market.
pub fn is_due(desk: &Desk, trader: &Trader) -> bool {
    let market = desk.markets.of(trader.axes.venue_kind());
    let now = market.map_or_else(|| desk.clock.now(), |market| market.now());
    trader.is_active() && trader.next_run_at.is_none_or(|at| at <= now)
}

/// One cycle under way.
struct Run<'a> {
    desk: &'a Desk,
    trader: Trader,
    id: CycleId,
    lease: Lease,
    request: CycleRequest,
    started_at: crate::domain::time::Timestamp,
    /// What a language model was asked about.
    asked: OnceLock<keep::Asked>,
    /// What it said, and what that cost.
    transcript: Transcript,
}

impl Run<'_> {
    async fn work(&self) -> Result<(), CycleError> {
        let venue = self.trader.axes.venue_kind();
        live::is_ready(self.desk, &self.trader, venue).await?;
        let market = self.desk.markets.of(venue).ok_or_else(|| LiveRefusal::no_market(venue))?;
        let book = ensure_book(self.desk, &self.trader, venue, market.now()).await?;
        let account =
            AccountView::read(self.desk, &self.trader, (book.id, venue), Errand::Propose, Balances::Read).await?;
        self.remember_given_prices(market.now(), venue);
        let day = market.now().day_start();
        let view = self.view(book.id, day).await?;
        let mut coins = relevant_coins(&self.trader, &view);
        // Whoever follows this trader on paper sees no prices but those of its records.
        let followers = self.followers().await;
        let given = self.request.decisions.iter().flatten().map(|(coin, _)| coin);
        for coin in given.chain(followers.iter().flat_map(Shadow::held)) {
            if !coins.contains(coin) {
                coins.push(coin.clone());
            }
        }
        let market_view = MarketView::read(self.desk, market.as_ref(), &self.trader, coins).await?;
        self.require_some_price(&market_view)?;
        self.auto_pause(&view, &market_view, market.as_ref()).await?;
        let advice = match &self.request.decisions {
            Some(decisions) => Advice { coins: decisions.clone(), asked: String::new(), answered: String::new() },
            None => self.ask(&view, &market_view, &account, (market, !followers.is_empty())).await?,
        };
        self.decide(&advice, &market_view, &account, view).await
    }

    async fn view(
        &self,
        book: crate::domain::ids::BookId,
        day: crate::domain::time::Timestamp,
    ) -> Result<BookView, StoreError> {
        let missing = || StoreError::Corrupt { what: "book", detail: format!("book {book} is gone") };
        self.desk.store.book_view(book, day).await?.ok_or_else(missing)
    }

    /// Whatever is the matter with a shadow, the trader that it follows goes on.
    async fn followers(&self) -> Vec<Shadow> {
        self.desk.store.followers(self.trader.id).await.unwrap_or_else(|error| {
            crate::observe::store_failed("reading who follows a model", &error);
            Vec::new()
        })
    }

    fn remember_given_prices(&self, now: crate::domain::time::Timestamp, venue: VenueKind) {
        if venue == VenueKind::Simulation {
            for (coin, price) in &self.request.prices {
                self.desk.given_quotes.put(self.trader.id, coin.clone(), Quote { price: *price, at: now });
            }
        }
    }

    fn require_some_price(&self, market: &MarketView) -> Result<(), CycleError> {
        let wanted = &self.trader.settings.supported_assets;
        let given = self.request.decisions.iter().flatten().map(|(coin, _)| coin);
        if wanted.iter().chain(given).any(|coin| market.fresh_quote(coin, &self.trader.settings).is_some()) {
            return Ok(());
        }
        let names: Vec<&str> = wanted.iter().map(Coin::as_str).collect();
        let age = self.trader.settings.max_price_age_seconds;
        Err(CycleError::StaleMarketData(format!("{} are missing or older than {age} s", names.join(", "))))
    }

    /// Full automation looks at its own record first.
    async fn auto_pause(
        &self,
        view: &BookView,
        market: &MarketView,
        source: &dyn MarketData,
    ) -> Result<(), CycleError> {
        if self.trader.axes.automation_level != AutomationLevel::FullyAutomated
            || !self.trader.settings.auto_pause_enabled
        {
            return Ok(());
        }
        let closed = self.desk.store.closed_positions(view.book.id, RECORD_TRADES).await?;
        let equity = view.value(&market.fresh_marks(&self.trader.settings)).map(|valuation| valuation.equity);
        let record = Record {
            closed: closed.iter().map(crate::domain::position::Position::net_result).collect(),
            daily_loss_pct: equity.and_then(|equity| {
                let mut book = view.book.clone();
                book.observe(equity, market.now);
                (book.day_start_equity - equity).percent_of(book.day_start_equity)
            }),
            volatility_ratio: self.volatility(view, market, source).await,
            api_errors: self.trader.api_errors,
        };
        match evaluate(&self.trader.settings, &record) {
            None => Ok(()),
            Some(pause) => {
                self.step_down(&pause).await?;
                Err(CycleError::AutoPaused(pause.reason))
            }
        }
    }

    /// The median ratio over the coins held or traded; `None` when candles are missing (no reason to pause).
    async fn volatility(
        &self,
        view: &BookView,
        market: &MarketView,
        source: &dyn MarketData,
    ) -> Option<rust_decimal::Decimal> {
        let mut ratios = Vec::new();
        for coin in relevant_coins(&self.trader, view) {
            let Some(instrument) = market.instruments.of_coin(&coin) else { continue };
            if let Ok(candles) = source.candles(&instrument.symbol, CandleInterval::OneHour, VOLATILITY_CANDLES).await
                && let Some(ratio) = realised_volatility_24h_ratio(&candles)
            {
                ratios.push(ratio);
            }
        }
        ratios.sort_unstable();
        ratios.get(ratios.len() / 2).copied()
    }

    async fn ask(
        &self,
        view: &BookView,
        market: &MarketView,
        account: &AccountView,
        (source, is_followed): (&Arc<dyn MarketData>, bool),
    ) -> Result<Advice, CycleError> {
        let scene = BriefScene { trader: &self.trader, view, market, source: source.as_ref() };
        if self.trader.provider_id != BUILT_IN_PROVIDER {
            let brief = brief(self.desk, &scene, BriefDepth::Whole).await?;
            let coins = brief.coins.iter().map(|coin| &coin.coin);
            let asked = keep::Asked { scene: records::scene(market, account, view, coins), brief };
            return self.consult(self.asked.get_or_init(|| asked)).await;
        }
        let advisor = self.desk.advisors.find(self.trader.provider_id, &self.trader.model_name);
        let advisor = advisor.ok_or_else(|| CycleError::UnknownAdvisor(self.trader.model_name.clone()))?;
        let asked;
        let told = if is_followed {
            let brief = brief(self.desk, &scene, BriefDepth::RulesFollowed).await?;
            let coins = brief.coins.iter().map(|coin| &coin.coin);
            let seen = keep::Asked { scene: records::scene(market, account, view, coins), brief };
            &self.asked.get_or_init(|| seen).brief
        } else {
            asked = brief(self.desk, &scene, BriefDepth::Rules).await?;
            &asked
        };
        match tokio::time::timeout(ADVISOR_TIMEOUT, advisor.advise(told)).await {
            Ok(advice) => Ok(advice?),
            Err(_) => Err(AdvisorError::TimedOut { seconds: ADVISOR_TIMEOUT.as_secs() }.into()),
        }
    }

    async fn consult(&self, asked: &keep::Asked) -> Result<Advice, CycleError> {
        let template = templates::current(self.desk, self.trader.id).await?;
        let question = Question {
            trader: &self.trader,
            provider_id: self.trader.provider_id,
            model_name: &self.trader.model_name,
            template: &template.text,
            cycle: self.id,
            purpose: AiPurpose::Cycle,
        };
        let coins = consult(self.desk, &question, &asked.brief, &self.transcript).await?;
        Ok(Advice { coins, ..Advice::default() })
    }

    /// Builds the commit, tries it, and starts over from fresh reads when the book changed meanwhile.
    async fn decide(
        &self,
        advice: &Advice,
        market: &MarketView,
        account: &AccountView,
        first: BookView,
    ) -> Result<(), CycleError> {
        let mut view = first;
        for _ in 0..COMMIT_ATTEMPTS {
            let changes = self.propose(advice, market, account, &view).await?;
            match self.desk.store.commit(changes).await {
                Ok(()) => return Ok(()),
                Err(CommitError::Conflict("trader")) => {
                    return Err(CycleError::Overtaken("its settings changed while it ran".to_owned()));
                }
                Err(error) if is_conflict(&error) => view = self.view(view.book.id, market.now.day_start()).await?,
                Err(CommitError::Store(error)) => return Err(error.into()),
                Err(error) => return Err(CycleError::Overtaken(error.to_string())),
            }
        }
        Err(CycleError::Overtaken(format!("its account changed {COMMIT_ATTEMPTS} times while it ran")))
    }

    async fn step_down(&self, pause: &AutoPause) -> Result<(), CycleError> {
        let changes = record::step_down(self, pause);
        match self.desk.store.commit(changes).await {
            Ok(()) => Ok(()),
            Err(CommitError::Store(error)) => Err(error.into()),
            Err(error) => Err(CycleError::Overtaken(error.to_string())),
        }
    }
}
