//! Values of every entity, with a full set of data in each.

use countersign::domain::account::AccountName;
use countersign::domain::book::Book;
use countersign::domain::cycle::{AnswerGrade, Cycle, CycleOutcome, CycleTrigger};
use countersign::domain::decision::{Decision, DecisionSource, DecisionState, Impact};
use countersign::domain::digest::Digest;
use countersign::domain::fill::Fill;
use countersign::domain::ids::{
    BUILT_IN_PROVIDER, BookId, CycleId, DecisionId, FillId, InstallationTag, OrderId, PositionId, TraderId,
};
use countersign::domain::market::{Coin, Quote, Symbol};
use countersign::domain::money::{Money, Price, Quantity};
use countersign::domain::order::{Order, OrderCause, OrderIntent, OrderKind, OrderState, Purpose};
use countersign::domain::position::Position;
use countersign::domain::risk::{RiskReport, RuleCode, RuleResult, Verdict};
use countersign::domain::signal::{PositionSide, Signal};
use countersign::domain::time::Timestamp;
use countersign::domain::trader::{Trader, TradingState};
use countersign::domain::trader_settings::{OrderStyle, TraderSettings};
use countersign::domain::venue_kind::{AutomationLevel, Axes, ExchangeType, VenueKind};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::str::FromStr;

pub const TRADER: TraderId = TraderId(1);
pub const BOOK: BookId = BookId(1);
/// 2026-01-02T03:04:05Z.
pub const NOW: Timestamp = Timestamp(1_767_323_045_000);

pub fn dec(text: &str) -> Decimal {
    Decimal::from_str(text).unwrap()
}

pub fn price(text: &str) -> Price {
    Price::new(dec(text)).unwrap()
}

pub fn quantity(text: &str) -> Quantity {
    Quantity::new(dec(text)).unwrap()
}

pub fn money(text: &str) -> Money {
    Money::new(dec(text))
}

pub fn coin(text: &str) -> Coin {
    Coin::parse(text).unwrap()
}

pub fn installation() -> InstallationTag {
    InstallationTag::parse("a1b2c3").unwrap()
}

pub fn trader(id: i64, name: &str) -> Trader {
    Trader {
        id: TraderId(id),
        name: name.to_owned(),
        provider_id: BUILT_IN_PROVIDER,
        model_name: "ema_cross".to_owned(),
        exchange_type: ExchangeType::Binance,
        axes: Axes::default(),
        state: TradingState::Active,
        settings: TraderSettings::default(),
        next_run_at: Some(NOW),
        api_errors: 2,
        model_errors: 0,
        created_at: NOW,
        deleted_at: None,
        version: 1,
    }
}

pub fn book(id: i64, trader: i64, venue: VenueKind) -> Book {
    Book::open(BookId(id), TraderId(trader), venue, money("10000"), NOW)
}

pub fn cycle(id: i64, trader: i64) -> Cycle {
    Cycle {
        id: CycleId(id),
        trader_id: TraderId(trader),
        venue: VenueKind::Simulation,
        automation: AutomationLevel::SemiAutomated,
        trigger: CycleTrigger::Api,
        outcome: CycleOutcome::Completed,
        error: None,
        warnings: vec!["market_data_ignored".to_owned()],
        market_at: NOW,
        started_at: NOW,
        finished_at: NOW.plus_ms(40),
        asked: "what now?".to_owned(),
        answered: "{\"BTC\": \"hold — \u{1f642}\"}".to_owned(),
        answer: Some(AnswerGrade::Partly),
        bundle: Digest::parse(&"0f".repeat(32)),
    }
}

pub fn decision(id: i64, trader: i64, book: i64, state: DecisionState) -> Decision {
    let rule = |verdict, value: Option<&str>| RuleResult {
        rule: RuleCode::PositionSize,
        verdict,
        value: value.map(dec),
        limit: Some(dec("10")),
        unit: "%".to_owned(),
        message: "BTC would be 12.5 % of equity".to_owned(),
    };
    Decision {
        id: DecisionId(id),
        trader_id: TraderId(trader),
        book_id: BookId(book),
        venue: VenueKind::Simulation,
        account: AccountName::simulation(BookId(1)),
        cycle_id: CycleId(1),
        source: DecisionSource::External,
        coin: coin("BTC"),
        symbol: Some(Symbol("BTCUSDT".to_owned())),
        signal: Some(Signal::BuyToEnter),
        quantity: Some(quantity("0.00000001")),
        leverage: 3,
        confidence: Some(dec("0.7")),
        profit_target: Some(price("50000.5")),
        stop_loss: Some(price("39999.99999999")),
        order_style: OrderStyle::Protected,
        worst_price: Some(price("43466.35")),
        justification: "<b>trend</b> \u{2014} up".to_owned(),
        explanation: BTreeMap::from([("rsi".to_owned(), "31".to_owned())]),
        quote: Some(Quote { price: price("43250.10"), at: NOW }),
        risk: RiskReport { rules: vec![rule(Verdict::Deny, Some("12.5")), rule(Verdict::Skip, None)] },
        impact: Impact {
            notional: money("43.2501"),
            fee: money("0.0432501"),
            exposure_after_pct: dec("3.3333333333333333333333333333"),
            loss_at_stop: Some(money("-1.5")),
            ..Impact::default()
        },
        policy_version: 7,
        edited: true,
        state,
        created_at: NOW,
        resolved_at: None,
        version: 1,
    }
}

pub fn displayed(id: i64) -> Decision {
    decision(id, TRADER.0, BOOK.0, DecisionState::Displayed { expires_at: NOW.plus_ms(60_000) })
}

pub fn intent(cause: OrderCause, purpose: Purpose) -> OrderIntent {
    OrderIntent {
        trader_id: TRADER,
        book_id: BOOK,
        venue: VenueKind::Simulation,
        account: AccountName::simulation(BookId(1)),
        cause,
        coin: coin("BTC"),
        symbol: Symbol("BTCUSDT".to_owned()),
        purpose,
        kind: OrderKind::LimitIoc(price("43466.35")),
        quantity: quantity("0.5"),
        leverage: 1,
        stop_loss: Some(price("40000")),
        profit_target: None,
        quote: Quote { price: price("43250.1"), at: NOW },
        policy_version: 7,
        terms_version: 2,
    }
}

/// An entry of the decision with the same number.
pub fn entry(id: i64) -> Order {
    order(id, OrderCause::Decision(DecisionId(id)), Purpose::Entry(PositionSide::Long))
}

pub fn order(id: i64, cause: OrderCause, purpose: Purpose) -> Order {
    let intent = intent(cause, purpose);
    Order {
        id: OrderId(id),
        sequence: 1,
        client_order_id: cause.client_order_id(&installation(), 1),
        venue_order_id: None,
        digest: intent.terms().digest(),
        intent,
        state: OrderState::Initialized,
        attempts: 0,
        filled: Quantity::ZERO,
        filled_value: Money::ZERO,
        fees: Money::ZERO,
        created_at: NOW,
        market_at: NOW,
        updated_at: NOW,
        send_before: Some(NOW.plus_ms(900_000)),
        version: 1,
    }
}

pub fn fill(id: i64, order: &Order, trade_id: i64) -> Fill {
    Fill {
        id: FillId(id),
        order_id: order.id,
        trader_id: order.intent.trader_id,
        book_id: order.intent.book_id,
        venue: order.intent.venue,
        coin: order.intent.coin.clone(),
        symbol: order.intent.symbol.clone(),
        trade_id,
        side: order.intent.purpose.side(),
        price: price("43250.1"),
        quantity: quantity("0.25"),
        fee: money("10.81252500"),
        fee_asset: coin("USDT"),
        fee_value: money("10.81252500"),
        is_maker: false,
        at: NOW.plus_ms(id),
    }
}

pub fn position(id: i64, name: &str) -> Position {
    Position {
        id: PositionId(id),
        trader_id: TRADER,
        book_id: BOOK,
        coin: coin(name),
        symbol: Symbol(format!("{name}USDT")),
        side: PositionSide::Short,
        quantity: quantity("0.5"),
        cost: money("21625.05"),
        margin: money("7208.35"),
        leverage: 3,
        entered: quantity("0.75"),
        entered_value: money("32437.575"),
        exited_value: money("10000"),
        realized: money("-812.525"),
        fees: money("42.4"),
        stop_loss: Some(price("45000")),
        profit_target: Some(price("39000")),
        opened_at: NOW,
        closed_at: None,
        watched_until: NOW.plus_ms(5),
        version: 1,
    }
}
