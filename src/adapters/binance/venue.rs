//! An account at Binance behind the ports: orders go out once, and what is not proven is told as ambiguous.

use super::classify::{CODE_FILTER, CODE_NO_SUCH_ORDER, CODE_PRECISION, Refusal};
use super::client::{Answered, BinanceClient, OrderRef};
use super::decode;
use super::host::CallError;
use super::order::NewOrder;
use super::wire::{SideWord, WireOrder};
use crate::domain::credential::{AccountFingerprint, KeyPermissions};
use crate::domain::market::{Coin, Symbol};
use crate::domain::order::Order;
use crate::domain::signal::Side;
use crate::domain::time::Timestamp;
use crate::domain::venue_kind::{ExchangeEnvironment, VenueKind};
use crate::ports::exchange::{AssetBalance, ExchangeAccount, ExchangeError, TradesFrom, VenueOrder, VenueTrade};
use crate::ports::store::JournaledOrder;
use crate::ports::venue::{CancelOutcome, OrderContext, QueryOutcome, SubmitOutcome, Venue, VenueReport};
use async_trait::async_trait;
use std::sync::atomic::{AtomicBool, Ordering};

/// Codes that say that the key, its secret or its rights are not in order.
const BAD_KEY_CODES: &[i64] = &[-1002, -1022, -2014];
/// Codes that say that the key is not known here.
const UNKNOWN_KEY_CODES: &[i64] = &[-2008, -2015];

/// One account, reached through one key.
pub struct BinanceAccount {
    client: BinanceClient,
    environment: ExchangeEnvironment,
    /// Whether the venue has tested an order of this key. One is tested before the first is placed.
    is_tested: AtomicBool,
    /// Whether the key has worked here, so that it cannot be of the other environment.
    has_worked: AtomicBool,
}

impl BinanceAccount {
    /// An account behind a client of this environment's host.
    pub const fn new(client: BinanceClient, environment: ExchangeEnvironment) -> Self {
        Self { client, environment, is_tested: AtomicBool::new(false), has_worked: AtomicBool::new(false) }
    }

    /// The client, for calls that no port has.
    pub const fn client(&self) -> &BinanceClient {
        &self.client
    }

    /// Sends an order once and tells what is proven about it.
    pub(super) async fn send(&self, order: &Order) -> SubmitOutcome {
        let wire = NewOrder::of_intent(&order.intent, order.client_order_id.clone());
        if let Some(outcome) = self.test_first(&wire).await {
            return outcome;
        }
        let error = match self.client.place(&wire).await {
            Ok(answered) => {
                if let Err(why) = is_ours(order, &answered.value) {
                    return SubmitOutcome::Ambiguous { why };
                }
                let known = decode::fills(&answered.value).unwrap_or_default();
                let without_trades = decode::report(&answered.value, known, answered.raw.clone());
                // It was placed, whatever becomes of the question about its trades: that can be asked again.
                return SubmitOutcome::Accepted(self.completed(answered).await.unwrap_or(without_trades));
            }
            Err(error) => error,
        };
        let (why, retry_after_ms) = (error.to_string(), error.retry_after_ms());
        match error {
            CallError::Refused(refusal) => self.rejected(&refusal),
            CallError::Duplicate(_) => self.adopt(order).await,
            CallError::Held(_) | CallError::NotSent(_) => SubmitOutcome::NotSent { why, retry_after_ms },
            CallError::ClockOff(_) | CallError::Limited { refusal: Some(_), .. } => {
                SubmitOutcome::NotAccepted { why, retry_after_ms }
            }
            CallError::Limited { refusal: None, .. }
            | CallError::Lost(_)
            | CallError::Ambiguous { .. }
            | CallError::Unreadable(_) => SubmitOutcome::Ambiguous { why },
        }
    }

    /// Lets the venue check the key's first order without placing it. `None` when it may be placed.
    async fn test_first(&self, order: &NewOrder) -> Option<SubmitOutcome> {
        if self.is_tested.load(Ordering::Acquire) {
            return None;
        }
        match self.client.test_order(order).await {
            Ok(()) => {
                self.is_tested.store(true, Ordering::Release);
                None
            }
            Err(CallError::Refused(refusal)) => Some(self.rejected(&refusal)),
            // A test places nothing, so nothing is ambiguous about it: the order itself has not left.
            Err(error) => Some(SubmitOutcome::NotSent {
                why: format!("this key's first order could not be tested: {error}"),
                retry_after_ms: error.retry_after_ms(),
            }),
        }
    }

    fn rejected(&self, refusal: &Refusal) -> SubmitOutcome {
        if matches!(refusal.code, CODE_FILTER | CODE_PRECISION) {
            self.client.host().doubt_filters();
        }
        let (code, message) = (refusal.code.to_string(), refusal.message.clone());
        SubmitOutcome::Rejected { code, message, raw: refusal.body() }
    }

    /// An order of our name is there already. If it is the one that was journaled, it is taken for what it is.
    async fn adopt(&self, order: &Order) -> SubmitOutcome {
        let ambiguous = |why: String| SubmitOutcome::Ambiguous { why };
        match self.look(order, OrderRef::Name(order.client_order_id.as_str())).await {
            QueryOutcome::Found(report) => SubmitOutcome::Accepted(report),
            QueryOutcome::NotFound { .. } => {
                ambiguous("Binance says that an order of this name is there, and does not show it".to_owned())
            }
            QueryOutcome::Unavailable { why } => ambiguous(format!("an order of this name is there; {why}")),
        }
    }

    /// Asks about an order and, where it has executed, about its trades.
    async fn look(&self, order: &Order, by: OrderRef<'_>) -> QueryOutcome {
        let unavailable = |why: String| QueryOutcome::Unavailable { why };
        match self.client.order(&order.intent.symbol, by).await {
            Ok(answered) => {
                if let Err(why) = is_ours(order, &answered.value) {
                    return unavailable(why);
                }
                match self.completed(answered).await {
                    Ok(report) => QueryOutcome::Found(report),
                    Err(why) => unavailable(why),
                }
            }
            Err(CallError::Refused(refusal)) if refusal.code == CODE_NO_SUCH_ORDER => {
                QueryOutcome::NotFound { is_final: false }
            }
            Err(error) => unavailable(error.to_string()),
        }
    }

    /// The order with its executions. These come with the answer, or are asked for where the answer has less than it
    /// says was executed.
    async fn completed(&self, answered: Answered<WireOrder>) -> Result<VenueReport, String> {
        let Answered { value: order, raw } = answered;
        let told = decode::fills(&order).unwrap_or_default();
        let report = decode::report(&order, told, raw);
        let known = report.fills.iter().map(|fill| fill.quantity).sum::<crate::domain::money::Quantity>();
        if known.decimal() >= decode::executed(&order) {
            return Ok(report);
        }
        let symbol = Symbol(order.symbol.clone());
        let trades = self.client.trades_of_order(&symbol, order.order_id).await.map_err(|error| error.to_string())?;
        let fills = trades.iter().map(|trade| decode::trade(trade).map(|trade| trade.fill)).collect::<Result<_, _>>();
        let fills = fills.map_err(|what: String| format!("Binance's list of trades {what}"))?;
        Ok(decode::report(&order, fills, report.raw))
    }

    fn error(&self, error: CallError) -> ExchangeError {
        match error {
            CallError::Refused(refusal) if UNKNOWN_KEY_CODES.contains(&refusal.code) => {
                // A key that has worked here lost a right or its address, or the address is banned.
                if self.has_worked.load(Ordering::Acquire) {
                    ExchangeError::BadKey(refusal.to_string())
                } else {
                    ExchangeError::WrongEnvironment(refusal.to_string())
                }
            }
            CallError::Refused(refusal) if BAD_KEY_CODES.contains(&refusal.code) => {
                ExchangeError::BadKey(refusal.to_string())
            }
            CallError::Refused(refusal) | CallError::Duplicate(refusal) => {
                ExchangeError::Refused { code: refusal.code.to_string(), message: refusal.message }
            }
            CallError::ClockOff(refusal) => ExchangeError::ClockSkew(refusal.to_string()),
            CallError::Held(_) | CallError::Limited { .. } => {
                ExchangeError::RateLimited { why: error.to_string(), retry_after_ms: error.retry_after_ms() }
            }
            CallError::Unreadable(why) => ExchangeError::Unreadable(why),
            CallError::NotSent(why) | CallError::Lost(why) | CallError::Ambiguous { why, .. } => {
                ExchangeError::Unreachable(why)
            }
        }
    }

    fn orders(&self, listed: Result<Vec<WireOrder>, CallError>) -> Result<Vec<VenueOrder>, ExchangeError> {
        let listed = listed.map_err(|error| self.error(error))?;
        listed.iter().map(decode::listed).collect::<Result<_, _>>().map_err(unreadable)
    }
}

#[async_trait]
impl Venue for BinanceAccount {
    fn kind(&self) -> VenueKind {
        match self.environment {
            ExchangeEnvironment::Testnet => VenueKind::Testnet,
            ExchangeEnvironment::Mainnet => VenueKind::Mainnet,
        }
    }

    async fn submit(&self, order: &JournaledOrder, _context: OrderContext<'_>) -> SubmitOutcome {
        self.send(order.order()).await
    }

    async fn query(&self, order: &Order, _context: OrderContext<'_>) -> QueryOutcome {
        self.look(order, reference(order)).await
    }

    async fn cancel(&self, order: &Order, _context: OrderContext<'_>) -> CancelOutcome {
        match self.client.cancel(&order.intent.symbol, reference(order)).await {
            Ok(answered) => {
                if let Err(why) = is_ours(order, &answered.value) {
                    return CancelOutcome::Unavailable { why };
                }
                let without_trades = decode::report(&answered.value, Vec::new(), answered.raw.clone());
                CancelOutcome::Canceled(self.completed(answered).await.unwrap_or(without_trades))
            }
            Err(CallError::Refused(refusal)) => CancelOutcome::Refused { why: refusal.to_string() },
            Err(error) => CancelOutcome::Unavailable { why: error.to_string() },
        }
    }
}

#[async_trait]
impl ExchangeAccount for BinanceAccount {
    fn fingerprint(&self) -> &AccountFingerprint {
        self.client.fingerprint()
    }

    async fn time(&self) -> Result<Timestamp, ExchangeError> {
        self.client.host().timestamp_ms().await.map(Timestamp).map_err(|error| self.error(error))
    }

    async fn permissions(&self) -> Result<KeyPermissions, ExchangeError> {
        let account = self.client.account().await.map_err(|error| self.error(error))?;
        self.has_worked.store(true, Ordering::Release);
        let mut permissions =
            KeyPermissions { can_trade: account.can_trade, granted: account.permissions, ..KeyPermissions::default() };
        // Testnet does not tell; only there may that be passed over.
        if self.environment == ExchangeEnvironment::Mainnet {
            let key = self.client.api_restrictions().await.map_err(|error| self.error(error))?;
            permissions.can_trade &= key.enable_reading && key.enable_spot_and_margin_trading;
            permissions.ip_restricted = Some(key.ip_restrict);
            let lets_money_leave =
                [key.enable_withdrawals, key.enable_internal_transfer, key.permits_universal_transfer];
            permissions.can_withdraw = Some(lets_money_leave.contains(&true));
            permissions.granted.extend(decode::granted(&key));
        }
        Ok(permissions)
    }

    async fn balances(&self) -> Result<Vec<AssetBalance>, ExchangeError> {
        let account = self.client.account().await.map_err(|error| self.error(error))?;
        self.has_worked.store(true, Ordering::Release);
        // An asset whose name cannot be a coin's here has no market that we could trade, and is nobody's position.
        let balance = |asset: Option<Coin>, free, locked| asset.map(|asset| AssetBalance { asset, free, locked });
        let held = account.balances.iter().filter(|held| !(held.free.0.is_zero() && held.locked.0.is_zero()));
        Ok(held.filter_map(|held| balance(Coin::parse(&held.asset), held.free.0, held.locked.0)).collect())
    }

    async fn open_orders(&self, symbol: Option<&Symbol>) -> Result<Vec<VenueOrder>, ExchangeError> {
        self.orders(self.client.open_orders(symbol).await)
    }

    async fn orders_since(&self, symbol: &Symbol, since: Timestamp) -> Result<Vec<VenueOrder>, ExchangeError> {
        self.orders(self.client.all_orders(symbol, since).await)
    }

    async fn trades(&self, symbol: &Symbol, from: TradesFrom) -> Result<Vec<VenueTrade>, ExchangeError> {
        let trades = self.client.trades(symbol, from).await.map_err(|error| self.error(error))?;
        trades.iter().map(decode::trade).collect::<Result<_, _>>().map_err(unreadable)
    }
}

impl std::fmt::Debug for BinanceAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BinanceAccount").field("client", &self.client).finish_non_exhaustive()
    }
}

/// The venue's own id is quickest and cannot be another's; before it is known, the name is all there is.
fn reference(order: &Order) -> OrderRef<'_> {
    order.venue_order_id.map_or(OrderRef::Name(order.client_order_id.as_str()), OrderRef::Id)
}

/// Whether an answer is about the order that was journaled.
fn is_ours(order: &Order, answer: &WireOrder) -> Result<(), String> {
    let side = match order.intent.purpose.side() {
        Side::Buy => SideWord::Buy,
        Side::Sell => SideWord::Sell,
    };
    let is_same = decode::name(answer) == order.client_order_id.as_str()
        && answer.symbol == order.intent.symbol.as_str()
        && answer.side.as_ref().is_none_or(|told| *told == side)
        && answer.orig_qty.is_none_or(|told| told.0 == order.intent.quantity.decimal());
    if is_same { Ok(()) } else { Err("Binance's answer is about another order".to_owned()) }
}

fn unreadable(what: String) -> ExchangeError {
    ExchangeError::Unreadable(format!("Binance's answer {what}"))
}
