//! A thousand orders whose replies were lost, in several markets: what settling them costs at the exchange, as it counts
//! that itself.

use crate::campaign::world::{ANN, BEGINS_WITH, House, KEY, Owner, SECRET, market};
use crate::support::wiretap::Wiretap;
use countersign::adapters::clock::SystemClock;
use countersign::adapters::paper_exchange::{AccountSpec, FaultScript, LimitsMode, PaperConfig, PaperExchange};
use countersign::domain::account::AccountName;
use countersign::domain::book::Book;
use countersign::domain::ids::{BookId, DecisionId, OrderId};
use countersign::domain::market::{Coin, Quote, Symbol};
use countersign::domain::money::{Money, Price, Quantity};
use countersign::domain::order::{
    Order, OrderCause, OrderEvent, OrderIntent, OrderKind, OrderState, OrderStatus, Purpose,
};
use countersign::domain::signal::PositionSide;
use countersign::domain::time::Timestamp;
use countersign::domain::trader::Trader;
use countersign::domain::venue_kind::{ExchangeEnvironment, VenueKind};
use countersign::ports::clock::Clock;
use countersign::ports::store::{Changes, IdKind, NewAttempt};
use countersign::services::cycle_parts::open_book;
use countersign::services::reconcile::reconcile_now;
use countersign::services::resolve_unknown::{resolve_due, unknown_orders};
use rust_decimal::Decimal;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Orders whose replies were lost; every second one had arrived.
const ORDERS: u32 = 1_000;
/// Markets and what is bought there with each order: about ten USDT's worth.
const MARKETS: [(&str, &str); 5] = [("BTC", "0.0001"), ("ETH", "0.003"), ("SOL", "0.06"), ("XRP", "5"), ("DOGE", "60")];
/// How long ago they were sent: what had not arrived by now cannot arrive any more.
const SENT_BEFORE_MS: i64 = 60_000;
/// How much time passes until they are asked about again.
const ASKED_EVERY_MS: i64 = 15_000;
/// Absence needs three answers, so that the third round settles the last order.
const ROUNDS: usize = 3;
/// Weight of a minute at Binance that background work may use: 65 % of 6,000. A question for each order would cost more.
const BACKGROUND_WEIGHT: u64 = 3_900;
/// In each round each market's three lists; and what is read now and then, such as the exchange's time and its rules.
const REQUESTS_MAX: usize = ROUNDS * MARKETS.len() * 3 + 25;

/// The wall clock, behind or ahead by so much.
struct Shifted(AtomicI64);

impl Shifted {
    fn advance_ms(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for Shifted {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus_ms(self.0.load(Ordering::SeqCst))
    }
}

/// An exchange that counts and lets everybody in: the orders are placed more quickly than its limits would have it.
async fn exchange() -> PaperExchange {
    let balances = BEGINS_WITH.map(|(asset, amount)| format!("{asset}={amount}")).join(",");
    let config = PaperConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        market: market(),
        clock: Arc::new(SystemClock),
        accounts: vec![AccountSpec::parse(&format!("{KEY}:{SECRET}:{balances}")).unwrap()],
        fee_bps: Decimal::TEN,
        limits: LimitsMode::Off,
        state: None,
        state_lines_max: None,
        faults: FaultScript::default(),
    };
    PaperExchange::start(config).await.unwrap()
}

/// A purchase that is not sent yet.
fn journaled(house: &House, book: &Book, account: &AccountName, id: i64, market: (&str, &str)) -> Order {
    let desk = &house.desk;
    let at = desk.clock.now();
    let cause = OrderCause::Decision(DecisionId(id));
    let intent = OrderIntent {
        trader_id: book.trader_id,
        book_id: book.id,
        venue: VenueKind::Testnet,
        account: account.clone(),
        cause,
        coin: Coin::parse(market.0).unwrap(),
        symbol: Symbol(format!("{}USDT", market.0)),
        purpose: Purpose::Entry(PositionSide::Long),
        kind: OrderKind::Market,
        quantity: Quantity::parse(market.1).unwrap(),
        leverage: 1,
        stop_loss: None,
        profit_target: None,
        quote: Quote { price: Price::parse("1").unwrap(), at },
        policy_version: 1,
        terms_version: 1,
    };
    Order {
        id: OrderId(id),
        client_order_id: cause.client_order_id(&desk.installation, 1),
        digest: intent.terms().digest(),
        intent,
        sequence: 1,
        venue_order_id: None,
        state: OrderState::Initialized,
        attempts: 0,
        filled: Quantity::ZERO,
        filled_value: Money::ZERO,
        fees: Money::ZERO,
        created_at: at,
        market_at: at,
        updated_at: at,
        send_before: None,
        version: 1,
    }
}

/// Journals the orders, sends every second one as the desk would, and loses every reply.
async fn lose_replies(house: &House, owner: &Owner, trader: &Trader) -> Vec<Order> {
    let store = &house.desk.store;
    let key = store.credential(trader.id, ExchangeEnvironment::Testnet).await.unwrap().unwrap();
    let account = AccountName::exchange(VenueKind::Testnet, &key.fingerprint);
    let id = BookId(house.desk.next_id(IdKind::Book).await.unwrap());
    let capital = Money::new(trader.settings.initial_capital);
    let book = Book::open(id, trader.id, VenueKind::Testnet, capital, house.desk.clock.now());
    let mut opened = Changes::default();
    open_book(&mut opened, book.clone());
    store.commit(opened).await.unwrap();
    let ids = store.reserve_ids(IdKind::Order, ORDERS).await.unwrap();
    let markets = MARKETS.iter().cycle();
    let mut orders: Vec<Order> =
        ids.into_iter().zip(markets).map(|(id, market)| journaled(house, &book, &account, id, *market)).collect();
    store.commit(Changes { new_orders: orders.clone(), ..Changes::default() }).await.unwrap();

    let now = house.desk.clock.now();
    let sender = store.acquire_lease("process:story", "story", now, now.plus_ms(600_000), None).await.unwrap().unwrap();
    let mut submitted = Changes::default();
    let mut lost = Changes::default();
    for order in &mut orders {
        let sent_at = order.created_at;
        order.apply(OrderEvent::Submit { sent_at, epoch: sender.epoch, attempt: 1 }, sent_at).unwrap();
        let (sender_epoch, sender) = (sender.epoch, sender.name.clone());
        submitted.new_attempts.push(NewAttempt { order_id: order.id, number: 1, sent_at, epoch: sender_epoch, sender });
        submitted.updated_orders.push((order.clone(), 1));
        order.apply(OrderEvent::Lose { why: "the connection broke".to_owned() }, sent_at).unwrap();
        lost.updated_orders.push((order.clone(), 2));
    }
    store.commit(submitted).await.unwrap();
    for order in orders.iter().filter(|order| has_arrived(order)) {
        let (intent, name) = (&order.intent, order.client_order_id.as_str());
        let terms = format!("symbol={}&side=BUY&type=MARKET&quantity={}", intent.symbol.as_str(), intent.quantity);
        let placed = owner.place(&format!("{terms}&newClientOrderId={name}")).await;
        assert_eq!(placed["status"], "FILLED", "{placed}");
    }
    store.commit(lost).await.unwrap();
    orders
}

fn has_arrived(order: &Order) -> bool {
    // Two orders in a row are of different markets, so that each market has both.
    order.id.0 % 2 == 0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_unknown_orders_are_settled_within_the_weight_of_background_work() {
    let exchange = exchange().await;
    let wire = Wiretap::to(&exchange.url()).await;
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(Shifted(AtomicI64::new(-SENT_BEFORE_MS)));
    let desks = Arc::clone(&clock);
    let house = House::open(dir.path(), &wire.url, move |desk| desk.clock = desks).await;
    let trader = house.furnish("market").await;
    let owner = Owner::of(&exchange);
    let orders = lose_replies(&house, &owner, &trader).await;
    assert_eq!(unknown_orders(&house.desk).await.unwrap().len(), orders.len());

    clock.advance_ms(SENT_BEFORE_MS);
    wire.take();
    for _ in 0..ROUNDS {
        resolve_due(&house.desk).await.unwrap();
        clock.advance_ms(ASKED_EVERY_MS);
    }
    let settling = wire.take();
    for order in &orders {
        let wanted = if has_arrived(order) { OrderStatus::Filled } else { OrderStatus::Rejected };
        assert_eq!(house.desk.store.order(order.id).await.unwrap().unwrap().status(), wanted, "{order:?}");
    }
    let told: Vec<&str> = settling.requests.iter().map(|(request, _)| request.as_str()).collect();
    assert!(told.len() <= REQUESTS_MAX, "{} requests: {told:?}", told.len());
    assert_eq!(settling.count("GET /api/v3/order"), 0, "none is asked for by itself: {told:?}");
    assert!((1..=BACKGROUND_WEIGHT).contains(&settling.weight), "weight {}: {told:?}", settling.weight);

    // What reconciliation reads afterwards fits into the same minute.
    let key = house.desk.store.credential(trader.id, ExchangeEnvironment::Testnet).await.unwrap().unwrap();
    let run = reconcile_now(&house.desk, &key.fingerprint, ANN).await.unwrap();
    let differences = house.desk.store.current_differences(&key.fingerprint).await.unwrap();
    assert_eq!(run.outcome.as_str(), "agreed", "{}: {differences:?}", run.summary);
    let afterwards = wire.take().weight;
    assert!(settling.weight + afterwards <= BACKGROUND_WEIGHT, "weight {} and {afterwards}", settling.weight);
    exchange.stop().await;
}
