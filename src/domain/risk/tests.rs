//! Each rule is tripped exactly at its limit: the last value that passes and the first that does not.
//!
//! Unless a test says otherwise: 10,000 of cash, BTC at 100, no slippage, no fees, default limits.

mod filters;
mod limits;
mod live;
mod status;
mod worst_case;

use super::{
    Exposure, RiskChecked, RiskContext, RiskReport, RuleCode, StatusLevel, Verdict, check, risk_status, unresolved,
};
use crate::domain::account::AccountName;
use crate::domain::book::{Book, BookView, Marks};
use crate::domain::decision::{Decision, DecisionSource, DecisionState, Impact};
use crate::domain::digest::Digest;
use crate::domain::ids::{BookId, CycleId, DecisionId, InstallationTag, OrderId, PositionId, TraderId};
use crate::domain::instrument::{FinerRules, Instrument};
use crate::domain::market::{Coin, Quote, Symbol};
use crate::domain::money::{Money, Price, Quantity};
use crate::domain::order::{Order, OrderCause, OrderIntent, OrderKind, Purpose};
use crate::domain::position::Position;
use crate::domain::signal::{PositionSide, Signal};
use crate::domain::time::Timestamp;
use crate::domain::trader_settings::{OrderStyle, TraderSettings};
use crate::domain::venue_kind::VenueKind;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

const LONG: PositionSide = PositionSide::Long;
const SHORT: PositionSide = PositionSide::Short;
const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn coin(name: &str) -> Coin {
    Coin::parse(name).expect("coin")
}

fn price(text: &str) -> Price {
    Price::parse(text).expect("price")
}

fn quantity(text: &str) -> Quantity {
    Quantity::new(text.parse().expect("number")).expect("quantity")
}

fn money(text: &str) -> Money {
    Money::new(text.parse().expect("number"))
}

fn instrument() -> Instrument {
    Instrument {
        symbol: Symbol("BTCUSDT".into()),
        base: coin("BTC"),
        quote: coin("USDT"),
        tick_size: Decimal::new(1, 2),
        step_size: Decimal::new(1, 3),
        min_quantity: Decimal::new(1, 3),
        max_quantity: Decimal::from(9000),
        min_notional: Decimal::from(5),
        trading: true,
        finer: FinerRules::default(),
    }
}

fn intent(purpose: Purpose, name: &str, amount: &str) -> OrderIntent {
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
        quantity: quantity(amount),
        leverage: 1,
        stop_loss: None,
        profit_target: None,
        quote: Quote { price: price("100"), at: NOW },
        policy_version: 1,
        terms_version: 1,
    }
}

fn buy(amount: &str) -> OrderIntent {
    intent(Purpose::Entry(LONG), "BTC", amount)
}

fn sell_short(amount: &str) -> OrderIntent {
    intent(Purpose::Entry(SHORT), "BTC", amount)
}

fn close(amount: &str) -> OrderIntent {
    intent(Purpose::Exit(LONG), "BTC", amount)
}

fn order(id: i64, intent: OrderIntent) -> Order {
    let tag = InstallationTag::parse("a1b2c3").expect("tag");
    Order::journal(OrderId(id), RiskChecked::assumed(intent), 1, &tag, NOW, NOW, None)
}

/// Everything the rules look at, to be bent by each test.
struct Scene {
    settings: TraderSettings,
    view: BookView,
    marks: Marks,
    instrument: Option<Instrument>,
    quote: Option<Quote>,
    /// Intents of the same cycle that passed before.
    earlier: Vec<OrderIntent>,
    /// Free at the exchange of the asset that pays.
    free: Option<Quantity>,
    /// Why the account takes no entries.
    halted: Option<&'static str>,
    safe_mode: bool,
}

impl Scene {
    fn new() -> Self {
        let mut settings = TraderSettings::default();
        for key in ["slippage_pct", "taker_fee_pct"] {
            settings.set(key, "0").expect("in range");
        }
        let book = Book::open(BookId(1), TraderId(1), VenueKind::Simulation, money("10000"), NOW);
        let (positions, open_orders, waiting) = (Vec::new(), Vec::new(), Vec::new());
        Self {
            settings,
            view: BookView { book, positions, open_orders, waiting, entries_today: 0 },
            marks: Marks::new(),
            instrument: Some(instrument()),
            quote: Some(Quote { price: price("100"), at: NOW }),
            earlier: Vec::new(),
            free: None,
            halted: None,
            safe_mode: false,
        }
    }

    fn with(mut self, key: &str, value: &str) -> Self {
        self.settings.set(key, value).expect("in range");
        self
    }

    fn cash(mut self, amount: &str) -> Self {
        self.view.book.cash = money(amount);
        self
    }

    /// Holds `amount` of a coin bought at 100 and paid for in full, marked at 100.
    fn holding(mut self, name: &str, side: PositionSide, amount: &str) -> Self {
        let cost = price("100") * quantity(amount);
        self.view.book.cash = self.view.book.cash - cost;
        self.marks.insert(coin(name), price("100"));
        self.view.positions.push(Position {
            id: PositionId(1),
            trader_id: TraderId(1),
            book_id: BookId(1),
            coin: coin(name),
            symbol: Symbol(format!("{name}USDT")),
            side,
            quantity: quantity(amount),
            cost,
            margin: cost,
            leverage: 1,
            entered: quantity(amount),
            entered_value: cost,
            exited_value: Money::ZERO,
            realized: Money::ZERO,
            fees: Money::ZERO,
            stop_loss: None,
            profit_target: None,
            opened_at: NOW,
            closed_at: None,
            watched_until: NOW,
            version: 1,
        });
        self
    }

    fn mark(mut self, name: &str, at: &str) -> Self {
        self.marks.insert(coin(name), price(at));
        self
    }

    fn under_way(mut self, id: i64, intent: OrderIntent, filled: &str) -> Self {
        let mut order = order(id, intent);
        order.filled = quantity(filled);
        self.view.open_orders.push(order);
        self
    }

    fn waiting(mut self, name: &str, amount: &str) -> Self {
        let digest = Digest::parse(&"a".repeat(64)).expect("digest");
        let state = DecisionState::PendingApproval { expires_at: NOW, digest };
        self.view.waiting.push(decision(name, amount, state));
        self
    }

    fn displayed(mut self, name: &str, amount: &str) -> Self {
        self.view.waiting.push(decision(name, amount, DecisionState::Displayed { expires_at: NOW }));
        self
    }

    fn check(&self, intent: OrderIntent) -> Result<RiskReport, RiskReport> {
        let mut exposure = Exposure::of(&self.view, &self.marks, &self.settings, None, None);
        for earlier in &self.earlier {
            exposure.add_intent(earlier, &self.settings);
        }
        let context = RiskContext {
            settings: &self.settings,
            book: &self.view.book,
            equity: self.view.value(&self.marks).map(|value| value.equity),
            exposure: &exposure,
            entries_today: self.view.entries_today,
            instrument: self.instrument.as_ref(),
            quote: self.quote,
            now: NOW,
            free: self.free,
            halted: self.halted,
            safe_mode: self.safe_mode,
            unresolved: unresolved(&self.view, &intent, None),
        };
        check(intent, &context).map(|checked| checked.report().clone())
    }

    #[track_caller]
    fn passes(&self, intent: OrderIntent) -> RiskReport {
        self.check(intent).unwrap_or_else(|report| panic!("denied: {}", report.reasons()))
    }

    /// Exactly these rules deny, no other.
    #[track_caller]
    fn denies(&self, intent: OrderIntent, rules: &[RuleCode]) -> RiskReport {
        let report = self.check(intent).expect_err("this must be denied");
        assert_eq!(denied(&report), rules, "{}", report.reasons());
        report
    }
}

fn denied(report: &RiskReport) -> Vec<RuleCode> {
    report.denials().map(|result| result.rule).collect()
}

fn verdict(report: &RiskReport, rule: RuleCode) -> Option<Verdict> {
    report.rules.iter().find(|result| result.rule == rule).map(|result| result.verdict)
}

fn decision(name: &str, amount: &str, state: DecisionState) -> Decision {
    Decision {
        id: DecisionId(9),
        trader_id: TraderId(1),
        book_id: BookId(1),
        venue: VenueKind::Simulation,
        account: AccountName::simulation(BookId(1)),
        cycle_id: CycleId(1),
        source: DecisionSource::Advisor,
        coin: coin(name),
        symbol: Some(Symbol(format!("{name}USDT"))),
        signal: Some(Signal::BuyToEnter),
        quantity: Some(quantity(amount)),
        leverage: 1,
        confidence: None,
        profit_target: None,
        stop_loss: None,
        order_style: OrderStyle::Market,
        worst_price: None,
        justification: String::new(),
        explanation: BTreeMap::new(),
        quote: Some(Quote { price: price("100"), at: NOW }),
        risk: RiskReport::default(),
        impact: Impact::default(),
        policy_version: 1,
        edited: false,
        state,
        created_at: NOW,
        resolved_at: None,
        version: 1,
    }
}
