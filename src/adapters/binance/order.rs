//! Orders as Binance takes them: every type that we send, as parameters.

use super::request::Params;
use crate::domain::ids::{CLIENT_ORDER_ID_MAX, ClientOrderId};
use crate::domain::instrument::{FilterViolation, Instrument, Pricing};
use crate::domain::market::Symbol;
use crate::domain::money::{Money, Price, Quantity};
use crate::domain::order::{OrderIntent, OrderKind};
use crate::domain::signal::Side;
use std::fmt;

/// How long a limit may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeInForce {
    /// Until it is cancelled.
    GoodTillCancelled,
    /// Not at all: what does not trade at once expires.
    ImmediateOrCancel,
    /// All at once or nothing.
    FillOrKill,
}

impl fmt::Display for TimeInForce {
    /// The venue's word.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GoodTillCancelled => "GTC",
            Self::ImmediateOrCancel => "IOC",
            Self::FillOrKill => "FOK",
        })
    }
}

/// What kind of order, with exactly the figures that this kind has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderTerms {
    /// So much base at the market.
    Market(Quantity),
    /// Base for so much quote at the market.
    MarketByQuote(Money),
    /// At this price or better.
    Limit(Quantity, Price, TimeInForce),
    /// At this price, refused if it would take.
    LimitMaker(Quantity, Price),
    /// At the market once the price has fallen (a sell) or risen (a buy) to the stop.
    StopLoss(Quantity, Price),
    /// A limit once the stop is met: quantity, stop, limit.
    StopLossLimit(Quantity, Price, Price, TimeInForce),
    /// At the market once the price has risen (a sell) or fallen (a buy) to the target.
    TakeProfit(Quantity, Price),
    /// A limit once the target is met: quantity, target, limit.
    TakeProfitLimit(Quantity, Price, Price, TimeInForce),
}

/// An order to place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// The market.
    pub symbol: Symbol,
    /// Buy or sell.
    pub side: Side,
    /// What kind.
    pub terms: OrderTerms,
    /// The name under which the venue will know it.
    pub client_order_id: ClientOrderId,
}

/// The leg of an OCO that takes the gain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GainLeg {
    /// Rests in the book at this price.
    LimitMaker(Price),
    /// At the market once this price is met.
    TakeProfit(Price),
    /// A limit once the first price is met.
    TakeProfitLimit(Price, Price, TimeInForce),
}

/// The leg of an OCO that stops the loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopLeg {
    /// At the market once this price is met.
    StopLoss(Price),
    /// A limit once the first price is met.
    StopLossLimit(Price, Price, TimeInForce),
}

/// Two orders of which one cancels the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OcoOrder {
    /// The market.
    pub symbol: Symbol,
    /// The side of both.
    pub side: Side,
    /// The quantity of both.
    pub quantity: Quantity,
    /// Takes the gain.
    pub gain: GainLeg,
    /// Stops the loss.
    pub stop: StopLeg,
    /// The name of the list; the names of the legs derive from it.
    pub list_client_order_id: ClientOrderId,
}

/// Why an order cannot be sent as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// A filter of the market.
    #[error(transparent)]
    Filter(#[from] FilterViolation),
    /// The gain is not on the far side of the stop.
    #[error("the target must be {0} the stop of this order")]
    Legs(&'static str),
    /// The name is not one that the venue takes.
    #[error("the client order id must be 1 to {0} letters, digits, - or _")]
    Name(usize),
}

impl NewOrder {
    /// The order that an intent asks for.
    pub fn of_intent(intent: &OrderIntent, client_order_id: ClientOrderId) -> Self {
        let terms = match intent.kind {
            OrderKind::Market => OrderTerms::Market(intent.quantity),
            OrderKind::LimitIoc(limit) => OrderTerms::Limit(intent.quantity, limit, TimeInForce::ImmediateOrCancel),
        };
        Self { symbol: intent.symbol.clone(), side: intent.purpose.side(), terms, client_order_id }
    }

    /// Holds the order against every filter, while the market stands at `reference`.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn check(&self, instrument: &Instrument, reference: Price) -> Result<(), OrderError> {
        check_name(&self.client_order_id)?;
        let check = |quantity, pricing| instrument.check_order(self.side, pricing, quantity, reference);
        match self.terms {
            OrderTerms::Market(quantity) => check(quantity, Pricing::Market)?,
            // The venue cuts the quantity to its grid itself; what it would buy must be a possible order.
            OrderTerms::MarketByQuote(quote) => {
                check(instrument.quantize_quantity(quote.buys_at(reference)), Pricing::Market)?;
            }
            OrderTerms::Limit(quantity, limit, _) | OrderTerms::LimitMaker(quantity, limit) => {
                check(quantity, Pricing::Limit(limit))?;
            }
            OrderTerms::StopLoss(quantity, stop) | OrderTerms::TakeProfit(quantity, stop) => {
                instrument.check_limit(stop)?;
                instrument.check_order(self.side, Pricing::Market, quantity, stop)?;
            }
            OrderTerms::StopLossLimit(quantity, stop, limit, _)
            | OrderTerms::TakeProfitLimit(quantity, stop, limit, _) => {
                instrument.check_limit(stop)?;
                check(quantity, Pricing::Limit(limit))?;
            }
        }
        Ok(())
    }

    /// The order as parameters, asking for a full answer.
    pub fn params(&self) -> Params {
        let params = Params::new().text("symbol", self.symbol.as_str()).plain("side", side_word(self.side));
        let typed = |params: Params, word: &'static str| params.plain("type", word);
        let params = match self.terms {
            OrderTerms::Market(quantity) => typed(params, "MARKET").plain("quantity", quantity),
            OrderTerms::MarketByQuote(quote) => typed(params, "MARKET").plain("quoteOrderQty", quote),
            OrderTerms::Limit(quantity, price, wait) => {
                typed(params, "LIMIT").plain("timeInForce", wait).plain("quantity", quantity).plain("price", price)
            }
            OrderTerms::LimitMaker(quantity, price) => {
                typed(params, "LIMIT_MAKER").plain("quantity", quantity).plain("price", price)
            }
            OrderTerms::StopLoss(quantity, stop) => {
                typed(params, "STOP_LOSS").plain("quantity", quantity).plain("stopPrice", stop)
            }
            OrderTerms::TakeProfit(quantity, target) => {
                typed(params, "TAKE_PROFIT").plain("quantity", quantity).plain("stopPrice", target)
            }
            OrderTerms::StopLossLimit(quantity, stop, price, wait) => {
                let params = typed(params, "STOP_LOSS_LIMIT").plain("timeInForce", wait).plain("quantity", quantity);
                params.plain("price", price).plain("stopPrice", stop)
            }
            OrderTerms::TakeProfitLimit(quantity, target, price, wait) => {
                let params = typed(params, "TAKE_PROFIT_LIMIT").plain("timeInForce", wait).plain("quantity", quantity);
                params.plain("price", price).plain("stopPrice", target)
            }
        };
        params.text("newClientOrderId", self.client_order_id.as_str()).plain("newOrderRespType", "FULL")
    }
}

impl OcoOrder {
    /// Holds both legs against every filter and against each other, while the market stands at `reference`.
    ///
    /// # Errors
    /// The first rule that they break.
    pub fn check(&self, instrument: &Instrument, reference: Price) -> Result<(), OrderError> {
        check_name(&self.list_client_order_id)?;
        let (gain, stop) = (self.gain.terms(self.quantity), self.stop.terms(self.quantity));
        for terms in [gain, stop] {
            let (symbol, client_order_id) = (self.symbol.clone(), self.list_client_order_id.clone());
            NewOrder { symbol, side: self.side, terms, client_order_id }.check(instrument, reference)?;
        }
        let (target, stop) = (self.gain.price(), self.stop.price());
        match self.side {
            Side::Sell if target <= stop => Err(OrderError::Legs("above")),
            Side::Buy if target >= stop => Err(OrderError::Legs("below")),
            Side::Sell | Side::Buy => Ok(()),
        }
    }

    /// The list as parameters. The gain of a sell is above the market, that of a buy below.
    pub fn params(&self) -> Params {
        let params = Params::new()
            .text("symbol", self.symbol.as_str())
            .plain("side", side_word(self.side))
            .plain("quantity", self.quantity)
            .text("listClientOrderId", self.list_client_order_id.as_str());
        let gain = |params, names| leg(params, names, self.gain.figures());
        let stop = |params, names| leg(params, names, self.stop.figures());
        let params = match self.side {
            Side::Sell => stop(gain(params, &ABOVE), &BELOW),
            Side::Buy => gain(stop(params, &ABOVE), &BELOW),
        };
        params.plain("newOrderRespType", "FULL")
    }
}

impl GainLeg {
    /// The price at which it becomes active, or rests.
    const fn price(self) -> Price {
        match self {
            Self::LimitMaker(price) | Self::TakeProfit(price) | Self::TakeProfitLimit(price, ..) => price,
        }
    }

    const fn terms(self, quantity: Quantity) -> OrderTerms {
        match self {
            Self::LimitMaker(price) => OrderTerms::LimitMaker(quantity, price),
            Self::TakeProfit(target) => OrderTerms::TakeProfit(quantity, target),
            Self::TakeProfitLimit(target, limit, wait) => OrderTerms::TakeProfitLimit(quantity, target, limit, wait),
        }
    }

    const fn figures(self) -> LegFigures {
        match self {
            Self::LimitMaker(price) => ("LIMIT_MAKER", Some(price), None, None),
            Self::TakeProfit(target) => ("TAKE_PROFIT", None, Some(target), None),
            Self::TakeProfitLimit(target, limit, wait) => ("TAKE_PROFIT_LIMIT", Some(limit), Some(target), Some(wait)),
        }
    }
}

impl StopLeg {
    const fn price(self) -> Price {
        match self {
            Self::StopLoss(stop) | Self::StopLossLimit(stop, ..) => stop,
        }
    }

    const fn terms(self, quantity: Quantity) -> OrderTerms {
        match self {
            Self::StopLoss(stop) => OrderTerms::StopLoss(quantity, stop),
            Self::StopLossLimit(stop, limit, wait) => OrderTerms::StopLossLimit(quantity, stop, limit, wait),
        }
    }

    const fn figures(self) -> LegFigures {
        match self {
            Self::StopLoss(stop) => ("STOP_LOSS", None, Some(stop), None),
            Self::StopLossLimit(stop, limit, wait) => ("STOP_LOSS_LIMIT", Some(limit), Some(stop), Some(wait)),
        }
    }
}

/// Type, limit, trigger and time in force of a leg.
type LegFigures = (&'static str, Option<Price>, Option<Price>, Option<TimeInForce>);

/// Names of a leg's parameters: type, price, trigger, time in force.
type LegNames = [&'static str; 4];
const ABOVE: LegNames = ["aboveType", "abovePrice", "aboveStopPrice", "aboveTimeInForce"];
const BELOW: LegNames = ["belowType", "belowPrice", "belowStopPrice", "belowTimeInForce"];

fn leg(params: Params, names: &LegNames, (word, limit, trigger, wait): LegFigures) -> Params {
    let [type_name, price_name, trigger_name, wait_name] = *names;
    params.plain(type_name, word).optional(price_name, limit).optional(trigger_name, trigger).optional(wait_name, wait)
}

/// The venue's word for a side.
pub(super) const fn side_word(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}

fn check_name(name: &ClientOrderId) -> Result<(), OrderError> {
    let name = name.as_str();
    let is_plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if is_plain && (1..=CLIENT_ORDER_ID_MAX).contains(&name.len()) {
        Ok(())
    } else {
        Err(OrderError::Name(CLIENT_ORDER_ID_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::instrument::FinerRules;
    use crate::domain::market::Coin;
    use rust_decimal::Decimal;

    fn price(text: &str) -> Price {
        Price::parse(text).expect("price")
    }

    fn quantity(text: &str) -> Quantity {
        Quantity::parse(text).expect("quantity")
    }

    fn order(side: Side, terms: OrderTerms) -> NewOrder {
        let client_order_id = ClientOrderId::from_stored("csa1b2c3-d7-1".into());
        NewOrder { symbol: Symbol("BTCUSDT".into()), side, terms, client_order_id }
    }

    fn btc() -> Instrument {
        Instrument {
            symbol: Symbol("BTCUSDT".into()),
            base: Coin::parse("BTC").expect("coin"),
            quote: Coin::parse("USDT").expect("coin"),
            tick_size: Decimal::new(1, 2),
            step_size: Decimal::new(1, 5),
            min_quantity: Decimal::new(1, 5),
            max_quantity: Decimal::from(9_000),
            min_notional: Decimal::from(5),
            trading: true,
            finer: FinerRules::default(),
        }
    }

    #[test]
    fn each_type_sends_exactly_what_it_needs() {
        use OrderTerms as T;
        use TimeInForce::{FillOrKill, GoodTillCancelled, ImmediateOrCancel};
        let (q, p, s) = (quantity("0.00001000"), price("43250.10"), price("42000"));
        for (side, terms, expected) in [
            (Side::Buy, T::Market(q), "side=BUY&type=MARKET&quantity=0.00001"),
            (Side::Buy, T::MarketByQuote(Money::new(Decimal::from(25))), "side=BUY&type=MARKET&quoteOrderQty=25"),
            (
                Side::Sell,
                T::Limit(q, p, GoodTillCancelled),
                "side=SELL&type=LIMIT&timeInForce=GTC&quantity=0.00001&price=43250.1",
            ),
            (
                Side::Buy,
                T::Limit(q, p, ImmediateOrCancel),
                "side=BUY&type=LIMIT&timeInForce=IOC&quantity=0.00001&price=43250.1",
            ),
            (
                Side::Buy,
                T::Limit(q, p, FillOrKill),
                "side=BUY&type=LIMIT&timeInForce=FOK&quantity=0.00001&price=43250.1",
            ),
            (Side::Buy, T::LimitMaker(q, p), "side=BUY&type=LIMIT_MAKER&quantity=0.00001&price=43250.1"),
            (Side::Sell, T::StopLoss(q, s), "side=SELL&type=STOP_LOSS&quantity=0.00001&stopPrice=42000"),
            (Side::Sell, T::TakeProfit(q, p), "side=SELL&type=TAKE_PROFIT&quantity=0.00001&stopPrice=43250.1"),
            (
                Side::Sell,
                T::StopLossLimit(q, s, p, GoodTillCancelled),
                "side=SELL&type=STOP_LOSS_LIMIT&timeInForce=GTC&quantity=0.00001&price=43250.1&stopPrice=42000",
            ),
            (
                Side::Sell,
                T::TakeProfitLimit(q, p, s, GoodTillCancelled),
                "side=SELL&type=TAKE_PROFIT_LIMIT&timeInForce=GTC&quantity=0.00001&price=42000&stopPrice=43250.1",
            ),
        ] {
            let expected = format!("symbol=BTCUSDT&{expected}&newClientOrderId=csa1b2c3-d7-1&newOrderRespType=FULL");
            assert_eq!(order(side, terms).params().as_str(), expected);
        }
    }

    #[test]
    fn the_gain_of_a_list_lies_above_for_a_sell_and_below_for_a_buy() {
        let mut oco = OcoOrder {
            symbol: Symbol("BTCUSDT".into()),
            side: Side::Sell,
            quantity: quantity("0.01"),
            gain: GainLeg::LimitMaker(price("45000")),
            stop: StopLeg::StopLossLimit(price("42000"), price("41900"), TimeInForce::GoodTillCancelled),
            list_client_order_id: ClientOrderId::from_stored("csa1b2c3-p7-1".into()),
        };
        assert_eq!(
            oco.params().as_str(),
            "symbol=BTCUSDT&side=SELL&quantity=0.01&listClientOrderId=csa1b2c3-p7-1&aboveType=LIMIT_MAKER&abovePrice=45000\
             &belowType=STOP_LOSS_LIMIT&belowPrice=41900&belowStopPrice=42000&belowTimeInForce=GTC&newOrderRespType=FULL"
        );
        assert_eq!(oco.check(&btc(), price("43250")), Ok(()));
        oco.side = Side::Buy;
        assert_eq!(oco.check(&btc(), price("43250")), Err(OrderError::Legs("below")));
        (oco.gain, oco.stop) = (GainLeg::TakeProfit(price("42000")), StopLeg::StopLoss(price("45000")));
        assert_eq!(oco.check(&btc(), price("43250")), Ok(()));
        assert_eq!(
            oco.params().as_str(),
            "symbol=BTCUSDT&side=BUY&quantity=0.01&listClientOrderId=csa1b2c3-p7-1&aboveType=STOP_LOSS&aboveStopPrice=45000\
             &belowType=TAKE_PROFIT&belowStopPrice=42000&newOrderRespType=FULL"
        );
    }

    #[test]
    fn what_the_filters_refuse_is_refused_here() {
        let now = price("43250");
        let check = |terms| order(Side::Sell, terms).check(&btc(), now).map_err(|error| error.to_string());
        let wait = TimeInForce::GoodTillCancelled;
        assert_eq!(check(OrderTerms::StopLossLimit(quantity("1"), price("42000"), price("41900"), wait)), Ok(()));
        let off_tick = check(OrderTerms::StopLoss(quantity("1"), price("42000.001"))).expect_err("off the tick");
        assert_eq!(off_tick, "PRICE_FILTER: price 42000.001 is not a multiple of 0.01");
        let poor = check(OrderTerms::MarketByQuote(Money::new(Decimal::from(4)))).expect_err("too little");
        assert!(poor.starts_with("NOTIONAL: "), "{poor}");
        let mut named = order(Side::Buy, OrderTerms::Market(quantity("1")));
        for bad in ["", "a b", "ä", &"x".repeat(37)] {
            named.client_order_id = ClientOrderId::from_stored(bad.to_owned());
            assert_eq!(named.check(&btc(), now), Err(OrderError::Name(36)), "{bad:?}");
        }
    }
}
