//! Money is neither lost nor made: whatever is bought and sold, the books add up at every step.

use countersign::domain::account::AccountName;
use countersign::domain::fill::Fill;
use countersign::domain::ids::{BookId, DecisionId, FillId, OrderId, PositionId, TraderId};
use countersign::domain::ledger::{LedgerAccount, LedgerTransaction, deposit};
use countersign::domain::market::{Coin, Quote, Symbol};
use countersign::domain::money::{Money, Price, Quantity};
use countersign::domain::order::{OrderCause, OrderIntent, OrderKind, Purpose};
use countersign::domain::position::{FillEffect, Position, apply_fill};
use countersign::domain::protection::{Trigger, liquidation_price, triggered};
use countersign::domain::signal::PositionSide;
use countersign::domain::time::Timestamp;
use countersign::domain::venue_kind::VenueKind;
use proptest::prelude::*;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

const COINS: [&str; 3] = ["BTC", "ETH", "DOGE"];

fn coin(name: &str) -> Coin {
    Coin::parse(name).expect("coin")
}

fn usdt() -> Coin {
    coin("USDT")
}

fn intent(name: &str, purpose: Purpose, leverage: u32) -> OrderIntent {
    OrderIntent {
        trader_id: TraderId(1),
        book_id: BookId(1),
        venue: VenueKind::Simulation,
        account: AccountName::simulation(BookId(1)),
        cause: OrderCause::Decision(DecisionId(1)),
        coin: coin(name),
        symbol: Symbol(format!("{name}USDT")),
        purpose,
        kind: OrderKind::Market,
        quantity: Quantity::ZERO,
        leverage,
        stop_loss: None,
        profit_target: None,
        quote: Quote { price: Price::parse("1").expect("price"), at: Timestamp(0) },
        policy_version: 1,
        terms_version: 1,
    }
}

fn fill(id: i64, intent: &OrderIntent, price: Price, quantity: Quantity, fee: Money) -> Fill {
    Fill {
        id: FillId(id),
        order_id: OrderId(1),
        trader_id: intent.trader_id,
        book_id: intent.book_id,
        venue: intent.venue,
        coin: intent.coin.clone(),
        symbol: intent.symbol.clone(),
        trade_id: id,
        side: intent.purpose.side(),
        price,
        quantity,
        fee,
        fee_asset: usdt(),
        fee_value: fee,
        is_maker: false,
        at: Timestamp(id),
    }
}

fn take(open: Option<&Position>, intent: &OrderIntent, fill: &Fill) -> FillEffect {
    apply_fill(open, PositionId(1), intent, fill, &usdt()).expect("the fill fits")
}

/// A price from 0.0001 to 100,000 with up to six places.
fn any_price() -> impl Strategy<Value = Price> {
    (1u32..1_000_000_000, 4u32..=6)
        .prop_map(|(units, scale)| Price::new(Decimal::new(i64::from(units), scale)).expect("in bounds"))
}

/// A quantity from 0.00000001 to 40,000 with up to eight places.
fn any_quantity() -> impl Strategy<Value = Quantity> {
    (prop_oneof![1u32..u32::MAX, 1u32..10_000_000], 5u32..=8)
        .prop_map(|(units, scale)| Quantity::new(Decimal::new(i64::from(units), scale)).expect("in bounds"))
}

fn any_side() -> impl Strategy<Value = PositionSide> {
    any::<bool>().prop_map(|long| if long { PositionSide::Long } else { PositionSide::Short })
}

/// One thing that may happen to one coin.
#[derive(Clone, Debug)]
struct Step {
    coin: &'static str,
    price: Price,
    quantity: Quantity,
    side: PositionSide,
    leverage: u32,
    exits: bool,
    whole: bool,
}

prop_compose! {
    fn any_step()(
        coin in proptest::sample::select(&COINS[..]),
        price in any_price(),
        quantity in any_quantity(),
        side in any_side(),
        leverage in 1u32..=20,
        exits in any::<bool>(),
        whole in any::<bool>(),
    ) -> Step {
        Step { coin, price, quantity, side, leverage, exits, whole }
    }
}

/// The books of one trader, kept by nothing but the ledger.
#[derive(Default)]
struct Books {
    accounts: BTreeMap<(LedgerAccount, Option<Coin>, Coin), Decimal>,
    open: BTreeMap<&'static str, Position>,
    marks: BTreeMap<&'static str, Price>,
    realized: Money,
    fees: Money,
    fills: i64,
}

impl Books {
    fn post(&mut self, transaction: &LedgerTransaction) {
        let mut sums: BTreeMap<Coin, Decimal> = BTreeMap::new();
        for line in transaction.entries() {
            *sums.entry(line.asset.clone()).or_default() += line.amount;
            let account = (line.account, line.coin.clone(), line.asset.clone());
            *self.accounts.entry(account).or_default() += line.amount;
        }
        assert!(sums.values().all(Decimal::is_zero), "out of balance: {transaction:?}");
    }

    fn total(&self, account: LedgerAccount, asset: &Coin) -> Decimal {
        self.accounts.iter().filter(|((name, _, of), _)| *name == account && of == asset).map(|(_, sum)| sum).sum()
    }

    fn step(&mut self, step: &Step) -> FillEffect {
        self.fills += 1;
        self.marks.insert(step.coin, step.price);
        let open = self.open.remove(step.coin);
        let (purpose, quantity) = match &open {
            Some(held) if step.exits => {
                (Purpose::Exit(held.side), if step.whole { held.quantity } else { step.quantity.min(held.quantity) })
            }
            Some(held) => (Purpose::Entry(held.side), step.quantity),
            None => (Purpose::Entry(step.side), step.quantity),
        };
        let intent = intent(step.coin, purpose, step.leverage);
        let fee = (step.price * quantity).percent(Decimal::new(1, 1)).round_up();
        let effect = take(open.as_ref(), &intent, &fill(self.fills, &intent, step.price, quantity, fee));
        self.post(&effect.transaction);
        self.realized += effect.realized;
        self.fees += fee;
        if !effect.position.is_closed() {
            self.open.insert(step.coin, effect.position.clone());
        }
        effect
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_transaction_sums_to_zero_and_equity_is_what_was_put_in_and_earned(
        steps in proptest::collection::vec(any_step(), 1..40),
    ) {
        let mut books = Books::default();
        let capital = Money::new(Decimal::from(10_000));
        books.post(&deposit(BookId(1), &usdt(), capital, Timestamp(0)).expect("balanced"));
        for step in &steps {
            let effect = books.step(step);
            let cash = Money::new(books.total(LedgerAccount::Cash, &usdt()));
            let value: Money = books.open.iter().map(|(name, held)| held.value(books.marks[name])).sum();
            let unrealized: Money = books.open.iter().map(|(name, held)| held.unrealized(books.marks[name])).sum();
            prop_assert_eq!(cash + value, capital + books.realized - books.fees + unrealized);

            let margin: Money = books.open.values().map(|held| held.margin).sum();
            prop_assert_eq!(books.total(LedgerAccount::Margin, &usdt()), margin.decimal());
            prop_assert_eq!(books.total(LedgerAccount::Fees, &usdt()), books.fees.decimal());
            prop_assert_eq!(books.total(LedgerAccount::Capital, &usdt()), -capital.decimal());
            let borne = books.total(LedgerAccount::Insurance, &usdt());
            prop_assert!(borne <= Decimal::ZERO, "the venue never pays a profit");
            prop_assert_eq!(books.total(LedgerAccount::RealizedPnl, &usdt()), -books.realized.decimal() - borne);

            let held = books.open.get(step.coin);
            let signed = held.map_or(Decimal::ZERO, |held| match held.side {
                PositionSide::Long => held.quantity.decimal(),
                PositionSide::Short => -held.quantity.decimal(),
            });
            prop_assert_eq!(books.total(LedgerAccount::Holding, &coin(step.coin)), signed);
            prop_assert_eq!(books.total(LedgerAccount::Venue, &coin(step.coin)), -signed);
            if effect.position.is_closed() {
                prop_assert_eq!((effect.position.cost, effect.position.margin), (Money::ZERO, Money::ZERO));
            }
        }
    }

    #[test]
    fn entries_of_one_order_lead_to_the_same_position_in_whatever_order_they_are_told(
        (told, shuffled) in proptest::collection::vec((any_price(), any_quantity()), 1..12)
            .prop_flat_map(|fills| (Just(fills.clone()), Just(fills).prop_shuffle())),
        side in any_side(),
        leverage in 1u32..=20,
    ) {
        let intent = intent("BTC", Purpose::Entry(side), leverage);
        let fold = |fills: &[(Price, Quantity)]| {
            let (mut open, mut cash): (Option<Position>, Money) = (None, Money::ZERO);
            for (id, (price, quantity)) in (1..).zip(fills) {
                let fee = (*price * *quantity).percent(Decimal::new(1, 1)).round_up();
                let effect = take(open.as_ref(), &intent, &fill(id, &intent, *price, *quantity, fee));
                cash += effect.transaction.cash_change();
                open = Some(effect.position);
            }
            let held = open.expect("at least one fill");
            let average = held.average_price();
            (cash, held.quantity, held.cost, held.margin, held.fees, held.entered, held.entered_value, average)
        };
        prop_assert_eq!(fold(&told), fold(&shuffled));
    }

    #[test]
    fn a_position_never_costs_more_than_its_margin_and_fees_whatever_the_price_does(
        entries in proptest::collection::vec((any_price(), any_quantity()), 1..6),
        exits in proptest::collection::vec((any_price(), any_quantity()), 0..6),
        last in any_price(),
        side in any_side(),
        leverage in 1u32..=20,
    ) {
        let (mut books, mut put_in) = (Books::default(), Money::ZERO);
        let step = |price, quantity, exits, whole| Step { coin: "BTC", price, quantity, side, leverage, exits, whole };
        for (price, quantity) in entries {
            let before = books.open.get("BTC").map_or(Money::ZERO, |held| held.margin);
            put_in += books.step(&step(price, quantity, false, false)).position.margin - before;
        }
        for (price, quantity) in exits {
            if let Some(held) = books.open.get("BTC").cloned() {
                let effect = books.step(&step(price, quantity, true, false));
                prop_assert!(effect.realized >= effect.position.margin - held.margin, "beyond the margin of the part");
            }
        }
        if books.open.contains_key("BTC") {
            books.step(&step(last, Quantity::ZERO, true, true));
        }
        let cash = Money::new(books.total(LedgerAccount::Cash, &usdt()));
        prop_assert!(cash >= -(put_in + books.fees), "lost {cash} of {put_in} and fees {}", books.fees);
        prop_assert!(books.open.is_empty());
    }

    #[test]
    fn at_its_liquidation_price_a_position_still_has_some_margin_and_no_more_than_maintenance(
        price in any_price(), quantity in any_quantity(), side in any_side(), leverage in 2u32..=20,
    ) {
        prop_assume!((price * quantity).decimal() > Decimal::ONE && price.decimal() > Decimal::ONE);
        let entry = intent("BTC", Purpose::Entry(side), leverage);
        let held = take(None, &entry, &fill(1, &entry, price, quantity, Money::ZERO)).position;
        let limit = liquidation_price(&held).expect("leverage can be liquidated");
        let is_adverse = if side == PositionSide::Long { limit < price } else { limit > price };
        prop_assert!(is_adverse);
        prop_assert_eq!(triggered(&held, limit, limit), Some(Trigger::Liquidation(limit)));
        prop_assert_eq!(triggered(&held, price, price), None);
        let left = held.value(limit);
        let share = left.percent_of(limit * quantity).expect("worth something");
        prop_assert!(share > Decimal::ZERO && (share - Decimal::new(5, 1)).abs() < Decimal::new(1, 2), "{share} %");
    }

    #[test]
    fn an_unleveraged_long_is_never_liquidated_however_it_was_built_and_reduced(
        steps in proptest::collection::vec(any_step(), 1..30),
    ) {
        let mut books = Books::default();
        for step in steps {
            let step = Step { coin: "BTC", side: PositionSide::Long, leverage: 1, ..step };
            books.step(&step);
            if let Some(held) = books.open.get("BTC") {
                prop_assert_eq!(liquidation_price(held), None, "{:?}", held);
            }
        }
    }
}
